"""One thread sends, the other collects; a dict under a lock lies between them."""

import threading
import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, all_there, change = {}, threading.Event(), threading.Condition()

    def collect():
        with ctx.socket(zmq.PULL) as pull:
            pull.bind(result_endpoint)
            while not all_there.is_set():
                if pull.poll(10):
                    task, result = pull.recv_multipart()
                    with change:
                        if task in tasks:
                            results[task] = result
                        change.notify()

    collector = threading.Thread(target=collect)
    collector.start()
    sent = {}
    with ctx.socket(zmq.PUSH) as push:
        push.linger = 0
        push.bind(task_endpoint)
        while True:
            with change:
                missing = [task for task in tasks if task not in results]
            if not missing:
                break
            for task in missing:
                if time.monotonic() >= sent.get(task, 0) + patience:
                    push.send_multipart([task, tasks[task]])
                    sent[task] = time.monotonic()
            with change:
                change.wait(0.02)
        all_there.set()
        collector.join()
    return results
