"""A thread owns the PUSH; it is told over a socket inside which task to send, and says when."""

import threading
import time

import zmq


def send(ctx, task_endpoint, where):
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.REP) as orders:
        push.linger = 0
        push.bind(task_endpoint)
        orders.connect(where)
        while len(order := orders.recv_multipart()) == 2:
            if push.poll(10, zmq.POLLOUT):
                push.send_multipart(order)
                orders.send(b"sent")
            else:
                orders.send(b"no room")


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, due = {}, dict.fromkeys(tasks, 0.0)
    with ctx.socket(zmq.PULL) as pull, ctx.socket(zmq.REQ) as orders:
        threading.current_thread().name = "w1"
        where = f"inproc://orders-{id(orders)}"
        orders.bind(where)
        pull.bind(result_endpoint)
        sender = threading.Thread(target=send, args=(ctx, task_endpoint, where))
        sender.start()
        while due:
            task = min(due, key=due.get)
            if pull.poll(max(0, due[task] - time.monotonic()) * 1000):
                task, result = pull.recv_multipart()
                if due.pop(task, None) is not None:
                    results[task] = result
                continue
            orders.send_multipart([task, tasks[task]])
            if orders.recv() == b"sent":
                due[task] = time.monotonic() + patience
        orders.send(b"end")
        sender.join()
    return results
