# %% [markdown]
# # Lab 7 · Give the task to the worker that has been idle longest
#
# *Goal:* a broker that gives each request of any client to the worker that has been idle longest, and leaves unread what nobody can do yet. The lesson's broker ends with the first client that sends two frames; yours shall bear everything.
#
# *You need:* [lesson 7](../notebooks/07_idle_worker.ipynb). *Time:* 30 minutes.

# %%
from collections import deque
from functools import partial

import zmq

from zmqlab import check
from zmqlab.balance.brokers import idle_worker
from zmqlab.envelope import show
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import plots

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
# - The requests of one client are given out in the order in which it sent them.
# - With nobody idle, requests stay unread in the frontend, and the broker waits without using the processor.
# - Clients are REQ or DEALER, with any routing id; a body or a reply has any number of frames, empty ones among them.
# - It makes, uses and closes its sockets in the thread that it runs in, and goes on until its context ends; `zmq.ContextTerminated` may escape. A client may be gone when its answer comes, may read no answers at all, and may send what is no request: none of this ends the broker, costs a worker or stops another client. Workers keep to the table.


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
# A client on a DEALER forgets the delimiter, or sends a body of three frames. Which line of yours takes its message apart, what does that line do then, and has a worker been taken from the queue by that time? Python's [match](https://docs.python.org/3/tutorial/controlflow.html#match-statements) lets you name the forms that you expect.
#
# </details>
#
# ## Check
#
# The check plays clients and workers by hand: it decides who answers when, and sees who is given what. It takes some seconds.

# %%
report = check.lab07(broker)
report

# %% [markdown] tags=["solution-only"]
# The broker remembers one thing: who is idle, in the order in which they became so. READY and an answer add to the right end; a request takes from the left. Everything else stands in the messages: the address of the client goes out with the request and comes back with the answer, so nobody has to remember
# who asked what.
#
# `zmq.select` gets the frontend only while somebody is idle. That one expression keeps requests unread, lets the broker sleep while all are busy, and makes sure that `popleft` finds somebody. A `Poller` from which the frontend is taken out and put back does the same.
#
# `match` names the forms that the contract knows. What has none of them falls through, without an error and before anybody has been taken from the queue. Right as well: to pass a client's nonsense on to a worker, whose answer makes it idle again. The check plays no worker that breaks the table: workers are your own programs, clients are anybody's.

# %% [markdown]
# ## Now break it
#
# Take the newest idle worker in place of the one that has been idle longest: one word in your broker. The lesson's broker does it with `end=-1`; lay it beside yours. A day with three workers that are alike, and 30 requests:


# %%
def work(ctx, endpoint):
    """Say READY; answer each request with itself."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        broker.send(b"READY")
        while True:
            broker.send_multipart(broker.recv_multipart())


def ask(ctx, endpoint, requests):
    """Ask so many questions, one after the other."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        for number in range(requests):
            broker.send(b"%d" % number)
            broker.recv()


# %%
def day(broker, at_once):
    """Answer 30 requests, so many at a time; return how many each worker got."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("broker", broker, frontend, backend)
        heard = lab.journal.counts
        for number, name in enumerate(WORKERS, 1):
            lab.start(name, work, backend)
            lab.until(lambda n=number: heard(who=["broker"])["broker"] == n, what="its READY")
        clients = [lab.start(f"c{n}", ask, frontend, 30 // at_once) for n in range(at_once)]
        for client in clients:
            client.result(within=20)
    return lab.journal.counts(who=WORKERS)


# %% [markdown]
# One request at a time, to begin with. Guess what each worker gets; then set `AT_ONCE` to 2, and to 3.

# %%
WORKERS, AT_ONCE = ["w1", "w2", "w3"], 1

if report:
    yours, newest = day(broker, AT_ONCE), day(partial(idle_worker, end=-1), AT_ONCE)
    print("yours:       ", yours)
    print("newest first:", newest)
    pictures = []
    for which, shares in {"Yours": yours, "Newest first": newest}.items():
        title = f"{which}: {sum(map(bool, shares.values()))} of 3 did it all"
        pictures.append(plots.Picture(plots.shares, shares, title=title, unit="requests"))
    plots.show(plots.together(*pictures))

# %% [markdown]
# And a client with a bad name. A routing id is any bytes that a peer likes; this one likes `READY`. The check did not ask that.

# %%
if report:
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("broker", broker, frontend, backend)
        lab.start("w1", work, backend)
        with lab.ctx.socket(zmq.DEALER) as client:
            client.routing_id = b"READY"
            client.connect(frontend)
            client.send_multipart([b"", b"am I a worker?"])
            got = client.recv_multipart() if client.poll(2000) else None
    print("READY was answered:", show(got, "DEALER") if got else "not within two seconds")

# %% [markdown]
# **Think about it.**
#
# 1. Newest first, and two requests at a time: how many of the three workers ever work? Why does nobody notice on a busy day?
# 2. The worker answers the client READY with `[b"READY", b"", ...]`. By what does a broker tell that from a READY, and which shorter test would mistake one for the other?
# 3. A worker on a DEALER says READY twice. What can your broker then do to it that it never does to a REQ? What would you change?
# 4. A worker leaves while it is idle, and its request is lost. Could the broker learn from its own send that nobody is there?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. Two. With k requests under way, k workers are enough, and the newest are always the same ones. On a busy day hardly anybody is idle; the queue holds one worker or none, and then its two ends are the same.
# 2. By the whole message: READY is one frame behind the delimiter, an answer is at least three. Who looks only at the first frame behind the delimiter takes the answer for a READY, and the client waits for ever; who looks only at the last frame does so with every answer whose body ends with `READY`.
# 3. It stands in the queue twice and is given a second request before it has answered the first. A REQ cannot say READY twice, as it has to wait for a message in between. `if worker not in idle`, and a set of those who are busy, make the broker independent of its workers' manners.
# 4. Yes, often: with `ROUTER_MANDATORY` on the backend a send to an address that leads nowhere raises, and the request can go to the next in the queue. It tells only of a connection that is known to be closed. A worker that hangs, or a cable that was pulled, looks as alive as ever. Lesson 10 is about those.

# %%
assert_all_quiet()
