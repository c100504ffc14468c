# %% [markdown]
# # 11 · Retry without doing it twice
#
# *You will do:* let clients ask again when no reply comes, count what is answered and what is done, and teach the server to remember.
#
# *You will be able to*
# - say what a client knows that has no reply, and what it does not,
# - write a server that does each request once, however often it comes,
# - choose between `REQ_RELAXED`, `REQ_CORRELATE` and a key in the message, and say what each is for.
#
# *You need:* lessons 4 and 6.

# %% [markdown]
# Somebody runs a client of the ZeroMQ Guide, written in Go, that asks again when no reply comes; the server starts a few seconds later. The client is content. The server received "all the repeated requests": number 1 three times, though it "should have received only one"
# ([pebbe/zmq4#163](https://github.com/pebbe/zmq4/issues/163)).
#
# If that request says "pay 5", it is paid three times. So: **who asks again, and how often is it done?**

# %%
from collections import Counter
from random import Random

import zmq

from zmqlab.balance import least_recently_used
from zmqlab.balance.brokers import by_policy, idle_worker, router_dealer
from zmqlab.run import Experiment, assert_all_quiet, eventually
from zmqlab.show import Prediction, plots
from zmqlab.wire import Faults, Tap

CLIENTS = [f"c{number}" for number in range(1, 11)]
SERVERS = [f"s{number}" for number in range(1, 11)]

# %% [markdown]
# ## Ask again
#
# A client that has no reply may wait for ever, or ask again: a **retry**. How long it waits first is its *patience*. A plain REQ wants to hear before it sends again, so this client takes a new REQ for each try. The old one is closed, and what comes for it later is dropped.
#
# In front of the question stands a name for it, a *key*. All copies of the question have the same one. The first server hands it back and thinks nothing of it.


# %%
def ask_again(ctx, endpoint, key, patience, tries=3):
    """Ask up to so many times, each time from a new REQ; return the reply, or None."""
    for _ in range(tries):
        with ctx.socket(zmq.REQ) as server:
            server.connect(endpoint)
            server.send_multipart([key, b"pay 5"])
            if server.poll(1000 * patience):
                return server.recv_multipart()


def do_each(ctx, endpoint, do):
    """Do whatever is asked, and reply."""
    with ctx.socket(zmq.ROUTER) as clients:
        clients.bind(endpoint)
        while True:
            client, empty, key, question = clients.recv_multipart()
            clients.send_multipart([client, empty, key, do(key, question)])


# %% [markdown]
# Ten clients ask one question each, side by side, and each has a server of its own. The servers are slow: their work, `do`, takes as long as two tries. A time in milliseconds would be too short on the next machine, so `do` looks into the journal: it returns when its client has sent two more copies, or has given up.


# %%
def ten_clients(server):
    """Ten clients, three tries each; the journal, how many are answered, how often it is done."""
    done, clients = [], {}
    with Experiment() as lab:

        def copies(who):
            return sum(lab.journal.counts("sent", who).values())

        def gave_up():
            return [name for name, client in clients.items() if client.done]

        def do(key, question):
            done.append(key)
            who, enough = key.decode(), done.count(key) + 2
            eventually(lambda: copies([who]) >= enough or who in gave_up(), 30, "more", every=0.01)
            return b"paid 5"

        for number, (name, its) in enumerate(zip(CLIENTS, SERVERS, strict=True), 1):
            lab.start(its, server, endpoint := lab.endpoint(), do)
            # a client may ask once its server has bound
            lab.until(lambda n=number: sum(len(s.bound) for s in lab.journal.sockets) == n)
            clients[name] = lab.start(name, ask_again, endpoint, name.encode(), 0.5)
        replies = [client.result(within=30) for client in clients.values()]
        lab.until(lambda: copies(SERVERS) == copies(CLIENTS), within=30)  # a reply to each copy
    return lab.journal, sum(map(bool, replies)), len(done)


# %% [markdown]
# > **Predict.** Three tries each, and servers that take as long as two. How many of the ten clients get a reply?

# %%
with_a_reply = Prediction("Clients of ten with a reply", low=0, high=10)
with_a_reply

# %%
journal, answered, done = ten_clients(do_each)
print(f"answered: {answered} of {len(CLIENTS)}, done: {done} times")
of_c1 = journal.only(hop for hop in journal if b"c1" in hop.frames)
title = "Done three times, and c1 has no reply"
plots.show(plots.space_time, of_c1, title=title, who=["c1", "s1"])
print(with_a_reply.compare(answered))

# %% [markdown]
# Nobody. In the figure time runs down, and a message that nobody received ends in a cross. Each request is done three times, and each reply comes when its REQ is closed already. More tries would not help: each adds as much work as two tries take, and the server falls further behind.
#
# What does c1 know at the end? That it has no reply. The request may be lost, or the reply, or the work may not be done yet: to the client all three look the same. What is asked again until a reply comes is done **at least once**. What is never asked again is done **at most once**, and perhaps not at all.
#
# ## Let the server remember
#
# The copies have the same key. A server that keeps its reply under that key can tell a copy from a new request.
#
# > **Predict.** The same clients, as impatient as before, and the work takes as long as before. How many of them get a reply now?


# %%
def do_once(ctx, endpoint, do):
    """Do each key once; give every copy the reply that is kept."""
    replies = {}
    with ctx.socket(zmq.ROUTER) as clients:
        clients.bind(endpoint)
        while True:
            client, empty, key, question = clients.recv_multipart()
            if key not in replies:
                replies[key] = do(key, question)
            clients.send_multipart([client, empty, key, replies[key]])


with_memory = Prediction("Clients of ten with a reply, if the server remembers", low=0, high=10)
with_memory

# %%
journal, answered, done = ten_clients(do_once)
print(f"answered: {answered} of {len(CLIENTS)}, done: {done} times")
of_c1 = journal.only(hop for hop in journal if b"c1" in hop.frames)
title = "Done once, and the third copy gets the reply"
plots.show(plots.space_time, of_c1, title=title, who=["c1", "s1"])
print(with_memory.compare(answered))

# %% [markdown]
# All ten, and each is done once. A copy is no new work now: it fetches what the first one has begun. The reply to the first comes too late, as before. But the third copy is answered from the dict at once, while its REQ waits.
#
# A request that may come twice and changes things once is **idempotent**. Some are so by nature ("set it to 5"). The others need a key: an **idempotency key**.
#
# ## How patient must a client be?
#
# On the virtual clock: one client asks ten questions, one after the other. A request needs 50 ms of work, and a message needs no time. `clock` counts milliseconds, so its numbers are exact.
#
# > **Predict.** Three tries, 50 ms of work. How many milliseconds of patience does it take until the server that remembers answers all ten?


# %%
def clock(patience, remembers, work=50, tries=3, questions=10):
    """How many questions are answered, and how often work is done."""
    now = free = answered = done = 0  # free: when the server will have nothing to do
    for _ in range(questions):
        known = False
        for _ in range(tries):
            if not (known and remembers):
                free, done, known = max(free, now) + work, done + 1, True
            reply = max(free, now)
            if reply <= now + patience:
                now, answered = reply, answered + 1
                break
            now += patience
    return answered, done


least = Prediction("Milliseconds of patience that suffice, with memory", low=1, high=60)
least

# %%
patiences = [10, 16, 17, 20, 30, 40, 49, 50, 60]
charts = []
for remembers, title in (
    (False, "Without memory, patience must be as long as the work"),
    (True, "With memory, a third of that will do, and nothing is done twice"),
):
    runs = [clock(patience, remembers) for patience in patiences]
    rows = {name: [run[n] for run in runs] for n, name in enumerate(["answered", "done"])}
    options = {"along": "patience, ms", "unit": "for 10 questions", "log": False}
    charts.append(plots.Picture(plots.curves, rows, at=patiences, title=title, **options))
plots.show(plots.together(*charts, columns=1))
enough = next(ms for ms in range(1, 60) if clock(ms, True)[0] == 10)
print(least.compare(enough))

# %% [markdown]
# Without memory there is an edge at 50 ms: with less patience nothing is answered, and all is done three times. With memory, the tries *together* have to last as long as the work does, and three times 17 ms are enough.
#
# That is for one client, and for work that always takes the same time. If it varies, some questions fall on the one side of the edge and some on the other.
#
# ## Ask again on the same socket
#
# A new REQ for each try costs a new connection. With `REQ_RELAXED`, a REQ may send again without a reply. Which reply does it take then? The server is a REP, and slow once: it replies to the first question only when the client has given up and asked the second.
#
# > **Predict.** `REQ_RELAXED` alone. Of questions 2 to 5, how many get the reply that belongs to them?


# %%
def converse(correlate):
    """Five questions to a server that is slow once; return the journal and the replies."""
    taken = {}
    with Experiment() as lab, lab.ctx.socket(zmq.REQ) as c, lab.ctx.socket(zmq.REP) as server:
        c.req_relaxed, c.req_correlate, c.rcvtimeo = 1, correlate, 300  # milliseconds
        server.bind(endpoint := lab.endpoint("inproc"))
        c.connect(endpoint)
        c.send(b"question 1")  # no reply comes: the client goes on
        for number in range(2, 6):
            c.send(b"question %d" % number)
            while number not in taken:
                server.send(b"reply to " + server.recv())  # to the oldest that it has
                try:
                    taken[number] = c.recv().decode()
                except zmq.Again:
                    pass  # what came was thrown away
    return lab.journal, taken


own_replies = Prediction("Own replies to questions 2 to 5, RELAXED alone", low=0, high=4)
own_replies

# %%
shifted, taken = converse(correlate=0)
for number, reply in taken.items():
    print(f"question {number} got the {reply}")
title = "RELAXED alone: each question takes the reply to the one before"
plots.show(plots.space_time, shifted, title=title)
print(own_replies.compare(sum(reply.endswith(str(n)) for n, reply in taken.items())))

# %% [markdown]
# None. One reply came late, and from then on every question takes the reply to the one before it. The client notices nothing: with RELAXED alone, whatever the server that was asked sends next is the reply. What has come already when a question goes out is thrown away ([req.cpp](https://github.com/zeromq/libzmq/blob/v4.3.5/src/req.cpp)). So the shift ends once a reply comes before the next question. (The cross: the run ends before the server reads question 5.)
#
# With `REQ_CORRELATE` a REQ puts a number of its own before the delimiter, takes only a reply that bears the last one, and throws the others away. ZeroMQ's manual wants it wherever there is RELAXED: else "a late reply to an aborted request can be reported as the reply to the superseding request" ([zmq_setsockopt](https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html)).
#
# > **Watch out.** On such a REQ (libzmq 4.3.5), `poll` also tells of a reply that `recv` will throw away, and then `recv` waits on. So let `recv` itself end: by `rcvtimeo`, or `zmq.NOBLOCK`. The end of the cell shows that.

# %%
matched, taken = converse(correlate=1)
for number, reply in taken.items():
    print(f"question {number} got the {reply}")
title = "With CORRELATE the late reply is thrown away"
plots.show(plots.space_time, matched, title=title)

with Experiment() as lab, lab.ctx.socket(zmq.REQ) as c, lab.ctx.socket(zmq.REP) as server:
    c.req_relaxed = c.req_correlate = 1
    server.bind(endpoint := lab.endpoint("inproc"))
    c.connect(endpoint)
    c.send(b"question 1")
    c.send(b"question 2")
    server.send(b"reply to " + server.recv())
    print("poll says that there is something:", c.poll(0) == zmq.POLLIN)
    try:
        print("recv gives", c.recv(zmq.NOBLOCK))
    except zmq.Again:
        print("recv gives nothing")

# %% [markdown]
# ## One frame more
#
# CORRELATE's number is one more frame on the way: `[number, b"", body]`. A REP hands back whatever stands before the empty frame. A broker hands it on, or does not. Here is a question from a REQ with CORRELATE, to the brokers of three lessons. What reaches a worker?


# %%
def by_turns(ctx, frontend, backend):  # lesson 9's broker
    by_policy(ctx, frontend, backend, least_recently_used, Random(1))


def reaches_a_worker(broker):
    """What becomes of a question that a REQ with CORRELATE has sent."""
    with Experiment() as lab, lab.ctx.socket(zmq.REQ) as c1, lab.ctx.socket(zmq.DEALER) as w1:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", broker, frontend, backend)
        w1.connect(backend)
        w1.send_multipart([b"", b"READY"])
        c1.req_correlate = 1
        c1.connect(frontend)
        c1.send(b"question")
        try:
            lab.until(lambda: w1.poll(0), within=1)
            return f"a worker gets it, in {len(w1.recv_multipart())} frames"
        except ValueError:
            return "the broker ends with an error"
        except TimeoutError:
            return "dropped, and nobody is told"


for lesson, broker in {5: router_dealer, 7: idle_worker, 9: by_turns}.items():
    print(f"lesson {lesson}: {reaches_a_worker(broker)}")

# %% [markdown]
# The broker of lesson 5 hands on what it gets. That of lesson 7 unpacks three frames, and the fourth ends it: one client has stopped everybody. That of lesson 9 looks for the empty frame in second place, and drops what has none there. So CORRELATE is for whoever knows all that stands between client and server.
#
# And it does not say what has been done: with each send the number is a new one. To the server, tries are different requests. And a reply to the first try that comes after the second has gone out is thrown away, good as it is. **CORRELATE protects the client from the wrong reply. The key protects the server from doing it twice.**
#
# ## Break it: links that are cut
#
# A `Tap` (lesson 4) between client and server cuts the link before some messages, one in four on average, requests and replies alike; a seed chooses which. The message is lost with the link. Ten questions, and the client asks up to 20 times.


# %%
def with_cuts(server):
    """Ten questions over such a link; how many are answered, and how often each key is done."""
    done = Counter()

    def do(key, question):
        done[key] += 1
        return b"paid 5"

    with Experiment() as lab:
        endpoint = lab.endpoint()
        lab.start("server", server, endpoint, do)
        with Tap(endpoint, faults=Faults(seed=11, cut=0.25)) as tap:
            keys = [b"key %d" % number for number in range(10)]
            replies = [ask_again(lab.ctx, tap.endpoint, key, 0.1, tries=20) for key in keys]
    return sum(reply is not None for reply in replies), done


rows = {}
for name, server in {"does each copy": do_each, "remembers": do_once}.items():
    answered, done = with_cuts(server)
    print(f"{name}: answered {answered} of 10")
    rows[name] = {"first": len(done), "again": done.total() - len(done)}
print(f"with memory, done: {done.total()} times")
title = "Where a reply is lost, work is done again; not where keys are remembered"
plots.show(plots.stacked, rows, title=title, unit="times that work was done")

# %% [markdown]
# Both servers answer all. Where the request was lost, a retry is harmless: nothing had been done yet. Where the reply was lost, or late, the first server does it once more.
#
# ## Whose key, and for how long?
#
# - **The client makes it**, before the first try, and keeps it for all tries. A key made by the server comes with a reply, and that reply may be lost.
# - **It is never used for another request.** A random number of 16 bytes will do (`uuid.uuid4().bytes`), and two clients need not agree on anything.
# - **The server keeps it** for longer than a copy can be on its way: all tries together, the time in queues, and the time until a client that was switched off asks again. Longer costs memory; shorter does it twice.
# - **It keeps the reply with it**: each copy wants one.
#
# A server that is killed forgets all keys that were only in its memory: [lesson 13](13_store.ipynb).

# %% [markdown]
# ## In practice
#
# - **Stripe's `Idempotency-Key`** is such a key, in a header. In version 1 of the API the server keeps the first result and gives it to every retry; other parameters under the same key are an error ([Stripe's manual](https://docs.stripe.com/idempotency)).
# - **The note and the deed.** Who crashes between "done" and "noted" does it twice after a restart. So services write both in one transaction of their database: both are there afterwards, or neither. Messages to others are written into a table beside them, an *outbox*, and sent from there.
# - **Celery** acknowledges a task before it is done, so that it never begins twice: at most once. With `acks_late` it does so afterwards: at least once, "if your task is idempotent" ([Celery's manual](https://docs.celeryq.dev/en/stable/userguide/tasks.html)).
# - **Back off with chance.** Clients that wait the same time come back together. Wait longer after each try, and add a random part.
# - **Majordomo**, the protocol of [lesson 12](12_contract.ipynb), has room for one address before the empty frame of a request, and its clients send none: CORRELATE does not go with it (rule 7.B33 in [its rules](../docs/mdp-rules.md)).

# %% [markdown]
# ## What we know now
#
# We asked who asks again, and how often it is done. The client asks again, because without a reply it cannot know. How often it is done is up to the server: as often as it is asked, or once for each key, if it remembers.
#
# **One more question.** The server of this lesson takes a copy that comes while it is still at work. When does it read that copy, and what would change with several threads at work?
#
# <details><summary>Think first, then open</summary>
#
# One thread reads the copy when the work is done: then the reply is there. With several threads, another one would find no reply yet and begin anew. So the key has to be noted before the work, as *under way*, with everybody who waits for it; and taken back, if the work fails. In lab 11 you may choose.
#
# </details>
#
# **Your turn:** [lab 11](../labs/11_retry.ipynb), ask again, and do it once.

# %%
assert_all_quiet()
