"""Lab 05: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_05, plays, stage, subject

AT_A_WORKER = f"{plays.WAITS}: one request at a worker"
TO_WORKERS = "workers.send_multipart(clients.recv_multipart())"
TO_CLIENTS = "clients.send_multipart(workers.recv_multipart())"
SELECT = "ready, _, _ = zmq.select([clients, workers], [], [])"
BOTH = "with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:"

WRONG = [
    Wrong(
        "acknowledges",  # a REQ takes that for the answer
        "plain",
        lab_05.ARRIVES,
        (
            TO_WORKERS,
            """
            frames = clients.recv_multipart()
            if len(frames) > 2:
                clients.send_multipart([frames[0], b"", b"ACK"])
            workers.send_multipart(frames)
            """,
        ),
    ),
    Wrong(
        "adds_a_delimiter",
        "plain",
        lab_05.ARRIVES,
        (
            TO_WORKERS,
            """
            client, *request = clients.recv_multipart()
            workers.send_multipart([client, b"", *request])
            """,
        ),
        (
            TO_CLIENTS,
            """
            client, _, *reply = workers.recv_multipart()
            clients.send_multipart([client, *reply])
            """,
        ),
    ),
    Wrong(
        "answers_in_order_of_asking",
        "plain",
        lab_05.OWN,
        ("import zmq", "from collections import deque\n\nimport zmq"),
        (
            "def broker(ctx, frontend, backend):",
            "def broker(ctx, frontend, backend):\n    asked = deque()",
        ),
        (
            TO_WORKERS,
            """
            client, *request = clients.recv_multipart()
            asked.append(client)
            workers.send_multipart([client, *request])
            """,
        ),
        (
            TO_CLIENTS,
            """
            _, *reply = workers.recv_multipart()
            if asked:
                clients.send_multipart([asked.popleft(), *reply])
            """,
        ),
    ),
    Wrong(
        "answers_the_last_asker",
        "plain",
        lab_05.OWN,
        (
            "def broker(ctx, frontend, backend):",
            "def broker(ctx, frontend, backend):\n    last = None",
        ),
        (
            TO_WORKERS,
            """
            last, *request = clients.recv_multipart()
            workers.send_multipart([last, *request])
            """,
        ),
        (
            TO_CLIENTS,
            """
            _, *reply = workers.recv_multipart()
            clients.send_multipart([last, *reply])
            """,
        ),
    ),
    Wrong(
        "assumes_three_frames",
        "plain",
        lab_05.ANYBODY,
        (
            TO_WORKERS,
            """
            client, empty, body = clients.recv_multipart()
            workers.send_multipart([client, empty, body])
            """,
        ),
        (
            TO_CLIENTS,
            """
            client, empty, body = workers.recv_multipart()
            clients.send_multipart([client, empty, body])
            """,
        ),
    ),
    Wrong(
        "decodes_ids",
        "plain",
        lab_05.ARRIVES,
        (
            TO_WORKERS,
            """
            client, *request = clients.recv_multipart()
            print("request from", client.decode())
            workers.send_multipart([client, *request])
            """,
        ),
    ),
    Wrong(
        "decodes_leniently",
        "plain",
        lab_05.ARRIVES,
        (
            TO_WORKERS,
            """
            client, *request = clients.recv_multipart()
            name = client.decode(errors="replace")
            workers.send_multipart([name.encode(), *request])
            """,
        ),
    ),
    Wrong(
        "dies_of_a_client_that_left",
        "plain",
        lab_05.LEAVERS,
        ("clients.bind", "clients.router_mandatory = True\nclients.bind"),
    ),
    Wrong(
        "dies_of_an_odd_answer",
        "plain",
        lab_05.ANYTHING,
        (
            TO_CLIENTS,
            """
            client, empty, *reply = workers.recv_multipart()
            clients.send_multipart([client, empty, *reply])
            """,
        ),
    ),
    Wrong(
        "dies_of_an_odd_request",
        "plain",
        lab_05.ANYTHING,
        (
            TO_WORKERS,
            """
            frames = clients.recv_multipart()
            if len(frames) < 3:
                raise ValueError(f"malformed request {frames}")
            workers.send_multipart(frames)
            """,
        ),
    ),
    Wrong(
        "does_not_bind_the_backend", "plain", lab_05.ARRIVES, ("workers.bind", "workers.connect")
    ),
    Wrong(
        "drops_while_no_worker_is_there",
        "plain",
        lab_05.ARRIVES,
        ("import zmq", "import contextlib\n\nimport zmq"),
        (
            TO_WORKERS,
            """
            request = clients.recv_multipart()
            with contextlib.suppress(zmq.Again):
                workers.send_multipart(request, zmq.NOBLOCK)
            """,
        ),
    ),
    Wrong(
        "finds_the_client_by_its_question",
        "plain",
        lab_05.OWN,
        ("while True:", "asked_by = {}\nwhile True:"),
        (
            TO_WORKERS,
            """
            client, *rest = clients.recv_multipart()
            key = asked_by.setdefault(tuple(rest), client)
            workers.send_multipart([key, *rest])
            """,
        ),
    ),
    Wrong(
        "forgets_the_address",
        "plain",
        lab_05.ARRIVES,
        (
            TO_CLIENTS,
            """
            _, *reply = workers.recv_multipart()
            clients.send_multipart(reply)
            """,
        ),
    ),
    Wrong(
        "gives_up_after_a_quiet_second",
        "plain",
        (stage.GOES_ON, "broker goes on until the context ends"),  # whichever comes first
        (
            SELECT,
            """
            ready, _, _ = zmq.select([clients, workers], [], [], 1)
            if not ready:
                break
            """,
        ),
    ),
    Wrong(
        "hears_workers_only_after_clients",
        "plain",
        lab_05.ARRIVES,
        (
            f"{SELECT}\nif clients in ready:\n    {TO_WORKERS}\nif workers in ready:",
            f"{TO_WORKERS}\nwhile workers.poll(0):",
        ),
    ),
    Wrong(
        "is_a_coroutine", "plain", "broker is a plain function", ("def broker", "async def broker")
    ),
    Wrong(
        "keeps_the_first_frame_of_the_body",
        "plain",
        lab_05.ANYBODY,
        ("clients.recv_multipart()", "clients.recv_multipart()[:3]"),
    ),
    Wrong(
        "keeps_the_last_frame_of_an_answer",
        "plain",
        lab_05.ANYBODY,
        (
            TO_CLIENTS,
            """
            client, *reply = workers.recv_multipart()
            clients.send_multipart([client, b"", reply[-1]])
            """,
        ),
    ),
    Wrong(
        "knows_ids_by_their_last_byte",
        "plain",
        lab_05.OWN,
        (
            "def broker(ctx, frontend, backend):",
            "def broker(ctx, frontend, backend):\n    ids = {}",
        ),
        (
            TO_WORKERS,
            """
            client, *rest = clients.recv_multipart()
            ids[client[-1:]] = client
            workers.send_multipart([client[-1:], *rest])
            """,
        ),
        (
            TO_CLIENTS,
            """
            key, *rest = workers.recv_multipart()
            if key in ids:
                clients.send_multipart([ids[key], *rest])
            """,
        ),
    ),
    Wrong(
        "leaves_its_sockets_open",
        "plain",
        "broker closes its sockets",
        (
            BOTH,
            """
            clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
            if True:
            """,
        ),
    ),
    Wrong(
        "looks_for_a_delimiter_that_is_not_there",
        "plain",
        lab_05.ANYTHING,
        (
            TO_WORKERS,
            """
            frames = clients.recv_multipart()
            end = frames.index(b"")
            workers.send_multipart([*frames[:end], b"", *frames[end + 1 :]])
            """,
        ),
    ),
    Wrong(
        "never_hears_a_stranger_again",
        "plain",
        lab_05.ANYTHING,
        ("while True:", "bad = set()\nwhile True:"),
        (
            TO_WORKERS,
            """
            frames = clients.recv_multipart()
            if b"" not in frames[1:]:
                bad.add(frames[0])
            if frames[0] not in bad:
                workers.send_multipart(frames)
            """,
        ),
    ),
    Wrong(
        "one_request_at_a_time",
        "proxy",
        lab_05.AT_ONCE,
        ("zmq.proxy(clients, workers)", f"while True:\n    {TO_WORKERS}\n    {TO_CLIENTS}"),
    ),
    Wrong(
        "one_request_for_each_client",
        "plain",
        lab_05.ARRIVES,
        ("while True:", "asking = set()\nwhile True:"),
        (
            TO_WORKERS,
            """
            frames = clients.recv_multipart()
            if frames[0] not in asking:
                asking.add(frames[0])
                workers.send_multipart(frames)
            """,
        ),
        (
            TO_CLIENTS,
            """
            frames = workers.recv_multipart()
            asking.discard(frames[0])
            clients.send_multipart(frames)
            """,
        ),
    ),
    Wrong("polls_in_vain", "poller", AT_A_WORKER, ("poll(1000)", "poll(0)")),
    Wrong(
        "raises_at_the_end",
        "proxy",
        "broker ends with the context",
        (
            "zmq.proxy(clients, workers)",
            """
            try:
                zmq.proxy(clients, workers)
            except zmq.ZMQError as error:
                raise RuntimeError("the broker has ended") from error
            """,
        ),
    ),
    Wrong(
        "remembers_twenty_requests",
        "queue_of_its_own",
        lab_05.ARRIVES,
        ("deque()", "deque(maxlen=20)"),
    ),
    Wrong(
        "sends_from_another_thread",
        "plain",
        subject.ONE_THREAD,
        ("import zmq", "import threading\n\nimport zmq"),
        (
            TO_CLIENTS,
            """
            sender = threading.Thread(
                target=clients.send_multipart, args=(workers.recv_multipart(),)
            )
            sender.start()
            sender.join()
            """,
        ),
    ),
    Wrong(
        "spins",
        "proxy",
        AT_A_WORKER,
        ("import zmq", "import contextlib\n\nimport zmq"),
        (
            "zmq.proxy(clients, workers)",
            """
            while True:
                for one, other in ((clients, workers), (workers, clients)):
                    with contextlib.suppress(zmq.Again):
                        other.send_multipart(one.recv_multipart(zmq.NOBLOCK))
            """,
        ),
    ),
    Wrong(
        "stops_after_a_hundred", "plain", lab_05.AT_ONCE, ("while True:", "for _ in range(100):")
    ),
    Wrong(
        "stops_at_the_first_odd_message",
        "plain",
        lab_05.ANYTHING,
        (
            TO_CLIENTS,
            """
            frames = workers.recv_multipart()
            if len(frames) < 2 or b"" not in frames:
                return
            clients.send_multipart(frames)
            """,
        ),
    ),
    Wrong(
        "strips_the_delimiter",
        "plain",
        lab_05.ARRIVES,
        (
            TO_WORKERS,
            """
            client, _, *body = clients.recv_multipart()
            workers.send_multipart([client, *body])
            """,
        ),
        (
            TO_CLIENTS,
            """
            client, *body = workers.recv_multipart()
            clients.send_multipart([client, b"", *body])
            """,
        ),
    ),
    Wrong(
        "strips_white_space",
        "drops_what_is_no_request",
        lab_05.ANYBODY,
        ("[client, *request])", "[client, *(frame.strip() for frame in request)])"),
    ),
    Wrong(
        "swallows_the_end",
        "plain",
        "broker ends with the context",
        (
            f"""
            {SELECT}
            if clients in ready:
                {TO_WORKERS}
            if workers in ready:
                {TO_CLIENTS}
            """,
            f"""
            try:
                {SELECT}
                if clients in ready:
                    {TO_WORKERS}
                if workers in ready:
                    {TO_CLIENTS}
            except zmq.ZMQError:
                continue
            """,
        ),
    ),
    Wrong(
        "swaps_the_ends",
        "plain",
        lab_05.ARRIVES,
        ("clients.bind(frontend)", "clients.bind(backend)"),
        ("workers.bind(backend)", "workers.bind(frontend)"),
    ),
    Wrong(
        "takes_every_body_for_text",
        "plain",
        lab_05.ANYBODY,
        (
            TO_WORKERS,
            """
            *envelope, body = clients.recv_multipart()
            print(body.decode())
            workers.send_multipart([*envelope, body])
            """,
        ),
    ),
    Wrong(
        "ten_requests_at_a_time",
        "plain",
        lab_05.AT_ONCE,
        ("while True:", "out = 0\nwhile True:"),
        ("[clients, workers]", "[clients, workers] if out < 10 else [workers]"),
        (TO_WORKERS, f"{TO_WORKERS}\nout += 1"),
        (TO_CLIENTS, f"{TO_CLIENTS}\nout = max(out - 1, 0)"),
    ),
    Wrong(
        "waits_for_the_answer_in_its_loop",
        "plain",
        lab_05.AT_ONCE,
        (
            TO_WORKERS,
            """
            client, *request = clients.recv_multipart()
            workers.send_multipart([client, *request])
            if workers.poll(30_000):
                clients.send_multipart(workers.recv_multipart())
            """,
        ),
    ),
    Wrong(
        "knows_only_a_plain_envelope",  # that of a REQ with REQ_CORRELATE has a number in it
        "drops_what_is_no_request",
        lab_05.ANYBODY,
        ('if b"" in request:', 'if request[0] == b"":'),
        ('if b"" in reply:', 'if reply[0] == b"":'),
    ),
    Wrong(
        "waits_for_a_client_that_never_reads",  # MANDATORY makes a full queue wait
        "plain",
        lab_05.UNREAD,
        ("clients.bind(frontend)", "clients.router_mandatory = True\nclients.bind(frontend)"),
        (
            TO_CLIENTS,
            f"""
            try:
                {TO_CLIENTS}
            except zmq.ContextTerminated:
                raise
            except zmq.ZMQError:
                pass
            """,
        ),
    ),
]
