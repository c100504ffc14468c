"""A worker that is connected before anybody looks is never counted."""

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        deadline = time.monotonic() + patience
        push.bind(endpoint)
        monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        for came in range(n_workers):
            if not monitor.poll(max(0, deadline - time.monotonic()) * 1000):
                raise TimeoutError(f"{came} of {n_workers} workers came")
            recv_monitor_message(monitor)
        for task in tasks:
            push.send(task)
