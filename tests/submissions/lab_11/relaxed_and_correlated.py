"""One REQ with RELAXED and CORRELATE for all tries; a REP and a dict, made anew after an error."""

import time

import zmq


def ask(ctx, endpoint, request_id, body, patience, tries):
    with ctx.socket(zmq.REQ) as server:
        server.setsockopt(zmq.REQ_RELAXED, 1)
        server.setsockopt(zmq.REQ_CORRELATE, 1)
        server.setsockopt(zmq.LINGER, 0)
        server.setsockopt(zmq.RCVTIMEO, int(patience * 1000))
        server.connect(endpoint)
        for _ in range(tries):
            server.send_multipart([request_id, *body])
            try:  # no poll: it also tells of replies that CORRELATE then throws away
                reply = server.recv_multipart()
            except zmq.Again:
                continue
            if reply[0] == request_id:
                return reply[1:]
        raise TimeoutError(f"asked {tries} times, {patience} s each, without a reply")


def bind(ctx, endpoint):
    socket = ctx.socket(zmq.REP)
    for _ in range(60):
        try:
            socket.bind(endpoint)
            return socket
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE:
                socket.close()
                raise
            time.sleep(0.05)
    socket.close()
    raise RuntimeError(f"{endpoint} is taken")


def serve(ctx, endpoint, do):
    replies = {}
    while True:
        with bind(ctx, endpoint) as clients:
            while True:
                request_id, *body = clients.recv_multipart()
                if request_id not in replies:
                    try:
                        replies[request_id] = [request_id, *do(request_id, body)]
                    except Exception:
                        break  # a REP has to answer before it hears again: begin anew
                clients.send_multipart(replies[request_id])
