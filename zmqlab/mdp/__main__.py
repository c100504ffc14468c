"""The suite as a command: `python -m zmqlab.mdp check-broker --start "COMMAND {endpoint}"`."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

import zmq

from .broker import check_broker
from .client import check_client
from .frames import DIALECTS
from .outcome import EXIT, FAILED, Outcome
from .picture import picture
from .rules import RULES, Unknown, chosen, markdown, of
from .subject import Command, Talking, beyond_this_machine
from .table import ALL
from .titanic import check_titanic
from .titanic_client import check_titanic_client
from .worker import check_worker

USAGE, NOBODY = 64, 69  # exit status: EX_USAGE and EX_UNAVAILABLE of sysexits.h
INTERRUPTED = 130  # as a shell says it

EPILOG = """\
exit status: 0 all that counts passed; 1 a rule is broken; 2 one that counts is undecided; 64 the
command line is wrong; 69 nobody was there; 130 interrupted.

examples:
  python -m zmqlab.mdp check-broker --start "node broker.mjs {endpoint}" --junit mdp.xml
  python -m zmqlab.mdp check-broker tcp://127.0.0.1:5555 --only 7.B12 --only 8
  python -m zmqlab.mdp check-worker --start "./worker {endpoint} {service}" --heartbeat 0.5
  python -m zmqlab.mdp check-client --start "./client {endpoint} {service} {requests}"
  python -m zmqlab.mdp rules 7.B
"""


class _Parser(argparse.ArgumentParser):
    """argparse, with the exit status of sysexits.h for a wrong command line."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(words)
    if options.command == "rules":
        return _rules(parser, options)
    if getattr(options, "titanic", False):
        options.who, options.run = "titanic client", _titanic_client
    try:
        rules = chosen(
            of(options.who, DIALECTS[getattr(options, "dialect", "0.1")]),
            options.only,
            options.skip,
        )
    except Unknown as error:
        parser.error(str(error))
    if options.list:
        print(*(f"{rule.id:<6} {rule.level:<7} {rule.text}" for rule in rules), sep="\n")
        return 0
    expected = _expected(parser, options.expect)
    _can_be_written(parser, options.json, options.junit, options.picture)
    for name in ("SIGTERM", "SIGHUP"):  # what is under test is ended then, too
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        outcome = options.run(parser, options)
    except OSError as error:
        parser.error(f"the command cannot be started: {error}")
    except ValueError as error:
        parser.error(f"--start: {error}")
    except zmq.ZMQError as error:
        parser.error(f"the endpoint: {error}; it looks like tcp://127.0.0.1:5555")
    except KeyboardInterrupt:
        print("interrupted: nothing was found out", file=sys.stderr)
        return INTERRUPTED
    outcome.expected = expected
    _write(outcome, options)
    return NOBODY if outcome.absent else EXIT[outcome.verdict]


def _rules(parser: _Parser, options: argparse.Namespace) -> int:
    try:
        found = chosen(ALL, options.names, ())
    except Unknown as error:
        parser.error(str(error))
    if options.markdown:
        print(markdown(found))
        return 0
    for rule in found:
        print(f"{rule.id:<6} {rule.level:<7} {rule.text}")
        if rule.decision:
            print(f"{'':14} {rule.decision}")
    return 0


def _expected(parser: _Parser, path: Path | None) -> frozenset[str]:
    """The rules that a file lists, one a line; what follows a # is a comment."""
    if path is None:
        return frozenset()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"--expect: {error}")
    names = {line.partition("#")[0].strip() for line in lines} - {""}
    if strangers := sorted(names - set(RULES)):
        parser.error(f"--expect: {path} names {', '.join(strangers)}, and there is no such rule")
    return frozenset(names)


def _can_be_written(parser: _Parser, *paths: Path | None) -> None:
    """Say before the run, not after it, that an outcome has no place to go to."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            parser.error(f"{path}: there is no folder {path.parent}")


def _write(outcome: Outcome, options: argparse.Namespace) -> None:
    if not options.quiet:
        print(outcome)
    for path, text in ((options.json, outcome.json), (options.junit, outcome.junit)):
        if path is not None:
            path.write_text(text(), encoding="utf-8")
    broken = [result for result in outcome.results.values() if result.verdict == FAILED]
    if options.picture is not None and broken:
        try:
            print(picture(broken[0], options.picture))
        except ValueError as error:  # of matplotlib: no such format
            print(f"no picture: {error}")


# ------------------------------------------------------------------ one function per command


def _broker(parser: _Parser, options: argparse.Namespace) -> Outcome:
    return check_broker(
        _at(parser, options),
        backend=options.backend,
        dialect=options.dialect,
        heartbeat=options.heartbeat,
        expiry=options.expiry,
        patience=options.patience or 2.0,
        require=options.require,
        **_common(options),
    )


def _at(parser: _Parser, options: argparse.Namespace) -> str | Command:
    if bool(options.endpoint) == bool(options.start):
        parser.error('an endpoint, or --start "COMMAND {endpoint}": one of the two')
    if options.start:
        if options.backend:
            parser.error("--backend goes with an endpoint; in a command, write {backend}")
        return Command(_with(parser, options.start, "endpoint"))
    _warn(options)
    endpoint: str = options.endpoint
    return endpoint


def _worker(parser: _Parser, options: argparse.Namespace) -> Outcome:
    return check_worker(
        Command(_with(parser, options.start, "endpoint", "service")),
        service=options.service.encode(),
        dialect=options.dialect,
        heartbeat=options.heartbeat,
        patience=options.patience or 5.0,
        slow=options.slow.encode() if options.slow else None,
        **_common(options),
    )


def _client(parser: _Parser, options: argparse.Namespace) -> Outcome:
    return check_client(
        Talking(_with(parser, options.start, "endpoint", "service", "requests")),
        service=options.service.encode(),
        dialect=options.dialect,
        patience=options.patience or 15.0,
        **_common(options),
    )


def _titanic_client(parser: _Parser, options: argparse.Namespace) -> Outcome:
    if options.dialect != "0.1":
        parser.error("--titanic: 9/TSP is layered on version 0.1 alone")
    return check_titanic_client(
        Talking(_with(parser, options.start, "endpoint", "service", "requests")),
        service=options.service.encode(),
        patience=options.patience or 15.0,
        **_common(options),
    )


def _titanic(parser: _Parser, options: argparse.Namespace) -> Outcome:
    if options.start:
        _with(parser, options.start, "endpoint")
    _warn(options)
    return check_titanic(
        options.endpoint,
        start=options.start,
        folder=options.folder,
        patience=options.patience or 3.0,
        **_common(options),
    )


def _common(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "only": options.only,
        "skip": options.skip,
        "strict": options.strict,
        "limit": options.limit,
        "progress": _Progress(sys.stderr if not options.quiet else None),
    }


def _with(parser: _Parser, line: str, *places: str) -> str:
    missing = [f"{{{place}}}" for place in places if f"{{{place}}}" not in line]
    if missing:
        parser.error(f"--start: {' and '.join(missing)} must stand in the command")
    return line


def _warn(options: argparse.Namespace) -> None:
    for endpoint in (options.endpoint, getattr(options, "backend", None)):
        if endpoint and beyond_this_machine(endpoint):
            print(
                f"{endpoint} is not this machine. The suite sends what kills brokers; press "
                "Control-C if that one is needed.",
                file=sys.stderr,
            )


class _Progress:
    """One line on a terminal that says what is being tried."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream if stream is not None and stream.isatty() else None

    def __call__(self, title: str) -> None:
        if self.stream is not None:
            print(f"\r\033[K{title} …\r", end="", file=self.stream, flush=True)


# ------------------------------------------------------------------ the command line


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m zmqlab.mdp",
        description="Which rules of Majordomo does your program keep?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    rules = commands.add_parser("rules", help="the rules, and what was decided about them")
    rules.add_argument("names", nargs="*", metavar="RULE", help="7, 8, 7.B, 7.B12 …")
    rules.add_argument("--markdown", action="store_true", help="as tables")
    for who, run, help_text in (
        ("broker", _broker, "judge a broker"),
        ("worker", _worker, "judge a worker: the suite is its broker"),
        ("client", _client, "judge a client: the suite is its broker"),
        ("titanic", _titanic, "judge a Titanic server behind a broker"),
    ):
        command = commands.add_parser(f"check-{who}", help=help_text)
        command.set_defaults(who=who, run=run)
        _options(command, who)
    return parser


def _seconds(text: str) -> float:
    """A number of seconds."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return number


def _options(command: argparse.ArgumentParser, who: str) -> None:
    add = command.add_argument
    if who in ("broker", "titanic"):
        where = "where it listens" if who == "broker" else "where the broker listens"
        add("endpoint", nargs="?" if who == "broker" else None, help=where)
    places = {
        "worker": "COMMAND {endpoint} {service}",
        "client": "COMMAND {endpoint} {service} {requests}",
    }.get(who, "COMMAND {endpoint}")
    needed = who in ("worker", "client")
    add("--start", metavar=f'"{places}"', required=needed, help="start it, anew when it has died")
    if who == "broker":
        add("--backend", metavar="ENDPOINT", help="where workers connect, if elsewhere")
        add("--expiry", type=_seconds, metavar="S", help="after how long its requests expire")
        add("--require", action="append", default=[], choices=["8"], help="has to be offered")
    if who in ("worker", "client"):
        add("--service", default="suite", help="the service that it serves or asks for")
    if who == "client":
        add("--titanic", action="store_true", help="it is a client of Titanic (9/TSP)")
    if who == "worker":
        add("--slow", metavar="BODY", help="a request that it works at for long")
    if who in ("broker", "worker"):
        mine = "its" if who == "broker" else "the suite's"
        add("--heartbeat", type=_seconds, metavar="S", help=f"{mine} interval, in seconds")
    if who == "titanic":
        add("--folder", type=Path, help="where it keeps its files: bait is laid beside it")
    else:
        add("--dialect", choices=sorted(DIALECTS), default="0.1", help="version of Majordomo")
    add("--only", action="append", default=[], metavar="RULE", help="these rules alone")
    add("--skip", action="append", default=[], metavar="RULE", help="not these rules")
    add("--strict", action="store_true", help="a broken 'should' fails, too")
    add("--expect", type=Path, metavar="FILE", help="rules that are known to fail, one a line")
    add("--patience", type=_seconds, metavar="S", help="seconds for an answer")
    limit = 240.0 if who == "titanic" else 120.0
    add("--limit", type=_seconds, default=limit, metavar="S", help="seconds for all of it")
    add("--json", type=Path, metavar="FILE", help="write the outcome as JSON")
    add("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit's XML")
    add("--picture", type=Path, metavar="FILE", help="draw the first failure (matplotlib)")
    add("--list", action="store_true", help="list the rules and do nothing")
    add("--quiet", action="store_true", help="print nothing")


if __name__ == "__main__":
    sys.exit(main())
