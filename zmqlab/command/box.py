"""A box for one submission: a process of its own that can do harm to nobody else.

It has a time limit, bounded memory and files, a folder of its own, and, where the system allows it,
a network and processes of its own and no sight of other files. What it says comes on a pipe that
nothing else has, behind a word that only its parent knows.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import handed_in

UNSHARE = (
    *("unshare", "--user", "--map-root-user", "--net", "--pid", "--mount-proc"),
    *("--fork", "--kill-child"),
)
ODD_MODULES = {"ctypes", "gc", "importlib", "inspect", "signal", "socket", "subprocess", "zmqlab"}
ODD_NAMES = {"__import__", "eval", "exec", "globals", "open"}


@dataclass(frozen=True)
class Grade:
    """What a submission is.

    verdict: the check's "passed", "failed" or "undecided"; "unreadable" where its functions could
        not be taken; "tampered" where the checker was changed; "no report" where none came.
    why: the first rule that did not pass, with what was seen; or why there is no verdict.
    look: names in it that a person may want to look at.
    """

    verdict: str
    why: str = ""
    findings: list[dict[str, str]] = field(default_factory=list)
    look: list[str] = field(default_factory=list)
    walls: bool = True  # it saw no files but its own and Python's


def judge(number: str, path: Path, limit: float) -> Grade:
    """Check a submission for a lab, in a box, within so many seconds."""
    with tempfile.TemporaryDirectory(prefix="zmqlab-box-") as folder:
        own = Path(shutil.copy(path, folder))
        said, why = _run([number, str(own)], Path(folder), limit)
    look = odd(path)
    if said is None:
        return Grade("no report", why, look=look)
    findings = said.get("findings", [])
    first = next((f for f in findings if f["verdict"] != "passed"), None)
    if first is not None:
        why = f"{first['rule']}: {first['evidence']}"
    why = said.get("why", why)
    return Grade(said["verdict"], why, findings, look, bool(said.get("landlock", True)))


def _run(words: list[str], folder: Path, limit: float) -> tuple[dict[str, Any] | None, str]:
    """What the process in the box reported, or why it did not."""
    reading, writing = os.pipe()
    nonce = secrets.token_hex(16)
    command = [sys.executable, "-P", "-m", "zmqlab.command.boxed", *words, str(writing)]
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ZMQLAB_PROGRESS": "",
    }
    with open(folder / "printed", "wb") as printed:
        process = subprocess.Popen(
            [*(UNSHARE if namespaces() else ()), *command],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(writing,),
        )
        os.close(writing)
        ended = True
        try:
            process.communicate(nonce.encode() + b"\n", timeout=limit)
        except subprocess.TimeoutExpired:
            ended = False
        finally:
            end(process)
    os.set_blocking(reading, False)
    try:
        with os.fdopen(reading, "rb") as pipe:
            lines = (pipe.read(1 << 20) or b"").splitlines()
        said: dict[str, Any] = json.loads(lines[-1]) if len(lines) == 1 else {}
    except (ValueError, OSError):
        lines, said = [b"?"], {}
    if said.get("nonce") == nonce:
        return said, ""
    if lines:
        return {"verdict": "tampered", "why": "what it reported is not of the checker"}, ""
    if not ended:
        return None, f"stopped after {limit:g} s"
    return None, f"the process ended by itself, with exit status {process.returncode}"


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all of its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


@functools.cache
def namespaces() -> bool:
    """Whether a process can get a network and process numbers of its own here."""
    if shutil.which(UNSHARE[0]) is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


def odd(path: Path) -> list[str]:
    """Names in a submission that a lab does not ask for; a person may want to look at them."""
    try:
        statements = [part.statement for part in handed_in.parts(path)]
    except handed_in.Unreadable:
        return []
    found = set[str]()
    for statement in statements:
        for node in ast.walk(statement):
            match node:
                case ast.Import(names=names):
                    found |= {alias.name.partition(".")[0] for alias in names} & ODD_MODULES
                case ast.ImportFrom(module=str(module)):
                    found |= {module.partition(".")[0]} & ODD_MODULES
                case ast.Name(id=name) if name in ODD_NAMES:
                    found.add(name)
                case ast.Attribute(attr=name) if name.startswith("__"):
                    found.add(name)
    return sorted(found - {"zmqlab"} if path.suffix == ".ipynb" else found)
