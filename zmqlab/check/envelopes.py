"""Envelopes: what is right of them when they are taken apart, put together, or refused."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

from .ask import Ask, Frames, as_code
from .call import brief, said
from .report import Finding, failed, passed

PARTS = "the route is all before the first empty frame, the body all after it"
RAISES = "no empty frame: ValueError"
SHOWS = "the error shows the frames"
WRAPS = "wrap gives the route, an empty frame, the body"


def parts_are_right(asks: Sequence[Ask]) -> Finding:
    """The rule: each message is split at its first empty frame."""
    for asked in asks:
        frames = asked.given[0]
        at = frames.index(b"")
        expected = tuple(frames[:at]), tuple(frames[at + 1 :])
        if asked.at_once != expected:
            return failed(
                PARTS,
                f"{asked} returned {_pair_as_code(asked.at_once)}.\n"
                f"Asked for: {_pair_as_code(expected)}.",
                _likely(frames, asked.at_once),
            )
    return passed(PARTS, f"{len(asks)} messages, with 0 to 6 addresses and 0 to 5 frames of body")


def _pair_as_code(pair: tuple[Frames, Frames]) -> str:
    return f"({as_code(list(pair[0]))}, {as_code(list(pair[1]))})"


def _likely(frames: list[bytes], got: tuple[Frames, Frames]) -> str:
    """What may have gone wrong, as a question."""
    route, body = got
    at, last = frames.index(b""), len(frames) - 1 - frames[::-1].index(b"")
    before, after = tuple(frames[:at]), tuple(frames[at + 1 :])
    splits = [(tuple(frames[:n]), tuple(frames[n + 1 :])) for n in range(len(frames))]
    if (route, body) == (after, before):
        return "Which of the two comes first?"
    if (route, body) == (before[::-1], after):
        return "Outermost first: in the order in which they stand in the message."
    if last > at and (route, body) == splits[last]:
        return "A body may hold empty frames of its own. Which of them is the delimiter?"
    if b"" in after and body == tuple(frame for frame in after if frame):
        return "A body may hold empty frames of its own, and they belong to it."
    if (route, body) in splits[:at]:
        if frames[len(route)].strip(b"\0 \n"):
            return "Not every message has its delimiter in the same place: where is it here?"
        return "Empty is a frame of length 0; a blank or a zero byte is content."
    if b"" in route or body == (b"", *after):
        return "The delimiter stands between the two; it is part of neither."
    if len(before) > 1 and len(route) == 1:
        return "One ROUTER more on the way is one address more."
    if (route, body) == (before, after[:1]):
        return "A body may have any number of frames."
    return "Look for the first frame that is empty, and take all of it on either side."


def wrapped_right(asks: Sequence[Ask]) -> Finding:
    """The rule: addresses, delimiter and body, in this order and complete."""
    for asked in asks:
        route, body = asked.given
        expected = (*route, b"", *body)
        if asked.at_once != expected:
            return failed(
                WRAPS,
                f"{asked} returned {as_code(list(asked.at_once))}.\n"
                f"Asked for: {as_code(list(expected))}.",
                _likely_wrap(route, body, asked.at_once),
            )
    return passed(WRAPS, f"{len(asks)} messages, with 0 to 6 addresses and 0 to 5 frames of body")


def _likely_wrap(route: list[bytes], body: list[bytes], got: Frames) -> str:
    if b"" in body and got == (*route, b"", *(frame for frame in body if frame)):
        return "An empty frame in the body belongs to it."
    if got == (*route, *body):
        return "Where do the addresses end? Whoever gets this cannot tell."
    if got == (*body, b"", *route):
        return "Which of the two goes first?"
    if got == (*reversed(route), b"", *body):
        return "Outermost first: in the order in which they stand in the route."
    return "The addresses, then one empty frame, then the body: whatever is in them, or not."


def refuses(asks: Sequence[Ask]) -> Finding:
    """The rule: a message without an empty frame is a ValueError."""
    for asked in asks:
        if asked.error is None:
            hint = "Empty is a frame of length 0; a blank or a zero byte is content."
            if any(frame.strip(b"\0 \n") for frame in asked.given[0]) or not asked.given[0]:
                hint = "Without a delimiter nobody can tell where the addresses end: do not guess."
            return failed(RAISES, f"{asked} returned {brief(asked.answer)}.", hint)
        if not isinstance(asked.error, ValueError) or isinstance(asked.error, UnicodeError):
            return failed(
                RAISES,
                f"{asked} raised {said(asked.error)}\nat {asked.where}",
                "A caller that expects a ValueError catches nothing else.",
            )
    return passed(RAISES, f"{len(asks)} messages without one")


def shows(asks: Sequence[Ask]) -> Finding:
    """The rule: who reads the error sees which message it was."""
    for asked in asks:
        hidden = [frame for frame in asked.given[0] if not is_shown(frame, asked.text)]
        if hidden:
            text = " ".join(asked.text.split())[:200]
            return failed(
                SHOWS,
                f"The error of {asked} says: {text or 'nothing at all'}\n"
                f"No trace in it of {brief(hidden[0])}.",
                "Whoever reads this in a log at night wants to know what came. Put the frames "
                "into the message, as `repr` or as hex.",
            )
    return passed(SHOWS, "Every frame was in the message.")


def is_shown(frame: bytes, text: str) -> bool:
    """Whether a text shows this frame in any of the usual ways, with no byte left out."""
    decoded = {
        frame.decode(encoding, errors)
        for encoding in ("utf-8", "latin-1")
        for errors in ("replace", "backslashreplace")
    }
    as_text = {repr(frame)[2:-1], base64.b64encode(frame).decode(), *decoded}
    as_text |= {quoted(found)[1:-1] for found in decoded for quoted in (repr, ascii, json.dumps)}
    if any(found in text for found in as_text if found):
        return True
    numbers = re.findall(r"\d+", text)
    wanted = list(map(str, frame))
    if any(numbers[n : n + len(wanted)] == wanted for n in range(len(numbers))):
        return True
    return frame.hex() in re.sub(r"0x|\\x|[^0-9a-f]", "", text.lower())
