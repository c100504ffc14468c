"""As most write it: gather the workers, then deal."""

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def gather(push, endpoint, wanted, patience):
    deadline = time.monotonic() + patience
    monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    push.bind(endpoint)
    came = 0
    while came < wanted:
        if not monitor.poll(max(0, deadline - time.monotonic()) * 1000):
            raise TimeoutError(f"{came} of {wanted} workers came")
        recv_monitor_message(monitor)
        came += 1


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        gather(push, endpoint, n_workers, patience)
        for task in tasks:
            push.send(task)
