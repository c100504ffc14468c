# %% [markdown]
# # 5 · Build the broker
#
# *You will do:* put a broker between twelve clients and three workers, and then take each of its parts to the point where it fails.
#
# *You will be able to*
# - write a broker that serves many clients at once and gives each one its own answers,
# - say whom it hands a request to, and what a slow worker does to everybody else,
# - name three ways in which a ROUTER throws a message away without a word.
#
# *You need:* lesson 4.

# %% [markdown]
# Somebody builds a server of a ROUTER for the clients, a DEALER for the workers, and a few worker threads, and keeps a list of who is free. One long task shall not hold up the clients with short ones. So each message is addressed to a free worker; "but the message ends up going to a busy worker"
# ([pyzmq#1194](https://github.com/zeromq/pyzmq/issues/1194)). The address is right. It is the DEALER that does not read it.
#
# So the question is: **what does a broker of ROUTER and DEALER promise, and to whom does it give the next request?**

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
# ## One request at a time
#
# A client is a REQ without a name; it asks, and looks whether the answer is the answer to its question. A worker is a DEALER, so it gets the whole envelope and sends it back with its answer.


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
# Twelve clients ask five questions each; three workers answer them. `serve` starts all of them around a broker, any broker, and waits until each client has its answers. The first broker is `relay`, the program of lesson 4 that carries requests over one by one.


# %%
def relay(ctx, frontend, backend):
    """Carry one request at a time, and its answer back."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            workers.send_multipart(clients.recv_multipart())
            clients.send_multipart(workers.recv_multipart())


def serve(broker, seconds, transport="tcp"):
    """Run clients and workers around a broker; return the journal and the number of right answers."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint(transport), lab.endpoint(transport)
        for name, pause in seconds.items():
            lab.start(name, work, backend, pause)
        sockets = lab.journal.sockets
        lab.until(lambda: sum(bool(s.connected) for s in sockets) == 3, what="three workers")
        lab.start("broker", broker, frontend, backend)
        clients = [lab.start(name, ask, frontend, name, 5) for name in CLIENTS]
        right = sum(client.result(within=30) for client in clients)
    return lab.journal, right


# %% [markdown]
# Each worker needs 10 ms for an answer, and every client asks as soon as it can.
#
# > **Predict.** Three workers, twelve clients. How many workers are ever at work in the same moment?

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


journal, right = serve(relay, ALIKE)
print(f"right answers: {right} of 60")
print(busy_at_once.compare(most_at_once(journal.spans(WORKERS))))

# %% [markdown]
# One. Every answer is right, and two of three workers stand idle, always: while the relay waits for an answer it does not look at its clients. Two waits, one after the other, make three workers as slow as one.
#
# A broker must wait for **both sides at once**, and do what there is to do.
#
# ## The broker
#
# `zmq.select` waits until at least one of the sockets has a message, and says which.


# %%
def router_dealer(ctx: zmq.Context, frontend: str, backend: str) -> None:
    """Deal requests out to the workers in turn, and pass each reply to the client it names."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())


# %% [markdown]
# That is all of it. It opens no envelope and keeps no list of who asked what. Answers come back in another order than the requests went out.
#
# > **Predict.** Of 60 answers, how many reach the client that asked?

# %%
own_answers = Prediction("Answers of 60 that reach the client who asked", low=0, high=60)
own_answers

# %%
journal, right = serve(router_dealer, ALIKE)
print(own_answers.compare(right))
print(f"workers at work at the same time, at most: {most_at_once(journal.spans(WORKERS))}")

# %% [markdown]
# All 60, and all three workers are busy. Twelve clients without names, and nobody gets another one's answer: the ROUTER wrote an address in front of each request, the worker sent it back in front of the answer, and the ROUTER read it off. The memory of this
# broker is in the messages.

# %% [markdown]
# ## Step through a request
#
# Three clients ask one worker at the same time. Below is what happened, to be played: `Space` plays and pauses, `→` and `←` go one step, `Home` goes to the beginning. Stop where two requests wait at the worker, and look what each of them carries.

# %%
with Experiment() as lab:
    frontend, backend = lab.endpoint(), lab.endpoint()
    lab.start("broker", router_dealer, frontend, backend)
    clients = [lab.start(name, ask, frontend, name, 1) for name in CLIENTS[:3]]
    lab.start("w1", work, backend, 0.05)
    print("right answers:", sum(client.result(within=10) for client in clients), "of 3")

Replay(lab.journal, follow=b"c2 asks 0", title="Three clients, one worker")

# %% [markdown]
# Find the address of `c2` in each line. The client's program never sees it, the broker passes it on unread, the worker hands it back. A program that counts frames or decodes them is the only one here that can get it wrong.

# %% [markdown]
# ## Put a slow worker among the fast ones
#
# Now w1 and w2 need 2 ms for a request, and w3 needs 50 ms. The endpoints are inproc this time: there a worker that has connected is there, so the broker knows all three before the first request comes, and the counts are exact.
#
# > **Predict.** Of the 60 requests, how many does the slow worker get?

# %%
for_the_slow = Prediction("Requests of 60 for the slow worker", low=0, high=60)
for_the_slow

# %%
journal, right = serve(router_dealer, ONE_SLOW, "inproc")
counts = journal.counts("received", WORKERS)
print(for_the_slow.compare(counts["w3"]))
print(plots.shares_text(counts, unit="requests"))
bound = makespan_bound([1] * 60, [1 / pause for pause in ONE_SLOW.values()])
plots.show(plots.busy, journal.spans(WORKERS), bound=bound, who=WORKERS)

# %% [markdown]
# A third, exactly. The fast workers are done within moments and then mostly idle, while requests queue at the slow one. A DEALER gives each worker one request in turn, **round robin**, and passes over a worker only when the queue to it is full: a thousand messages on either side by default.
# That is all that "available" means to it.
#
# And the clients? Each waits for one answer before it asks again.


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


dealt = waits(journal)
title = "One answer in three is late: its question stood in the slow worker's queue"
plots.show(plots.ecdf, {"dealt in turn": dealt}, title=title, what="wait", log=True)

# %% [markdown]
# Two in three answers come soon. Every third request lands in the queue of w3, and its client stands still with it: before long all twelve stand there, and the fast workers have nothing to do. The median hides this; the **tail** of the distribution
# shows it. [netmq#946](https://github.com/zeromq/netmq/issues/946) asks what to do about it; [navitia#348](https://github.com/hove-io/navitia/issues/348) foresaw it from the source of a service, before anybody had measured it.

# %% [markdown]
# ## The same loop in C
#
# ZeroMQ has this loop built in: `zmq.proxy(clients, workers)` stands in the place of `while True` and all that is in it.
#
# > **Predict.** How many of the 60 requests does the slow worker get now?

# %%
with_proxy = Prediction("Requests for the slow worker, with zmq.proxy", low=0, high=60)
with_proxy


# %%
def router_dealer_in_c(ctx: zmq.Context, frontend: str, backend: str) -> None:
    """The same broker; its loop runs inside libzmq."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        zmq.proxy(clients, workers)


journal, right = serve(router_dealer_in_c, ONE_SLOW, "inproc")
print(with_proxy.compare(journal.counts("received", WORKERS)["w3"]))
waited = {"loop in Python": dealt, "zmq.proxy": waits(journal)}
title = "zmq.proxy deals as the loop in Python does, and its clients wait as long"
plots.show(plots.ecdf, waited, title=title, what="wait", log=True)

# %% [markdown]
# The same. `zmq.proxy` moves several times as many small messages a second (`make bench` prints how many), and it is the right choice where that counts. But who gets the next request is decided by the DEALER, and that is the same socket.
#
# ## Break it: an address that leads nowhere
#
# Now the way back. A ROUTER sends ten messages to an address that no peer has.
#
# > **Predict.** How many of the ten sends raise an error?

# %%
errors = Prediction("Sends of 10 that raise an error", low=0, high=10)
errors


# %%
def send_to_nobody(mandatory):
    """Send ten messages to an address that nobody has; return the errors' names."""
    raised = []
    with Experiment() as lab, lab.ctx.socket(zmq.ROUTER) as router:
        router.router_mandatory = mandatory
        router.bind(lab.endpoint())
        for _ in range(10):
            try:
                router.send_multipart([b"nobody", b"", b"hello"])
            except zmq.ZMQError as error:
                raised.append(zmq.Errno(error.errno).name)
    return raised


print(errors.compare(len(send_to_nobody(mandatory=False))))
print("with ROUTER_MANDATORY:", send_to_nobody(mandatory=True)[0])

# %% [markdown]
# None. A ROUTER **drops** what it cannot route. For a broker that is what you want: clients leave before their answer comes, and the others must not suffer. `ROUTER_MANDATORY` turns the silence into an error, for programs that do something about it.
#
# > **Watch out.** An error tells you that nobody is there; its absence does not tell you that anybody got the message. And a broker that switches it on and does not catch it ends with the first client that leaves.


# %%
def ask_and_leave(ctx, endpoint):
    """Send a request, and do not wait for the answer."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.linger = 1000
        broker.connect(endpoint)
        broker.send_multipart([b"", b"never mind"])


with Experiment() as lab:
    frontend, backend = lab.endpoint(), lab.endpoint()
    broker = lab.start("broker", router_dealer, frontend, backend)
    lab.start("w1", work, backend, 0.001)
    leavers = [lab.start(f"leaver {n}", ask_and_leave, frontend) for n in range(50)]
    lab.until(lambda: lab.journal.counts("sent", ["w1"])["w1"] == 50, what="50 answers to nobody")
    right = lab.start("c1", ask, frontend, "c1", 5).result(within=10)
    print(f"right answers to the client that stays: {right} of 5; broker alive: {not broker.done}")

# %% [markdown]
# ## Break it: two clients of one name
#
# A client may choose its name. Let two choose the same, one after the other; each says hello, and then the ROUTER sends one message to that name.
#
# > **Predict.** From how many of the two does the ROUTER hear?

# %%
heard_of = Prediction("Clients of two, of one name, that are heard", low=0, high=2)
heard_of


# %%
def two_of_a_name(handover):
    """Who is heard, and who is answered, when the second takes the name of the first."""
    with Experiment() as lab, lab.ctx.socket(zmq.ROUTER) as router:
        endpoint = lab.endpoint()
        router.router_handover = handover
        router.bind(endpoint)
        with lab.ctx.socket(zmq.DEALER) as first, lab.ctx.socket(zmq.DEALER) as second:
            heard, peers = [], {"first": first, "second": second}
            for name, client in peers.items():
                client.routing_id = b"anna"
                client.connect(endpoint)
                client.send_string(name)
                if router.poll(500):
                    heard.append(router.recv_multipart()[1].decode())
            router.send_multipart([b"anna", b"hello"])
            answered = [name for name, client in peers.items() if client.poll(300)]
    return heard, answered


heard, answered = two_of_a_name(handover=False)
print(heard_of.compare(len(heard)))
print(f"by default:           heard {heard}, answered {answered}")
heard, answered = two_of_a_name(handover=True)
print(f"with ROUTER_HANDOVER: heard {heard}, answered {answered}")

# %% [markdown]
# By default the name stays with who has it. The second is connected, its sends succeed, and not one of them arrives; no side is told ([libzmq#4503](https://github.com/zeromq/libzmq/issues/4503)). With `ROUTER_HANDOVER` the newest gets the name, and the first is cut off, as silently.
#
# A program that comes back under its old name needs HANDOVER, for ZeroMQ may not have noticed yet that the old connection is gone. All others do best without a name.

# %% [markdown]
# ## Break it: ask much, read later
#
# One client, a DEALER, sends 10,000 requests as fast as it can, and then reads the answers. Nobody dies, nobody is slow.
#
# > **Predict.** How many of the 10,000 answers arrive?

# %%
arriving = Prediction("Answers of 10,000 that arrive", low=0, high=10_000, step=100)
arriving


# %%
def ask_many(ctx, endpoint, requests, ahead):
    """Send requests, at most `ahead` of them unanswered; return how many answers came."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        answers = 0
        for number in range(requests):
            if number - answers == ahead:
                broker.recv_multipart()
                answers += 1
            broker.send_multipart([b"", b"%d" % number])
        while answers < requests and broker.poll(500):
            broker.recv_multipart()
            answers += 1
        return answers


# %%
def answers_to_many(ahead):
    """Ask 10,000 requests through the broker; return how many answers came."""
    with Experiment(record=False) as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", router_dealer, frontend, backend)
        for name in WORKERS:
            lab.start(name, work, backend, 0)
        return lab.start("c1", ask_many, frontend, 10_000, ahead).result(within=30)


flooded = answers_to_many(ahead=10_000)
print(f"read at the end: some answers are lost: {flooded < 10_000}")
print(f"at most 100 unanswered: {answers_to_many(ahead=100)} of 10,000 answers arrive")
arriving.compare(flooded)

# %% [markdown]
# The queue from the broker back to the client holds a thousand messages on either side. When it is full, the ROUTER does what it does with every message it has no place for: it drops it. It must not wait, or one client that does not read would stop all the others.
#
# The mend is the client's: no more requests under way than it has room for answers.

# %% [markdown]
# ## In practice
#
# - **Nobody at the backend.** The loop in Python then waits in `send_multipart` until one comes. `zmq.proxy` of libzmq 4.3.5 keeps one core busy while a request waits and no worker is there ([libzmq#4071](https://github.com/zeromq/libzmq/issues/4071)).
# - **Whoever connects to the backend is a worker.** The DEALER deals to any peer. Open its port in a web browser, and the browser is dealt requests too: to libzmq its bytes are the start of a very old ZMTP. Let nobody reach that port who is not a worker.
# - **A worker may be a REP.** It takes the envelope off and puts it back by itself, as in lesson 4. A DEALER may answer out of order.
# - **Over tcp the kernel's buffers are part of the queue.** A flood of small answers may just fit; larger ones do not. `sndhwm` and `rcvhwm` of 0 mean: no limit but memory.
# - The broker of this lesson is `zmqlab.balance.brokers.router_dealer`; its tests set hostile peers on it.

# %% [markdown]
# ## What we know now
#
# We asked what a broker of ROUTER and DEALER promises. It promises the way: each answer goes to the client that asked, because its address travels with it. It does not promise the choice: the DEALER deals in turn, to busy and idle alike. And it does not promise
# delivery: what the ROUTER cannot place it drops, be the client gone, its name taken, or its queue full.
#
# **One more question.** Set the high-water marks to 1, so that the queue to a worker is short and the DEALER soon passes over the slow one. Does that give the next request to a free worker?
#
# <details><summary>Think first, then open</summary>
#
# Almost, on inproc: there the queue to a worker then holds two messages (one on either side), besides the one at work. Over tcp the kernel's buffers stand between, and they hold hundreds of small messages whatever the marks say. A high-water mark protects memory; it was not made to choose workers.
# To know who is free, the broker must be told. That is lesson 7.
#
# </details>
#
# **Your turn:** [lab 5](../labs/05_broker.ipynb), mend a broken broker.

# %%
assert_all_quiet()
