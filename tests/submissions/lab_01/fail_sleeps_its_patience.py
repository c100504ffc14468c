"""Waits as long as it may, without looking."""

import time

import zmq


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        push.bind(endpoint)
        time.sleep(patience)
        for task in tasks:
            push.send(task)
