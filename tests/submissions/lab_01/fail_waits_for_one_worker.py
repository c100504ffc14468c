"""Writable means that one worker is there, not all."""

import zmq


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        push.bind(endpoint)
        if not push.poll(patience * 1000, zmq.POLLOUT):
            raise TimeoutError(f"0 of {n_workers} workers came")
        for task in tasks:
            push.send(task)
