"""Sends what is missing, sleeps, and looks then what has come."""

import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results = {}
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = 0
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while len(results) < len(tasks):
            for key in tasks.keys() - results.keys():
                if push.poll(1000, zmq.POLLOUT):
                    push.send_multipart([key, tasks[key]])
            time.sleep(patience)
            while pull.poll(0):
                key, value = pull.recv_multipart()
                if key in tasks:
                    results.setdefault(key, value)
    return results
