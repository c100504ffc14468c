"""Counts the workers at the end of its patience, also if all were there long before."""

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        push.bind(endpoint)
        time.sleep(patience)
        came = 0
        while monitor.poll(0):
            recv_monitor_message(monitor)
            came += 1
        if came < n_workers:
            raise TimeoutError(f"{came} of {n_workers} workers came")
        for task in tasks:
            push.send(task)
