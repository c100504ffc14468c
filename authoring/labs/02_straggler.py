# %% [markdown]
# # Lab 2 · Let the workers ask
#
# *Goal:* a feeder that gives a task only to who asks for one, and the worker that asks, so that a straggler holds up nobody.
#
# *You need:* [lesson 2](../notebooks/02_straggler.ipynb). *Time:* 25 minutes.

# %%
import time

import zmq

from zmqlab import check
from zmqlab.balance import best_split
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import plots

# %% [markdown]
# ## The contract
#
# | who | sends | gets |
# |---|---|---|
# | worker, a REQ | `b"READY"` | the next task, or `b""` when there are no more |
# | feed | a task (never empty) to each question, then `b""` | `b"READY"` |
#
# `feed(ctx, endpoint, tasks, n_workers)` binds, answers each question when it comes, waits without using the processor, and returns when every one of `n_workers` workers has got its `b""`. It need not know the workers before, nor wait for all of them to begin. One may come when the others have gone.
#
# `worker(ctx, endpoint, work)` connects, asks, calls `work(task)` and, when that has returned, asks again. It returns how many tasks it did. What `work` returns does not matter, and any bytes but `b""` are a task.
#
# With three workers that run your `worker`:
#
# ```python
# feed(ctx, endpoint, [b"a", b"b", b"c", b"d"], 3)
# assert sorted(worked) == [b"a", b"b", b"c", b"d"]      # each once
# assert sum(returned) == 4                              # say, 2 and 1 and 1
# ```


# %%
def feed(ctx: zmq.Context, endpoint: str, tasks: list[bytes], n_workers: int) -> None:
    """Give each task to a worker that asks; return when all have been told that that is all."""
    ### BEGIN SOLUTION
    with ctx.socket(zmq.REP) as workers:
        workers.bind(endpoint)
        for task in [*tasks, *[b""] * n_workers]:
            workers.recv()  # somebody is READY
            workers.send(task)
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1: which socket?</summary>
#
# The workers are REQ sockets. Which kinds of socket can a REQ talk to? In the lesson one of them served three workers at once.
#
# </details>
# <details><summary>Hint 2: when is it over?</summary>
#
# What do you count: the tasks that are gone, or the workers that know it? What does a worker get that asks for the first time when the tasks are gone?
#
# </details>
# <details><summary>Hint 3: you took a ROUTER, a worker asks, and nothing comes</summary>
#
# With a ROUTER (lesson 4) you write the envelope yourself. What did the question have between the address and `b"READY"`? Over tcp a REQ hangs up on an answer without it, and no call says so.
#
# </details>


# %%
def worker(ctx: zmq.Context, endpoint: str, work) -> int:
    """Ask for tasks and do them until there are no more; return how many that were."""
    ### BEGIN SOLUTION
    done = 0
    with ctx.socket(zmq.REQ) as feeder:
        feeder.connect(endpoint)
        while True:
            feeder.send(b"READY")
            task = feeder.recv()
            if task == b"":
                return done
            work(task)
            done += 1
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint</summary>
#
# Say the contract in the order in which things happen, beginning with the question. Which line of it ends the loop?
#
# </details>
#
# ## Check
#
# Your `feed` with workers of the check's own: a straggler among them, more workers than tasks and one of them late, no tasks. Then your `worker` with a feeder of the check's own. Then both together.

# %%
report = check.lab02(feed, worker)
report

# %% [markdown] tags=["solution-only"]
# ## How it works
#
# One list is the whole bookkeeping: the tasks, then one `b""` for each worker. Nothing says which worker will get which task until one asks, so nobody can hold what another could do. A REP answers the question that it received last, so it needs no address. `recv` waits without using the processor.
#
# The list counts the workers that are to be told, not only the tasks. A worker may come for the first time when everything is done; had `feed` returned with the last task, that one would wait for ever.
#
# What a REP cannot do is keep one question waiting while it answers another. The broker of lesson 7 will need that. A ROUTER can; here it does the same, with an envelope, which lesson 4 explains:
#
# ```python
# left, gone = iter(tasks), 0
# with ctx.socket(zmq.ROUTER) as workers:
#     workers.bind(endpoint)
#     while gone < n_workers:
#         address, empty, _ready = workers.recv_multipart()
#         task = next(left, b"")
#         workers.send_multipart([address, empty, task])
#         gone += task == b""
# ```

# %% [markdown]
# ## Now break it
#
# First the fleet of the lesson, with your code: two workers of 2 ms, one of 50 ms. Change the times, and the number of workers.

# %%
SECONDS = {"w1": 0.002, "w2": 0.002, "w3": 0.050}
TASKS = [b"task %d" % n for n in range(90)]


def run(seconds):
    """Run `feed` and one `worker` for each entry; return who was busy when."""
    with Experiment("asking") as lab:
        endpoint = lab.endpoint()
        fed = lab.start("feed", feed, endpoint, TASKS, len(seconds))
        for name, each in seconds.items():
            lab.start(name, worker, endpoint, lambda task, each=each: time.sleep(each))
        fed.result(within=30)
        lab.until(lambda: all(task.done for task in lab.tasks), what="the workers to go home")
    return [span for span in lab.journal.spans(list(seconds)) if span.task != (b"",)]


if report:
    spans = run(SECONDS)
    split = best_split(len(TASKS), list(SECONDS.values()))
    bound = max(n * each for n, each in zip(split, SECONDS.values(), strict=True))
    plots.show(plots.busy, spans, bound=bound)
    print(f"{len(spans)} tasks done")
else:
    print("First let the check pass.")

# %% [markdown]
# Now a worker that takes one task and dies. The others are well.


# %%
def mortal(ctx, endpoint):
    """Ask for a task, get it, and die."""
    with ctx.socket(zmq.REQ) as feeder:
        feeder.connect(endpoint)
        feeder.send(b"READY")
        feeder.recv()


if report:
    done = []
    with Experiment("a death") as lab:
        endpoint = lab.endpoint()
        fed = lab.start("feed", feed, endpoint, TASKS, 3)
        lab.start("w3", mortal, endpoint).result(within=5)
        others = [lab.start(name, worker, endpoint, done.append) for name in ("w1", "w2")]
        lab.until(lambda: all(other.done for other in others), what="w1 and w2 to go home")
        print(f"{len(done)} of {len(TASKS)} tasks done; has feed returned? {fed.done}")

# %% [markdown]
# **Think about it.**
#
# 1. How many tasks did the death cost, and how many would it have cost if a PUSH had dealt them out?
# 2. `feed` never returned: it waits for a question that will not come. What could it know, and after what time could it be sure?
# 3. A worker needs 1 ms for a task and sits 10 ms away from the feeder. For which part of its time does it work? What would you change in the contract?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. One, the task in its hand. A PUSH would have dealt it a third of them, thirty, all lost with its queue.
# 2. It could know whom it gave a task and when. Silence does not tell a dead worker from a slow one, at no time: it can only decide how long it waits before it gives the task to somebody else, and then be ready for two answers. That is lab 3; lessons 10 and 11 are about the two halves of it.
# 3. Each task costs a round trip of 20 ms and 1 ms of work: a twentieth. Let a worker ask for several tasks ahead, a *credit*: then a few lie with it, and a death costs a few. Lesson 8 measures that trade.

# %%
assert_all_quiet()
