# %% [markdown]
# # 1 · Share out a hundred tasks
#
# *You will do:* deal a hundred tasks to three workers as tutorials do, see who gets how many, and find out why.
#
# *You will be able to*
# - say which workers a PUSH socket counts at the moment of a send,
# - explain the shares that you see,
# - wait until the workers are there, without guessing how long that takes.
#
# *You need:* [Start here](00_start_here.ipynb), which takes five minutes, checks that all is installed, and explains the first words.

# %% [markdown]
# Somebody starts five workers, then a program that deals out four tasks. Four tasks, five workers: surely nobody gets two. But the worker that did the first task also does the last one, and the whole takes twice as long as it should
# ([rzmq#33](https://github.com/ropensci/rzmq/issues/33)).
#
# All five workers had been started before. So **which workers does the dealing program deal to?**

# %%
import time
from socket import create_connection
from statistics import median

import zmq
from zmq.utils.monitor import recv_monitor_message

from zmqlab.run import Arrivals, Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots

# %% [markdown]
# ## Two programs, as tutorials write them
#
# The **feeder** hands the tasks out: it binds a PUSH socket at an endpoint, such as `tcp://127.0.0.1:5557` (this computer, at a port). Workers connect PULL sockets to it and take tasks in for as long as their **Context**, the home of their sockets, exists. The feeder knows no worker by name: each **peer**, whoever is at the other end of a connection, may get some.

# %%
WORKERS = ["w1", "w2", "w3"]
TASKS = [b"task %d" % n for n in range(100)]


def worker(ctx, endpoint, connected, seconds=0):
    """Take tasks until the context ends; each takes so many seconds."""
    with ctx.socket(zmq.PULL) as tasks:
        tasks.connect(endpoint)
        connected.append(True)  # connect() has returned
        while True:
            tasks.recv()
            time.sleep(seconds)  # the work


def feeder(ctx, endpoint):
    """Deal the tasks out."""
    with ctx.socket(zmq.PUSH) as workers:
        workers.linger = 1000  # ms to wait at the end for tasks that have not left
        workers.bind(endpoint)
        for task in TASKS:
            workers.send(task)


# %% [markdown]
# An `Experiment` gives both programs a Context, runs the workers in threads, and notes in a journal each message that a socket sends or receives: a hundred tasks make two hundred lines. Where the `with` ends, the Context ends: each `recv()` that waits raises `ContextTerminated`, and the workers end.
#
# > **Predict.** In each of three workers, `connect()` has returned. Then the feeder deals a hundred tasks. How many does the busiest worker get?

# %%
busiest = Prediction("Tasks of the busiest worker, of 100", low=34, high=100)
busiest


# %%
def textbook():
    """Run the two programs. Returns how many tasks each worker received."""
    connected = []
    with Experiment("textbook") as lab:
        endpoint = lab.endpoint()
        for name in WORKERS:
            lab.start(name, worker, endpoint, connected)
        lab.until(lambda: len(connected) == 3, what="three calls of connect()")
        feeder(lab.ctx, endpoint)
        lab.until(lambda: len(lab.journal) == 200, what="100 tasks, each sent and received")
    return lab.journal.counts("received", WORKERS)


counts = textbook()
plots.show(plots.shares, counts)
print(f"{sum(counts.values())} of {len(TASKS)} tasks were received.")
busiest.compare(max(counts.values()))

# %% [markdown]
# Every task arrived, and nothing reported an error. But look at the dotted line, the even share, and at the bars.
#
# ## Was that bad luck?
#
# > **Predict.** The same two programs, twelve times. In how many runs are the shares even, that is 33, 33 and 34?

# %%
even = Prediction("Runs with even shares, of 12", low=0, high=12)
even


# %%
def is_even(counts):
    """Whether no worker got more than one task more than another."""
    return max(counts.values()) - min(counts.values()) <= 1


runs = [textbook() for _ in range(12)]
alone = sum(max(run.values()) == len(TASKS) for run in runs)
thirds = sum(map(is_even, runs))
title = f"In {alone} of 12 runs one worker got everything, in {thirds} a third each"
plots.show(plots.stacked, {f"run {n}": run for n, run in enumerate(runs, 1)}, title=title)
print(f"{len(runs)} runs; in each, all {len(TASKS)} tasks were received.")
even.compare(thirds)

# %% [markdown]
# It was not: uneven shares are the rule here, and it is not always the same worker that gets most. Something decides anew in each run.
#
# ## Who is there, and since when?
#
# A socket can report what happens to its connections. The report is called **monitor**, and it comes as messages, to a second socket. Here is one of them: the first words that a worker and the feeder exchange, the **handshake**, have been said.

# %%
with Experiment("one event") as lab, lab.ctx.socket(zmq.PUSH) as workers:
    endpoint = lab.endpoint()
    monitor = workers.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    workers.bind(endpoint)
    lab.start("w1", worker, endpoint, [])
    told = recv_monitor_message(monitor)  # waits until there is one

print(zmq.Event(told["event"]).name)

# %% [markdown]
# `Arrivals` reads such messages for us: one peer more for each handshake, one less for each that leaves. `wait(3, patience=5)` returns when three are there. This feeder writes down when the first, the second and the third is, and only then deals.


# %%
def watched():
    """Deal when all are there. Returns the shares, and what happened when after bind()."""
    connected, seconds = [], []
    with Experiment("watched") as lab, lab.ctx.socket(zmq.PUSH) as workers:
        endpoint = lab.endpoint()
        for name in WORKERS:
            lab.start(name, worker, endpoint, connected)
        lab.until(lambda: len(connected) == 3, what="three calls of connect()")
        arrivals = Arrivals(workers)  # before bind(), to miss nobody
        workers.bind(endpoint)
        bound = time.monotonic()
        for n in (1, 2, 3):
            arrivals.wait(n, patience=5)
            seconds.append(time.monotonic() - bound)
        for task in TASKS:
            workers.send(task)
        seconds.append(time.monotonic() - bound)
        lab.until(lambda: len(lab.journal) == 200, what="100 tasks to arrive")
    return lab.journal.counts("received", WORKERS), seconds


# %% [markdown]
# Ten such runs, one row each. Compare how far apart the workers arrive with the time that it takes to deal a hundred tasks.

# %%
watched_runs = [watched() for _ in range(10)]
marks = ["first worker", "second worker", "third worker"]
rows = {
    f"run {n}": {mark: 1000 * second for mark, second in zip(marks, seconds, strict=False)}
    for n, (_, seconds) in enumerate(watched_runs, 1)
}
gap = 1000 * median(seconds[1] - seconds[0] for _, seconds in watched_runs)
dealing = 1000 * median(seconds[3] - seconds[2] for _, seconds in watched_runs)
title = f"{gap:.1f} ms between the first two workers; dealing takes {dealing:.1f} ms"
plots.show(plots.dots, rows, title=title, unit="ms after bind()")
print(f"{len(rows)} runs; in each, all three workers came.")

# %% [markdown]
# `connect()` waits for nobody: it leaves the work to a background thread and returns. An attempt that comes before the `bind()` is refused; ZeroMQ tries again after 100 to 200 ms, [chosen at random](https://github.com/zeromq/libzmq/blob/v4.3.5/src/stream_connecter_base.cpp). When its handshake is done, the PUSH has a **queue** for it, for tasks that have not left. It deals to the queues that are there *now*, in turn: round robin ([30/PIPELINE](https://rfc.zeromq.org/spec/30/)).
#
# ## Know, then deal
#
# So the first `send()` waits for the first queue, and mostly all the others follow before there is a second. In the ten runs that we watched, nothing was sent until three handshakes had been counted. Whom did those tasks go to?

# %%
runs = [counts for counts, _ in watched_runs]
thirds = sum(map(is_even, runs))
title = f"In {thirds} of {len(runs)} runs each worker got a third"
plots.show(plots.stacked, {f"run {n}": run for n, run in enumerate(runs, 1)}, title=title)
print(f"{thirds} of {len(runs)} runs: shares of {sorted(runs[0].values())}")

# %% [markdown]
# A third each; the odd task goes to whoever is first in the round. Two lines did it: `Arrivals(workers)` before the `bind()`, and its `wait()` before the first `send()`.
#
# > **Watch out.** Tutorials sleep for a second there. That holds until a machine is slower than the author's, and costs a second on every other.
#
# ## Break it: one worker comes late
#
# Now a task takes 5 ms. Sixty tasks are dealt to w1 and w2. Then w3 connects, and has nothing to do; thirty more tasks are dealt to all three.
#
# > **Predict.** How many of the first sixty tasks does w3 take over?

# %%
taken = Prediction("Tasks of the first 60 that w3 does", low=0, high=30)
taken


# %%
with Experiment("late") as lab, lab.ctx.socket(zmq.PUSH) as workers:
    endpoint = lab.endpoint()
    arrivals = Arrivals(workers)
    workers.bind(endpoint)
    for new, there, tasks in [(WORKERS[:2], 2, TASKS[:60]), (WORKERS[2:], 3, TASKS[60:90])]:
        for name in new:
            lab.start(name, worker, endpoint, [], 0.005)
        arrivals.wait(there, patience=5)
        for task in tasks:
            workers.send(task)
    lab.until(lambda: len(lab.journal) == 180, what="90 tasks to arrive")

spans = lab.journal.spans(WORKERS)
of_w3 = [span.task[0] for span in spans if span.who == "w3"]
taken_over = [task for task in of_w3 if task in TASKS[:60]]
title = f"w3 did {len(of_w3)} tasks, then none, while w1 and w2 had tasks waiting"
plots.show(plots.busy, spans, title=title)
print(f"Of the first 60 tasks w3 did {len(taken_over)}.")
taken.compare(len(taken_over))

# %% [markdown]
# None: coloured is work, pale is idle. A task is bound to a worker in the moment of the `send()`. It lies in that worker's queue, and no other worker can take it from there. Who comes late gets a part of what is sent from then on, and nothing else.
#
# ## Break it: a web browser calls
#
# Is everybody who connects a worker? Somebody types the feeder's port into a web browser. What a browser says first is no handshake: it asks for a page.
#
# > **Predict.** w1 and the browser are connected; a hundred tasks are dealt. How many does w1 get?

# %%
for_w1 = Prediction("Tasks of 100 that w1 gets beside a browser", low=0, high=100)
for_w1


# %%
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\r\n"


def browser(ctx, endpoint, page):
    """Ask for a page as a web browser does; put on `page` what comes."""
    host, port = endpoint.removeprefix("tcp://").split(":")
    with create_connection((host, int(port))) as connection:
        connection.sendall(GET)
        while came := connection.recv(4096):
            page.extend(came)


with Experiment("a browser") as lab, lab.ctx.socket(zmq.PUSH) as workers:
    endpoint, page, arrivals = lab.endpoint(), bytearray(), Arrivals(workers)
    workers.bind(endpoint)
    lab.start("browser", browser, endpoint, page)
    lab.until(lambda: workers.poll(0, zmq.POLLOUT), what="somebody to deal to")
    lab.start("w1", worker, endpoint, [])
    arrivals.wait(1, patience=5)
    for task in TASKS:
        workers.send(task)
    lab.until(lambda: len(lab.journal) - 100 + page.count(b"task ") == 100, what="100 tasks")
    print(f"handshakes: {arrivals.count}; tasks for the browser: {page.count(b'task ')}")

for_w1.compare(lab.journal.counts(who=["w1"])["w1"])

# %% [markdown]
# Half of them, and the other half is gone. To ZeroMQ the browser's bytes [look like](https://github.com/zeromq/libzmq/blob/v4.3.5/src/zmtp_engine.cpp) a peer of the protocol's first version, which had no such handshake: it [gets a queue at once](https://github.com/zeromq/libzmq/blob/v4.3.5/src/stream_engine_base.cpp). (Ours reads on. One that hangs up takes with it what it was dealt until then.)
#
# So a PUSH deals to who is **connected**, and that is not the same as **a worker**. `Arrivals` counts handshakes, and did not count the browser. Let nobody reach the port who is no worker.

# %% [markdown]
# ## In practice
#
# - **Endpoints.** `lab.endpoint()` gives a free port on this machine alone. `tcp://*:5557`, as tutorials have it, listens on [all interfaces](https://libzmq.readthedocs.io/en/latest/zmq_tcp.html).
# - **Inside one program** sockets of one Context can meet at an endpoint such as `inproc://tasks`. **inproc** has no handshake and [no monitor events](https://libzmq.readthedocs.io/en/latest/zmq_socket_monitor.html): a connected peer counts at once.
# - **A worker that says "I am here"** over a second socket proves that the *second* connection is up, and nothing of the first.
# - **Who connects** makes a queue at once, before there is a peer, and `send()` fills it; who binds makes one for each peer that comes, and without a peer `send()` waits ([zmq_connect](https://libzmq.readthedocs.io/en/latest/zmq_connect.html)). [Lesson 3](03_know_when_done.ipynb) goes on from here.
# - **Linger** is how long a closed socket keeps its messages until they have left, and how long the end of its Context waits for that: by default for ever; with [ZMQ_LINGER](https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html) 0 they are thrown away.
# - **Twice connected** is two queues: a PULL that connects twice to one endpoint gets two shares. [Some kinds of socket](https://libzmq.readthedocs.io/en/latest/zmq_connect.html) ignore the second time.

# %% [markdown]
# ## What we know now
#
# We asked which workers the dealing program deals to. It deals in turn to those that are connected when it sends: a worker is, once its handshake is done, and so is whoever else calls the port. The output in that report names three workers: the other two were not there yet when the fourth task was dealt. Count handshakes first, and nobody gets two.
#
# **An open question.** The PUSH connects to three endpoints; at one of them a worker has bound. You send 300 tasks. How many does it get?
#
# <details><summary>An answer</summary>
#
# A hundred. Each `connect()` made a queue, so the round goes over three, and two hundred tasks wait for workers that may never come. With `workers.immediate = 1`, set before connecting, only a finished connection has a queue, and the one worker gets all. Try it; and see in lesson 3 what such a queue loses when the worker dies.
#
# </details>
#
# Now write a feeder that knows who is there: [Lab 1](../labs/01_share_out.ipynb). Then [catch the straggler](02_straggler.ipynb).

# %%
assert_all_quiet()
