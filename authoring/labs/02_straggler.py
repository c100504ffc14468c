# %% [markdown]
# # Lab 2 · A task to who asks for one
#
# *Goal:* a feeder that hands a task only to a worker that asks, and the worker that asks; together they finish near the lower bound although one worker is slow.
#
# *You need:* [lesson 2](../notebooks/02_straggler.ipynb). *Time:* 25 minutes.

# %%
import time

import zmq

from zmqlab import check, plots
from zmqlab.experiment import Experiment, assert_all_quiet
from zmqlab.theory import makespan_bound

# %% [markdown]
# ## The contract
#
# A worker is a REQ socket. It sends `b"READY"` and gets one task: some bytes, never empty. It does the task, and only then asks again. When there are no more tasks it gets `b""` and ends.
#
# | function | what it does |
# |---|---|
# | `feed(ctx, endpoint, tasks, n_workers)` | binds; answers each question with the next task, or with `b""` when there are no more; returns when each of `n_workers` workers has got its `b""` |
# | `worker(ctx, endpoint, work)` | connects and asks; calls `work(task)` for each task before it asks for the next; returns how many it did |
#
# Workers may come late; there may be more of them than tasks. Nobody uses the processor while nothing happens. Both functions make, use and close their own sockets.


# %%
def feed(ctx: zmq.Context, endpoint: str, tasks: list[bytes], n_workers: int) -> None:
    """Give each task to a worker that asks for one; then let every worker go home."""
    ### BEGIN SOLUTION
    with ctx.socket(zmq.REP) as workers:
        workers.linger = -1  # the last b"" must still leave
        workers.bind(endpoint)
        for answer in [*tasks, *[b""] * n_workers]:
            workers.recv()
            workers.send(answer)
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which answers does the feeder give in all, and how many of them? Does it matter to whom?
#
# </details>
# <details><summary>Hint 2</summary>
#
# A socket that answers whoever has asked, one question at a time, and waits when nobody asks: lesson 2 has used it.
#
# </details>
# <details><summary>Hint 3</summary>
#
# A worker that has got its `b""` does not ask again. What does that tell about the last `n_workers` answers?
#
# </details>


# %%
def worker(ctx: zmq.Context, endpoint: str, work) -> int:
    """Ask for tasks and do them until there are no more; how many they were."""
    ### BEGIN SOLUTION
    with ctx.socket(zmq.REQ) as feeder:
        feeder.connect(endpoint)
        done = 0
        while True:
            feeder.send(b"READY")
            task = feeder.recv()
            if not task:
                return done
            work(task)
            done += 1
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# When is the worker free: when it has the task, or when it has done it?
#
# </details>
# <details><summary>Hint 2</summary>
#
# A REQ sends, receives, sends, receives. Which line of yours stands between a receive and the next send?
#
# </details>
#
# ## Check
#
# The check tries your feeder with its own workers, your worker with its own feeder, and both with a straggler. It takes some seconds.

# %%
report = check.lab02(feed, worker)
report

# %% [markdown] tags=["solution-only"]
# The feeder knows nothing of its workers, not even their names. It has a list of answers: the tasks, then one `b""` for each worker. Whoever asks gets the next one. That every worker gets exactly one `b""` follows from the workers' part of the contract: who got one does not ask again.
#
# `recv()` waits without using the processor, and a REP answers the one whose question it has just read. A ROUTER could do the same with the address in hand; it is needed once answers come in another order than questions, which is lesson 5.

# %% [markdown]
# ## Now break it
#
# One worker of three is slow, and the last task is a long one. Whoever asks at the wrong moment gets it. The makespan is how long it takes until all is done, and the lower bound is what no assignment can beat.


# %%
def run(costs, slowness):
    """Run the fleet on tasks of these costs, in seconds; the journal, and who did how much."""
    tasks = [b"%.4f" % cost for cost in costs]
    with Experiment() as lab:
        endpoint = lab.endpoint()
        feeder = lab.start("feeder", feed, endpoint, tasks, len(slowness))
        crew = {
            name: lab.start(name, worker, endpoint, lambda task, s=s: time.sleep(float(task) * s))
            for name, s in slowness.items()
        }
        feeder.result(within=20)
        done = {name: task.result(within=5) for name, task in crew.items()}
    return lab.journal.spans(list(slowness)), done


# %% [markdown]
# The same tasks twice: the long one last, then first. Which is better, and does anybody decide it?

# %%
slowness = {"w1": 1, "w2": 1, "w3": 10}
if report:
    long_last = [0.005] * 60 + [0.05]
    bound = makespan_bound(long_last, [1 / s for s in slowness.values()])
    for title, costs in [("last", long_last), ("first", long_last[::-1])]:
        spans, done = run(costs, slowness)
        plots.show(plots.busy, spans, bound=bound, title=f"The long task comes {title}")
        print(f"long task {title}: {sum(done.values())} of {len(costs)} tasks done")

# %% [markdown]
# **Think about it.**
#
# 1. With a slow worker that happens to ask just before the last task, how much later than the bound can you end? Does it depend on how many tasks there are?
# 2. Between its answer and its next task a worker waits for a round trip. For which tasks does that matter?
# 3. A worker dies with a task in its hands. What does your feeder do?

# %% [markdown] tags=["solution-only"]
# 1. By one task at the slowest worker's speed, however many tasks there are. That is Graham's argument (1966) for list scheduling, and why the makespan divided by the bound goes to one as the work grows.
# 2. For tasks that take no longer than the round trip. Then let a worker ask before it is done: credit, in lesson 6.
# 3. It waits for ever for a `b""` that nobody fetches. It cannot know: a silent worker may be at work. To notice the dead is lesson 8; to do without knowing is [lab 3](03_know_when_done.ipynb).

# %%
assert_all_quiet()
