"""What may be done to a connection, and a plan of it that depends on nothing but its seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple


class Fault(NamedTuple):
    """Something to do to a connection just before a message passes.

    "delay": this direction waits `seconds`; "stall": both directions do; "cut": the connection
    is closed and the message is lost with all that was behind it.
    """

    kind: Literal["delay", "stall", "cut"]
    seconds: float = 0.0


# The fault before a message, given the link (1, 2, …), the way ("→", "←") and which message it is
# in this direction of this link (0, 1, 2 …).
Plan = Callable[[int, str, int], Fault | None]


@dataclass(frozen=True)
class Faults:
    """A plan of faults that depends on nothing but its seed and on which message it is.

    `cut`, `stall` and `delay` are probabilities for each message; the waits are drawn evenly
    from `seconds`. The same traffic meets the same faults, however fast it flows. Any other `Plan`
    may stand in its place: a function of (link, way, number).
    """

    seed: int
    cut: float = 0.0
    stall: float = 0.0
    delay: float = 0.0
    seconds: tuple[float, float] = (0.01, 0.1)

    def __call__(self, link: int, way: str, number: int) -> Fault | None:
        """The fault before the message `number` (0, 1, 2 …) in this direction of this link."""
        dice = Random(f"{self.seed} {link} {way} {number}")
        drawn, seconds = dice.random(), dice.uniform(*self.seconds)
        for kind, chance in (("cut", self.cut), ("stall", self.stall), ("delay", self.delay)):
            if drawn < chance:
                return Fault(kind, 0.0 if kind == "cut" else seconds)  # type: ignore[arg-type]
            drawn -= chance
        return None
