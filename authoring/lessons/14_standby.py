# %% [markdown]
# # 14 · Live on without the broker
#
# *You will do:* put a second broker beside the first, and find out by proof, not by trial, when both of them answer.
#
# *You will be able to*
# - say what a broker must know before it takes over, and what it can never know,
# - walk through every order of events of a small system, and read the shortest one that ends badly,
# - write a client that turns to the other broker and has nothing done twice.
#
# *You need:* lessons 10 and 11.

# %% [markdown]
# GitHub kept its file servers in pairs; one of each pair was active, and heartbeats went between the two. One Saturday in 2012 the network stood still for some 90 seconds. Many took their partner for dead. In a number of pairs both took themselves for the active one, and each had the other switched off. To put that right took more than five hours ([GitHub, 2012](https://github.blog/2012-12-26-downtime-last-saturday/)).
#
# A second broker that waits for the first one's death is a **standby**; its taking over is a **failover**. So: **who decides that the other one is dead?**

# %%
import time
from collections import deque

import zmq

from zmqlab.balance import standby
from zmqlab.balance.standby import NAMES, ROOM, START, history, published, told
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots
from zmqlab.wire import Tap

INTERVAL, PATIENCE = 0.1, 1.0  # seconds between heartbeats; seconds until a peer counts as silent

# %% [markdown]
# ## A rule, and a loop around it
#
# One broker is named the **primary**, the other the **backup**. Each tells the other its state in a heartbeat. An event is such a heartbeat, a client's request, or a request while the peer has been silent for too long. A rule says what becomes of it: `react(state, event)` gives the next state, and whether this request is served.
#
# The simplest rule: the primary serves always; the backup serves when its peer is silent. Behind both stands one worker. A client asks one broker once.


# %%
def naive(state, event):
    """The primary is active. The backup is, too, from the first request with a silent peer on."""
    if event == "request, peer silent" or (event == "request" and state != "backup"):
        return "active", True
    return state, False


def work(ctx, backend):
    """Do whatever comes from any broker."""
    with ctx.socket(zmq.REP) as brokers:
        brokers.bind(backend)
        while True:
            key, task = brokers.recv_multipart()
            brokers.send_multipart([key, task + b", done"])


def ask(ctx, frontend, patience, *request):
    """Ask one broker once; return its answer, or None if none comes in time."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(frontend)
        broker.send_multipart(request)
        return broker.recv_multipart() if broker.poll(1000 * patience) else None


# %% [markdown]
# The loop has lesson 5's two sockets and two more. A **PUB** sends each message to all who listen, and never waits; what a full queue cannot take is dropped. It says the state. A **SUB** hears what begins with the bytes that it has subscribed to, and `b""` begins everything. It hears the peer's.
#
# Heartbeats are read first. Who judges before it has read takes a living peer for dead (lesson 10). A request that the rule does not serve is dropped.


# %%
def loop(state, react, clients, workers, says, hears):
    """Say the state, hear the peer's, and pass on those requests that the rule serves."""
    heard, due = time.monotonic(), 0.0
    while True:
        now = time.monotonic()
        if now >= due:
            says.send_string(state)
            due = now + INTERVAL
        ready, _, _ = zmq.select([hears, clients, workers], [], [], due - now)
        if hears in ready:
            state, _ = react(state, f"peer {hears.recv_string()}")
            heard = time.monotonic()
        elif clients in ready:
            silent = time.monotonic() - heard > PATIENCE
            request = clients.recv_multipart()
            state, serves = react(state, "request, peer silent" if silent else "request")
            if serves:
                workers.send_multipart(request)
        if workers in ready:
            clients.send_multipart(workers.recv_multipart())


# %% [markdown]
# `start` gives each broker a process of its own. Each hears the other one's heartbeats through a tap, which can hold them up.


# %%
def broker(ctx, me, react, frontend, backend, mine, peers):
    """One of the two: make its sockets, and run the loop."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        with ctx.socket(zmq.PUB) as says, ctx.socket(zmq.SUB) as hears:
            clients.bind(frontend)
            workers.connect(backend)
            says.bind(mine)
            hears.subscribe(b"")
            hears.connect(peers)
            loop(me, react, clients, workers, says, hears)


def start(lab, react, fronts, backend, states, taps):
    """Start both brokers; return their processes by name."""
    processes = {}
    for me, peer in (NAMES, NAMES[::-1]):
        ends = fronts[me], backend, states[me], taps[peer].endpoint
        processes[me] = lab.spawn(me, broker, me, react, *ends)
    return processes


# %% [markdown]
# ## The link stalls
#
# Nobody dies. The taps stall: both brokers live, both can be reached, and neither hears the other. A client that gets no answer in time asks again (lesson 11), and may ask the other broker. Ours asks each of the two for the same task, until it answers.
#
# > **Predict.** How many of the two brokers serve it in the end?

# %%
serve_it = Prediction("Brokers of two that serve the task", low=0, high=2)
serve_it

# %%
with Experiment("stalled") as lab:
    fronts, states = ({name: lab.endpoint() for name in NAMES} for _ in range(2))
    backend, answers = lab.endpoint(), {}
    with Tap(states["primary"]) as from_primary, Tap(states["backup"]) as from_backup:
        lab.start("w1", work, backend)
        taps = {"primary": from_primary, "backup": from_backup}
        start(lab, naive, fronts, backend, states, taps)
        ask(lab.ctx, fronts["primary"], 20, b"key 1", b"task 1")  # it is up
        for tap in taps.values():
            tap.stall()
        for name, frontend in fronts.items():  # the backup has to lose patience first
            while not (answer := ask(lab.ctx, frontend, 0.5, b"key 2", b"task 2")):
                pass
            answers[name] = answer[1].decode()

for name, answer in answers.items():
    print(f"{name}: {answer}")
serve_it.compare(len(answers))

# %% [markdown]
# Both, and the task was done for each. That two take themselves for the only active one is a **split brain**. A broker decides who gets the next task; two that decide are worse than none.
#
# ## Two signs
#
# The Guide has a better rule, *Binary Star* ([chapter 4](https://zguide.zeromq.org/docs/chapter4/)). The states that are told count: who has just started and hears “active” is *passive*, the standby. It takes over on two signs together: its peer is silent, *and* a client comes. (The second is a sign only if clients come to the standby last. Ours asked both.) Here is the Guide's diagram as a table. An empty field: no change, not served. *Stops*: a `ValueError`, which ends the broker.
#
# | | peer primary | peer backup | peer active | peer passive | request | request, peer silent |
# |---|---|---|---|---|---|---|
# | **primary** | | active | passive | | active, serves | active, serves |
# | **backup** | | | passive | | | |
# | **active** | | | stops | | serves | serves |
# | **passive** | active | active | | stops | | active, serves |
#
# A client that turns to the other broker must not have its task done again. So it makes a key, the same for every try (lesson 11). The memory for keys is the worker's, for what a broker knows goes with it.


# %%
def work_once(ctx, backend, do):
    """Do each task once: a key that is known gets the answer that it had."""
    answers = {}
    with ctx.socket(zmq.REP) as brokers:
        brokers.bind(backend)
        while True:
            key, task = brokers.recv_multipart()
            answers[key] = answers.get(key) or do(task)
            brokers.send_multipart([key, answers[key]])


def ask_either(ctx, fronts, patience, *request):
    """Ask one broker after the other until one answers; return its name and the answer."""
    while True:
        for name, frontend in fronts.items():
            if answer := ask(ctx, frontend, patience, *request):
                return name, answer


def until_it_says(ctx, endpoint, state):
    """Wait until a broker says that it is in this state."""
    with ctx.socket(zmq.SUB) as hears:
        hears.subscribe(state)
        hears.connect(endpoint)
        hears.recv()


# %% [markdown]
# Now the rule as it is published. We wait until the primary says that it is active, and the backup that it is passive. A client asks. When the worker has begun, the primary is killed; until then the task is not done. The client's patience is longer than the brokers': when it turns to the backup, that has noticed the silence.

# %%
done = []
with Experiment("killed") as lab:

    def do(task):
        done.append(task)
        lab.until(lambda: not processes["primary"].alive, within=30, what="the primary's death")
        return task + b", done"

    fronts, states = ({name: lab.endpoint() for name in NAMES} for _ in range(2))
    with Tap(states["primary"]) as from_primary, Tap(states["backup"]) as from_backup:
        taps, backend = {"primary": from_primary, "backup": from_backup}, lab.endpoint()
        lab.start("w1", work_once, backend, do)
        processes = start(lab, published, fronts, backend, states, taps)
        until_it_says(lab.ctx, states["primary"], b"active")
        until_it_says(lab.ctx, states["backup"], b"passive")
        client = lab.start("c1", ask_either, fronts, 1.5, b"key 3", b"task 3")
        lab.until(lambda: done, within=30, what="the worker to begin")
        processes["primary"].kill()
        name, answer = client.result(within=30)

asked = lab.journal.counts("received", ["w1"])["w1"]
print(f"{answer[1].decode()}: answered by the {name}")
print(f"the worker was asked more than once: {asked > 1}; times that it did the task: {len(done)}")

# %% [markdown]
# It works. But a trial is *one* order of events, and the bad one may come once a year.
#
# ## Every order of events
#
# Let a program try them all. A *world* is all that makes a difference: each broker's state, up to two heartbeats under way to it, whether its peer is silent to it, and who served last. `put`, `dies`, `heard` and `asked` give the world after a change.
#
# The world is kind. Heartbeats keep their order, and end with the connection; one may be missed. Patience ends only if the peer is dead and nothing is under way. Two functions say what can come next.


# %%
def brokers(react, world):
    """Whatever the two can do, or can befall them: each step, and the world after it."""
    for x, y in (0, 1), (1, 0):
        me, (state, coming, silent), peer = NAMES[x], world.brokers[x], world.brokers[y]
        if state == "dead":
            yield (me, "starts again"), world.put(x, state=me)
            continue
        yield (me, "dies"), world.dies(x)
        if peer.state != "dead" and world.link and len(peer.coming) < ROOM:
            yield (me, "says", state), world.put(y, coming=(*peer.coming, state))
        if coming:
            yield (me, "hears", coming[0]), world.heard(react, x)
            yield (me, "misses", coming[0]), world.put(x, coming=coming[1:])
        elif not silent and (peer.state == "dead" or not world.link):
            yield (me, "loses patience"), world.put(x, silent=True)


def anybody(react, world):
    """A client asks one of the two, whoever it has asked before."""
    for x in 0, 1:
        after, answered = world.asked(react, x)
        yield ("a client", "asks", NAMES[x], "answered" if answered else "no answer"), after


# %% [markdown]
# `explore` looks at all worlds one step from the start, then at those two steps away, and so on: *breadth first*. So the first wrong step that it meets ends the shortest history that there is. Wrong is: one broker has answered and would again, and now the other one answers. It takes two real answers.


# %%
def both_answer(react, before, step, after):
    """Whether a request was answered while the other broker, who answered last, still would."""
    other = before.last
    return other is not None and after.last == 1 - other and after.asked(react, other)[1]


def explore(react, *happenings, start=START, wrong=both_answer):
    """The shortest history that ends in a wrong step, None without any; and how many worlds."""
    came_from = {start: None}
    todo = deque([start])
    while todo:
        world = todo.popleft()
        for happening in happenings:
            for step, after in happening(react, world):
                if wrong(react, world, step, after):
                    return [*history(came_from, world), (step, after)], len(came_from)
                if after not in came_from:
                    came_from[after] = step, world
                    todo.append(after)
    return None, len(came_from)


found, worlds = explore(naive, brokers, anybody)
print(*told(found), sep="\n")

# %% [markdown]
# The naive rule needs no stalled link: a primary that comes back serves at once, beside the backup that has taken over. The published table knows better: a primary that hears “active” is passive.
#
# > **Predict.** The published rule, in this kind world, where no link is cut. What does it take until both serve?

# %%
takes = Prediction(
    "Under the published rule, both serve",
    choices=["never", "only if a heartbeat is lost", "without any loss"],
)
takes

# %%
found, worlds = explore(published, brokers, anybody)
title = f"The published rule: both serve after {len(found)} steps"
plots.show(plots.pair, found, title=title)
print(*told(found), sep="\n")
lost = any("misses" in step for step, _ in found)
takes.compare("only if a heartbeat is lost" if lost else "without any loss")

# %% [markdown]
# No link cut, nothing lost. The primary comes back and is asked before it has heard anything; in the table that makes it active. The backup has both signs: its peer has been silent, and a client comes.
#
# ## Worlds that are less kind
#
# One field of the table has to change; which one, lab 14 asks. The Guide's plain example has this fault, too; its [reactor](https://github.com/booksbyus/zguide/blob/master/examples/C/bstar.c) has mended it. `explore_right` walks through all that can happen under the mended rule. A *loyal* client turns to the other broker only when it was not served.

# %%
ANYBODY, ONE, TWO = START, standby.World(clients=(0,)), standby.World(clients=(0, 0))
WORLDS = {
    "the kind world": (ANYBODY, [brokers, anybody]),
    "the link may be cut": (ANYBODY, [brokers, anybody, standby.cut]),
    "cut, one loyal client": (ONE, [brokers, standby.loyal, standby.cut]),
    "cut, one, and requests get lost": (
        ONE,
        [brokers, standby.loyal, standby.lose_requests, standby.cut],
    ),
    "cut, two loyal clients": (TWO, [brokers, standby.loyal, standby.cut]),
    "heartbeats overtake each other": (ANYBODY, [brokers, anybody, standby.overtake]),
    "patience may end wrongly": (ANYBODY, [brokers, anybody, standby.impatient]),
}
table = [f"{'both serve':32}{'mended':10}{'worlds':>6}   published"]
for name, (first, world) in WORLDS.items():
    mended, worlds = standby.explore_right(*world, start=first)
    old, _ = explore(published, *world, start=first)
    said = [f"after {len(h)}" if h else "never" for h in (mended, old)]
    table.append(f"{name:32}{said[0]:10}{worlds:6,}   {said[1]}")
    if name == "cut, two loyal clients":
        shown = mended
title = f"Mended, link cut, two loyal clients: both serve after {len(shown)} steps"
plots.show(plots.pair, shown, title=title)
print(*table, sep="\n")

# %% [markdown]
# *Never* is a proof for this model of the world: all that can come about was looked at; *worlds* says how many that were. With one loyal client even a cut link does no harm, as long as no request is lost. With two it does: client 1 turned away early, and is at the wrong end now.
#
# No rule of two helps there. To the passive one a cut link and a dead peer look alike. If it serves then, both may serve; if it never does, one death ends all service. The Guide, too, warns of clients at both ends of a link. It takes a third: who serves needs two of three, a **majority**, or a **lease** from the third, a permit that ends unless it is renewed.

# %% [markdown]
# ## In practice
#
# - **Heartbeats that outlive their sender.** Our world forgets them when a broker dies; a SUB that has not read them does not. Put an **incarnation number** into each, another one at every start, and drop those of an older life.
# - **Two that are active** hear it when the link heals. Who hears it first stops; sometimes both do. Somebody has to start them again.
# - **A broker that is frozen for a moment** wakes up active (lesson 10). The last row of the table is its world.
# - **No broker.** Servers that remember nothing need no rule: the client asks one after the other, or all, until one answers. The Guide calls it *Freelance*. What a task changes outside, a database say, then has to know the keys, or it is changed twice.
# - **Three or more:** take a protocol with a proof, and a program that has it, such as *Raft* in etcd.

# %% [markdown]
# ## What we know now
#
# We asked who decides that the other one is dead. Nobody of two can know it. A standby that waits for two signs, silence and a client, comes near. One field of its table was wrong: our trial did not show it, a walk through every order of events did. And no table for two helps where the link is cut and clients ask at both ends.
#
# **One more question.** Why does a backup that has just started never take over, though its peer is silent?
#
# <details><summary>Think first, then open</summary>
#
# “Backup” is a promise. A primary that hears it becomes active at once, because who says so does not serve. Suppose a lone backup served. It has said “backup” to a primary that came back, which is active by that. Now both serve. Lab 14's check finds the steps.
#
# </details>
#
# **Your turn:** [lab 14](../labs/14_standby.ipynb), the rule that holds.

# %%
assert_all_quiet()
