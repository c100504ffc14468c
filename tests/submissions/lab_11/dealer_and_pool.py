"""A DEALER with a deadline for each try; a ROUTER, a pool of threads, and who waits for an id."""

import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import zmq


def ask(ctx, endpoint, request_id, body, patience, tries):
    with ctx.socket(zmq.DEALER) as server:
        server.linger = 0
        server.connect(endpoint)
        for _ in range(tries):
            server.send_multipart([b"", request_id, *body])
            deadline = time.monotonic() + patience
            while (left := deadline - time.monotonic()) > 0:
                if server.poll(1 + int(1000 * left)):
                    match server.recv_multipart():
                        case [b"", got_id, *reply] if got_id == request_id:
                            return reply
        raise TimeoutError(f"{tries} tries, no reply")


def serve(ctx, endpoint, do):
    replies, waiting, done = {}, {}, SimpleQueue()

    def work(request_id, body):
        try:
            done.put((request_id, list(do(request_id, body))))
        except Exception:
            done.put((request_id, None))

    with ctx.socket(zmq.ROUTER) as clients, ThreadPoolExecutor(4) as pool:
        clients.bind(endpoint)
        while True:
            if clients.poll(5 if waiting else None):
                frames = clients.recv_multipart()
                if b"" in frames[:-1]:
                    place = frames.index(b"") + 1
                    envelope, request_id, body = frames[:place], frames[place], frames[place + 1 :]
                    if request_id in replies:
                        clients.send_multipart([*envelope, request_id, *replies[request_id]])
                    elif request_id in waiting:
                        waiting[request_id].append(envelope)
                    else:
                        waiting[request_id] = [envelope]
                        pool.submit(work, request_id, body)
            while True:
                try:
                    request_id, reply = done.get_nowait()
                except Empty:
                    break
                envelopes = waiting.pop(request_id)
                if reply is not None:
                    replies[request_id] = reply
                    for envelope in envelopes:
                        clients.send_multipart([*envelope, request_id, *reply])
