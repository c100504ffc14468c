# %% [markdown]
# # Lab 12 · Serve by contract
#
# *Goal:* a broker, a worker and a client of Majordomo that keep the protocol whoever they meet, and a suite that says so.
#
# *You need:* [lesson 12](../notebooks/12_contract.ipynb) and [lab 10](10_notice_the_dead.ipynb). *Time:* 90 minutes; hole by hole.

# %%
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass

import zmq

from zmqlab import check
from zmqlab.check.conformance import Serving
from zmqlab.mdp import check_broker
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import plots
from zmqlab.span import Span


class MDP:
    """Majordomo 0.1 on the wire: who speaks, and a worker's commands."""

    CLIENT, WORKER = b"MDPC01", b"MDPW01"
    READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\1", b"\2", b"\3", b"\4", b"\5"


# %% [markdown]
# ## The contract
#
# The protocol is [7/MDP](https://rfc.zeromq.org/spec/7/), version 0.1, with [8/MMI](https://rfc.zeromq.org/spec/8/). Clients and workers speak to one ROUTER, the broker's. The table has the frames as a DEALER sends and gets them, with the names of `MDP` above. The ROUTER has the peer's address before them, and a REQ does not see the first empty one.
#
# | from | to | frames |
# |---|---|---|
# | client | broker | `b"", CLIENT, service, *body` |
# | broker | client | `b"", CLIENT, service, *body` |
# | worker | broker | `b"", WORKER, READY, service` |
# | broker | worker | `b"", WORKER, REQUEST, client, b"", *body` |
# | worker | broker | `b"", WORKER, REPLY, client, b"", *body` |
# | worker, broker | broker, worker | `b"", WORKER, HEARTBEAT` |
# | worker, broker | broker, worker | `b"", WORKER, DISCONNECT` |
#
# A body has at least one frame. [The rules](../docs/mdp-rules.md) have numbers, 7.B12 say; `python -m zmqlab.mdp rules 7.B12` prints one. You keep every *must*, *implied* and *should* for your role. Where the rules leave something open, this course decides:
#
# - **Heartbeats**: one per `interval`, to every worker, idle or busy (7.B24, 7.B25), and from every idle one. Who has been silent for longer than `liveness` × `interval` is dead, nobody earlier; it is sent nothing more.
# - **Requests**: the request of a worker that is dead, says DISCONNECT or is told to go is given to another, once (7.B31). Requests do not expire (7.B08 is left out).
# - **Turns**: of several idle workers the one that has been idle longest is next (7.B32). A heartbeat changes no turn.
# - The broker offers 8/MMI: it answers `mmi.service`.
#
# Common to all three: `ctx` is the caller's. Sockets are made, used and closed in one thread; nothing that a peer sends ends the function; it waits without using the processor. Broker and worker go on until the context ends, and `zmq.ContextTerminated` may escape. Several workers and clients of yours are there at the same time.
#
# ## The broker


# %%
def broker(ctx: zmq.Context, endpoint: str, interval: float, liveness: int) -> None:
    """Serve clients and workers of Majordomo at an endpoint; interval in seconds."""
    ### BEGIN SOLUTION
    @dataclass
    class Worker:
        service: bytes
        heard: float  # when, last
        held: tuple | None = None  # a client's address and its body

    workers = {}  # by address; of the idle ones, who has been idle longest stands first
    waiting = defaultdict(deque)  # requests, by service

    def send(peer, *frames):
        router.send_multipart([peer, b"", *frames])

    def give_out():
        for peer, worker in workers.items():
            if worker.held is None and waiting[worker.service]:
                worker.held = client, body = waiting[worker.service].popleft()
                send(peer, MDP.WORKER, MDP.REQUEST, client, b"", *body)

    def leave(peer):
        worker = workers.pop(peer, None)
        if worker and worker.held:
            waiting[worker.service].appendleft(worker.held)

    def holds(peer, client):
        return peer in workers and workers[peer].held and workers[peer].held[0] == client

    def hear(peer, frames, now):
        match frames:
            case [b"", MDP.CLIENT, b"mmi.service", name, *_]:
                served = any(worker.service == name for worker in workers.values())
                send(peer, MDP.CLIENT, b"mmi.service", b"200" if served else b"404")
            case [b"", MDP.CLIENT, service, _, *_] if service.startswith(b"mmi."):
                send(peer, MDP.CLIENT, service, b"501")
            case [b"", MDP.CLIENT, service, *body] if body:
                waiting[service].append((peer, body))
            case [b"", MDP.WORKER, MDP.READY, service] if (
                peer not in workers and not service.startswith(b"mmi.")
            ):
                workers[peer] = Worker(service, now)
            case [b"", MDP.WORKER, MDP.HEARTBEAT] if peer in workers:
                workers[peer].heard = now
            case [b"", MDP.WORKER, MDP.REPLY, client, b"", *reply] if reply and holds(peer, client):
                service = workers.pop(peer).service
                send(client, MDP.CLIENT, service, *reply)
                workers[peer] = Worker(service, now)  # now it stands last
            case [b"", MDP.WORKER, MDP.DISCONNECT]:
                leave(peer)
            case [b"", MDP.WORKER, *_]:  # whoever says what it may not is told to go
                leave(peer)
                send(peer, MDP.WORKER, MDP.DISCONNECT)

    with ctx.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        beat_at = time.monotonic() + interval
        while True:
            router.poll(max(0, 1000 * (beat_at - time.monotonic())))
            while router.poll(0):  # read all that is there before anybody is judged
                peer, *frames = router.recv_multipart()
                hear(peer, frames, time.monotonic())
                give_out()
            now = time.monotonic()
            for peer, worker in list(workers.items()):
                if now - worker.heard > interval * liveness:
                    leave(peer)
            give_out()
            if now >= beat_at:
                for peer in workers:
                    send(peer, MDP.WORKER, MDP.HEARTBEAT)
                beat_at = now + interval
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1: where to begin</summary>
#
# Begin with READY, a request and REPLY: 7.B01 to 7.B07. The check ends at the first rule that is broken and says which; so it leads you through. What must the broker remember of a worker, and what of a service?
#
# </details>
# <details><summary>Hint 2: valid, invalid, unexpected</summary>
#
# A message that is none is dropped. One that is valid, from somebody who may not send it now, is answered by DISCONNECT. Write down the worker's states and, for each command, in which of them it is expected. How many cases are left when all the expected ones are named?
#
# </details>
# <details><summary>Hint 3: a worker goes</summary>
#
# It says goodbye, it is told to go, it falls silent: three reasons, and the same has to happen. In how many places do you remember a worker? And what did it hold?
#
# </details>
# <details><summary>Hint 4: time</summary>
#
# When is the next moment at which you have to do something though nobody has sent anything? That is how long you may wait. And lesson 10: read what there is before you judge who is silent.
#
# </details>
#
# ## The worker
#
# `worker(ctx, endpoint, service, work, interval, liveness)` is a DEALER. `work(body, beat)` is as in lab 10: it is called once for each REQUEST, with the body as a list of frames, and returns the reply's body as such a list. A long work calls `beat()` now and then; it sends HEARTBEAT if one is due, at most one per interval. While work does not come back and does not call `beat`, nothing is sent.
#
# The broker silent for longer than `liveness` × `interval`, or DISCONNECT: the socket is closed, and READY goes out on a new one, again and again. Heartbeats that came while work took its time count, although nobody had read them.


# %%
def worker(
    ctx: zmq.Context, endpoint: str, service: bytes, work, interval: float, liveness: int
) -> None:
    """Register for a service and answer its requests by `work(body, beat)`."""
    ### BEGIN SOLUTION
    def send(*frames):
        broker.send_multipart([b"", MDP.WORKER, *frames])

    def beat():
        nonlocal beat_at
        if time.monotonic() >= beat_at:
            send(MDP.HEARTBEAT)
            beat_at = time.monotonic() + interval

    while True:  # one conversation after the other, each on a socket of its own
        with ctx.socket(zmq.DEALER) as broker:
            broker.linger = 0
            broker.connect(endpoint)
            send(MDP.READY, service)
            heard = time.monotonic()
            beat_at = heard + interval
            while True:
                beat()
                if broker.poll(max(0, 1000 * (beat_at - time.monotonic()))):
                    frames = broker.recv_multipart()
                    heard = time.monotonic()
                    match frames:
                        case [b"", MDP.WORKER, MDP.REQUEST, client, b"", *body]:
                            send(MDP.REPLY, client, b"", *work(body, beat))
                        case [b"", MDP.WORKER, MDP.DISCONNECT]:
                            break
                elif time.monotonic() - heard > interval * liveness:
                    break  # and nothing is unread
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1: two loops</summary>
#
# From READY to the end of a conversation is one loop, with one socket. What is around it?
#
# </details>
# <details><summary>Hint 2: after a long work</summary>
#
# Your worker comes back from a work that took twenty intervals. Twenty heartbeats lie in its socket. Which line does it come to first: the one that reads, or the one that judges?
#
# </details>
#
# ## The client
#
# `client(ctx, endpoint, service, body, patience, tries)` sends the body, a list of frames, to a service and returns the body of its reply, as such a list. It waits `patience` seconds, whatever strays come meanwhile, and asks the same again on a new socket, `tries` times in all; then it raises `TimeoutError`. A reply of another service, or one that is none, is not taken. (A REQ that got such a one can wait no more: its try may end there.)


# %%
def client(
    ctx: zmq.Context, endpoint: str, service: bytes, body: list[bytes], patience: float, tries: int
) -> list[bytes]:
    """Ask a service; return the reply's body. TimeoutError: nobody answered in all tries."""
    ### BEGIN SOLUTION
    for _ in range(tries):
        with ctx.socket(zmq.DEALER) as broker:
            broker.linger = 0
            broker.connect(endpoint)
            broker.send_multipart([b"", MDP.CLIENT, service, *body])
            end = time.monotonic() + patience
            while broker.poll(max(0, 1000 * (end - time.monotonic()))):
                match broker.recv_multipart():
                    case [b"", MDP.CLIENT, name, *reply] if name == service and reply:
                        return reply
    raise TimeoutError(f"{service!r} was asked {tries} times, and nobody answered")
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint: why a new socket?</summary>
#
# Majordomo 0.1 has no number for requests. The reply to your first try comes while you wait for that to the second. Or to the next question. What keeps them apart?
#
# </details>
#
# ## Check
#
# The suite that you met in the lesson plays clients and workers for your broker, then the broker for your worker and your client, with heartbeats every 200 ms and a liveness of 5. Then all three work together: a work hangs, a broker ends and another comes. All of it takes about 25 seconds; a broken rule ends it there.

# %%
report = check.lab12(broker, worker, client)
report

# %% [markdown] tags=["solution-only"]
# ## How it works
#
# The broker knows two things: its workers, by address, and the requests that wait, by service. Whether a worker is idle, which one is next, whether a service is served (8/MMI) all follow from the first; so nothing can be forgotten in a second place when a worker goes. The order of the dict is the order of becoming idle: who replies is taken out and put in again.
#
# `hear` names what is expected, case by case. What is left with a worker's header is unexpected or none, and one last case tells its sender to go. That answer is allowed for both (7.B12 to 7.B15, 7.B20). What is left with a client's header is dropped: who is no worker has never asked to be told.
#
# `leave` is the one way out, for all three reasons. The request goes back to the *front* of the line: its client has waited longest. It is given out only when *all* the silent ones are gone, so none of them gets it.
#
# The loop waits until the next heartbeat is due, reads all that there is, and only then judges who was silent. Heartbeats come from `time.monotonic` and not from a poll that found nothing: where much comes, a poll always finds something. Who floods it keeps it reading; a broker for strangers would read so many at a time.
#
# The worker's inner loop is one conversation. It judges the broker only where `poll` has found nothing, so heartbeats that waited during a long work are read before. `linger = 0` lets go what a dead broker will never fetch: otherwise the caller's context would wait for it.
#
# Right as well: a queue of the idle for each service, if a worker leaves it too when it goes; a pure core that returns messages; coroutines; a heap of deadlines; work in a second thread whose beats come by inproc.

# %% [markdown]
# ## Now break it
#
# The rules leave some things open. What does your broker do there? The suite says what it saw, and judges nothing.

# %% tags=["nbval-ignore-output"]
OPEN = ["7.B21", "7.B22", "7.B33", "7.B34", "7.B35", "7.B36"]

if report:
    with Experiment() as lab:
        subject = Serving("broker", broker, 0.2, 5, endpoint=lab.endpoint())
        for result in check_broker(subject, heartbeat=0.2, only=OPEN).results.values():
            print(f"{result.rule.id}  {result.rule.text}:\n       {result.evidence}")

# %% [markdown]
# Now a work that takes longer than the broker's patience: 12 intervals with a liveness of 4, and it never calls `beat`. Two workers, one request, a client that waits for 30 intervals. Guess first: how often is the work done, and does the client get its reply?

# %%
INTERVAL = 0.1  # seconds


def long_work(beats, spans):
    """A work of 12 intervals; it calls beat, or it does not, and notes who was at it when."""

    def work(body, beat):
        began = time.monotonic()
        while time.monotonic() < began + 12 * INTERVAL:
            time.sleep(INTERVAL / 4)
            if beats:
                beat()
        who = threading.current_thread().name
        spans.append(Span(who, began, time.monotonic(), tuple(body)))
        return [b"done"]

    return work


# %%
def one_request(beats):
    """Let two workers do one long request; what the client got, and who was busy when."""
    spans = []
    with Experiment() as lab:
        at, work = lab.endpoint(), long_work(beats, spans)
        lab.start("broker", broker, at, INTERVAL, 4)
        for name in ("w1", "w2"):
            lab.start(name, worker, at, b"long", work, INTERVAL, 4)
        asked = lab.start("client", client, at, b"long", [b"?"], 30 * INTERVAL, 1)
        asked.wait(within=20)
        asked.error = None  # TimeoutError is one of the two ends
    return asked.value, spans


# %%
if report:
    pictures = []
    for beats in False, True:
        got, spans = one_request(beats)
        times = "once" if len(spans) == 1 else f"{len(spans)} times"
        title = f"{'With' if beats else 'Without'} beat: done {times}, "
        title += "and answered" if got else "and the client got nothing"
        pictures.append(plots.Picture(plots.busy, spans, title=title, who=["w1", "w2"]))
    plots.show(plots.together(*pictures, columns=1))

# %% [markdown]
# Each worker in turn is taken for dead while it works, and the request goes to the next. Every REPLY comes from somebody who is no worker any more. So the request wanders for ever, and takes all workers with it: what is called a poison message. Heartbeats kept the rules all the time.
#
# **Think about it.**
#
# 1. No rule that you have broken makes the request wander. Which decision of this course does, and what would you have to count to end it?
# 2. The late REPLY was right, and you threw it away. Would it be right to pass it on? Think of the client, and of the second worker.
# 3. Your client asks three times with a patience of one second; the work takes two. How often is it done? What of lab 11 does Majordomo 0.1 have no room for?
# 4. Your broker keeps every rule here at 200 ms. What does that say about 20 ms, about a thousand workers, about a month?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. That a dead worker's request is given to another (7.B31), without an end. Count for each request how often it was given out; after the third worker that fell silent over it, put it aside and tell somebody. Systems that keep messages call that place a dead-letter queue. The cure at the worker is `beat`: it says that the work goes on, and the broker need not guess.
# 2. The RFC leaves it open (7.B30). To the client a late reply is as good as any, and the work is done. But the second worker is at it, and its REPLY would then be one too many: the broker has to remember that this request has been answered, as lab 11's server does. Without that the client gets two replies, and takes the second for the answer to its next question if it asks on the same socket.
# 3. Three times: to the broker these are three requests. An id that the client makes, the same for every try (lab 11). It has no frame of its own in MDP; it can be the first of the body, if worker and client agree.
# 4. Nothing about either. The suite looks for what is wrong in some seconds, with a few peers. At 20 ms the machine's own pauses may look like silence; a thousand workers cost this broker a walk through a thousand entries for each request; and after a month it remembers every service name that it was ever asked for. Passing is where the work begins: it says that what others wrote by the same rules can rely on yours.

# %%
assert_all_quiet()
