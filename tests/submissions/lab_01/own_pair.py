"""A PAIR of its own hears the monitor; the events are unpacked by hand."""

import struct
import time

import zmq


def feed(ctx, endpoint, n_workers, tasks, patience):
    push, pair = ctx.socket(zmq.PUSH), ctx.socket(zmq.PAIR)
    where = f"inproc://watch-{id(push)}"
    push.monitor(where, zmq.EVENT_HANDSHAKE_SUCCEEDED)
    pair.connect(where)
    push.linger = -1
    try:
        push.bind(endpoint)
        end = time.monotonic() + patience
        n = 0
        while n < n_workers:
            wait = max(0, end - time.monotonic())
            if not pair.poll(wait * 1000):
                if time.monotonic() >= end:
                    raise TimeoutError(f"{n} of {n_workers} workers came")
                continue
            header, _address = pair.recv_multipart()
            event, _value = struct.unpack("=HI", header)
            n += event == zmq.EVENT_HANDSHAKE_SUCCEEDED
        push.get(zmq.EVENTS)
        for t in tasks:
            push.send(t)
    finally:
        push.monitor(None, 0)
        pair.close(0)
        push.close()
