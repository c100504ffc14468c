"""A recorded journal played again: frames that move between the participants, hop by hop.

The player is one JavaScript file that is fed once with the whole journal, so it costs nothing
while sockets run. In a notebook it is a widget; `Replay.page` puts the same player into a page of
its own.
"""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import traitlets
from IPython.display import display

from zmqlab.envelope import parts, show, show_frame
from zmqlab.record.arrows import Message, messages, wire
from zmqlab.record.journal import Hop, Journal

from . import plots
from .live import bundle
from .look import GREY, color

__all__ = ["Replay", "Step", "columns", "steps", "stories"]

PLAYER = Path(__file__).with_name("replay.js").read_text(encoding="utf-8")
LOOK = Path(__file__).with_name("replay.css").read_text(encoding="utf-8")
MOST = 1000  # hops that are played; what is beyond is counted
ELSEWHERE = "elsewhere"  # the other end of a message of which only one end was recorded


class Step(NamedTuple):
    """One hop of the replay, and the message that it begins or ends."""

    time: float  # seconds on the monotonic clock
    hop: Hop
    message: Message


def steps(journal: Journal) -> list[Step]:
    """All hops in the order to play them: no message is received before it was sent.

    A hop is noted when its call returns, and a sender's call may return after the receiver's: its
    step is then moved to the moment of the receipt.
    """
    found = []
    for message in messages(journal):
        sent, received = message
        if sent is not None:
            time = sent.time if received is None else min(sent.time, received.time)
            found.append(Step(time, sent, message))
        if received is not None:
            found.append(Step(received.time, received, message))
    return sorted(found, key=lambda step: (step.time, step.hop.way == "received"))


def stories(steps: Sequence[Step]) -> list[int]:
    """For each step the number of the story that it belongs to: one task's way to its end.

    A message goes on in what its receiver sends because of it: of all that the same thread has
    received before, a message sent follows from the one with which it shares most frames, the
    latest of equals. A REP's answer follows from the request before it, sharing or not. A story
    ends where it comes back to the socket that it began at.
    """
    sent_at: dict[int, int] = {}  # a message, by identity → the step that sent it
    heard: dict[str, list[tuple[int, Hop]]] = defaultdict(list)  # a thread → what it received
    homes: list[Any] = []  # of each story: the socket that it began at
    found: list[int] = []
    for number, (_, hop, message) in enumerate(steps):
        cause = sent_at.get(id(message))
        if hop.way == "sent":
            sent_at[id(message)] = number
            cause = _cause(hop, heard[hop.who])
            if cause is not None and homes[found[cause]] is steps[cause].hop.socket:
                cause = None
        else:
            heard[hop.who].append((number, hop))
        if cause is None:
            homes.append(hop.socket)
        found.append(len(homes) - 1 if cause is None else found[cause])
    return found


def _cause(sent: Hop, heard: Iterable[tuple[int, Hop]]) -> int | None:
    """The step at which the sender received what made it send this."""
    best, most = None, 0
    frames = {frame for frame in sent.frames if frame}
    for number, hop in heard:
        if sent.socket.kind == "REP":
            shared = 1 if hop.socket is sent.socket else 0
        else:
            shared = len(frames & set(hop.frames))
        if shared and shared >= most:
            best, most = number, shared
    return best


# ------------------------------------------------------------------ who stands where


def columns(steps: Sequence[Step]) -> dict[str, int]:
    """The column of each participant, from 0 on the left, so that messages go from side to side.

    Who talks to the same socket stands in the same column; whoever is reached through another
    socket stands on the other side. Peers of a participant's first socket are on its left.
    """
    ends = _ends(steps)
    found: dict[str, int] = {}
    for step in steps:
        if step.hop.who not in found:
            _walk(step.hop.who, ends, found)
    if _is_mirrored(ends, found):
        found = {who: -column for who, column in found.items()}
    left = min(found.values(), default=0)
    return {who: column - left for who, column in found.items()}


Ends = dict[str, dict[int, dict[str, int]]]  # who → number of the socket → peer → its socket


def _ends(steps: Sequence[Step]) -> Ends:
    ends: Ends = defaultdict(lambda: defaultdict(dict))
    for _, _, (sent, received) in steps:
        if sent is not None and received is not None:
            ends[sent.who][sent.socket.number][received.who] = received.socket.number
            ends[received.who][received.socket.number][sent.who] = sent.socket.number
    return ends


def _walk(start: str, ends: Ends, found: dict[str, int]) -> None:
    """Give a column to everybody who can be reached from `start`, nearest first."""
    found[start] = 0
    todo: list[tuple[str, int | None, int]] = [(start, None, 1)]
    while todo:
        who, came_by, direction = todo.pop(0)
        for socket, peers in ends[who].items():
            way = -direction if socket == came_by else direction
            for peer, its_socket in peers.items():
                if peer not in found:
                    found[peer] = found[who] + way
                    todo.append((peer, its_socket, way))


def _is_mirrored(ends: Ends, found: dict[str, int]) -> bool:
    """Whether more participants have their first socket's peers on the right than on the left."""
    votes = 0
    for who, sockets in ends.items():
        sides = {number: found[peer] - found[who] for number in sockets for peer in sockets[number]}
        left = [number for number, side in sides.items() if side < 0]
        right = [number for number, side in sides.items() if side > 0]
        if left and right:
            votes += 1 if min(left) > min(right) else -1
    return votes > 0


def _natural(name: str) -> list[Any]:
    """A key by which w2 comes before w10."""
    return [(0, int(p)) if p.isdigit() else (1, p) for p in re.split(r"(\d+)", name) if p]


# ------------------------------------------------------------------ the replay


class Player(anywidget.AnyWidget):
    """The widget around the player."""

    _esm = PLAYER
    _css = LOOK
    score = traitlets.Dict().tag(sync=True)


class Replay:
    """A journal to be played: forward, back, at any speed, with each message opened at each hop.

    follow: a frame; the still picture and the text then tell the story of the task that carries
    it, and the replay begins with it.
    title: says what is played.
    most: hops that are played at most; the rest is counted, not shown.

    The text that stays in the notebook has no times and no automatic addresses: it is the same in
    each run in which the task takes the same way.
    """

    def __init__(
        self, journal: Journal, *, follow: bytes | None = None, title: str = "", most: int = MOST
    ) -> None:
        self.journal = journal
        self.follow = follow
        self.title = title or "What the sockets did"
        self.all_steps = steps(journal)
        self.steps = self.all_steps[:most]

    def score(self) -> dict[str, Any]:
        """All that the player needs, as plain data for JSON."""
        place = columns(self.steps)
        names = sorted(place, key=_natural)
        if any(None in step.message for step in self.steps):
            place[ELSEWHERE] = max(place.values(), default=0) + 1
            names.append(ELSEWHERE)
        sockets = {step.hop.socket.number: step.hop.socket for step in self.steps}
        return {
            "title": self.title,
            "left_out": len(self.all_steps) - len(self.steps),
            "begin": self._begin(),
            "participants": [
                {"name": name, "column": place[name], "color": _colour(name)} for name in names
            ],
            "sockets": [
                {"number": n, "who": sockets[n].who, "kind": sockets[n].kind}
                for n in sorted(sockets)
            ],
            "steps": self._told(),
        }

    def _told(self) -> list[dict[str, Any]]:
        number: dict[int, int] = {}  # of each message, by identity
        told = []
        for step, of_story in zip(self.steps, stories(self.steps), strict=True):
            _, hop, (sent, received) = step
            told.append(
                {
                    "ms": round((step.time - self.journal.start) * 1000, 2),
                    "who": hop.who,
                    "socket": hop.socket.number,
                    "way": hop.way,
                    "message": number.setdefault(id(step.message), len(number)),
                    "from": ELSEWHERE if sent is None else sent.who,
                    "to": ELSEWHERE if received is None else received.who,
                    "into": None if received is None else received.socket.number,
                    "story": of_story,
                    "frames": _shown(hop.frames, hop.socket.kind),
                    "flying": _travelling(hop) if hop.way == "sent" else None,
                }
            )
        return told

    def _begin(self) -> int:
        """How many steps are done at the beginning: none, or up to the task to follow."""
        carrying = (n for n, step in enumerate(self.steps, 1) if self.follow in step.hop.frames)
        return next(carrying, 0)

    # ---- what is left where nothing can move

    def _followed(self) -> list[Hop]:
        """The hops of the task to follow; none if there is no such task."""
        begin = self._begin()
        of_story = stories(self.steps)
        return [
            step.hop
            for step, number in zip(self.steps, of_story, strict=True)
            if begin and number == of_story[begin - 1]
        ]

    def __repr__(self) -> str:
        who = ", ".join(sorted({step.hop.who for step in self.steps}, key=_natural))
        return f"Replay: {self.title}. Participants: {who or 'none'}."

    def __str__(self) -> str:
        """The story of the task to follow, hop by hop; without one, who took part."""
        told = self._followed()
        if self.follow is None or not told:
            return repr(self)
        lines = [
            f"{n:3}  {hop.who}'s {hop.socket.kind} {hop.way}  {_steady(hop)}"
            for n, hop in enumerate(told, 1)
        ]
        return "\n".join([f"{self.title}: the way of {show_frame(self.follow)}", *lines])

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        told = self._followed() or [step.hop for step in self.steps]
        still = plots.Picture(plots.space_time, self.journal.only(told), text=repr(self))
        data, metadata = still._repr_mimebundle_()
        return data | bundle(Player(score=self.score()), repr(self)), metadata

    def _ipython_display_(self) -> None:
        """Show the player, and below it the story: a page shows one form of an output only."""
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        if self._followed():
            print(self)

    def to_html(self) -> str:
        """A whole page with the player and the story in it; it needs nothing from elsewhere."""
        score = json.dumps(self.score()).replace("<", "\\u003c")
        title = html.escape(self.title)
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ background: Canvas; color: CanvasText; font: 16px/1.5 system-ui, sans-serif;
  margin: 1rem auto; max-width: 60rem; padding: 0 1rem; }}
{LOOK}</style>
</head>
<body>
<h1>{title}</h1>
<div id="replay"></div>
<noscript><pre>{html.escape(str(self))}</pre></noscript>
<script type="application/json" id="score">{score}</script>
<script type="module">
{PLAYER}
mount(document.getElementById("replay"), JSON.parse(document.getElementById("score").textContent));
</script>
</body>
</html>
"""

    def page(self, path: str | Path) -> Path:
        """Write the page to a file."""
        path = Path(path)
        path.write_text(self.to_html(), encoding="utf-8")
        return path


def _shown(frames: Sequence[bytes], kind: str = "") -> list[dict[str, str]]:
    """Frames as the player takes them, each with its role."""
    return [{"role": part.role, "text": show_frame(part.frame)} for part in parts(frames, kind)]


def _travelling(hop: Hop) -> list[dict[str, str]]:
    """What goes over the wire for a hop that is sent, where the envelope is open to see."""
    kind = hop.socket.kind
    return _shown(wire(hop), "" if kind in ("REQ", "REP", "ROUTER") else kind)


def _colour(name: str) -> str:
    """A worker's colour; everybody else's is that of the page's text, which suits any page."""
    colour = color(name)
    return "currentColor" if colour == GREY else colour


def _steady(hop: Hop) -> str:
    """The frames as text, each address that a ROUTER made up cut to its constant first byte."""
    return re.sub(r"\b0x00[0-9a-f]{8}\b", "0x00…", show(hop.frames, hop.socket.kind))
