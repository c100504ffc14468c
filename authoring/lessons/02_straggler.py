# %% [markdown]
# # 2 · Catch the straggler
#
# *You will do:* give ninety tasks to a fleet with one slow worker, in three ways, and see who was busy when.
#
# *You will be able to*
# - say what makes a worker "available" to a PUSH socket, and what does not,
# - predict what a high-water mark of 1 lets through on inproc, ipc and tcp,
# - bring a fleet near the best time that there is, by letting its workers ask.
#
# *You need:* [lesson 1](01_share_out.ipynb).

# %% [markdown]
# Somebody has two workers, each needs a second for a task, and a hundred tasks. They expect a PUSH to give the next task to a worker that is free, and to block while both are busy. It never blocks, and sends all hundred at once
# ([ZeroMQ-Perl#10](https://github.com/tsee/ZeroMQ-Perl/issues/10)).
#
# So what *does* a PUSH look at, and **what does that cost when one worker is slow?**

# %%
import time

import zmq

from zmqlab.balance import best_split, makespan_bound
from zmqlab.run import Arrivals, Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots

# %% [markdown]
# ## How fast could it be?
#
# Two workers need 2 ms for a task, the third needs 50 ms. Ninety tasks are there from the beginning. Arithmetic first: how soon could all be done, if each task went to the right worker?

# %%
SECONDS = {"w1": 0.002, "w2": 0.002, "w3": 0.050}  # what each worker needs for a task
TASKS = [b"task %d" % n for n in range(90)]

bound = makespan_bound([1] * len(TASKS), [1 / seconds for seconds in SECONDS.values()])
split = best_split(len(TASKS), list(SECONDS.values()))
print(f"At best, all is done after {1000 * bound:.0f} ms: {split} tasks each.")

# %% [markdown]
# That time, from the first task's start to the last one's end, is the **makespan**, and nothing that anybody could program beats this **lower bound**.
#
# ## Deal the tasks out
#
# Now the programs of lesson 1. A worker's work is a sleep, so that it takes as long on your machine. (`hwm` is for later; 1000 is what every socket has.)


# %%
def worker(ctx, endpoint, seconds, done, hwm):
    """Do tasks until the context ends."""
    with ctx.socket(zmq.PULL) as tasks:
        tasks.rcvhwm = hwm
        tasks.connect(endpoint)
        while True:
            task = tasks.recv()
            time.sleep(seconds)  # the work
            done.append(task)


def dealt(hwm=1000):
    """Deal the tasks out to the three workers. Returns who worked when."""
    done = []
    with Experiment("dealt") as lab, lab.ctx.socket(zmq.PUSH) as workers:
        endpoint, arrivals = lab.endpoint(), Arrivals(workers)
        workers.sndhwm = hwm
        workers.bind(endpoint)
        for name, seconds in SECONDS.items():
            lab.start(name, worker, endpoint, seconds, done, hwm)
        arrivals.wait(len(SECONDS), patience=5)
        for task in TASKS:
            workers.send(task)
        lab.until(lambda: len(done) == len(TASKS), within=30, what="90 tasks done")
    return lab.journal.spans(SECONDS)


# %% [markdown]
# > **Predict.** All three workers are connected; then the PUSH deals the ninety tasks. After how many milliseconds is the last one done?
#
# In the picture a row is a worker: coloured while it works, pale while it is idle.

# %%
dealt_ms = Prediction("Makespan when the tasks are dealt, in ms", low=50, high=3000)
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
# Thirty each, as round robin has it. The fast workers were done almost at once and then looked on. A PUSH is blind to speed: it never learns how long a task takes, nor that it is done.
#
# ## What "available" means
#
# It does skip workers, though. [30/PIPELINE](https://rfc.zeromq.org/spec/30/) says which: a peer is **available** while its queue is not full. How full is set by the **high-water mark**, `SNDHWM` for who sends, `RCVHWM` for who receives. So one might try, as [pyzmq#1111](https://github.com/zeromq/pyzmq/issues/1111) does to throttle a PULL: set
# both to 1, and each worker should have but one task.
#
# > **Predict.** Both marks are 1. A worker is connected over tcp and never receives. How many tasks of 10 bytes does the PUSH take for it?

# %%
taken_tcp = Prediction("Tasks taken over tcp with HWM 1, at most 1000", low=1, high=1000)
taken_tcp


# %%
def in_flight(transport, hwm, size, stop=1000):
    """How many tasks, at most `stop`, a PUSH takes for a worker that never receives."""
    with Experiment("in flight", record=False) as lab:
        endpoint = lab.endpoint(transport)
        workers, tasks = lab.ctx.socket(zmq.PUSH), lab.ctx.socket(zmq.PULL)
        workers.sndhwm = tasks.rcvhwm = hwm
        arrivals = Arrivals(tasks)
        tasks.bind(endpoint)
        workers.connect(endpoint)
        if transport != "inproc":  # there a peer counts at once
            arrivals.wait(1, patience=5)
        taken = 0
        while taken < stop and workers.poll(100, zmq.POLLOUT):  # no room for 0.1 s
            workers.send(bytes(size))
            taken += 1
    return taken


# %%
flights = {
    f"HWM {hwm}, {text}": {
        transport: in_flight(transport, hwm, size) for transport in ("inproc", "ipc", "tcp")
    }
    for size, text in [(10, "10 B"), (10_000, "10 kB")]
    for hwm in (1, 10, 100)
}
tcp = flights["HWM 1, 10 B"]["tcp"]
many = f"{tcp} or more" if tcp == 1000 else tcp
title = f"With HWM 1, 2 small tasks are in flight over inproc, {many} over tcp"
plots.show(plots.dots, flights, title=title, unit="tasks in flight, counted up to 1000", log=True)
print("inproc, 10 B:", [flights[f"HWM {hwm}, 10 B"]["inproc"] for hwm in (1, 10, 100)])
print(f"tcp, 10 B, HWM 1: more than 100: {tcp > 100}")
taken_tcp.compare(tcp)

# %% [markdown]
# Between its `send()` and the work on it, a task is **in flight**. Over inproc the two marks add up, exactly. Over ipc and tcp the kernel takes tasks out of the queue, and its buffers count bytes ([zmq_tcp](https://libzmq.readthedocs.io/en/latest/zmq_tcp.html)). A high-water mark limits **memory**; it does not say how many tasks a worker holds.
#
# ## The advice, tried out
#
# > **Predict.** The same fleet, dealt over tcp with both marks at 1. Does the slow worker get fewer than thirty tasks now?

# %%
spans_hwm = dealt(hwm=1)
slow = done_by(spans_hwm)["w3"]
done_after = f"done after {makespan(spans_hwm):.2f} s"
title = f"HWM 1 over tcp: the slow worker gets {slow} of 90; {done_after}"
plots.show(plots.busy, spans_hwm, bound=bound, title=title)
print(f"Tasks done: {sum(done_by(spans_hwm).values())}")

# %% [markdown]
# Run it again: the slow worker gets another number each time, often many. A queue of one is full, and empty again as soon as the kernel has taken its task. Who has room at that moment gets the next one; that is a matter of threads and buffers, and not of who is idle.

# %% [markdown]
# ## Let the workers ask
#
# From outside nobody can tell that a worker is free. The worker can. It sends READY when it has nothing to do, and gets one task for it. REQ asks and waits for the answer; REP answers whoever has asked.


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
        arrivals.wait(len(fleet), patience=5)
        for task in TASKS:
            workers.recv()  # somebody is READY
            workers.send(task)
        lab.until(lambda: len(done) == len(TASKS), within=30, what="90 tasks done")
    return lab.journal.spans(fleet)


# %% [markdown]
# The same fleet, the same tasks. Only who speaks first has changed.
#
# > **Predict.** After how many milliseconds is the last task done now?

# %%
asked_ms = Prediction("Makespan when the workers ask, in ms", low=50, high=3000)
asked_ms

# %%
spans_asked = asked(SECONDS)
plots.show(plots.busy, spans_asked, bound=bound)
print(f"Tasks done: {sum(done_by(spans_asked).values())}")
print(f"In less than half the time: {makespan(spans_asked) < makespan(spans) / 2}")
asked_ms.compare(round(1000 * makespan(spans_asked)))

# %% [markdown]
# Nobody measured speeds and nobody planned, yet the slow worker got about what it can do. A task is bound to a worker as late as can be: when the worker has nothing else to do.

# %% [markdown]
# ## Break it: slower still
#
# > **Predict.** The slow worker now needs half a second for a task; the others are as before. The best split gives it no task at all. After how many milliseconds is the last task done, when the workers ask?

# %%
slower_ms = Prediction("Makespan with a worker of 500 ms, in ms", low=50, high=3000)
slower_ms

# %%
slower = {**SECONDS, "w3": 0.500}
slower_bound = makespan_bound([1] * len(TASKS), [1 / each for each in slower.values()])
spans_slower = asked(slower)
plots.show(plots.busy, spans_slower, bound=slower_bound)
split = best_split(len(TASKS), list(slower.values()))
print(f"At best: {split} tasks each, done after {1000 * slower_bound:.0f} ms")
print(f"At least half a second: {makespan(spans_slower) >= 0.5}")
slower_ms.compare(round(1000 * makespan(spans_slower)))

# %% [markdown]
# Who asks is free, but need not be fast: the slow worker asked like the others, got one task, and all waited for it. Asking limits the harm to the one task that a worker holds. Dealt, it would have got thirty such tasks.

# %% [markdown]
# ## In practice
#
# - **Asking costs a round trip** for each task, in which the worker idles. With work of microseconds, or a network of milliseconds, let it hold more than one: [lesson 7](07_idle_worker.ipynb).
# - **Equal workers, equal tasks:** dealing is as good, and needs no question: [lesson 9](09_policy.ipynb).
# - **A mark holds for each peer** and counts messages, whatever their size. The default is 1000; 0 is no limit ([ZMQ_SNDHWM](https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html)).
# - **A full queue opens again** when about half of it has been read, not after each message ([compute_lwm](https://github.com/zeromq/libzmq/blob/v4.3.5/src/pipe.cpp)).

# %% [markdown]
# ## What we know now
#
# We asked what a PUSH looks at. It looks at whether a worker's queue is full, and never at the worker. With a straggler among them the fast workers wait for the slow one, and a high-water mark does not help, since it limits memory. Workers that ask when they are free brought this fleet to a small multiple of the lower bound, and what is left above it is one task of the slow worker.

# %% [markdown]
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
