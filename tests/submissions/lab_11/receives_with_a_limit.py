"""A REQ with RCVTIMEO for each try; a front thread hands requests to a worker over inproc."""

import threading

import zmq


def ask(ctx, endpoint, request_id, body, patience, tries):
    message = [request_id, *body]
    for _ in range(tries):
        socket = ctx.socket(zmq.REQ)
        socket.linger = 0
        socket.rcvtimeo = int(patience * 1000)
        socket.connect(endpoint)
        try:
            socket.send_multipart(message)
            reply = socket.recv_multipart()
        except zmq.Again:
            continue
        finally:
            socket.close()
        if reply[0] == request_id:
            return reply[1:]
    raise TimeoutError(f"{endpoint}: nothing after {tries} tries")


def work(ctx, inner, do):
    replies = {}
    with ctx.socket(zmq.DEALER) as front:
        front.connect(inner)
        try:
            while True:
                frames = front.recv_multipart()
                try:
                    place = frames.index(b"")
                    request_id = frames[place + 1]
                    if request_id not in replies:
                        replies[request_id] = do(request_id, frames[place + 2 :])
                except Exception:
                    continue
                front.send_multipart([*frames[: place + 2], *replies[request_id]])
        except zmq.ContextTerminated:
            return


def serve(ctx, endpoint, do):
    inner = f"inproc://{id(do)}"
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as worker:
        clients.bind(endpoint)
        worker.bind(inner)
        thread = threading.Thread(target=work, args=(ctx, inner, do))
        thread.start()
        try:
            zmq.proxy(clients, worker)
        finally:
            thread.join()
