"""One message's way through a system: its envelope at each hop, beside what was on the wire."""

from __future__ import annotations

import html
from typing import NamedTuple

from zmqlab.envelope import show, show_html
from zmqlab.record.journal import Journal

from .record import Wire

MOST = 60  # steps that are shown before the rest is only counted


class Step(NamedTuple):
    """One place that the message passed: a program at a socket, or the wire between two."""

    time: float  # seconds on the monotonic clock
    where: str  # the participant, or "on the wire"
    what: str  # "REQ sends", "ROUTER receives"; for the wire, from whom to whom
    kind: str  # of the socket; "" on the wire
    frames: tuple[bytes, ...]


class Trail:
    """Steps in order of time; shows itself as text and as an HTML table.

    A sending counts from when the call began, a receiving from when it returned: what one
    message causes comes after it, however late a thread is in noting its time.
    """

    def __init__(self, steps: list[Step]) -> None:
        self.steps = sorted(steps, key=lambda step: step.time)

    def __len__(self) -> int:
        return len(self.steps)

    def _rest(self) -> str:
        more = len(self.steps) - MOST
        return f"… and {more} more steps" if more > 0 else ""

    def __repr__(self) -> str:
        steps = self.steps[:MOST]
        if not steps:
            return "(nobody sent or received anything)"
        where = max(len(step.where) for step in steps)
        what = max(len(step.what) for step in steps)
        lines = [
            f"{step.where:{where}}  {step.what:{what}}  {show(step.frames, step.kind)}"
            for step in steps
        ]
        return "\n".join([*lines, *filter(None, [self._rest()])])

    def _repr_html_(self) -> str:
        steps = self.steps[:MOST]
        if not steps:
            return "<em>(nobody sent or received anything)</em>"
        cell = "text-align:left;white-space:nowrap;vertical-align:middle;padding:.2em .8em;"
        rows = []
        for step in steps:
            wire = "" if step.kind else "font-style:italic;"
            where, what = (
                f'<td style="{cell}{wire}">{html.escape(text)}</td>'
                for text in (step.where, step.what)
            )
            frames = f'<td style="{cell}">{show_html(step.frames, step.kind)}</td>'
            rows.append(f"<tr>{where}{what}{frames}</tr>")
        if self._rest():
            rows.append(f'<tr><td colspan="3" style="{cell}">{self._rest()}</td></tr>')
        head = "".join(f'<th style="{cell}">{name}</th>' for name in ("where", "what", "frames"))
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def follow(journal: Journal, *wires: Wire) -> Trail:
    """The envelope at each hop of the journal, and the messages on the wires between.

    Made for one request at a time: give it `lab.journal` of an experiment with one request, or
    `lab.journal.story(frame)`, and `tap.wire` of each tap that stood between.
    """
    steps = [
        Step(
            hop.since if hop.way == "sent" else hop.time,
            hop.who,
            f"{hop.socket.kind} {'sends' if hop.way == 'sent' else 'receives'}",
            hop.socket.kind,
            hop.frames,
        )
        for hop in journal.hops
    ]
    for wire in wires:
        steps += [
            Step(message.time, "on the wire", wire.direction(message.way), "", message.frames)
            for message in wire.messages()
        ]
    return Trail(steps)
