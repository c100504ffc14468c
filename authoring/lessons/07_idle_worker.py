# %% [markdown]
# # 7 · Give the task to a free worker
#
# *You will do:* let the workers ask for their tasks, and decide which of those who ask gets the next one.
#
# *You will be able to*
# - write a broker that gives no task to a busy worker, and leaves in its queue what nobody can do yet,
# - tell least recently used from most recently used by what they do, whatever the code calls it,
# - choose how many tasks a worker may hold, and say what each more costs.
#
# *You need:* lesson 5.

# %% [markdown]
# A journey planner put `zmq.proxy` between its web servers and its threads. A reader of its source pointed out that a quick request could get stuck behind a slow one at its thread, while other threads are idle ([navitia#348](https://github.com/hove-io/navitia/issues/348)). Two years later the proxy was replaced, so that a request
# goes to the first thread that is free ([navitia#1489](https://github.com/hove-io/navitia/pull/1489)).
#
# So the question is: **how does a broker know who is free, and which of the free ones should get the next task?**

# %%
import time
from collections import deque
from itertools import accumulate
from random import Random

import zmq

from zmqlab.balance import Credit, Fleet, Policy, makespan_bound, simulate
from zmqlab.balance.brokers import router_dealer
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, Replay, plots

CLIENTS = [f"c{number}" for number in range(1, 13)]
FLEET = {"w1": 0.002, "w2": 0.002, "w3": 0.050}  # seconds for one request

# %% [markdown]
# ## Let the workers ask
#
# A DEALER cannot know who is free: nothing in a queue says that the other end is at work. So the worker has to say it. `work` is a REQ. It says READY once; from then on each of its answers also says "and I am free again".


# %%
def work(ctx, endpoint, seconds):
    """Say READY; answer each request after so many seconds, which asks for the next one."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        broker.send(b"READY")
        while True:
            client, empty, question = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart([client, empty, question + b", done"])


def work_unasked(ctx, endpoint, seconds):
    """The worker of lesson 5: it takes what comes."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        while True:
            *envelope, question = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart([*envelope, question + b", done"])


# %% [markdown]
# The broker now has a ROUTER on either side: it has to choose the worker, so it needs an address for that, too. `idle` is a queue of workers. While it is empty, the broker listens to workers alone.


# %%
def idle_worker(ctx: zmq.Context, frontend: str, backend: str, newest_first: bool = False) -> None:
    """Give each request to the worker that has been idle longest; with nobody idle, read none."""
    idle: deque[bytes] = deque()  # workers without a task; who became idle first stands first
    busy: set[bytes] = set()  # workers with a task
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"] if worker not in idle:
                        busy.discard(worker)
                        idle.append(worker)
                    case [worker, b"", client, b"", *reply] if worker in busy:
                        clients.send_multipart([client, b"", *reply])
                        busy.remove(worker)
                        idle.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        worker = idle.pop() if newest_first else idle.popleft()
                        busy.add(worker)
                        workers.send_multipart([worker, b"", client, b"", *body])


# %% [markdown]
# The messages have two envelopes now, one in the other: the outer one leads to the worker, the inner one back to the client. `match` takes them apart; what has none of these forms is no request and no answer, and the broker leaves it aside.
#
# Twelve clients and the fleet of lesson 5, with its slow worker, run around both brokers.


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
        lab.start("broker", broker, frontend, backend)
        clients = [lab.start(name, ask, frontend, name, 5) for name in CLIENTS]
        right = sum(client.result(within=30) for client in clients)
    return lab.journal, right


# %% [markdown]
# > **Predict.** Dealt in turn, the slow worker got 20 of the 60 requests. How many does it get now?

# %%
for_the_slow = Prediction("Requests of 60 for the slow worker", low=0, high=60)
for_the_slow

# %%
dealt, _ = serve(router_dealer, work_unasked)
given, right = serve(idle_worker, work)
slow = sum(hop.who == "w3" and hop.way == "sent" for hop in given) - 1  # its READY is no answer
print(f"right answers: {right} of 60")
print(f"the slow worker did less than an even share: {slow < 20}")
bound = makespan_bound([1] * 60, [1 / seconds for seconds in FLEET.values()])
plots.show(plots.busy, given.spans(list(FLEET)), bound=bound, who=list(FLEET))
for_the_slow.compare(slow)

# %% [markdown]
# Nobody told the broker who is slow. Whoever is done early asks early, so the fast ones do most of the work, and nobody stands idle for long while there is some. What remains above the bound is the slow worker's last task, which a fast one would have done sooner, and the time that
# questions and answers are on their way.


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


title = "To who is free: a longer median, a much shorter tail, and all done sooner"
waited = {"dealt in turn": waits(dealt), "to who is free": waits(given)}
plots.show(plots.ecdf, waited, title=title, what="wait", log=True)

# %% [markdown]
# The slowest answers are no longer a queue's length away, but one task. The median is longer than before, and that is no loss: before, most clients stood at w3 most of the time, and the few others had the fast workers to themselves. Now all twelve ask the fast ones, and wait there for each other. Clients that wait for their answer before they ask again are a **closed loop**: who is served sooner asks more often.
#
# ## Where do requests wait?
#
# Three workers can do three requests at a time; twelve clients ask. Nine requests have to wait somewhere.
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


print(read_at_most.compare(read_and_unanswered(given)))
print(f"dealt in turn it was more than that: {read_and_unanswered(dealt) > 3}")

# %% [markdown]
# Three: the broker takes a request in only when it knows who will do it. The others stay in the ROUTER's queues, client by client, and the choice of the worker is made at the last moment: **late binding**. A DEALER makes it at the first moment, and cannot take it back.
#
# Play it: three clients, one worker. Watch where requests wait, and open one that the broker has sent to `w1`.

# %%
with Experiment() as lab:
    frontend, backend = lab.endpoint(), lab.endpoint()
    lab.start("broker", idle_worker, frontend, backend)
    clients = [lab.start(name, ask, frontend, name, 1) for name in CLIENTS[:3]]
    lab.start("w1", work, backend, 0.05)
    print("right answers:", sum(client.result(within=10) for client in clients), "of 3")

Replay(lab.journal, follow=b"c2 asks 0", title="Three clients, one worker that asks")

# %% [markdown]
# On its way to `w1` a request carries two envelopes. To the sockets of that side the inner one is body, and the worker hands it back as it came.
#
# Nothing polls in vain here: while nobody is idle, `zmq.select` does not look at the clients at all. If it did, a waiting request would wake it again and again, and the broker would burn a processor to do nothing.

# %% [markdown]
# ## Which of the idle ones?
#
# The queue has two ends. The Guide calls the pattern **least recently used**: who has been idle longest comes next. Until 2015 its Python example did the opposite: the list of workers was a stack
# ([zguide#502](https://github.com/booksbyus/zguide/issues/502); the same example also looked at its clients in vain). It ran, and every answer was right.
#
# Here is a quiet day: one client, one request at a time, 30 in all. w1, w2 and the slow w3 say READY in that order.
#
# > **Predict.** The newest idle worker first: how many of the 30 does the slow one get?

# %%
slow_if_newest = Prediction("Requests of 30 for the slow worker, newest first", low=0, high=30)
slow_if_newest


# %%
def await_ready(lab, number):
    """Wait until the broker has had so many messages: READYs, while nobody asks."""
    heard = lab.journal.counts
    lab.until(lambda: heard(who=["broker"])["broker"] == number, what=f"READY {number}")


def quiet_day(newest_first):
    """One client asks 30 times; return how many requests each worker got."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("broker", idle_worker, frontend, backend, newest_first)
        for number, name in enumerate(FLEET, 1):
            lab.start(name, work, backend, FLEET[name])
            await_ready(lab, number)
        lab.start("c1", ask, frontend, "c1", 30).result(within=20)
    return lab.journal.counts(who=list(FLEET))


newest, longest = quiet_day(newest_first=True), quiet_day(newest_first=False)
print(slow_if_newest.compare(newest["w3"]))
print("newest first:      ", newest)
print("longest idle first:", longest)

# %%
one, all_three = "Newest first: one gets all", "Longest idle first: all take turns"
plots.show(
    plots.together(
        plots.Picture(plots.shares, newest, title=one, unit="requests"),
        plots.Picture(plots.shares, longest, title=all_three, unit="requests"),
    )
)

# %% [markdown]
# All 30, and it is the slow one. Whoever answers is the newest idle worker, so it gets the next request, too; the others could as well not be there. No error says so, and on a busy day, with hardly anybody idle, the two ends of the queue are the same.
#
# From the other end all take turns, at a third each: a slow worker's share is still as large as a fast one's while there is little to do. To do better, one must know more than who is idle (lesson 9).

# %% [markdown]
# ## Credit
#
# Between its answer and its next request a worker has nothing to do. On one machine that is a moment; over a network it may be longer than the task. The remedy is to let a worker hold more than one request: a **credit** of k.
#
# First on the virtual clock, where a run is exact. Four workers, 1,000 requests of 1 ms, and 5 ms from an answer to the next request.
#
# > **Predict.** With a credit of 1, how much of the time is a worker busy, in percent?

# %%
busy_percent = Prediction("Percent of the time a worker is busy, credit 1", low=0, high=100)
busy_percent

# %%
speeds = [1 / seconds for seconds in FLEET.values()]
busy = {}
print("credit   busy, 5 ms away   fleet 2/2/50 ms: times the lower bound")
for k in (1, 2, 4, 8):
    away = simulate(Credit(k), [0.0] * 1000, [0.001] * 1000, travel=0.0025)
    busy[k] = 1000 * 0.001 / 4 / away.makespan
    near = simulate(Credit(k), [0.0] * 60, [1.0] * 60, speeds=speeds)
    print(f"{k:6}   {busy[k]:15.0%}   {near.makespan / bound:31.2f}")

busy_percent.compare(round(100 * busy[1]))

# %% [markdown]
# Each unit of credit hides one more task's worth of the way: a worker is busy for k · task / (task + way) of the time, until that is all of it. And each unit binds a request earlier: the slow worker of our fleet takes eight at once, and the last of them is the last of all.
#
# So how many? To keep a fleet up with its load, k must be more than load × (task + way) / task: a little over 1 where tasks are long against the way, many where they are short. And each more than that binds earlier, for nothing. Compute it for these 5 ms and 1 ms, at full load, and look at the table: does a credit of that size keep the workers busy?
#
# Look at the price with live sockets. `by_policy` asks a rule whom to give the request to. The rule sees how many requests each worker has outstanding, and may say None: nobody now.


# %%
def by_policy(ctx: zmq.Context, frontend: str, backend: str, choose: Policy, rng: Random) -> None:
    """Give each request to the worker that `choose` names; while it names none, leave it unread."""
    fleet: Fleet[bytes] = Fleet()  # the workers, and how many tasks each has outstanding
    full = False  # whether a request is there that nobody may have yet
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers] if full else [workers, clients], [], [])
            if clients in ready:
                full = (chosen := fleet.give(choose, rng)) is None
                if chosen is not None:
                    match clients.recv_multipart():
                        case [client, b"", *body]:
                            workers.send_multipart([chosen, b"", client, b"", *body])
                        case _:  # not a request: the worker keeps its credit
                            fleet.answered(chosen)
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        fleet.join(worker)
                    case [worker, b"", client, b"", *reply] if fleet.outstanding().get(worker):
                        fleet.answered(worker)
                        clients.send_multipart([client, b"", *reply])
                full = False


# %%
def work_many(ctx, endpoint, seconds):
    """As `work`, but on a DEALER: it may hold several requests."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        broker.send_multipart([b"", b"READY"])
        while True:
            *envelope, question = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart([*envelope, question + b", done"])


def ask_at_once(ctx, endpoint, requests):
    """Ask everything at once; return how many answers came before a second without any."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        for number in range(requests):
            broker.send_multipart([b"", b"%d" % number])
        answers = 0
        while answers < requests and broker.poll(1000):
            broker.recv_multipart()
            answers += 1
        return answers


# %%
def burst(k):
    """Ask 60 times at once, with a credit of k; return the journal and how many answers came."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", by_policy, frontend, backend, Credit(k), Random(1))
        for number, name in enumerate(FLEET, 1):
            lab.start(name, work_many, backend, FLEET[name])
            await_ready(lab, number)
        answers = lab.start("c1", ask_at_once, frontend, 60).result(within=30)
    return lab.journal, answers


pictures = []
for k, title in {
    1: "Credit 1: the slow worker holds one request at a time",
    8: "Credit 8: in the end all wait for what the slow worker holds",
}.items():
    journal, answers = burst(k)
    slow = journal.counts(who=["w3"])["w3"]
    print(f"credit {k}: {answers} of 60 answered, at least {k} by the slow worker: {slow >= k}")
    options = {"bound": bound, "who": list(FLEET), "title": title}
    pictures.append(plots.Picture(plots.busy, journal.spans(list(FLEET)), **options))
plots.show(plots.together(*pictures, columns=1))

# %% [markdown]
# The requests are all there at the start, and with a credit of 8 the slow worker is given eight of them at once. When the fast ones have done everything else, those are bound, and nobody can take them back.

# %% [markdown]
# ## Break it: a worker leaves while it is idle
#
# Three workers say READY; then one of them leaves, politely, with no task in hand. A client asks ten times.
#
# > **Predict.** How many of the ten requests are answered?

# %%
answered_of_ten = Prediction("Requests of 10 answered, one worker gone", low=0, high=10)
answered_of_ten


# %%
def ready_and_gone(ctx, endpoint):
    """Say READY, and leave."""
    with ctx.socket(zmq.REQ) as broker:
        broker.linger = 1000
        broker.connect(endpoint)
        broker.send(b"READY")


with Experiment() as lab:
    frontend, backend = lab.endpoint(), lab.endpoint()
    lab.start("broker", idle_worker, frontend, backend)
    lab.start("w1", work, backend, 0.001)
    lab.start("w2", work, backend, 0.001)
    lab.start("w3", ready_and_gone, backend)
    await_ready(lab, 3)
    answers = lab.start("c1", ask_at_once, frontend, 10).result(within=20)

print(answered_of_ten.compare(answers))

# %% [markdown]
# Nine. READY said that the worker *was* free. The broker sent the request to an address that leads nowhere, and a ROUTER drops such a message (lesson 5). This broker loses what a dead worker holds, its credit and no more, and it loses it without a word. To find
# out that somebody is gone takes more than READY: heartbeats, in the next part of the course.

# %% [markdown]
# ## In practice
#
# - **Queues have ends.** Unread requests fill the clients' queues to their high-water marks; then a client's `send` waits. That is back-pressure, and better than a list in the broker that grows without limit.
# - **The price of asking.** With small tasks this broker passes a fraction of what `zmq.proxy` passes: each request waits for a READY, and each goes through a loop in Python. Credit brings back some of the first and nothing of the second; `make bench` prints how much.
# - **Credit above 1 takes a worker on a DEALER** (or ROUTER). A REQ hands out one request, and when its program answers, it throws away what else has come in between ([req.cpp](https://github.com/zeromq/libzmq/blob/v4.3.5/src/req.cpp)). The broker counts those as outstanding for ever, and their credit is gone.
# - **One envelope.** This broker takes `[client, ∅, body]`, as REQ clients make it. A client behind a second ROUTER, or a REQ with `REQ_CORRELATE`, has more addresses before the empty frame; then split at the first empty frame, as in lesson 4.
# - **A worker that comes back** under its old name says READY again and is idle again. What it held is lost to its client, who has to ask again.
# - The brokers of this lesson are `zmqlab.balance.brokers.idle_worker` and `by_policy`.

# %% [markdown]
# ## What we know now
#
# We asked how a broker knows who is free. It is told: a worker that asks for work is free, and none is given to one that has not asked. Until then requests wait unread, so that the choice is made late. Of the idle ones, the one that has been idle longest is
# the fair choice. The other end of the queue gives all to one. Credit trades some of that lateness for less waiting on the way.
#
# **One more question.** Workers are alike, tasks too, and there is always a request waiting. Does it matter from which end of the queue the broker takes?
#
# <details><summary>Think first, then open</summary>
#
# No. With a request always waiting, nobody is ever idle longer than a moment: the queue holds one worker when its READY comes, and none after it. A queue of one has no ends. The order matters as soon as several are idle at once, and that is most of the time in a system that is not overloaded.
#
# </details>
#
# **Your turn:** [lab 7](../labs/07_idle_worker.ipynb), write the idle-worker broker.

# %%
assert_all_quiet()
