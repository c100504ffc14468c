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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets
from IPython.display import display

from zmqlab.envelope import parts, show, show_frame
from zmqlab.record.arrows import wire
from zmqlab.record.journal import Hop, Journal
from zmqlab.record.stories import Step, steps

from . import plots
from .look import GREY, color, natural
from .widget import bundle

__all__ = ["Replay", "columns"]

PLAYER = Path(__file__).with_name("replay.js").read_text(encoding="utf-8")
LOOK = Path(__file__).with_name("replay.css").read_text(encoding="utf-8")
MOST = 1000  # hops that are played; what is beyond is counted
ELSEWHERE = "elsewhere"  # the other end of a message of which only one end was recorded


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
    for _, (sent, received), _ in steps:
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
        names = sorted(place, key=natural)
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
        for hop, message, story in self.steps:
            sent, received = message
            told.append(
                {
                    "ms": round((hop.moment - self.journal.start) * 1000, 2),
                    "who": hop.who,
                    "socket": hop.socket.number,
                    "way": hop.way,
                    "message": number.setdefault(id(message), len(number)),
                    "from": ELSEWHERE if sent is None else sent.who,
                    "to": ELSEWHERE if received is None else received.who,
                    "into": None if received is None else received.socket.number,
                    "story": story,
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
        if not (begin := self._begin()):
            return []
        story = self.steps[begin - 1].story
        return [step.hop for step in self.steps if step.story == story]

    def __repr__(self) -> str:
        who = ", ".join(sorted({step.hop.who for step in self.steps}, key=natural))
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
        data, metadata = still.still()
        return data | bundle(Player(score=self.score()), repr(self)), metadata

    def _ipython_display_(self) -> None:
        """Show the player; where no widget lives, the picture, and below it the story.

        A page shows one form of an output only, so the story is one of its own: where widgets
        live it is an empty one, since the player tells it.
        """
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        if self._followed():
            nothing = widgets.Box(layout=widgets.Layout(display="none"))
            display(bundle(nothing, str(self)), raw=True)

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
