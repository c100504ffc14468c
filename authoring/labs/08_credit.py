# %% [markdown]
# # Lab 8 · Give each worker a little ahead
#
# *Goal:* a broker that lets each worker hold a few requests, gives the next one to whoever holds the fewest, and cannot be talked out of its count.
#
# *You need:* [lesson 8](../notebooks/08_credit.ipynb). *Time:* 40 minutes.

# %%
import time

import zmq

from zmqlab import check
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import plots

# %% [markdown]
# ## The contract
#
# `broker(ctx, frontend, backend, credit)` binds a ROUTER at `frontend`, where clients ask, and a ROUTER at `backend`, where workers say that they are there. A worker is a DEALER. It may hold up to `credit` requests that it has not answered: they are **outstanding**. The table has the frames as a program sees them, at your sockets and at a worker's.
#
# | what happens | frames at your socket | frames at the worker's DEALER |
# |---|---|---|
# | a worker comes | `[worker, b"", b"READY"]` | `[b"", b"READY"]` |
# | a client asks | `[client, b"", *body]` | |
# | you give it to a worker | `[worker, b"", client, b"", *body]` | `[b"", client, b"", *body]` |
# | the worker answers, in any order | `[worker, b"", client, b"", *reply]` | `[b"", client, b"", *reply]` |
# | you pass the answer on | `[client, b"", *reply]` | |
#
# - No worker ever holds more than `credit` requests.
# - The request goes to a worker with the fewest outstanding. Of several idle ones, with none outstanding, it goes to the one that has been idle longest. Of several that hold as many, and are not idle, any is right.
# - The requests of one client are given out in the order in which it sent them.
# - With everybody full, requests stay unread in the frontend, and the broker waits without using the processor.
# - A worker says READY once. If it says it again, that adds nothing and takes nothing away: no credit, no count, no place in the queue.
# - What a client sends that is no request costs no worker credit or its place.
# - As in lab 7: clients are REQ or DEALER, with any routing id; a body or a reply has any number of frames, empty ones among them. The broker makes, uses and closes its sockets in the thread that it runs in, and goes on until its context ends; `zmq.ContextTerminated` may escape. A client may be gone when its answer comes, and may read no answers at all: that stops nobody else. Workers keep to the table.
#
# With a credit of 1 this is lab 7's broker.


# %%
def broker(ctx: zmq.Context, frontend: str, backend: str, credit: int) -> None:
    """Give each request to a worker with the fewest outstanding; with all full, read none."""
    ### BEGIN SOLUTION
    held: dict[bytes, int] = {}  # requests outstanding; who answered last stands last
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            room = any(count < credit for count in held.values())
            ready, _, _ = zmq.select([workers, clients] if room else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        held.setdefault(worker, 0)
                    case [worker, b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
                        held[worker] = held.pop(worker) - 1  # now it stands last
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        worker = min(held, key=held.__getitem__)
                        held[worker] += 1
                        workers.send_multipart([worker, b"", client, b"", *body])
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# What must the broker remember of each worker between two messages? Which rows of the table change it, and by how much?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Lab 7's broker takes a worker out of its queue when it gives it something. Now a worker may get more while it is busy. Where is it then, and how do you find the one with the fewest?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Three workers hold nothing. What in your data says who has been so longest? At which message does a worker become idle, and what do you have to move then?
#
# </details>
# <details><summary>Hint 4</summary>
#
# Go through your code with two messages: a READY of a worker that holds one request, and a client's message without a delimiter. Which counts are different afterwards, and which places?
#
# </details>
#
# ## Check
#
# The check plays clients and workers by hand, with credits of 1 to 3: it decides who answers which request when, and sees who is given what. It takes some seconds.

# %%
report = check.lab08(broker)
report

# %% [markdown] tags=["solution-only"]
# The broker remembers one number for each worker, in a dict. What it was given, it adds; what was answered, it takes off. An answer also moves the worker to the end of the dict. So those who are idle stand there in the order in which they became so, and `min` takes the first of those with the smallest number. Among busy workers that order says something else, who answered last, and there any is right.
#
# `room` decides whether the frontend is looked at. With nobody there, or all full, the broker hears workers alone: requests stay unread, and `select` waits. While there is room, `min` finds somebody who has it.
#
# `setdefault` knows who is there already: a second READY changes nothing. And a worker is chosen and counted only after `case` has seen a request. Who chooses first has to give back what was no task, the count and the place.
#
# Right as well: a deque of the idle and a count of the busy; a heap of (outstanding, since when, who); a list of workers for each count; to pass a client's nonsense on to a worker and count it, for its answer takes it off again.

# %% [markdown]
# ## Now break it
#
# Your broker, three workers, one of them ten times slower, and 24 requests at once. Guess first: how many of them does w3 do with a credit of 1, and how many with 8?

# %%
WORKERS = {"w1": 0.004, "w2": 0.004, "w3": 0.040}  # seconds for one request


def work(ctx, endpoint, seconds):
    """Say READY; answer each request with itself after so many seconds."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        broker.send_multipart([b"", b"READY"])
        while True:
            request = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart(request)


def ask_at_once(ctx, endpoint, requests, patience):
    """Ask them all, then read what comes, until nothing has come for so long; count it."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        for number in range(requests):
            broker.send_multipart([b"", b"%d" % number])
        answers = 0
        while answers < requests and broker.poll(1000 * patience):
            answers += broker.recv_multipart()[0] == b""
        return answers


# %%
def burst(credit):
    """24 requests at once; return who was busy when."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("broker", broker, frontend, backend, credit)
        heard = lab.journal.counts
        for number, (name, seconds) in enumerate(WORKERS.items(), 1):
            lab.start(name, work, backend, seconds)
            lab.until(lambda n=number: heard(who=["broker"])["broker"] == n, what="its READY")
        lab.start("c1", ask_at_once, frontend, 24, 10).result(within=30)
    return lab.journal.spans(list(WORKERS))


if report:
    pictures = []
    for credit in 1, 8:
        spans = burst(credit)
        title = f"Credit {credit}: w3 did {sum(span.who == 'w3' for span in spans)} of 24"
        pictures.append(plots.Picture(plots.busy, spans, title=title, who=list(WORKERS)))
    plots.show(plots.together(*pictures, columns=1))

# %% [markdown]
# A count does not know who is slow. With a credit of 8, w3 is given about a third before it has answered anything, and then everybody waits for it. Try a credit of 2; then 100 requests with a credit of 8.
#
# Now a worker that takes what it is given and is gone. 20 requests, a credit of 4; w1 works, and w2 leaves when it holds as many as it may. How many answers does the client get? Would it be more if w2 came back under its name and said READY?


# %%
def take_and_leave(ctx, endpoint, requests):
    """Say READY, take so many requests, and go."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.routing_id = b"w2"
        broker.connect(endpoint)
        broker.send_multipart([b"", b"READY"])
        for _ in range(requests):
            broker.recv_multipart()


if report:
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        lab.start("broker", broker, frontend, backend, 4)
        lab.start("w1", work, backend, 0.001)
        lab.start("w2", take_and_leave, backend, 4)
        lab.until(lambda: lab.journal.counts(who=["broker"])["broker"] == 2, what="two READY")
        client = lab.start("c1", ask_at_once, frontend, 20, 2)
        print(f"answered: {client.result(within=30)} of 20")

# %% [markdown]
# **Think about it.**
#
# 1. A credit of 8, and 12 requests for three idle workers that are alike. Your broker, and one that takes the first worker with credit left: when is the last request done in each? When does the difference vanish?
# 2. w2 comes back under its name and says READY. What does your broker give it, and what would you need to know to give it more? The package's `by_policy` takes a second READY for a new beginning. Who is right?
# 3. A worker answers what it was never given. Which of your counts is wrong then, for how long, and who pays?
# 4. Somebody wants no more than three requests of one client under way. Which rows of the table change that count? What has the broker to read before it knows that a request is the fourth?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. If all are given out before the first is answered: with yours after four tasks, for each worker has four. With the other after eight: it gives the first eight, the second four, the third none. The difference vanishes when there are so many requests that all are full. Then whoever answers has room, and with both brokers nobody else has.
# 2. Nothing, as long as it counts four for w2: the contract says that READY adds nothing, and a broker that believed it would give a worker that only repeats itself more than it can hold. One that has really started again is full for ever. The message does not say which of the two it was. A name that is new with each start says it, and ZeroMQ gives one to whoever sets none; so does a heartbeat that stops, which is where lesson 10 begins. Both are right, for workers of different manners: `by_policy` for those that say READY only when they start.
# 3. Its count is one too low for ever, maybe below zero: it looks as if it held less than it does, and is given one more than it may hold. That request waits there, and its client with it. A broker that keeps who holds which request, in place of a number, sees that this was no answer to one.
# 4. The third row adds one for the client, the fifth takes one off. But whose a request is stands in the request: the broker has to read the fourth, and then has to keep it somewhere. What stays unread cannot be told apart.

# %%
assert_all_quiet()
