# %% [markdown]
# # Lab 14 · Decide when to take over
#
# *Goal:* the rule of one of two brokers, which lets one answer at a time and somebody in the end, whatever happens in whatever order.
#
# *You need:* [lesson 14](../notebooks/14_standby.ipynb). *Time:* 25 minutes.

# %%
from zmqlab import check
from zmqlab.balance import standby
from zmqlab.run import assert_all_quiet
from zmqlab.show import plots

# %% [markdown]
# ## The contract
#
# `react(state, event)` gives the pair `(state, serves)`: the state in which the broker is after the event, and whether it answers.
#
# - *States:* `"primary"` and `"backup"`, who have just started; `"active"`; `"passive"`.
# - *Events:* `"peer primary"`, `"peer backup"`, `"peer active"`, `"peer passive"`, a heartbeat with the peer's state; `"request"`, a client asks; `"request, peer silent"`, a client asks, and nothing has been heard of the peer for too long.
# - With a heartbeat `serves` means nothing: return what you like.
# - When nothing fails any more, one of the two answers. If that one dies, the other takes over.
# - A primary or backup that has just started does not answer a plain request. A backup that has just started answers none.
# - Both active, or both passive: `ValueError`. With it a broker stops. It must not come about by itself.
# - Two primaries or two backups are a wrong configuration: what you do with these two pairs is yours. All other pairs have an answer.
# - State and event alone decide: the rule remembers nothing from one call to the next.
#
# Two brokers with your rule live in the lesson's kind world. While one of them answers, the other does not. And once nothing fails any more, requests are answered: a backup that has just started and is alone owes none.
#
# | `react(…)` | gives |
# |---|---|
# | `"active", "request"` | `("active", True)` |
# | `"backup", "request"` | `("backup", False)` |
# | `"passive", "peer passive"` | `ValueError` |

# %%
def react(state: str, event: str) -> tuple[str, bool]:
    """The state after an event, and whether this request is answered. `ValueError`: stop."""
    ### BEGIN SOLUTION
    match state, event:
        case ("active", "peer active") | ("passive", "peer passive"):
            raise ValueError(f"I am {state}, and so is my peer")
        case "primary" | "backup", "peer active":
            return "passive", False
        case ("primary", "peer backup") | ("passive", "peer primary" | "peer backup"):
            return "active", False
        case "active", "request" | "request, peer silent":
            return "active", True
        case "primary" | "passive", "request, peer silent":
            return "active", True
    return state, False
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1: where to begin</summary>
#
# Begin with the lesson's table: a line for each state. For which pairs does nothing change? One line at the end can say that.
#
# </details>
# <details><summary>Hint 2: both answer</summary>
#
# Read the picture from the end. The last two steps are two answers. Which of the two brokers had been told last that it may answer, and by what? What did the other one know when it began to answer, and what could it not know?
#
# </details>
# <details><summary>Hint 3: nobody answers, or somebody stops</summary>
#
# Write down the two states at the end of the history. What will each hear from now on, again and again? Find these two pairs in your rule. One of the two has to move, and always the same one.
#
# </details>
# <details><summary>Hint 4: the backup</summary>
#
# Why may a backup that has just started not take over, though its peer is silent? Ask what the primary concludes when it hears “backup”.
#
# </details>
#
# ## Check
#
# Two brokers with your rule go through every order of saying, hearing, missing, dying, starting again and being asked. If one ends badly, the check draws the shortest.

# %%
report = check.lab14(react)
report

# %% [markdown] tags=["solution-only"]
# Seven pairs change the state, four more answer or stop, and `return state, False` does the rest. From the published diagram it differs in one pair: a primary that has just started and is asked. It cannot know whether it starts for the first time, or comes back to a backup that has taken over. So it waits: for a heartbeat, or until its peer has been silent for too long.
#
# "Backup" is a promise: who says it does not answer until it has heard "active". The primary relies on it when it becomes active. So a backup that has just started never takes over, though that makes it useless while it is alone.
#
# Right as well: a table of 24 rows; sets of the pairs that make active or passive; a class for each state. Fifteen small changes do no harm. For example, a broker that takes over need not answer the very request that made it active.

# %% [markdown]
# ## Now break it
#
# The check's world is kind: a link is never cut, and patience ends only when the peer is dead. Your rule once more in a less kind one. Guess first: does it hold when the link may be cut?

# %%
if report:
    world = [standby.brokers, standby.anybody, standby.cut]
    found, seen = standby.explore(react, *world)
    print(*(standby.told(found) if found else [f"{seen} situations, and never two"]), sep="\n")
else:
    print("First let the check pass.")

# %% [markdown]
# Near the end a broker loses patience. It cannot tell a cut link from a dead peer. Now there is one client only, and it is *loyal*: it asks the other broker only when it was not answered. Guess again: one loyal client, then two.

# %%
if report:
    for clients in (0,), (0, 0):
        world = [standby.brokers, standby.loyal, standby.cut]
        found, seen = standby.explore(react, *world, start=standby.World(clients=clients))
        result = f"both answer after {len(found)} steps" if found else "never two"
        print(f"loyal clients: {len(clients)}; situations seen: {seen}; {result}")
    title = f"Two loyal clients, link cut: both answer after {len(found)} steps"
    plots.show(plots.pair, found, title=title)
else:
    print("First let the check pass.")

# %% [markdown]
# **Think about it.**
#
# 1. The check counts it as wrong when both answer, not when both are active. In which order of events are both active for a moment under a right rule, or is there none? How would you find out with `explore`?
# 2. With two loyal clients, which of the two is where it should not be, and since when? What could the first broker have told it in place of silence?
# 3. You let a third program decide: a broker may answer for a second after it has been told so, and only one is told at a time. What happens while that program is dead? What if a broker's clock is slow?
# 4. Somebody makes a standby for the standby. How many states and events has the rule of three? What would you use in place of such a rule?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. `explore` takes `wrong=`, a function of rule, world before, step, world after; let it return whether both states after the step are "active". Under this rule there is none in the check's world: to become active, a broker must have heard that the other is not, or have lost patience with a dead one.
# 2. Client 1: it asked the primary before that was active, and turned to the backup. When it asks there, the link is cut and the backup has lost patience. Had the primary said "not yet" in place of nothing, the client need not have turned away. That would not help one whose way to the primary is cut.
# 3. That is a lease. While the third is dead no lease is renewed, and soon nobody answers: safe, and not live. With three of which two suffice, one may die. A slow clock lets a broker believe in its lease for too long, so its owner has to stop earlier than the giver counts: by the most that clocks may differ.
# 4. Each of three hears two others. With four states to hear and “silent”, what it knows of them is one of 25 pairs, and that for each state of its own. Hardly anybody writes that by hand and is right. For three or more there are rules with a proof: Raft, Paxos, and programs that have them, such as etcd.

# %%
assert_all_quiet()
