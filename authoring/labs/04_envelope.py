# %% [markdown]
# # Lab 4 · Take envelopes apart and put them together
#
# *Goal:* two functions that read and write any message a ROUTER can hand you, and that say what is wrong with one they cannot read.
#
# *You need:* [lesson 4](../notebooks/04_envelope.ipynb). *Time:* 15 minutes.

# %%
import zmq

from zmqlab import check
from zmqlab.envelope import show
from zmqlab.run import Experiment, assert_all_quiet

# %% [markdown]
# ## The contract
#
# `unwrap(frames)` takes a list of frames as `recv_multipart()` returns it, and gives the pair `(route, body)`:
#
# | frames | route | body |
# |---|---|---|
# | `[b"anna", b"", b"hello"]` | `[b"anna"]` | `[b"hello"]` |
# | `[b"b1", b"anna", b"", b"x", b"", b"y"]` | `[b"b1", b"anna"]` | `[b"x", b"", b"y"]` |
# | `[b"anna", b""]` | `[b"anna"]` | `[]` |
# | `[b"", b"hello"]` | `[]` | `[b"hello"]` |
# | `[b"anna", b"hello"]` | `ValueError`, its message shows the frames | |
#
# The route is the list of addresses, outermost first; there may be none, as in the answer that a DEALER gets. `wrap(route, body)` is the inverse and gives a list of frames. Neither changes the lists that it is given, and frames stay bytes.

# %%
def unwrap(frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The route and the body of a message.

    `ValueError`, with the frames in its message, if there is no empty frame.
    """
    ### BEGIN SOLUTION
    if b"" not in frames:
        raise ValueError(f"no empty frame to end the route in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Of all the frames in a message, which single one do you have to find? Does it matter what the others are?
#
# </details>
# <details><summary>Hint 2</summary>
#
# A list can tell where something stands in it for the first time. What does it do when there is no such thing, and what does its error say to a person who does not have your code at hand?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Look at the two brokers in lesson 4, *Addresses pile up*: what is the same in all of their lines?
#
# </details>

# %%
def wrap(route: list[bytes], body: list[bytes]) -> list[bytes]:
    """The frames of a message with this route and this body."""
    ### BEGIN SOLUTION
    return [*route, b"", *body]
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which lists may you put something into, and which belong to somebody else?
#
# </details>
#
# ## Check
#
# The check asks both functions about some two hundred messages, then lets clients talk to them through up to three brokers.

# %%
report = check.lab04(unwrap, wrap)
report

# %% [markdown] tags=["solution-only"]
# Two lines each. The first empty frame is all there is to find, so nothing needs to be counted or decoded, and it does not matter how many brokers a message has passed. `frames.index(b"")` alone would raise a `ValueError` too, but one that says `b'' is not in list`: whoever reads that in a log knows nothing of
# the message. Slices and `[*route, ...]` are new lists, so the caller's stay as they are.
#
# A REP is stricter than `unwrap`: it also drops a message that ends with its delimiter, because there is no body to give out.

# %% [markdown]
# ## Now break it
#
# A worker that serves the world also gets messages that are no envelopes. This one answers what it can read, keeps the error of what it cannot, and goes on. It uses your functions, and runs once the check has passed.

# %%
def serve(ctx, endpoint, complaints):
    """Answer each envelope with its own body in capitals; note what is none."""
    with ctx.socket(zmq.ROUTER) as requests:
        requests.bind(endpoint)
        while True:
            frames = requests.recv_multipart()
            try:
                route, body = unwrap(frames)
            except ValueError as error:
                complaints.append(str(error))
            else:
                requests.send_multipart(wrap(route, [part.upper() for part in body]))

# %% [markdown]
# A DEALER sends one message without a delimiter. Then a REQ asks, with `REQ_CORRELATE`: it puts a number of its own before the delimiter.

# %%
def ask(ctx, endpoint):
    """Ask one question, with a number before the delimiter; return the answer."""
    with ctx.socket(zmq.REQ) as client:
        client.req_correlate = True
        client.connect(endpoint)
        client.send_multipart([b"who", b"", b"am i"])
        return client.recv_multipart()


if report:
    complaints = []
    with Experiment() as lab:
        endpoint = lab.endpoint()
        lab.start("worker", serve, endpoint, complaints)
        with lab.ctx.socket(zmq.DEALER) as stray:
            stray.routing_id = b"stray"
            stray.connect(endpoint)
            stray.send(b"bare")
            lab.until(lambda: complaints, what="the worker's complaint")
        answer = lab.start("client", ask, endpoint).result(within=10)
    print("complained:", complaints[0])
    print("answered:  ", show(answer, "REQ"))

# %% [markdown]
# **Think about it.**
#
# 1. The worker did not know that the REQ puts a number before the delimiter. Why was its answer accepted all the same?
# 2. A message from a stray peer ended nothing here. What would have happened to the other clients if `serve` let the `ValueError` escape?
# 3. Can `unwrap` tell the message `[b"anna", b"", b"hello"]` of a REQ from that of a DEALER named `anna` whose own protocol begins with an empty frame?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. The number stands before the first empty frame, so it became part of the route and went back with it, where the REQ looked for it. Code that counts frames would have broken.
# 2. The thread would have ended, and with it the socket: every client would wait for ever. That one message from a peer ends a whole broker is a real defect of published brokers, and lab 5 hunts for it.
# 3. No. On the wire and in the ROUTER's program both are the same frames. What an empty frame means is an agreement between programs, not a property of the message.

# %%
assert_all_quiet()
