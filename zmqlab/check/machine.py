"""Was it the machine? How long threads have run, and stood in line for a processor."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Used(NamedTuple):
    """Seconds that a thread has run, and that it has stood in line to run."""

    ran: float
    in_line: float  # counted when the line has come to its end
    wants_to_run: bool = False  # at this moment


def used_by(thread: threading.Thread) -> Used:
    """What a thread has used so far; where the system does not say, all that the process has."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return Used(time.process_time(), 0.0)
    ran = time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0))
    about = Path(f"/proc/self/task/{thread.native_id}")
    try:
        in_line = int((about / "schedstat").read_text().split()[1]) / 1e9
        state = (about / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError, ValueError):
        return Used(ran, 0.0)
    return Used(ran, in_line, state == "R")


def used_by_all() -> dict[int, Used]:
    """What each thread of this process has used so far; {} where the system does not say."""
    found = {}
    for about in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            ran, in_line = about.read_text().split()[:2]
            found[int(about.parent.name)] = Used(int(ran) / 1e9, int(in_line) / 1e9)
    return found


def out_of_turn(before: Mapping[int, Used], after: Mapping[int, Used], seconds: float) -> float:
    """How long a thread stood in line that wanted little and got it late; 0 if none did.

    Late is more than half of the time, little less than a tenth: a thread that never waits stands
    in line as well, and has only itself to blame.
    """
    late = [0.0]
    for thread, then in before.items():
        now = after.get(thread, then)
        if now.ran - then.ran < seconds / 10 and now.in_line - then.in_line > seconds / 2:
            late.append(now.in_line - then.in_line)
    return max(late)


def starved(before: Mapping[int, Used], after: Mapping[int, Used], seconds: float) -> bool:
    """Whether a thread wants to run and has stood in line for so long that it is not known yet."""
    return any(
        after[thread].wants_to_run and sum(after[thread][:2]) - sum(then[:2]) < seconds / 2
        for thread, then in before.items()
        if thread in after
    )


def busy_part(before: Mapping[int, Used], after: Mapping[int, Used], seconds: float) -> float:
    """The part of the time in which the busiest of some threads ran, 0 to 1.

    What it stood in line for a processor does not count: on a loaded machine a thread that never
    waits for anything else gets little of one, and yet all that it can.
    """
    parts = [0.0]
    for thread, then in before.items():
        now = after.get(thread, then)
        parts.append((now.ran - then.ran) / max(1e-3, seconds - (now.in_line - then.in_line)))
    return min(1.0, max(parts))
