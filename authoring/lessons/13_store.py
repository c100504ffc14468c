# %% [markdown]
# # 13 · Keep what was promised
#
# *You will do:* kill a server before each of its steps, and cut the power of a disk; then look at what is left.
#
# *You will be able to*
# - say what a client knows when it has read a yes, and what when it has not,
# - put storing and answering into the right order, and show at each step that it is right,
# - choose settings of SQLite with which a power cut takes nothing that was promised.
#
# *You need:* lessons 7 and 11.

# %% [markdown]
# ZeroMQ's Guide has a server for requests that must not get lost, Titanic. It writes a request to a file, sends word over a pipe in memory to its dispatcher, the part that has requests done, and answers 200: the request is [stored persistently](https://rfc.zeromq.org/spec/9/). But while the dispatcher waits for a slow worker, it does not read the pipe. Kill the program in that moment, and start it again: the file is there, and
# [nobody looks for it](https://github.com/booksbyus/zguide/blob/080015cc25a9f378d5ba5cb328bf35f34d743e19/examples/Python/titanic.py). The client is told 300, "pending", for ever.
#
# So: **what is a yes worth when the broker dies?**

# %%
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import zmq

from zmqlab.balance.brokers import idle_worker
from zmqlab.run import Arrivals, Experiment, Lives, assert_all_quiet
from zmqlab.show import Prediction, plots

try:
    import apsw  # SQLite once more; this one lets us watch its files
except ImportError:
    apsw = None

# %% [markdown]
# ## The broker dies
#
# `Lives` runs a function in processes of its own: `begin` starts one, `kill` ends it, as the command `kill -9` does: at once, with no chance to clean up.
#
# Here it is lesson 7's broker. A client asks six questions at once. When the worker w1 has answered two, the broker is killed. The client asks a seventh question. Then a new broker begins at the same endpoints, with a new worker, w2.
#
# > **Predict.** How many of the first six are answered in the end?

# %%
of_six = Prediction("Questions of the first 6 that are answered", low=0, high=6)
of_six


# %%
answers = []
with Experiment() as lab, Lives(idle_worker) as lives:
    frontend, backend = lab.endpoint(), lab.endpoint()
    client, w1, w2 = (lab.ctx.socket(kind) for kind in (zmq.DEALER, zmq.REQ, zmq.REQ))
    connections = Arrivals(client)
    client.connect(frontend)
    for worker, questions, answered in [(w1, range(1, 7), 2), (w2, [7], 1)]:
        for number in questions:
            client.send_multipart([b"", b"%d" % number])
        broker = lives.begin(frontend, backend)
        worker.connect(backend)
        worker.send(b"READY")
        for _ in range(answered):
            *envelope, question = worker.recv_multipart()
            worker.send_multipart([*envelope, question + b" done"])
            answers.append(client.recv_multipart()[1].decode())
        broker.kill()
        lab.until(lambda: connections.count == 0, what="the client's connection to end")

print("answers:", ", ".join(answers))
of_six.compare(sum(answer < "7" for answer in answers))

# %% [markdown]
# Two. The client's socket has connected again by itself, and the seventh question was answered. ZeroMQ mends the connection, and not what was in the broker's memory. No call raised an error.
#
# Of 3 to 6 the client knows nothing; perhaps w1 is at work on one. It can ask again (lesson 11), as long as it lives itself. Or somebody takes them off its hands: keeps each request, says so, and has it done sooner or later. That yes is a **receipt**.
#
# ## A store
#
# A store writes requests to a file, which outlives its process. Python brings SQLite, a database in a file. A **transaction** is a group of changes that count together or not at all; its **commit** makes them count.
#
# A client says `keep`, and asks for the `result`. A worker asks for the `next` request, and says `done`. The client makes the id.

# %%
TABLE = "create table if not exists requests (id primary key, body, result)"


def carry_out(db, frames):
    """Do what a client or a worker asks for; return the answer."""
    match frames:
        case [b"keep", id, body]:
            db.execute("insert or ignore into requests values (?, ?, null)", (id, body))
            return [b"yes"]
        case [b"keep", body]:  # without an id: of that at the end
            id = uuid4().hex.encode()
            return [*carry_out(db, [b"keep", id, body]), id]
        case [b"result", id]:
            row = db.execute("select result from requests where id = ?", (id,)).fetchone()
            return [b"unknown"] if row is None else [row[0] or b"not yet"]
        case [b"next"]:
            row = db.execute("select id, body from requests where result is null").fetchone()
            return row or [b"nothing to do"]
        case [b"done", id, result]:
            db.execute("update requests set result = ? where id = ?", (result, id))
            return [b"yes"]


# %% [markdown]
# `or ignore`: a copy of a request that is there changes nothing.
#
# Before an `insert` or `update`, Python's sqlite3 begins a transaction by itself. To commit it is our part. When? Here are four programs in one. As long as it lives, each of them answers everything right.


# %%
PROGRAMS = ["memory only", "commits never", "answers, then commits", "commits, then answers"]


def store(ctx, endpoint, path, program):
    """Keep requests and results, in one of four ways. One socket is enough for all."""
    where = ":memory:" if program == "memory only" else path
    with closing(sqlite3.connect(where)) as db, ctx.socket(zmq.REP) as peers:
        db.execute(TABLE)
        peers.bind(endpoint)
        while True:
            answer = carry_out(db, peers.recv_multipart())
            if program == "commits, then answers":
                db.commit()
            peers.send_multipart(answer)
            if program == "answers, then commits":
                db.commit()


# %% [markdown]
# ## Killed before each step
#
# `Lives` can kill a process before its step n: a step is a statement of SQLite, a message received or a message sent. So we play one short play for n = 1, 2, 3 and so on. A client has a request kept; a worker does it; the client fetches the result. Who gets no answer starts the store again. Then the client says again what it said; the worker has forgotten what it did, and asks for the `next` request.
#
# The request is *lost* if the client has read the yes, and no result will ever come; it is *done again* if the worker did it twice.


# %%
def ask(ctx, life, endpoint, frames):
    """The store's answer; None if it died before it gave one."""
    with ctx.socket(zmq.REQ) as peer:
        peer.reconnect_ivl = 5  # ms between two attempts to connect
        connections = Arrivals(peer)
        peer.connect(endpoint)
        peer.send_multipart(frames)
        while not peer.poll(5):
            if life.over and connections.count == 0:  # what it had sent is here by now
                return peer.recv_multipart() if peer.poll(0) else None
        return peer.recv_multipart()


# %%
def play(ctx, lives, endpoint, path, program, n):
    """Have one request kept and done, with a kill before step n: which step, and the outcome."""
    life = first = lives.begin(endpoint, path, program, kill_before=n)

    def tell(*frames):
        nonlocal life
        if (answer := ask(ctx, life, endpoint, frames)) is None:
            if life.failure:
                raise RuntimeError(life.failure)
            life = lives.begin(endpoint, path, program)
        return answer

    while tell(b"keep", b"7", b"a request") is None:
        pass
    times, result = 0, None
    while result in (None, [b"not yet"]):
        if tell(b"next") == [b"7", b"a request"]:
            times += 1  # the worker does it
            tell(b"done", b"7", b"a result")
        result = tell(b"result", b"7")
    life.kill()
    outcome = "lost" if result != [b"a result"] else "done again" if times > 1 else "right"
    return first.killed_before, outcome


# %% [markdown]
# The last program takes 17 steps: 1 makes the table; 2 to 6 receive `keep`, begin, insert, commit, say yes; 7 to 9 receive `next`, select, send the request; 10 to 14 receive `done`, begin, update, commit, say yes; 15 to 17 receive `result`, select, send it. The third one says yes before it commits.
#
# Before the kill, `Lives` waits until what was sent has left the process. The four programs are killed side by side.
#
# > **Predict.** The third program answers, then commits. At how many of its steps does a kill lose the request?

# %%
steps_that_lose = Prediction("Steps that lose it: answers, then commits", low=0, high=17)
steps_that_lose


# %%
def every_step(ctx, lives, endpoint, folder, program):
    """Kill a program before each of its steps; return the steps, each with the outcome."""
    found = []
    for n in count(1):
        step, outcome = play(ctx, lives, endpoint, f"{folder}/{program} {n}", program, n)
        if step is None:  # the play was over before there was a step n
            return found
        found.append((str(step), outcome))


with TemporaryDirectory() as folder, Experiment(record=False, limit=240) as lab:
    with Lives(store) as lives:
        tasks = {p: lab.start(p, every_step, lives, lab.endpoint(), folder, p) for p in PROGRAMS}
        found = {program: task.result(within=230) for program, task in tasks.items()}

ends = ["right", "done again", "lost"]
rows = {program: [outcome for _, outcome in steps] for program, steps in found.items()}
once = [step for step, outcome in found["answers, then commits"] if outcome == "lost"]
never = rows["commits, then answers"].count("lost")
title = f"Answers first: lost at {len(once)} step; commits first: at {never}"
plots.show(plots.strips, rows, ends=ends, title=title, unit="killed before step")
print(plots.strips_text(rows, ends=ends, unit="steps"))
print("answers, then commits: lost if killed before", *once)
steps_that_lose.compare(len(once))

# %% [markdown]
# - **Memory only** loses all that it said yes to. So does **commits never**, for all its database: the transaction ends with the process, and counts for nothing.
# - **Answers, then commits** loses it between the two. That step takes a moment, and a kill at random hardly ever meets it. So we try *every* step.
# - **Commits, then answers** loses nothing.
#
# **Store, then answer.** At some steps even this has it done again: the worker was done, and that was not stored yet. No order helps there. A store promises *at least* once; the work must bear to be done again, or know its id again (lesson 11).

# %% [markdown]
# ## Is kill -9 the worst?
#
# What a process writes, the operating system has in memory and brings to the disk later. A kill takes none of it; a power cut takes what is not there yet. A **sync** (`fsync`) waits until it is.
#
# SQLite can append all changes to a file beside the database, a **write-ahead log** (WAL), and copy them over now and then, at a **checkpoint**: by default when the log has [1000 pages](https://sqlite.org/wal.html). How often it syncs is a setting, `synchronous`: with NORMAL it syncs the log before a checkpoint, with FULL after each commit, too. For most applications with WAL its [manual](https://sqlite.org/pragma.html#pragma_synchronous) recommends NORMAL. [litequeue](https://github.com/litements/litequeue/blob/108eb520ed87f513c60bc38757b38938639487e3/src/litequeue/__init__.py), a queue for Python, sets both.
#
# We do not pull the plug: a simulated disk notes what each file was when it was last synced.
#
# > **Predict.** A hundred requests were committed with WAL and NORMAL, one by one, and answered. Then the power fails. How many are there?

# %%
after_the_cut = Prediction("Requests of 100 after a power cut: WAL, NORMAL", low=0, high=100)
after_the_cut

# %%
if apsw:

    class File(apsw.VFSFile):  # as SQLite's own, but a sync is only noted
        def xSync(self, flags):
            self.synced[self.path] = Path(self.path).read_bytes()

    class Disk(apsw.VFS):
        """A file system for SQLite (VFS): `synced` has each file as it was at its last sync."""

        def __init__(self):
            super().__init__("disk", "")
            self.synced = {}

        def xOpen(self, name, flags):
            file = File("", name, flags)
            file.path = name if isinstance(name, str) else name.filename()
            file.synced = self.synced
            return file

        def xDelete(self, path, sync):
            super().xDelete(path, sync)
            self.synced.pop(path, None)


# %% [markdown]
# `kill -9` leaves all that was written. The power cut leaves what was synced, and nothing else; a real disk may have more. SQLite opens what is left.
#
# We compare: WAL with `DELETE`, where a journal has what the database was like before, until the commit deletes it; and NORMAL with `OFF`, no sync at all, and `FULL`.


# %%
def requests_in(files):
    """How many requests SQLite finds in these files."""
    with TemporaryDirectory() as folder:
        for path, content in files.items():
            Path(folder, Path(path).name).write_bytes(content)
        with closing(sqlite3.connect(f"{folder}/store")) as db:
            return db.execute("select count(*) from requests").fetchone()[0]


def after_a_hundred(journal, synchronous):
    """Keep a hundred requests; return how many are there after kill -9 and after a power cut."""
    with TemporaryDirectory() as folder:
        disk = Disk()
        with closing(apsw.Connection(f"{folder}/store", vfs="disk")) as db:
            db.pragma("synchronous", "extra")
            db.execute(TABLE)  # that is safe
            if journal == "WAL":  # without shared memory, which our disk does not have
                db.pragma("locking_mode", "exclusive")
            db.pragma("journal_mode", journal)
            db.pragma("synchronous", synchronous)
            for number in range(100):
                db.execute("insert into requests values (?, 'a request', null)", (number,))
            written = {str(file): file.read_bytes() for file in Path(folder).iterdir()}
            return requests_in(written), requests_in(disk.synced)


# %%
RECORDED = {
    ("DELETE", "OFF"): (100, 0),
    ("DELETE", "NORMAL"): (100, 100),
    ("DELETE", "FULL"): (100, 100),
    ("WAL", "OFF"): (100, 0),
    ("WAL", "NORMAL"): (100, 0),
    ("WAL", "FULL"): (100, 100),
}
left = {mode: after_a_hundred(*mode) for mode in RECORDED} if apsw else RECORDED

if not apsw:
    print("apsw is not installed: these are the numbers of a run elsewhere")
print("journal  synchronous  after kill -9  after a power cut")
for (journal, synchronous), (killed, cut) in left.items():
    print(f"{journal:8} {synchronous:12} {killed:12} {cut:18}")
after_the_cut.compare(left["WAL", "NORMAL"][1])

# %% [markdown]
# None, and no `kill -9` would ever have shown it. A hundred small commits bring no checkpoint about, so the disk has nothing of the log. The database is sound, as it was some time ago. The manual says so: this is what NORMAL gives up. (With OFF it need not even be sound.)
#
# What a store has committed must be **durable**: there after a power cut, too. With WAL and FULL that takes one sync for each commit; DELETE takes several. A store sets both itself, for [defaults](https://sqlite.org/compile.html#default_wal_synchronous) differ from build to build. Ours above took what this build has: most have DELETE and FULL.
#
# ## The receipt that was lost
#
# The store commits and answers, but the client's patience is over, and nobody reads the yes. So it asks again. In 9/TSP, Titanic's protocol, the server makes the id, and the receipt brings it.
#
# > **Predict.** How often is the request done if the server makes the id?

# %%
times_done = Prediction("Times that the request is done, the server makes the id", low=0, high=3)
times_done


# %%
def asked_twice(*request):
    """Ask twice, for nobody reads the first receipt; return how often the request is done."""
    with TemporaryDirectory() as folder, Experiment() as lab, lab.ctx.socket(zmq.REQ) as peer:
        endpoint, path = lab.endpoint(), f"{folder}/store"
        lab.start("store", store, endpoint, path, "commits, then answers")
        peer.req_relaxed = peer.req_correlate = 1  # it may go on without an answer (lesson 11)
        peer.connect(endpoint)
        peer.send_multipart(request)

        def tell(*frames):
            peer.send_multipart(frames)
            return peer.recv_multipart()

        tell(*request)
        times = 0
        while (task := tell(b"next")) != [b"nothing to do"]:
            times += 1
            tell(b"done", task[0], b"a result")
        return times


by_server, by_client = asked_twice(b"keep", b"a request"), asked_twice(b"keep", b"7", b"a request")
print(f"done if the server makes the id: {by_server}; if the client does: {by_client}")
times_done.compare(by_server)

# %% [markdown]
# Twice, although the store has kept every promise: it cannot tell a second try from a second request. Where the client makes the id before its first try, the second is a copy.
#
# So two rules belong together. The store commits before it answers. The client asks under one id until it has read the yes.

# %% [markdown]
# ## In practice
#
# - **The Guide's Titanic in Python** is an example to read, not to run. When a request is done, it marks the *last* line of its queue file, no matter whose that is: what is done is done again and again, and what still waits for a worker may never be done. That takes no crash. It makes file names of the ids that clients send: one with `../` leads out of its folder. And it syncs nothing.
# - **SQLite** is [tested](https://sqlite.org/testing.html) in this way: the n-th operation fails, for n = 1, 2, 3 and so on, and disks are simulated that lose their power.
# - **Group commit.** One sync can serve many requests: read all that are there, commit once, then answer them all.
# - **A request that kills its worker** is given out again, and kills the next one. Count how often; after some times put it aside for a person to look at, in a **dead-letter queue**.
# - **Another body under a known id** is a mistake. Our store ignores it. Better, say so.
# - **DELETE and FULL** have a gap: where the disk forgets a deletion, the journal is there again, and undoes the last commit. `EXTRA` syncs the folder, too. To see it, let `xDelete` pop only `if sync`, and add a row for `EXTRA`.
# - **On macOS** a sync hands data to the disk, which may keep it in a cache of its own; with [`fullfsync`](https://sqlite.org/pragma.html#pragma_fullfsync) SQLite asks for more.

# %% [markdown]
# ## What we know now
#
# We asked what a yes is worth when the broker dies. As much as is on the disk when it is sent. So store, sync, then answer; kill the program before every step to see that it is so; and let the client make the id, for the receipt may get lost, too.
#
# **One more question.** A worker sends a letter for each request. Can it see to it that each is sent once, whenever it is killed?
#
# <details><summary>Think first, then open</summary>
#
# Not alone. To send it and to note that it was sent are two steps, and a kill may come between them. If it notes first, a letter may be missing; if it sends first, one may be sent twice. The post office can help: it gets the id with each letter, and throws copies away. That is the rule of the lost receipt, one door further.
#
# </details>
#
# **Your turn:** [lab 13](../labs/13_store.ipynb), a store for any client and many workers, killed before each of its steps. It keeps its word, but only once it is started again: next, [live on without the broker](14_standby.ipynb).

# %%
assert_all_quiet()
