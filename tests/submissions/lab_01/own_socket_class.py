"""Sockets of a class of its own, in a thread that gives itself another name."""

import threading
import time

import zmq
from zmq.utils.monitor import recv_monitor_message


class Counting(zmq.Socket):
    came = 0

    def gather(self, endpoint, n_workers, patience):
        end = time.monotonic() + patience
        with self.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as monitor:
            self.bind(endpoint)
            while self.came < n_workers:
                if not monitor.poll(max(0, end - time.monotonic()) * 1000):
                    raise TimeoutError(f"{self.came} of {n_workers} workers came")
                recv_monitor_message(monitor)
                self.came += 1
            self.disable_monitor()


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH, socket_class=Counting) as push:
        threading.current_thread().name = "w1"
        push.gather(endpoint, n_workers, patience)
        for task in tasks:
            push.send(task)
