"""A heap of what is due: heartbeats and deaths. A death that has become untrue is put off.

Both return when their context ends: they let nothing escape.
"""

import heapq
import time
from contextlib import suppress

import zmq


class Queue:
    def __init__(self, clients, workers, interval, patience):
        self.clients, self.workers = clients, workers
        self.interval, self.patience = interval, patience
        self.known = {}  # by worker: when it was heard of
        self.tasks = {}  # by worker: what it holds
        self.line = []  # the idle ones
        self.orphans = []
        self.due = []

    def at(self, moment, what, worker):
        heapq.heappush(self.due, (moment, what, worker))

    def take(self, worker, frames):
        now = time.monotonic()
        if frames == [b"\1"] and worker not in self.known:
            self.line.append(worker)
            self.at(now + self.interval, "beat", worker)
            self.at(now + self.patience, "death", worker)
            self.known[worker] = now
        if worker not in self.known:
            return
        self.known[worker] = now
        task = self.tasks.get(worker)
        if task and b"" in frames:
            cut = frames.index(b"")
            if frames[: cut + 1] == task[: cut + 1] and b"" not in task[:cut]:
                del self.tasks[worker]
                self.line.append(worker)
                self.clients.send_multipart(frames)

    def tick(self):
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            _, what, worker = heapq.heappop(self.due)
            if worker not in self.known:
                continue
            if what == "beat":
                self.workers.send_multipart([worker, b"\2"])
                self.at(now + self.interval, what, worker)
            elif now - self.known[worker] > self.patience:
                del self.known[worker]
                self.due = [item for item in self.due if item[2] != worker]
                heapq.heapify(self.due)
                if worker in self.line:
                    self.line.remove(worker)
                if worker in self.tasks:
                    self.orphans.append(self.tasks.pop(worker))
            else:
                self.at(self.known[worker] + self.patience + 0.001, what, worker)

    def give(self, request):
        worker = self.line.pop(0)
        self.tasks[worker] = request
        self.workers.send_multipart([worker, *request])

    def turn(self):
        wait = 1000 * max(0, self.due[0][0] - time.monotonic()) + 1 if self.due else None
        poller = zmq.Poller()
        poller.register(self.workers, zmq.POLLIN)
        if self.line:
            poller.register(self.clients, zmq.POLLIN)
        events = dict(poller.poll(wait))
        while self.workers.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            worker, *frames = self.workers.recv_multipart()
            self.take(worker, frames)
        self.tick()
        while self.line and self.orphans:
            self.give(self.orphans.pop(0))
        if self.line and self.clients in events:
            request = self.clients.recv_multipart()
            if b"" in request[:-1]:
                self.give(request)


def queue(ctx, frontend, backend, interval, liveness):
    with (
        ctx.socket(zmq.ROUTER) as clients,
        ctx.socket(zmq.ROUTER) as workers,
        suppress(zmq.ContextTerminated),
    ):
        clients.bind(frontend)
        workers.bind(backend)
        whole = Queue(clients, workers, interval, interval * liveness)
        while True:
            whole.turn()


class Worker:
    def __init__(self, socket, work, interval, patience):
        self.socket, self.work = socket, work
        self.interval, self.patience = interval, patience
        self.socket.send(b"\1")
        self.said = self.heard = time.monotonic()

    def beat(self):
        if (now := time.monotonic()) >= self.said + self.interval:
            self.socket.send(b"\2")
            self.said = now

    def run(self):
        while time.monotonic() <= self.heard + self.patience:
            self.beat()
            wait = self.said + self.interval - time.monotonic()
            if self.socket.poll(1000 * max(0, wait)):
                self.hear()

    def hear(self):
        while self.socket.poll(0):
            frames = self.socket.recv_multipart()
            if b"" in frames:
                at = frames.index(b"") + 1
                self.socket.send_multipart(frames[:at] + self.work(frames[at:], self.beat))
        self.heard = time.monotonic()


def worker(ctx, endpoint, work, interval, liveness):
    with suppress(zmq.ContextTerminated):
        while True:
            with ctx.socket(zmq.DEALER) as socket:
                socket.connect(endpoint)
                Worker(socket, work, interval, interval * liveness).run()
