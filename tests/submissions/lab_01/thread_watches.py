"""A thread of its own reads the monitor and counts who is there; it ends with the monitor."""

import threading

import zmq
from zmq.utils.monitor import recv_monitor_message


def feed(ctx, endpoint, n_workers, tasks, patience):
    connected = 0
    changed = threading.Condition()

    def watch(monitor):
        nonlocal connected
        with monitor:
            while True:
                event = recv_monitor_message(monitor)["event"]
                with changed:
                    if event == zmq.EVENT_MONITOR_STOPPED:
                        return
                    connected += event == zmq.EVENT_HANDSHAKE_SUCCEEDED
                    connected -= event == zmq.EVENT_DISCONNECTED
                    changed.notify()

    push = ctx.socket(zmq.PUSH)
    watcher = threading.Thread(target=watch, args=(push.get_monitor_socket(),))
    try:
        watcher.start()
        push.bind(endpoint)
        with changed:
            if not changed.wait_for(lambda: connected >= n_workers, patience):
                raise TimeoutError(f"{connected}/{n_workers}")
        for task in tasks:
            push.send(task)
    finally:
        push.disable_monitor()
        watcher.join()
        push.close()
