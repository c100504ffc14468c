# %% [markdown]
# # 9 · Choose a policy
#
# *You will do:* give the same tasks to three policies, on a clock that needs no time and on real sockets, and make the tasks more and more unlike.
#
# *You will be able to*
# - say for which work round robin is best, for which it is worst, and why,
# - find where another policy overtakes it, for your load and your network,
# - say what the variance of the work tells about waiting, and what it does not.
#
# *You need:* lesson 8.

# %% [markdown]
# pythonflow shares calculations out to several machines. In April 2018 it replaced PUSH/PULL by a queue of idle workers ([pythonflow#23](https://github.com/spotify/pythonflow/pull/23)); in September its author proposed that workers fetch requests ahead ([#39](https://github.com/spotify/pythonflow/pull/39)). Dask, a library for parallel computing, went back and forth, too: in 2016 it began to send
# "many more tasks onto the workers at once, rather than buffering them on the scheduler" ([distributed#717](https://github.com/dask/distributed/pull/717)), and in 2022 it returned to keeping tasks back ([distributed#7213](https://github.com/dask/distributed/issues/7213)).
#
# The same tasks on the same workers may take several times as long with one rule as with another. So the question is: **which policy, for which work?**

# %%
from collections import Counter
from random import Random
from statistics import fmean
from time import monotonic, sleep

import zmq

from zmqlab.balance import Credit, RoundRobin, theory
from zmqlab.balance.brokers import by_policy
from zmqlab.balance.clock import bimodal, constant, exponential, one_queue, poisson, simulate
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, Sliders, plots

# %% [markdown]
# ## A policy is a function
#
# Lesson 8's broker counts what each worker has outstanding: tasks given and not answered. A **policy** is a function of these counts, listed in the order of who became idle longest ago. It returns the index of the worker who gets the next task, or None: nobody yet, the task waits in the broker. Lesson 7's rule as such a function:


# %%
def idle_longest(outstanding, rng):
    """The worker who has been idle longest; while nobody is idle, nobody."""
    return outstanding.index(0) if 0 in outstanding else None


policies = {"round robin": RoundRobin(), "idle longest": idle_longest, "credit 2": Credit(2)}

print("outstanding 2, 0, 1, 0: index", idle_longest([2, 0, 1, 0], Random(1)))
print("outstanding 2, 1, 1, 3: index", idle_longest([2, 1, 1, 3], Random(1)))

# %% [markdown]
# `RoundRobin` takes each worker in turn and looks at no count. `Credit(2)` is lesson 8's: the worker with the fewest tasks, at most two each. (`rng` is for policies that draw lots.)
#
# ## Work that is all alike
#
# Four workers; each task takes 10 ms. Tasks come at random and need 80 % of the workers' time: the load is 0.8. We draw the arrivals ten times. On the virtual clock the numbers are the same on every machine. For now, messages take no time.
#
# > **Predict.** Round robin is blind; `idle longest` lets nobody stand idle beside a waiting task. How many of 2,500 tasks does it have done sooner?

# %%
done_sooner = Prediction("Tasks of 2,500 that idle longest has done sooner", low=0, high=2500)
done_sooner


# %%
def run_all(work, draw, *, load=0.8, way=0.0, tasks=2500):
    """Run the same tasks under each policy; `way`: seconds from an answer to the next task."""
    arrivals = poisson(load * 4 / work.mean, tasks, draw)
    costs = work.costs(tasks, draw)
    return {
        name: simulate(choose, arrivals, costs, travel=way / 2) for name, choose in policies.items()
    }


sooner = []
for draw in range(1, 11):
    runs = run_all(constant(0.010), draw)
    both = zip(runs["idle longest"].ends, runs["round robin"].ends, strict=True)
    sooner.append(sum(idle < turn - 1e-9 for idle, turn in both))

print("done sooner by idle longest, in ten draws of 2,500 tasks:", *sooner)
done_sooner.compare(max(sooner))

# %% [markdown]
# Not one, in any draw. Equal tasks end in the order in which they began, so the worker whose turn it is *is* the one who will be free first.
#
# ## Asking takes time
#
# Now each message travels for half a millisecond. If the next task was kept back in the broker, a worker gets it 1 ms after its answer: that is the way. With which policy is the mean sojourn shortest, the time from a task's arrival to its answer?


# %%
def means_of(work, draws, **fleet):
    """The mean sojourn (ms) of each policy, in each draw of the tasks."""
    every = [run_all(work, draw, **fleet) for draw in range(1, draws + 1)]
    return {
        name: [round(1000 * fmean(runs[name].sojourns), 6) for runs in every] for name in policies
    }


def ahead(means):
    """In how many draws each policy has the shortest mean."""
    rows = zip(*means.values(), strict=True)
    return Counter(list(means)[row.index(min(row))] for row in rows)


equal = means_of(constant(0.010), 10, way=0.001)
title = f"Equal tasks, 1 ms of way: round robin ahead in {ahead(equal)['round robin']} of 10 draws"
draws = {f"draw {n}": {name: equal[name][n - 1] for name in equal} for n in range(1, 11)}
plots.show(plots.dots, draws, title=title, unit="mean sojourn (ms)")
slower = simulate(idle_longest, poisson(320, 2500), [0.011] * 2500).sojourns
same = round(1000 * fmean(slower), 6) == equal["idle longest"][0]
print(f"idle longest with tasks of 11 ms and no way at all has the same mean: {same}")

# %% [markdown]
# With `idle longest` a worker stands still for 1 ms after each answer, exactly as if its task took 11 ms: that is a load of 0.88. With the other two the next task often lies at the worker already. But a count does not tell which of two tasks is nearly done, so `credit 2` now and then picks the wrong worker; whose turn it is tells, as long as tasks are equal.
#
# ## Work that varies
#
# The same load and the same mean, but now nine tasks in ten take 2 ms and one takes 82, as if most requests hit a cache and some did not.
#
# > **Predict.** You have seen round robin's mean for equal tasks. What is it now?

# %%
unlike = Prediction("Mean sojourn of round robin, one task in ten long (ms)", low=10, high=200)
unlike


# %%
def one_in_ten(long):
    """Work of 10 ms on average: one task in ten takes `long` ms, the others less."""
    short = (100 - long) / 9
    variance = 0.9 * (short - 10) ** 2 + 0.1 * (long - 10) ** 2
    return bimodal(0.010, variance / 10**2)


varied = means_of(one_in_ten(82), 10, way=0.001)
runs = run_all(one_in_ten(82), 1, way=0.001)
title = f"One task in ten long: credit 2 is ahead in {ahead(varied)['credit 2']} of 10 draws"
sojourns = {name: run.sojourns for name, run in runs.items()}
plots.show(plots.ecdf, sojourns, title=title, what="sojourn, draw 1", of="tasks", log=True)

turns, free_at, blind = runs["round robin"], [0.0] * 4, 0  # free_at: of each worker so far
for came, who, answer in zip(turns.arrivals, turns.workers, turns.answers, strict=True):
    blind += free_at[who] > came >= min(free_at)
    free_at[who] = answer
print(f"round robin gave {blind} of 2,500 tasks to a busy worker while another was idle")
unlike.compare(round(fmean(varied["round robin"])))

# %% [markdown]
# Dealt in turn, tasks lie behind a long one while another worker has nothing to do: **head-of-line blocking** ([navitia#348](https://github.com/hove-io/navitia/issues/348)). `idle longest` has none of it, and pays for the way. With `credit 2` at most one task waits behind another at each worker.
#
# How unlike tasks are is their **variance**: the squares of their distances from the mean, on average. Divided by mean² it has no unit. Equal tasks have 0, these have 5.76.
#
# ## Where does it turn?
#
# Between the two the long task grows, and the nine others shrink, so that the mean stays 10 ms.
#
# > **Predict.** How long is the long one when round robin is no longer ahead?

# %%
turn = Prediction("The long task (ms) with which round robin is no longer ahead", low=10, high=82)
turn


# %%
def picture(table, title, **options):
    """How each policy's mean, as a multiple of round robin's, goes with the long task."""
    lines = {name: [fmean(means[name]) for means in table.values()] for name in policies}
    options |= {"at": list(table), "along": "what the long one of ten tasks takes (ms)"}
    options |= {"unit": "mean sojourn", "beside": "round robin"}
    return plots.Picture(plots.curves, lines, title=title, **options)


longs = [10, 13, 16, 19, 22, 25, 28, 31, 34]
table = {long: means_of(one_in_ten(long), 5, way=0.001, tasks=1500) for long in longs}
print("long task   others  variance/mean²  shortest mean in 5 draws")
for long, means in table.items():
    who = ", ".join(f"{name}: {draws}" for name, draws in ahead(means).items())
    print(f"{long:6} ms{(100 - long) / 9:6.1f} ms{one_in_ten(long).scv:16.2f}  {who}")

turned = next(long for long, means in table.items() if not ahead(means)["round robin"])
title = f"Load 0.8, way 1 ms: round robin is behind from {turned} ms on"
plots.show(picture(table, title, mark=(turned, "credit 2 is ahead")))
turn.compare(turned)

# %% [markdown]
# One task in ten that takes about twice as long as the others is enough. But this is the turn for *one* load and *one* way. Move them, and find
#
# - a way with which round robin is behind as soon as tasks differ. Who is ahead?
# - a load with which `idle longest` is ahead, although there is a way,
# - a way with which `idle longest` cannot keep up. (Lesson 8 says from which on.)


# %%
def play(load, way):
    """The same for this load and this way (ms), with one draw of 1,000 tasks."""
    table = {
        long: means_of(one_in_ten(long), 1, load=load, way=way / 1000, tasks=1000)
        for long in (10, 13, 16, 19, 22, 28, 40, 82)
    }
    behind = [long for long, means in table.items() if not ahead(means)["round robin"]]
    found = f"round robin is behind from {behind[0]} ms on" if behind else "round robin is ahead"
    return picture(table, f"Load {load:g}, way {way:g} ms: {found}")


Sliders(play, load=(0.1, 0.95, 0.05, 0.8), way=(0.0, 4.0, 0.25, 1.0))

# %% [markdown]
# ## Is it the variance alone?
#
# Before **one** worker it is, says theory: tasks that come at random wait, on average, as long as **exponential** work would (many short tasks, few long, variance / mean² = 1), times (1 + variance / mean²) / 2. Before several workers with one queue the same is a rule of thumb. We keep the mean, 10 ms, and the variance, 5.76, and make long tasks rarer and longer: of 500 one takes 546 ms.
#
# > **Predict.** Four workers, load 0.5, one long task in 500. How long is the wait, in percent of the rule's?
#
# <details><summary>Names to look it up by</summary>
#
# M/G/1 with the formula of Pollaczek (1930) and Khinchine (1932); M/M/c with Erlang C (1917), for exponential work before c workers; M/G/c, for which no formula is known. M is for tasks that come at random and for exponential work, G for any work. All have one queue, first come, first served: that is `idle longest` with a way of 0.
#
# </details>

# %%
of_the_rule = Prediction(
    "The wait with one long task in 500, in percent of the rule's", low=0, high=200
)
of_the_rule


# %%
def by_the_rule(work, load, workers, tasks=50_000):
    """The mean wait as a multiple of what the rule says, in each of four draws."""
    rule = theory.mmc(load, work.mean, workers).wait * (1 + work.scv) / 2
    for draw in range(1, 5):
        arrivals = poisson(workers * load / work.mean, tasks, draw)
        yield fmean(one_queue(arrivals, work.costs(tasks, draw), workers)) / rule


exact = list(by_the_rule(exponential(0.010), 0.8, 4))
print(f"exponential, exact but for chance: {min(exact):.2f}–{max(exact):.2f} times the rule")
rare, lines = [10, 100, 500], {}
print("mean wait / rule, in four draws")
print(f"{'one long task in':>22}", *(f"{n:11}" for n in rare))
for load, workers in ((0.5, 1), (0.8, 4), (0.5, 4)):
    found = [list(by_the_rule(bimodal(0.010, share=1 / n), load, workers)) for n in rare]
    name = f"{workers} worker{'s' if workers > 1 else ''}, load {load}"
    print(f"{name:>22}", *(f"{min(ratios):.2f}–{max(ratios):.2f}".rjust(11) for ratios in found))
    lines[name] = [fmean(ratios) for ratios in found]

title = "The rule of variance holds before one worker, not before four"
options = {"at": rare, "along": "one long task in", "unit": "mean wait / rule"}
plots.show(plots.curves, lines, title=title, **options)
of_the_rule.compare(round(100 * lines["4 workers, load 0.5"][-1]))

# %% [markdown]
# One worker: who comes behind a long task waits for it. Four workers: the other three go on. With one long task in 500, the short ones need three fifths of the three's time at a load of 0.5, so waits stay short; at 0.8 they need 95 % of it, so a queue grows until the long task is done. Two long tasks at once are rare then, and common if one in ten is long. No formula of mean and variance alone is right for all work before several workers: [Gupta and others (2010)](https://doi.org/10.1007/s11134-009-9133-x) proved it.
#
# Round robin makes four queues of one worker each, and there nobody steps in. So what a policy gains that looks depends on more than the variance.
#
# ## On real sockets
#
# A clock that knows of no operating system is easily right. So give the same policies to a broker with sockets, and the same tasks, at the same moments, to workers that sleep. The broker is `by_policy`: lesson 8's, but for each request it asks a policy who gets it, and leaves the request unread if the answer is None.


# %%
def worker(ctx, endpoint, name):
    """Sleep for as long as each task costs, and answer."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.routing_id = name.encode()
        broker.connect(endpoint)
        broker.send_multipart([b"", b"READY"])
        while True:
            _, client, _, task, cost = broker.recv_multipart()
            sleep(float(cost))
            broker.send_multipart([b"", client, b"", task])


def client(ctx, endpoint, arrivals, costs):
    """Send each task when its time has come, then take the answers."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        start = monotonic()
        for number, (at, cost) in enumerate(zip(arrivals, costs, strict=True)):
            sleep(max(0, start + at - monotonic()))
            broker.send_multipart([b"", b"%d" % number, b"%f" % cost])
        return {broker.recv_multipart()[-1] for _ in arrivals}


# %%
def run_live(choose, arrivals, costs):
    """The mean sojourn (ms) of these tasks with four workers, and whether each was answered."""
    with Experiment() as lab:
        front, back = lab.endpoint(), lab.endpoint()
        lab.start("broker", by_policy, front, back, choose, Random(1))
        for name in ("w1", "w2", "w3", "w4"):
            lab.start(name, worker, back, name)
        lab.until(lambda: lab.journal.counts(who=["broker"])["broker"] == 4, what="four READY")
        answered = lab.start("client", client, front, arrivals, costs).result(within=30)
    sent, done = {}, {}
    for hop in lab.journal:
        if hop.who == "client" and hop.way == "sent":
            sent[hop.frames[1]] = hop.time
        elif hop.who == "broker" and hop.way == "received" and hop.frames[-1] in answered:
            done[hop.frames[-1]] = hop.time
    return 1000 * fmean(done[task] - sent[task] for task in answered), answered == set(sent)


# %% [markdown]
# Eighty tasks of 5 ms on average, first equal, then nine of 1 ms to one of 41; each policy gets them four times. They are the same tasks each time, so what differs from run to run is your machine. For loopback we tell the clock a way of 0.2 ms.

# %%
arrivals, pictures, all_answered = poisson(4 * 0.8 / 0.005, 80), [], []
two = {"round robin": RoundRobin(), "idle longest": idle_longest}
for work, title in ((constant(0.005), "Equal tasks"), (bimodal(0.005), "One task in ten long")):
    costs = work.costs(80)
    clock = {n: simulate(choose, arrivals, costs, travel=0.0001) for n, choose in two.items()}
    rows = {"clock": {name: 1000 * fmean(run.sojourns) for name, run in clock.items()}}
    for run in range(1, 5):
        live = {name: run_live(choose, arrivals, costs) for name, choose in two.items()}
        rows[f"run {run}"] = {name: mean for name, (mean, _) in live.items()}
        all_answered += [answered for _, answered in live.values()]
    best = [min(row, key=row.get) for row in rows.values()]
    print(f"{title}: on the clock {best[0]} is ahead")
    title += f": live, {best[0]} is ahead in {best[1:].count(best[0])} of 4 runs"
    pictures.append(plots.Picture(plots.dots, rows, title=title, unit="mean sojourn (ms)"))

print("every task answered, in each of the 16 runs:", all(all_answered))
plots.show(plots.together(*pictures, columns=1))

# %% [markdown]
# Read down: how far the same mark moves from run to run is the noise of your machine. A difference that is larger can be seen live, as for unlike tasks. For equal tasks the difference is small; if the noise is larger, your machine decides who is ahead.
#
# A busy machine wakes sleepers late, so equal tasks are no longer equal, and lets the broker wait for a processor, so the way grows. The clock has a number for each: the variance, and `travel`.

# %% [markdown]
# ## In practice
#
# - **Measure three things**: how your tasks vary, how long the way is beside a task, and the load. Then run `simulate` with them. Equal tasks, equal workers: PUSH or DEALER, nothing to build. Tasks that vary, and a way that is nothing beside them: idle workers. A longer way: a little credit, as lesson 8 computes it.
# - **Mean or tail?** We judged by the mean. The policy with the shortest mean need not have the shortest p99, the time within which 99 of 100 are done. Ask which of the two hurts.
# - **A count is not work.** Where a task says what it will cost, let the broker add that up.
# - **No policy creates capacity.** From a load of 1 on, the queue grows without end under each of them. Then the question is whom to refuse.
# - **Other names.** **Least loaded** and **two choices** (the better of two drawn by lot) look at the counts, too, and give each task at once. Lots are for many brokers: several that see the same best worker send it everything.

# %% [markdown]
# ## What we know now
#
# We asked which policy for which work. Equal tasks: round robin, which nothing here beats and which needs no answer to go on. The more tasks vary, the more it costs not to look. How late to choose depends on the way: with none, as late as possible; the longer it is, the more there is to say for sending a little ahead. Where one policy overtakes another holds for one load, one way and one kind of work.
#
# Both projects moved along this line. Sending ahead is early binding: pythonflow's author wanted less overhead of communication, Dask to keep CPUs and network busy; it could balance less well, and let workers steal from each other. Keeping back is late binding: Dask did it to save memory, and says that it slows things down.
#
# **One more question.** Your load is 0.3: most of the time most workers are idle. Does the policy matter?
#
# <details><summary>Think first, then open</summary>
#
# For equal tasks hardly. For unlike ones it does: round robin puts short tasks behind a long one although three workers are idle. Set the slider of the load to 0.3, and look at 82 ms.
#
# </details>
#
# **Your turn:** here, who looked at the counts kept tasks back, and who gave at once was blind. In [lab 9](../labs/09_policy.ipynb) no task may wait in the broker: write a policy that looks *and* gives at once. Then part III: [notice the dead](10_notice_the_dead.ipynb).

# %%
assert_all_quiet()
