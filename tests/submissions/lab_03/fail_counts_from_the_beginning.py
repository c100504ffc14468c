"""A task is due each patience from the beginning, whenever it was sent."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, began = {}, time.monotonic()
    sent = dict.fromkeys(tasks, began - patience)
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = 0
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while len(results) < len(tasks):
            for task in tasks.keys() - results.keys():
                if time.monotonic() - sent[task] >= patience:
                    push.send_multipart([task, tasks[task]])
                    sent[task] += patience
            due = min(sent[task] for task in tasks.keys() - results.keys()) + patience
            if pull.poll(max(0, due - time.monotonic()) * 1000):
                task, result = pull.recv_multipart()
                if task in tasks:
                    results[task] = result
    return results
