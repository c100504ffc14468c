"""Pictures of what happened: who got how much, who was busy when, how long it took, who told whom.

Each plot draws on Axes that it is given and states what was found in its title. To each belong a
text twin (`shares_text`, …), the same facts as a short table, and an alternative text
(`shares_alt`, …) for whom the picture is not to be seen. `show(shares, counts)` puts one into a
notebook. Times are in seconds.

All that a lesson needs for its pictures is to be had here; each kind of picture has a module of
its own, how they all look is in `look`, how a notebook shows them in `picture`.
"""

from .busy import busy, busy_alt, busy_text
from .curves import curves, curves_alt, curves_text
from .ecdf import ecdf, ecdf_alt, ecdf_text, percentile
from .heat import heat, heat_alt, heat_text
from .look import LINES, PALETTE, color, hatch
from .pair import pair, pair_alt, pair_text
from .picture import Picture, show, together
from .rows import dots, dots_alt, dots_text, stacked, stacked_alt, stacked_text
from .shares import shares, shares_alt, shares_text
from .spacetime import space_time, space_time_alt, space_time_text
from .strips import strips, strips_alt, strips_text
from .verdicts import verdicts, verdicts_alt, verdicts_text

__all__ = [
    "LINES",
    "PALETTE",
    "Picture",
    "busy",
    "busy_alt",
    "busy_text",
    "color",
    "curves",
    "curves_alt",
    "curves_text",
    "dots",
    "dots_alt",
    "dots_text",
    "ecdf",
    "ecdf_alt",
    "ecdf_text",
    "hatch",
    "heat",
    "heat_alt",
    "heat_text",
    "pair",
    "pair_alt",
    "pair_text",
    "percentile",
    "shares",
    "shares_alt",
    "shares_text",
    "show",
    "space_time",
    "space_time_alt",
    "space_time_text",
    "stacked",
    "stacked_alt",
    "stacked_text",
    "strips",
    "strips_alt",
    "strips_text",
    "together",
    "verdicts",
    "verdicts_alt",
    "verdicts_text",
]
