# %% [markdown]
# # Lab 9 · Write a policy
#
# *Goal:* write the policy that lesson 9 left out: it looks at what the workers have outstanding, *and* gives each task at once. Keep within two budgets: the mean for work that is all alike, and the p99 for work that varies.
#
# *You need:* [lesson 9](../notebooks/09_policy.ipynb). *Time:* 15 minutes.

# %%
from random import Random
from statistics import fmean

from zmqlab import check
from zmqlab.balance import (
    Credit,
    RoundRobin,
    best_split,
    bimodal,
    constant,
    least_recently_used,
    makespan_bound,
    poisson,
    simulate,
)
from zmqlab.run import assert_all_quiet
from zmqlab.show import plots

# %% [markdown]
# ## The contract
#
# `choose(loads, rng)` returns an index.
#
# - `loads` is a list of whole numbers, one for each worker there is, at least one: how many tasks that worker has outstanding (the lesson's list `outstanding`). The worker who became idle longest ago comes first, so who is where changes all the time. Leave the list as it is: the broker keeps the books.
# - `rng` is a `random.Random`. Draw from it if you need chance, and take chance from nowhere else. Keep nothing from one call to the next. Then every run can be repeated.
# - The task is given away at once: here no task waits in the broker, so there is no None. With everybody busy, somebody gets one more. So none of the lesson's policies will do: `idle longest` and `credit 2` keep tasks back, round robin looks at nothing and remembers whose turn it is.
#
# ```python
# choose([3], rng)           # 0: there is nobody else
# choose([1, 1, 0], rng)     # whatever your policy says, but one of 0, 1, 2
# choose([5, 5, 5, 5], rng)  # one of 0, 1, 2, 3
# ```

# %% [markdown]
# ## The budgets
#
# The check runs your policy and round robin on the same 60,000 tasks, with four workers and no way, on the virtual clock. It gives the same answer on every machine. (The load of the table is the part of the workers' time that the tasks need.)
#
# | work | load | your budget | why |
# |---|---|---|---|
# | constant | 0.5 and 0.8 | mean: 1.3 times round robin's | nobody can do better than round robin here; who looks at loads pays a little, who looks at none and draws at random pays too much |
# | bimodal | 0.8 | p99: 0.75 times round robin's | round robin is blind; who looks at some of the loads gets below this, at all of them far below |
#
# And with one task at a time, when every choice is as fast, nobody is left out: each worker gets at least half of an even share.


# %%
def choose(loads: list[int], rng: Random) -> int:
    """The index of the worker who gets the next task."""
    ### BEGIN SOLUTION
    least = min(loads)
    return loads.index(least)
    ### END SOLUTION


# %%
report = check.lab09(choose)
report

# %% [markdown]
# <details><summary>Hint 1: where to begin</summary>
#
# Of two workers, one has three tasks to do and the other has one. You know nothing else. Who is likely to begin with yours first?
#
# </details>
#
# <details><summary>Hint 2: it begins well and then takes for ever</summary>
#
# Look at the question that the check calls hardest to justify. Does your function look at the loads, or at where the workers stand? The first in the list became idle longest ago, and may have been busy ever since.
#
# </details>
#
# <details><summary>Hint 3: within the budgets, but somebody is left out</summary>
#
# With one task at a time all loads are 0. Which of several equal ones does your comparison take: the first or the last? Which of the two has waited longer?
#
# </details>
#
# <details><summary>Hint 4: where to look it up</summary>
#
# `min`, `enumerate` and `list.index` in Python's documentation; `min(range(n), key=...)` is one idiom, a loop is as good.
#
# </details>

# %% [markdown] tags=["solution-only"]
# ## How it works
#
# Two lines: the smallest count, and the first place where it stands. `list.index` returns the *first*, and the list is in the order of who became idle longest ago, so of equal workers the one gets the task who has waited longest. That is all that "least loaded, ties to the least recently used" means.
#
# Other right answers: `min(range(len(loads)), key=loads.__getitem__)`; any of the least loaded, by `rng.choice`; **two choices**, the less loaded of two workers drawn from `rng`, which keeps within both budgets without looking at everybody; or an idle worker if there is one, else anybody.

# %% [markdown]
# ## Beside the lesson's policies
#
# The same tasks, one in ten of them long, with a way of 1 ms. Which of the four is the fastest?

# %%
if report:
    arrivals, costs = poisson(320, 5000), bimodal(0.010).costs(5000)
    policies = {"round robin": RoundRobin(), "idle longest": least_recently_used}
    policies |= {"credit 2": Credit(2), "yours": choose}
    sojourns = {
        name: simulate(policy, arrivals, costs, travel=0.0005).sojourns
        for name, policy in policies.items()
    }
    print(plots.ecdf_text(sojourns))
else:
    print("First let the check pass.")

# %% [markdown]
# ## Now break it
#
# The same function, another fleet: one of the four workers takes five times as long, and all tasks are there at the start. How far is it from the lower bound, and who does the work?

# %%
seconds, tasks = [0.010, 0.010, 0.010, 0.050], 60
if report:
    speeds = [0.010 / each for each in seconds]
    run = simulate(choose, [0] * tasks, constant(0.010).costs(tasks), speeds=speeds)
    bound = makespan_bound([0.010] * tasks, speeds)
    print(f"makespan: {run.makespan / bound:.2f} times the lower bound")
    print(f"mean sojourn: {1000 * fmean(run.sojourns):.0f} ms")
    print("tasks per worker:", *run.counts().values())
    print("the best split:  ", *best_split(tasks, seconds))
else:
    print("First let the check pass.")

# %% [markdown]
# ## Think about it
#
# 1. Your policy looked at loads. Why did that not help here?
# 2. What would the broker have to know, or to do, to come near the bound?
# 3. Lesson 9's `credit 2` and yours: which is faster, for one long task in ten?
# 4. Ten brokers, each with its own `choose`, share a hundred workers, and learn the loads from each other a moment too late. What do ten least-loaded policies do?

# %% [markdown] tags=["solution-only"]
# **Answers.**
#
# 1. All tasks came before any was done. So the counts said only how many had been given to whom, and never differed by more than one: nothing in them told who was slow, and the slow worker got a quarter of the tasks.
# 2. Either decide later, with a credit: what is still in the broker can go to whoever turns out to be fast. Or know more: how long each worker takes, from its answers so far, and give the task to the worker who is expected to be done with it first.
# 3. "Faster" has no answer before somebody says what is to be short. Giving at once has the shorter median here: most tasks do not lie behind a long one, and get through; those that do wait very long. Keeping back shares the waiting out, and has the shorter mean and p99.
# 4. All ten see the same worker as the least loaded one and give it their next tasks, until word gets round; then all rush to the next. Two choices spread them: each looks at another pair.

# %%
assert_all_quiet()
