"""In rounds: send what is missing, collect for as long as the patience lasts, again."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    missing, results = dict(tasks), {}
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    try:
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while missing:
            for task, payload in missing.items():
                push.send_multipart((task, payload))
            end = time.monotonic() + patience
            while missing and (left := end - time.monotonic()) > 0:
                if pull.poll(left * 1000):
                    task, result = pull.recv_multipart()
                    if missing.pop(task, None) is not None:
                        results[task] = result
        return results
    finally:
        push.close(0)
        pull.close(0)
