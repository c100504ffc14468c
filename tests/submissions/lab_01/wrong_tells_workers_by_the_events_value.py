"""The value of a handshake event is 0 for every worker."""

import contextlib
import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    with contextlib.ExitStack() as stack:
        push = stack.enter_context(ctx.socket(zmq.PUSH))
        push.linger = -1
        push.sndhwm = 0
        mon = stack.enter_context(
            push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        )
        stack.callback(push.disable_monitor)
        push.bind(endpoint)
        fds = set()
        stop = time.monotonic() + patience
        while len(fds) < n_workers:
            mon.rcvtimeo = max(1, int((stop - time.monotonic()) * 1000))
            try:
                ev = recv_monitor_message(mon)
            except zmq.Again:
                raise TimeoutError(f"{len(fds)} of {n_workers} workers came") from None
            if ev["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                fds.add(ev["value"])
            else:
                fds.discard(ev["value"])
            if time.monotonic() > stop and len(fds) < n_workers:
                raise TimeoutError(f"{len(fds)} of {n_workers} workers came")
        for t in tasks:
            push.send(t)
