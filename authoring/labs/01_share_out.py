# %% [markdown]
# # Lab 1 · Deal only when all are there
#
# *Goal:* a feeder that waits for its workers, deals a hundred tasks out evenly, loses none, and says so when too few have come.
#
# *You need:* [lesson 1](../notebooks/01_share_out.ipynb). *Time:* 20 minutes.

# %%
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

from zmqlab import check
from zmqlab.run import Arrivals, Experiment, assert_all_quiet
from zmqlab.show import plots

# %% [markdown]
# ## The contract
#
# `feed(ctx, endpoint, n_workers, tasks, patience)` binds a PUSH socket at `endpoint`. Workers connect a PULL socket there: some before the bind, some late, one by one.
#
# | workers that come within `patience` seconds | what `feed` does |
# |---|---|
# | `n_workers` | deals `tasks` (a list of bytes) out evenly, one message each, and returns |
# | fewer, say 2 of 3 | sends nothing; raises a `TimeoutError` that says how many came, such as `2 of 3 workers came` |
#
# When `feed` has returned, the caller ends the context. No task may be lost by that, also if the workers read slowly. The function makes, uses and closes its own sockets.
#
# In lesson 1 `Arrivals` did the counting, and you saw one event. Here you count yourself, with pyzmq alone: several workers, one patience for all of them, and an error that says how many came.


# %%
def feed(
    ctx: zmq.Context, endpoint: str, n_workers: int, tasks: list[bytes], patience: float
) -> None:
    """Deal the tasks out when `n_workers` workers are connected.

    `TimeoutError`, with how many came, if they are fewer after `patience` seconds.
    """
    ### BEGIN SOLUTION
    deadline = time.monotonic() + patience
    with ctx.socket(zmq.PUSH) as workers:
        workers.linger = -1  # closed, it still waits until all tasks have left
        with workers.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as monitor:
            workers.bind(endpoint)
            for came in range(n_workers):
                left = max(0.0, deadline - time.monotonic())
                if not monitor.poll(left * 1000):
                    raise TimeoutError(f"{came} of {n_workers} workers came in {patience} s")
                recv_monitor_message(monitor)
            workers.disable_monitor()  # nobody reads events from here on
        for task in tasks:
            workers.send(task)
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `connect()` has returned in a worker: what do you know about the connection? What do you know when the handshake has succeeded, and whose monitor tells the feeder?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Lesson 1 read one event of a monitor. Does a monitor report what happened before you asked for it? And what does reading do when no event comes: which call waits for a message for so long and no longer?
#
# </details>
# <details><summary>Hint 3</summary>
#
# `patience` is for all workers together. If you wait that long for each of them, how long do you wait for the last one?
#
# </details>
# <details><summary>Hint 4</summary>
#
# `send()` has returned: where is the task now? Closing a socket may wait for what has not left yet. Look up `ZMQ_LINGER` in the manual page of `zmq_setsockopt`.
#
# </details>
#
# ## Check
#
# The check runs your feeder against workers that are early, late, too few, none, and slow to read. It takes some seconds.

# %%
report = check.lab01(feed)
report

# %% [markdown] tags=["solution-only"]
# The monitor is made before the bind, so that no worker can come unnoticed. Each event that it was asked for is one finished handshake; one deadline covers all of them. A worker whose handshake has succeeded has its pipe, so the deal is even from the first task on. When the count is complete, `disable_monitor` ends the reports. Without it, a worker that came while the tasks were being dealt brought them all to a stop, when we tried it with large ones.
#
# Nothing can be sent too early, because nothing is sent before the last worker is counted. And nothing is lost at the end: a PUSH socket that is closed keeps its tasks until the linger period is over, and `-1`, which is libzmq's default anyway, has no end. Said aloud, it survives a
# caller whose context has another default.

# %% [markdown]
# ## Now break it
#
# A worker leaves again before the deal. Your feeder has counted it. What happens to the tasks? Guess first; then run this, once the check has passed.


# %%
def visitor(ctx, endpoint):
    """Connect as a worker does, and leave as soon as the connection is up."""
    with ctx.socket(zmq.PULL) as tasks:
        feeders = Arrivals(tasks)
        tasks.connect(endpoint)
        feeders.wait(1, patience=30)


def worker(ctx, endpoint):
    """Take tasks until the context ends."""
    with ctx.socket(zmq.PULL) as tasks:
        tasks.connect(endpoint)
        while True:
            tasks.recv()


# %% [markdown]
# Three are counted: a visitor that leaves as soon as it is connected, a worker that comes at once, and one that comes when the visitor has left. The visitor is a process: when it has ended, its connection has ended too.

# %%
if report:
    tasks = [b"task %d" % n for n in range(100)]
    with Experiment() as lab:
        endpoint = lab.endpoint()
        feeder = lab.start("feeder", feed, endpoint, 3, tasks, 30)
        leaving = lab.spawn("visitor", visitor, endpoint)
        lab.start("w1", worker, endpoint)
        lab.until(lambda: not leaving.alive, within=30, what="the visitor to leave")
        lab.start("w2", worker, endpoint)
        feeder.result(within=30)
        lab.until(lambda: sum(lab.journal.counts().values()) == 100, what="100 tasks")
    print(plots.shares_text(lab.journal.counts(who=["visitor", "w1", "w2"])))

# %% [markdown]
# **Think about it.**
#
# 1. Three came, and two were there. Is that a defect of your feeder, of the contract, or of neither? What would you change?
# 2. The monitor can also report `EVENT_DISCONNECTED`. Would counting down with it close the gap?
# 3. Your feeder knows that all were there when it began. What does it know when it has returned?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. Of neither: "when n workers are connected" is about one moment, and a count of those who came is not a count of those who are there. `Arrivals` in `zmqlab.run` counts down as well.
# 2. It makes the gap smaller. A worker can still leave between the last event that you read and your first send, and no count can change that. What helps is an answer to each task, which is lesson 3.
# 3. That each task has been put into the queue of a connection that was up. Not that it was received, and not that it was done. A worker that dies takes its tasks with it, and no error tells.

# %%
assert_all_quiet()
