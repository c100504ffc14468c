"""It wants to know who has left, and goes on."""

import zmq


class Broker:
    def __init__(self, ctx, frontend, backend):
        self.gone = 0
        self.front = ctx.socket(zmq.ROUTER)
        self.front.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.front.bind(frontend)
        self.back = ctx.socket(zmq.DEALER)
        self.back.bind(backend)

    def answer(self):
        try:
            self.front.send_multipart(self.back.recv_multipart(), flags=zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            self.gone += 1

    def run(self):
        poller = zmq.Poller()
        poller.register(self.front, zmq.POLLIN)
        poller.register(self.back, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self.back in ready:
                self.answer()
            if self.front in ready:
                self.back.send_multipart(self.front.recv_multipart())


def broker(ctx, frontend, backend):
    it = Broker(ctx, frontend, backend)
    try:
        it.run()
    finally:
        it.front.close()
        it.back.close()
