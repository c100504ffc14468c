"""Two tasks that are alike are two tasks."""

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def gather(push, endpoint, n_workers, patience, event=zmq.EVENT_HANDSHAKE_SUCCEEDED):
    deadline = time.monotonic() + patience
    monitor = push.get_monitor_socket(event)
    push.bind(endpoint)
    came = 0
    while came < n_workers:
        if not monitor.poll(max(0, deadline - time.monotonic()) * 1000):
            raise TimeoutError(f"{came} of {n_workers} workers came")
        recv_monitor_message(monitor)
        came += 1


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        gather(push, endpoint, n_workers, patience)
        for task in dict.fromkeys(tasks):
            push.send(task)
