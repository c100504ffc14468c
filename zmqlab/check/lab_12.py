"""Lab 12: a Majordomo broker, worker and client, each under the suite, then all three together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zmqlab.mdp import check_broker, check_client, check_worker
from zmqlab.mdp.broker_dialogue import IDLE_LONGEST
from zmqlab.mdp.client import OWN, TAKEN

from .conformance import Asking, Decided, Serving, findings, seen, seen_but
from .judge import Scenario, Trial, judge
from .majordomo import (
    INTERVAL,
    LIVENESS,
    PATIENCE,
    SERVICE,
    TRIES,
    Work,
    at_work,
    together,
    unanswered,
)
from .report import Finding, Report, failed, passed

TRY = 1.0  # seconds that a client waits for a reply
LIMIT = 25.0  # seconds after which a run of the suite begins no further scene

BINDS = "broker binds its endpoint"

CONTRACT = (
    "broker(ctx, endpoint, interval, liveness)",
    "worker(ctx, endpoint, service, work, interval, liveness)",
    "client(ctx, endpoint, service, body, patience, tries)",
)
HINTS = {
    "7.B01": "Print what your ROUTER receives. Which frame is whose, and which one goes out first?",
    "7.B05": "What goes to a worker, and on which occasions? READY is none of them.",
    "7.B07": "Where does a request stay while its service has no worker, and who looks there when "
    "one comes?",
    "7.B09": "Several requests wait. Which of them is first?",
    "7.B10": "Which message makes a worker idle? HEARTBEAT says that it is alive, no more.",
    "7.B12": "What does your broker know of that address already when READY comes? After "
    "DISCONNECT it is to know nothing of it: no place in a line, and no heartbeats.",
    "7.B13": "HEARTBEAT comes from somebody who never said READY. Who is to tell it so?",
    "7.B14": "What says that this worker holds a request at all?",
    "7.B15": "What does your broker remember of a worker, and what of it is gone after its REPLY?",
    "7.B16": "Where does your broker remember a worker? It has to leave all of these places.",
    "7.B17": "Where does your broker remember a worker? It has to leave all of these places.",
    "7.B18": "It says goodbye, and nobody knows it. What is there to do?",
    "7.B19": "Which line takes for granted that a frame is there, or what is in it?",
    "7.B2": "Who is told what, and when? Look at the branch that takes this message.",
    "7.B25": "A worker that works for long has only your heartbeats to know that you live.",
    "7.B26": "When does your broker look at the silent ones, and at how many of them?",
    "7.B27": "Which messages does your broker note as a sign of life, and of which workers?",
    "7.B28": "Which messages does your broker note as a sign of life?",
    "7.B30": "Whom does your broker evict: also who is busy? Then its late REPLY is a stranger's.",
    "7.B31": "A worker is evicted while it holds a request. Who knows that request then?",
    "7.B32": "At which message does a worker become idle? Where in the line does it stand then?",
    "8.": "What does your broker know of a service, and does it still know it when the last worker "
    "has gone?",
    "7.W03": "Whose answer it is stands in the REQUEST: hand that frame back as it came.",
    "7.W05": "How long does your worker wait for a message, and what does it do when none comes?",
    "7.W06": "Told to go, a worker says nothing more. It closes its socket, and begins anew.",
    "7.W08": "Which line takes for granted that a frame is there, or what is in it?",
    "7.W09": "What does your worker note as a sign of life of the broker?",
    "7.W10": "How does your worker find out that nobody is there any more, and what does it do?",
    "7.C0": "What has to stand before the service, with your kind of socket?",
    "7.C05": "Two questions are alike to the one who answers. What tells their replies apart? Not "
    "the frames: only on which socket they come.",
    "7.C06": "Which frames of a reply do you look at before you take it?",
    "7.C07": "Which frames of a reply do you look at before you take it?",
}

# What the suite leaves open, and this course decides.
OF_BROKERS: Decided = {
    "7.B25": ("busy workers are sent HEARTBEATs, too", seen("yes")),
    "7.B31": ("the request of a dead worker is given to another", seen("yes")),
    "7.B32": ("the worker that has been idle longest is next", seen(IDLE_LONGEST)),
}
OF_WORKERS: Decided = {
    "7.W07": (
        "where the broker has been silent for longer than liveness x interval, READY comes anew",
        lambda result: result.verdict == "passed" or not result.scene,  # or was never tried
    )
}
OF_CLIENTS: Decided = {
    "7.C05": ("the late reply to one question is not taken for another's", seen(OWN)),
    "7.C06": ("a reply of another service is not taken", seen_but(TAKEN)),
}


def lab12(broker: Any, worker: Any, client: Any) -> Report:
    """Check a Majordomo `broker`, a `worker` and a `client`; CONTRACT has their arguments.

    Each by the conformance suite `zmqlab.mdp` with heartbeats every 200 ms and a liveness of 5,
    and by what this lab decides; then all three together. Takes about 25 s, at most 60, and ends
    at the first rule that is broken.
    """
    return _judge((broker, worker, client), SCENARIOS)


def alone(title: str) -> Callable[..., Report]:
    """The check's scenario of this title, and no other."""
    chosen = [scenario for scenario in SCENARIOS if scenario.title == title]
    return lambda *functions: _judge(functions, chosen)


def _judge(functions: Iterable[Any], scenarios: Iterable[Scenario]) -> Report:
    return judge("lab12", dict(zip(CONTRACT, functions, strict=True)), list(scenarios))


# ------------------------------------------------------------------ by the suite


def the_broker(broker: Any, worker: Any, client: Any) -> list[Finding]:
    """The rules of 7/MDP and 8/MMI, and what this course decides of the open ones."""
    with Trial("suite") as place:
        serving = Serving("broker", broker, INTERVAL, LIVENESS, endpoint=place.endpoint())
        found = check_broker(
            serving,
            heartbeat=INTERVAL,
            patience=PATIENCE,
            skip=["7.B08"],  # requests do not expire here
            require=["8"],
            strict=True,
            first=True,
            limit=LIMIT,
        )
    if found.absent:
        why = next(iter(found.results.values())).evidence
        return serving.wrong or [failed(BINDS, why, "A ROUTER, and `bind`, at `endpoint`.")]
    return findings(found, serving, HINTS, OF_BROKERS) or [
        passed("broker keeps 7/MDP and 8/MMI", "every must, implied and should"),
        passed("broker keeps what this course decides", ", ".join(OF_BROKERS)),
        passed("broker waits without using the processor, and ends with its context", "as asked"),
    ]


def the_worker(broker: Any, worker: Any, client: Any) -> list[Finding]:
    """The rules of 7/MDP for workers."""
    serving = Serving("worker", worker, SERVICE, Work(), INTERVAL, LIVENESS)
    found = check_worker(
        serving,
        service=SERVICE,
        heartbeat=INTERVAL,
        patience=PATIENCE,
        discover=PATIENCE,
        skip=["7.W11"],  # of a long work: see below
        strict=True,
        first=True,
        limit=LIMIT,
    )
    if found.absent and serving.wrong:
        return serving.wrong
    return findings(found, serving, HINTS, OF_WORKERS) or [
        passed("worker keeps 7/MDP", "every must, implied and should"),
        passed("worker keeps what this course decides", ", ".join(OF_WORKERS)),
        passed("worker waits without using the processor, and ends with its context", "as asked"),
    ]


def the_client(broker: Any, worker: Any, client: Any) -> list[Finding]:
    """The rules of 7/MDP for clients, and what this course decides of the open ones."""
    asking = Asking(client, TRY, TRIES)
    found = check_client(
        asking,
        service=SERVICE,
        patience=TRY * TRIES + 2 * PATIENCE,
        strict=True,
        first=True,
        limit=LIMIT,
    )
    if found.absent and asking.wrong:
        return asking.wrong
    return findings(found, asking, HINTS, OF_CLIENTS) or [
        passed("client keeps 7/MDP", "every must and should"),
        passed("client keeps what this course decides", ", ".join(OF_CLIENTS)),
    ]


SCENARIOS = [
    Scenario("the broker, by the suite", the_broker, again=True),
    Scenario("the worker, by the suite", the_worker, again=True),
    Scenario("the worker, at a long work", at_work, again=True),
    Scenario("the client, unanswered", unanswered, again=True),
    Scenario("the client, by the suite", the_client, again=True),
    Scenario("all three together", together, again=True),
]
