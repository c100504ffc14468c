"""Where in the learner's own code a thread is, or an error came from: "line 4 of worker: …"."""

from __future__ import annotations

import linecache
import os
import sysconfig
from types import FrameType, TracebackType

_LIBRARIES = (
    os.path.dirname(os.path.dirname(__file__)) + os.sep,
    sysconfig.get_paths()["stdlib"] + os.sep,
    sysconfig.get_paths()["purelib"] + os.sep,
    "<frozen",
)


def is_library(filename: str) -> bool:
    """Whether a file is this package's or another library's, and not the learner's own."""
    return (
        filename.startswith(_LIBRARIES)
        or "site-packages" in filename
        or filename.endswith("_zmq.py")  # pyzmq's compiled part names its source so
    )


def _describe(function: str, filename: str, line: int) -> str:
    source = linecache.getline(filename, line).strip()
    return f"line {line} of {function}" + (f": {source}" if source else "")


def place(frame: FrameType | None) -> str:
    """Where the learner's own code is in this stack: "line 4 of worker: while True: pass"."""
    if frame is None:
        return "no longer running"
    frame = _learners_frame(frame) or frame
    return _describe(frame.f_code.co_name, frame.f_code.co_filename, _line(frame))


def in_learners_code(frame: FrameType) -> bool:
    """Whether any of the learner's own code is in this stack."""
    return _learners_frame(frame) is not None


def _learners_frame(innermost: FrameType) -> FrameType | None:
    frame: FrameType | None = innermost
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _line(frame: FrameType) -> int:
    """The line that a frame is at; its first one where it is between two (f_lineno is None)."""
    return frame.f_lineno or frame.f_code.co_firstlineno


def origin(error: BaseException) -> str:
    """Where in the learner's own code an error came from, in the same words as `place`."""
    found = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not found or not is_library(code.co_filename):
            found = _describe(code.co_name, code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def learners_part(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without this package's frames at its beginning."""
    while (
        traceback is not None
        and traceback.tb_next is not None
        and is_library(traceback.tb_frame.f_code.co_filename)
    ):
        traceback = traceback.tb_next
    return traceback
