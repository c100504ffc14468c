"""A right Majordomo client (7/MDP, or 18/MDP) on a DEALER: each try has a socket of its own.

python tests/mdp/client.py ENDPOINT SERVICE REQUESTS [--patience S] [--dialect 0.2]
"""

from __future__ import annotations

import argparse
import sys
import time

import zmq


def ask(ctx: zmq.Context, chosen: argparse.Namespace, body: bytes) -> list[bytes] | None:
    """One try: the reply's body, or None when the patience is over."""
    second = chosen.dialect == "0.2"
    service = chosen.service.encode()
    header = [b"MDPC02"] if second else [b"", b"MDPC01"]
    with ctx.socket(zmq.DEALER) as broker:
        broker.linger = 0
        broker.connect(chosen.endpoint)
        broker.send_multipart([*header, *([b"\1"] if second else []), service, body])
        end = time.monotonic() + chosen.patience
        while broker.poll(max(0, int(1000 * (end - time.monotonic())))):
            frames = broker.recv_multipart()
            if frames[: len(header)] != header:
                continue
            match frames[len(header) :]:
                case [b"\3", name, *reply] if second and reply and name == service:
                    return reply
                case [name, *reply] if not second and reply and name == service:
                    return reply
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint")
    parser.add_argument("service")
    parser.add_argument("requests", type=int)
    parser.add_argument("--patience", type=float, default=1.0)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--dialect", default="0.1")
    chosen = parser.parse_args()
    with zmq.Context() as ctx:
        for number in range(chosen.requests):
            for _ in range(chosen.tries):
                if reply := ask(ctx, chosen, b"question %d" % number):
                    print(reply[0].decode(errors="replace"), flush=True)
                    break
            else:
                print(f"no reply in {chosen.tries} tries", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
