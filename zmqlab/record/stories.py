"""The story of a task: one message's way through the system, hop by hop, and what came of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

from .arrows import Message, messages
from .journal import Hop, Journal, SocketNote


class Step(NamedTuple):
    """One hop of a story, and the message that it begins or ends."""

    hop: Hop
    message: Message
    story: int  # which one: 0, 1, 2 … in the order in which they begin


def steps(journal: Journal) -> list[Step]:
    """All hops in the order of their moments, each with its message and its story.

    A message goes on in what its receiver sends because of it: of all that the same thread has
    received before, a message sent follows from the one with which it shares most frames, the
    latest of equals. A REP's answer follows from the request before it, sharing or not. A story
    ends where it comes back to the socket that it began at.
    """
    hops = [(hop, message) for message in messages(journal) for hop in message if hop is not None]
    hops.sort(key=lambda pair: (pair[0].moment, pair[0].way == "received"))
    found: list[Step] = []
    homes: list[SocketNote] = []  # of each story: the socket that it began at
    sent_in: dict[int, int] = {}  # a message, by identity → its story
    heard = _Heard()
    for number, (hop, message) in enumerate(hops):
        story = None
        if hop.way == "received":
            story = sent_in.get(id(message))
            heard.add(number, hop)
        elif (cause := heard.cause(hop)) is not None:
            received, _, story = found[cause]
            if homes[story] is received.socket:
                story = None
        if story is None:
            story = len(homes)
            homes.append(hop.socket)
        if hop.way == "sent":
            sent_in[id(message)] = story
        found.append(Step(hop, message, story))
    return found


def story(journal: Journal, *frames: bytes) -> Journal:
    """The stories in which somebody sends or receives one of these frames; with none given, all.

    So a wrong answer is there beside its question, though it carries another frame.
    """
    if not frames:
        return journal
    wanted, all_steps = set(frames), steps(journal)
    told = {step.story for step in all_steps if not wanted.isdisjoint(step.hop.frames)}
    return journal.only(step.hop for step in all_steps if step.story in told)


class _Heard:
    """What each thread has received so far: the numbers of the hops, by frame and by socket."""

    def __init__(self) -> None:
        self._carrying: dict[tuple[str, bytes], list[int]] = defaultdict(list)
        self._last: dict[SocketNote, int] = {}

    def add(self, number: int, hop: Hop) -> None:
        for frame in set(hop.frames) - {b""}:
            self._carrying[hop.who, frame].append(number)
        self._last[hop.socket] = number

    def cause(self, sent: Hop) -> int | None:
        """The hop by which the sender received what made it send this."""
        if sent.socket.kind == "REP":
            return self._last.get(sent.socket)
        frames = set(sent.frames) - {b""}
        shared = Counter(n for frame in frames for n in self._carrying.get((sent.who, frame), ()))
        return max(shared, key=lambda n: (shared[n], n), default=None)
