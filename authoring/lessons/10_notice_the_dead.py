# %% [markdown]
# # 10 · Notice the dead
#
# *You will do:* let workers die in four ways, listen to them in four ways, and see who notices what.
#
# *You will be able to*
# - say what a heartbeat proves, by who sends it,
# - choose how much silence is too much, and say what that costs,
# - say why a queue takes living workers for dead, and keep yours from it.
#
# *You need:* lessons 3 and 7.

# %% [markdown]
# A developer of the database CockroachDB writes of a few issues "in which a heartbeat loop continues even though the associated process has deadlocked. The heartbeat loop broadcasts that the process is healthy", so no other machine acts
# ([cockroach#23980](https://github.com/cockroachdb/cockroach/issues/23980)).
#
# The program did all that one is told to do: it sent **heartbeats**, messages that only say *I am here*. But the one who sent them was not the one who had died. So **who says that a worker is alive?**

# %%
import signal
import threading
import time
from random import Random
from statistics import NormalDist

import zmq

from zmqlab.balance import Liveness
from zmqlab.run import Arrivals, Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots

READY, HEARTBEAT = b"\x01", b"\x02"  # as in 6/PPP, the Paranoid Pirate Protocol
INTERVAL, LIVENESS = 0.2, 5  # seconds between heartbeats; silent for so many: taken for dead
WHO = ["w1, which is busy", "w2, which is idle", "nobody: it stays unread"]

# %% [markdown]
# ## Four ways to listen
#
# Here is a worker with four connections, so that each of its deaths is heard in four ways. Over the first it sends nothing, and over the second nothing either; but who listens to the second asks for ZMTP's own heartbeats. Over the third a helper thread of the worker sends heartbeats. Over the fourth the loop that does the work sends them, while it waits for a task.


# %%
def connected(ctx, endpoint):
    """A socket to whoever listens at the endpoint."""
    socket = ctx.socket(zmq.DEALER)
    socket.connect(endpoint)
    return socket


def beat_aside(ctx, endpoint):
    """A helper thread: send heartbeats, whatever the worker does."""
    aside = connected(ctx, endpoint)
    while True:
        aside.send(HEARTBEAT)
        time.sleep(INTERVAL)


def work(ctx, none, zmtp, aside, loop):
    """Connect in four ways, and take a task over the last: it never comes back from it."""
    threading.Thread(target=beat_aside, args=(ctx, aside), daemon=True).start()
    _silent, _zmtp, tasks = (connected(ctx, endpoint) for endpoint in (none, zmtp, loop))
    while not tasks.poll(1000 * INTERVAL):
        tasks.send(HEARTBEAT)
    if tasks.recv() == b"sleep":
        time.sleep(60)
    while True:  # b"spin"
        pass


# %% [markdown]
# An `Ear` listens to one of the connections. The worker is dead to it when the connection is gone, or when heartbeats were to come and none came for longer than liveness × interval, a second here. **Liveness** is how many intervals of silence are forgiven.
#
# ZMTP's heartbeats are PING and PONG ([37/ZMTP](https://rfc.zeromq.org/spec/37/)): no program sees them. Each side's I/O thread, ZeroMQ's background thread, sends or answers them. Where nothing comes back in time, the connection is closed.


# %%
class Ear:
    """Listens to one connection of one worker."""

    def __init__(self, lab, way):
        self.socket, self.endpoint = lab.ctx.socket(zmq.DEALER), lab.endpoint()
        if way == "ZMTP":
            self.socket.heartbeat_ivl = int(1000 * INTERVAL)  # ms
            self.socket.heartbeat_timeout = int(1000 * INTERVAL * LIVENESS)
        self.beats = way in ("helper thread", "work loop")
        self.heard = float("-inf")  # when the last heartbeat came
        self.arrivals = Arrivals(self.socket)
        self.socket.bind(self.endpoint)

    def dead(self):
        """Whether there is no connection, or it has been silent for too long."""
        while self.socket.poll(0):
            self.socket.recv()
            self.heard = time.monotonic()
        silent = self.beats and time.monotonic() - self.heard > INTERVAL * LIVENESS
        return silent or self.arrivals.count == 0


# %% [markdown]
# ## Four ways to be dead
#
# Four such workers, each a process. The first gets a task that sleeps and does not come back, the second one that spins, a loop that never ends. The third is stopped (SIGSTOP): it is there, and gets no processor. The fourth is killed. Windows has no SIGSTOP; there the third lives, and its column says so.
#
# Four deaths, each heard in four ways: a table of 16 cells. We watch for three seconds. A cell says after how many seconds the death was noticed; *never* means: not in these three.
#
# > **Predict.** Which cells say *never*? How many are they?

# %%
never_noticed = Prediction("Cells of 16 that say never", low=0, high=16)
never_noticed

# %%
WAYS = ["no heartbeats", "ZMTP", "helper thread", "work loop"]
STOPPED = "is stopped" if hasattr(signal, "SIGSTOP") else "lives: no SIGSTOP here"
DEATHS = ["sleeps", "spins", STOPPED, "is killed"]

with Experiment(record=False) as lab:
    ears = {death: [Ear(lab, way) for way in WAYS] for death in DEATHS}
    workers = {d: lab.spawn(d, work, *(ear.endpoint for ear in ears[d])) for d in DEATHS}
    every = [
        (death, way, ear) for death in DEATHS for way, ear in zip(WAYS, ears[death], strict=True)
    ]
    lab.until(lambda: not any(ear.dead() for *_, ear in every), within=30, what="all to be heard")
    died = time.monotonic()
    ears["sleeps"][-1].socket.send(b"sleep")
    ears["spins"][-1].socket.send(b"spin")
    workers["is killed"].kill()
    if STOPPED == "is stopped":
        workers[STOPPED].stop()
    noticed = {way: dict.fromkeys(DEATHS) for way in WAYS}  # after how many seconds, or None
    while (now := time.monotonic() - died) < 3:
        for death, way, ear in every:
            known = noticed[way][death]
            noticed[way][death] = (known or round(now, 2)) if ear.dead() else None
        zmq.select([ear.socket for *_, ear in every], [], [], 0.01)
never = sum(after is None for row in noticed.values() for after in row.values())
never_noticed.compare(never)

# %%
every_death = [way for way, row in noticed.items() if None not in row.values()]
title = f"All four deaths show only in: {', '.join(every_death) or 'no row'}"
plots.show(plots.heat, noticed, title=title)
print("noticed?      ", *(f"{death:>11}" for death in DEATHS))
for way, row in noticed.items():
    print(f"{way:14}", *(f"{'never' if after is None else 'yes':>11}" for after in row.values()))

# %% [markdown]
# Seven say *never*. Without heartbeats only the killed worker is noticed: its operating system closes the connection. ZMTP shows the stopped one, too: a stopped process answers no PING. **And the helper thread shows exactly what ZMTP shows.** It goes on while the worker hangs, as the I/O thread does.
#
# A heartbeat proves what its sender's loop does, and nothing more. Only the loop that works can say that work goes on. That has a price: a task of more than a second looks like death. So a long task must send heartbeats while it is done; in the lab it is handed a function for that, `beat`.
#
# ## What a heartbeat does not say
#
# The Guide's Paranoid Pirate queue takes any message of a worker as a sign that it is ready, heartbeats included
# ([ppqueue.py](https://github.com/booksbyus/zguide/blob/master/examples/Python/ppqueue.py)). Here is its core, written anew. Which messages make a worker ready is a rule that we can change. Around it come clients, and workers whose work takes so long that we see no more of it than a heartbeat in its midst.


# %%
def pirate_queue(ctx, frontend, backend, makes_ready):
    """Give each request to the first worker in the line; with the line empty, read none."""
    line = []
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if line else [workers], [], [])
            if workers in ready:
                worker, *said = workers.recv_multipart()
                if makes_ready(said):
                    line = [other for other in line if other != worker] + [worker]
                if len(said) > 1:  # an answer: [client, b"", answer]
                    clients.send_multipart(said)
            if clients in ready:
                workers.send_multipart([line.pop(0), *clients.recv_multipart()])


# %%
def ask(ctx, endpoint, question):
    """Ask once, and wait for an answer."""
    with ctx.socket(zmq.REQ) as queue:
        queue.connect(endpoint)
        queue.send(question)
        queue.recv()


def work_long(ctx, endpoint):
    """Say READY; of each request show no more than a heartbeat in its midst."""
    with ctx.socket(zmq.DEALER) as queue:
        queue.connect(endpoint)
        queue.send(READY)
        while True:
            queue.recv_multipart()
            queue.send(HEARTBEAT)


def given(journal):
    """Which worker was given the second request; None: nobody yet."""
    workers = {"w1": WHO[0], "w2": WHO[1]}
    return next(
        (workers[h.who] for h in journal if h.who in workers and b"second" in h.frames), None
    )


# %% [markdown]
# w1 says READY (0x01 in the picture below) and gets a request that takes long. In the midst of it w1 sends a heartbeat (0x02). Then w2 says READY: it is idle. Now a second request comes.
#
# > **Predict.** Who is given the second request, if every message makes ready?

# %%
second_to = Prediction("The second request is given to", choices=WHO)
second_to


# %%
def second_request(makes_ready):
    """Return the journal, and who was given the second request."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        got = lab.journal.counts
        lab.start("queue", pirate_queue, frontend, backend, makes_ready)
        lab.start("c1", ask, frontend, b"first")
        lab.start("w1", work_long, backend)
        lab.until(lambda: got(who=["queue"])["queue"] == 3, what="READY, a request, a heartbeat")
        lab.start("w2", work_long, backend)
        lab.until(lambda: got(who=["queue"])["queue"] == 4, what="w2's READY")
        lab.start("c2", ask, frontend, b"second")
        lab.until(lambda: given(lab.journal), what="the second request to arrive")
    return lab.journal, given(lab.journal)


published, who_published = second_request(lambda said: True)
mended, who_mended = second_request(lambda said: said != [HEARTBEAT])
title, order = f"Second request to {who_published}", ["c1", "c2", "queue", "w1", "w2"]
plots.show(plots.space_time, published, title=title, who=order)
print("every message makes ready:     ", who_published)
print("every message but a heartbeat: ", who_mended)
second_to.compare(who_published)

# %% [markdown]
# The busy one. c2 waits for the end of c1's request while w2 has nothing to do. Who gets the blame? w1, which "is slow". But a heartbeat says *I am here*, not *I am free*: that only READY says, and an answer.
#
# Nor may a heartbeat move an idle worker to the end of the line, as it does where every message makes ready: the worker idle longest would not be next. Of a version that takes every message for READY a user writes that it is "wrong by design" ([NetMQ/Samples#13](https://github.com/NetMQ/Samples/issues/13)).

# %% [markdown]
# ## How much silence is too much?
#
# Silence does not tell a dead worker from a late one. Who takes a living one for dead raises a **false alarm**. More liveness means fewer of them, and that the dead are noticed later.
#
# A model on the virtual clock: a living worker beats every 100 ms, and each heartbeat is late, by 2 ms on average. At one in a thousand a spell begins in which the machine is busy: some 50 heartbeats, late by 150 ms on average. None overtakes another. An hour has 36,000 heartbeats, and about one in twenty falls into such a spell. A seed makes the numbers the same everywhere.
#
# > **Predict.** From which liveness on is there less than one false alarm a minute?

# %%
enough = Prediction("Liveness with less than one false alarm a minute", low=1, high=10)
enough


# %%
def gaps(beats, seed=10):
    """Seconds between the heartbeats of a living worker, as they arrive."""
    rng, busy, last, found = Random(seed), False, 0.0, []
    for number in range(beats):
        busy = rng.random() < (0.98 if busy else 0.001)
        late = rng.expovariate(1 / (0.150 if busy else 0.002))
        came = max(last, 0.1 * number + late)
        found.append(came - last)
        last = came
    return found


silences = gaps(180_000)  # five hours
liveness = list(range(1, 11))
alarms = [sum(gap > 0.1 * n for gap in silences) / 5 for n in liveness]
title = f"False alarms an hour: {alarms[0]:,.0f} with liveness 1, {alarms[4]:.0f} with 5"
along, unit = "liveness: intervals of 100 ms until the alarm", "false alarms an hour"
rows = {"a worker that lives": alarms}
plots.show(plots.curves, rows, at=liveness, along=along, unit=unit, title=title)
for n, rate in zip(liveness, alarms, strict=True):
    print(f"liveness {n:2}: alarm after {0.1 * n:.1f} s, {rate:8.1f} false alarms an hour")
limit = NormalDist.from_samples(silences).inv_cdf(1 - 1e-8)
phi = sum(gap > limit for gap in silences) / 5
print(f"phi above 8: alarm after {limit:.2f} s, {phi:7.1f} an hour; promised are 0.0004")
enough.compare(next(n for n in liveness if alarms[n - 1] < 60))

# %% [markdown]
# The first step gains most: a liveness of 1 forgives no delay at all. After that each interval leaves about half of the false alarms of this model, and ten still leave some: now and then a busy machine is later than that. And each costs whoever waits for a dead worker another 100 ms. [6/PPP](https://rfc.zeromq.org/spec/6/) and [7/MDP](https://rfc.zeromq.org/spec/7/) speak of three to five.
#
# Try it: spells ten times as rare (0.0001), or ten times as long (0.998). The last line, of phi, is for *In practice*.
#
# ## Break it: the queue itself stands still
#
# So far the workers were late. Now the queue is: its disk hangs, say, for a second and a half. Four workers live, and their heartbeats arrive in the queue's socket. Here is the part of a queue that keeps the list of the living. Taking a silent one off it is **eviction**; whoever was evicted comes back only by READY.
#
# With `read_all` it reads all that is there before it judges. Without, it reads one message each time around, as the published one does, and then looks who was silent.


# %%
def attend(ctx, frontend, backend, read_all):
    """Keep the list of the living; asked to, stand still for a while, or say how many they are."""
    alive = Liveness(INTERVAL * LIVENESS)
    with ctx.socket(zmq.REP) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients], [], [], INTERVAL)
            while workers in ready:
                worker, said = workers.recv_multipart()
                if said == READY or worker in alive.last_heard:
                    alive.heard(worker, now=time.monotonic())
                if not (read_all and workers.poll(0)):
                    break
            for worker in alive.expired(now=time.monotonic()):
                alive.forget(worker)
            if clients in ready:
                if clients.recv() == b"stand still":
                    time.sleep(1.5 * INTERVAL * LIVENESS)
                clients.send(b"%d" % len(alive.last_heard))


# %%
def show_life(ctx, *endpoints):
    """Say READY to each queue, and from then on that we live."""
    queues = [ctx.socket(zmq.DEALER) for _ in endpoints]
    for queue, endpoint in zip(queues, endpoints, strict=True):
        queue.connect(endpoint)
        queue.send(READY)
    while not queues[0].poll(1000 * INTERVAL):  # nothing comes: this waits
        for queue in queues:
            queue.send(HEARTBEAT)


# %% [markdown]
# Two queues stand still at the same time, one of each kind. Each of the four workers sends its heartbeats to both.
#
# > **Predict.** Without `read_all`: how many of the four living workers does it evict?

# %%
evicted_alive = Prediction("Living workers of 4 that are evicted", low=0, high=4)
evicted_alive


# %%
with Experiment() as lab:
    places = {read_all: (lab.endpoint(), lab.endpoint()) for read_all in (False, True)}
    clients = {read_all: lab.ctx.socket(zmq.REQ) for read_all in places}
    for read_all, (frontend, backend) in places.items():
        lab.start(f"queue, {read_all}", attend, frontend, backend, read_all)
        clients[read_all].connect(frontend)
    for name in ("w1", "w2", "w3", "w4"):
        lab.start(name, show_life, *(backend for _, backend in places.values()))

    def living(question):
        """What both queues answer; they are asked at the same time."""
        for client in clients.values():
            client.send(question)
        return {read_all: int(client.recv()) for read_all, client in clients.items()}

    lab.until(lambda: set(living(b"how many?").values()) == {4}, what="four workers")
    living(b"stand still")
    left = living(b"how many?")
for read_all, number in left.items():
    first = "all that is there" if read_all else "one message"
    print(f"reads {first}, then judges: {4 - number} of 4 living workers evicted")
evicted_alive.compare(4 - left[False])

# %% [markdown]
# Three. After its pause the last message that the queue has *read* of each worker is too old. It reads one, and the other three seem dead, while their heartbeats lie there unread. Where a queue stands still for want of a processor, that is the worst moment to give all work out again. In Mars, which spreads computations over workers, a "scheduler may falsely judge the workers as dead" because it is busy itself ([mars#470](https://github.com/mars-project/mars/issues/470)). **Read all, then judge.**
#
# > **Watch out.** Here the loop stood still, and the I/O thread went on reading. If the whole process is stopped, so is that thread, and when the loop goes on it may find nothing to read. So let a queue notice that it was late, and take that time off everybody's silence: `zmqlab.balance.brokers.paranoid_pirate` does.
#
# ## In practice
#
# - **Layers.** TCP's keep-alive is answered by the other operating system: it finds a machine that is gone, not a process that is stopped, and is [off unless asked for](https://man7.org/linux/man-pages/man7/tcp.7.html). ZMTP's heartbeats find both, and cost your program two options. Neither replaces what the loop that works says of itself, though [some plan that](https://github.com/equinor/ert/issues/14497). Use both layers: the connection's, and your own.
# - **Both ways.** A worker listens, too: when the queue is silent for too long, it makes a new socket and says READY again ([6/PPP](https://rfc.zeromq.org/spec/6/)).
# - **A helper thread errs the other way, too:** work in C that keeps Python's GIL, the lock that a thread must hold to run, silences it. On Linux, try `ctypes.PyDLL(None).sleep(60)` in place of `time.sleep(60)`.
# - **Heartbeats from the work:** [Temporal's activities](https://docs.temporal.io/develop/ruby/activities/timeouts) send them, and so do services with [systemd's watchdog](https://manpages.ubuntu.com/manpages/mantic/en/man3/sd_watchdog_enabled.3.html).
# - **Phi accrual** ([Akka's](https://doc.akka.io/api/akka-core/2.8/akka/remote/PhiAccrualFailureDetector.html)) fits a normal distribution to the gaps of the past, and phi above 8 promises one false alarm in 10⁸ heartbeats. But gaps come in bursts and are not normal: see the last line under the false alarms. Akka lets you add a margin for them. If the past is long, phi is a fixed limit by another name. Its lasting idea: give out a suspicion, and let the reader choose the limit.

# %% [markdown]
# ## What we know now
#
# We asked who says that a worker is alive. Whoever sends the heartbeat, and of itself alone: the operating system, the I/O thread, a helper, the loop that works. A heartbeat does not say that anybody is free. And how much silence is death, the listener decides: too early for some who live, too late for those who wait, and wrongly as long as it has not read what is there.
#
# **One more question.** A worker is evicted in the midst of a request, and lives. What becomes of the request?
#
# <details><summary>Think first, then open</summary>
#
# The queue gives it to another worker, and both answer: it is done twice. The client must get one answer, so the queue passes on only what comes from the worker that has the request now. That it was *done* twice, no queue can prevent. Lesson 11 is about that.
#
# </details>
#
# **Your turn:** [lab 10](../labs/10_notice_the_dead.ipynb), a queue and a worker that outlive each other. Then [retry without doing it twice](11_retry.ipynb).

# %%
assert_all_quiet()
