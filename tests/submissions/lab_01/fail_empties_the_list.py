"""Takes the tasks out of the caller's list."""

import time

import zmq


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        push.linger = -1
        mon = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        push.bind(endpoint)
        end = time.monotonic() + patience
        try:
            for came in range(n_workers):
                if not mon.poll(max(0, int(1000 * (end - time.monotonic())))):
                    raise TimeoutError(f"{came} of {n_workers} workers came")
                mon.recv_multipart()
        finally:
            push.disable_monitor()
        while tasks:
            push.send(tasks.pop(0))
