# %% [markdown]
# # 4 · Read an envelope
#
# *You will do:* follow one request through four sockets and a wire, frame by frame.
#
# *You will be able to*
# - say for REQ, ROUTER, DEALER and REP which frame each adds and which it takes off,
# - find the address and the body in any message that a ROUTER hands you,
# - find out why a message was sent, travelled, and was never seen.
#
# *You need:* lesson 1.

# %% [markdown]
# In 2019 somebody held two official examples side by side and got stuck
# ([pyzmq#1251](https://github.com/zeromq/pyzmq/issues/1251)). Both use a DEALER and a ROUTER. In one, a message has an empty frame between the address and the
# text; in the other it has none. With the first server, `send_multipart([b"", text])` is answered and `send(text)` is not. Nothing reports an error.
#
# So the question is: **which socket adds which frame, and which one takes it off?**

# %%
import zmq

from zmqlab.envelope import Envelope, MalformedEnvelope, show
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction
from zmqlab.wire import Tap, follow

# %% [markdown]
# ## One frame is sent
#
# A REQ sends one frame, `hello`. At the other end is a ROUTER.
#
# > **Predict.** How many frames does the ROUTER's program get?

# %%
frames_seen = Prediction("Frames that the ROUTER's program gets", low=1, high=6)
frames_seen

# %% tags=["nbval-ignore-output"]
with Experiment() as lab:
    endpoint = lab.endpoint()
    with lab.ctx.socket(zmq.ROUTER) as broker, lab.ctx.socket(zmq.REQ) as client:
        broker.bind(endpoint)
        client.connect(endpoint)
        client.send(b"hello")
        frames = broker.recv_multipart()

print(frames_seen.compare(len(frames)))
Envelope.parse(frames)

# %% [markdown]
# Three. The address may be another one on your machine; `0x` means hex: bytes that are no plain text are shown as what they are.
#
# An **envelope** is what stands before the body: the **address** of the sender, then an empty frame, the **delimiter**, which says where the addresses end. The client's program wrote neither of the two. Was it the REQ, the ROUTER, or does it happen on the way?

# %% [markdown]
# ## What is on the wire
#
# To see that, stand in the middle. A `Tap` is a relay: it listens on a port of its own, passes every byte on to the real endpoint, and decodes what it passes. The client connects to the tap and notices nothing. This time the client also
# gives itself a name.
#
# > **Predict.** Of address, delimiter and body: how many frames travel from the client to the broker?

# %%
frames_travelling = Prediction("Frames of the message on the wire", low=1, high=3)
frames_travelling

# %%
with Experiment() as lab:
    endpoint = lab.endpoint()
    with (
        Tap(endpoint, between=("client", "broker")) as tap,
        lab.ctx.socket(zmq.ROUTER) as broker,
        lab.ctx.socket(zmq.REQ) as client,
    ):
        broker.bind(endpoint)
        client.routing_id = b"anna"
        client.connect(tap.endpoint)
        client.send(b"hello")
        broker.send_multipart(broker.recv_multipart())
        client.recv()

sent = tap.wire.messages()[0].frames
print(frames_travelling.compare(len(sent)))
tap.wire

# %% [markdown]
# Read it from the top. Both sides greet and say READY: what kind of socket they are, and by which name they want to be known. Only then come messages, frame by frame, each with its flags: MORE says that another frame of the same message follows.
#
# Two frames travel: the delimiter and the body. So the **REQ adds the delimiter**. No address travels with this message; the name went over once, in READY, and the **ROUTER puts it in front** of whatever comes in on that connection.
# On the way back it takes the first frame off again, and uses it to choose the connection.

# %% [markdown]
# ## An address is not text
#
# Many a tutorial prints the address with `.decode()`. Let forty clients that gave themselves no name each say hello to a ROUTER of their own, and try it.
#
# > **Predict.** How many of the forty addresses can be decoded as text?

# %%
decodable = Prediction("Addresses of 40 that can be decoded", low=0, high=40)
decodable


# %%
def is_text(address):
    """Whether `.decode()` gets through."""
    try:
        address.decode()
    except UnicodeDecodeError:
        return False
    return True


addresses = []
with Experiment() as lab:
    for endpoint in (lab.endpoint("inproc") for _ in range(40)):
        with lab.ctx.socket(zmq.ROUTER) as broker, lab.ctx.socket(zmq.REQ) as client:
            broker.bind(endpoint)
            client.connect(endpoint)
            client.send(b"hello")
            addresses.append(broker.recv_multipart()[0])

print(f"bytes in an address: {set(map(len, addresses))}")
print(f"first byte of an address: {set(address[0] for address in addresses)}")
decodable.compare(sum(map(is_text, addresses)))

# %% [markdown]
# An **automatic routing id** is five bytes: a zero byte and a number of 32 bits. Now and then such a number happens to be valid text. A program that decodes it works on the day of the demonstration and dies in the week after
# ([VOLTTRON#115](https://github.com/VOLTTRON/volttron/issues/115): addresses that had to go into JSON).
#
# The ROUTER counts its numbers up from a random start. So, does an address tell one client from all others? Start a broker in a process of its own, let a client say hello, and start the broker anew.


# %%
def first_address(ctx, report):
    """Be a broker; report the address that its first client gets."""
    with (
        ctx.socket(zmq.ROUTER) as broker,
        ctx.socket(zmq.REQ) as client,
        ctx.socket(zmq.PUSH) as out,
    ):
        broker.bind("inproc://broker")
        client.connect("inproc://broker")
        client.send(b"hello")
        out.connect(report)
        out.send(broker.recv_multipart()[0])


with Experiment() as lab, lab.ctx.socket(zmq.PULL) as reports:
    endpoint = lab.endpoint()
    reports.bind(endpoint)
    seen = []
    for name in ("broker", "broker, started anew"):
        lab.spawn(name, first_address, endpoint)
        seen.append(reports.recv())

print(f"two brokers, two clients, the same address: {seen[0] == seen[1]}")
show(seen, "DEALER")

# %% [markdown]
# The random start comes from the C library's `rand()`, which nobody has seeded ([random.cpp](https://github.com/zeromq/libzmq/blob/v4.3.5/src/random.cpp)): each new process draws the same. Search the web for the bytes that you see (on Linux mostly `006B8B4567`), and you find them in the printed output of the ZeroMQ Guide and in other people's logs.
#
# > **Watch out.** An address belongs to one connection of one ROUTER. Hand it back as it came; compare it, show it in hex, do not decode it. Forget it when the client reconnects or the broker restarts: then it may well be somebody else's.

# %% [markdown]
# ## One request, hop by hop
#
# Now the whole chain: REQ → ROUTER | DEALER → REP. In the middle is a program that reads a request on its ROUTER and writes the same frames to its DEALER, and back. It carries one request at a time, which is enough to look at; a real broker comes in the next lesson.


# %%
def relay(ctx, front, back, name):
    """Carry one request at a time from ROUTER to DEALER, and its answer back."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(front)
        workers.routing_id = name
        workers.connect(back)
        while True:
            workers.send_multipart(clients.recv_multipart())
            clients.send_multipart(workers.recv_multipart())


def work(ctx, endpoint):
    """Answer each request with the same in capitals."""
    with ctx.socket(zmq.REP) as requests:
        requests.bind(endpoint)
        while True:
            requests.send(requests.recv().upper())


# %% [markdown]
# A client asks once, under a name that can be followed: `anna`.
#
# > **Predict.** The broker's DEALER sends on what its ROUTER received: address, delimiter, body. How many frames does the worker's program get from its REP?

# %%
worker_frames = Prediction("Frames that the worker's program gets", low=1, high=4)
worker_frames


# %%
def ask(ctx, endpoint, question):
    """Send one request, return its answer."""
    with ctx.socket(zmq.REQ) as client:
        client.routing_id = b"anna"
        client.connect(endpoint)
        client.send(question)
        return client.recv()


with Experiment() as lab:
    front, back = lab.endpoint(), lab.endpoint()
    with (
        Tap(front, between=("client", "broker")) as one,
        Tap(back, between=("broker", "worker")) as two,
    ):
        lab.start("worker", work, back)
        lab.start("broker", relay, front, two.endpoint, b"b1")
        lab.start("client", ask, one.endpoint, b"hello").result(within=10)

received = [hop.frames for hop in lab.journal if hop.socket.kind == "REP" and hop.way == "received"]
print(worker_frames.compare(len(received[0])))
follow(lab.journal, one.wire, two.wire)

# %% [markdown]
# Every line is one place: what this program gave to, or got from, this socket, and what a tap saw between two of them. Follow `anna` down. The ROUTER writes it, the **DEALER neither adds nor takes off** anything, so it travels on the second wire,
# and the **REP takes it off** with the delimiter and keeps both. When the worker answers, the REP puts them back, and the ROUTER finds the way by them.
#
# The broker remembers nobody: the question carries the address of its answer. Only the REP at the end keeps the address, for as long as it works on that one question.

# %% [markdown]
# ## Addresses pile up
#
# How can a REP receive a message that begins with an address that nobody told it about ([zguide#783](https://github.com/booksbyus/zguide/issues/783))? It does not care what the addresses are, nor how many there are. Put a second broker behind the first.
#
# > **Predict.** How many frames does the second broker's ROUTER hand over, and in which order?

# %%
with Experiment() as lab:
    front, middle, back = lab.endpoint(), lab.endpoint(), lab.endpoint()
    lab.start("worker", work, back)
    lab.start("broker 2", relay, middle, back, b"b2")
    lab.start("broker 1", relay, front, middle, b"b1")
    lab.start("client", ask, front, b"hello").result(within=10)

follow(lab.journal)

# %% [markdown]
# Each ROUTER on the way puts one address in front, so the outermost is the last one that was passed. On the way back each takes its own off again. The stack of addresses is the **route**; it ends at the **first** empty frame. Whatever follows is body, and may hold
# more empty frames.

# %%
envelope = Envelope.parse([b"b1", b"anna", b"", b"question", b"", b"42"])
print("route:", envelope.route)
print("body: ", envelope.body)
envelope

# %% [markdown]
# ## Break it: leave the delimiter out
#
# "The Dealer sends the message, and basically hangs" ([zeromq.node#216](https://github.com/JustinTulloss/zeromq.node/issues/216)). A DEALER talks to a REP. It sends `one` bare, and waits a second for the answer. Then it sends `two` with an empty
# frame before it.
#
# > **Predict.** How many answers come?

# %%
answers_coming = Prediction("Answers to the two requests", low=0, high=2)
answers_coming


# %%
def ask_twice(ctx, endpoint):
    """Send a bare request, then one with the delimiter; return the answers."""
    answers = []
    with ctx.socket(zmq.DEALER) as client:
        client.connect(endpoint)
        for request in ([b"one"], [b"", b"two"]):
            client.send_multipart(request)
            if client.poll(1000):
                answers.append(client.recv_multipart())
    return answers


with Experiment() as lab:
    endpoint = lab.endpoint()
    with Tap(endpoint, between=("client", "worker")) as tap:
        lab.start("worker", work, endpoint)
        answers = lab.start("client", ask_twice, tap.endpoint).result(within=10)

print(answers_coming.compare(len(answers)))
follow(lab.journal, tap.wire)

# %% [markdown]
# Both messages were sent, and the tap saw both pass. The worker's program got the second one only: the first was not late, it was **dropped**. A REP looks for the delimiter to know what it has to keep as envelope. A message without one has no way back, so the
# REP throws it away: no error, no log line, no counter.
#
# The mend is at the sender. A DEALER that talks to a REP (or to a ROUTER that expects REQ clients) plays the REQ's part and sends `[b"", body]`.
#
# And the other way round? A ROUTER answers a REQ with address and answer, and leaves the delimiter out ([ezmq#26](https://github.com/zeromq/ezmq/issues/26)). Watch the connection.

# %%
with Experiment() as lab:
    endpoint = lab.endpoint()
    with (
        Tap(endpoint, between=("client", "broker")) as tap,
        lab.ctx.socket(zmq.ROUTER) as broker,
        lab.ctx.socket(zmq.REQ) as client,
    ):
        broker.bind(endpoint)
        client.connect(tap.endpoint)
        client.send(b"hello")
        address, _, body = broker.recv_multipart()
        broker.send_multipart([address, b"an answer"])
        lab.until(lambda: tap.open == 0, what="the end of the connection")
        print("answer heard within a second:", bool(client.poll(1000)))
        print(f"connections made: {tap.made}, still open: {tap.open}")

tap.wire.only("message")

# %% [markdown]
# The answer went over the wire. The REQ takes it for a broken connection, **hangs up, and never calls again**: ZeroMQ would connect anew after 100 to 200 ms, and we waited five times that. Its program waits for an answer that cannot come any more. Only a socket monitor would have told (DISCONNECTED). It is a known defect,
# [libzmq#4196](https://github.com/zeromq/libzmq/issues/4196), of tcp and ipc; on inproc, where there is no connection to hang up, the REQ drops such an answer and waits on.

# %% [markdown]
# ## A ROUTER asks for no empty frame
#
# So must every message to a ROUTER have one? Jupyter's do not. The kernel that runs this cell listens on ROUTERs, messages reach it from DEALERs, and their delimiter is the frame `<IDS|MSG>`. Such a message, made by hand and shortened:

# %%
with Experiment() as lab:
    endpoint = lab.endpoint()
    with lab.ctx.socket(zmq.ROUTER) as kernel, lab.ctx.socket(zmq.DEALER) as page:
        page.routing_id = b"page"
        kernel.bind(endpoint)
        page.connect(endpoint)
        page.send_multipart([b"<IDS|MSG>", b"signature", b"kernel_info_request"])
        request = kernel.recv_multipart()
        kernel.send_multipart([request[0], b"<IDS|MSG>", b"signature", b"kernel_info_reply"])
        reply = page.recv_multipart()

print("the kernel gets", show(request, "ROUTER"))
print("the page gets  ", show(reply, "DEALER"))
try:
    Envelope.parse(request)
except MalformedEnvelope as error:
    print("\nAs an envelope of a REQ:", error)

# %% [markdown]
# There and back, and no empty frame anywhere. A ROUTER cares about one frame, the first. The empty frame is a custom of **REQ and REP**. Two programs that use DEALER and ROUTER alone may agree on any delimiter, or on none; but agree they must, and whoever expects a REQ's envelope finds none here.

# %% [markdown]
# ## In practice
#
# - **Look for the delimiter, do not count frames.** One ROUTER more on the way and every `client, empty, body = frames` breaks; real services had to mend just that ([loki#219](https://github.com/hove-io/loki/pull/219), [navitia#3747](https://github.com/hove-io/navitia/pull/3747)). A REQ with `REQ_CORRELATE` also puts a number before the delimiter.
# - **A poll may promise too much.** `poll` on a REP reports a message without a delimiter as ready; `recv` throws it away and waits on, for ever ([libzmq#3989](https://github.com/zeromq/libzmq/issues/3989): a browser on the wrong port was enough). After `poll`, receive with `zmq.NOBLOCK` or an `rcvtimeo`.
# - **A name is a promise that nobody else has it.** By default a second peer of the same name is connected and never heard. Let ZeroMQ choose, unless a peer must be found again.
# - The rules are short: [28/REQREP](https://rfc.zeromq.org/spec/28/) for the four sockets, [37/ZMTP](https://rfc.zeromq.org/spec/37/) for the wire.

# %% [markdown]
# ## What we know now
#
# We asked which socket adds which frame, and which takes it off:
#
# | socket | when its program sends | when its program receives |
# |---|---|---|
# | **REQ** | puts the delimiter in front | takes the delimiter off; hangs up on what has none |
# | **ROUTER** | takes the first frame off and sends to that address | puts the sender's address in front |
# | **DEALER** | leaves all as it is | leaves all as it is |
# | **REP** | puts the kept envelope back in front | keeps all up to the first empty frame; drops what has none |
#
# The two examples of the beginning are both right: one keeps the custom of REQ and REP, the other does not. Mixed, one half of the first and one half of the second, they are both wrong.
#
# **One more question.** A worker sits behind a broker and wants to answer requests out of order: the third first. Can it be a REP?
#
# <details><summary>Think first, then open</summary>
#
# No. A REP keeps exactly one envelope, that of the request it gave out last, and has to answer before it gives out another. A worker that keeps several requests at hand is a DEALER or a ROUTER, and keeps the envelopes itself: `Envelope.parse`, work, and the same `route` with another body.
#
# </details>
#
# **Your turn:** [lab 4](../labs/04_envelope.ipynb), take envelopes apart and put them together, whatever is in them.

# %%
assert_all_quiet()
