"""Patience is not looked at."""

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        push.bind(endpoint)
        for _ in range(n_workers):
            recv_monitor_message(monitor)
        for task in tasks:
            push.send(task)
