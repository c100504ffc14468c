"""A thread takes the results and hands them on, over a socket that nobody else sees."""

import threading
import time

import zmq


def collect(ctx, result_endpoint, where, stop):
    with ctx.socket(zmq.PULL) as pull, ctx.socket(zmq.PUSH) as inside:
        inside.linger = 0
        pull.bind(result_endpoint)
        inside.connect(where)
        while not stop.is_set():
            if pull.poll(10):
                inside.send_multipart(pull.recv_multipart())


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, sent, stop = {}, {}, threading.Event()
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as inside:
        push.linger = 0
        where = f"inproc://results-{id(inside)}"
        inside.bind(where)
        sink = threading.Thread(target=collect, args=(ctx, result_endpoint, where, stop))
        sink.start()
        try:
            push.bind(task_endpoint)
            while len(results) < len(tasks):
                for task in tasks.keys() - results.keys():
                    if time.monotonic() - sent.get(task, -patience) >= patience:
                        push.send_multipart([task, tasks[task]])
                        sent[task] = time.monotonic()
                due = min(sent[task] for task in tasks.keys() - results.keys()) + patience
                if inside.poll(max(0, due - time.monotonic()) * 1000):
                    task, result = inside.recv_multipart()
                    if task in tasks:
                        results[task] = result
        finally:
            stop.set()
            sink.join()
    return results
