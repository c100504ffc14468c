# %% [markdown]
# # Lab 11 · Ask again, and do it once
#
# *Goal:* a client that asks again until it has its own reply or gives up in time, and a server that does each request once, however often it comes.
#
# *You need:* [lesson 11](../notebooks/11_retry.ipynb). *Time:* 45 minutes.

# %%
from collections import Counter

import zmq

from zmqlab import check
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import plots
from zmqlab.wire import Faults, Tap

# %% [markdown]
# ## The contract of `ask`
#
# `ask(ctx, endpoint, request_id, body, patience, tries)` connects to `endpoint` and returns the reply as a list of frames. The id is bytes, the body a list of frames: any number of them, of any bytes. For example, `ask(ctx, endpoint, b"q1", [b"pay 5"], 0.5, 3)` sends `[b"", b"q1", b"pay 5"]`; when `[b"", b"q1", b"paid 5"]` comes back, it returns `[b"paid 5"]`.
#
# - It sends `[request_id, *body]` as a REQ would: on the wire an empty frame stands before the id, and before that perhaps the number of `REQ_CORRELATE`. It waits `patience` seconds, sends the same message again, and so on: `tries` copies in all, and no more. The last one, too, has its `patience`.
# - A reply counts if its first frame is `request_id`. `ask` returns the frames behind the id, maybe none, as soon as the reply is there. The reply to any copy will do.
# - Other replies may come, with other ids; they are well-formed. They end nothing, and they make no wait longer. You may send the next copy early after such a reply, if it has used up your REQ.
# - Without a reply of its own, `ask` raises `TimeoutError`, and its text says how often it asked: `tries` in digits. `zmq.ContextTerminated` may escape, other errors may not.
# - Requests and replies may be lost or late, links may be cut, and perhaps nobody is at the endpoint. `ask` waits without using the processor. At the end its sockets are closed, the context is still there, and no copy that was not sent keeps the caller from ending it at once.

# %% [markdown]
# ## The contract of `serve`
#
# `serve(ctx, endpoint, do)` binds a ROUTER or a REP at `endpoint`, and goes on until its context ends; `zmq.ContextTerminated` may escape.
#
# | what happens | frames at your ROUTER |
# |---|---|
# | a copy comes | `[client, *addresses, b"", request_id, *body]` |
# | you reply | `[client, *addresses, b"", request_id, *frames]` |
#
# - `do(request_id, body)` takes the id and the list of frames behind it, and returns the list `frames`. It may take its time, and you may call it in any thread.
# - It is called once for each id, whoever asks and however often, for as long as `serve` runs. When it has returned, each copy gets the same reply, and it goes to whoever sent that copy: a copy that came while `do` was at work, too.
# - Two ids are two requests, even if their bodies are alike. One id always comes with the same body.
# - If `do` raises an exception, it has had no effect. Nobody gets a reply to the copy that it was called for, and copies that you have read meanwhile may go without one. The next one that you take up is tried as if it were the first. (A REP cannot hear again before it has replied. You may close it and bind a new one; what was on its way to it comes again.)
# - Before the first empty frame stands at least the client's routing id, and any number of addresses more: `REQ_CORRELATE` puts one there, and so does each broker. They go back as they came.
# - An id has at least one byte; ids, bodies and replies are any bytes, a body or a reply has any number of frames. What has no empty frame, or nothing behind it, is no request: it ends nothing.
# - A client may be gone when its reply comes, and links may be cut. While nobody asks, `serve` waits without using the processor. Sockets are made, used and closed in one thread.


# %%
def ask(
    ctx: zmq.Context,
    endpoint: str,
    request_id: bytes,
    body: list[bytes],
    patience: float,
    tries: int,
) -> list[bytes]:
    """Send a request up to so many times; return the frames of its reply, or raise TimeoutError."""
    ### BEGIN SOLUTION
    for _ in range(tries):
        with ctx.socket(zmq.REQ) as server:
            server.linger = 0
            server.connect(endpoint)
            server.send_multipart([request_id, *body])
            if server.poll(1000 * patience):
                reply_id, *frames = server.recv_multipart()
                if reply_id == request_id:
                    return frames
    raise TimeoutError(f"no reply to {request_id!r}: asked {tries} times, {patience} s each")
    ### END SOLUTION


def serve(ctx: zmq.Context, endpoint: str, do) -> None:
    """Do each id once, and give every copy of it the same reply."""
    ### BEGIN SOLUTION
    replies: dict[bytes, list[bytes]] = {}
    with ctx.socket(zmq.ROUTER) as clients:
        clients.bind(endpoint)
        while True:
            client, *frames = clients.recv_multipart()
            if b"" not in frames[:-1]:
                continue
            place = frames.index(b"") + 1
            envelope, (request_id, *body) = [client, *frames[:place]], frames[place:]
            if request_id not in replies:
                try:
                    replies[request_id] = do(request_id, body)
                except Exception:
                    continue
            clients.send_multipart([*envelope, request_id, *replies[request_id]])
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# You have sent a copy, and its patience is over. In which state is your socket, and what may it do next? Three kinds of sockets, or of options, have three answers. What becomes of a message that nobody has fetched, when you close the socket?
#
# </details>
# <details><summary>Hint 2</summary>
#
# A reply comes that is not yours. How much of your patience is left, and can your socket hear on? If you poll a REQ with `REQ_CORRELATE`, what does lesson 11 warn of?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Look at each frame that the server gets: which of them are for finding the way back, which one tells what was asked, and what must be kept to answer the next copy? When exactly may you note that an id is known?
#
# </details>
# <details><summary>Hint 4</summary>
#
# If you let threads do the work: a copy comes while its id is under way. Who has to be remembered, so that everybody gets the reply? And who, if `do` raises?
#
# </details>
#
# ## Check
#
# The check lets `ask` talk to servers that answer, answer late, answer somebody else, or not at all. It sends copies to `serve`, and then lets the two talk to each other over links that break. It takes some seconds.

# %%
report = check.lab11(ask, serve)
report

# %% [markdown] tags=["solution-only"]
# `ask` takes a new REQ for each try. A REQ that has asked may not ask again, so the next copy goes out of another one. `linger = 0` throws away a copy that was not sent, else the caller's context could not end where nobody is. A reply for somebody else uses the REQ up, and the next copy goes out at once: the contract allows that. A DEALER could wait on; then the time that is left has to be computed anew after each reply.
#
# `serve` keeps a dict of replies, which is asked before `do` is. An id stands in it only when `do` has returned, so an error leaves nothing to take back. Copies that come during `do` wait in the ROUTER until the loop reads them, and then their reply is there. The envelope, up to the first empty frame, is that of the copy, not of the first asker.
#
# Right as well: a REQ with RELAXED and CORRELATE, and `rcvtimeo` in place of `poll`; a REP and a dict, bound anew when `do` raises; a ROUTER with a pool of threads and, for each id under way, the envelopes that wait for it.

# %% [markdown]
# ## Now break it
#
# Twenty requests over a link that is cut before some messages, one in five on average; a seed chooses which. Guess first: how many copies are sent, and how often is something done?


# %%
def over_a_bad_link(tries):
    """Ask 20 times; return how many replies came, how often each id was done, and copies sent."""
    done, replies = Counter(), 0

    def do(request_id, body):
        done[request_id] += 1
        return [b"done"]

    with Experiment() as lab:
        endpoint = lab.endpoint()
        lab.start("server", serve, endpoint, do)
        with Tap(endpoint, faults=Faults(seed=5, cut=0.2)) as tap:
            for number in range(20):
                try:
                    ask(lab.ctx, tap.endpoint, b"id %d" % number, [b"pay 5"], 0.1, tries)
                    replies += 1
                except TimeoutError:
                    pass
    copies = sum(hop.way == "sent" and hop.frames[-1] == b"pay 5" for hop in lab.journal)
    return replies, done, copies


# %%
if report:
    replies, done, copies = over_a_bad_link(tries=20)
    print(f"replies: {replies} of 20; ids done: {len(done)}; done twice: {done.total() - len(done)}")
    rows = {"messages": {"requests": 20, "copies": copies - 20}}
    title = f"20 requests took {copies} messages, and each was done once"
    plots.show(plots.stacked, rows, title=title, unit="messages to the server")

# %% [markdown]
# Now with one try. Some requests have no reply then. Were they done? Compare the two numbers before you open the figure.

# %%
if report:
    replies, done, copies = over_a_bad_link(tries=1)
    rows = {"20 requests": {"with a reply": replies, "done, no reply": len(done) - replies}}
    rows["20 requests"]["not done"] = 20 - len(done)
    title = "Without a retry, no reply means done or not done"
    plots.show(plots.stacked, rows, title=title, unit="requests")

# %% [markdown]
# **Think about it.**
#
# 1. Your server is killed and started again. What does a client see that asks for an old id, and when is something done twice? What would have to be kept where?
# 2. A client uses an id twice, with another body the second time. What does your server do? What should it do?
# 3. A thousand clients have a patience of one second, and the server stands still for two. What comes when it goes on, and how long does it take to work that off? What would you change in `ask`?
# 4. `do` sends an e-mail, and raises an exception afterwards. Which sentence of the contract is broken, and by whom?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. The dict is gone, so an old id is new again: it is done once more. Ids and replies would have to be kept on the disk, and noted in the same step as the effect, else a crash between the two does it twice, or not at all. Lesson 13 builds that.
# 2. It gives the reply to the first body, and the second is never done. Better is an error that says so: keep the body, or a hash of it, beside the reply, and compare.
# 3. Up to three copies of each request lie in its queues. With the dict that costs one look-up for each copy; without it, three times the work, while new copies come. Wait longer after each try, and by a random part more, so that the copies do not all come at once.
# 4. "It has had no effect". That is a promise of `do`, and the server relies on it when it tries again. Work that reaches outside needs a key of its own there: the same id, handed on to whoever sends the mail.

# %%
assert_all_quiet()
