"""A wheel of ticks of ten milliseconds; each holds the ids that are due then."""

import collections
import time

import zmq

TICK = 0.01


def tick(seconds_from_now):
    return int((time.monotonic() + seconds_from_now) / TICK) + 1


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    wheel = collections.defaultdict(list)
    wheel[tick(-1)] = list(tasks)
    results = {}
    push = ctx.socket(zmq.PUSH)
    pull = ctx.socket(zmq.PULL)
    push.linger = 0
    try:
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        while len(results) < len(tasks):
            now = int(time.monotonic() / TICK)
            for t in sorted(t for t in wheel if t <= now):
                for k in wheel.pop(t):
                    if k in results:
                        continue
                    if push.poll(0, zmq.POLLOUT):
                        push.send_multipart([k, tasks[k]])
                        wheel[tick(patience)].append(k)
                    else:
                        wheel[tick(0)].append(k)
            if pull.poll(TICK * 1000):
                k, v = pull.recv_multipart()
                if k in tasks:
                    results.setdefault(k, v)
        return results
    finally:
        push.close()
        pull.close()
