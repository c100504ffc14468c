"""When each missing task was last sent; poll until the next of them is due."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, sent = {}, {}
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = 0
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while len(results) < len(tasks):
            for task in tasks.keys() - results.keys():
                if time.monotonic() - sent.get(task, -patience) >= patience:
                    push.send_multipart([task, tasks[task]])
                    sent[task] = time.monotonic()
            due = min(sent[task] for task in tasks.keys() - results.keys()) + patience
            if pull.poll(max(0, due - time.monotonic()) * 1000):
                task, result = pull.recv_multipart()
                if task in tasks:
                    results[task] = result
    return results
