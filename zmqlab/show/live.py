"""Shares that grow while sockets run.

Widgets belong to the main thread. No thread of an experiment touches one, and nothing here touches
a socket: the journal is read, at most 20 times a second, by the cell that waits.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.display import DisplayHandle

from zmqlab.record.journal import Journal, Way

from .look import color
from .picture import Picture
from .shares import shares
from .widget import WIDGET_VIEW, bundle, close

if TYPE_CHECKING:
    from zmqlab.run.experiment import Experiment

__all__ = ["WIDGET_VIEW", "ShareView", "bars", "bundle", "watch"]

REFRESH = 0.05  # seconds at least between two pictures


class ShareView:
    """The messages of each participant, as bars that grow while sockets run.

    who: the participants, in the order of their bars; nobody else is counted.
    way: "received" or "sent".
    title: what the still picture says above its bars, by default what they show; or a function
    of the counts that says it.
    unit: what is counted.
    total: how many there will be, all together, if that is known: then the bars grow towards the
    even share at the end; without it they are drawn beside the longest of the moment.

    `show()` puts the bars into the output of the cell, `refresh()` brings them up to date,
    `finish()` puts a still picture in their place. `watch` does all three.
    """

    def __init__(
        self,
        journal: Journal,
        who: Sequence[str],
        *,
        way: Way = "received",
        title: str | Callable[[Mapping[str, int]], str] | None = None,
        unit: str = "tasks",
        total: int | None = None,
    ) -> None:
        self.journal = journal
        self.who = list(who)
        self.way = way
        self.title = title
        self.unit = unit
        self.total = total
        self.pictures = 0  # how many the browser has been sent
        self._next = 0.0  # not before this time (seconds, monotonic clock)
        self._widget: widgets.HTML | None = None
        self._handle = DisplayHandle()

    @property
    def counts(self) -> dict[str, int]:
        """Messages of each participant so far."""
        return self.journal.counts(self.way, self.who)

    def __repr__(self) -> str:
        return f"Figure: {self.unit} {self.way} by {', '.join(self.who)}."

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return bundle(self._widget, repr(self)) if self._widget else {"text/plain": repr(self)}

    def show(self) -> None:
        """Put the bars into the output of the running cell."""
        self._widget = widgets.HTML(self._moving())
        self._handle.display(self)

    def refresh(self) -> None:
        """Draw the bars anew, unless that was done a moment ago; call it as often as you like.

        At most 20 pictures a second, and at most a quarter of the time is spent on them.
        """
        began = time.monotonic()
        if self._widget is None or began < self._next:
            return
        picture = self._moving()
        if picture != self._widget.value:
            self._widget.value = picture
            self.pictures += 1
        spent = time.monotonic() - began
        self._next = began + max(REFRESH, 4 * spent)

    def finish(self) -> None:
        """Leave the bars as a still picture, and end the moving one."""
        if self._widget is None:
            return
        counts = self.counts
        title = self.title(counts) if callable(self.title) else self.title
        still = Picture(shares, counts, title=title, unit=self.unit, text=repr(self))
        moving, self._widget = self._widget, None
        # First the words: what shows a widget on the page hides itself when that widget ends.
        self._handle.update(self)
        self._handle.update(still)
        close(moving)

    def _moving(self) -> str:
        """The bars as SVG; a page that is asked for less motion shows a sentence instead."""
        drawn = bars(self.counts, f"{self.unit} {self.way}", self.total)
        return (
            "<style>.zmqlab-still{display:none}@media(prefers-reduced-motion:reduce)"
            "{.zmqlab-moving{display:none}.zmqlab-still{display:block}}</style>"
            f'<div class="zmqlab-moving">{drawn}</div>'
            '<p class="zmqlab-still">The sockets are at work; the picture appears when they '
            "are done.</p>"
        )


def watch(
    lab: Experiment,
    who: Sequence[str],
    *,
    until: Callable[[], object] | None = None,
    within: float = 5.0,
    what: str = "",
    way: Way = "received",
    title: str | Callable[[Mapping[str, int]], str] | None = None,
    unit: str = "tasks",
    total: int | None = None,
) -> None:
    """Wait as `lab.until` does, and show meanwhile how many messages each participant has had.

    To be called in the cell that runs the experiment, inside its `with`. The arguments are those
    of `Experiment.until` and of `ShareView`; without `until` it waits for `total` messages.
    """
    if until is None and total is None:
        raise TypeError("watch() needs to know when it is over: total=… or until=…")
    view = ShareView(lab.journal, who, way=way, title=title, unit=unit, total=total)
    view.show()

    def seen() -> object:
        view.refresh()
        return until() if until else sum(view.counts.values()) >= (total or 0)

    try:
        lab.until(seen, within, what or ("" if until else f"{total} {unit} {way}"))
    finally:
        view.finish()


def bars(counts: Mapping[str, int], what: str, total: int | None = None) -> str:
    """One bar for each participant with its count, and a dotted line at the even share, as SVG.

    total: what the counts will add up to; the line stands where the bars will then end.
    """
    even = (sum(counts.values()) if total is None else total) / max(1, len(counts))
    longest = max(*counts.values(), even, 1)
    height = 26 * len(counts)

    def x(count: float) -> float:
        return 90 + 430 * count / longest

    rows = "".join(
        f'<text x="82" y="{26 * row + 18}" text-anchor="end">{html.escape(name)}</text>'
        f'<rect x="90" y="{26 * row + 3}" width="{x(count) - 90:.1f}" height="20" '
        f'fill="{color(name)}" stroke="currentColor"/>'
        for row, (name, count) in enumerate(counts.items())
    )
    numbers = "".join(  # over the line, on a ground of their own
        f'<text x="{x(count) + 6:.1f}" y="{26 * row + 18}" style="paint-order:stroke;'
        f'stroke:var(--jp-layout-color0,transparent);stroke-width:5px">{count}</text>'
        for row, count in enumerate(counts.values())
    )
    told = ", ".join(f"{html.escape(name)} {count}" for name, count in counts.items())
    return (
        f'<svg viewBox="0 0 580 {height + 20}" width="580" role="img" aria-label="{what}: {told}" '
        'style="max-width:100%;font-size:13px;fill:currentColor">'
        f'{rows}<line x1="{x(even):.1f}" x2="{x(even):.1f}" y1="0" y2="{height}" '
        f'stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 3"/>{numbers}'
        f'<text x="{x(even):.1f}" y="{height + 15}" text-anchor="middle">even share</text></svg>'
    )
