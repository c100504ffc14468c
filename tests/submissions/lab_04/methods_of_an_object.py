"""Two methods, a named tuple, a note of its own."""

from typing import NamedTuple


class Parts(NamedTuple):
    route: list
    body: list


class Codec:
    delimiter = b""

    def take(self, frames, *, delimiter=None):
        delimiter = self.delimiter if delimiter is None else delimiter
        for place, frame in enumerate(frames):
            if frame == delimiter:
                return Parts(frames[:place], frames[place + 1 :])
        raise ValueError(f"no {delimiter!r} among {[list(frame) for frame in frames]}")

    def put(self, route, body):
        frames = [*route, self.delimiter]
        frames.extend(body)
        return frames


codec = Codec()
unwrap, wrap = codec.take, codec.put
