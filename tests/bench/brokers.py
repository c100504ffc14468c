"""What the course's brokers do beside zmq.proxy, the tap beside a direct link, and the attacked."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from paper import promise, row, spread
from rig import BODY, CLIENTS, IN_FLIGHT, WORKERS, Burst, Rig, load_command, rig

from zmqlab.balance.brokers import by_policy, idle_worker, router_dealer, router_dealer_in_c
from zmqlab.balance.policy import Credit

ROOT = Path(__file__).parents[2]
PAIRS = 15
BUSY = 0.9  # of the time: who had less to do was not alone in being measured

BROKERS: dict[str, tuple[Callable[..., None], bool, tuple[Any, ...]]] = {
    "ROUTER/DEALER, a loop in Python": (router_dealer, False, ()),
    "idle worker (credit 1)": (idle_worker, True, ()),
    "by policy, credit 1": (by_policy, True, (Credit(1), Random(1))),
    "by policy, credit 8": (by_policy, True, (Credit(8), Random(1))),
}


def in_turns(base: Rig, rigs: Mapping[str, Rig]) -> dict[str, list[tuple[Burst, Burst, Burst]]]:
    """Bursts of each rig, each with the bursts of `base` just before it and just after it."""
    found: dict[str, list[tuple[Burst, Burst, Burst]]] = {name: [] for name in rigs}
    before = base.burst()
    for turn in range(PAIRS):
        for name in list(rigs) if turn % 2 else reversed(list(rigs)):
            ours, after = rigs[name].burst(), base.burst()
            found[name].append((before, ours, after))
            before = after
    return found


def compare(base: Rig, rigs: Mapping[str, Rig], whose: str) -> None:
    """Print medians: the ratios to `base` pair by pair, and how busy who is measured was."""
    print(
        f"  {CLIENTS} clients, {IN_FLIGHT} requests in flight each, {WORKERS} workers, {BODY} bytes"
    )
    print(f"  (!): the {whose} ran, or waited for a processor, less than {BUSY} of the time;")
    print("  what it waited for, the round trip with credit 1 or the load, was measured, too")
    found = in_turns(base, rigs)
    row("", "rate", "", "p99", "µs a request", f"{whose} busy")
    for name, bursts in found.items():
        rates = [2 * ours.rate / (before.rate + after.rate) for before, ours, after in bursts]
        p99 = statistics.median(2 * ours.p99 / (one.p99 + two.p99) for one, ours, two in bursts)
        row(name, f"{statistics.median(rates):.2f}", spread(rates), f"{p99:.1f}", *cost(bursts, 1))
    row("zmq.proxy", "1", "", "1", *cost([burst for all in found.values() for burst in all], 0))


def cost(bursts: Sequence[tuple[Burst, Burst, Burst]], which: int) -> tuple[str, str]:
    """Microseconds a request, and the part of the time in which there was something to do."""
    use = statistics.median(burst[which].use for burst in bursts)
    spent = statistics.median(burst[which].cost for burst in bursts)
    if not use:
        return "?", "?"  # a system that does not tell
    return f"{spent * 1e6:.1f}", f"{use:.2f}" + (" (!)" if use < BUSY else "")


def brokers() -> None:
    """Each broker of the course against zmq.proxy."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        load, language = load_command(folder)
        print("Brokers: ratio to zmq.proxy, in turns with it")
        print(f"  (rate: more is better, p99: less is better); the load is {language}")
        base = stack.enter_context(rig(load, router_dealer_in_c, False))
        rigs = {
            name: stack.enter_context(rig(load, broker, ready, *args))
            for name, (broker, ready, args) in BROKERS.items()
        }
        compare(base, rigs, "broker")


def tap() -> None:
    """The tap against a direct link."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        load, language = load_command(folder)
        print(
            "Tap: clients reach zmq.proxy through it; ratio to the direct link, in turns with it;"
        )
        print(f"  the load is {language}")
        base = stack.enter_context(rig(load, router_dealer_in_c, False))
        tapped = stack.enter_context(rig(load, router_dealer_in_c, False, tapped=True))
        compare(base, {"tapped": tapped}, "tap")


def attacks() -> None:
    """Brokers under malformed input."""
    print("Hostile peers: 100,000 random messages and raw bytes while honest clients work")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "tests/hostile.py", "--messages", "100000", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    print("  " + done.stdout.strip().replace("\n", "\n  "))
    row("no honest request lost, broker alive", promise("hostile peers", done.returncode == 0))
