"""An object; a table from the error's number to the reason."""

import zmq

WHY = {zmq.EHOSTUNREACH: "gone", zmq.EAGAIN: "full"}


class Broker:
    def __init__(self, ctx, lost):
        self.lost = lost
        self.front = ctx.socket(zmq.ROUTER)
        self.front.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.back = ctx.socket(zmq.DEALER)

    def request(self):
        self.back.send_multipart(self.front.recv_multipart())

    def reply(self):
        frames = self.back.recv_multipart()
        try:
            self.front.send_multipart(frames, flags=zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno not in WHY:
                raise
            self.lost(client=frames[0], reply=frames[1:], why=WHY[error.errno])

    def run(self, frontend, backend):
        self.front.bind(frontend)
        self.back.bind(backend)
        handlers = {self.front: self.request, self.back: self.reply}
        poller = zmq.Poller()
        for socket in handlers:
            poller.register(socket, zmq.POLLIN)
        while True:
            for socket, _ in poller.poll():
                handlers[socket]()

    def close(self):
        self.front.close()
        self.back.close()


def broker(ctx, frontend, backend, lost):
    it = Broker(ctx, lost)
    try:
        it.run(frontend, backend)
    finally:
        it.close()
