# %% [markdown]
# # 7 · Give the task to a free worker
#
# *You will do:* let the workers ask for their requests, and see who gets the next one, and where the others wait.
#
# *You will be able to*
# - write a broker that gives no request to a busy worker,
# - say where requests wait while everybody is busy, and when it is decided who does them,
# - tell least recently used from most recently used by what they do, whatever the code calls it.
#
# *You need:* lessons 5 and 6.

# %% [markdown]
# A journey planner deals requests out to its threads in turn. A reader of its source warns: a quick request may be "stuck in line behind a slow calculation". The remedy: "the workers signal the broker that they are available"
# ([navitia#348](https://github.com/hove-io/navitia/issues/348)). Two years later the planner gives each request to the first thread that is free ([navitia#1489](https://github.com/hove-io/navitia/pull/1489)).
#
# So the question is: **how does a broker know who is free, and what changes when it does?**

# %%
import time
from itertools import accumulate
from statistics import fmean, median

import zmq

from zmqlab.balance.brokers import router_dealer
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, Replay, plots

CLIENTS = [f"c{number}" for number in range(1, 13)]
FLEET = {"w1": 0.002, "w2": 0.002, "w3": 0.050}  # seconds for one request

# %% [markdown]
# ## Let the workers ask
#
# A DEALER deals to queues, and a queue does not tell whether its reader is at work. So the worker has to say it. `work` is a REQ. At first it says READY, as in lesson 2: I have nothing to do. From then on, each of its answers says that, too.
#
# `work_unasked` is the worker of lesson 5, to compare.


# %%
def work(ctx, endpoint, seconds):
    """Say READY; answer each request after so many seconds, and be ready again by that."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        broker.send(b"READY")
        while True:
            client, empty, question = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart([client, empty, question + b", done"])


def work_unasked(ctx, endpoint, seconds):
    """Answer each request that comes after so many seconds."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        while True:
            *envelope, question = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart([*envelope, question + b", done"])


# %% [markdown]
# The broker keeps a list of who is idle. READY puts a worker into it, and so does an answer; a request takes one out. While the list is empty, the broker looks at the workers alone.
#
# The backend is a ROUTER now, too: the broker has to choose the worker, and a DEALER reads no address.


# %%
def idle_worker(ctx: zmq.Context, frontend: str, backend: str, end: int = 0) -> None:
    """Give each request to an idle worker, from this end of the list; with none idle, read none."""
    idle: list[bytes] = []  # workers without a request, in the order in which they became idle
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                worker, _, *rest = workers.recv_multipart()
                if rest != [b"READY"]:  # an answer: [client, b"", answer]
                    clients.send_multipart(rest)
                idle.append(worker)
            if clients in ready:
                client, _, question = clients.recv_multipart()
                workers.send_multipart([idle.pop(end), b"", client, b"", question])


# %% [markdown]
# On its way to a worker a request has two envelopes: the outer one leads to the worker, the inner one back to the client. The worker's REQ takes the outer one off; to its program the inner one is the beginning of the message.
#
# A list has two ends. `idle.pop(0)` takes who has been idle longest; with an `end` of -1 it takes the newest, as Python's plain `pop()` does. We begin with 0, and come back to the other end.
#
# Around the broker, clients and workers as in lesson 5:


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


def serve(broker, worker):
    """Run twelve clients with five questions each; return the journal and the right answers."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        for name, seconds in FLEET.items():
            lab.start(name, worker, backend, seconds)
        lab.until(lambda: sum(bool(s.connected) for s in lab.journal.sockets) == 3, what="workers")
        lab.start("broker", broker, frontend, backend)
        clients = [lab.start(name, ask, frontend, name, 5) for name in CLIENTS]
        right = sum(client.result(within=30) for client in clients)
    return lab.journal, right


# %% [markdown]
# Lesson 5 again: w1 and w2 need 2 ms for a request, w3 needs 50. Twelve clients ask five questions each. Dealt in turn, the slow worker gets a third, 20 of 60.
#
# > **Predict.** How many does it get when the workers ask?

# %%
for_the_slow = Prediction("Requests of 60 for the slow worker", low=0, high=30)
for_the_slow

# %%
dealt, _ = serve(router_dealer, work_unasked)
given, right = serve(idle_worker, work)

charts = []
for how, journal in {"Dealt in turn": dealt, "To who is free": given}.items():
    spans = journal.spans(list(FLEET))
    slow = sum(span.who == "w3" for span in spans)
    title = f"{how}: w3 did {slow} of 60 requests"
    charts.append(plots.Picture(plots.busy, spans, title=title, who=list(FLEET)))
plots.show(plots.together(*charts, columns=1))
print(f"right answers when the workers ask: {right} of 60")
for_the_slow.compare(slow)

# %% [markdown]
# Nobody told the broker who is slow. Who is done early asks early: while w3 does one request, each fast worker has time for twenty-five. Dealt in turn, the fast ones soon stand idle, and all wait for w3, which has twenty requests to do, 50 ms each.
#
# What do the clients see?


# %%
def waits(journal):
    """Seconds from each question to its answer, over all clients."""
    asked, found = {}, []
    for hop in journal:
        if hop.who in CLIENTS and hop.way == "sent":
            asked[hop.who] = hop.since
        elif hop.who in CLIENTS:
            found.append(hop.time - asked[hop.who])
    return found


waited = {"dealt in turn": waits(dealt), "to who is free": waits(given)}
middle, longest, mean = (
    measure(waited["to who is free"]) / measure(waited["dealt in turn"])
    for measure in (median, max, fmean)
)
title = f"To who is free: median × {middle:.1f}, longest × {longest:.2f}, mean × {mean:.2f}"
plots.show(plots.ecdf, waited, title=title, what="wait", of="answers", log=True)

# %% [markdown]
# The longest waits are gone: one request of w3 in place of a queue of them. The mean is much shorter, too. The median is not: mostly it is longer. Dealt in turn, most clients stand at w3 most of the time, and the few others have the fast workers to themselves. Now all ask the fast ones, and wait there for each other.
#
# A client that asks again only when it has its answer makes a **closed loop**: who is served soon asks more often, and stands in the line again.
#
# ## Where do requests wait?
#
# Three workers do three requests at a time. Twelve clients ask. The other requests have to wait somewhere: in the broker, or before it?
#
# > **Predict.** How many requests has the broker read and not yet answered, at most?

# %%
read_at_most = Prediction("Requests read and not yet answered, at most", low=0, high=12)
read_at_most


# %%
def read_and_unanswered(journal):
    """The most requests that the broker had read from clients and not answered, at any time."""
    frontend = next(socket for socket in journal.sockets if socket.who == "broker")
    hops = [hop for hop in journal if hop.socket is frontend]
    return max(accumulate(1 if hop.way == "received" else -1 for hop in hops))


print("when the workers ask, at most:", read_and_unanswered(given))
print("dealt in turn, more than that:", read_and_unanswered(dealt) > 3)
read_at_most.compare(read_and_unanswered(given))

# %% [markdown]
# Three: the broker reads a request only when somebody is free to do it. The others stay unread in the frontend's queues, one queue for each client. Who does a request is decided at the last moment: **late binding**. A DEALER decides as soon as the request is there, **early binding**, and cannot take it back.
#
# See it happen: three clients, one worker. Find the step in which the broker reads the second request.

# %%
with Experiment() as lab:
    frontend, backend = lab.endpoint(), lab.endpoint()
    lab.start("broker", idle_worker, frontend, backend)
    clients = [lab.start(name, ask, frontend, name, 1) for name in CLIENTS[:3]]
    lab.start("w1", work, backend, 0.05)
    print("right answers:", sum(client.result(within=10) for client in clients), "of 3")

Replay(lab.journal, follow=b"c2 asks 0", title="Three clients, one worker that asks")

# %% [markdown]
# ## Which of the idle ones?
#
# ZeroMQ's Guide gives the request to the **least recently used** worker (LRU): who has been idle longest is next. Until January 2015 its Python example gave it to the most recently used one ([zguide#502](https://github.com/booksbyus/zguide/issues/502)). It ran, and every answer was right. Our broker makes that mistake with an `end` of -1.
#
# On a quiet day one client asks 15 times, one question at a time. w1, w2 and the slow w3 have said READY in that order.
#
# > **Predict.** With -1, the newest first: how many of the 15 does w3 get?

# %%
slow_if_newest = Prediction("Requests of 15 for w3, newest idle first", low=0, high=15)
slow_if_newest


# %%
def await_ready(lab, number):
    """Wait until the broker has had so many messages: READYs, while nobody asks."""
    heard = lab.journal.counts
    lab.until(lambda: heard(who=["broker"])["broker"] == number, what=f"READY {number}")


def quiet_day(end):
    """One client asks 15 times; return how many requests each worker got."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("broker", idle_worker, frontend, backend, end)
        for number, name in enumerate(FLEET, 1):
            lab.start(name, work, backend, FLEET[name])
            await_ready(lab, number)
        lab.start("c1", ask, frontend, "c1", 15).result(within=20)
    return lab.journal.counts(who=list(FLEET))


newest, longest = quiet_day(end=-1), quiet_day(end=0)
print("newest first:      ", newest)
print("longest idle first:", longest)
titles = {"end -1: one gets all": newest, "end 0: all take turns": longest}
pictures = [plots.Picture(plots.shares, n, title=t, unit="requests") for t, n in titles.items()]
plots.show(plots.together(*pictures))
slow_if_newest.compare(newest["w3"])

# %% [markdown]
# All 15. Who answers is the newest idle worker, so it gets the next request, too. The others could as well not be there, and no error says so.
#
# From the other end all take turns, a third each, as if dealt: with one request at a time everybody is idle whenever one comes, and who is slow does not show. To do better, a broker must know more than who is idle: how long each worker takes, for example.
#
# ## Break it: a worker leaves while it is idle
#
# Three workers say READY. Then w3 leaves, with no request in hand. A client asks ten times, all at once. The broker takes who has been idle longest, so w3's turn comes.
#
# > **Predict.** How many of the ten requests are answered?

# %%
answered_of_ten = Prediction("Requests of 10 answered, one worker gone", low=0, high=10)
answered_of_ten


# %%
def ready_and_gone(ctx, endpoint):
    """Say READY, and leave."""
    with ctx.socket(zmq.REQ) as broker:
        broker.linger = 1000  # ms to wait until it has left
        broker.connect(endpoint)
        broker.send(b"READY")


with Experiment() as lab, lab.ctx.socket(zmq.DEALER) as client:
    frontend, backend = lab.endpoint(), lab.endpoint()
    broker = lab.start("broker", idle_worker, frontend, backend)
    lab.start("w1", work, backend, 0.001)
    lab.start("w2", work, backend, 0.001)
    lab.start("w3", ready_and_gone, backend)
    await_ready(lab, 3)
    client.connect(frontend)
    for number in range(10):
        client.send_multipart([b"", b"%d" % number])
    answers = 0
    while answers < 10 and client.poll(1000):  # up to a second without an answer
        answers += bool(client.recv_multipart())
    print(f"answered: {answers} of 10; the broker goes on: {not broker.done}")
answered_of_ten.compare(answers)

# %% [markdown]
# Nine. READY says that a worker *was* free. The broker sent one request to an address that leads nowhere; a ROUTER drops that without a word (lesson 6). No worker is given a second request before it has answered, so one is lost with it, and no more. To find out that somebody is gone takes more than READY: heartbeats, in [lesson 10](10_notice_the_dead.ipynb).

# %% [markdown]
# ## In practice
#
# - **No polling in vain.** While nobody is idle, `zmq.select` is not asked about the clients. If it were, a waiting request would end each call at once, and the broker would keep a processor busy to do nothing. That was the second fault of the Guide's example.
# - **Unread requests fill queues.** Each client's queue takes as many as its high-water marks allow; then the `send` of a client that asks ahead waits. That is **back-pressure**. A list in the broker would grow without limit.
# - **Made for these clients.** `client, _, question = …` takes apart what a REQ with one frame sends. A client whose body has two frames, or who forgets the delimiter, ends this broker with a ValueError. The lab asks for one that bears every client.
# - **Asking takes time.** Between its answer and its next request a worker stands idle: the way to the broker and back. [Lesson 8](08_credit.ipynb) is about that.

# %% [markdown]
# ## What we know now
#
# We asked how a broker knows who is free. The worker says so, by READY and by each answer, and gets nothing before. Then fast workers do most of the work; requests wait unread, and are bound late. Which of several idle workers is next depends on the end of a list, and no name in the code tells which.
#
# **One more question.** Twelve clients, and `end` -1 in place of 0: would that have changed how the 60 requests were shared?
#
# <details><summary>Think first, then open</summary>
#
# Not while requests wait: then nobody is idle for longer than a moment, the list holds one worker at most, and a list of one has no two ends. But at the end of the run few clients still ask, and several workers are idle. If w3 was the last to answer, it is the newest, and is given the next request although two fast ones are idle. Try it: `serve(lambda *args: idle_worker(*args, -1), work)`, a few times.
#
# </details>
#
# **Your turn:** [lab 7](../labs/07_idle_worker.ipynb), write the idle-worker broker for any client. Then [give a little ahead](08_credit.ipynb).

# %%
assert_all_quiet()
