"""What the course's own tools cost, and what its brokers do: ratios measured in one run.

    python tests/bench.py                 # all of it, some minutes
    python tests/bench.py recording tap   # some of it

Two things are measured in turns and divided pair by pair; what is said is the median of the
ratios. Where the course promises a bound, a run that misses it ends with exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import zmq

sys.path.insert(0, str(Path(__file__).parent))
import hostile

from zmqlab.balance import clock, policy
from zmqlab.balance.brokers import by_policy, idle_worker, router_dealer, router_dealer_in_c
from zmqlab.balance.theory import makespan_bound
from zmqlab.run.experiment import Experiment
from zmqlab.wire.tap import Tap

ROOT = Path(__file__).parent.parent
missed: list[str] = []


def row(name: str, *columns: object) -> None:
    """Print one line of a table."""
    print(f"  {name:<44}" + "".join(f"{column!s:>14}" for column in columns), flush=True)


def promise(what: str, kept: bool) -> str:
    """The word for a bound that was kept or missed; a missed one fails the run."""
    if not kept:
        missed.append(what)
    return "ok" if kept else "MISSED"


def in_turns(
    ours: Callable[[], float], plain: Callable[[], float], pairs: int = 5, runs: int = 16
) -> tuple[float, list[float]]:
    """The median of ours / plain over `pairs` pairs of rates, and all the ratios.

    A pair is the best of `runs` short runs each, in turns: whatever else the machine does in the
    meantime makes a run slower, never faster.
    """
    ratios = []
    for _ in range(pairs):
        measured = [(ours(), plain()) for _ in range(runs)]
        ratios.append(max(our for our, _ in measured) / max(other for _, other in measured))
    return statistics.median(ratios), ratios


# ------------------------------------------------------------------ recording


def push(ctx: Any, endpoint: str, messages: int) -> float:
    """Send `messages` messages of 64 bytes and one before them; return when that one was sent."""
    with ctx.socket(zmq.PUSH) as socket:
        socket.linger = -1
        socket.bind(endpoint)
        message = bytes(64)
        socket.send(message)  # as soon as there is a peer
        start = time.perf_counter()
        for _ in range(messages):
            socket.send(message)
        return start


def pull(ctx: Any, endpoint: str, messages: int) -> float:
    """Receive `messages` messages and one before them; return when the last one was there."""
    with ctx.socket(zmq.PULL) as socket:
        socket.connect(endpoint)
        for _ in range(messages + 1):
            socket.recv()
        return time.perf_counter()


def push_pull_rate(start: Callable[[Experiment], Any], messages: int = 10_000) -> float:
    """Messages per second from a PUSH thread to a PULL thread over tcp.

    From the first send to the last receive: which of the two threads runs ahead of the other, and
    how far, differs from run to run.
    """
    with Experiment(record=False) as lab:
        ctx = start(lab)
        endpoint = lab.endpoint()
        puller = lab.start("pull", lambda _: pull(ctx, endpoint, messages))
        began: float = lab.start("push", lambda _: push(ctx, endpoint, messages)).result(60)
        ended: float = puller.result(60)
        if ctx is not lab.ctx:
            ctx.destroy(0)
    return messages / (ended - began)


def recording() -> None:
    """Recorded sockets against plain ones."""
    print("Recording: PUSH to PULL over tcp, 64 bytes, two threads; ratio to plain pyzmq")

    def plain() -> float:
        return push_pull_rate(lambda lab: zmq.Context())

    def off() -> float:
        return push_pull_rate(lambda lab: lab.ctx)

    def on() -> float:
        with Experiment() as recorder:
            return push_pull_rate(lambda lab: recorder.ctx)

    for name, ours, least in [("recording", on, 1 / 3), ("recording switched off", off, 0.95)]:
        median, ratios = in_turns(ours, plain)
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        row(name, f"{median:.2f}", spread, promise(f"{name}: {median:.2f}", median >= least))


def memory() -> None:
    """What a million hops take."""
    print("Memory: a journal of a million hops of one 64-byte frame each")
    with Experiment() as lab:
        one, other = lab.ctx.socket(zmq.PAIR), lab.ctx.socket(zmq.PAIR)
        endpoint = lab.endpoint("inproc")
        one.bind(endpoint)
        other.connect(endpoint)
        tracemalloc.start()
        for number in range(50_000):
            one.send(number.to_bytes(64, "big"))
            other.recv()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        hops = len(lab.journal)
    row("bytes per hop, and MB for a million", size // hops, f"{size / hops:.0f} MB")


# ------------------------------------------------------------------ notebooks


def notebooks() -> None:
    """Each notebook under nbval against an empty kernel that imports pyzmq and matplotlib."""
    print("Notebooks: seconds under nbval, and how many times a bare kernel with its imports")
    bare = min(_seconds([sys.executable, "-c", _BARE_KERNEL]) for _ in range(2))
    row("a bare kernel, import zmq and matplotlib", f"{bare:.1f} s")
    for notebook in sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("solutions/*.ipynb")]):
        command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env"]
        taken = _seconds([*command, "--nbval-cell-timeout=120", str(notebook)])
        name = str(notebook.relative_to(ROOT))
        kept = promise(f"{name}: {taken:.1f} s", taken < 15 or not name.startswith("notebooks"))
        row(name, f"{taken:.1f} s", f"{taken / bare:.1f} x", kept)


_BARE_KERNEL = """
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
client.execute_interactive("import zmq, matplotlib.figure", timeout=60)
client.stop_channels(); manager.shutdown_kernel(now=True)
"""


def _seconds(command: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


# ------------------------------------------------------------------ brokers


def rep_workers(ctx: Any, backend: str, n: int) -> None:
    """Workers of the ROUTER/DEALER broker: `n` REP sockets that echo."""
    poller = zmq.Poller()
    for _ in range(n):
        worker = ctx.socket(zmq.REP)
        worker.connect(backend)
        poller.register(worker, zmq.POLLIN)
    while True:
        for worker, _ in poller.poll():
            worker.send(worker.recv())


def asking_workers(ctx: Any, backend: str, n: int) -> None:
    """Workers of the idle-worker broker: `n` REQ sockets that say READY, then echo."""
    poller = zmq.Poller()
    for _ in range(n):
        worker = ctx.socket(zmq.REQ)
        worker.connect(backend)
        worker.send(b"READY")
        poller.register(worker, zmq.POLLIN)
    while True:
        for worker, _ in poller.poll():
            worker.send_multipart(worker.recv_multipart())


def credit_workers(ctx: Any, backend: str, n: int) -> None:
    """Workers that may hold several tasks: `n` DEALER sockets that say READY, then echo."""
    poller = zmq.Poller()
    for _ in range(n):
        worker = ctx.socket(zmq.DEALER)
        worker.connect(backend)
        worker.send_multipart([b"", b"READY"])
        poller.register(worker, zmq.POLLIN)
    while True:
        for worker, _ in poller.poll():
            worker.send_multipart(worker.recv_multipart())


def clients(ctx: Any, frontend: str, report: str, n: int, in_flight: int, requests: int) -> None:
    """`n` DEALER clients with `in_flight` requests each; reports the rate and the p99 latency."""
    poller, sent_at, latencies = zmq.Poller(), {}, []
    sockets = [ctx.socket(zmq.DEALER) for _ in range(n)]
    sent = 0

    def ask(client: Any) -> None:
        nonlocal sent
        sent_at[sent] = time.perf_counter()
        client.send_multipart([b"", sent.to_bytes(64, "big")])
        sent += 1

    for client in sockets:
        client.connect(frontend)
        poller.register(client, zmq.POLLIN)
    start = time.perf_counter()
    for client in sockets:
        for _ in range(in_flight):
            ask(client)
    while len(latencies) < requests:
        for client, _ in poller.poll():
            number = int.from_bytes(client.recv_multipart()[1], "big")
            latencies.append(time.perf_counter() - sent_at.pop(number))
            if sent < requests:
                ask(client)
    seconds = time.perf_counter() - start
    with ctx.socket(zmq.PUSH) as push:
        push.connect(report)
        p99 = statistics.quantiles(latencies, n=100)[98]
        push.send_json({"rate": requests / seconds, "p99": p99})
    while True:
        poller.poll()


def broker_run(
    broker: Callable[..., None],
    workers: Callable[..., None],
    *args: Any,
    tap: bool = False,
    requests: int = 8_000,
) -> dict[str, float]:
    """Rate (requests per second) and p99 (seconds) of 8 clients with 8 in flight, 4 workers.

    Broker, workers and clients are a process each.
    """
    with Experiment(record=False, limit=90) as lab:
        frontend, backend, report = (lab.endpoint() for _ in range(3))
        with lab.ctx.socket(zmq.PULL) as results:
            results.bind(report)
            lab.spawn("broker", broker, frontend, backend, *args)
            lab.spawn("workers", workers, backend, 4)
            if tap:
                with Tap(frontend) as relay:
                    lab.spawn("clients", clients, relay.endpoint, report, 8, 8, requests)
                    return json.loads(results.recv())
            lab.spawn("clients", clients, frontend, report, 8, 8, requests)
            return json.loads(results.recv())  # type: ignore[no-any-return]


BROKERS: list[tuple[str, Callable[..., None], Callable[..., None], tuple[Any, ...]]] = [
    ("ROUTER/DEALER, a loop in Python", router_dealer, rep_workers, ()),
    ("idle worker (credit 1)", idle_worker, asking_workers, ()),
    ("by policy, credit 1", by_policy, credit_workers, (policy.Credit(1), Random(1))),
    ("by policy, credit 8", by_policy, credit_workers, (policy.Credit(8), Random(1))),
]


def brokers() -> None:
    """Each broker of the course against zmq.proxy."""
    print("Brokers: 8 clients with 8 requests in flight each, 4 workers, 64 bytes, tcp;")
    print("  ratio to zmq.proxy in the same run (rate: more is better, p99: less is better)")
    row("", "rate", "p99")
    for name, broker, workers, args in BROKERS:
        rates, p99s = [], []
        for _ in range(3):
            ours = broker_run(broker, workers, *args)
            proxy = broker_run(router_dealer_in_c, rep_workers)
            rates.append(ours["rate"] / proxy["rate"])
            p99s.append(ours["p99"] / proxy["p99"])
        row(name, f"{statistics.median(rates):.2f}", f"{statistics.median(p99s):.1f}")


def tap() -> None:
    """The tap against a direct link."""
    print("Tap: clients reach zmq.proxy through it; ratio to the direct link")
    rates, p99s = [], []
    for _ in range(3):
        tapped = broker_run(router_dealer_in_c, rep_workers, tap=True, requests=4_000)
        direct = broker_run(router_dealer_in_c, rep_workers, requests=4_000)
        rates.append(tapped["rate"] / direct["rate"])
        p99s.append(tapped["p99"] / direct["p99"])
    row("", "rate", "p99")
    row("tapped", f"{statistics.median(rates):.2f}", f"{statistics.median(p99s):.1f}")


# ------------------------------------------------------------------ balance


def slow_worker(ctx: Any, backend: str, seconds_per_unit: float) -> None:
    """Say READY; sleep for each task as long as it says, times this worker's slowness.

    Answers what the task has cost: the seconds that it took, by this worker's slowness.
    """
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(backend)
        broker.send_multipart([b"", b"READY"])
        while True:
            *address, cost = broker.recv_multipart()
            began = time.monotonic()
            time.sleep(float(cost) * seconds_per_unit)
            took = (time.monotonic() - began) / seconds_per_unit
            broker.send_multipart([*address, str(took).encode()])


def makespan(costs: list[float], slowness: list[float], rule: policy.Policy) -> float:
    """Seconds until all tasks, there from the beginning, are answered, by the lower bound.

    The bound is that of the work as it came to be: a sleep is longer than it was to be, and on a
    busy machine much longer, whoever was given the task.
    """
    with Experiment(record=False) as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", by_policy, frontend, backend, rule, Random(1))
        with lab.ctx.socket(zmq.DEALER) as client:
            client.connect(frontend)
            for number, slow in enumerate(slowness):
                lab.start(f"w{number + 1}", slow_worker, backend, slow)
            start = time.monotonic()
            for cost in costs:
                client.send_multipart([b"", str(cost).encode()])
            took = [float(client.recv_multipart()[-1]) for _ in costs]
            return (time.monotonic() - start) / makespan_bound(took, [1 / s for s in slowness])


def balance() -> None:
    """Makespan against the lower bound, live; the median over five draws of the tasks.

    One draw would not do: where it ends with a long task on the slow worker, no rule that learns
    the length of a task by doing it comes near the bound.
    """
    print("Balance: makespan / lower bound, live threads, all tasks there from the beginning")
    one_in_three = [1.0, 1.0, 25.0]  # workers of 2, 2 and 50 ms for a task of 2 ms
    one_in_four = [1.0, 1.0, 1.0, 5.0]
    cases = [
        ("fleet 2/2/50 ms, 600 equal tasks", clock.constant(0.002), 600, one_in_three),
        ("constant, one of 4 workers 5 x slower", clock.constant(0.005), 200, one_in_four),
        ("exponential, the same fleet", clock.exponential(0.005), 200, one_in_four),
        ("Pareto, the same fleet", clock.pareto(0.005), 200, one_in_four),
    ]
    row("", "credit 1", "credit 2", "credit 4", "credit 8", "")
    for name, work, tasks, slowness in cases:
        columns = []
        for k in (1, 2, 4, 8):
            ratios = [
                makespan(work.costs(tasks, seed), slowness, policy.Credit(k)) for seed in range(5)
            ]
            columns.append(statistics.median(ratios))
        kept = promise(f"balance, {name}: {columns[0]:.2f}", columns[0] <= 1.2)
        row(name, *(f"{column:.2f}" for column in columns), kept)


# ------------------------------------------------------------------ hostile peers


def attacks() -> None:
    """Brokers under malformed input."""
    print("Hostile peers: 100,000 random messages and raw bytes while honest clients work")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, hostile.__file__, "--messages", "100000", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    print("  " + done.stdout.strip().replace("\n", "\n  "))
    row("no honest request lost, broker alive", promise("hostile peers", done.returncode == 0))


ALL = [recording, memory, notebooks, brokers, tap, balance, attacks]


def main() -> int:
    """Measure what was asked for; 1 if a promise was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", nargs="*", help=", ".join(f.__name__ for f in ALL))
    what = parser.parse_args().what
    for measure in ALL:
        if not what or measure.__name__ in what:
            measure()
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
