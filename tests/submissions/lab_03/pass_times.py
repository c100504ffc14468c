"""When each missing task was last sent; poll until the next of them is due."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, due = {}, dict.fromkeys(tasks, 0.0)
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = 0
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while len(results) < len(tasks):
            for task in tasks.keys() - results.keys():
                if time.monotonic() >= due[task]:
                    if push.poll(0, zmq.POLLOUT):
                        push.send_multipart([task, tasks[task]])
                        due[task] = time.monotonic() + patience
                    else:
                        due[task] = time.monotonic() + 0.01
            following = min(due[task] for task in tasks.keys() - results.keys())
            if pull.poll(max(0, following - time.monotonic()) * 1000):
                task, result = pull.recv_multipart()
                if task in tasks:
                    results[task] = result
    return results
