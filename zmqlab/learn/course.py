"""The course's table: a row for each lesson and its lab. All else that lists them is made of it.

The map in lesson 00 and the table in README.md are, and so are the checks that `zmqlab.check`
offers and what the tests go through.
"""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """A part of the course, and the sockets that it is about."""

    title: str
    sockets: str = ""


class Chapter(NamedTuple):
    """A lesson, and its lab if it has one."""

    part: Part
    name: str  # of its sources and notebooks, without the ending
    title: str
    question: str
    lab: tuple[str, ...] = ()  # the contract of each function that a learner writes

    @property
    def number(self) -> str:
        """The two digits that lesson, lab and solution share."""
        return self.name[:2]

    @property
    def has_lab(self) -> bool:
        """Whether there is something to pass."""
        return bool(self.lab)

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions that a learner writes."""
        return tuple(contract.partition("(")[0] for contract in self.lab)


FRONT = Part("The front door")
ONE = Part("Part I: deal the tasks out", "PUSH / PULL")
TWO = Part("Part II: route the answers back", "ROUTER / DEALER")
THREE = Part("Part III: survive", "heartbeats, retries, contracts")

COURSE = (
    Chapter(FRONT, "00_start_here", "Start here", "What will I find out?"),
    Chapter(
        ONE,
        "01_share_out",
        "Share out a hundred tasks",
        "Does each worker get an equal share?",
        ("feed(ctx, endpoint, n_workers, tasks, patience)",),
    ),
    Chapter(
        ONE,
        "02_straggler",
        "Catch the straggler",
        "Does the slow worker get less than the others?",
        ("feed(ctx, endpoint, tasks, n_workers)", "worker(ctx, endpoint, work)"),
    ),
    Chapter(
        ONE,
        "03_know_when_done",
        "Know when the work is done",
        "When a worker dies, who has its tasks?",
        ("complete(ctx, task_endpoint, result_endpoint, tasks, patience)",),
    ),
    Chapter(
        TWO,
        "04_envelope",
        "Read an envelope",
        "How does an answer find its way back?",
        ("unwrap(frames)", "wrap(route, body)"),
    ),
    Chapter(
        TWO,
        "05_broker",
        "Build the broker",
        "Who answers when many clients ask many workers?",
        ("broker(ctx, frontend, backend)",),
    ),
    Chapter(
        TWO,
        "06_thrown_away",
        "Find what is thrown away",
        "What does a broker lose although nobody died?",
        ("broker(ctx, frontend, backend, lost)",),
    ),
    Chapter(
        TWO,
        "07_idle_worker",
        "Give the task to a free worker",
        "How does a broker know who is free?",
        ("broker(ctx, frontend, backend)",),
    ),
    Chapter(
        TWO,
        "08_credit",
        "Give a little ahead",
        "How many tasks should a worker hold?",
        ("broker(ctx, frontend, backend, credit)",),
    ),
    Chapter(
        TWO,
        "09_policy",
        "Choose a policy",
        "Which rule is best, and for which work?",
        ("choose(loads, rng)",),
    ),
    Chapter(
        THREE,
        "10_notice_the_dead",
        "Notice the dead",
        "Who says that a worker is alive?",
        (
            "queue(ctx, frontend, backend, interval, liveness)",
            "worker(ctx, endpoint, work, interval, liveness)",
        ),
    ),
    Chapter(
        THREE,
        "11_retry",
        "Retry without doing it twice",
        "Who asks again, and how often is it done?",
        (
            "ask(ctx, endpoint, request_id, body, patience, tries)",
            "serve(ctx, endpoint, do)",
        ),
    ),
    Chapter(
        THREE,
        "12_contract",
        "Serve by contract",
        "How do you know that a broker keeps a protocol?",
        (
            "broker(ctx, endpoint, interval, liveness)",
            "worker(ctx, endpoint, service, work, interval, liveness)",
            "client(ctx, endpoint, service, body, patience, tries)",
        ),
    ),
    Chapter(
        THREE,
        "13_store",
        "Keep what was promised",
        "What is a yes worth when the broker dies?",
        ("server(ctx, frontend, backend, path)",),
    ),
    Chapter(
        THREE,
        "14_standby",
        "Live on without the broker",
        "Who decides that the other one is dead?",
        ("react(state, event)",),
    ),
)
LABS = {chapter.number: chapter for chapter in COURSE if chapter.has_lab}
