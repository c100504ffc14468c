"""One event for each worker, and one deadline for all; the monitor's own PAIR reads the frames."""

import time

import zmq


def feed(ctx, endpoint, n_workers, tasks, patience):
    push = ctx.socket(zmq.PUSH)
    mon = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    try:
        push.bind(endpoint)
        end = time.monotonic() + patience
        for came in range(n_workers):
            if not mon.poll(max(0, int(1000 * (end - time.monotonic())))):
                raise TimeoutError(f"{came} of {n_workers} workers came")
            mon.recv_multipart()
        for t in tasks:
            push.send(t)
    finally:
        push.disable_monitor()
        push.close()
