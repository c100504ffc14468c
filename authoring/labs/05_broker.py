# %% [markdown]
# # Lab 5 · Mend a broken broker
#
# *Goal:* a broker between any clients and any workers that gives each client its own answers and that nothing a peer sends can end.
#
# *You need:* [lesson 5](../notebooks/05_broker.ipynb). *Time:* 30 minutes.

# %%
import zmq

from zmqlab import check
from zmqlab.run import Experiment, assert_all_quiet

# %% [markdown]
# ## A broker that works
#
# Somebody wrote this broker and tried it with one client and one worker, and it worked. It has six faults. Some show at once, some with a second client, some after a week. Read it; how many do you find before the check does?


# %%
def broken(ctx, frontend, backend):
    """Carry requests to the workers and their answers back. Has six faults."""
    clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
    clients.router_mandatory = True
    clients.bind(frontend)
    workers.bind(backend)
    while True:
        ready, _, _ = zmq.select([clients, workers], [], [], 0)
        if clients in ready:
            client, empty, request = clients.recv_multipart()
            print("request from", client.decode())
            workers.send_multipart([client, empty, request])
        if workers in ready:
            _, empty, reply = workers.recv_multipart()
            clients.send_multipart([client, empty, reply])


# %% [markdown]
# The check looks at what the broker does, not at its text. It stops at the first scenario that goes wrong, and says what it saw.

# %% tags=["nbval-ignore-output"]
check.lab05(broken)

# %% [markdown]
# ## The contract
#
# `broker(ctx, frontend, backend)` binds a ROUTER at `frontend`, where clients connect, and a DEALER at `backend`, where workers connect.
#
# | what happens | what the broker does |
# |---|---|
# | a client sends a request: a REQ, also with `REQ_CORRELATE`, or a DEALER, any routing id, a body of any number of frames | hands it on to a worker, envelope and all; others do not wait for its answer |
# | a worker sends a reply | hands it to the client that it names |
# | a client has left when its reply comes, or reads no replies at all | goes on with the others; what it cannot hand over is lost |
# | a peer sends something that is no request, or no reply | goes on; whether it drops it or hands it on is up to you |
# | nothing | waits, and uses no processor time |
# | the context ends | closes its sockets and ends; `zmq.ContextTerminated` may escape |
#
# A socket is made, used and closed in one thread, the one in which `broker` runs.
#
# The loop of lesson 5 promises less: a REQ that asks with one frame. Copy `broken` and mend it fault by fault, or write your own.


# %%
def broker(ctx: zmq.Context, frontend: str, backend: str) -> None:
    """Carry requests to the workers and their replies back, until the context ends."""
    ### BEGIN SOLUTION
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which of the frames does a broker have to understand in order to hand a message on? What happens to one that it does not take apart?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Two clients have asked, the second one's answer comes first. Whose address does `client` hold at that moment, and where else does an address stand?
#
# </details>
# <details><summary>Hint 3</summary>
#
# What does a ROUTER do with a message to somebody who is gone, and what does `ROUTER_MANDATORY` make of it? It stands in lesson 5, *In practice*.
#
# </details>
# <details><summary>Hint 4</summary>
#
# What does the last argument of `zmq.select` say? And which line of `broken` would close the sockets when `recv_multipart` raises `ContextTerminated`?
#
# </details>
#
# ## Check
#
# Clients and workers that the check plays by hand, one scenario after the other. It takes some seconds.

# %%
report = check.lab05(broker)
report

# %% [markdown] tags=["solution-only"]
# All six were mended by leaving something out.
#
# | fault | what it did | the mend |
# |---|---|---|
# | `client.decode()` | ended at the first id that is no text | the broker does not need to know who asks |
# | `client, empty, request = …` | ended at a body of two frames, or of none | hand on what was received, whole |
# | replies to `client` | gave each answer to whoever asked last | the reply carries its address |
# | `router_mandatory` | ended at the first client that left | a ROUTER drops such a reply by itself |
# | the `0` in `zmq.select` | used a processor to wait | without it, `select` waits |
# | no `with` | left sockets open. CPython closes them with the function's last name for them, unless a traceback keeps it; then the caller's `ctx.term()` waits | `with`, or `try` and `finally` |
#
# `zmq.proxy(clients, workers)` in place of the loop passes as well.

# %% [markdown]
# ## Now break it
#
# A stranger sends five hundred messages of nothing in particular, while a client asks. There is one worker, so it gets them all; it answers what has an envelope and leaves aside what has none. Guess how many of the client's twenty answers come; then run this, once the check has passed.


# %%
def work(ctx, endpoint):
    """Answer requests; a REP leaves aside what has no envelope."""
    with ctx.socket(zmq.REP) as requests:
        requests.connect(endpoint)
        while True:
            requests.send_multipart([*requests.recv_multipart(), b"done"])


def babble(ctx, endpoint):
    """Send five hundred messages of 1 to 5 frames, some of them empty."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.linger = 1000
        broker.connect(endpoint)
        for number in range(500):
            broker.send_multipart([b"\xff" * (number % 3)] * (number % 5 + 1))


# %% [markdown]
# And the client:


# %%
def ask(ctx, endpoint):
    """Ask twenty times; return how many answers were right."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        right = 0
        for number in range(20):
            broker.send(b"%d" % number)
            right += broker.recv_multipart() == [b"%d" % number, b"done"]
        return right


# %%
if report:
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("broker", broker, frontend, backend)
        lab.start("w1", work, backend)
        stranger = lab.start("stranger", babble, frontend)
        client = lab.start("c1", ask, frontend)
        stranger.result(within=10)
        print(f"right answers: {client.result(within=10)} of 20")

# %% [markdown]
# **Think about it.**
#
# 1. A friend leaves the time-out of `zmq.select` in, and writes 0.001 in place of 0. What has become better, and what has not?
# 2. Suppose you do want a log of who asks. What do you write in place of `client.decode()`?
# 3. A worker answers a request twice. What does the client see if it is a REQ, and what if it is a DEALER? Could your broker prevent it?
# 4. Let `work` receive with `recv()` and send with `send()`, one frame each, and run the last cell again. The broker survives. Who does not, and how does the client learn of it?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. It no longer takes a whole processor, and is as quick as before. It still wakes a thousand times a second to find nothing, and takes time from whoever shares the machine; the call that waits needs none of that.
# 2. `client.hex()`, or `show([client])` from `zmqlab.envelope`. An address is bytes: show it in hex, compare it, do not read it.
# 3. A REQ takes the first answer. The second it drops, if that is there before it asks again; one that comes later it takes for the answer to its next question, unless `REQ_CORRELATE` numbers them. A DEALER gets both, and cannot tell them apart unless each carries a number. A broker that keeps no list of open requests cannot know. One that does needs to know when an entry may go; there the trouble with retries begins.
# 4. The worker: `recv()` takes the first frame of the stranger's two, and `send` then raises EFSM, for the rest has not been received. The client does not learn of it at all. It waits for an answer that nobody is going to give; the broker never knew what its workers were doing. That nothing may end it holds for workers, too.

# %%
assert_all_quiet()
