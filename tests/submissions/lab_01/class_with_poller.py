"""A class, a Poller over a monitor of its own, explicit linger, events unpacked by hand."""

import struct
import time

import zmq


class Feeder:
    def __init__(self, ctx, endpoint):
        self.push = ctx.socket(zmq.PUSH)
        self.push.setsockopt(zmq.LINGER, 10_000)
        self.push.monitor("inproc://my-monitor", zmq.EVENT_ALL)
        self.events = ctx.socket(zmq.PAIR)
        self.events.connect("inproc://my-monitor")
        self.push.bind(endpoint)

    def gather(self, n_workers, patience):
        came, end = 0, time.monotonic() + patience
        poller = zmq.Poller()
        poller.register(self.events, zmq.POLLIN)
        while came < n_workers:
            if not poller.poll(max(0, min(100, 1000 * (end - time.monotonic())))):
                if time.monotonic() >= end:
                    raise TimeoutError(f"only {came} workers, not {n_workers}")
                continue
            event, _value = struct.unpack("=hi", self.events.recv_multipart()[0])
            came += event == zmq.EVENT_HANDSHAKE_SUCCEEDED

    def deal(self, tasks):
        for task in tasks:
            self.push.send_multipart([task])

    def close(self):
        self.push.disable_monitor()
        self.events.close(0)
        self.push.close()


def feed(ctx, endpoint, n_workers, tasks, patience):
    feeder = Feeder(ctx, endpoint)
    try:
        feeder.gather(n_workers, patience)
        feeder.deal(tasks)
    finally:
        feeder.close()
