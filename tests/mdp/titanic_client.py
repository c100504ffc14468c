"""A right client of Titanic (9/TSP): it asks again after 300 and 500, and not after 400.

python tests/mdp/titanic_client.py ENDPOINT SERVICE REQUESTS
"""

from __future__ import annotations

import argparse
import sys

import zmq


def ask(broker: zmq.Socket, service: bytes, *body: bytes) -> tuple[bytes, list[bytes]]:
    """The status of one of Titanic's services, its three digits, and what follows it."""
    broker.send_multipart([b"MDPC01", service, *body])
    _, _, status, *rest = broker.recv_multipart()
    return status[:3], rest


def insist(broker: zmq.Socket, service: bytes, *body: bytes) -> list[bytes] | None:
    """What follows 200, once it is said; None: 400. In no hurry, one would wait in between."""
    while True:
        status, rest = ask(broker, service, *body)
        if status == b"200":
            return rest
        if status == b"400":
            return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint")
    parser.add_argument("service")
    parser.add_argument("requests", type=int)
    chosen = parser.parse_args()
    with zmq.Context() as ctx, ctx.socket(zmq.REQ) as broker:
        broker.linger = 0
        broker.rcvtimeo = 5000
        broker.connect(chosen.endpoint)
        for number in range(chosen.requests):
            question = [chosen.service.encode(), b"question %d" % number]
            receipt = insist(broker, b"titanic.request", *question)
            reply = receipt and insist(broker, b"titanic.reply", receipt[0])
            if not reply:
                print("Titanic does not know it", file=sys.stderr)
                return 1
            print(reply[0].decode(errors="replace"), flush=True)
            ask(broker, b"titanic.close", receipt[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
