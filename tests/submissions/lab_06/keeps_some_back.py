"""It keeps fifty replies for a client whose queue is full, and tries again now and then."""

from collections import deque

import zmq


def broker(ctx, frontend, backend, lost):
    kept = {}

    def sent(client, reply):
        """Whether there is nothing more to do about this reply."""
        try:
            clients.send_multipart([client, *reply], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            lost(client, reply, "gone")
        return True

    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [], 0.05 if kept else None)
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                client, *reply = workers.recv_multipart()
                waiting = kept.setdefault(client, deque())
                if len(waiting) < 50:
                    waiting.append(reply)
                else:
                    lost(client, reply, "full")
            for client, waiting in list(kept.items()):
                while waiting and sent(client, waiting[0]):
                    waiting.popleft()
                if not waiting:
                    del kept[client]
