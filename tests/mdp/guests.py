"""Run the suite on what others have published, where it is installed, and print what it finds.

    pip install zmq_legos && python tests/mdp/guests.py

Each guest is run in a process of its own by way of this file: `guests.py broker|worker|client …`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))


def legos_broker(endpoint: str) -> None:
    """The broker of zmq_legos."""
    from zmq_legos.mdp.scheduler import Scheduler

    where, loop = urlsplit(endpoint), asyncio.new_event_loop()
    Scheduler(threading.Event(), hostname=where.hostname, port=where.port, loop=loop).run()


def legos_worker(endpoint: str, service: str) -> None:
    """The worker of zmq_legos, which echoes."""
    from zmq_legos.mdp.worker import Worker

    async def serve() -> None:
        where = urlsplit(endpoint)
        worker = Worker(
            asyncio.Event(),
            heartbeat_interval=0.2,
            heartbeat_timeout=1,
            hostname=where.hostname,
            port=where.port,
            loop=asyncio.get_running_loop(),
        )

        async def echo(*message: bytes) -> Any:
            return message

        await worker.run(service.encode(), echo)

    asyncio.run(serve())


def legos_client(endpoint: str, service: str, requests: str) -> None:
    """The client of zmq_legos."""
    from zmq_legos.mdp.client import Client

    async def ask() -> None:
        where = urlsplit(endpoint)
        client = Client(hostname=where.hostname, port=where.port, loop=asyncio.get_running_loop())
        for number in range(int(requests)):
            await client.submit(service.encode(), [b"question %d" % number])
            _, reply = await asyncio.wait_for(client.get(), 5)
            print(reply[0].decode(errors="replace"), flush=True)
        client.disconnect()

    asyncio.run(ask())


GUESTS = {"broker": legos_broker, "worker": legos_worker, "client": legos_client}


def main(words: list[str]) -> int:
    """Print what was found; what others have published is nobody's failure here."""
    if words:
        GUESTS[words[0]](*words[1:])
        return 0
    if importlib.util.find_spec("zmq_legos") is None:
        print("zmq_legos is not installed here: no guest was tried")
        return 0
    from zmqlab.mdp import Command, check_broker, check_client, check_worker

    this = f"{sys.executable} {__file__}"
    print("zmq_legos, broker")
    print(check_broker(Command(f"{this} broker {{endpoint}}")))
    print("\nzmq_legos, worker")
    print(check_worker(f"{this} worker {{endpoint}} {{service}}", heartbeat=0.2))
    print("\nzmq_legos, client")
    print(check_client(f"{this} client {{endpoint}} {{service}} {{requests}}"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
