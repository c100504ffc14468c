"""A SUB for the results, to which no PUSH can talk."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    sent, results = {}, {}
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.SUB) as pull:
        push.linger = 0
        pull.subscribe(b"")
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while len(results) < len(tasks):
            now = time.monotonic()
            for key in tasks:
                if (
                    key not in results
                    and now - sent.get(key, -1e9) >= patience
                    and push.poll(0, zmq.POLLOUT)
                ):
                    push.send_multipart([key, tasks[key]])
                    sent[key] = time.monotonic()
            if pull.poll(10):
                key, value = pull.recv_multipart()
                if key in tasks:
                    results.setdefault(key, value)
    return results
