"""Workers that take [id, payload] and answer [id, result], late, twice or never, by a plan."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import zmq


def result_of(payload: bytes) -> bytes:
    """What the check's workers make of a payload."""
    return payload[::-1]


class Plan:
    """What workers do with a task when it comes for the first, second … time.

    "answer" (also when the plan says no more), "forget", "twice", "stranger": a result for an
    unknown id, then the right one; or a number: answer after so many seconds. It goes by the
    task, not by the worker: who gets which task is not the check's to say.
    """

    def __init__(self, actions: Mapping[bytes, Sequence[str | float]] | None = None) -> None:
        self._left = {task: deque(some) for task, some in (actions or {}).items()}
        self._lock = threading.Lock()

    def next(self, task: bytes) -> str | float:
        """What to do with this task now."""
        with self._lock:
            left = self._left.get(task)
            return left.popleft() if left else "answer"


def work(ctx: Any, task_endpoint: str, result_endpoint: str, plan: Plan) -> None:
    """A worker that follows the plan until its context ends."""
    due: list[tuple[float, list[bytes]]] = []
    with ctx.socket(zmq.PULL) as tasks, ctx.socket(zmq.PUSH) as results:
        tasks.connect(task_endpoint)
        results.connect(result_endpoint)
        while True:
            wait = max(0.0, min(due)[0] - time.monotonic()) * 1000 + 1 if due else None
            if tasks.poll(wait):
                due += _answers(tasks.recv_multipart(), plan)
            now = time.monotonic()
            for answer in [answer for answer in due if answer[0] <= now]:
                due.remove(answer)
                results.send_multipart(answer[1])


def _answers(frames: list[bytes], plan: Plan) -> list[tuple[float, list[bytes]]]:
    """What is to be sent for one task, and when."""
    if len(frames) != 2:
        return []  # a rule sees it in the journal
    task, payload = frames
    answer = [task, result_of(payload)]
    now = time.monotonic()
    match plan.next(task):
        case "forget":
            return []
        case "twice":
            return [(now, answer), (now, list(answer))]
        case "stranger":
            return [(now, [task + b"?", b"nobody asked"]), (now, answer)]
        case "answer":
            return [(now, answer)]
        case seconds:
            return [(now + float(seconds), answer)]


def die(
    ctx: Any, task_endpoint: str, result_endpoint: str, after: int, dying: threading.Event
) -> None:
    """A worker that answers so many tasks at most, and dies with the others in its queue."""
    with ctx.socket(zmq.PULL) as tasks, ctx.socket(zmq.PUSH) as results:
        results.linger = 500  # milliseconds, for its last answer
        tasks.connect(task_endpoint)
        results.connect(result_endpoint)
        for _ in range(after):
            if not tasks.poll(200):
                break
            for _, answer in _answers(tasks.recv_multipart(), Plan()):
                results.send_multipart(answer)
        dying.wait()
