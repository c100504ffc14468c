"""An address from which nobody has ever asked is left aside; its frontend's queues are short."""

import zmq


def broker(ctx, frontend, backend, lost):
    known = set()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.sndhwm = 5
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                request = clients.recv_multipart(copy=False)
                known.add(request[0].bytes)
                workers.send_multipart(request, copy=False)
            if workers in ready:
                frames = workers.recv_multipart(copy=False)
                try:
                    clients.send_multipart(frames, zmq.NOBLOCK, copy=False)
                    continue
                except zmq.Again:
                    why = "full"
                except zmq.ZMQError as error:
                    if error.errno != zmq.EHOSTUNREACH:
                        raise
                    why = "gone"
                client, *reply = [frame.bytes for frame in frames]
                if client in known:
                    lost(client, reply, why)
