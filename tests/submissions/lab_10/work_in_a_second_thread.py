"""The work has a thread of its own; its `beat` goes through inproc to the thread of the socket."""

import threading
import time
from itertools import count

import zmq

READY, BEAT = b"\x01", b"\x02"
numbers = count()


def queue(ctx, frontend, backend, interval, liveness):
    """Each worker is a list: when heard, what it holds, and when it became idle."""
    crew, again, tick = {}, [], count()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        next_beat = time.monotonic()
        while True:
            if workers.poll(1000 * max(0.0, min(0.05, next_beat - time.monotonic()))):
                while workers.poll(0):
                    who, *frames = workers.recv_multipart()
                    if frames == [READY] and who not in crew:
                        crew[who] = [0.0, None, next(tick)]
                    if who in crew:
                        crew[who][0] = time.monotonic()
                        task = crew[who][1]
                        if task and b"" in frames and frames[: frames.index(b"")] == task[0]:
                            crew[who][1:] = [None, next(tick)]
                            clients.send_multipart(frames)
            now = time.monotonic()
            for who, (heard, task, _) in list(crew.items()):
                if now - heard > interval * liveness:
                    del crew[who]
                    again += [task] if task else []
            if now >= next_beat:
                next_beat = now + interval
                for who in crew:
                    workers.send_multipart([who, BEAT])
            while idle := [who for who, (_, task, _) in crew.items() if task is None]:
                if again:
                    way, body = again.pop(0)
                elif clients.poll(0):
                    frames = clients.recv_multipart()
                    if b"" not in frames[:-1]:
                        continue
                    way, body = frames[: frames.index(b"")], frames[frames.index(b"") :]
                else:
                    break
                who = min(idle, key=lambda who: crew[who][2])
                crew[who][1] = way, body
                workers.send_multipart([who, *way, *body])


def labour(ctx, pipe, work):
    with ctx.socket(zmq.PAIR) as boss:
        boss.connect(pipe)
        while True:
            body = boss.recv_multipart()
            boss.send_multipart([b"done", *work(body, lambda: boss.send(b"beat"))])


def worker(ctx, endpoint, work, interval, liveness):
    pipe = f"inproc://labour-{next(numbers)}"
    with ctx.socket(zmq.PAIR) as labourer:
        labourer.bind(pipe)
        threading.Thread(target=labour, args=(ctx, pipe, work), daemon=True).start()
        while True:
            with ctx.socket(zmq.DEALER) as broker:
                broker.connect(endpoint)
                broker.send(READY)
                shift(broker, labourer, interval, interval * liveness)


def shift(broker, labourer, interval, patience):
    heard = said = time.monotonic()
    while True:
        if broker.poll(1000 * max(0.0, said + interval - time.monotonic())):
            heard = time.monotonic()
            frames = broker.recv_multipart()
            if frames != [BEAT]:
                start = frames.index(b"") + 1
                labourer.send_multipart(frames[start:])
                while (news := labourer.recv_multipart()) == [b"beat"]:
                    if time.monotonic() - said >= interval:
                        said = time.monotonic()
                        broker.send(BEAT)
                broker.send_multipart([*frames[:start], *news[1:]])
                heard = time.monotonic()
        if time.monotonic() - said >= interval:
            said = time.monotonic()
            broker.send(BEAT)
        if time.monotonic() - heard > patience:
            return
