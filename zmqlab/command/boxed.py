"""What runs inside the box: one submission is checked, and its verdict goes out on a pipe.

    python -P -m zmqlab.command.boxed LAB FILE DESCRIPTOR     (the nonce on standard input)

The box deters, it does not prove: a submission runs in the checker's process. What it changed of
the checker is looked for, and a submission of nothing must fail afterwards.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType
from typing import Any

from zmqlab import check
from zmqlab.check.report import Finding, Report
from zmqlab.learn.course import LABS

from . import handed_in

LONGEST = 2000  # characters of evidence that go out
MEMORY, SECONDS, WRITTEN, OPEN, PROCESSES = 3 << 30, 300, 16 << 20, 512, 256
READABLE = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys/devices/system")


def main() -> None:
    """Judge one submission and end the process at once, whatever of it still runs."""
    number, path, descriptor = sys.argv[1:]
    nonce = sys.stdin.readline().strip()
    out = os.fdopen(int(descriptor), "w")
    judge = getattr(check, f"lab{number}")
    known = vars(Report)["verdict"].fget, _findings  # before anybody can change them
    before = fingerprint()
    loopback_up()
    limit_resources()
    landlocked = landlock([*READABLE, sys.prefix, sys.base_prefix, *_package()], [os.getcwd()])
    try:
        functions = handed_in.functions(Path(path), LABS[number].functions)
        report = judge(*functions)
        said: dict[str, Any] = {"verdict": known[0](report), "findings": known[1](report)}
        if tampered(before, judge, len(functions)):
            said = {"verdict": "tampered", "findings": []}
    except handed_in.Unreadable as error:
        said = {"verdict": "unreadable", "why": str(error)[:LONGEST]}
    out.write(json.dumps(said | {"nonce": nonce, "landlock": landlocked}) + "\n")
    out.flush()
    os._exit(0)


def _findings(report: Report) -> list[dict[str, str]]:
    return [
        {
            "rule": finding.rule,
            "verdict": finding.verdict,
            "evidence": finding.evidence[:LONGEST],
            "hint": finding.hint[:LONGEST],
        }
        for finding in report.findings
        if isinstance(finding, Finding)
    ]


def tampered(before: dict[tuple[str, ...], Any], judge: Any, functions: int) -> bool:
    """Whether the checker is no longer what it was, or passes functions that do nothing."""
    now = fingerprint()
    if any(now.get(name) != mark for name, mark in before.items()):
        return True
    nothing = judge(*[lambda *_: None] * functions)
    return bool({finding.verdict for finding in nothing.findings} == {"passed"})


def fingerprint() -> dict[tuple[str, ...], Any]:
    """What each function, method and property of the package is."""
    marks: dict[tuple[str, ...], Any] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "zmqlab":
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, FunctionType):
                marks[name, key] = value, value.__code__
            elif isinstance(value, type) and value.__module__.startswith("zmqlab"):
                for part, inner in list(vars(value).items()):
                    code = getattr(inner, "__code__", None)
                    if callable(inner) or isinstance(inner, property | classmethod | staticmethod):
                        marks[name, key, part] = inner, code
    return marks


def _package() -> list[str]:
    return [str(Path(__file__).resolve().parents[1])]


# ------------------------------------------------------------------ the walls


def loopback_up() -> None:
    """Switch loopback on: in a network of one's own it is off at first."""
    if sys.platform != "linux":
        return
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            up_and_running = struct.pack("16sh", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
            fcntl.ioctl(any_socket, 0x8914, up_and_running)  # SIOCSIFFLAGS
        except OSError:
            return  # it is on: this is the machine's own network


def limit_resources() -> None:
    """Bound memory, processor time, what is written, descriptors and processes, where it can be."""
    if sys.platform == "win32":
        return
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, WRITTEN),
        (resource.RLIMIT_NOFILE, OPEN),
        (resource.RLIMIT_NPROC, PROCESSES),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):
            continue  # less is allowed already, or this system has no such bound


class _Ruleset(ctypes.Structure):
    _fields_ = (("access", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("folder", ctypes.c_int32))


CREATE, ADD, RESTRICT = 444, 445, 446  # system calls of Landlock, on all architectures
RIGHTS = {1: 13, 2: 14}  # how many of them its versions know; from the third on 15 are used here
READ = 0b1101  # execute, read files, read folders
OF_FILES = 0b111 | 1 << 14  # what a plain file knows: execute, write, read; truncate
NO_NEW_PRIVILEGES = 38


def landlock(read: Iterable[str], write: Iterable[str]) -> bool:
    """Let this process see no more of the file system than these; False: the kernel cannot.

    https://docs.kernel.org/userspace-api/landlock.html
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE, None, 0, 1)
    if version < 1:
        return False
    everything = (1 << RIGHTS.get(version, 15)) - 1
    asked = _Ruleset(everything)
    rules = libc.syscall(CREATE, ctypes.byref(asked), ctypes.sizeof(asked), 0)
    for paths, access in ((read, READ), ([*write, "/dev"], everything)):
        for path in paths:
            try:
                folder = os.open(path, os.O_PATH)
            except OSError:
                continue
            allowed = access if os.path.isdir(path) else access & OF_FILES
            libc.syscall(ADD, rules, 1, ctypes.byref(_Beneath(allowed, folder)), 0)
            os.close(folder)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    locked: bool = libc.syscall(RESTRICT, rules, 0) == 0
    os.close(rules)
    return locked


if __name__ == "__main__":
    main()
