# %% [markdown]
# # 9 · Choose a policy
#
# *You will do:* run six policies on the same tasks, on a clock that needs no time and on real sockets.
#
# *You will be able to*
# - say for a given kind of work which policy keeps its latencies short, and why,
# - check a measurement against queueing theory, and a makespan against its lower bound,
# - choose a worker's credit.
#
# *You need:* lessons 2 and 8.

# %% [markdown]
# Two teams, the same question. In 2018 pythonflow replaced PUSH/PULL by a queue of idle workers ([pythonflow#23](https://github.com/spotify/pythonflow/pull/23)): each task waits in the broker until a worker is free for it. In 2016 Dask had gone the other way: it began to send
# "many more tasks onto the workers at once, rather than buffering them on the scheduler" ([distributed#717](https://github.com/dask/distributed/pull/717)), to keep the workers busy.
#
# Two opposite cures, by people who knew what they did. So the question is: **which policy, for which work?**

# %%
from random import Random
from statistics import fmean, stdev
from time import monotonic, sleep

import zmq

from zmqlab.balance.brokers import by_policy
from zmqlab.balance.clock import bimodal, constant, exponential, poisson, simulate
from zmqlab.balance.policy import (
    Credit,
    RoundRobin,
    at_random,
    least_loaded,
    least_recently_used,
    two_choices,
)
from zmqlab.balance.theory import makespan_bound, mg1, mmc
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, Sliders
from zmqlab.show.plots import Picture, busy, curves, ecdf, ecdf_text, percentile, show, together

# %% [markdown]
# ## A policy is a function
#
# A broker knows how many tasks each worker has outstanding: its **load**. Let a policy be a function of the loads, listed in the order of who became idle longest ago. It returns the index of the worker who gets the next task, or None: nobody yet, the task waits in the broker.
# Two of them, in full:


# %%
def anybody(loads, rng):
    """Any worker, each as likely as the others."""
    return rng.randrange(len(loads))


def idle_longest(loads, rng):
    """The worker who has been idle longest; while nobody is idle, nobody."""
    return loads.index(0) if 0 in loads else None


print("somebody is idle:", idle_longest([2, 0, 1, 0], Random(1)))
print("nobody is idle:  ", idle_longest([2, 1, 1, 3], Random(1)))

# %% [markdown]
# ## Work that is all alike
#
# Four workers, each task takes 10 ms, tasks arrive at random and keep the workers busy for 80 % of the time. All of this happens on a **virtual clock**: `simulate` calculates when each task would begin and end. The same seed gives the same numbers, to the last digit, on every
# machine.
#
# > **Predict.** Round robin is blind, `idle longest` never lets a worker stand idle beside a waiting task. How many of 2,500 tasks are done sooner by `idle longest`?

# %%
done_sooner = Prediction("Tasks of 2,500 that idle longest has done sooner", low=0, high=2500)
done_sooner

# %%
arrivals = poisson(rate=0.8 * 4 / 0.010, tasks=2500)
costs = constant(0.010).costs(2500)
turns = simulate(RoundRobin(), arrivals, costs).sojourns
queue = simulate(least_recently_used, arrivals, costs).sojourns

print(done_sooner.compare(sum(q < t - 1e-9 for q, t in zip(queue, turns, strict=True))))
print(ecdf_text({"round robin": turns, "idle longest": queue}))

# %% [markdown]
# Not one. Equal tasks end in the order in which they began, so the worker whose turn it is *is* the one who will be free first. For such work nobody can do better than round robin, and it does not even look. (A **sojourn** is the time from a task's arrival to its answer: what
# a client sees.)

# %% [markdown]
# ## Asking takes time
#
# So far a message took no time. Now let it travel for half a millisecond, to the worker and back. Round robin has its next task lying at the worker already. Who is idle has to say so, and wait. `run_all` lets four more policies of `zmqlab.balance.policy` do the same tasks.
#
# > **Predict.** Each task takes a millisecond more on its way. By how many milliseconds does the mean sojourn of `idle longest` grow?

# %%
grows_by = Prediction("Milliseconds that the mean of idle longest grows by", low=0.0, high=20.0)
grows_by

# %%
policies = {
    "round robin": RoundRobin(),
    "idle longest": least_recently_used,
    "credit 2": Credit(2),
    "least loaded": least_loaded,
    "two choices": two_choices,
    "at random": at_random,
}


def run_all(work, chosen=policies, *, load=0.8, workers=4, tasks=2500, travel=0.0005):
    """The sojourns of the same tasks under each of the chosen policies."""
    arrivals = poisson(load * workers / work.mean, tasks)
    costs = work.costs(tasks)
    return {
        name: simulate(choose, arrivals, costs, speeds=[1] * workers, travel=travel).sojourns
        for name, choose in chosen.items()
    }


alike = run_all(constant(0.010))
print(grows_by.compare(1000 * (fmean(alike["idle longest"]) - fmean(queue))))
print(ecdf_text(alike))
print(f"\nload, if each task takes 10 ms: 0.80; if it takes its worker 11: {0.8 * 11 / 10:.2f}")

# %% [markdown]
# Round robin wins. With `idle longest` a worker stands still for a round trip after each task, so the fleet has less to give, and near its limit every percent is paid for several times. That is what Dask meant.
#
# Giving a task away at once is **early binding**, keeping it until a worker is free is **late binding**. **Least loaded** gives it at once to the worker with the fewest tasks, **two choices** to the better of two that it draws, `at random` to anybody, and chance alone is worst by far. **Credit 2** is in between: it takes the least
# loaded, too, but keeps the task while everybody has two.

# %% [markdown]
# ## Work that varies
#
# The same load and the same mean, but now nine tasks in ten take 2 ms and one takes 82: most requests hit a cache, some do not.
#
# > **Predict.** Of 100 tasks dealt by round robin, 99 are done within how many milliseconds? With tasks all alike, the table above has it.

# %%
slowest = Prediction("p99 of round robin, bimodal work, in milliseconds", low=0, high=1000)
slowest

# %%
varied = run_all(bimodal(0.010))
print(slowest.compare(1000 * percentile(varied["round robin"], 99)))
print(ecdf_text(varied))
title = "Where work varies, who looks at the loads has the shorter tail"
Picture(ecdf, varied, title=title, what="sojourn, bimodal work", log=True)

# %% [markdown]
# Dealt in turn, short tasks stand behind a long one, while other workers are idle: **head-of-line blocking** ([navitia#348](https://github.com/hove-io/navitia/issues/348) explains it by the queues of a shop and of a ticket office). Look at two random workers, and half of it is gone; look at
# all, and more is.
#
# Compare the rows of `least loaded` and `credit 2`, too. The one has the shorter median, the other the shorter mean and p99. "Which is faster?" has no answer before somebody says what is to be short.

# %% [markdown]
# ## Theory says how much
#
# Is the clock right? With `at random`, each worker sees a random stream of its own: an **M/G/1** queue. Pollaczek and Khinchine found its mean wait in the 1930s: load / (1 − load) × (1 + variance / mean²) / 2 × mean. With one queue for all and exponential work it is **M/M/c**, solved by
# Erlang in 1917.


# %%
def on_the_clock(choose, work, runs=10):
    """The mean sojourn (ms), and by how much it may be off: 95 % of such intervals hold."""
    means = []
    for seed in range(runs):
        run = simulate(choose, poisson(320, 8000, seed), work.costs(8000, seed), seed=seed)
        means.append(1000 * fmean(run.sojourns[1000:]))  # it begins empty, the formula does not
    return f"{fmean(means):6.1f} ± {2.26 * stdev(means) / runs**0.5:4.1f}"


table = ["mean sojourn (ms)             clock   formula"]
for work in (constant(0.010), exponential(0.010), bimodal(0.010)):
    formula = 1000 * mg1(load=0.8, mean=0.010, scv=work.scv).sojourn
    table.append(f"at random, {work.name:12} {on_the_clock(at_random, work)} {formula:9.1f}")
formula = 1000 * mmc(load=0.8, mean=0.010, workers=4).sojourn
clock = on_the_clock(least_recently_used, exponential(0.010))
print(*table, f"idle longest, exponential{clock} {formula:9.1f}", sep="\n")

# %% [markdown]
# Each formula lies within what the clock can tell. And it says what to look at: the wait grows with the load, without end, and, for one worker, in proportion to 1 + **variance** / mean². For one queue before several workers that is a rule of thumb and no more: two kinds of work with the same mean and variance may wait differently ([Gupta and others, 2010](https://doi.org/10.1007/s11134-009-9133-x)).
#
# Round robin is the best for equal tasks here, and bad for unequal ones. Somewhere between, it stops to be the best. Where, depends on the load and on the way to the workers: here 0.8, and half a millisecond.
#
# > **Predict.** At which variance / mean² is that? Exponential work has 1, our bimodal work 5.76.

# %%
crossing = Prediction(
    "The variance / mean² from which round robin is no longer best", low=0.0, high=6.0, step=0.05
)
crossing

# %%
variances = [0, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8]
means = {name: [] for name in policies}
for variance in variances:
    for name, sojourns in run_all(bimodal(0.010, variance), tasks=5000).items():
        means[name].append(1000 * fmean(sojourns))

best = [min(means, key=lambda name: means[name][n]) for n in range(len(variances))]
for variance, name in zip(variances, best, strict=True):
    print(f"variance / mean² {variance:<4}  shortest mean: {name}")
print(crossing.compare(variances[best.index("credit 2")]))

# %%
Picture(
    curves,
    means,
    at=variances,
    along="variance / mean² of what tasks cost",
    unit="mean sojourn",
    beside="round robin",
    mark=(variances[best.index("credit 2")], "here round robin is no longer best"),
    title="Round robin is the best for equal tasks, and not for others",
    text="Line chart: the mean sojourn of six policies, by the variance of the work.",
)

# %% [markdown]
# ## Play with it
#
# Three sliders; at each move the first four policies do 2,000 tasks. Find a place where `idle longest` beats `credit 2`, and one where round robin has the shortest p99. What do more workers change at the same load?


# %%
def play(load, variance, workers):
    """The sojourns of the first four policies for this fleet."""
    first_four = dict(list(policies.items())[:4])
    work = bimodal(0.010, variance)
    sojourns = run_all(work, first_four, load=load, workers=workers, tasks=2000)
    return Picture(ecdf, sojourns, what="sojourn", log=True)


Sliders(play, load=(0.1, 0.95, 0.05, 0.8), variance=(0.0, 8.0, 0.25, 5.75), workers=(1, 16, 1, 4))

# %% [markdown]
# ## On real sockets
#
# A clock that knows of no operating system is easily right. So give the same policy objects to a broker with real sockets, and the same tasks, at the same moments, to real workers. A worker is a DEALER here: it may be sent a task while it has one. Its work is to sleep.


# %%
def worker(ctx, endpoint, name):
    """Sleep for as long as each task costs, and answer."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.routing_id = name
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


# %% [markdown]
# `by_policy` is the broker of lesson 7, but a policy names the worker. The journal knows when the client sent each task, and when the broker had its answer.


# %%
def run_live(choose, arrivals, costs):
    """The sojourns of these tasks with four workers, and whether each was answered."""
    with Experiment() as lab:
        front, back = lab.endpoint(), lab.endpoint()
        lab.start("broker", by_policy, front, back, choose, Random(1))
        for name in ("w1", "w2", "w3", "w4"):
            lab.start(name, worker, back, name.encode())
        lab.until(lambda: lab.journal.counts(who=["broker"])["broker"] == 4, what="four READY")
        answered = lab.start("client", client, front, arrivals, costs).result(within=30)
    sent, done = {}, {}
    for hop in lab.journal:
        if hop.who == "client" and hop.way == "sent":
            sent[hop.frames[1]] = hop.time
        elif hop.who == "broker" and hop.way == "received" and hop.frames[-1] in answered:
            done[hop.frames[-1]] = hop.time
    return [done[task] - sent[task] for task in sent], answered == set(sent)


# %% [markdown]
# Three kinds of work, three policies, 200 tasks of 5 ms each. Over loopback a message travels for about a tenth of a millisecond; the clock is told so.
#
# > **Predict.** For how many of the three kinds of work will round robin have the shortest mean on your machine?

# %%
ahead = Prediction("Kinds of work, of three, with round robin ahead", low=0, high=3)
ahead

# %%
arrivals, pictures, winners, all_answered = poisson(4 * 0.8 / 0.005, 200), [], [], []
three = {"round robin": RoundRobin(), "idle longest": least_recently_used, "credit 2": Credit(2)}
for work in (constant(0.005), exponential(0.005), bimodal(0.005)):
    clock, live = {}, {}
    for name, choose in three.items():
        clock[name] = simulate(choose, arrivals, work.costs(200), travel=0.0001).sojourns
        live[name], answered = run_live(choose, arrivals, work.costs(200))
        all_answered.append(answered)
    for where, sojourns in (("clock", clock), ("live", live)):
        winners.append(min(three, key=lambda name: fmean(sojourns[name])))
        title = f"{work.name}, {where}: {winners[-1]} is ahead"
        pictures.append(Picture(ecdf, sojourns, title=title, what="sojourn"))

print("every task answered in each of the nine runs:", all(all_answered))
print("shortest mean on the clock:", ", ".join(winners[::2]))
text = "Six charts of sojourns: constant, exponential and bimodal work, on the clock and live."
show(together(*pictures, text=text))
ahead.compare(winners[1::2].count("round robin"))

# %% [markdown]
# Left the clock, right your machine; ahead is who has the shortest mean. On a quiet machine the sockets see what the clock sees wherever the difference is clear. Where it is small, as with constant work, your machine decides.
#
# A busy machine wakes its sleepers late, so equal tasks are no longer equal, and it lets the broker wait for a processor, so each round trip takes longer. The one hurts round robin, the other `idle longest`. The clock has a number for each: the variance, and `travel`. That is what a model is for.

# %% [markdown]
# ## Break it: one worker is slow
#
# One of four workers takes five times as long, and 60 equal tasks are there from the start. No schedule is faster than the **lower bound**.
#
# > **Predict.** `least loaded` looks at every load. How many times the lower bound does it take?

# %%
times_the_bound = Prediction("least loaded, as a multiple of the lower bound", low=1.0, high=5.0)
times_the_bound

# %%
speeds, costs = [1, 1, 1, 0.2], [0.010] * 60
bound = makespan_bound(costs, speeds)
at_once = {
    name: simulate(choose, [0] * 60, costs, speeds=speeds) for name, choose in policies.items()
}
trickle = poisson(0.8 * sum(speeds) / 0.010, 2500)

print(times_the_bound.compare(at_once["least loaded"].makespan / bound))
print("\ntimes the bound, 60 at once;  mean sojourn, 2,500 one by one:")
charts = []
for name, choose in policies.items():
    times = f"{at_once[name].makespan / bound:.2f}"
    mean = fmean(simulate(choose, trickle, [0.010] * 2500, speeds=speeds).sojourns)
    print(f"{name:12} {times:>10} {1000 * mean:25.1f} ms")
    title = f"{name}: {times} times the lower bound"
    charts.append(Picture(busy, at_once[name].spans(), bound=bound, title=title))

text = "Two charts: who was busy when with least loaded, and with idle longest."
together(charts[3], charts[1], columns=1, text=text)

# %% [markdown]
# When all tasks are there at once, nobody has finished anything yet: all loads are alike, and looking at them tells nothing. `least loaded` deals like round robin. When the tasks come one by one, the slow worker's load stays high, and those who look at it get along. Who does not look at it gives the slow worker a quarter of the tasks, more than it can do: its queue grows without end.
#
# So two things count: **what** a policy looks at, and **how late** it decides.

# %% [markdown]
# ## In practice
#
# - **Measure the variance first**, then the round trip against the task. Work and workers all alike: PUSH or DEALER, nothing to build. Work that varies and takes much longer than the round trip: idle workers, credit 1. In between: a little credit, just more than load × (1 + way / task).
# - **You have met credit under other names.** `TaskScheduler.hwm` of ipyparallel, the prefetch count of AMQP, Dask's `worker-saturation`: in 2022 Dask returned to keeping tasks back, with a little more than one per thread ([distributed#7213](https://github.com/dask/distributed/issues/7213)).
# - **Two choices are for many brokers.** Several that all see the same least loaded worker send it everything at once; chance keeps them apart.
# - **No policy creates capacity.** From a load of 1 on, the queue grows without end under each of them. Then the question is whom to refuse.
# - **A load counts tasks, not work.** Where a task says what it will cost, let the broker add that up. Where workers differ, let it learn how fast each one is from its answers.

# %% [markdown]
# ## What we know now
#
# We asked which policy for which work. Equal tasks: round robin, which no policy beats and which needs no answer to go on. The more the tasks vary, the more it pays to decide late, and the price is a round trip for each task. A small credit buys most of both.
#
# Both teams of the beginning moved along this line, and each knew the price: whoever sends ahead keeps the workers busy and binds early (Dask then relied on taking tasks back from who had too many), whoever keeps back saves memory and decides late, and pays the way for each task.
#
# **One more question.** `idle longest` needs no loads, only an order. `least loaded` needs the loads. Which of the two can you build with REQ workers, and which one cannot?
#
# <details><summary>Think first, then open</summary>
#
# A REQ worker asks, gets one task, answers: it never has more than one outstanding, so `idle longest` is all that there is to choose. For `least loaded` without a limit, or a credit above 1, a worker must be able to receive a task while it has another. That is a DEALER, as here, and the broker must count what it
# has given to whom.
#
# </details>
#
# **Your turn:** [lab 9](../labs/09_policy.ipynb), write a policy that keeps within two budgets.

# %%
assert_all_quiet()
