"""ROUTER_MANDATORY makes a full queue wait; the errors that it catches are those of who is gone."""

import zmq


def send(router, frames):
    try:
        router.send_multipart(frames)
    except zmq.ContextTerminated:
        raise
    except zmq.ZMQError:
        return False
    return True


def broker(ctx, frontend, backend):
    idle = {}
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        for router, endpoint in ((clients, frontend), (workers, backend)):
            router.router_mandatory = True
            router.router_handover = True
            router.linger = 0
            router.bind(endpoint)
        poller = zmq.Poller()
        poller.register(workers, zmq.POLLIN)
        poller.register(clients, 0)
        while True:
            poller.modify(clients, zmq.POLLIN if idle else 0)
            events = dict(poller.poll())
            if workers in events:
                frames = workers.recv_multipart()
                if frames[1:] == [b"", b"READY"]:
                    idle.pop(frames[0], None)
                    idle[frames[0]] = None
                elif len(frames) >= 5 and frames[1] == b"" and frames[3] == b"":
                    send(clients, frames[2:])
                    idle.pop(frames[0], None)
                    idle[frames[0]] = None
            if clients in events:
                request = clients.recv_multipart()
                if len(request) < 3 or request[1] != b"":
                    continue
                for worker in list(idle):
                    del idle[worker]
                    if send(workers, [worker, b"", *request]):
                        break
