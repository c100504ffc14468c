"""As the tutorials write it: bind and send."""

import zmq


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        push.bind(endpoint)
        push.sndtimeo = int(patience * 1000)
        for task in tasks:
            push.send(task)
