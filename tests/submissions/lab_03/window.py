"""Not more than twenty tasks at a time are out."""

import collections
import time

import zmq


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    push = ctx.socket(zmq.PUSH)
    push.linger = 0
    pull = ctx.socket(zmq.PULL)
    push.bind(task_endpoint)
    pull.bind(result_endpoint)
    fresh = collections.deque(tasks.items())
    flying = {}
    results = {}
    try:
        while len(results) < len(tasks):
            while len(flying) < 20 and fresh and push.poll(0, zmq.POLLOUT):
                k, p = fresh.popleft()
                if k in results:
                    continue
                push.send_multipart((k, p))
                flying[k] = time.monotonic()
            overdue = [k for k, at in flying.items() if time.monotonic() - at >= patience]
            for k in overdue:
                del flying[k]
                fresh.append((k, tasks[k]))
            if pull.poll(5):
                k, v = pull.recv_multipart()
                if k in tasks and k not in results:
                    results[k] = v
                    flying.pop(k, None)
        return results
    finally:
        push.close()
        pull.close()
