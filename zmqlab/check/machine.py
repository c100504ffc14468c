"""Was it the machine? What threads do while a check waits: run, wait, or stand in line to run.

    watch = Watch()            # before the program under test begins
    … the program begins, the check waits for something in vain …
    watch.rests()              # all its threads wait: what has not come is not coming
    lap = watch.lap()          # and from here on:
    lap.late                   # seconds that others had the processor: the machine's doing
    lap.busy                   # the part of the time that the busiest thread ran: the program's

Linux tells all this of each thread. Elsewhere the answers are those of a machine at leisure.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple


class Used(NamedTuple):
    """Seconds that a thread has run, and that it has stood in line to run."""

    ran: float
    in_line: float  # counted when the line has come to its end
    wants_to_run: bool = False  # at this moment


def used_by_all(pid: int | str = "self", but: Container[int] = ()) -> dict[int, Used]:
    """What each thread of a process has used so far, but for these; {} where nothing tells."""
    found = {}
    for thread in _threads(pid):
        if thread not in but:
            with contextlib.suppress(OSError, IndexError, ValueError):  # it may end meanwhile
                about = f"/proc/{pid}/task/{thread}"
                ran, in_line = Path(about, "schedstat").read_text().split()[:2]
                wants = _state(about) == "R"
                found[thread] = Used(int(ran) / 1e9, int(in_line) / 1e9, wants)
    return found


def _threads(pid: int | str) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    return []


def _state(about: str) -> str:
    """R: it runs or stands in line to run; D: it waits for the disk; others wait otherwise."""
    return Path(about, "stat").read_text().rpartition(")")[2].split()[0]


class Watch:
    """Looks at the threads that came since it was made, and at those of `pids`.

    here: False for those of `pids` alone.
    """

    def __init__(self, *, here: bool = True) -> None:
        self.here = here
        self.pids: list[int] = []
        self._before = {*_threads("self"), threading.get_native_id()}

    def look(self) -> dict[int, Used]:
        """What each of them has used so far, by its number in the system."""
        found = used_by_all("self", self._before) if self.here else {}
        for pid in self.pids:
            found |= used_by_all(pid)
        return found

    def rests(self) -> bool:
        """Whether none wants to run or waits for the disk: each waits for another or a message."""
        pids: list[int | str] = [*(["self"] if self.here else []), *self.pids]
        for pid in pids:
            for thread in _threads(pid):
                with contextlib.suppress(OSError, IndexError):
                    if (pid != "self" or thread not in self._before) and _state(
                        f"/proc/{pid}/task/{thread}"
                    ) in "RD":
                        return False
        return True

    def lap(self, threads: Iterable[threading.Thread] | None = None) -> Lap:
        """What they do from now on; of these threads alone, where some are named."""
        return Lap(self, threads)


class Lap:
    """What watched threads have done since it began."""

    def __init__(self, watch: Watch, threads: Iterable[threading.Thread] | None = None) -> None:
        self.watch = watch
        self.only = None if threads is None else {thread.native_id for thread in threads}
        self.before, self.began = self._look(), time.monotonic()

    def _look(self) -> dict[int, Used]:
        used = self.watch.look()
        if not used:  # the system does not say: all that the process has used
            return {0: Used(time.process_time(), 0.0)}
        return {n: u for n, u in used.items() if self.only is None or n in self.only}

    @property
    def seconds(self) -> float:
        """How long it is since it began."""
        return time.monotonic() - self.began

    @property
    def late(self) -> float:
        """Seconds that a thread stood in line that wanted little; see `out_of_turn`."""
        return out_of_turn(self.before, self._look(), self.seconds)

    @property
    def busy(self) -> float:
        """The part of the time that the busiest of them ran; see `busy_part`."""
        return busy_part(self.before, self._look(), self.seconds)

    @property
    def ran(self) -> float:
        """Seconds that the busiest of them ran."""
        after = self._look()
        return max((after[n].ran - u.ran for n, u in self.before.items() if n in after), default=0)

    @property
    def starved(self) -> bool:
        """Whether one has stood in line for so long that it is not known yet what it would do."""
        return starved(self.before, self._look(), self.seconds)


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
