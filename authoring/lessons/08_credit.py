# %% [markdown]
# # 8 · Give a little ahead
#
# *You will do:* let a worker hold more than one request, calculate how many it takes, and find out what each more costs.
#
# *You will be able to*
# - say for how much of the time a worker is at work that holds k requests,
# - calculate the least credit that keeps up, and say for which work the calculation holds,
# - say what a broker can no longer take back.
#
# *You need:* lesson 7.

# %% [markdown]
# A developer of RabbitMQ calculates: a message needs 50 ms to a worker far away, 4 ms of work, and 50 ms for the acknowledgement. With one message at a time the worker is busy for 4 of 104 ms. With no limit, millions of messages may lie at the workers, and one that joins finds nothing to do
# ([Sackman, 2012](https://www.rabbitmq.com/blog/2012/05/11/some-queuing-theory-throughput-latency-and-bandwidth/)).
#
# One is too few, no limit is too many. So: **how many requests should a worker hold?**

# %%
import time
from statistics import fmean

import zmq

from zmqlab.balance import Credit, bimodal, constant, poisson, simulate
from zmqlab.run import Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots
from zmqlab.wire import Tap

WORKERS = ["w1", "w2", "w3", "w4"]
FLEET = {"w1": 0.002, "w2": 0.002, "w3": 0.050}  # seconds for one request

# %% [markdown]
# ## A worker that waits
#
# The worker of lesson 7 holds one request. When that is done, the answer travels to the broker, and the next request travels back. We call both together, a round trip, the **way**. As long as it takes, the worker does nothing.
#
# A **virtual clock** shows it: `simulate` calculates when each task begins and ends; a task is what a request asks for. There is no socket, so the numbers are the same on every machine. `travel` is one direction: half the way.
#
# > **Predict.** A task takes 1 ms, the way 5 ms. For how much of the time is a worker at work?

# %%
percent = Prediction("Percent of the time that a worker is at work", low=0, high=100)
percent


# %%
def at_work(spans, task):
    """The percentage of their time that four workers need for these tasks."""
    whole = max(span.end for span in spans) - min(span.start for span in spans)
    return 100 * len(spans) * task / (4 * whole)


def all_at_once(k, task, way, tasks=2000):
    """Who was busy when, if all tasks are there at the start and a worker may hold k."""
    return simulate(Credit(k), [0.0] * tasks, [task] * tasks, travel=way / 2).spans()


one = all_at_once(1, task=0.001, way=0.005, tasks=100)
title = f"One request at a time: at work for {at_work(one, 0.001):.0f} % of the time"
plots.show(plots.busy, one, title=title)
percent.compare(round(at_work(one, 0.001)))

# %% [markdown]
# A sixth: 1 ms of work, then 5 ms of way, and so on.
#
# Let the broker give more before an answer has come. How many requests a worker may hold is its **credit**, k. They are **outstanding**: given, and not answered. `Credit(k)` is a rule: the next request goes to the worker with the fewest outstanding; where all have k, it waits.
#
# One round takes task + way. In that time a worker now does k tasks, if there are enough. So it is at work for k · task / (task + way) of the time, at most for all of it. Is that so?

# %%
credits, ways = [1, 2, 3, 4, 5, 6, 8, 9, 12, 16], [0.001, 0.005, 0.015]
rows = {
    f"way {1000 * way:g} ms": [at_work(all_at_once(k, 0.001, way), 0.001) for k in credits]
    for way in ways
}
title = "Tasks of 1 ms: a longer way takes more credit"
options = {"along": "credit", "unit": "percent at work", "log": False}
plots.show(plots.curves, rows, at=credits, title=title, **options)

print("way 5 ms, percent at work")
print("clock:  ", *(f"{measured:4.0f}" for measured in rows["way 5 ms"]))
print("formula:", *(f"{min(100, 100 * k * 1 / (1 + 5)):4.0f}" for k in credits))

# %% [markdown]
# So it is. With one at a time nobody is at work all the time; with a way of 5 ms that takes six.
#
# ## How many are enough?
#
# Seldom do tasks come so fast that everybody must work all the time. All workers of a broker are its fleet. The fleet's **load** is the part of its time that the tasks need: 0.8 for four workers, tasks of 1 ms, and 3,200 tasks a second. It keeps up if its workers can be at work for longer:
#
# k · task / (task + way) > load, or **k > load × (1 + way / task)**
#
# Look at the **sojourn**, the time from a task's arrival to its answer. Where the fleet does not keep up, a queue grows as long as tasks come: four times the tasks make the mean sojourn about four times as long.
#
# > **Predict.** Tasks of 1 ms, a way of 5 ms, a load of 0.8. Calculate the smallest credit that keeps up.

# %%
smallest = Prediction("Smallest credit that keeps up, load 0.8", low=1, high=8)
smallest

# %%
TASK, WAY, LOAD = 0.001, 0.005, 0.8  # seconds, seconds, part of the time: change them


def sojourn(k, work, tasks, way, load):
    """Mean milliseconds from a task's arrival to its answer; tasks come at random moments."""
    arrivals = poisson(4 * load / work.mean, tasks)
    run = simulate(Credit(k), arrivals, work.costs(tasks), travel=way / 2)
    return 1000 * fmean(run.sojourns)


def least(work, way, load):
    """The smallest credit with which four times the tasks do not even double the sojourn."""
    for k in range(1, 31):
        if sojourn(k, work, 4000, way, load) < 2 * sojourn(k, work, 1000, way, load):
            return k
    return "more than 30"


table = ["credit   1,000 tasks   4,000 tasks: mean sojourn (ms)"]
for k in range(1, 9):
    few, many = (sojourn(k, constant(TASK), tasks, WAY, LOAD) for tasks in (1000, 4000))
    table.append(f"{k:6} {few:13.1f} {many:13.1f}")
print(f"calculated: more than {LOAD * (1 + WAY / TASK):.1f}", "", *table, sep="\n")
smallest.compare(least(constant(TASK), WAY, LOAD))

# %% [markdown]
# With 4 the queue grows, with 5 it does not: more than 4.8. Close to the limit it is still long; 6 is better, and 7 is no better than 6.
#
# Now you: set `LOAD` to 0.5, then to 0.95; set `WAY` to 0.001. Calculate the credit each time before you run the cell. Here are two loads and three ways at once.

# %%
charts = []
for load in (0.5, 0.9):
    rows = {
        f"way {1000 * way:g} ms": [sojourn(k, constant(0.001), 1000, way, load) for k in credits]
        for way in ways
    }
    bounds = ", ".join(f"{load * (1 + way / 0.001):.3g}" for way in ways)
    title = f"Load {load}: calculated, more than {bounds}"
    options = {"at": credits, "along": "credit", "unit": "mean sojourn (ms)", "title": title}
    charts.append(plots.Picture(plots.curves, rows, **options))
plots.show(plots.together(*charts, columns=1))

# %% [markdown]
# Each line falls until the credit is more than what was calculated. From there it is all but level: more credit gains next to nothing. Nor does it lose much here, where all tasks and all workers are alike.
#
# ## Tasks that vary
#
# Now nine tasks in ten take 0.2 ms, and one takes 8.2. The mean is 1 ms as before; load 0.8 and way 5 ms, too.
#
# > **Predict.** Which credit keeps up now?

# %%
if_they_vary = Prediction(
    "Smallest credit that keeps up when tasks vary", choices=["less than 5", "5", "more than 5"]
)
if_they_vary

# %%
alike, varied = constant(0.001), bimodal(0.001)
found = least(varied, 0.005, 0.8)
print("smallest credit that keeps up when tasks vary, on the virtual clock:", found)
rows = {
    name: [sojourn(k, work, 4000, 0.005, 0.8) for k in credits]
    for name, work in {"all alike": alike, "nine short, one long": varied}.items()
}
title, unit = f"Load 0.8, way 5 ms: when tasks vary, it takes {found}", "mean sojourn (ms)"
plots.show(plots.curves, rows, at=credits, along="credit", unit=unit, title=title)
if_they_vary.compare("more than 5" if found > 5 else "5" if found == 5 else "less than 5")

# %% [markdown]
# More. Five short tasks are done in 1 ms; the next ones are 5 ms away, and the worker stands still. A long one after that does not bring the time back. The calculation knows the mean alone, and gives the least. With that or less, no fleet keeps up. With more, a fleet does whose workers and tasks are alike; where tasks vary, it may take more still.
#
# ## A broker with credit
#
# In lesson 7's broker a list said who is idle. Here a count says how many each worker has outstanding.


# %%
def credit_broker(ctx, frontend, backend, credit):
    """Give each request to a worker that has credit left; with no credit left, read none."""
    outstanding = {}  # worker → requests that it has been given and has not answered
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            free = [worker for worker, count in outstanding.items() if count < credit]
            ready, _, _ = zmq.select([workers, clients] if free else [workers], [], [])
            if workers in ready:
                worker, _, *rest = workers.recv_multipart()
                if rest == [b"READY"]:
                    outstanding[worker] = 0
                else:  # an answer: [client, b"", answer]
                    outstanding[worker] -= 1
                    clients.send_multipart(rest)
            if clients in ready:
                client, _, question = clients.recv_multipart()
                outstanding[free[0]] += 1
                workers.send_multipart([free[0], b"", client, b"", question])


# %% [markdown]
# Given, one more; answered, one less. The broker takes the first worker that has credit left: the simplest choice, and not the best (lab 8).
#
# The worker must be a DEALER. A REQ shows its program one request, and when that is answered it throws away what has come meanwhile ([req.cpp](https://github.com/zeromq/libzmq/blob/v4.3.5/src/req.cpp)).


# %%
def work(ctx, endpoint, seconds):
    """Say READY once; answer each request after so many seconds. It may hold several."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        broker.send_multipart([b"", b"READY"])
        while True:
            *envelope, question = broker.recv_multipart()
            time.sleep(seconds)
            broker.send_multipart([*envelope, question + b", done"])


def ask_at_once(ctx, endpoint, requests):
    """Ask everything at once; return how many answers came."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        for number in range(requests):
            broker.send_multipart([b"", b"%d" % number])
        return sum(len(broker.recv_multipart()) == 2 for _ in range(requests))


# %% [markdown]
# A `Tap` is a relay between the workers and the broker that keeps every byte for a while: 10 ms in each direction here. A request takes 4 ms, so way / task is 5 again. Do live sockets do what the clock says?


# %%
def on_sockets(k):
    """As all_at_once, but on live sockets: 100 tasks of 4 ms, 10 ms away in each direction."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        with Tap(backend) as tap:
            tap.delay(0.010)
            lab.start("broker", credit_broker, frontend, backend, k)
            for name in WORKERS:
                lab.start(name, work, tap.endpoint, 0.004)
            heard = lab.journal.counts
            lab.until(lambda: heard(who=["broker"])["broker"] == 4, what="four READY")
            lab.start("c1", ask_at_once, frontend, 100).result(within=30)
    return lab.journal.spans(WORKERS)


few = [1, 2, 4, 8, 16]
rows = {
    "virtual clock": [at_work(all_at_once(k, 0.004, 0.020, 100), 0.004) for k in few],
    "live sockets": [at_work(on_sockets(k), 0.004) for k in few],
}
title = "Tasks of 4 ms, a way of 20 ms: the clock, and this machine"
options = {"along": "credit", "unit": "percent at work", "log": False}
plots.show(plots.curves, rows, at=few, title=title, **options)

# %% [markdown]
# On a quiet machine they do, nearly: a sleep of 4 ms takes a little longer, and a broker in Python needs time for each message.
#
# ## Break it: one worker is slow
#
# Lesson 7's fleet: 2, 2 and 50 ms for a request. 60 requests are there at once, and there is hardly any way. One at a time, w3 does few of them.
#
# > **Predict.** With a credit of 8: after how many milliseconds are all 60 done?

# %%
until_done = Prediction("Milliseconds for 60 requests, credit 8", low=0, high=1000, step=10)
until_done


# %%
def burst(k):
    """Ask 60 times at once; return who was busy when, and how many answers came."""
    with Experiment() as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", credit_broker, frontend, backend, k)
        heard = lab.journal.counts
        for number, name in enumerate(FLEET, 1):
            lab.start(name, work, backend, FLEET[name])
            lab.until(lambda n=number: heard(who=["broker"])["broker"] == n, what=f"{name}'s READY")
        answers = lab.start("c1", ask_at_once, frontend, 60).result(within=30)
    return lab.journal.spans(list(FLEET)), answers


charts, answered = [], {}
for k in (1, 8):
    spans, answered[k] = burst(k)
    title = f"Credit {k}: w3 did {sum(span.who == 'w3' for span in spans)} of 60 requests"
    charts.append(plots.Picture(plots.busy, spans, title=title, who=list(FLEET)))
plots.show(plots.together(*charts, columns=1))
print("answered of 60, by credit:", answered)
until_done.compare(round(1000 * (max(s.end for s in spans) - min(s.start for s in spans)), -1))

# %% [markdown]
# w3 is given eight requests almost at once, another for each answer while there are some, and needs 50 ms for each. The fast ones have soon done all the others. Then they are idle, and what w3 holds is bound: nobody can take it back.
#
# More credit is faster only while there is a way to hide: each unit hides one more task's worth of it. And each binds one more request **early**, before it is known who will be free for it. Where tasks or workers differ, that has a price. Lesson 9 goes on from there.

# %% [markdown]
# ## In practice
#
# - **Choose.** Measure the task and the way. Take the next whole number above load × (1 + way / task), for the highest load that you expect, and one more if that is close; where tasks vary, more still, and try it out. As long as the way is shorter than the task, 2 keeps up for tasks that are alike.
# - **Other names.** AMQP calls it prefetch count, ipyparallel `TaskScheduler.hwm`. ZeroMQ's high-water mark is something else: it counts what lies in a queue, not what is unanswered (lesson 2).
# - **With the worker goes all that it holds**: up to k requests, where lesson 7's broker loses one.
# - **Which of those with credit left?** Ten requests, three idle workers, a credit of 8: this broker gives the first eight, the second two, and the third nothing. `zmqlab.balance.brokers.by_policy` asks a rule of your choice, `Credit(8)` for example.

# %% [markdown]
# ## What we know now
#
# We asked how many requests a worker should hold. Enough that it has something to do while its answers travel: more than load × (1 + way / task), and that is the least. Not many more, for what it holds nobody else can do.
#
# **One more question.** Credit 1,000, and each request to the worker with the fewest outstanding. Which broker of the course is that, nearly?
#
# <details><summary>Think first, then open</summary>
#
# Lesson 5's: every request is bound as soon as it is there. But a DEALER keeps no count: it deals in turn, however much each worker has to do. This broker gives a slow worker fewer, once its count has grown. What that is worth, lesson 9 shows.
#
# </details>
#
# **Your turn:** [lab 8](../labs/08_credit.ipynb), a broker with credit for any client. Then [choose a policy](09_policy.ipynb).

# %%
assert_all_quiet()
