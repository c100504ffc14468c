# %% [markdown]
# # Lab 10 · Notice the dead
#
# *Goal:* a queue that notices when a worker is dead and gives its request to another, and a worker that says that it is alive, and means it.
#
# *You need:* [lesson 10](../notebooks/10_notice_the_dead.ipynb). *Time:* 75 minutes.

# %%
import time
from collections import deque

import zmq

from zmqlab import check
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import plots

READY, HEARTBEAT = b"\x01", b"\x02"

# %% [markdown]
# ## The contract
#
# Every `interval` (seconds) each side says that it is there. Who has said nothing for more than `liveness` intervals is dead to the other.
#
# | what happens | frames at the queue's sockets | frames at the worker's DEALER |
# |---|---|---|
# | a worker registers | `[worker, 01]` | `[01]` |
# | a heartbeat, either way | `[worker, 02]` | `[02]` |
# | a client asks | `[client, *more, b"", *body]` | |
# | the queue gives it to a worker | `[worker, client, *more, b"", *body]` | `[client, *more, b"", *body]` |
# | the worker replies | `[worker, client, *more, b"", *reply]` | `[client, *more, b"", *reply]` |
# | the queue passes it on | `[client, *more, b"", *reply]` | |
#
# `01` and `02` are one frame of one byte, as in [6/PPP](https://rfc.zeromq.org/spec/6/). `client` and `more` are the **envelope**: all frames before the first empty one, however many. A plain REQ or a DEALER has no `more`; a REQ that numbers its questions (REQ_CORRELATE) has one.

# %% [markdown]
# ### The queue
#
# `queue(ctx, frontend, backend, interval, liveness)` binds a ROUTER at each endpoint.
#
# - `[01]` of a worker that is not registered registers it, and it is idle. It is busy from a request to its reply. Nothing else changes that: `[02]`, a second `[01]`, or whatever else it sends says that it lives, and no more. Of somebody who is not registered nothing counts but `[01]`.
# - A request goes to the worker that has been idle longest. With nobody idle, requests stay unread in the frontend.
# - Every registered worker, idle or busy, gets `[02]` once per interval, whether anything arrives or not. (The check counts over many intervals. It refuses fewer than a third of them, and more than one and a half times as many.)
# - A worker that was silent for more than `liveness * interval` is **evicted**, at most one interval later. It is given nothing and sent nothing until it says `[01]` again. The request that it held goes to the next idle worker, before all others.
# - What has come and was not read yet counts as heard: read all that workers have sent before you judge any of them.
# - A reply counts only from the worker that holds the request with this envelope. Any other goes to nobody, and makes nobody idle. So a client gets exactly one reply to each request.
# - A client's message without an empty frame, or with nothing behind it, is no request: nobody gets it. Nothing that a peer sends ends the queue, and a client may be gone when its reply comes.

# %% [markdown]
# ### The worker
#
# `worker(ctx, endpoint, work, interval, liveness)` connects a DEALER and says `[01]` first, once on each socket.
#
# - It calls `work(body, beat)` with the body of each request, a list of frames, for one request at a time. It replies with the envelope as it came, the empty frame, and the list of frames that `work` returned.
# - While it waits it sends `[02]` once per interval.
# - `beat` is your function of no arguments. A long `work` calls it now and then, as often as it likes, in the thread in which it was called. It sends `[02]` if an interval has passed since something was sent. While `work` neither returns nor calls `beat`, nothing is sent.
# - If the queue was silent for more than `liveness * interval`, the worker closes its socket and begins again on a new one, with `[01]`; again and again. Whatever comes from the queue is a sign of life, also what came while `work` ran: read it before you judge. The queue keeps to the table.
#
# Both wait without using the processor, measure time with `time.monotonic`, make, use and close their sockets in one thread, and go on until their context ends; `zmq.ContextTerminated` may escape.


# %%
def queue(
    ctx: zmq.Context, frontend: str, backend: str, interval: float, liveness: int
) -> None:
    """Give each request to the worker idle longest; what a dead one held goes to the next."""
    ### BEGIN SOLUTION
    heard: dict[bytes, float] = {}  # by registered worker: when
    idle: deque[bytes] = deque()  # longest idle first
    held: dict[bytes, list[bytes]] = {}  # by busy worker: its request
    left: deque[list[bytes]] = deque()  # what dead workers held

    def envelope(frames: list[bytes]) -> list[bytes] | None:
        return frames[: frames.index(b"")] if b"" in frames[:-1] else None

    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        beat_at = time.monotonic() + interval
        while True:
            wait = max(0.0, beat_at - time.monotonic())
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [], wait)
            while workers.poll(0):  # all that is there, before anybody is judged
                worker, *frames = workers.recv_multipart()
                if frames == [READY] and worker not in heard:
                    idle.append(worker)
                elif worker not in heard:
                    continue
                heard[worker] = time.monotonic()
                if worker in held and envelope(frames) == envelope(held[worker]):
                    del held[worker]
                    idle.append(worker)
                    clients.send_multipart(frames)
            now = time.monotonic()
            for worker in [w for w, at in heard.items() if now - at > liveness * interval]:
                del heard[worker]
                if worker in held:
                    left.append(held.pop(worker))
                else:
                    idle.remove(worker)
            if now >= beat_at:
                beat_at = now + interval
                for worker in heard:
                    workers.send_multipart([worker, HEARTBEAT])
            if idle and not left and clients in ready:
                request = clients.recv_multipart()
                if envelope(request):
                    left.append(request)
            while idle and left:
                worker = idle.popleft()
                held[worker] = left.popleft()
                workers.send_multipart([worker, *held[worker]])
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1: what the queue knows</summary>
#
# What must it remember of each worker between two messages? Write down which rows of the table, and which passing of time, change what of it.
#
# </details>
# <details><summary>Hint 2: when it wakes up</summary>
#
# The loop waits for messages. If none comes: when has it something to do all the same, and how does it say so to the call that waits?
#
# </details>
# <details><summary>Hint 3: one turn of the loop</summary>
#
# Reading what workers say, reading a request, judging who is dead, sending heartbeats, handing on what the dead held: in which order? The queue has been stopped for two seconds and goes on. Which of your orders evicts the living?
#
# </details>
# <details><summary>Hint 4: a reply comes</summary>
#
# w1 is evicted, w2 has its request, and then w1's reply comes. What does your queue compare before it passes a reply on? And if w1 has said `[01]` again meanwhile, and holds another request?
#
# </details>


# %%
def worker(ctx: zmq.Context, endpoint: str, work, interval: float, liveness: int) -> None:
    """Do what the queue gives, and say that you live; a silent queue gets a new socket."""
    ### BEGIN SOLUTION
    while True:
        with ctx.socket(zmq.DEALER) as socket:
            socket.connect(endpoint)
            socket.send(READY)
            heard = said = time.monotonic()

            def beat(socket=socket) -> None:
                nonlocal said
                if time.monotonic() - said >= interval:
                    said = time.monotonic()
                    socket.send(HEARTBEAT)

            while time.monotonic() - heard <= liveness * interval:
                wait = max(0.0, said + interval - time.monotonic())
                if socket.poll(1000 * wait):
                    frames = socket.recv_multipart()
                    if frames != [HEARTBEAT]:
                        body = frames.index(b"") + 1
                        reply = work(frames[body:], beat)
                        socket.send_multipart([*frames[:body], *reply])
                    heard = time.monotonic()
                beat()
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1: two clocks</summary>
#
# One says when you spoke last, the other when you heard something last. Which line of your code sets each, and which looks at it?
#
# </details>
# <details><summary>Hint 2: beat</summary>
#
# `work` gets a function from you that knows the socket and the clock. What does it do when it is called a thousand times within one interval?
#
# </details>
# <details><summary>Hint 3: after a long work</summary>
#
# `work` took two seconds, and the queue's heartbeats lie in your socket. How long was the queue silent? When do you look at the clock, and when at the socket?
#
# </details>
# <details><summary>Hint 4: a new socket</summary>
#
# Which variables belong to one socket, and which to the worker? Where does the loop stand in which a socket is born, lives and is closed?
#
# </details>
#
# ## Check
#
# Your queue with clients and workers that the check plays by hand: it decides who is silent, and from when on. Then your worker with queues and work of the check's own. Then both together. It takes some 12 seconds.

# %%
report = check.lab10(queue, worker)
report

# %% [markdown] tags=["solution-only"]
# ## How it works
#
# The queue's loop has one order: read all that workers have said, judge, beat, give. `heard` is who is registered, and `idle` and `held` say what each of them does; every worker in `heard` is in one of the two. A heartbeat touches `heard` alone. So it can neither make a busy worker idle nor cost an idle one its place.
#
# `select` waits until the next heartbeat is due, at most. That is also often enough to look who is dead: nobody is evicted more than one interval late.
#
# `left` holds what the dead have left, and goes out before the frontend is looked at. A request that has just been read goes the same way; then `left` was empty, and somebody is idle.
#
# Whether a reply counts is one comparison: the envelope of what this worker holds now. It answers the late reply of an evicted worker, the reply of one that has registered again, and all nonsense.
#
# The worker does everything in one loop, so that its heartbeats mean that this loop goes round. After a work it says that it has heard something just now: the request was a sign of life, and what came meanwhile is read before the clock is looked at again. Whoever keeps the time of the last message in place of that has to read all that lies there before they judge.
#
# Right as well: a dict of deadlines and a poller; `zmqlab.balance.Liveness` with an ordered dict; a heap of what is due; asyncio; a worker whose `work` has a thread of its own and whose `beat` goes through inproc.

# %% [markdown]
# ## Now break it
#
# Your queue and three of your workers; the interval is 200 ms, the liveness 5. Twelve requests of 100 ms; at one of them its worker stands still: `work` does not come back, and says nothing. Guess first: which request is answered last, and after how long?

# %%
INTERVAL, LIVENESS = 0.2, 5
WORKERS = ["w1", "w2", "w3"]


def ask(ctx, endpoint, bodies):
    """Ask them all at once; return the answers in the order in which they come."""
    with ctx.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        for body in bodies:
            socket.send_multipart([b"", body])
        return [socket.recv_multipart()[1] for _ in bodies]


def run(work, bodies):
    """Queue, workers and a client; return the journal and the client's answers."""
    with Experiment(grace=5) as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("queue", queue, frontend, backend, INTERVAL, LIVENESS)
        for name in WORKERS:
            lab.start(name, worker, backend, work, INTERVAL, LIVENESS)
        answers = lab.start("c1", ask, frontend, bodies).result(within=40)
    return lab.journal, answers


# %%
stood_still = []


def stand_still_once(body, beat):
    """100 ms of work; the first worker that gets task 4 stands still for three seconds."""
    if body == [b"task 4"] and not stood_still:
        stood_still.append(body)
        time.sleep(3)
    time.sleep(0.1)
    return body


if report:
    journal, answers = run(stand_still_once, [b"task %d" % n for n in range(12)])
    spans = [span for span in journal.spans(WORKERS) if b"" in span.task]
    plots.show(plots.busy, spans, who=WORKERS)
    print(f"{len(set(answers))} of 12 answered; the last: {answers[-1].decode()}")
else:
    print("First let the check pass.")

# %% [markdown]
# The others go on at once. Task 4 is answered only when your queue has evicted its worker: after `liveness * interval`, and a little more. And the worker that stood still? Ask for 150 tasks in place of 12. When is it at work again, and what did it wait for after its three seconds?
#
# Now a work that takes 1.5 seconds, without `beat` and with it. How often is each begun until the client has its answer?

# %%
begun = []


def long_work(body, beat):
    """1.5 seconds of work; "says so" calls beat meanwhile. The third time it is quick."""
    begun.append(body)
    end = time.monotonic() + (1.5 if begun.count(body) < 3 else 0)
    while time.monotonic() < end:
        time.sleep(0.05)
        if body == [b"says so"]:
            beat()
    return body


if report:
    run(long_work, [b"says so", b"says nothing"])
    for body in b"says so", b"says nothing":
        print(f"{body.decode():12} times begun: {begun.count([body])}")

# %% [markdown]
# **Think about it.**
#
# 1. The work that says nothing was done, each time, and its reply thrown away. What would become of it if it were never quick? What would you want the queue to do, and what must it count for that?
# 2. Somebody moves the heartbeats of your worker into a helper thread: then long work needs no `beat`. Which failures does the queue not notice any more?
# 3. A worker is evicted wrongly: it lives, and its reply is on its way. What does that cost, and whom? What must be true of a task so that it costs no more than time?
# 4. The queue dies, and is started again at once. What becomes of the requests that it had read? After how long do its workers work again, and what decides that?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. It would go from worker to worker for ever, and take one of them each time: a *poison* request. The queue could count how often it has handed a request on, and after a few times give it up: put it aside, and say so to the client. The contract of this lab has no message for that.
# 2. All in which the process lives and the work does not go on: a deadlock, an endless loop, a call that waits for a disk. The queue notices what ZMTP would show: the process is gone, or stopped.
# 3. The request is done twice, and the client gets one of the two replies. It waits longer, and a worker has worked for nothing. If the task has an effect elsewhere (it sends a letter, it takes money), that happens twice: so it must be one that may be done twice, or know that it was done. That is the subject of lesson 11.
# 4. They are lost with it: those at workers and those in `left`. The workers' replies reach a queue that knows neither them nor the requests, and go to nobody; the clients have to ask again. The workers notice the silence after `liveness * interval`, since the new queue sends nothing to strangers: then they say `[01]` on a new socket. A queue that keeps what it has read on disk is lesson 13's.

# %%
assert_all_quiet()
