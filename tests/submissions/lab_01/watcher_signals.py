"""A thread reads the monitor and says over a PAIR that somebody has come; the feed counts that."""

import threading
import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def watch(ctx, monitor, where):
    with ctx.socket(zmq.PAIR) as bell, monitor:
        bell.connect(where)
        while (event := recv_monitor_message(monitor)["event"]) != zmq.EVENT_MONITOR_STOPPED:
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                bell.send(b"ding")


def feed(ctx, endpoint, n_workers, tasks, patience):
    end = time.monotonic() + patience
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PAIR) as bell:
        where = f"inproc://bell-{id(bell)}"
        bell.bind(where)
        watcher = threading.Thread(target=watch, args=(ctx, push.get_monitor_socket(), where))
        watcher.start()
        try:
            push.bind(endpoint)
            for came in range(n_workers):
                if not bell.poll(max(0, end - time.monotonic()) * 1000):
                    raise TimeoutError(f"{came} of {n_workers} workers came")
                bell.recv()
            for task in tasks:
                push.send(task)
        finally:
            push.disable_monitor()
            watcher.join()
