# %% [markdown]
# # Lab 3 · Complete every task
#
# *Goal:* a function that brings every task to its end, once, although workers die with tasks in their queue, forget some, answer twice, and answer late.
#
# *You need:* [lesson 3](../notebooks/03_know_when_done.ipynb). *Time:* 30 minutes.

# %%
import time

import zmq

from zmqlab import check
from zmqlab.run import Experiment, assert_all_quiet

# %% [markdown]
# ## The contract
#
# `complete(ctx, task_endpoint, result_endpoint, tasks, patience)` binds a PUSH socket for tasks and a PULL socket for results.
#
# | | |
# |---|---|
# | `tasks` | a dict from id to payload, both bytes |
# | a task goes out as | `[id, payload]` |
# | a result comes back as | `[id, result]` |
# | what has not come back `patience` seconds after it was last sent | is sent again, and not before |
# | returned | a dict from id to result, with every id of `tasks` once |
#
# Workers may come late, and die. A result may come twice, late, or for an id that nobody asked for; none of that ends the function or gets into its result. The function makes, uses and closes its own sockets.


# %%
def complete(
    ctx: zmq.Context,
    task_endpoint: str,
    result_endpoint: str,
    tasks: dict[bytes, bytes],
    patience: float,
) -> dict[bytes, bytes]:
    """The result of every task, by id; what is missing for `patience` seconds is sent again."""
    ### BEGIN SOLUTION
    results: dict[bytes, bytes] = {}
    due = dict.fromkeys(tasks, 0.0)  # when each missing task may be sent; now, for the first time
    with ctx.socket(zmq.PUSH) as workers, ctx.socket(zmq.PULL) as sink:
        workers.linger = 0  # what is still queued at the end has come back from elsewhere
        workers.bind(task_endpoint)
        sink.bind(result_endpoint)
        while due:
            task = min(due, key=due.get)
            wait = max(0.0, due[task] - time.monotonic())
            if sink.poll(wait * 1000):
                answered, result = sink.recv_multipart()
                if due.pop(answered, None) is not None:
                    results[answered] = result
            elif workers.poll(10, zmq.POLLOUT):  # no worker, no room: look at the sink again
                workers.send_multipart([task, tasks[task]])
                due[task] = time.monotonic() + patience
    return results
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# For each task that is not back you need to know one thing besides its payload. Which?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Two things can happen next: a result comes, or a task's patience is over. How long may you wait for the first, so as not to miss the second? Which call waits for a message that long and no longer?
#
# </details>
# <details><summary>Hint 3</summary>
#
# `send` blocks while no worker is connected. Who reads the results in the meantime? A socket can be asked beforehand whether it would take a message: `poll` with `POLLOUT`.
#
# </details>
# <details><summary>Hint 4</summary>
#
# A result comes for the second time, or for an unknown id. What is the one question to ask of every result before it counts?
#
# </details>
#
# ## Check
#
# The check's workers die, forget, repeat themselves and come late, after a plan with a seed. It takes some seconds.

# %%
report = check.lab03(complete)
report

# %% [markdown] tags=["solution-only"]
# One dict says it all: `due` has the tasks that are not back, and when each may be sent. A task leaves it with its first result, and only if it is in it: second, late and unknown answers fall through. The loop always looks at the task that is due next and waits for results until then.
#
# Nothing is ever declared lost. A task that is silent for too long is *missing*, and it is sent again; whoever was slow and not dead will answer too, and that answer does no harm. So a task may be **done** more than once, though it is **counted** once. What that asks of the work itself is lesson 11.

# %% [markdown]
# ## Now break it
#
# A real process takes tasks, answers the first three, and is killed. One in this kernel takes its place. Your function notices nothing of either, and completes: run this once the check has passed.


# %%
def worker(ctx, task_endpoint, result_endpoint, answers):
    """Do tasks, and answer the first so many of them."""
    with ctx.socket(zmq.PULL) as tasks, ctx.socket(zmq.PUSH) as results:
        tasks.connect(task_endpoint)
        results.connect(result_endpoint)
        while True:
            task, payload = tasks.recv_multipart()
            if answers:
                results.send_multipart([task, payload.upper()])
                answers -= 1


# %% [markdown]
# Thirty tasks; `fragile` gets them all, since it is the only worker there. When it has answered three, it dies.

# %%
if report:
    tasks = {b"task %d" % n: b"abc"[n % 3 :] for n in range(30)}
    with Experiment() as lab:
        ends = lab.endpoint(), lab.endpoint()
        fragile = lab.spawn("fragile", worker, *ends, 3)
        call = lab.start("complete", complete, *ends, dict(tasks), 0.5)
        lab.until(lambda: lab.journal.counts().get("complete") == 3, 20, "three results")
        fragile.kill()
        lab.start("sturdy", worker, *ends, 1000)
        results = call.result(within=20)
    sent = lab.journal.counts("sent")["complete"]
    print(f"{len(results)} of {len(tasks)} completed")
    print(f"right: {results == {task: payload.upper() for task, payload in tasks.items()}}")
    print(f"sent more often than there are tasks: {sent > len(tasks)}")

# %% [markdown]
# **Think about it.**
#
# 1. With a patience of a tenth of what a task takes, what would your function do to the workers? And with a patience of an hour?
# 2. A worker charges a credit card for each task. It answers, and the answer is lost. What happens?
# 3. The process that runs `complete` is killed. What is left?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. It would send every task ten times before the first result, and the workers would spend their time on doing again what is nearly done; under load they get slower, so more is sent: a retry storm. With an hour, a dead worker costs an hour. A patience is a guess about a distribution, which can be measured.
# 2. The task is sent again, and the card is charged twice. At least once is what sending again gives; exactly once needs a worker that knows the ids it has done.
# 3. Nothing: the dict of what is missing was in its memory. Lesson 13 writes it down before it answers.

# %%
assert_all_quiet()
