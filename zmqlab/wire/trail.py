"""One message's way through a system: its envelope at each hop, beside what was on the wire."""

from __future__ import annotations

import html
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from zmqlab.envelope import show, show_html
from zmqlab.record.journal import Hop, Journal

from .record import Wire

MOST = 60  # rows that are shown before the rest is only counted


class _Row(NamedTuple):
    """One place that the message passed, as it is told."""

    where: str  # the participant, or "on the wire"
    what: str  # "REQ sends", "ROUTER receives"; for the wire, from whom to whom
    kind: str  # of the socket; "" on the wire
    frames: tuple[bytes, ...]


class Trail:
    """Hops of programs and messages on wires, in order; shows itself as text and an HTML table."""

    def __init__(self, hops: Iterable[Hop], wires: Iterable[Wire] = ()) -> None:
        passed = [(hop.moment, _told(hop)) for hop in hops]
        for wire in wires:
            passed += [
                (message.time, _Row("on the wire", wire.direction(message.way), "", message.frames))
                for message in wire.messages()
            ]
        self._rows = [row for _, row in sorted(passed, key=itemgetter(0))]

    def __len__(self) -> int:
        return len(self._rows)

    def _rest(self) -> str:
        more = len(self._rows) - MOST
        return f"… and {more} more steps" if more > 0 else ""

    def __repr__(self) -> str:
        rows = self._rows[:MOST]
        if not rows:
            return "(nobody sent or received anything)"
        where = max(len(row.where) for row in rows)
        what = max(len(row.what) for row in rows)
        lines = [
            f"{row.where:{where}}  {row.what:{what}}  {show(row.frames, row.kind)}" for row in rows
        ]
        return "\n".join([*lines, *filter(None, [self._rest()])])

    def _repr_html_(self) -> str:
        rows = self._rows[:MOST]
        if not rows:
            return "<em>(nobody sent or received anything)</em>"
        cell = "text-align:left;vertical-align:middle;padding:.2em .8em;"
        body = []
        for row in rows:
            wire = "" if row.kind else "font-style:italic;"
            where, what = (
                f'<td style="{cell}{wire}">{html.escape(text)}</td>'
                for text in (row.where, row.what)
            )
            frames = f'<td style="{cell}">{show_html(row.frames, row.kind)}</td>'
            body.append(f"<tr>{where}{what}{frames}</tr>")
        if self._rest():
            body.append(f'<tr><td colspan="3" style="{cell}">{self._rest()}</td></tr>')
        head = "".join(f'<th style="{cell}">{name}</th>' for name in ("where", "what", "frames"))
        return f"<table><tr>{head}</tr>{''.join(body)}</table>"


def _told(hop: Hop) -> _Row:
    kind = hop.socket.kind
    does = "sends" if hop.way == "sent" else "receives"
    return _Row(hop.who, f"{kind} {does}", kind, hop.frames)


def follow(journal: Journal, *wires: Wire) -> Trail:
    """The envelope at each hop of the journal, and the messages on the wires between.

    Made for one request at a time: give it `lab.journal` of an experiment with one request, or
    `story(lab.journal, frame)`, and `tap.wire` of each tap that stood between.
    """
    return Trail(journal, wires)
