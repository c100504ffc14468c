"""What travels between two sockets, a line for each thing, until Control-C."""

from __future__ import annotations

import json
import queue
import signal
import time
from typing import Any

import click

from zmqlab.wire import Faults, Record, Tap

MOMENT = 0.2  # seconds after which Control-C is looked for, at the latest


def follow(
    listen: str,
    to: str,
    *,
    faults: Faults,
    delay: float = 0.0,
    as_json: bool = False,
    anywhere: bool = False,
) -> None:
    """Relay from `listen` to `to` and print what passes.

    ValueError: an endpoint is none, or beyond loopback without `anywhere`. OSError: it cannot
    listen there.
    """
    if anywhere:
        click.echo("Notice: whoever reaches this port reaches what is behind it.", err=True)
    records: queue.SimpleQueue[Record] = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Control-C does
    with Tap(to, listen=listen, faults=faults, told=records.put, anywhere=anywhere) as tap:
        if delay:
            tap.delay(delay)
        click.echo(f"listening at {tap.endpoint}, carrying on to {to}; Control-C ends it", err=True)
        began = time.monotonic()
        try:
            while True:
                try:
                    record = records.get(timeout=MOMENT)
                except queue.Empty:
                    continue
                click.echo(_as_json(record, began) if as_json else _as_line(record, began))
        except KeyboardInterrupt:
            click.echo(f"{tap.made} connections, {tap.refused} refused", err=True)


def _as_line(record: Record, began: float) -> str:
    size = "" if record.kind == "fault" else f"{record.size}"
    return (
        f"{record.time - began:9.3f}  {record.link:3} {record.way} {record.name:10} "
        f"{record.flags:13} {size:>8}  {record.content()}"
    ).rstrip()


def _as_json(record: Record, began: float) -> str:
    said: dict[str, Any] = {
        "time": round(record.time - began, 6),
        "connection": record.link,
        "way": "to" if record.way == "→" else "back",
        "what": record.name,
        "flags": record.flags.split(),
        "bytes": record.size,
        "body": record.body.hex(),
        "content": record.content(),
    }
    return json.dumps(said, ensure_ascii=False)
