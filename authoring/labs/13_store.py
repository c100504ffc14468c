# %% [markdown]
# # Lab 13 · Keep what was promised
#
# *Goal:* a server that says yes to a request once it is safe, has it done, and gives its reply as often as somebody asks, whatever kills it meanwhile.
#
# *You need:* [lesson 13](../notebooks/13_store.ipynb), and your broker of [lab 7](07_idle_worker.ipynb). *Time:* 60 minutes.

# %%
import json
import sqlite3
from collections import deque
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import zmq

from zmqlab import check
from zmqlab.run import Experiment, Lives, assert_all_quiet

# %% [markdown]
# ## The contract
#
# `server(ctx, frontend, backend, path)` binds a ROUTER at `frontend`, where clients ask, and a ROUTER at `backend`, where workers say that they are there. It keeps requests and their replies at `path`: the file of that name is yours, or the folder, and every file beside it whose name begins so. The table has the frames at your sockets.
#
# | what happens | frames |
# |---|---|
# | a client asks for work | `[*client, b"", b"REQUEST", id, *body]` |
# | … and is answered: it is safe | `[*client, b"", b"200", id]` |
# | … that id is known, with another body | `[*client, b"", b"400", id]` |
# | a client asks for the reply | `[*client, b"", b"REPLY", id]` |
# | … and is answered: here it is | `[*client, b"", b"200", id, *reply]` |
# | … there is none yet | `[*client, b"", b"300", id]` |
# | … the id is unknown | `[*client, b"", b"400", id]` |
# | a client needs it no longer | `[*client, b"", b"CLOSE", id]` |
# | … and is answered, always | `[*client, b"", b"200", id]` |
# | a worker comes | `[worker, b"", b"READY"]` |
# | you give it a request | `[worker, b"", id, b"", *body]` |
# | the worker replies, and is ready again | `[worker, b"", id, b"", *reply]` |
#
# *Clients*
# - `*client` is all that stands before the first empty frame: one frame, or two if a REQ correlates (lesson 11).
# - The client makes the id: one octet or more, any octets. Two ids are the same if all octets are. A body and a reply have one frame or more, empty ones among them, and come out as they went in.
# - Each message is answered once, whether a worker is there or not. A copy of a REQUEST, the same id and the same frames, is answered `200` again, and nothing is done twice. Any client may ask for any id.
# - After CLOSE the id is unknown, as if it had never been there, and is not given to a worker any more.
# - What is no message of the table ends nothing and changes nothing. It needs no answer.
#
# *Workers*
# - A request goes to a worker that has said READY and holds no other, as soon as there is one. It is given out once, as long as the server lives.
# - A reply counts if it comes from the worker that holds the request, and the first one stays. Any other reply changes nothing, and makes nobody ready.
# - A worker whose connection breaks comes back on a new socket, with a new READY. None leaves while the server lives.
#
# *Deaths*
# - The server may be killed at any moment, and is started again at the same path and the same endpoints. What was answered `200` is there: a request is done, a reply is the same, what was closed is gone. What a client has got the reply of is not given out again. What was not finished may be done a second time.
# - Safe means: a power cut, too. The check looks at how your program writes. With `sqlite3`, it asks each connection that has written for its journal mode and its `synchronous`, when you answer: `synchronous` may not be `OFF`, nor `NORMAL` with WAL; the journal may not be off, nor in memory. Without it, `os.fsync` or `os.fdatasync` was called between a REQUEST and its `200`. It does not see what other libraries do.
# - The check copies `server` to processes of its own: what it needs, it makes there. A connection or a lock outside it cannot be copied.
#
# And as in all labs: it makes, uses and closes its sockets in the thread that it runs in, waits without using the processor, and goes on until its context ends; `zmq.ContextTerminated` may escape.


# %%
def server(ctx: zmq.Context, frontend: str, backend: str, path: str) -> None:
    """Keep requests at `path`, answer once they are safe, and have workers do them."""
    ### BEGIN SOLUTION
    def packed(frames: list[bytes]) -> str:
        return json.dumps([frame.hex() for frame in frames])

    def unpacked(text: str) -> list[bytes]:
        return [bytes.fromhex(frame) for frame in json.loads(text)]

    def carried_out(asked: list[bytes]) -> list[bytes]:
        """Do what a client asks for; return what it is told, nothing if it has asked nothing."""
        match asked:
            case [b"CLOSE", id]:
                db.execute("DELETE FROM requests WHERE id = ?", (id,))
                return [b"200", id]
            case [b"REQUEST", id, *body]:
                new = "INSERT OR IGNORE INTO requests VALUES (?, ?, NULL)"
                db.execute(new, (id, packed(body)))
            case [b"REPLY", id]:
                pass
            case _:
                return []
        row = db.execute("SELECT body, reply FROM requests WHERE id = ?", (id,)).fetchone()
        match asked, row:
            case [b"REQUEST", _, *body], [known, _] if known == packed(body):
                return [b"200", id]
            case [b"REPLY", _], [_, None]:
                return [b"300", id]
            case [b"REPLY", _], [_, reply]:
                return [b"200", id, *unpacked(reply)]
        return [b"400", id]

    idle: deque[bytes] = deque()
    held: dict[bytes, bytes] = {}  # worker -> the id that it has not replied to
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as db,  # each statement commits
        ctx.socket(zmq.ROUTER) as clients,
        ctx.socket(zmq.ROUTER) as workers,
    ):
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE IF NOT EXISTS requests (id BLOB PRIMARY KEY, body, reply)")
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", id, b"", *reply] if held.get(worker) == id:
                        done = "UPDATE requests SET reply = ? WHERE id = ?"
                        db.execute(done, (packed(reply), id))
                        del held[worker]
                        idle.append(worker)
            if clients in ready:
                frames = clients.recv_multipart()
                start = frames.index(b"") + 1 if b"" in frames else len(frames)
                if answer := carried_out(frames[start:]):
                    clients.send_multipart([*frames[:start], *answer])
            if idle:
                undone = "SELECT id, body FROM requests WHERE reply IS NULL ORDER BY rowid"
                for id, body in db.execute(undone).fetchall():
                    if idle and id not in held.values():
                        held[idle[0]] = id
                        workers.send_multipart([idle.popleft(), b"", id, b"", *unpacked(body)])
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Begin without workers: REQUEST, REPLY, CLOSE, and a table with a row for each id. What does a row need to have, so that each line of the contract's table can be answered from it alone?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Lab 7's broker leaves requests unread while nobody is idle. Who waits for what, if this server does so?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Which of your variables are empty after a start? For each: what stands in the file from which you can tell what it was? And which of them do you not need again, because the workers that they speak of are gone?
#
# </details>
# <details><summary>Hint 4</summary>
#
# A body has many frames, and a column holds one value. Joined, `[b"ab"]` and `[b"a", b"b"]` are the same. How do you write frames so that they can be told apart, whatever octets they have?
#
# </details>
# <details><summary>Hint 5</summary>
#
# Take a pencil and go down your code, from one message to the next. Before each line: the process dies here. What has been said to whom, what is on the disk, and do the two agree? `isolation_level=None` in `sqlite3.connect` makes each statement a transaction of its own; `with db:` makes one of several.
#
# </details>
#
# ## Check
#
# First the check plays clients and workers by hand, with your server in a thread. Then it runs it in processes, and kills it: twice while there is nothing to do, then before each of its steps, each statement, each sync, each message. It takes some 15 seconds, and 90 at most.

# %%
report = check.lab13(server)
report

# %% [markdown] tags=["solution-only"]
# A row has the id, the body and the reply, `NULL` as long as there is none. The whole contract is answered from that: no row is 400, no reply is 300.
#
# Each change is one statement, and so one transaction: there is no moment at which the file says half of something. And each answer comes after its statement. `INSERT OR IGNORE` takes a copy as nothing new; what is in the row then is compared, so that the same line answers new ones, copies, and other bodies under the same id.
#
# Only `idle` and `held` are in memory. Both speak of workers, and these say READY again after a start. What is undone is asked of the file each time. With many thousands waiting that is slow; then a deque of ids is kept beside it, filled from the file at the start, and a CLOSE has to reach both.
#
# Right as well: several statements in one transaction; a state column, if the start puts what was given out back; all messages that are there read, committed at once, and then answered; a file to which lines are appended and that is synced, without any database.

# %% [markdown]
# ## Now break it
#
# What does your server do for one request, and in which order? `Lives` counts it.


# %%
def ask(ctx, endpoint, *frames):
    """Ask one question; return the answer."""
    with ctx.socket(zmq.REQ) as client:
        client.connect(endpoint)
        client.send_multipart(frames)
        return client.recv_multipart()


if report:
    with Experiment() as lab, Lives(server) as lives, TemporaryDirectory() as folder:
        frontend, backend, path = lab.endpoint(), lab.endpoint(), str(Path(folder, "store"))
        life = lives.begin(frontend, backend, path)
        ask(lab.ctx, frontend, b"REQUEST", b"one", b"some work")
        lab.until(lambda: life.steps[-1].kind == "send", what="its last step")
        life.kill()
    for step in life.steps:
        print(str(step).split(" (")[0] if step.kind == "SQL" else step.kind)

# %% [markdown]
# Now put the answer before the statement that stores it, and run the check again. At which step does it find you out? Then put it back, and set `synchronous` to OFF.
#
# And a client in a hurry: it asks for work a hundred times, and the server is killed while it goes on. Of what was answered 200, how many are there afterwards?


# %%
def ask_on(ctx, endpoint, promised):
    """Ask for work again and again; note each id that is answered 200."""
    with ctx.socket(zmq.REQ) as client:
        client.connect(endpoint)
        while True:
            client.send_multipart([b"REQUEST", b"%d" % len(promised), b"some work"])
            promised.append(client.recv_multipart()[1])


if report:
    with Experiment() as lab, Lives(server) as lives, TemporaryDirectory() as folder:
        frontend, backend, path = lab.endpoint(), lab.endpoint(), str(Path(folder, "store"))
        promised = []
        life = lives.begin(frontend, backend, path)
        lab.start("c1", ask_on, frontend, promised)
        lab.until(lambda: len(promised) >= 100, within=30, what="a hundred promises")
        life.kill()
        lives.begin(frontend, backend, path)
        there = [ask(lab.ctx, frontend, b"REPLY", id)[0] == b"300" for id in list(promised)]
    print("all of them" if all(there) else f"{there.count(False)} are gone")

# %% [markdown]
# **Think about it.**
#
# 1. Your server is killed after the commit and before the answer. What does the client know, what does it do, and what does your server answer?
# 2. Before which steps must it be killed so that a request is done twice? Can the server do something about it? Who can?
# 3. Who sends CLOSE, and what if nobody ever does? 9/TSP, which Titanic speaks, lets the server make the id. What becomes of a request whose answer, with the id in it, was lost?
# 4. A sync takes a millisecond on your disk. How many requests can it take in a second, if they come one by one from a hundred clients? What would you change, and who waits longer then?
# 5. A worker dies while the server lives. What becomes of its request? What of lab 10 would you need?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. Nothing: its request may be there or not. It asks again, with the same id and body. The row is there, the bodies are the same, and the answer is 200: a copy cannot be told from a first one, and need not be.
# 2. Between giving it out and storing its reply, both steps among them: the work is done, or may be, and the file does not say so. The server cannot tell which, so it has to give it out again. The worker can: if it notes the id together with the effect, in one transaction, a second time changes nothing (lesson 11).
# 3. The client, when it has the reply safe. If nobody does, the store grows for ever; so most put an end to it by time, and say how long an id is kept. If the server makes the id, and the answer with it is lost, the client has no name for its request: it asks again, gets another id, and the work is done twice. Nobody will ever fetch or close the first.
# 4. A thousand, if each has a sync of its own. Read all that have come, commit once, answer them all: a sync for ten or for a hundred. Each then waits for the whole group; but alone it is answered no later than before, and under load it would have stood in line anyway.
# 5. It stays with the dead worker until the server is started again. With lab 10's heartbeats the server would notice, and put it back in line, before all others. The worker may have been slow and not dead, and its reply may come after all: then the first one stays.

# %%
assert_all_quiet()
