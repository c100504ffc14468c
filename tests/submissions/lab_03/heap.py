"""A heap of what is due when; all results that are there are taken before anything is sent."""

import heapq
import time

import zmq


class Desk:
    def __init__(self, ctx, task_endpoint, result_endpoint):
        self.push, self.pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
        self.push.bind(task_endpoint)
        self.pull.bind(result_endpoint)
        self.results = {}

    def take(self, tasks, timeout):
        while self.pull.poll(timeout):
            task, result = self.pull.recv_multipart()
            if task in tasks:
                self.results.setdefault(task, result)
            timeout = 0

    def close(self):
        self.push.close(linger=0)
        self.pull.close(linger=0)


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    desk = Desk(ctx, task_endpoint, result_endpoint)
    due = [(0.0, task) for task in tasks]
    try:
        while due:
            moment, task = due[0]
            if task in desk.results:
                heapq.heappop(due)
            elif moment > time.monotonic():
                desk.take(tasks, (moment - time.monotonic()) * 1000 + 1)
            else:
                desk.push.send(task, zmq.SNDMORE)
                desk.push.send(tasks[task])
                heapq.heapreplace(due, (time.monotonic() + patience, task))
        return desk.results
    finally:
        desk.close()
