"""A generator of replies on a DEALER; futures by id, each copy waits for the one of its id."""

import time
from concurrent.futures import Future

import zmq


def replies(server, until):
    while (left := until - time.monotonic()) > 0:
        if server.poll(left * 1000 + 1):
            yield server.recv_multipart()


def ask(ctx, endpoint, request_id, body, patience, tries):
    with ctx.socket(zmq.DEALER) as server:
        server.set(zmq.LINGER, 0)
        server.connect(endpoint)
        for _ in range(tries):
            server.send_multipart([b"", request_id, *body])
            for frames in replies(server, time.monotonic() + patience):
                if frames[:2] == [b"", request_id]:
                    return frames[2:]
    raise TimeoutError(f"number of copies sent in vain: {tries}")


def outcome(do, request_id, body):
    future = Future()
    try:
        future.set_result(do(request_id, body))
    except Exception as error:
        future.set_exception(error)
    return future


def serve(ctx, endpoint, do):
    done: dict[bytes, Future] = {}
    poller = zmq.Poller()
    with ctx.socket(zmq.ROUTER) as clients:
        clients.bind(endpoint)
        poller.register(clients, zmq.POLLIN)
        while True:
            poller.poll()
            envelope, body = [], clients.recv_multipart()
            while body and (not envelope or envelope[-1] != b""):
                envelope.append(body.pop(0))
            if not body:
                continue
            request_id = body.pop(0)
            if request_id not in done or done[request_id].exception():
                done[request_id] = outcome(do, request_id, body)
            if not done[request_id].exception():
                clients.send_multipart([*envelope, request_id, *done[request_id].result()])
