"""Clients and workers that keep a broker busy: load.c in Python, for where no compiler is.

The same arguments, the same lines in and out; but here the load is slower than `zmq.proxy`, so
that every broker looks better beside it than it is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import zmq


def dealers(endpoint: str, count: int) -> tuple[list[zmq.Socket], zmq.Poller]:
    """So many DEALERs, and a poller of them and of stdin."""
    context, poller = zmq.Context(), zmq.Poller()
    sockets = [context.socket(zmq.DEALER) for _ in range(count)]
    for socket in sockets:
        socket.linger = 0
        socket.set_hwm(0)
        socket.connect(endpoint)
        poller.register(socket, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    return sockets, poller


def ready(poller: zmq.Poller) -> list[zmq.Socket]:
    """The sockets that have something; the end of the process when stdin has ended."""
    found = dict(poller.poll())
    if sys.stdin.fileno() in found:
        os._exit(0)
    return list(found)


def schedule(path: str) -> list[float]:
    """Seconds that a thread has run, and has waited for a processor; 0 where nobody says."""
    try:
        return [int(number) * 1e-9 for number in Path(path).read_text().split()[:2]]
    except OSError:
        return [0, 0]


def burst(
    sockets: list[zmq.Socket], poller: zmq.Poller, in_flight: int, body: int, path: str, n: int
) -> None:
    """Have `n` requests answered, and print how."""
    warm, sent, sent_at, took = n // 10, 0, {}, []
    total = warm + n + len(sockets) * in_flight

    def ask(client: zmq.Socket) -> None:
        nonlocal sent
        sent_at[sent] = time.monotonic()
        client.send_multipart([b"", sent.to_bytes(body, "big")])
        sent += 1

    for _ in range(in_flight):
        for client in sockets:
            ask(client)
    while len(took) < total:
        for client in ready(poller):
            number = int.from_bytes(client.recv_multipart()[1], "big")
            received_at = time.monotonic()
            took.append(received_at - sent_at.pop(number))
            if len(took) == warm + 1:
                before, start = schedule(path), time.monotonic()
            if len(took) == warm + n:
                after, end = schedule(path), received_at
            if sent < total:
                ask(client)
    counted = sorted(took[warm : warm + n])
    ran, waited = (late - early for early, late in zip(before, after, strict=True))
    result = {
        "rate": (n - 1) / (end - start),
        "p50": counted[n // 2],
        "p99": counted[n * 99 // 100],
    }
    print(json.dumps(result | {"seconds": end - start, "ran": ran, "waited": waited}), flush=True)


def work(sockets: list[zmq.Socket], poller: zmq.Poller, say_ready: bool) -> None:
    """Echo each message, until stdin ends."""
    for socket in sockets if say_ready else []:
        socket.send_multipart([b"", b"READY"])
    while True:
        for socket in ready(poller):
            socket.send_multipart(socket.recv_multipart())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["workers", endpoint, count, say_ready]:
            work(*dealers(endpoint, int(count)), say_ready == "1")
        case ["clients", endpoint, count, in_flight, body, path]:
            peers = dealers(endpoint, int(count))
            while line := os.read(sys.stdin.fileno(), 32):
                burst(*peers, int(in_flight), int(body), path, int(line))
