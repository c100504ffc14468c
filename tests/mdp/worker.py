"""A right Majordomo worker (7/MDP, or 18/MDP): it echoes; "slow" takes it two seconds.

python tests/mdp/worker.py ENDPOINT SERVICE [--interval S] [--liveness N] [--dialect 0.2]
"""

from __future__ import annotations

import argparse
import time

import zmq


def converse(ctx: zmq.Context, endpoint: str, service: bytes, chosen: argparse.Namespace) -> None:
    """One conversation: from READY until the broker says goodbye or nothing any more."""
    second = chosen.dialect == "0.2"
    start = [] if second else [b""]
    header = b"MDPW02" if second else b"MDPW01"
    final, heartbeat, goodbye = (b"\4", b"\5", b"\6") if second else (b"\3", b"\4", b"\5")
    with ctx.socket(zmq.DEALER) as broker:
        broker.linger = 0
        broker.connect(endpoint)
        broker.send_multipart([*start, header, b"\1", service])
        heard, beat_at = time.monotonic(), time.monotonic() + chosen.interval
        at_work: list[tuple[float, bytes, list[bytes]]] = []  # until when, for whom, what
        while True:
            while at_work and time.monotonic() >= at_work[0][0]:
                _, client, body = at_work.pop(0)
                if second and len(body) > 1:
                    broker.send_multipart([header, b"\3", client, b"", body[0]])
                broker.send_multipart([*start, header, final, client, b"", *body])
            if time.monotonic() >= beat_at:
                broker.send_multipart([*start, header, heartbeat])
                beat_at = time.monotonic() + chosen.interval
            until = min([beat_at, *(end for end, _, _ in at_work)])
            if not broker.poll(max(0, int(1000 * (until - time.monotonic())) + 1)):
                if time.monotonic() - heard > chosen.interval * chosen.liveness:
                    return  # judged only when all that was there has been read
                continue
            frames = broker.recv_multipart()
            heard = time.monotonic()
            match frames[len(start) :] if frames[: len(start)] == start else []:
                case [code, b"\2", client, b"", *body] if code == header and body:
                    takes = 2.0 if body == [b"slow"] else 0.0
                    at_work.append((time.monotonic() + takes, client, body))
                case [code, what] if (code, what) == (header, goodbye):
                    return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint")
    parser.add_argument("service")
    parser.add_argument("--interval", type=float, default=0.2)
    parser.add_argument("--liveness", type=int, default=5)
    parser.add_argument("--dialect", default="0.1")
    chosen = parser.parse_args()
    with zmq.Context() as ctx:
        while True:
            converse(ctx, chosen.endpoint, chosen.service.encode(), chosen)


if __name__ == "__main__":
    main()
