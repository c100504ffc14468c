"""A DEALER that waits in small steps for a moment; a server that is an object, frame by frame."""

import time

import zmq


class GaveUp(TimeoutError):
    pass


def ask(ctx, endpoint, request_id, body, patience, tries):
    server = ctx.socket(zmq.DEALER)
    server.setsockopt(zmq.LINGER, 50)
    server.connect(endpoint)
    try:
        asked, until = 0, 0.0
        while True:
            if time.monotonic() >= until:
                if asked == tries:
                    raise GaveUp(f"{asked} copies of {request_id!r} and no reply")
                asked += 1
                server.send(b"", zmq.SNDMORE)
                server.send_multipart((request_id, *body))
                until = time.monotonic() + patience
            if server.poll(10):
                frames = server.recv_multipart()
                if len(frames) >= 2 and frames[0] == b"" and frames[1] == request_id:
                    return frames[2:]
    finally:
        server.close()


class Server:
    def __init__(self, clients, do):
        self.clients, self.do, self.known = clients, do, {}

    def hear(self):
        address, frames = self.clients.recv(), []
        while self.clients.getsockopt(zmq.RCVMORE):
            frames.append(self.clients.recv())
        front = []
        while frames:
            front.append(frames.pop(0))
            if front[-1] == b"":
                break
        if front and front[-1] == b"" and frames:
            self.answer([address, *front], frames[0], frames[1:])

    def answer(self, front, request_id, body):
        if request_id not in self.known:
            try:
                reply = self.do(request_id, body)
            except Exception as error:
                print("not done:", error)
                return
            self.known[request_id] = tuple(reply)
        self.clients.send_multipart((*front, request_id, *self.known[request_id]))


def serve(ctx, endpoint, do):
    clients = ctx.socket(zmq.ROUTER)
    try:
        clients.bind(endpoint)
        server = Server(clients, do)
        while True:
            server.hear()
    finally:
        clients.close()
