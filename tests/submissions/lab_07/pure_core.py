"""A generator decides and never sees a socket; a loop carries for it."""

from collections import deque

import zmq


def dispatch():
    """Take (side, frames); give what to send, and whether to hear clients."""
    idle = deque()
    out = []
    while True:
        side, frames = yield out, bool(idle)
        out = []
        if side == "back":
            worker, _, *rest = frames
            idle.append(worker)
            if rest != [b"READY"]:
                out.append(("front", rest))
        elif idle and len(frames) > 1 and frames[1] == b"":
            out.append(("back", [idle.popleft(), b"", *frames]))


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        side = {"front": clients, "back": workers}
        clients.bind(frontend)
        workers.bind(backend)
        core = dispatch()
        out, hear = next(core)
        while True:
            for name in ("back", "front"):
                sock = side[name]
                if name == "front" and not hear:
                    continue
                while sock.poll(0):
                    out, hear = core.send((name, sock.recv_multipart()))
                    for to, frames in out:
                        side[to].send_multipart(frames)
                    if name == "front" and not hear:
                        break
            zmq.select([workers, clients] if hear else [workers], [], [])
