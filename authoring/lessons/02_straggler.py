# %% [markdown]
# # 2 · Catch the straggler
#
# *You will do:* give 36 tasks to a fleet with one slow worker, in three ways, and see who was busy when.
#
# *You will be able to*
# - say what makes a worker "available" to a PUSH socket, and what does not,
# - say what a high-water mark of 1 limits, and over which transport,
# - keep a slow worker from holding up the others, by letting the workers ask.
#
# *You need:* [lesson 1](01_share_out.ipynb).

# %% [markdown]
# Somebody has two workers that need a second for each task, and a hundred tasks. They expect a PUSH to give the next task to a worker that is free, and to wait while both are busy. It does not wait: it sends all hundred at once
# ([ZeroMQ-Perl#10](https://github.com/tsee/ZeroMQ-Perl/issues/10)). With equal workers that does little harm. But one slow worker, a **straggler**, and all wait for it.
#
# So what *does* a PUSH look at, and **what does that cost when one worker is slow?**

# %%
import time

import zmq

from zmqlab.balance import best_split
from zmqlab.run import Arrivals, Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots

# %% [markdown]
# ## How fast could it be?
#
# Two workers need 2 ms for a task, the third needs 50 ms. 36 tasks are there from the beginning. Arithmetic first: how soon could all be done? `best_split` gives each task to the worker that would be done with it first.

# %%
SECONDS = {"w1": 0.002, "w2": 0.002, "w3": 0.050}  # what each worker needs for a task
TASKS = [b"task %d" % n for n in range(36)]

split = best_split(len(TASKS), list(SECONDS.values()))
bound = max(n * each for n, each in zip(split, SECONDS.values(), strict=True))
print(f"At best, all is done after {1000 * bound:.0f} ms: {split} tasks each.")

# %% [markdown]
# The time from the first task's start to the last one's end is the **makespan**. No way of giving out these tasks to this fleet can beat the one above: it is a **lower bound**.
#
# ## Deal the tasks out
#
# The worker of lesson 1. Its work is a sleep, so that it takes as long on your machine. (`hwm` is for later; every socket has 1000 to begin with.)


# %%
def worker(ctx, endpoint, seconds, hwm, connected, done):
    """Do tasks until the context ends."""
    with ctx.socket(zmq.PULL) as tasks:
        tasks.rcvhwm = hwm
        tasks.connect(endpoint)
        connected.append(True)
        while True:
            task = tasks.recv()
            time.sleep(seconds)  # the work
            done.append(task)


# %% [markdown]
# And its feeder, which deals when all three are there. `transport` is how messages travel: **tcp** between machines, **inproc** between threads that share a Context. With inproc there is no handshake: who has called `connect()` is there.


# %%
def dealt(transport="tcp", hwm=1000):
    """Deal the tasks out to the three workers. Returns who worked when."""
    connected, done = [], []
    with Experiment("dealt") as lab, lab.ctx.socket(zmq.PUSH) as workers:
        endpoint, arrivals = lab.endpoint(transport), Arrivals(workers)
        workers.sndhwm = hwm
        workers.bind(endpoint)
        for name, seconds in SECONDS.items():
            lab.start(name, worker, endpoint, seconds, hwm, connected, done)
        lab.until(lambda: len(connected) == 3 and workers.poll(0, zmq.POLLOUT), what="workers")
        if transport == "tcp":
            arrivals.wait(3, patience=5)
        for task in TASKS:
            workers.send(task)
        lab.until(lambda: len(done) == len(TASKS), within=30, what="36 tasks done")
    return lab.journal.spans(SECONDS)


# %% [markdown]
# > **Predict.** All three workers are connected; then the PUSH deals the 36 tasks over tcp. After how many milliseconds is the last one done?
#
# In the picture a row is a worker: coloured while it works, pale while it is idle.

# %%
dealt_ms = Prediction("Makespan when the tasks are dealt, in ms", low=40, high=1000)
dealt_ms


# %%
def makespan(spans):
    """Seconds from the first task's start to the last one's end."""
    return max(span.end for span in spans) - min(span.start for span in spans)


def done_by(spans):
    """How many tasks each worker did."""
    return {name: sum(span.who == name for span in spans) for name in SECONDS}


spans = dealt()
plots.show(plots.busy, spans, bound=bound)
print(f"Tasks done: {done_by(spans)}")
print(f"Makespan more than ten times the lower bound: {makespan(spans) > 10 * bound}")
dealt_ms.compare(round(1000 * makespan(spans)))

# %% [markdown]
# Twelve each, as round robin has it. The fast workers were done almost at once, and then looked on. A PUSH never learns how long a task takes, nor that it is done.
#
# ## What "available" means
#
# Yet a PUSH does pass over workers: those whose queue is full. All others are **available** ([30/PIPELINE](https://rfc.zeromq.org/spec/30/)). The **high-water mark** (HWM) says when that is: `SNDHWM` for the queue of who sends, `RCVHWM` for that of who receives. With both at 1, should a worker not hold one task and no more?
#
# > **Predict.** Over inproc, with both marks at 1: how many of the 36 tasks does the slow worker get?

# %%
slow_inproc = Prediction("Tasks of the slow worker, of 36, HWM 1 over inproc", low=0, high=36)
slow_inproc


# %%
spans_inproc = dealt("inproc", hwm=1)
slow = done_by(spans_inproc)["w3"]
title = f"HWM 1 over inproc: the slow worker gets {slow} of 36"
plots.show(plots.busy, spans_inproc, bound=bound, title=title)
print(f"Fewer than an even share: {slow < 12}")
slow_inproc.compare(slow)

# %% [markdown]
# It seems to work. While the slow worker has a task in hand and two in its queue, the PUSH passes it over. Whoever tries it like this goes home content. But few workers are threads of the feeder's own process. The same over tcp:

# %%
spans_tcp = dealt("tcp", hwm=1)
slow = done_by(spans_tcp)["w3"]
title = f"HWM 1 over tcp: the slow worker gets {slow} of 36"
plots.show(plots.busy, spans_tcp, bound=bound, title=title)
print(f"Tasks done: {sum(done_by(spans_tcp).values())}")

# %% [markdown]
# Run it a few times: the number changes, and now and then it is more than half of all tasks. Where do they lie? Between its `send()` and the work on it, a task is **in flight**. We count how many a PUSH takes for one worker that never receives; also over **ipc**, between processes of one machine, and with tasks of another size.


# %%
def in_flight(transport, hwm, size, stop=1000):
    """How many tasks, at most `stop`, a PUSH takes for a worker that never receives."""
    with Experiment("in flight", record=False) as lab:
        endpoint = lab.endpoint(transport)
        workers, tasks = lab.ctx.socket(zmq.PUSH), lab.ctx.socket(zmq.PULL)
        workers.sndhwm = tasks.rcvhwm = hwm
        workers.bind(endpoint)
        tasks.connect(endpoint)
        lab.until(lambda: workers.poll(100, zmq.POLLOUT), what="the worker")
        taken, wait = 0, 0 if transport == "inproc" else 100  # ms; the system may make room
        while taken < stop and workers.poll(wait, zmq.POLLOUT):
            workers.send(bytes(size))
            taken += 1
    return taken


flights = {
    f"{size:,} bytes": {way: in_flight(way, 1, size) for way in ("inproc", "ipc", "tcp")}
    for size in (10, 10_000)
}
many = flights["10 bytes"]["tcp"]
title = f"HWM 1: 2 small tasks in flight over inproc; over tcp {many}"
plots.show(plots.dots, flights, title=title, unit="tasks in flight, counted up to 1000", log=True)
print(f"inproc, HWM 1: {flights['10 bytes']['inproc']}; tcp: more than 100: {many > 100}")

# %% [markdown]
# Over inproc the two marks add up, exactly. Over ipc and tcp ZeroMQ's background thread takes tasks out of the queue and puts them into the operating system's buffers, which [count bytes](https://libzmq.readthedocs.io/en/latest/zmq_tcp.html): the queue of one is soon empty again, and its worker available. A high-water mark limits **memory**. It does not say how many tasks a worker holds.
#
# ## Let the workers ask
#
# From outside nobody can tell that a worker is free. The worker can. It sends **READY** when it has nothing to do, and gets one task for it. **REQ** asks and waits for the answer; **REP** answers whoever has asked.


# %%
def asking_worker(ctx, endpoint, seconds, done):
    """Ask for a task, do it, ask again, until the context ends."""
    with ctx.socket(zmq.REQ) as feeder:
        feeder.connect(endpoint)
        while True:
            feeder.send(b"READY")
            task = feeder.recv()
            time.sleep(seconds)  # the work
            done.append(task)


def asked(fleet):
    """Give a task to whoever asks. Returns who worked when."""
    done = []
    with Experiment("asked") as lab, lab.ctx.socket(zmq.REP) as workers:
        endpoint, arrivals = lab.endpoint(), Arrivals(workers)
        workers.bind(endpoint)
        for name, seconds in fleet.items():
            lab.start(name, asking_worker, endpoint, seconds, done)
        arrivals.wait(3, patience=5)
        for task in TASKS:
            workers.recv()  # somebody is READY
            workers.send(task)
        lab.until(lambda: len(done) == len(TASKS), within=30, what="36 tasks done")
    return lab.journal.spans(fleet)


# %% [markdown]
# The same fleet, the same tasks, over tcp. Only who speaks first has changed.
#
# > **Predict.** After how many milliseconds is the last task done now?

# %%
asked_ms = Prediction("Makespan when the workers ask, in ms", low=40, high=1000)
asked_ms

# %%
spans_asked = asked(SECONDS)
plots.show(plots.busy, spans_asked, bound=bound)
print(f"Tasks done: {sum(done_by(spans_asked).values())}")
print(f"Sooner than dealt: {makespan(spans_asked) < makespan(spans)}")
asked_ms.compare(round(1000 * makespan(spans_asked)))

# %% [markdown]
# Nobody measured speeds and nobody planned, yet the slow worker got about as many tasks as it can do in that time. A task is bound to a worker as late as can be: when the worker has nothing else to do.
#
# ## Break it: slower still
#
# > **Predict.** The slow worker now needs 300 ms for a task; the others are as before. As before, the best split gives it no task at all. After how many milliseconds is the last task done, when the workers ask?

# %%
slower_ms = Prediction("Makespan with a worker of 300 ms, in ms", low=40, high=1000)
slower_ms

# %%
slower = {**SECONDS, "w3": 0.300}
split = best_split(len(TASKS), list(slower.values()))
slower_bound = max(n * each for n, each in zip(split, slower.values(), strict=True))
spans_slower = asked(slower)
plots.show(plots.busy, spans_slower, bound=slower_bound)
print(f"At best: {split} tasks each, done after {1000 * slower_bound:.0f} ms")
print(f"At least 300 ms: {makespan(spans_slower) >= 0.3}")
slower_ms.compare(round(1000 * makespan(spans_slower)))

# %% [markdown]
# Who asks is free, but need not be fast: the slow worker asked like the others, got one task, and all waited for it. Asking limits the harm to the one task that a worker holds. Dealt, it would have got twelve.
#
# ## In practice
#
# - **Asking costs a round trip** for each task, in which the worker idles. With work of microseconds, or a network of milliseconds, let it hold more than one: lesson 8.
# - **Equal workers, equal tasks:** dealing is as good, and needs no question: [lesson 9](09_policy.ipynb).
# - **Throttling one PULL** with a mark of 1 fails for the same reason ([pyzmq#1111](https://github.com/zeromq/pyzmq/issues/1111)).
# - **A mark holds for each peer** and counts messages, whatever their size. The default is 1000; 0 is no limit ([ZMQ_SNDHWM](https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html)).
# - **A full queue opens again** when about half of it has been read, not after each message ([compute_lwm](https://github.com/zeromq/libzmq/blob/v4.3.5/src/pipe.cpp)).

# %% [markdown]
# ## What we know now
#
# We asked what a PUSH looks at. It looks at whether a worker's queue is full, and never at the worker. So the fast ones wait for the slow one; and a high-water mark is no cure over tcp, since it limits memory. Workers that ask when they are free brought this fleet to a small multiple of the lower bound. What is left above it comes from the last task that the slow worker took.
#
# **An open question.** Three equal workers ask for tasks. Thirty tasks take 5 ms, one takes 100 ms. Does it matter which one comes first?
#
# <details><summary>An answer</summary>
#
# Yes. If the long task comes last, everybody else is done when it begins: 50 ms and then 100 ms. If it comes first, the others do the short ones meanwhile, and all is done after 100 ms, which is the lower bound. Asking cannot see a task's length. [Graham showed in 1966](https://doi.org/10.1002/j.1538-7305.1966.tb01709.x) that taking tasks in any order costs, for equal workers, less than twice the best makespan.
#
# </details>
#
# Now write both sides, and let every worker know when there is no more: [Lab 2](../labs/02_straggler.ipynb). Next: [Know when the work is done](03_know_when_done.ipynb).

# %%
assert_all_quiet()
