# %% [markdown]
# # Lab 6 · Say what could not be delivered
#
# *Goal:* a broker that names each reply that it could not hand over, and goes on.
#
# *You need:* [lesson 6](../notebooks/06_thrown_away.ipynb), and your broker of [lab 5](05_broker.ipynb). *Time:* 30 minutes.

# %%
import threading

import zmq

from zmqlab import check
from zmqlab.run import Experiment, assert_all_quiet

# %% [markdown]
# ## The contract
#
# `broker(ctx, frontend, backend, lost)` does what the broker of lab 5 does: a ROUTER at `frontend`, a DEALER at `backend`, any client, any body, nothing that a peer sends ends it. A reply that the frontend cannot take is no longer dropped in silence. The broker calls `lost(client, reply, why)`:
#
# | a worker sends | and the client | the broker |
# |---|---|---|
# | `[b"anna", b"", b"42"]` | is there, and reads | hands it over |
# | `[b"otto", b"", b"42"]` | has left | calls `lost(b"otto", [b"", b"42"], "gone")` |
# | `[b"carl", b"", b"42"]` | is there; its queue is full | calls `lost(b"carl", [b"", b"42"], "full")` |
#
# - `client` is the client's routing id; `reply` is a list of all frames behind it, the delimiter and what a REQ puts before that among them. All of them are `bytes`.
# - Each reply is reported once, or it arrives; never both.
# - A client that does not read stops nobody else. When it has read what was waiting, it gets the next replies.
# - `lost` belongs to the caller. Call it in the thread in which `broker` runs. It returns at once, and raises nothing.
#
# The contract speaks of what the frontend cannot take. What it has taken may still get lost together with its client; nobody can report that. How many replies a queue holds is up to ZeroMQ, the system, and you. A reply to an address that no client has ever had may be reported as `"gone"`, or left aside.


# %%
def broker(ctx: zmq.Context, frontend: str, backend: str, lost) -> None:
    """Carry requests to the workers and their replies back; report each reply that is lost."""
    ### BEGIN SOLUTION
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                client, *reply = workers.recv_multipart()
                try:
                    clients.send_multipart([client, *reply], zmq.NOBLOCK)
                except zmq.Again:
                    lost(client, reply, "full")
                except zmq.ZMQError as error:
                    if error.errno != zmq.EHOSTUNREACH:
                        raise
                    lost(client, reply, "gone")
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Begin with the client that has left. Lesson 6 has an option that makes a ROUTER raise. What do you still have of the reply when it does?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The check says that your broker stands still, and at which line. With that option, what does a ROUTER do with a reply for which there is no room? For whom does it wait, and who waits meanwhile?
#
# </details>
# <details><summary>Hint 3</summary>
#
# A socket can be asked whether it has room. A ROUTER has a queue for each client: whose does it speak of? What if you do not ask, but try, and do not want to wait for the outcome?
#
# </details>
# <details><summary>Hint 4</summary>
#
# A send can fail for two reasons that are yours to report, and for a third that is not: the context has ended. By what do you tell them apart? `zmq.ZMQError` has a number, `errno`.
#
# </details>
#
# ## Check
#
# Clients and workers that the check plays by hand: those of lab 5, then some that leave before their answer, then one that does not read for a while. It takes some seconds.

# %%
report = check.lab06(broker)
report

# %% [markdown] tags=["solution-only"]
# Three things were to be found.
#
# | | without it |
# |---|---|
# | `router_mandatory` | the ROUTER drops what it cannot hand over, and says nothing |
# | `zmq.NOBLOCK` | with the option, a ROUTER *waits* for room in a full queue. One client that does not read stops the broker, and with it everybody |
# | `errno` | `EAGAIN` (`zmq.Again`) is a full queue, `EHOSTUNREACH` an address that leads nowhere. `ETERM` is neither: the context has ended, and the error has to escape |
#
# Before, the ROUTER protected the others by dropping. Who wants to be told takes that over from it.
#
# `clients.sndtimeo = 0` in place of `NOBLOCK` is right as well. `clients.poll(0, zmq.POLLOUT)` is no help: a ROUTER has room as long as *one* of its queues has some. And the error comes with the first frame or not at all. `send_multipart` stops there; a loop over the frames has to stop as well, or the next frame is taken for an address.

# %% [markdown]
# ## Now break it
#
# A client asks 3,000 questions and reads nothing before all are answered. All sockets are in one process (`inproc`), where no network holds anything: the queue from the ROUTER to the client takes as many as `SNDHWM` of the one and `RCVHWM` of the other together. Both are 1,000, unless somebody sets them.


# %%
def work(ctx, endpoint):
    """Answer each request with itself."""
    with ctx.socket(zmq.DEALER) as requests:
        requests.connect(endpoint)
        while True:
            requests.send_multipart(requests.recv_multipart())


def ask(ctx, endpoint, asked, rcvhwm, answered, reported):
    """Ask so many questions; when they are answered, read until each has come or is reported."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.rcvhwm = rcvhwm
        broker.connect(endpoint)
        for number in range(asked):
            broker.send_multipart([b"", b"%d" % number])
        while not answered.wait(0.1):
            broker.poll(0)  # raises when the experiment is over
        arrived = 0
        while arrived + len(reported) < asked:
            if broker.poll(50):
                broker.recv_multipart()
                arrived += 1
        return arrived


# %%
def flood(broker, asked, rcvhwm):
    """Return how many answers arrive and how many are reported; rcvhwm is the client's."""
    answered, reported = threading.Event(), []
    with Experiment() as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", broker, frontend, backend, lambda *what: reported.append(what))
        lab.start("w1", work, backend)
        client = lab.start("c1", ask, frontend, asked, rcvhwm, answered, reported)
        heard = lab.journal.counts
        lab.until(lambda: heard(who=["broker"])["broker"] == 2 * asked, 20, what="all answers")
        answered.set()
        return client.result(within=10), len(reported)


# %% [markdown]
# How many answers arrive if the client's `RCVHWM` is 1,000? And with 10, and with 0, which means no limit? Guess; then run this, once the check has passed.

# %%
if report:
    for rcvhwm in (1000, 10, 0):
        arrived, reported = flood(broker, 3000, rcvhwm)
        print(f"RCVHWM {rcvhwm:4}: {arrived} arrived, {reported} reported")

# %% [markdown]
# **Think about it.**
#
# 1. With 0 nothing was reported. `clients.sndhwm = 0` in your broker has the same effect, over tcp as well. Is that the better broker?
# 2. A client's cable is pulled. Its replies go on to arrive at your broker. Which of them are reported, as what, and which never?
# 3. The caller's `lost` writes each report to a database, 10 ms each. Who waits for that? Where would you put the work instead?
# 4. A client on a REQ was reported as `"full"`, or missed its answer in another way. What does it do now? What would it need in order to ask again?
# 5. Your broker takes care not to wait for clients. Is there a line in it that waits for workers?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. The answers wait in memory, over tcp in the broker's, and nothing bounds that. It says nothing until the system ends it, and then all of them are lost without a word, those of other clients among them. A limit, and somebody who is told, is the promise that can be kept.
# 2. As long as the connection is not known to be closed, the queue takes them without an error: these are never reported. When it is full, the next ones are `"full"`. When the system gives the connection up, the ROUTER throws the queue away in silence, and replies from then on are `"gone"`. That a send went well says that there was room, not that anybody got it.
# 3. Everybody: the broker has one thread, and a thousand reports are ten seconds in which it carries nothing. Append to a list or to a `queue.Queue`, and let another thread write.
# 4. It waits for ever. To ask again it needs a time-out of its own, and it needs to tell a late answer from the one that it waits for: `REQ_RELAXED` together with `REQ_CORRELATE`, or a number in each request. And if the task must not be done twice, the number has to be known to whoever does it: lesson 11 is about that.
# 5. `workers.send_multipart`. With no worker there, or with all their queues full, it waits, and no reply is carried meanwhile. A broker that reads a request only when a worker can take it never stands there; lesson 7 builds one.

# %%
assert_all_quiet()
