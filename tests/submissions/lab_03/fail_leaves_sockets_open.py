"""Nobody closes them."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, sent = {}, {}
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    push.bind(task_endpoint)
    pull.bind(result_endpoint)
    while len(results) < len(tasks):
        for task in tasks.keys() - results.keys():
            if time.monotonic() - sent.get(task, -patience) >= patience:
                push.send_multipart([task, tasks[task]])
                sent[task] = time.monotonic()
        if pull.poll(20):
            task, result = pull.recv_multipart()
            if task in tasks:
                results[task] = result
    return results
