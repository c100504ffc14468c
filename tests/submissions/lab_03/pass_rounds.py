"""In rounds: send what is missing, collect for as long as the patience lasts, again."""

import time

import zmq


def collect(pull, missing, results, seconds):
    end = time.monotonic() + seconds
    while missing and pull.poll(max(0, end - time.monotonic()) * 1000):
        task, result = pull.recv_multipart()
        if missing.pop(task, None) is not None:
            results[task] = result


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    missing, results = dict(tasks), {}
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    try:
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while missing:
            for task, payload in list(missing.items()):
                while task in missing and not push.poll(10, zmq.POLLOUT):
                    collect(pull, missing, results, 0)
                if task in missing:
                    push.send_multipart((task, payload))
            collect(pull, missing, results, patience)
        return results
    finally:
        push.close(0)
        pull.close(0)
