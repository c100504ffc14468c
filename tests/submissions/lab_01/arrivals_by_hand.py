"""Count handshakes on the monitor, one deadline, then deal."""

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    deadline = time.monotonic() + patience
    with ctx.socket(zmq.PUSH) as push:
        monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        push.bind(endpoint)
        came = 0
        while came < n_workers:
            left = deadline - time.monotonic()
            if left <= 0 or not monitor.poll(left * 1000):
                raise TimeoutError(f"{came} of {n_workers} workers came within {patience} s")
            recv_monitor_message(monitor)
            came += 1
        for task in tasks:
            push.send(task)
