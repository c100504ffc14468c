"""Seconds given to poll, which takes milliseconds."""

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        push.bind(endpoint)
        for came in range(n_workers):
            if not monitor.poll(patience):
                raise TimeoutError(f"{came} of {n_workers} workers came")
            recv_monitor_message(monitor)
        for task in tasks:
            push.send(task)
