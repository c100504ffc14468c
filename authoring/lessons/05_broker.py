# %% [markdown]
# # 5 · Build the broker
#
# *You will do:* put a broker between twelve clients and three workers, let both sides go on at once, and see to whom it deals.
#
# *You will be able to*
# - write a broker that serves many clients at once and gives each one its own answers,
# - say which worker gets the next request, and what a slow worker does to the clients,
# - read a chart of waits, and find in it what a median hides.
#
# *You need:* lesson 4.

# %% [markdown]
# Somebody builds a server: a ROUTER for the clients, a DEALER for the workers, and a list of who is free. One long task shall not hold up the clients with short ones. So each message is addressed to a free worker, "but the message ends up going to a busy worker"
# ([pyzmq#1194](https://github.com/zeromq/pyzmq/issues/1194)).
#
# A program between clients and workers, which carries requests there and answers back, is a **broker**. So: **who answers when many clients ask many workers?**

# %%
import time

import zmq

from zmqlab.balance import makespan_bound
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, Replay, plots

CLIENTS = [f"c{number}" for number in range(1, 13)]
WORKERS = ["w1", "w2", "w3"]
ALIKE = {name: 0.010 for name in WORKERS}  # seconds for one request
ONE_SLOW = {"w1": 0.002, "w2": 0.002, "w3": 0.050}

# %% [markdown]
# ## Address a worker through a DEALER
#
# First what that server tries. Two workers are connected to a DEALER, under the names `w1` and `w2`. Ten messages go out, and each begins with the address `w2`.
#
# > **Predict.** How many of the ten does `w2` get?

# %%
addressed = Prediction("Messages for w2 of 10 that w2 gets", low=0, high=10)
addressed

# %%
with (
    Experiment("addressed") as lab,
    lab.ctx.socket(zmq.DEALER) as workers,
    lab.ctx.socket(zmq.DEALER) as w1,
    lab.ctx.socket(zmq.DEALER) as w2,
):
    endpoint = lab.endpoint("inproc")  # no handshake: who has called connect() is there
    workers.bind(endpoint)
    for name, worker in [(b"w1", w1), (b"w2", w2)]:
        worker.routing_id = name
        worker.connect(endpoint)
    for number in range(10):
        workers.send_multipart([b"w2", b"", b"task %d" % number])
    for_w1, for_w2 = [], []
    for worker, inbox in [(w1, for_w1), (w2, for_w2)]:
        while worker.poll(0):
            inbox.append(worker.recv_multipart())

print(f"w1 got {len(for_w1)}, the first of them {for_w1[0]}")
addressed.compare(len(for_w2))

# %% [markdown]
# Five; the other five went to w1, with the address of w2 in front. A DEALER neither adds nor takes off a frame (lesson 4). What the program calls an address is to the DEALER a frame like any other. It deals messages out in turn, as a PUSH does. (To choose a worker takes a ROUTER: lesson 7.)
#
# ## Clients and workers
#
# A client is a REQ without a name; it checks that each answer belongs to its question. A worker is a DEALER, so it gets the whole envelope, and sends it back with its answer.


# %%
def ask(ctx, endpoint, name, requests):
    """Ask one question after the other; return how many got their own answer."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        right = 0
        for number in range(requests):
            question = f"{name} asks {number}".encode()
            broker.send(question)
            right += broker.recv() == question + b", done"
        return right


def work(ctx, endpoint, seconds):
    """Answer every request after so many seconds."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        while True:
            *envelope, question = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart([*envelope, question + b", done"])


# %% [markdown]
# A broker binds a ROUTER at its *frontend*, where clients connect, and a DEALER at its *backend*, where workers connect. A loop carries messages from one to the other. The first loop does what lesson 4's relay did: it carries one request, then its answer. It gives each frame a name.


# %%
def broker(ctx, frontend, backend, loop):
    """Bind a socket for each side, and run the loop until the context ends."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        loop(clients, workers)


def one_by_one(clients, workers):
    """Carry one request, then its answer."""
    while True:
        client, empty, question = clients.recv_multipart()
        workers.send_multipart([client, empty, question])
        client, empty, answer = workers.recv_multipart()
        clients.send_multipart([client, empty, answer])


# %% [markdown]
# `serve` starts workers, a broker with any such loop, and twelve clients who ask five questions each. It waits until each client has its answers.


# %%
def serve(loop, seconds):
    """Run a broker between clients and workers; return the journal and how many were right."""
    with Experiment("broker") as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        for name, pause in seconds.items():
            lab.start(name, work, backend, pause)
        sockets = lab.journal.sockets
        lab.until(lambda: sum(bool(s.connected) for s in sockets) == 3, what="three workers")
        lab.start("broker", broker, frontend, backend, loop)
        clients = [lab.start(name, ask, frontend, name, 5) for name in CLIENTS]
        right = sum(client.result(within=30) for client in clients)
    return lab.journal, right


# %% [markdown]
# Each worker needs 10 ms for an answer, and every client asks as soon as it can.
#
# > **Predict.** Three workers, twelve clients, one request carried at a time. How many workers are ever at work in the same moment?

# %%
busy_at_once = Prediction("Workers at work at the same time, at most", low=0, high=3)
busy_at_once


# %%
def most_at_once(spans):
    """The largest number of spans that cover one moment."""
    changes = sorted([(span.start, 1) for span in spans] + [(span.end, -1) for span in spans])
    running = [0]
    for _, change in changes:
        running.append(running[-1] + change)
    return max(running)


journal, right = serve(one_by_one, ALIKE)
print(f"right answers: {right} of 60")
busy_at_once.compare(most_at_once(journal.spans(WORKERS)))

# %% [markdown]
# One. Every answer is right, and at any moment at least two of the three workers stand idle: while the loop waits for an answer, it does not look at the clients. Three workers are as slow as one.
#
# ## Both sides at once
#
# A broker must wait for both sides, and do what there is to do. `zmq.select` waits until at least one of the sockets has a message, and says which.


# %%
def both_sides(clients, workers):
    """Carry requests and answers as they come."""
    while True:
        ready, _, _ = zmq.select([clients, workers], [], [])
        if clients in ready:
            client, empty, question = clients.recv_multipart()
            workers.send_multipart([client, empty, question])
        if workers in ready:
            client, empty, answer = workers.recv_multipart()
            clients.send_multipart([client, empty, answer])


journal, right = serve(both_sides, ALIKE)
print(f"right answers: {right} of 60")
print(f"workers at work at the same time, at most: {most_at_once(journal.spans(WORKERS))}")

# %% [markdown]
# All 60 are right, all three workers are busy, and answers may come back in another order than the requests went out. Yet the loop keeps no list of who asked what. Who is to get an answer stands in the answer: look at the two lines that begin with `client`.
#
# Let three clients ask one slow worker, and step through it: `Space` plays and pauses, `→` and `←` go one step. Stop where two requests wait at the worker, and look what each of them carries.

# %%
with Experiment("replay") as lab:
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", broker, frontend, backend, both_sides)
    clients = [lab.start(name, ask, frontend, name, 1) for name in CLIENTS[:3]]
    lab.start("w1", work, backend, 0.05)
    print("right answers:", sum(client.result(within=10) for client in clients), "of 3")

Replay(lab.journal, follow=b"c2 asks 0", title="Three clients, one worker")

# %% [markdown]
# Find the address of `c2` in each line. The ROUTER writes it in front of the request, the worker hands it back in front of the answer, and the ROUTER reads it off. **The memory of this broker is in the messages.**
#
# > **Watch out.** `client, empty, question = …` counts frames, and lesson 4 warned of that. It holds for a REQ that asks with one frame. This loop promises no more yet; the lab does.
#
# ## A slow worker among the fast ones
#
# Now w1 and w2 need 2 ms for a request, and w3 needs 50 ms. Nothing else changes.
#
# > **Predict.** Of the 60 requests, how many does the slow worker get?

# %%
for_the_slow = Prediction("Requests of 60 for the slow worker", low=0, high=60)
for_the_slow

# %%
dealt, right = serve(both_sides, ONE_SLOW)
bound = makespan_bound([1] * 60, [1 / pause for pause in ONE_SLOW.values()])
plots.show(plots.busy, dealt.spans(WORKERS), bound=bound, who=WORKERS)
print(f"right answers: {right} of 60")
for_the_slow.compare(dealt.counts("received", WORKERS)["w3"])

# %% [markdown]
# A third, exactly. The DEALER gives each worker one request in turn. It passes over a worker only when the queue to it is full, by default with a thousand messages on either side. To a DEALER, "available" means no more than that (lesson 2). So w1 and w2 stand idle while requests wait at w3.
#
# And the clients? Each waits for its answer before it asks again. `waits` looks up in the journal how long.


# %%
def waits(journal):
    """Seconds from each question to its answer, over all REQ sockets of a journal."""
    asked, found = {}, []
    for hop in journal:
        if hop.socket.kind == "REQ" and hop.way == "sent":
            asked[hop.who] = hop.since
        elif hop.socket.kind == "REQ":
            found.append(hop.time - asked[hop.who])
    return found


title = "Two answers in three come soon, one comes late"
plots.show(plots.ecdf, {"loop in Python": waits(dealt)}, title=title, what="wait", of="answers")

# %% [markdown]
# How to read it: above each time stands the share of the answers that came within it. Where the curve rises steeply, many answers took about that long; where it is nearly flat, few did. At 50 % stands the **median**, p50: half of the answers came within it. **p99** is the time that 99 of 100 do not exceed.
#
# Here two thirds come soon. Then follows a long **tail**: answers of w3, one after the other. The median shows nothing of it. A reader of a service's source foresaw such waits ([navitia#348](https://github.com/hove-io/navitia/issues/348)).
#
# ## The same loop in C
#
# libzmq, the library under pyzmq, has a loop of its own: `zmq.proxy(clients, workers)`. It stands in the place of ours.
#
# > **Predict.** To whom does a broker with `zmq.proxy` give the next request?

# %%
by_proxy = Prediction(
    "With zmq.proxy, the next request goes to",
    choices=["a worker that is free", "the next in turn", "the fastest worker"],
)
by_proxy

# %%
journal, right = serve(zmq.proxy, ONE_SLOW)
counts = journal.counts("received", WORKERS)
print(f"right answers: {right} of 60; requests: {counts}")
waited = {"loop in Python": waits(dealt), "zmq.proxy": waits(journal)}
title = "zmq.proxy deals in turn as well, and the tail is still there"
plots.show(plots.ecdf, waited, title=title, what="wait", of="answers")
by_proxy.compare("the next in turn" if len(set(counts.values())) == 1 else "somebody else")

# %% [markdown]
# The next in turn: 20 each. Who gets the next request is decided by the DEALER, and that is the same socket. What `zmq.proxy` does better is to carry: several times as many small messages a second (`make bench` prints how many).
#
# ## In practice
#
# - **Nobody at the backend.** Our loop then waits in `workers.send_multipart` until a worker comes, and does nothing else meanwhile. `zmq.proxy` of libzmq 4.3.5 keeps a core busy while a request waits and no worker is there ([libzmq#4071](https://github.com/zeromq/libzmq/issues/4071)).
# - **A client may leave before its answer comes.** A ROUTER drops what it cannot place, and goes on. With `ROUTER_MANDATORY` its send raises an error, which ends a program that does not catch it: lesson 6.
# - **A worker may be a REP.** It takes the envelope off and puts it back by itself, as in lesson 4. A DEALER may answer out of order.

# %% [markdown]
# ## What we know now
#
# We asked who answers when many clients ask many workers. The next in turn does: a DEALER deals blindly, to busy and idle alike, and reads no address. And the answer finds its client, because the address travels with it.
#
# **One more question.** Set the high-water marks to 1, so that the DEALER soon passes over the slow worker. Does the next request then go to a free one?
#
# <details><summary>Think first, then open</summary>
#
# Almost, on inproc: then the queue to a worker holds two messages, one on either side, besides the one that it works on. Over tcp the kernel's buffers lie between, and hold hundreds of small messages or more, whatever the marks say. A high-water mark protects memory; it was not made to choose workers. To know who is free, the broker must be told: lesson 7.
#
# </details>
#
# **Your turn:** [lab 5](../labs/05_broker.ipynb), mend a broken broker. Then [find what is thrown away](06_thrown_away.ipynb).

# %%
assert_all_quiet()
