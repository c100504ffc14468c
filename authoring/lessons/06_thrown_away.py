# %% [markdown]
# # 6 · Find what is thrown away
#
# *You will do:* ask a broker ten thousand questions, count the answers, and look for the missing ones at every hop.
#
# *You will be able to*
# - name three cases in which a ROUTER throws messages away, and say which call reports it,
# - say how many answers a client may leave unread before it loses one,
# - say what `ROUTER_MANDATORY` gives, and what it costs.
#
# *You need:* lesson 5.

# %% [markdown]
# The server of a library for training language models answered over a ROUTER. When many answers were under way, `send_multipart()` returned, the server logged no error, and a client waited for an answer that did not come: up to ten hours, its time-out
# ([verifiers#951](https://github.com/PrimeIntellect-ai/verifiers/pull/951)).
#
# So: **nobody died and no call failed; where are the answers?**

# %%
from collections import Counter
from socket import create_connection

import zmq

from zmqlab.balance.brokers import router_dealer
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots

# %% [markdown]
# ## Ask much, read later
#
# `router_dealer` is lesson 5's broker, for any envelope. There is one worker; it sends each request back at once, as its answer.


# %%
def work(ctx, endpoint):
    """Answer every request with itself."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        while True:
            broker.send_multipart(broker.recv_multipart())


# %% [markdown]
# One client, in the notebook's own thread (`main`), sends its questions as fast as it can, but keeps at most `ahead` of them unanswered. `flood` waits until the broker has handed on the last answer; then the client reads what is left.


# %%
def flood(requests, ahead):
    """Ask with at most `ahead` unanswered; return the journal and how many answers came."""
    with Experiment("flood") as lab, lab.ctx.socket(zmq.DEALER) as client:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", router_dealer, frontend, backend)
        lab.start("w1", work, backend)
        client.connect(frontend)
        came = 0
        for number in range(requests):
            if number - came == ahead:
                client.recv_multipart()
                came += 1
            client.send_multipart([b"", b"question %d" % number])
        # Each request is in the journal seven times before its answer is read.
        lab.until(lambda: len(lab.journal) == 7 * requests + came, within=30, what="the last")
        while client.poll(0):
            client.recv_multipart()
            came += 1
    return lab.journal, came


# %% [markdown]
# > **Predict.** The client asks 10,000 questions, and only then reads the first answer. How many answers come?

# %%
coming = Prediction("Answers of 10,000 that come", low=0, high=10_000, step=100)
coming

# %%
journal, came = flood(10_000, ahead=10_000)
hops = Counter(f"{hop.socket!r} {hop.way}" for hop in journal)
for hop, messages in hops.items():
    print(f"{messages:6,}  {hop}")

coming.compare(came)

# %% [markdown]
# Read the list from the top: it is the way of the questions, then that of the answers. All 10,000 reach the worker, all are answered, and the broker gives all 10,000 answers to its ROUTER. Each of these calls returned. Only the last line is short: answers are lost between the ROUTER's send and the client's receive.
#
# ## An address that leads nowhere
#
# A ROUTER drops what it cannot place (lesson 5). Does any call report that? Take the simplest case: ten messages to an address that no peer has, once as sockets are made, and once with `ROUTER_MANDATORY`.


# %%
def send_to_nobody(mandatory):
    """Send ten messages to an address that nobody has; return which calls reported it."""
    reports = []
    with Experiment("nobody") as lab, lab.ctx.socket(zmq.ROUTER) as router:
        router.router_mandatory = mandatory
        router.bind(lab.endpoint())
        for _ in range(10):
            try:
                router.send_multipart([b"nobody", b"", b"hello"])
            except zmq.ZMQError as error:
                reports.append(f"the send: {zmq.Errno(error.errno).name}")
        if router.poll(100):
            reports.append("the ROUTER's next receive")
    return reports


print("by default:           ", send_to_nobody(mandatory=False))
print("with ROUTER_MANDATORY:", Counter(send_to_nobody(mandatory=True)))

# %% [markdown]
# By default, none. A ROUTER **drops** such a message by design. For a broker that is mostly right: clients leave before their answer comes, and the others must not suffer. `ROUTER_MANDATORY` turns the silence into an error, EHOSTUNREACH: no peer has this address. Would that have told us where our answers are?
#
# ## A name that is taken
#
# No: our client was there. Did its answers go to another? A client may choose its name. Let two choose the same, one after the other; each says hello, then the ROUTER sends one message to that name.
#
# > **Predict.** From how many of the two does the ROUTER hear?

# %%
heard_of = Prediction("Clients of two, of one name, that are heard", low=0, high=2)
heard_of


# %%
def two_of_a_name(handover):
    """Who is heard, and who is answered, when the second takes the name of the first."""
    with Experiment("a name") as lab, lab.ctx.socket(zmq.ROUTER) as router:
        endpoint = lab.endpoint("inproc")
        router.router_handover = handover
        router.bind(endpoint)
        with lab.ctx.socket(zmq.DEALER) as first, lab.ctx.socket(zmq.DEALER) as second:
            heard, peers = [], {"first": first, "second": second}
            for name, client in peers.items():
                client.routing_id = b"anna"
                client.connect(endpoint)
                client.send_string(name)
                if router.poll(100):
                    heard.append(router.recv_multipart()[1].decode())
            router.send_multipart([b"anna", b"hello"])
            answered = [name for name, client in peers.items() if client.poll(100)]
    return heard, answered


heard, answered = two_of_a_name(handover=False)
print(f"by default:           heard {heard}, answered {answered}")
print("with ROUTER_HANDOVER: heard {}, answered {}".format(*two_of_a_name(handover=True)))
heard_of.compare(len(heard))

# %% [markdown]
# One: the name stays with who has it. The second is connected, its send succeeds, and nothing of it arrives; neither side is told ([libzmq#4503](https://github.com/zeromq/libzmq/issues/4503)). With `ROUTER_HANDOVER` the newest gets the name, and the first is not told.
#
# A program that comes back under its old name needs that, for the ROUTER may still hold the old connection. All others do best without a name. Our client has none: the ROUTER made up an address for it that nobody else has. So it is not this, either.
#
# ## A queue that is full
#
# What is left is the amount. Again the client asks all before it reads: 100 questions, then more and more. In the last row it asks 10,000 again, but reads answers as it goes: at most 1,000 questions are unanswered.

# %%
amounts = [(100, 100), (1000, 1000), (2000, 2000), (5000, 5000), (10_000, 10_000), (10_000, 1000)]
rows = {}
for asked, ahead in amounts:
    _, came = flood(asked, ahead)
    rows[f"{asked:,} asked, {ahead:,} ahead"] = {"came": came, "lost": asked - came}

kept = rows["10,000 asked, 10,000 ahead"]["came"]
title = f"{kept:,} unread answers are kept, no more"
plots.show(plots.stacked, rows, title=title, unit="answers")
print(plots.stacked_text(rows, unit="answers"))

# %% [markdown]
# That is where they went. By default a queue takes 1,000 messages on the sender's side and 1,000 on the receiver's, the **high-water marks** of lesson 2. The client does not read, so the ROUTER's queue to it fills; what comes then has no place, and is dropped. On inproc the sum is exact. Over tcp the kernel's buffers lie between and hold more, as much as their bytes allow
# ([zmq_tcp](https://libzmq.readthedocs.io/en/latest/zmq_tcp.html)).
#
# The last row shows a mend, and it is the client's: fewer questions under way than there is room for answers. Leave room to spare: a ROUTER learns only now and then how much has been read.
#
# ## What MANDATORY costs
#
# Where an address leads nowhere, `ROUTER_MANDATORY` makes the send fail. And where a queue is full? Two clients have asked. The first reads nothing, and is sent one message more than its queue takes; then the second is sent its answer.


# %%
def serve_two(ctx, endpoint, mandatory):
    """Send 2,001 answers to the first client, then one to the second."""
    with ctx.socket(zmq.ROUTER) as clients:
        clients.router_mandatory = mandatory
        clients.bind(endpoint)
        for _ in range(2):
            clients.recv_multipart()  # both are there
        for _ in range(2001):
            clients.send_multipart([b"first", b"", b"answer"])
        clients.send_multipart([b"second", b"", b"answer"])
        clients.recv_multipart()  # stay until the context ends


# %% [markdown]
# `two_clients` looks when the second has its answer, before the first reads or only then, and whether the first has got all of its messages.
#
# > **Predict.** With `ROUTER_MANDATORY`: what becomes of the one message too many?

# %%
one_too_many = Prediction(
    "With ROUTER_MANDATORY, to a full queue",
    choices=["it is dropped", "the send fails", "the send waits"],
)
one_too_many


# %%
def two_clients(mandatory):
    """Whether the second has its answer before the first reads, and what the first loses."""
    with (
        Experiment("two clients") as lab,
        lab.ctx.socket(zmq.DEALER) as first,
        lab.ctx.socket(zmq.DEALER) as second,
    ):
        endpoint = lab.endpoint("inproc")
        lab.start("broker", serve_two, endpoint, mandatory)
        for name, client in [(b"first", first), (b"second", second)]:
            client.routing_id = name
            client.connect(endpoint)
            client.send_multipart([b"", b"question"])
        hops = 4 + (2000 if mandatory else 2002)  # two questions, each twice; answers sent
        lab.until(lambda: len(lab.journal) == hops, within=30, what="the answers")
        before = bool(second.poll(0))
        _ = [first.recv_multipart() for _ in range(2000)]
        lab.until(lambda: second.poll(0), what="the second client's answer")
        return before, 0 if first.poll(0) else 1


runs = {"by default": two_clients(False), "with ROUTER_MANDATORY": two_clients(True)}
for how, (before, lost) in runs.items():
    print(f"{how}: second served at once: {before}, first loses {lost} of 2,001")
one_too_many.compare("the send waits" if not before and not lost else "it is dropped")

# %% [markdown]
# The send **waits** until there is room. Nothing is lost now, and everybody waits for the one who does not read: while a broker stands in a send, it serves nobody. By default one client loses something, and nobody hears of it; with MANDATORY one client stops all. Can a broker do better than both? That is the lab.
#
# > **Watch out.** A send that raises nothing says at best that the message is in a queue. It never says that anybody got it.
#
# ## Break it: a stranger at the backend
#
# One place is left, on the other side. A DEALER with full queues drops nothing, it waits. But to whom does it deal? A stranger opens a connection to the backend and says what a web browser says, as in lesson 1.
#
# > **Predict.** One worker and the stranger are connected. Of 100 questions, asked one by one, how many are answered?

# %%
answered_beside = Prediction("Questions of 100 answered, beside a stranger", low=0, high=100)
answered_beside


# %%
def stranger(ctx, endpoint, page):
    """Ask for a page as a web browser does; put on `page` what comes."""
    host, port = endpoint.removeprefix("tcp://").split(":")
    with create_connection((host, int(port))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while came := connection.recv(4096):
            page.extend(came)


# %% [markdown]
# The client goes on with the next question when the worker has answered or the stranger has got this one. So it can tell when both are there, and counts from then on.

# %%
with Experiment("a stranger") as lab, lab.ctx.socket(zmq.DEALER) as client:
    frontend, backend, page = lab.endpoint(), lab.endpoint(), bytearray()
    lab.start("broker", router_dealer, frontend, backend)
    client.connect(frontend)

    def is_answered(question):
        """Ask; whether an answer comes, or else the stranger has got the question."""
        client.send_multipart([b"", question])
        lab.until(lambda: client.poll(0) or question in page, what="somebody to get it")
        return bool(client.poll(0)) and bool(client.recv_multipart())

    lab.start("w1", work, backend)
    print("before the stranger comes:", is_answered(b"question"))
    lab.start("stranger", stranger, backend, page)
    while is_answered(b"is anybody new?"):
        pass
    right = sum(is_answered(b"question %d" % number) for number in range(100))

answered_beside.compare(right)

# %% [markdown]
# Every other one; no call failed, and a client with a REQ would wait for ever. To a DEALER, as to a PUSH, **who connects is a worker**: libzmq takes the browser for a peer of the protocol's first version, which knew no handshake. Let nobody reach that port who is no worker.
#
# ## In practice
#
# - **A burst** that is longer than the queue may lose messages although its client reads as fast as it can: while it does nothing but send, a ROUTER seldom looks how much has been read. In [jeromq#703](https://github.com/zeromq/jeromq/issues/703) 10,000 were sent, and not all came.
# - **High-water marks of 0** mean: no limit but memory. The server of the beginning chose that, and MANDATORY.
# - **An address that was right may lead nowhere later:** a client without a name has another one when it connects anew.
# - **MANDATORY without a `try`** ends a broker with the first answer to a client that has left.

# %% [markdown]
# ## What we know now
#
# We asked where the answers are if nobody died and no call failed. Our ROUTER threw them away, because the client's queue was full. It also drops what has an address that no peer has; and it does not hear a client whose name another has. Or a request went to somebody who is no worker. By default no call reports any of it.
#
# **One more question.** Could the client find out by itself?
#
# <details><summary>Think first, then open</summary>
#
# Yes: it numbers its questions, notes which are open, and asks again when one stays open too long. Only it knows what it still waits for. But an answer that is late looks like one that is lost, so the question may be answered twice. Lesson 3 had this with tasks; [lesson 11](11_retry.ipynb) is about it.
#
# </details>
#
# **Your turn:** [lab 6](../labs/06_thrown_away.ipynb), a broker that says what it could not deliver. Then [give the task to a free worker](07_idle_worker.ipynb).

# %%
assert_all_quiet()
