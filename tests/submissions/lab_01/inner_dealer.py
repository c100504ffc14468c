"""A thread owns the PUSH that workers see; the feed hands it the tasks over one of its own."""

import threading
import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def deal(ctx, endpoint, n_workers, end, where):
    came = 0
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PAIR) as boss:
        boss.connect(where)
        monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        push.bind(endpoint)
        while came < n_workers and monitor.poll(max(0, end - time.monotonic()) * 1000):
            recv_monitor_message(monitor)
            came += 1
        push.disable_monitor()
        boss.send(b"%d" % came)
        while came == n_workers and (message := boss.recv_multipart())[0] == b"task":
            push.send(message[1])
        boss.send(b"done")


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PAIR) as dealer:
        dealer.linger = 0  # all that it has sent has been received by the time it is closed
        where = f"inproc://dealer-{id(dealer)}"
        dealer.bind(where)
        arguments = (ctx, endpoint, n_workers, time.monotonic() + patience, where)
        thread = threading.Thread(target=deal, args=arguments)
        thread.start()
        came = int(dealer.recv())
        if came == n_workers:
            for task in tasks:
                dealer.send_multipart([b"task", task])
            dealer.send_multipart([b"end"])
        dealer.recv()
        thread.join()
    if came < n_workers:
        raise TimeoutError(f"{came} of {n_workers} workers came")
