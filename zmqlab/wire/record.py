"""What travelled on a wire, as a tap saw it: records, the messages they make, a table of them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from zmqlab.envelope import show_frame

from .zmtp import Unit, Value

MOST = 80  # records that a table shows before it only counts the rest


@dataclass(slots=True)
class Record:
    """One unit on the wire: when it was whole, on which connection, in which direction.

    `way` is "→" from the side that connected to the side that is bound, "←" back. `lost` means
    that it reached the tap and was not passed on.
    """

    time: float  # seconds on the monotonic clock
    link: int  # 1, 2, 3 … in the order in which connections were made
    way: str
    unit: Unit
    lost: bool = False

    @property
    def kind(self) -> str:
        """Greeting, command, message, encrypted, opaque, cut short or fault."""
        return self.unit.kind

    @property
    def name(self) -> str:
        """A command's name, else its kind: "READY", "message"."""
        return self.unit.name or self.unit.kind

    @property
    def flags(self) -> str:
        """The names of the frame's flags that are set: "MORE LONG"."""
        return self.unit.flag_names()

    @property
    def size(self) -> int:
        """Octets of the body."""
        return self.unit.size

    @property
    def body(self) -> bytes:
        """The body, or the beginning of a long one."""
        return self.unit.body

    def content(self) -> str:
        """What stands in it, in one line."""
        unit = self.unit
        if unit.kind == "greeting":
            said = "ZMTP {version}, mechanism {mechanism}, as-server {as-server}"
            shown = said.format(**unit.values)
        elif unit.kind == "fault":
            return unit.note
        elif unit.values:
            shown = ", ".join(f"{key} = {_value(value)}" for key, value in unit.values.items())
        elif unit.kind == "command" and not unit.note:
            shown = ""
        else:
            shown = show_frame(unit.body, size=unit.size)
        odd = [f"[{unit.note}]"] if unit.note else []
        return " ".join([shown, *odd, *(["(lost at the tap)"] if self.lost else [])])


def _value(value: Value) -> str:
    if isinstance(value, bytes):
        return show_frame(value)
    return f"{value:g} s" if isinstance(value, float) else value


class WireMessage(NamedTuple):
    """A whole message on the wire: all its frames, with the time at which the last was there."""

    time: float
    link: int
    way: str
    frames: tuple[bytes, ...]
    lost: bool


class Wire(Sequence[Record]):
    """Records in order of time; shows itself as a table, as text and as HTML.

    `between` names the two sides: first the one that connects, then the one that is bound. The
    table puts each connection's greetings and its handshake first, both directions in a fixed
    order, since the two sides send theirs at the same time.
    """

    def __init__(
        self,
        records: Iterable[Record],
        between: tuple[str, str] = ("connecting", "bound"),
        forgotten: int = 0,
    ) -> None:
        self._records = list(records)
        self.between = between
        self.forgotten = forgotten  # records that there was no room for

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Wire: ...
    def __getitem__(self, index: int | slice) -> Record | Wire:
        if isinstance(index, slice):
            return Wire(self._records[index], self.between)
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def only(self, *names: str) -> Wire:
        """The records of these kinds or commands: `wire.only("message", "READY")`."""
        found = (r for r in self._records if r.kind in names or r.name in names)
        return Wire(found, self.between, self.forgotten)

    def messages(self) -> list[WireMessage]:
        """The whole messages, earliest first; what is encrypted or incomplete is left out."""
        open_: dict[tuple[int, str], list[Record]] = {}
        found = []
        for record in self._records:
            if record.kind != "message":
                continue
            frames = open_.setdefault((record.link, record.way), [])
            frames.append(record)
            if not record.unit.more:
                del open_[record.link, record.way]
                bodies = tuple(frame.body for frame in frames)
                lost = any(frame.lost for frame in frames)
                found.append(WireMessage(record.time, record.link, record.way, bodies, lost))
        return found

    def direction(self, way: str) -> str:
        """The two sides in the order of travel: "client → broker"."""
        one, other = self.between
        return f"{one} → {other}" if way == "→" else f"{other} → {one}"

    # -- the table ----------------------------------------------------------------------------

    _HEAD = ("direction", "what", "flags", "bytes", "content")

    def _ordered(self) -> list[Record]:
        def stage(record: Record) -> tuple[int, int, float]:
            ways = {"→": 0, "←": 1}
            if record.kind == "greeting":
                return (record.link, 0, ways[record.way])
            if record.name in ("HELLO", "WELCOME", "INITIATE", "READY"):
                return (record.link, 1, record.time if record.name != "READY" else _LAST)
            return (record.link, 2, record.time)

        ordered = sorted(self._records, key=lambda r: (*stage(r), r.way != "→"))
        return ordered

    def _rows(self) -> list[tuple[str, tuple[str, ...]]]:
        """A heading ("" for none) and the cells of each row."""
        rows: list[tuple[str, tuple[str, ...]]] = []
        several = len({record.link for record in self._records}) > 1
        before = 0
        for record in self._ordered()[:MOST]:
            heading = f"connection {record.link}" if several and record.link != before else ""
            before = record.link
            size = "" if record.kind == "fault" else str(record.size)
            where = "" if record.kind == "fault" else self.direction(record.way)
            rows.append((heading, (where, record.name, record.flags, size, record.content())))
        return rows

    def _rest(self) -> str:
        more = max(0, len(self) - MOST) + self.forgotten
        return f"… and {more} more" if more else ""

    def __repr__(self) -> str:
        rows = self._rows()
        if not rows:
            return "(nothing on the wire)"
        cells = [self._HEAD, *(row for _, row in rows)]
        width = [max(len(row[column]) for row in cells) for column in range(5)]
        lines = [_line(self._HEAD, width)]
        for heading, row in rows:
            lines += [heading] if heading else []
            lines.append(_line(row, width))
        return "\n".join([*lines, *filter(None, [self._rest()])])

    def _repr_html_(self) -> str:
        rows = self._rows()
        if not rows:
            return "<em>(nothing on the wire)</em>"
        cell = 'style="text-align:left;padding:.15em .7em"'
        mono = cell.replace('style="', 'style="font-family:monospace;')
        long = mono.replace('style="', 'style="overflow-wrap:anywhere;')
        head = "".join(f"<th {cell}>{name}</th>" for name in self._HEAD)
        body = []
        for heading, row in rows:
            if heading:
                body.append(f'<tr><th colspan="5" {cell}>{heading}</th></tr>')
            looks = [cell, mono, mono, mono, long]
            shown = [
                f"<td {look}>{html.escape(value)}</td>"
                for look, value in zip(looks, row, strict=True)
            ]
            body.append(f"<tr>{''.join(shown)}</tr>")
        if self._rest():
            body.append(f'<tr><td colspan="5" {cell}>{self._rest()}</td></tr>')
        return f"<table><tr>{head}</tr>{''.join(body)}</table>"


_LAST = float("inf")


def _line(row: tuple[str, ...], width: list[int]) -> str:
    where, what, flags, size, content = row
    padded = (
        where.ljust(width[0]),
        what.ljust(width[1]),
        flags.ljust(width[2]),
        size.rjust(width[3]),
        content,
    )
    return "  ".join(padded).rstrip()
