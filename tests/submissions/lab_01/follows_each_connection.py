"""From accepted over ready to gone, each connection has a state."""

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    state = {}
    push = ctx.socket(zmq.PUSH)
    push.linger = -1
    push.sndhwm = max(1000, len(tasks))
    mon = push.get_monitor_socket()
    poller = zmq.Poller()
    poller.register(mon, zmq.POLLIN)
    push.bind(endpoint)
    limit = time.monotonic() + patience

    def ready():
        return sum(s == "ready" for s in state.values())

    try:
        while ready() < n_workers:
            left = limit - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{ready()} of {n_workers} workers came")
            if not dict(poller.poll(left * 1000)):
                continue
            ev = recv_monitor_message(mon)
            fd = ev["value"]
            match ev["event"]:
                case zmq.EVENT_ACCEPTED:
                    state[fd] = "accepted"
                case zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    state[fd if fd in state else object()] = "ready"
                case zmq.EVENT_DISCONNECTED:
                    state.pop(fd, None)
    except TimeoutError:
        poller.unregister(mon)
        push.disable_monitor()
        mon.close(linger=0)
        push.close(linger=0)
        raise
    else:
        for t in tasks:
            push.send(t)
        poller.unregister(mon)
        push.disable_monitor()
        push.close()
