# %% [markdown]
# # 4 · Read an envelope
#
# *You will do:* follow one request from a client to a worker and back, frame by frame, in the programs and on the wire between them.
#
# *You will be able to*
# - say for each socket on the way which frame it adds and which it takes off,
# - find the address and the body in a message,
# - find out why a message was sent, travelled, and was never seen.
#
# *You need:* [lesson 1](01_share_out.ipynb).

# %% [markdown]
# In 2019 somebody held two official examples side by side ([pyzmq#1251](https://github.com/zeromq/pyzmq/issues/1251)). In one, a message has an empty part before its text; in the other it has none. With the server of the first, a
# client that sent `[b"", text]` was answered, and one that sent `text` alone was not. No call reports an error.
#
# A part of a message is called a **frame**. So the question is: **who adds which frame, and who takes it off?**

# %%
import zmq
from IPython.display import display

from zmqlab.envelope import show
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction
from zmqlab.wire import Tap, follow

# %% [markdown]
# ## One frame is sent
#
# A **client** is a program that asks. It does so by a **REQ** socket, which sends a request, then waits for the answer. At the other end is a server with a **ROUTER**, a socket that hears many clients and can answer each. This server sends back what it gets.
#
# > **Predict.** The client's program sends one frame, `hello`. How many frames does the server's program get?

# %%
frames_seen = Prediction("Frames that the server's program gets", low=1, high=6)
frames_seen


# %% tags=["nbval-ignore-output"]
def ask(ctx, endpoint, frames, name=None):
    """Send one request of these frames, return its answer."""
    with ctx.socket(zmq.REQ) as client:
        if name:
            client.routing_id = name
        client.connect(endpoint)
        client.send_multipart(frames)
        return client.recv_multipart()


with Experiment() as lab, lab.ctx.socket(zmq.ROUTER) as server:
    endpoint = lab.endpoint()
    server.bind(endpoint)
    client = lab.start("client", ask, endpoint, [b"hello"])
    frames = server.recv_multipart()
    server.send_multipart(frames)
    answer = client.result(within=10)

print("the server's program gets", show(frames, "ROUTER"))
print("the client's program gets", show(answer, "REQ"))
frames_seen.compare(len(frames))

# %% [markdown]
# Three. What the client said is the **body**. Before it stands an **envelope**: the **address** of the sender, marked with `@`, then an empty frame, `∅`, the **delimiter**. `0x` means hex, for bytes that are no plain text. The client's program wrote no envelope, and gets none back. Who made it: the REQ, or the ROUTER?
#
# ## What is on the wire
#
# To see that, stand in the middle. A `Tap` passes every byte on to the real endpoint, and shows what travels **on the wire**. This client also gives itself a name, its **routing id**: `anna`.
#
# > **Predict.** Which of the three frames travel from the client to the server?

# %%
PARTS = {b"anna": "address", b"": "delimiter", b"hello": "body"}
CHOICES = ["body", "delimiter + body", "address + body", "address + delimiter + body"]
travelling = Prediction("Frames of the request on the wire", choices=CHOICES)
travelling

# %%
with Experiment() as lab, lab.ctx.socket(zmq.ROUTER) as server:
    endpoint = lab.endpoint()
    server.bind(endpoint)
    with Tap(endpoint, between=("client", "server")) as tap:
        client = lab.start("client", ask, tap.endpoint, [b"hello"], b"anna")
        server.send_multipart(server.recv_multipart())
        client.result(within=10)

display(tap.wire.only("READY", "message"))
travelling.compare(" + ".join(PARTS[frame] for frame in tap.wire.messages()[0].frames))

# %% [markdown]
# First comes the last part of the handshake: both sides say READY, which kind of socket they are, and by which name they want to be known (`Identity`, the wire's word for the routing id). Then come messages, a line for each frame; MORE says that another frame of the same message follows.
#
# Delimiter and body travel, so the **REQ adds the delimiter**. The name went over once, in READY. The **ROUTER puts it in front** of each message that comes in on that connection; for a client without a name it makes an address up, as in the first run. When its program sends, it takes the first frame off and chooses the connection by it.

# %% [markdown]
# ## One request, hop by hop
#
# Now a worker answers, and between client and worker stands a **broker**: REQ → ROUTER, DEALER → REP. A **REP** receives a request, then sends its answer. A **DEALER** sends and receives in any order. The broker's program hands on what it gets, from one socket to the other. It carries one request at a time; lesson 5 builds a real one.


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
            requests.send_multipart([frame.upper() for frame in requests.recv_multipart()])


# %% [markdown]
# > **Predict.** The broker's DEALER sends what its ROUTER received: address, delimiter, body. How many frames does the worker's program get from its REP?

# %%
worker_frames = Prediction("Frames that the worker's program gets", low=1, high=4)
worker_frames

# %%
with Experiment() as lab:
    front, back = lab.endpoint(), lab.endpoint()
    one, two = Tap(front, between=("client", "broker")), Tap(back, between=("broker", "worker"))
    with one, two:
        lab.start("worker", work, back)
        lab.start("broker", relay, front, two.endpoint, b"b1")
        lab.start("client", ask, one.endpoint, [b"hello"], b"anna").result(within=10)

display(follow(lab.journal, one.wire, two.wire))
received = [hop.frames for hop in lab.journal if hop.who == "worker" and hop.way == "received"]
worker_frames.compare(len(received[0]))

# %% [markdown]
# A line is what a program gave to a socket or got from it, or what a tap saw between two. Follow `anna` down. The ROUTER puts it in front. The **DEALER neither adds nor takes off**, so it travels on the second wire. The **REP takes the whole envelope off and keeps it**. When the worker answers, the REP puts it back, and the ROUTER finds the client by the address.
#
# The broker's program kept nothing: request and answer carried the address. Only the REP keeps it, while the worker works on that request.
#
# ## Addresses pile up
#
# How can a REP receive a message that begins with an address that nobody told it about ([zguide#783](https://github.com/booksbyus/zguide/issues/783))? It does not read addresses; it looks for the empty frame after them. So put a second broker behind the first, and send a body of three frames, one of them empty.

# %%
with Experiment() as lab:
    front, middle, back = lab.endpoint(), lab.endpoint(), lab.endpoint()
    lab.start("worker", work, back)
    lab.start("broker 2", relay, middle, back, b"b2")
    lab.start("broker 1", relay, front, middle, b"b1")
    lab.start("client", ask, front, [b"add", b"", b"42"], b"anna").result(within=10)

follow(lab.journal)

# %% [markdown]
# Each ROUTER on the way puts one address in front, so the outermost was added last. On the way back each ROUTER takes one off again. The addresses together are the **route**. It ends at the **first** empty frame; all that follows is body, and may hold more empty frames.
#
# ## Break it: leave the delimiter out
#
# "… the Dealer sends the message, and basically hangs" ([zeromq.node#216](https://github.com/JustinTulloss/zeromq.node/issues/216)). Here a DEALER is the client of a REP. It sends `one` bare, then `two` with an empty frame before it, and waits for an answer.
#
# > **Predict.** Which answer comes first?

# %%
first_answer = Prediction("The first answer", choices=["ONE", "TWO", "none comes"])
first_answer


# %%
def ask_twice(ctx, endpoint):
    """Send a bare request, then one with the delimiter; return the first answer."""
    with ctx.socket(zmq.DEALER) as client:
        client.connect(endpoint)
        client.send(b"one")
        client.send_multipart([b"", b"two"])
        return client.recv_multipart()


with Experiment() as lab:
    endpoint = lab.endpoint()
    with Tap(endpoint, between=("client", "worker")) as tap:
        lab.start("worker", work, endpoint)
        answer = lab.start("client", ask_twice, tap.endpoint).result(within=10)

display(tap.wire.only("message"), follow(lab.journal))
first_answer.compare(answer[-1].decode())

# %% [markdown]
# Both requests passed the tap. The worker's program got the second alone. The first was not late: what is sent on one connection arrives in order. A REP **drops** a message without a delimiter, because it cannot tell envelope from body: it throws it away, with no error, no log line, no counter.
#
# The mend is at the sender: a DEALER that talks to a REP does what a REQ does, and sends `[b"", body]`.
#
# And the other way round? A program answers a REQ through its ROUTER with address and body, and leaves the delimiter out ([ezmq#26](https://github.com/zeromq/ezmq/issues/26)).

# %%
with Experiment() as lab, lab.ctx.socket(zmq.ROUTER) as server:
    endpoint = lab.endpoint()
    server.bind(endpoint)
    with Tap(endpoint, between=("client", "server")) as tap:
        lab.start("client", ask, tap.endpoint, [b"hello"])
        address = server.recv_multipart()[0]
        server.send_multipart([address, b"an answer"])
        lab.until(lambda: tap.open == 0, what="the end of the connection")

print(f"connections made: {tap.made}, still open: {tap.open}")
tap.wire.only("message")

# %% [markdown]
# The answer passed the tap, the client never saw it, and the connection is closed. The REQ takes an answer without delimiter for a broken peer: it **hangs up** ([req.cpp](https://github.com/zeromq/libzmq/blob/v4.3.5/src/req.cpp), `push_msg`) **and does not call again** ([session_base.cpp](https://github.com/zeromq/libzmq/blob/v4.3.5/src/session_base.cpp), `protocol_error`; [libzmq#4196](https://github.com/zeromq/libzmq/issues/4196)). Its program waits for ever.
#
# ## A ROUTER asks for no empty frame
#
# So must every message to a ROUTER have an empty frame? Jupyter's need none. The kernel that runs this cell listens on ROUTERs, and its clients use DEALERs. Here is such a message, made by hand and shortened:

# %%
with Experiment() as lab:
    endpoint = lab.endpoint()
    with lab.ctx.socket(zmq.ROUTER) as kernel, lab.ctx.socket(zmq.DEALER) as client:
        client.routing_id = b"client"
        kernel.bind(endpoint)
        client.connect(endpoint)
        client.send_multipart([b"<IDS|MSG>", b"signature", b"kernel_info_request"])
        request = kernel.recv_multipart()
        kernel.send_multipart([request[0], b"<IDS|MSG>", b"signature", b"kernel_info_reply"])
        reply = client.recv_multipart()

print("the kernel gets", show(request, "ROUTER"))
print("the client gets", show(reply, "DEALER"))

# %% [markdown]
# There and back, without an empty frame. A ROUTER cares for one frame, the first. The empty frame is a custom of REQ and REP. Two programs that use DEALER and ROUTER may agree on another delimiter ([Jupyter's](https://jupyter-client.readthedocs.io/en/stable/messaging.html) is `<IDS|MSG>`), or on none.
#
# ## An address is not text
#
# Some tutorials print the address with `.decode()`, as if it were text. Forty clients without a name each ask a ROUTER of their own. Try it on the addresses that these ROUTERs make up.


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
        with lab.ctx.socket(zmq.ROUTER) as server, lab.ctx.socket(zmq.REQ) as client:
            server.bind(endpoint)
            client.connect(endpoint)
            client.send(b"hello")
            addresses.append(server.recv_multipart()[0])

print(f"bytes in an address: {set(map(len, addresses))}, the first of them: {addresses[0][0]}")
print(f"all forty can be decoded: {all(map(is_text, addresses))}")

# %% [markdown]
# A zero byte and a number of 32 bits, as in the first run above. Some such numbers happen to be valid text, so such a program may work on the day of its demonstration, and fail later ([VOLTTRON#115](https://github.com/VOLTTRON/volttron/issues/115): addresses that had to go into JSON).
#
# > **Watch out.** Hand an address back as it came. Compare it, show it in hex, do not decode it.

# %% [markdown]
# ## In practice
#
# - **Look for the delimiter, do not count frames.** One ROUTER more on the way, and `client, empty, body = frames` breaks; real services had to mend just that ([loki#219](https://github.com/hove-io/loki/pull/219), [navitia#3747](https://github.com/hove-io/navitia/pull/3747)). A REQ with `REQ_CORRELATE` also puts a number before the delimiter.
# - **An address is of one connection to one ROUTER.** The made-up numbers count up from a random start, which comes from the C library's `rand()`, and libzmq does not seed that ([random.cpp](https://github.com/zeromq/libzmq/blob/v4.3.5/src/random.cpp)). So a broker that is started anew may give an old address to another client.
# - **A name** that you choose must be yours alone: [lesson 6](06_thrown_away.ipynb).
# - **A poll may promise too much.** `poll` on a REP reports a message without delimiter; `recv` throws it away and waits on ([libzmq#3989](https://github.com/zeromq/libzmq/issues/3989): a browser on the wrong port). After `poll`, receive with `zmq.NOBLOCK`.
# - **On inproc** there is no connection to hang up: a REQ drops an answer without delimiter and waits on.
# - The rules are short: [28/REQREP](https://rfc.zeromq.org/spec/28/) for the four sockets, [37/ZMTP](https://rfc.zeromq.org/spec/37/) for the wire.

# %% [markdown]
# ## What we know now
#
# We asked who adds which frame, and who takes it off:
#
# | socket | when its program sends | when its program receives |
# |---|---|---|
# | **REQ** | puts the delimiter in front | takes the delimiter off; hangs up on what has none |
# | **ROUTER** | takes the first frame off and sends to that address | puts the sender's address in front |
# | **DEALER** | leaves all as it is | leaves all as it is |
# | **REP** | puts the kept envelope back in front | keeps all up to the first empty frame; drops what has none |
#
# The two examples of the beginning are both right: one keeps the custom of REQ and REP, the other does not. The server of the one and the client of the other do not understand each other.
#
# **One more question.** A worker wants to answer requests out of order: the third first. Can it be a REP?
#
# <details><summary>Think first, then open</summary>
#
# No. A REP keeps one envelope, that of the request it gave out last, and has to answer before it gives out another. A worker that has several requests at hand is a DEALER or a ROUTER. Its program keeps the route of each, and writes it before the answer.
#
# </details>
#
# **Your turn:** [lab 4](../labs/04_envelope.ipynb), take envelopes apart and put them together, whatever is in them.

# %%
assert_all_quiet()
