# %% [markdown]
# # 0 · Start here: see who gets the next task
#
# One question runs through this course: **who gets the next task, and how do you know?** Where
# nobody asks it, one worker does everything, or all wait for the slowest, or a worker dies and its
# tasks with it; and no call reports an error.
#
# *You will do*: share out a hundred tasks among three workers, on this computer, in the next minute.
#
# *You will be able to*
# - run an experiment with real sockets and read its two pictures;
# - find your way through the course, and see how far you have come.
#
# *You need*: some Python, and nothing else. Wait until the bar at the bottom of the window says
# *Idle*: before that, a key goes nowhere. Then click on the cell below and press **Shift+Enter**: it
# runs, and you are in the next one. A cell that has run shows a number in its brackets.

# %%
import sys
import time

sys.path += ["..", "../.."]  # the course's own folder: found even where it was not installed
from zmqlab.learn import environment

environment.check()  # if something is missing, it says what, and how to repair it

import zmq

from zmqlab.learn import progress
from zmqlab.run import Arrivals, Experiment, assert_all_quiet
from zmqlab.show import Prediction, plots, watch

# %% [markdown]
# ## Three workers, a hundred tasks
#
# ZeroMQ is a library that carries messages between programs: no server stands between them, only
# sockets. A **PUSH** socket hands messages out; a **PULL** socket takes them in. Here is a
# **worker**, in plain pyzmq, ZeroMQ's Python package. A **task** is any message; the work is a nap
# of 20 milliseconds.

# %%
WORKERS = ["w1", "w2", "w3"]


def worker(ctx, endpoint):
    """Take a task, work, take the next, until the experiment ends."""
    with ctx.socket(zmq.PULL) as tasks:
        tasks.connect(endpoint)
        while True:
            tasks.recv()
            time.sleep(0.02)  # the work


# %% [markdown]
# > **Predict.** Three such workers, a hundred tasks. Nothing in the program says who gets which.
# > How many will w1 get? Click on the line, or use the arrow keys. No guess is fine, too.

# %%
share = Prediction("Tasks that w1 gets, of 100", low=0, high=100)
share

# %% [markdown]
# Now the run. The **feeder**, the program that hands the tasks out, **binds** an **endpoint**: it waits
# there for connections. The workers **connect** to it. An experiment is one cell with one `with`: it
# starts the workers, each in a thread of its own, and when the block ends, everything has ended. Run
# it as often as you like.

# %%
with Experiment("a hundred tasks") as lab:
    endpoint = lab.endpoint()
    for name in WORKERS:
        lab.start(name, worker, endpoint)
    with lab.ctx.socket(zmq.PUSH) as feeder:
        there = Arrivals(feeder)
        feeder.bind(endpoint)
        there.wait(3, patience=5)  # until all three are connected
        for number in range(100):
            feeder.send(b"task %d" % number)
        watch(lab, WORKERS, total=100)  # until they have got all of them

# %% [markdown]
# Each bar is a worker, and grew as its tasks came in. The dotted line is the **even share**: where
# all bars would end if everybody got the same. How far from it are they, and how far was your guess?

# %%
counts = lab.journal.counts(who=WORKERS)
print("tasks that arrived:", sum(counts.values()))
print("difference between the most and the least:", max(counts.values()) - min(counts.values()))
share.compare(counts["w1"])

# %% [markdown]
# A third each. The PUSH socket dealt the tasks out as one deals cards: one to each worker in turn,
# and around again. That is called **round robin**
# ([30/PIPELINE](https://rfc.zeromq.org/spec/30/)). It did not ask who was free, and it did not need
# to: these workers are all equally fast. Remember that. It will not stay so.
#
# ## Who was busy when
#
# While the sockets worked, a **journal** noted every message: when, by whom, what. All pictures are
# drawn from it. The second kind that you will often meet has time on its axis: coloured where a
# worker was busy, pale where it was idle.

# %%
plots.show(plots.busy, lab.journal.spans(WORKERS))

# %% [markdown]
# All three were busy from the beginning to the end, so no way of dealing could have been much
# faster. Where a row of such a picture is pale, a worker waits while there is work to do: that is
# what this course is about.
#
# ## Break it
#
# Let the feeder wait for a fourth worker, who never comes: in the cell with the `with`, write
# `there.wait(4, patience=5)`, and run it. The experiment ends after five seconds; the last lines of
# the error say what it waited for, and what came. Nothing is left behind: put the 3 back, run the
# cell again, and all is well.
#
# Tutorials have no such line. What their programs do without it is the question of lesson 01.
#
# ## Where you are
#
# Each **lesson** asks one question about balancing and answers it with experiments like this one.
# Its **lab** has a hole in it for your code, and a check that judges what your code does, not how it
# looks. When a lab passes, this map says so; run the cell again to see it.

# %% tags=["nbval-ignore-output"]
progress.map()

# %% [markdown]
# > **In practice.** Nothing leaves this computer: all sockets are on loopback, on ports that the
# > system chooses.
# >
# > - The square button stops a cell that takes too long. The workers end with it.
# > - A cell that behaves oddly: menu *Kernel*, *Restart Kernel and Run All Cells*.
# > - This is your own copy of the course, the folder `mine/`: change it as you like. `make reset
# >   NAME=01` gives you lesson and lab 01 as they were; what you wrote is set aside, not lost.
# > - What you have passed is kept there in `progress.json`. Delete it to begin anew.
#
# ## What now
#
# We asked who gets the next task. Now we know one answer: whoever's turn it is, of those that are
# connected. The shares were even, because all three were there from the start; and all was done
# soon, because they are equally fast. The next two lessons take these two away, one by one.
#
# An open question: the feeder sent all hundred tasks at once, long before they were done. Where
# were they in the meantime?
#
# <details><summary>An answer</summary>
#
# In **queues**, on the way: the PUSH socket keeps one for each worker that is connected, and each
# PULL socket keeps one of its own. A task was given to its worker when it was sent, not when the
# worker had time for it. Lesson 02 shows what that costs.
#
# </details>
#
# Go on with [lesson 01, Share out a hundred tasks](01_share_out.ipynb). The last cell of each lesson
# checks that the experiments left nothing behind.

# %%
assert_all_quiet()
