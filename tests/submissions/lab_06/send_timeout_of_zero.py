"""The socket itself never waits to send; only queues of twenty replies."""

import errno

import zmq


def broker(ctx, frontend, backend, lost):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.set(zmq.SNDHWM, 20)
        clients.set(zmq.SNDTIMEO, 0)
        clients.set(zmq.ROUTER_MANDATORY, 1)
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            for socket in zmq.select([clients, workers], [], [])[0]:
                message = socket.recv_multipart()
                if socket is clients:
                    workers.send_multipart(message)
                    continue
                try:
                    clients.send_multipart(message)
                except zmq.ZMQError as error:
                    if error.errno == zmq.ETERM:
                        raise
                    full = error.errno == errno.EAGAIN
                    lost(message[0], message[1:], "full" if full else "gone")
