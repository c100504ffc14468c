"""Any result starts the clock again for every task."""

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results = {}
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = 0
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while tasks.keys() - results.keys():
            for task in tasks.keys() - results.keys():
                push.send_multipart([task, tasks[task]])
            while tasks.keys() - results.keys() and pull.poll(patience * 1000):
                task, result = pull.recv_multipart()
                if task in tasks:
                    results[task] = result
    return results
