# %% [markdown]
# # 3 · Know when the work is done
#
# *You will do:* send tasks through workers to one place that collects the results, and kill a worker in the middle.
#
# *You will be able to*
# - say what is true when `send()` has returned, and what is not,
# - find out which tasks are done and which are missing,
# - say where the missing ones went, and which of them a queue keeps.
#
# *You need:* [lesson 1](01_share_out.ipynb). Lesson 2 can wait.

# %% [markdown]
# A program takes a few messages from a PULL socket and exits. More had been sent to it; they had reached some buffer, but no program, and now they are gone. In 2011 somebody proposed sockets that **acknowledge** what they get, that is, tell the sender ([libzmq#160](https://github.com/zeromq/libzmq/issues/160)). The
# issue is closed, and PUSH and PULL are what they were.
#
# So **when `send()` has returned, what do you know?**

# %%
import time

import zmq

from zmqlab.run import Arrivals, Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots

# %% [markdown]
# ## Ten tasks, three taken
#
# A worker takes three tasks and leaves. Ten are sent while it is there. Then another worker comes, and an eleventh task is sent.
#
# > **Predict.** The second worker takes one task. Which, of number 1 to 11?

# %%
first_of_w2 = Prediction("Task that the second worker gets", low=1, high=11)
first_of_w2


# %%
with Experiment("three of ten") as lab, lab.ctx.socket(zmq.PUSH) as workers:
    endpoint = lab.endpoint()
    arrivals = Arrivals(workers)
    workers.bind(endpoint)
    with lab.ctx.socket(zmq.PULL) as w1:
        w1.connect(endpoint)
        arrivals.wait(1, patience=5)
        for number in range(1, 11):
            workers.send(b"%d" % number)
        print("w1 took", [int(w1.recv()) for _ in range(3)])
    lab.until(lambda: arrivals.count == 0, what="w1 to be gone")
    with lab.ctx.socket(zmq.PULL) as w2:
        w2.connect(endpoint)
        arrivals.wait(1, patience=5)
        workers.send(b"11")
        first = int(w2.recv())

print("w2 took", first)
first_of_w2.compare(first)

# %% [markdown]
# Seven tasks are lost. Ten times `send()` returned without an error, and rightly so: that says that ZeroMQ has taken the task over, and no more. The seven lay in the queue for w1, on the way, or in w1's own queue, and went with w1's connection. PUSH and PULL acknowledge nothing.
#
# ## Let the results say it
#
# Only who does the work can say that it is done. So the workers send their results on, to one collector.

# %%
TASKS = [b"task %d" % number for number in range(300)]
WORKERS = ["w1", "w2", "w3"]


def worker(ctx, task_endpoint, result_endpoint, name):
    """Do tasks, and send [task, who did it] on, until the context ends."""
    with ctx.socket(zmq.PULL) as tasks, ctx.socket(zmq.PUSH) as results:
        tasks.connect(task_endpoint)
        results.connect(result_endpoint)
        while True:
            task = tasks.recv()
            time.sleep(0.005)  # the work
            results.send_multipart([task, name.encode()])


# %%
with Experiment("pipeline") as lab:
    task_endpoint, result_endpoint = lab.endpoint(), lab.endpoint()
    ventilator, sink = lab.ctx.socket(zmq.PUSH), lab.ctx.socket(zmq.PULL)
    arrivals = Arrivals(ventilator)
    ventilator.bind(task_endpoint)
    sink.bind(result_endpoint)
    for name in WORKERS:
        lab.start(name, worker, task_endpoint, result_endpoint, name)
    arrivals.wait(3, patience=5)
    for task in TASKS[:60]:
        ventilator.send(task)
    results = [sink.recv_multipart() for _ in range(60)]

missing = set(TASKS[:60]) - {task for task, who in results}
print(f"{len(results)} results, {len(missing)} tasks missing")

# %% [markdown]
# This shape is a **pipeline**: a **ventilator** (the feeder of lesson 1) sends tasks, workers do them, a **sink** collects results. A task without a result is **missing**. When none is, the work is done, and there is no other sign of it.
#
# ## Break it: kill a worker
#
# Now w3 is a process of its own, and it is killed after ten results, with no chance to say goodbye. Each of the three workers was dealt a hundred tasks.
#
# > **Predict.** How many of the 300 tasks stay without a result?

# %%
lost_tasks = Prediction("Tasks without a result, of 300", low=0, high=300)
lost_tasks

# %% [markdown]
# > **Predict.** And which call says so, by an error or in any other way?

# %%
CALLS = ["a send() of the ventilator", "a recv() of the sink", "the end of the Context", "none"]
who_tells = Prediction("The call that says that tasks are lost", choices=CALLS)
who_tells


# %%
results = []


def results_of(*names):
    """How many of the results so far are by these workers."""
    return sum(who.decode() in names for _, who in results)


with Experiment("killed") as lab:
    task_endpoint, result_endpoint = lab.endpoint(), lab.endpoint()
    ventilator, sink = lab.ctx.socket(zmq.PUSH), lab.ctx.socket(zmq.PULL)
    arrivals = Arrivals(ventilator)
    ventilator.bind(task_endpoint)
    sink.bind(result_endpoint)
    for run, name in [(lab.start, "w1"), (lab.start, "w2"), (lab.spawn, "w3")]:
        w3 = run(name, worker, task_endpoint, result_endpoint, name)
    arrivals.wait(3, patience=20)
    for task in TASKS:
        ventilator.send(task)
    while results_of("w3") < 10:
        results.append(sink.recv_multipart())
    w3.kill()
    while results_of("w1", "w2") < 200 or sink.poll(100):
        results.append(sink.recv_multipart())
who_tells.compare("none")  # to come so far, every call must have returned

# %% [markdown]
# No call says anything. What did the sink get, and what is missing?

# %%
done = {name: results_of(name) for name in WORKERS}
missing = set(TASKS) - {task for task, _ in results}
rows = {name: {"done": done[name], "missing": 100 - done[name]} for name in WORKERS}
title = f"{len(missing)} tasks are missing after w3's death, and no call said so"
plots.show(plots.stacked, rows, title=title, unit="tasks dealt to it")
print(f"Results of w1: {done['w1']}, of w2: {done['w2']}; of w3 less: {done['w3'] < 100}")
print(f"All that is missing was dealt to w3: {len(missing) == 100 - done['w3']}")
lost_tasks.compare(len(missing))

# %% [markdown]
# The ventilator had dealt w3 its hundred tasks within moments. What w3 had not answered died with it: in its memory, in the operating system's buffers, in the ventilator's queue for it. Perhaps it had done one more, and only the result was lost: missing does not mean not done. Nobody was told. We can name what is missing, because we know what was sent.
#
# ## Does it help to keep the queue?
#
# Who binds makes a queue for each peer that comes. Who connects makes its queue at once, before there is a peer; so it might outlive one. Thirty tasks of a megabyte, so that most of them must wait in the PUSH; w1 takes one and is killed; w2 takes its place.


# %%
def hold(ctx, task_endpoint, attach, result_endpoint):
    """Take one task, say so, and work on it for a long time."""
    with ctx.socket(zmq.PULL) as tasks, ctx.socket(zmq.PUSH) as results:
        tasks.rcvhwm = 1  # leave the others with the sender, as far as possible
        getattr(tasks, attach)(task_endpoint)
        results.connect(result_endpoint)
        tasks.recv()
        results.send(b"took one")
        time.sleep(60)  # the work


def take_over(ctx, task_endpoint, attach):
    """Take tasks up to the last one. Returns how many came before it."""
    with ctx.socket(zmq.PULL) as tasks:
        getattr(tasks, attach)(task_endpoint)
        before = 0
        while tasks.recv() != b"last":
            before += 1
    return before


# %% [markdown]
# One function for both ways round: the PUSH binds and the workers connect, or the PUSH connects and each worker binds. A third way is the answer to lesson 1's open question: the PUSH connects with `immediate = 1`, which gives a queue only to a connection that is up.
#
# > **Predict.** The PUSH connects, and the workers bind. How many of the 29 other tasks does w2 get?


# %%
def replaced(push_does, workers_do, immediate=0):
    """Let w2 replace w1, killed with tasks waiting. Returns what became of 30 tasks."""
    with Experiment("replaced", record=False) as lab:
        task_endpoint, result_endpoint = lab.endpoint(), lab.endpoint()
        ventilator, sink = lab.ctx.socket(zmq.PUSH), lab.ctx.socket(zmq.PULL)
        sink.bind(result_endpoint)
        arrivals, ventilator.immediate = Arrivals(ventilator), immediate
        getattr(ventilator, push_does)(task_endpoint)
        w1 = lab.spawn("w1", hold, task_endpoint, workers_do, result_endpoint)
        arrivals.wait(1, patience=20)
        for _ in range(30):
            ventilator.send(bytes(1_000_000))
        sink.recv()
        w1.kill()
        lab.until(lambda: arrivals.count == 0, what="w1 to be gone")
        w2 = lab.start("w2", take_over, task_endpoint, workers_do)
        arrivals.wait(1, patience=5)
        ventilator.send(b"last")
        got = w2.result(within=10)
    return {"taken by w1": 1, "got by w2": got, "lost": 29 - got}


# %%
kept_tasks = Prediction("Tasks that w2 gets, of 29", low=0, high=29)
kept_tasks

# %%
fates = {
    "PUSH binds": replaced("bind", "connect"),
    "PUSH connects": replaced("connect", "bind"),
    "connects, immediate": replaced("connect", "bind", immediate=1),
}
saved = fates["PUSH connects"]["got by w2"]
title = f"A PUSH that connects may keep what waits: {saved} of 29"
plots.show(plots.stacked, fates, title=title)
print(f"PUSH binds: w2 gets {fates['PUSH binds']['got by w2']} of 29.")
print(f"PUSH connects: w2 gets some: {saved > 0}; all: {saved == 29}")
print(f"PUSH connects, immediate: w2 gets {fates['connects, immediate']['got by w2']} of 29.")
kept_tasks.compare(saved)

# %% [markdown]
# For who binds, a queue belongs to a connection, and goes with it. For who connects, it belongs to the endpoint, and stays ([30/PIPELINE](https://rfc.zeromq.org/spec/30/)). **Bind loses, connect keeps, unless it is immediate**: then the queue goes with the connection, as for who binds. And what had left the queue for w1 is lost in any case. A kept queue says nothing of what became of a task: only results do.

# %% [markdown]
# ## In practice
#
# - **Missing is not lost.** After a time-out the result may still come. Whoever sends a task again gets some results twice, and must count each task once.
# - **A dead process** is noticed because its operating system closes the connection. A frozen one is not noticed, and a cut cable late or never, unless you ask for **heartbeats**, messages that only say *I am here* ([ZMQ_HEARTBEAT_IVL](https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html)). ZeroMQ's background thread [answers those by itself](https://github.com/zeromq/libzmq/blob/v4.3.5/src/zmtp_engine.cpp): a worker that hangs in a loop of its own still looks alive. That is where [lesson 10](10_notice_the_dead.ipynb) begins.
# - **A sink hears its workers in turn**, not in the order of their sending: one message from each that has some ([30/PIPELINE](https://rfc.zeromq.org/spec/30/)). This is **fair queueing**: who sends much drowns out nobody. Each worker's own results stay in order; between two workers there is no order to rely on.
# - **A full sink** stops the pipeline: the workers' PUSH sockets [block](https://libzmq.readthedocs.io/en/latest/zmq_socket.html) when their queues are full.
# - **`linger = 0`** at the ventilator loses tasks without any death.

# %% [markdown]
# ## What we know now
#
# We asked what you know when `send()` has returned. You know that ZeroMQ has taken the task over from you. Whether it is done, only its result says; so give each task an id, let a sink collect results, and look at what is missing.
#
# **An open question.** The workers connect to the sink. Now the sink dies, and a new one binds the same endpoint. What becomes of the results?
#
# <details><summary>An answer</summary>
#
# Connect keeps, if it is not immediate: each worker's queue for the sink stays, and when the new sink is there, it is delivered. Lost is what had reached the old sink and was not stored, and what was in the operating system's buffers. Meanwhile the workers go on until their queues are full; then they block.
#
# </details>
#
# Now complete every task although workers die: [Lab 3](../labs/03_know_when_done.ipynb). Next: [Read an envelope](04_envelope.ipynb).

# %%
assert_all_quiet()
