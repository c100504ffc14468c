# %% [markdown]
# # Lab 6 · Give the task to the worker that has been idle longest
#
# *Goal:* a broker that gives each request to a free worker, leaves in its queue what nobody can do yet, and lets all workers take turns.
#
# *You need:* [lesson 6](../notebooks/06_idle_worker.ipynb). *Time:* 30 minutes.

# %%
import time
from collections import deque

import zmq

from zmqlab import check, plots
from zmqlab.experiment import Experiment, assert_all_quiet

# %% [markdown]
# ## The contract
#
# `broker(ctx, frontend, backend)` binds a ROUTER at `frontend`, where clients ask, and a ROUTER at `backend`, where workers say that they are free. A worker is a REQ. The table has the frames as a program sees them, at your sockets and at a worker's.
#
# | what happens | frames at your socket | frames at the worker's REQ |
# |---|---|---|
# | a worker comes | `[worker, b"", b"READY"]` | `[b"READY"]` |
# | a client asks | `[client, b"", *body]` | |
# | you give it to a worker | `[worker, b"", client, b"", *body]` | `[client, b"", *body]` |
# | the worker answers, and is ready again | `[worker, b"", client, b"", *reply]` | `[client, b"", *reply]` |
# | you pass the answer on | `[client, b"", *reply]` | |
#
# - The request goes to the worker that has been idle longest. No worker is given a second one before it has answered.
# - With nobody idle, requests stay unread in the frontend, and the broker waits without using the processor.
# - Clients are REQ or DEALER, with any routing id; a body or a reply has any number of frames, empty ones among them.
# - It goes on until its context ends. Clients may be gone when their answer comes, and a message may be none of the above: neither ends it. Let `zmq.ContextTerminated` escape.


# %%
def broker(ctx: zmq.Context, frontend: str, backend: str) -> None:
    """Give each request to the worker that has been idle longest; with nobody idle, read none."""
    ### BEGIN SOLUTION
    idle: deque[bytes] = deque()  # who became idle first stands first
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
                        idle.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        workers.send_multipart([idle.popleft(), b"", client, b"", *body])
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# What must the broker remember between two messages? In the table, which two rows add to that, and which one takes from it?
#
# </details>
# <details><summary>Hint 2</summary>
#
# While nobody is idle, a request may be waiting. If you ask ZeroMQ whether one is there, what does it answer, and how often? Which sockets do you have to listen to at that time?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Two workers answer, first one, then the other. Who has been idle longer? At which end of your queue does each of them stand, and from which end do you take?
#
# </details>
# <details><summary>Hint 4</summary>
#
# A stranger connects to your backend and says hello. Which line of yours takes its message apart, and what does that line do with one frame too few? Lesson 6, *Let the workers ask*, has a way to name the forms that you expect.
#
# </details>
#
# ## Check
#
# The check plays clients and workers by hand: it decides who answers when, and sees who is given what. It takes some seconds.

# %%
report = check.lab06(broker)
report
