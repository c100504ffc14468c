"""As the contract reads: a new REQ for each try; a ROUTER and a dict."""

import zmq


def ask(ctx, endpoint, request_id, body, patience, tries):
    for _ in range(tries):
        with ctx.socket(zmq.REQ) as server:
            server.linger = 0
            server.connect(endpoint)
            server.send_multipart([request_id, *body])
            if server.poll(1000 * patience):
                got_id, *reply = server.recv_multipart()
                if got_id == request_id:
                    return reply
    raise TimeoutError(f"no reply to {request_id!r}, asked {tries} times")


def serve(ctx, endpoint, do):
    replies = {}
    with ctx.socket(zmq.ROUTER) as clients:
        clients.bind(endpoint)
        while True:
            frames = clients.recv_multipart()
            if b"" not in frames[1:-1]:
                continue
            place = frames.index(b"", 1) + 1
            envelope, (request_id, *body) = frames[:place], frames[place:]
            if request_id not in replies:
                try:
                    replies[request_id] = do(request_id, body)
                except Exception:
                    continue
            clients.send_multipart([*envelope, request_id, *replies[request_id]])
