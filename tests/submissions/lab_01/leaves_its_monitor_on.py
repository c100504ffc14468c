"""Reads the events that it wants, and leaves the monitor on with all the others unread."""

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    end = time.monotonic() + patience
    came = 0
    with ctx.socket(zmq.PUSH) as push:
        where = f"inproc://events-{id(push)}"
        monitor = push.get_monitor_socket(zmq.EVENT_ALL, addr=where)
        push.bind(endpoint)
        while came < n_workers:
            if not monitor.poll(max(0, end - time.monotonic()) * 1000):
                raise TimeoutError(f"{came} of {n_workers} workers came")
            came += recv_monitor_message(monitor)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
        for task in tasks:
            push.send(task)
