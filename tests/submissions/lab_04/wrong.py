"""Lab 04: wrong programs, and the rules of the check that must see each: those and no other."""

from labs import Wrong
from zmqlab.check.envelopes import PARTS, RAISES, SHOWS, WRAPS
from zmqlab.check.lab_04 import INVERSE, LISTS, ONE_LIST


def slices(
    name: str,
    rule: str,
    *changes: tuple[str, str],
    also: tuple[str, ...] = (),
    says: tuple[str, ...] = (),
) -> Wrong:
    """A program made of slices.py."""
    return Wrong(name, "slices", rule, *changes, also=also, only=True, says=says)


RUNS = "unwrap runs without an error"
NO_DELIMITER = """
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
"""
UNWRAP = """
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]
"""

WRONG = [
    slices(
        "all_is_body_without_a_delimiter",
        RAISES,
        ('raise ValueError(f"no empty frame in {frames}")', "return [], frames[:]"),
        says=("do not guess",),
    ),
    slices(
        "asserts",
        RAISES,
        (NO_DELIMITER, 'assert b"" in frames, f"no empty frame in {frames}"'),
        says=("raised AssertionError",),
    ),
    slices(
        "assumes_three_frames",
        RUNS,
        (
            UNWRAP,
            """
            client, empty, body = frames
            if empty:
                raise ValueError(f"no empty frame in {frames}")
            return [client], [body]
            """,
        ),
        also=(PARTS, SHOWS),
        says=("Which part of the message does that line take for granted?",),
    ),
    slices(
        "blank_is_empty",
        PARTS,
        (
            UNWRAP,
            """
            for place, frame in enumerate(frames):
                if not frame.strip():
                    return frames[:place], frames[place + 1 :]
            raise ValueError(f"no empty frame in {frames}")
            """,
        ),
        also=(RAISES,),
        says=("a blank or a zero byte is content",),
    ),
    slices(
        "body_is_one_frame",
        LISTS,
        (
            "return frames[:end], frames[end + 1 :]",
            """
            body = frames[end + 1 :]
            return frames[:end], body[0] if len(body) == 1 else body
            """,
        ),
        says=("the body: b'hello' is one bytes, not a list of frames",),
    ),
    slices(
        "cache_shares_its_lists",
        "unwrap gives a new answer each time",
        ("def unwrap(frames):", "cache = {}\n\n\ndef unwrap(frames):"),
        (
            UNWRAP,
            """
            key = tuple(frames)
            if key not in cache:
                if b"" not in frames:
                    raise ValueError(f"no delimiter in {frames}")
                i = frames.index(b"")
                cache[key] = frames[:i], frames[i + 1 :]
            return cache[key]
            """,
        ),
        says=("put a frame into the lists that it got",),
    ),
    slices(
        "collects_over_calls",
        PARTS,
        ("unwrap(frames)", "unwrap(frames, route=[])"),
        ("return frames[:end], ", "route.extend(frames[:end])\nreturn route, "),
        also=("unwrap gives a new answer each time",),
    ),
    slices(
        "cuts_long_frames", PARTS, ("frames[end + 1 :]", "[f[:1024] for f in frames[end + 1 :]]")
    ),
    slices(
        "decodes_and_encodes",
        PARTS,
        (
            "return frames[:end],",
            """
            route = [frame.decode(errors="replace").encode() for frame in frames[:end]]
            return route,
            """,
        ),
    ),
    slices(
        "decodes_leniently",
        LISTS,
        ("return frames[:end],", 'return [frame.decode("latin-1") for frame in frames[:end]],'),
        ("*route", '*(a.encode("latin-1") if isinstance(a, str) else a for a in route)'),
        says=("'anna' in it is a str, not bytes",),
    ),
    slices(
        "decodes_the_addresses",
        RUNS,
        ("return frames[:end],", "return [frame.decode() for frame in frames[:end]],"),
        ("*route", "*(name.encode() if isinstance(name, str) else name for name in route)"),
        also=(LISTS,),
        says=("need not be text", "is a str, not bytes"),
    ),
    slices(
        "drops_doubles",
        PARTS,
        ("return frames[:end],", "return list(dict.fromkeys(frames[:end])),"),
        says=("unwrap([b'anna', b'anna', b'', b'anna'])",),
    ),
    slices(
        "drops_the_second_frame",
        PARTS,
        (
            """
            end = frames.index(b"")
            return frames[:end], frames[end + 1 :]
            """,
            """
            if frames[0] == b"":
                return [], frames[1:]
            return frames[:1], frames[2:]
            """,
        ),
        says=("Not every message has its delimiter in the same place",),
    ),
    slices(
        "empties_the_frames_when_it_refuses",
        "unwrap leaves frames as they were",
        (
            'raise ValueError(f"no empty frame in {frames}")',
            """
            error = ValueError(f"no empty frame in {frames}")
            frames.clear()
            raise error
            """,
        ),
        says=("After unwrap([b'READY']) the caller's frames was []",),
    ),
    slices(
        "error_cannot_show_bytes",  # UnicodeDecodeError is a ValueError by accident
        RAISES,
        (
            'f"no empty frame in {frames}"',
            '"no empty frame in " + ", ".join(frame.decode() for frame in frames)',
        ),
        says=("raised UnicodeDecodeError",),
    ),
    slices(
        "error_counts_the_frames",
        SHOWS,
        ("in {frames}", "among {len(frames)}"),
        says=("no empty frame among 1",),
    ),
    slices(
        "error_does_not_show_the_frames",
        SHOWS,
        (NO_DELIMITER, ""),
        says=("No trace in it of b'READY'",),
    ),
    slices(
        "error_leaves_bytes_out",
        SHOWS,
        (
            'raise ValueError(f"no empty frame in {frames}")',
            """
            texts = [frame.decode(errors="ignore") for frame in frames]
            raise ValueError(f"no empty frame in {texts}")
            """,
        ),
        says=(r"No trace in it of b'\x00k\x8bEg'",),
    ),
    slices(
        "error_shows_the_first_frame",
        SHOWS,
        ("in {frames}", "after {frames[:1]}"),
        says=("No trace in it of b'hello'",),
    ),
    slices(
        "error_shows_three_frames",
        SHOWS,
        ("{frames}", "{frames[:3]}..."),
        says=("No trace in it of b'part one'",),
    ),
    slices(
        "exits",
        RAISES,
        ("def unwrap", "import sys\n\n\ndef unwrap"),
        ("raise ValueError", "sys.exit"),
        says=("raised SystemExit",),
    ),
    slices(
        "expects_an_address",
        RUNS,
        ("not in frames:", "not in frames[1:]:"),
        ('index(b"")', 'index(b"", 1)'),
        also=(PARTS,),
        says=("unwrap([b'', b'hello']) raised ValueError",),
    ),
    slices(
        "expects_the_delimiter_second",
        RUNS,
        (
            UNWRAP,
            """
            if len(frames) < 2 or frames[1] != b"":
                raise ValueError(f"no delimiter in {frames}")
            return frames[:1], frames[2:]
            """,
        ),
        also=(PARTS,),
        says=("unwrap([b'broker', b'anna', b'', b'hello']) raised ValueError",),
    ),
    slices(
        "forgets_return",
        LISTS,
        ("return frames[:end], frames[end + 1 :]", "(frames[:end], frames[end + 1 :])"),
        says=("without a `return`",),
    ),
    Wrong(
        "gives_an_object",
        "named_pair",
        LISTS,
        (
            """
            envelope = Envelope.parse(frames)
            return Parts(list(envelope.route), list(envelope.body))
            """,
            "return Envelope.parse(frames)",
        ),
        only=True,
        says=("is a Envelope, not a pair (route, body)",),
    ),
    slices(
        "gives_memoryviews",
        LISTS,
        ("frames[end + 1 :]", "[memoryview(f) for f in frames[end + 1 :]]"),
    ),
    slices(
        "gives_the_last_frame_only",
        PARTS,
        ("end + 1 :", "end + 1 : end + 2"),
        says=("A body may have any number of frames",),
    ),
    slices(
        "innermost_first",
        PARTS,
        ("frames[:end],", "frames[:end][::-1],"),
        ("*route", "*reversed(route)"),
        also=(WRAPS,),
        says=("Outermost first",),
    ),
    slices("is_a_coroutine", "unwrap is a plain function", ("def unwrap", "async def unwrap")),
    slices(
        "keeps_the_delimiter_in_the_body",
        PARTS,
        ("end + 1 :", "end:"),
        ('[*route, b"", *body]', "route + body"),
        also=(WRAPS,),
        says=("it is part of neither", "Where do the addresses end?"),
    ),
    slices(
        "keeps_the_first_address_only",
        PARTS,
        ("frames[:end]", "frames[:1]"),
        says=("One ROUTER more on the way is one address more",),
    ),
    slices(
        "one_list_for_all_calls",
        "unwrap gives a new answer each time",
        ("unwrap(frames)", "unwrap(frames, route=[], body=[])"),
        (
            "return frames[:end], frames[end + 1 :]",
            """
            route[:] = frames[:end]
            body[:] = frames[end + 1 :]
            return route, body
            """,
        ),
    ),
    slices(
        "pops_even_when_it_refuses",
        "unwrap leaves frames as they were",
        (
            UNWRAP,
            """
            route = []
            rest = frames
            if b"" in frames:
                rest = frames[:]
            while rest:
                frame = rest.pop(0)
                if not frame:
                    return route, rest
                route.append(frame)
            raise ValueError(f"no empty frame in {frames}")
            """,
        ),
        also=(SHOWS,),
        says=("No trace in it of b'READY'",),
    ),
    slices(
        "pops_the_callers_frames",
        "unwrap leaves frames as they were",
        (
            """
            end = frames.index(b"")
            return frames[:end], frames[end + 1 :]
            """,
            """
            route = []
            while frames[0]:
                route.append(frames.pop(0))
            return route, frames[1:]
            """,
        ),
        says=("the caller's frames was [b'', b'hello']",),
    ),
    slices(
        "prints_in_place_of_returning",
        LISTS,
        (
            UNWRAP,
            """
            end = frames.index(b"") if b"" in frames else 0
            print(frames[:end], frames[end + 1 :])
            """,
        ),
        also=(RAISES,),
        says=("Printed meanwhile",),
    ),
    slices(
        "raises_another_error",
        RAISES,
        (
            UNWRAP,
            """
            place = 0
            while frames[place]:
                place += 1
            return frames[:place], frames[place + 1 :]
            """,
        ),
        says=("raised IndexError", "of unwrap: while frames[place]:"),
    ),
    slices(
        "rests_at_each_message",
        "unwrap answers at once",
        ("def unwrap(frames):", "import time\n\n\ndef unwrap(frames):\n    time.sleep(0.05)"),
        says=("questions.",),
    ),
    slices(
        "returns_iterators",
        LISTS,
        (
            "return frames[:end], frames[end + 1 :]",
            "return iter(frames[:end]), iter(frames[end + 1 :])",
        ),
        says=("is a list_iterator, not a list",),
    ),
    slices(
        "returns_nothing_without_a_delimiter",
        RAISES,
        ('raise ValueError(f"no empty frame in {frames}")', "return None"),
        says=("unwrap([b'READY']) returned None",),
    ),
    slices(
        "returns_three",
        LISTS,
        ("return frames[:end],", 'return frames[:end], b"",'),
        says=("not a pair (route, body)",),
    ),
    slices(
        "searches_for_ever",
        "unwrap returns",
        (
            UNWRAP,
            """
            place = 0
            while frames and frames[place % len(frames)]:
                place += 1
            return frames[:place], frames[place + 1 :]
            """,
        ),
        says=("It was at line", "It was asked unwrap([b'READY'])"),
    ),
    slices(
        "splits_at_the_last_empty_frame",
        PARTS,
        ('frames.index(b"")', 'len(frames) - 1 - frames[::-1].index(b"")'),
        says=("Which of them is the delimiter?",),
    ),
    slices(
        "strips_every_empty_frame",
        PARTS,
        ("frames[end + 1 :]", "[frame for frame in frames[end:] if frame]"),
        says=("A body may hold empty frames of its own, and they belong to it",),
    ),
    slices(
        "swaps_the_two",
        PARTS,
        ("return frames[:end], frames[end + 1 :]", "return frames[end + 1 :], frames[:end]"),
        ('[*route, b"", *body]', '[*body, b"", *route]'),
        also=(WRAPS,),
        says=("Which of the two comes first?", "Which of the two goes first?"),
    ),
    slices(
        "wrap_adds_in_place",
        "wrap leaves route and body as they were",
        (
            'return [*route, b"", *body]',
            """
            frames = route
            frames += [b""]
            frames += body
            return list(frames)
            """,
        ),
    ),
    slices("wrap_answers_the_broker", WRAPS, ("*route", "*route[:1]")),
    slices(
        "wrap_appends_to_the_callers_route",
        "wrap leaves route and body as they were",
        (
            'return [*route, b"", *body]',
            """
            route.append(b"")
            route.extend(body)
            return route
            """,
        ),
        says=("the caller's route was [b'anna', b'', b'hello']",),
    ),
    slices(
        "wrap_forgets_the_delimiter",
        WRAPS,
        ('*route, b"", ', "*route, "),
        says=("Whoever gets this cannot tell",),
    ),
    slices(
        "wrap_is_a_generator",
        "wrap is a plain function",
        ('return [*route, b"", *body]', 'yield from route\nyield b""\nyield from body'),
    ),
    slices(
        "wrap_is_no_inverse",
        INVERSE,
        (
            "return frames[:end], frames[end + 1 :]",
            "return tuple(frames[:end]), tuple(frames[end + 1 :])",
        ),
        ('[*route, b"", *body]', 'route + [b""] + body'),
        says=("raised TypeError",),
    ),
    slices(
        "wrap_is_not_done",
        "wrap is written",
        ('return [*route, b"", *body]', 'raise NotImplementedError("wrap is yours to write")'),
        says=("wrap is not done yet",),
    ),
    slices("wrap_joins_the_body", WRAPS, ("*body", 'b"".join(body)')),
    slices(
        "wrap_leaves_the_delimiter_out_for_no_address",
        WRAPS,
        ("*body]", "*body] if route else list(body)"),
        says=("wrap([], [b'hello']) returned [b'hello']",),
    ),
    slices(
        "wrap_loses_empty_bodies",
        WRAPS,
        ("*body", "*filter(None, body)"),
        says=("An empty frame in the body belongs to it",),
    ),
    slices("wrap_nests_the_body", ONE_LIST, ("*body", "body"), says=("is a list, not bytes",)),
    slices(
        "wrap_puts_a_delimiter_behind_each_address",
        WRAPS,
        (
            'return [*route, b"", *body]',
            """
            frames = []
            for address in route:
                frames += [address, b""]
            return [*(frames or [b""]), *body]
            """,
        ),
    ),
    slices(
        "wrap_returns_an_envelope",
        ONE_LIST,
        ("def unwrap", "from zmqlab.envelope import Envelope\n\n\ndef unwrap"),
        ('[*route, b"", *body]', "Envelope(route, body)"),
        says=("is a Envelope, not a list",),
    ),
    slices(
        "wrap_takes_frames",
        "wrap can be called as wrap(route, body)",
        ("wrap(route, body)", "wrap(envelope)"),
        ('[*route, b"", *body]', '[*envelope[0], b"", *envelope[1]]'),
    ),
    slices(
        "zeros_are_empty",
        PARTS,
        (
            UNWRAP,
            r"""
            for place, frame in enumerate(frames):
                if not frame.strip(b"\0"):
                    return frames[:place], frames[place + 1 :]
            raise ValueError(f"no empty frame in {frames}")
            """,
        ),
        also=(RAISES,),
        says=("a blank or a zero byte is content",),
    ),
]
