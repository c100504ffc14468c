"""Gives a task up after four sendings."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, sent, tries = {}, {}, {}
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = 0
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while len(results) < len(tasks):
            now = time.monotonic()
            for task in tasks:
                if task in results or tries.get(task, 0) == 4:
                    continue
                if now - sent.get(task, -patience) >= patience:
                    push.send_multipart([task, tasks[task]])
                    sent[task] = time.monotonic()
                    tries[task] = tries.get(task, 0) + 1
            if pull.poll(20):
                task, result = pull.recv_multipart()
                if task in tasks:
                    results[task] = result
    return results
