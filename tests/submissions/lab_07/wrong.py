"""Lab 07: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_07, plays, stage, subject

READY = 'b"READY"]:\n    idle.append(worker)'
ANSWER = 'clients.send_multipart([client, b"", *reply])'
GIVE = 'workers.send_multipart([idle.popleft(), b"", client, b"", *body])'
REQUEST = f'match clients.recv_multipart():\n    case [client, b"", *body]:\n        {GIVE}'
SELECT = "ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])"

WRONG = [
    Wrong(
        "a_credit_of_two",
        "plain",
        lab_07.ONE,
        (READY, 'b"READY"]:\n    idle.extend([worker, worker])'),
    ),
    Wrong(
        "acknowledges_ready",
        "plain",
        lab_07.GIVEN,
        (
            READY,
            """
            b"READY"]:
                workers.send_multipart([worker, b"", b"OK"])
                idle.append(worker)
            """,
        ),
    ),
    Wrong(
        "answers_in_order_of_asking",
        "plain",
        lab_07.OWN,
        ("idle = deque()", "idle, asked = deque(), deque()"),
        (
            f'client, b"", *reply]:\n    {ANSWER}',
            """
            _, b"", *reply] if asked:
                clients.send_multipart([asked.popleft(), b"", *reply])
            """,
        ),
        (GIVE, f"asked.append(client)\n{GIVE}"),
    ),
    Wrong(
        "answers_the_last_asker",
        "plain",
        lab_07.OWN,
        ("idle = deque()", 'idle, last = deque(), b""'),
        (
            f'client, b"", *reply]:\n    {ANSWER}',
            """
            _, b"", *reply]:
                clients.send_multipart([last, b"", *reply])
            """,
        ),
        (GIVE, f"last = client\n{GIVE}"),
    ),
    Wrong("answers_twice", "plain", lab_07.OWN, (ANSWER, f"{ANSWER}\n{ANSWER}")),
    Wrong(
        "assumes_three_frames",
        "plain",
        lab_07.ANYBODY,
        (f"*reply]:\n    {ANSWER}", 'reply]:\n    clients.send_multipart([client, b"", reply])'),
        (
            f"*body]:\n    {GIVE}",
            """
            body]:
                workers.send_multipart([idle.popleft(), b"", client, b"", body])
            """,
        ),
    ),
    Wrong(
        "deals_by_dealer",
        "plain",
        lab_07.ONE,
        ("idle = deque()", "idle = 0"),
        ("ctx.socket(zmq.ROUTER) as workers", "ctx.socket(zmq.DEALER) as workers"),
        ('[worker, b"", b"READY"]:\n    idle.append(worker)', '[b"", b"READY"]:\n    idle += 1'),
        (
            f'[worker, b"", client, b"", *reply]:\n    {ANSWER}\n    idle.append(worker)',
            f"""
            [b"", client, b"", *reply]:
                {ANSWER}
                idle += 1
            """,
        ),
        (GIVE, 'idle -= 1\nworkers.send_multipart([b"", client, b"", *body])'),
    ),
    Wrong(
        "decodes_ids",
        "plain",
        lab_07.GIVEN,
        (GIVE, f'print(f"request of {{client.decode()}}")\n{GIVE}'),
    ),
    Wrong(
        "dict_keeps_its_order",  # a key stays where it is when its value changes
        "reads_frames",
        lab_07.LONGEST,
        ("idle = deque()", "idle = {}"),
        ("if idle else", "if any(idle.values()) else"),
        ("idle.append(worker)", "idle[worker] = True"),
        (
            """
            if frames[1:2] == [b""]:
                workers.send_multipart([idle.popleft(), b"", *frames])
            """,
            """
            if frames[1:2] == [b""] and any(idle.values()):
                worker = next(worker for worker, free in idle.items() if free)
                idle[worker] = False
                workers.send_multipart([worker, b"", *frames])
            """,
        ),
    ),
    Wrong(
        "dies_of_a_client_that_left",
        "plain",
        lab_07.LEAVERS,
        ("clients.bind", "clients.router_mandatory = True\nclients.bind"),
    ),
    Wrong(
        "dies_of_an_odd_request",
        "plain",
        lab_07.ANYTHING,
        (
            REQUEST,
            f"""
            client, empty, *body = clients.recv_multipart()
            assert empty == b""
            {GIVE}
            """,
        ),
    ),
    Wrong("drops_empty_frames", "plain", lab_07.ANYBODY, ("*reply])", "*filter(None, reply)])")),
    Wrong(
        "fewest_tasks_first",
        "plain",
        lab_07.LONGEST,
        ("import deque", "import Counter"),
        ("idle = deque()", "idle, done = [], Counter()"),
        (
            GIVE,
            """
            worker = min(idle, key=done.__getitem__)
            idle.remove(worker)
            done[worker] += 1
            workers.send_multipart([worker, b"", client, b"", *body])
            """,
        ),
    ),
    Wrong(
        "gives_a_second_task",
        "plain",
        lab_07.ONE,
        (f"{ANSWER}\nidle.append(worker)", ANSWER),
        (GIVE, 'workers.send_multipart([idle[0], b"", client, b"", *body])\nidle.rotate(-1)'),
    ),
    Wrong(
        "idle_again_when_it_was_given",
        "plain",
        lab_07.ONE,
        (f"{ANSWER}\nidle.append(worker)", ANSWER),
        (
            GIVE,
            """
            worker = idle.popleft()
            workers.send_multipart([worker, b"", client, b"", *body])
            idle.append(worker)
            """,
        ),
    ),
    Wrong(
        "is_a_coroutine", "plain", "broker is a plain function", ("def broker", "async def broker")
    ),
    Wrong(
        "is_deaf_after_nonsense",
        "plain",
        lab_07.ANYTHING,
        (
            REQUEST,
            """
            request = clients.recv_multipart()
            while request[1] != b"":
                request = clients.recv_multipart()
            workers.send_multipart([idle.popleft(), b"", *request])
            """,
        ),
    ),
    Wrong("joins_the_frames", "plain", lab_07.ANYBODY, ("*body])", 'b"".join(body)])')),
    Wrong(
        "leaves_its_sockets_open",
        "plain",
        "broker closes its sockets",
        (
            "with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:",
            """
            clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.ROUTER)
            if True:
            """,
        ),
    ),
    Wrong(
        "loses_a_worker_to_an_odd_request",
        "plain",
        lab_07.ANYTHING,
        (
            "match clients.recv_multipart():",
            "worker = idle.popleft()\nmatch clients.recv_multipart():",
        ),
        (GIVE, 'workers.send_multipart([worker, b"", client, b"", *body])'),
    ),
    Wrong(
        "loses_the_worker_of_a_client_that_left",
        "plain",
        lab_07.LEAVERS,
        ("clients.bind", "clients.router_mandatory = True\nclients.bind"),
        (
            ANSWER,
            f"""
            try:
                {ANSWER}
            except zmq.ZMQError:
                continue
            """,
        ),
    ),
    Wrong(
        "newcomers_first",
        "plain",
        lab_07.LONGEST,
        ("idle = deque()", "new, old = deque(), deque()"),
        ("if idle else", "if new or old else"),
        (READY, 'b"READY"]:\n    new.append(worker)'),
        (f"{ANSWER}\nidle.append(worker)", f"{ANSWER}\nold.append(worker)"),
        ("idle.popleft()", "(new or old).popleft()"),
    ),
    Wrong(
        "newcomers_last",
        "plain",
        lab_07.LONGEST,
        ("idle = deque()", "new, old = deque(), deque()"),
        ("if idle else", "if new or old else"),
        (READY, 'b"READY"]:\n    new.append(worker)'),
        (f"{ANSWER}\nidle.append(worker)", f"{ANSWER}\nold.append(worker)"),
        ("idle.popleft()", "(old or new).popleft()"),
    ),
    Wrong(
        "newest_request_first",
        "plain",
        lab_07.IN_ORDER,
        (
            f"if clients in ready:\n{REQUEST}",
            """
            requests = []
            while len(requests) < len(idle) and clients.poll(0):
                requests.append(clients.recv_multipart())
            while requests:
                workers.send_multipart([idle.popleft(), b"", *requests.pop()])
            """,
        ),
    ),
    Wrong(
        "nonsense_costs_a_turn",
        "reads_frames",
        lab_07.ANYTHING,
        (
            """
            frames = clients.recv_multipart()
            if frames[1:2] == [b""]:
                workers.send_multipart([idle.popleft(), b"", *frames])
            """,
            """
            worker = idle.popleft()
            try:
                client, empty, *body = clients.recv_multipart()
                if empty:
                    raise ValueError
                workers.send_multipart([worker, b"", client, b"", *body])
            except ValueError:
                idle.append(worker)
            """,
        ),
    ),
    Wrong("one_request_at_a_time", None, lab_07.AT_ONCE),
    Wrong("pops_newest", "plain", lab_07.LONGEST, ("idle.popleft", "idle.pop")),
    Wrong(
        "puts_ready_in_front",
        "plain",
        lab_07.LONGEST,
        (READY, 'b"READY"]:\n    idle.appendleft(worker)'),
    ),
    Wrong(
        "raises_at_the_end",
        "plain",
        "broker ends with the context",
        (
            SELECT,
            f"""
            try:
                {SELECT}
            except zmq.ZMQError as error:
                raise RuntimeError("the broker has ended") from error
            """,
        ),
    ),
    Wrong(
        "raises_while_nobody_is_idle",
        "plain",
        (lab_07.GIVEN, stage.GOES_ON),  # whichever the broker hears first, the request or the READY
        (" if idle else [workers]", ""),
    ),
    Wrong(
        "reads_all_when_one_is_idle",
        "plain",
        lab_07.UNREAD,
        ("idle = deque()", "idle, waiting = deque(), deque()"),
        (
            f"if clients in ready:\n{REQUEST}",
            """
            while idle and clients.poll(0):
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        waiting.append([client, b"", *body])
            while idle and waiting:
                workers.send_multipart([idle.popleft(), b"", *waiting.popleft()])
            """,
        ),
    ),
    Wrong("reads_early_with_asyncio", None, lab_07.UNREAD),
    Wrong(
        "reads_one_ahead",
        "plain",
        lab_07.UNREAD,
        ("idle = deque()", "idle, request = deque(), None"),
        (
            "[workers, clients] if idle else [workers]",
            "[workers] if request else [workers, clients]",
        ),
        (
            f"if clients in ready:\n{REQUEST}",
            """
            if clients in ready:
                request = clients.recv_multipart()
                if request[1] != b"":
                    request = None
            if idle and request:
                workers.send_multipart([idle.popleft(), b"", *request])
                request = None
            """,
        ),
    ),
    Wrong(
        "reads_while_nobody_is_idle",
        "plain",
        lab_07.UNREAD,
        ("idle = deque()", "idle, waiting = deque(), deque()"),
        (" if idle else [workers]", ""),
        (
            f"if clients in ready:\n{REQUEST}",
            """
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        waiting.append([client, b"", *body])
            while idle and waiting:
                workers.send_multipart([idle.popleft(), b"", *waiting.popleft()])
            """,
        ),
    ),
    Wrong(
        "ready_by_its_first_bytes",
        "reads_frames",
        lab_07.ANYBODY,
        ("if rest[1:]:", 'if not rest[0].startswith(b"READY"):'),
    ),
    Wrong(
        "remembers_one_idle_worker",
        "plain",
        lab_07.LONGEST,
        ("deque()", "deque(maxlen=1)"),
    ),
    Wrong("sends_from_another_thread", None, subject.ONE_THREAD),
    Wrong("spins", "plain", plays.WAITS, ("[workers], [], [])", "[workers], [], [], 0)")),
    Wrong(
        "spins_while_it_has_nothing_to_do",
        "plain",
        plays.WAITS,
        (
            "while True:",
            """
            while True:
                while idle and not clients.poll(0) and not workers.poll(0):
                    pass
            """,
        ),
    ),
    Wrong(
        "spins_while_nobody_is_idle",
        "plain",
        plays.WAITS,
        (" if idle else [workers]", ""),
        ("if clients in ready:", "if clients in ready and idle:"),
    ),
    Wrong(
        "splits_at_the_last_delimiter",
        "plain",
        lab_07.ANYBODY,
        (
            REQUEST,
            """
            request = clients.recv_multipart()
            if len(request) > 2 and request[1] == b"":
                last = len(request) - 1 - request[:-1][::-1].index(b"")
                body = request[last:]
                workers.send_multipart([idle.popleft(), b"", request[0], b"", *body])
            """,
        ),
    ),
    Wrong(
        "strips_the_inner_delimiter",
        "plain",
        lab_07.GIVEN,
        ('client, b"", *body])', "client, *body])"),
    ),
    Wrong(
        "swallows_the_end",
        "plain",
        "broker ends with the context",
        (
            SELECT,
            f"""
            try:
                {SELECT}
            except zmq.ZMQError:
                continue
            """,
        ),
    ),
    Wrong(
        "takes_a_random_one",
        "plain",
        lab_07.LONGEST,
        ("from collections import deque", "import random"),
        ("deque()", "[]"),
        ("idle.popleft()", "idle.pop(random.randrange(len(idle)))"),
    ),
    Wrong(
        "turns_among_the_idle",  # in a fixed order
        "plain",
        lab_07.LONGEST,
        (
            "def broker(ctx, frontend, backend):",
            """
            def next_in(order, idle):
                while True:
                    order.rotate(-1)
                    if order[-1] in idle:
                        idle.remove(order[-1])
                        return order[-1]


            def broker(ctx, frontend, backend):
            """,
        ),
        ("idle = deque()", "idle, order = [], deque()"),
        (
            READY,
            """
            b"READY"]:
                idle.append(worker)
                order.append(worker)
            """,
        ),
        ("idle.popleft()", "next_in(order, idle)"),
    ),
    Wrong(
        "unpacks_three_frames",
        "plain",
        lab_07.ANYBODY,
        (
            REQUEST,
            """
            client, empty, body = clients.recv_multipart()
            workers.send_multipart([idle.popleft(), empty, client, empty, body])
            """,
        ),
    ),
    Wrong(
        "reads_one_ahead_at_the_wildcard",
        "plain",
        lab_07.UNREAD,
        ("idle = deque()", "idle, request = deque(), None"),
        ("clients.bind(frontend)", 'clients.bind("tcp://*:" + frontend.rpartition(":")[2])'),
        ("workers.bind(backend)", 'workers.bind("tcp://*:" + backend.rpartition(":")[2])'),
        (
            "[workers, clients] if idle else [workers]",
            "[workers] if request else [workers, clients]",
        ),
        (
            """
            match clients.recv_multipart():
                case [client, b"", *body]:
                    workers.send_multipart([idle.popleft(), b"", client, b"", *body])
            """,
            """
            request = clients.recv_multipart()
            if request[1] != b"":
                request = None
            """,
        ),
        (
            "while True:\n",
            """
            while True:
                if idle and request:
                    workers.send_multipart([idle.popleft(), b"", *request])
                    request = None

            """,
        ),
    ),
    Wrong(
        "waits_for_a_client_that_never_reads",  # its errors are those of who is gone
        "mandatory_and_caught",
        lab_07.DEAF,
        ("router.send_multipart(frames, zmq.DONTWAIT)", "router.send_multipart(frames)"),
    ),
]
