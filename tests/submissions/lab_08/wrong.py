"""Lab 08: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_08, plays

ROOM = "room = any(n < credit for n in held.values())"
SELECT = "ready, _, _ = zmq.select([workers, clients] if room else [workers], [], [])"
READY = "held.setdefault(worker, 0)"
ANSWER = 'clients.send_multipart([client, b"", *reply])'
LESS = "held[worker] = held.pop(worker) - 1"
CHOOSE = "worker = min(held, key=held.get)"
COUNT = f"{CHOOSE}\nheld[worker] += 1"
GIVE = 'workers.send_multipart([worker, b"", client, b"", *body])'
TAKE = f"""if clients in ready:
    match clients.recv_multipart():
        case [client, b"", *body]:
            {CHOOSE}
            held[worker] += 1
            {GIVE}"""

WRONG = [
    # how many
    Wrong("credit_is_ignored", "plain", lab_08.MOST, (ROOM, "room = bool(held)")),
    Wrong("one_too_many", "plain", lab_08.MOST, ("n < credit", "n <= credit")),
    Wrong("one_at_a_time", "plain", lab_08.AHEAD, ("n < credit", "n < 1")),
    Wrong(
        "credit_for_all_together",  # as many requests in all as workers times credit
        "plain",
        (lab_08.MOST, lab_08.FEWEST),
        (ROOM, "room = sum(held.values()) < credit * len(held)"),
        (CHOOSE, "worker = next(iter(held))"),
    ),
    Wrong(
        "full_when_one_is",
        "plain",
        lab_08.AHEAD,
        (ROOM, "room = held and all(n < credit for n in held.values())"),
    ),
    Wrong(
        "answers_free_nobody",
        "plain",
        lab_08.GIVEN,
        (LESS, "held[worker] = held.pop(worker)"),
    ),
    Wrong(
        "forgets_who_was_full",
        "plain",
        lab_08.GIVEN,
        (
            f"held[worker] += 1\n{GIVE}",
            f"""
            held[worker] += 1
            if held[worker] == credit:
                del held[worker]
            {GIVE}
            """,
        ),
        (LESS, "if worker in held:\n    held[worker] = held.pop(worker) - 1"),
    ),
    Wrong(
        "an_answer_frees_the_worker_altogether",
        "plain",
        lab_08.MOST,
        (LESS, "held.pop(worker)\nheld[worker] = 0"),
    ),
    Wrong(
        "frees_the_busiest",
        "plain",
        (lab_08.MOST, lab_08.FEWEST),
        (
            LESS,
            """
            worker = max(held, key=held.get)
            held[worker] = held.pop(worker) - 1
            """,
        ),
    ),
    # to whom
    Wrong(
        "fills_one_before_the_next",
        "plain",
        lab_08.FEWEST,
        (CHOOSE, "worker = next(w for w in held if held[w] < credit)"),
    ),
    Wrong(
        "fills_the_fullest_first",
        "plain",
        lab_08.FEWEST,
        (CHOOSE, "worker = max((w for w in held if held[w] < credit), key=held.get)"),
    ),
    Wrong(
        "takes_a_random_one",
        "plain",
        (lab_08.FEWEST, lab_08.LONGEST),
        ("import zmq", "import random\n\nimport zmq"),
        (CHOOSE, "worker = random.choice([w for w in held if held[w] < credit])"),
    ),
    Wrong(
        "in_turn",  # among those who may have one
        "plain",
        lab_08.FEWEST,
        (CHOOSE, f"{CHOOSE}\nworker = next(w for w in order if held[w] < credit)"),
        (
            f"held[worker] += 1\n{GIVE}",
            f"order.append(order.pop(order.index(worker)))\nheld[worker] += 1\n{GIVE}",
        ),
        (READY, f"{READY}\nif worker not in order:\n    order.append(worker)"),
        ("held = {}", "order, held = [], {}"),
    ),
    Wrong(
        "tokens_in_one_queue",
        "plain",
        lab_08.FEWEST,
        ("import zmq", "from collections import deque\n\nimport zmq"),
        ("held = {}", "known, tokens = set(), deque()"),
        (ROOM, "room = tokens"),
        (
            READY,
            "if worker not in known:\n    known.add(worker)\n    tokens.extend([worker] * credit)",
        ),
        (LESS, "tokens.append(worker)"),
        (COUNT, "worker = tokens.popleft()"),
    ),
    Wrong(
        "chooses_before_the_request_comes",
        "plain",
        lab_08.FEWEST,
        ("held = {}", "held, chosen = {}, None"),
        (ROOM, f"{ROOM}\nif room and chosen is None:\n    chosen = min(held, key=held.get)"),
        (CHOOSE, "worker, chosen = chosen, None"),
    ),
    Wrong(
        "newest_idle_first",
        "plain",
        lab_08.LONGEST,
        (CHOOSE, "worker = min(reversed(held), key=held.get)"),
    ),
    Wrong(
        "in_the_order_of_joining",
        "plain",
        lab_08.LONGEST,
        (LESS, "held[worker] -= 1"),
    ),
    Wrong(
        "newcomers_never",
        "plain",
        (lab_08.FEWEST, lab_08.GIVEN),
        (READY, "if len(held) < 3:\n    held.setdefault(worker, 0)"),
        (LESS, "if worker in held:\n    held[worker] = held.pop(worker) - 1"),
    ),
    Wrong(
        "newest_request_first",
        "plain",
        lab_08.IN_ORDER,
        (
            TAKE,
            """
            requests = []
            while len(requests) < sum(credit - n for n in held.values()) and clients.poll(0):
                requests.append(clients.recv_multipart())
            while requests:
                worker = min(held, key=held.get)
                held[worker] += 1
                workers.send_multipart([worker, b"", *requests.pop()])
            """,
        ),
    ),
    # READY again
    Wrong(
        "ready_resets_the_count",
        "plain",
        lab_08.AGAIN,
        (READY, "held[worker] = 0"),
    ),
    Wrong(
        "ready_gives_credit_again",
        "plain",
        lab_08.AGAIN,
        ("held = {}", "held, allowed = {}, {}"),
        (ROOM, "room = any(n < allowed[w] for w, n in held.items())"),
        (READY, f"{READY}\nallowed[worker] = allowed.get(worker, 0) + credit"),
    ),
    Wrong(
        "ready_counts_as_an_answer",
        "plain",
        lab_08.AGAIN,
        (READY, "held[worker] = max(0, held.pop(worker, 1) - 1)"),
    ),
    Wrong(
        "ready_costs_the_place",
        "plain",
        lab_08.AGAIN,
        (READY, "held[worker] = held.pop(worker, 0)"),
    ),
    Wrong(
        "dies_of_a_second_ready",
        "plain",
        lab_08.AGAIN,
        (READY, f"assert worker not in held\n{READY}"),
    ),
    # requests that nobody may have yet
    Wrong(
        "reads_while_all_are_full",
        "plain",
        lab_08.UNREAD,
        ("held = {}", "held, waiting = {}, []"),
        (SELECT, "ready, _, _ = zmq.select([workers, clients], [], [])"),
        (
            TAKE,
            """
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        waiting.append([client, b"", *body])
            while waiting and held and min(held.values()) < credit:
                worker = min(held, key=held.get)
                held[worker] += 1
                workers.send_multipart([worker, b"", *waiting.pop(0)])
            """,
        ),
    ),
    Wrong(
        "reads_one_ahead",
        "plain",
        lab_08.UNREAD,
        ("held = {}", "held, request = {}, None"),
        (SELECT, "ready, _, _ = zmq.select([workers] if request else [workers, clients], [], [])"),
        (
            TAKE,
            """
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        request = [client, b"", *body]
            if request and held and min(held.values()) < credit:
                worker = min(held, key=held.get)
                held[worker] += 1
                workers.send_multipart([worker, b"", *request])
                request = None
            """,
        ),
    ),
    Wrong(
        "reads_ahead_with_asyncio",
        "with_asyncio",
        lab_08.UNREAD,
        (
            "async def serve(",
            """
            async def give(workers, crew, request):
                while not crew.room.is_set():
                    await crew.room.wait()
                worker = min(crew.held, key=crew.held.__getitem__)
                crew.note(worker, 1)
                await workers.send_multipart([worker, b"", *request])


            async def serve(
            """,
        ),
        (
            "while True:\n    await crew.room.wait()\n    await there_is(clients)",
            "given = set()\nwhile True:\n    await there_is(clients)",
        ),
        (
            """
            worker = min(crew.held, key=crew.held.__getitem__)
            crew.note(worker, 1)
            await workers.send_multipart([worker, b"", client, b"", *body])
            """,
            'given.add(asyncio.create_task(give(workers, crew, [client, b"", *body])))',
        ),
    ),
    Wrong(
        "spins_while_all_are_full",
        "plain",
        plays.WAITS,
        (SELECT, "ready, _, _ = zmq.select([workers, clients], [], [])"),
        ("if clients in ready:", "if clients in ready and room:"),
    ),
    Wrong(
        "spins_while_it_has_nothing_to_do",
        "plain",
        plays.WAITS,
        ("else [workers], [], [])", "else [workers], [], [], 0)"),
    ),
    # what is handed on
    Wrong(
        "answers_in_order_of_asking",
        "plain",
        lab_08.OWN,
        ("held = {}", "held, asked = {}, []"),
        (
            f'client, b"", *reply]:\n    {ANSWER}',
            '_, b"", *reply]:\n    clients.send_multipart([asked.pop(0), b"", *reply])',
        ),
        (GIVE, f"asked.append(client)\n{GIVE}"),
    ),
    Wrong(
        "each_worker_answers_in_order",
        "plain",
        lab_08.OWN,
        ("held = {}", "held, asked = {}, {}"),
        (
            f'client, b"", *reply]:\n    {ANSWER}',
            '_, b"", *reply]:\n    clients.send_multipart([asked[worker].pop(0), b"", *reply])',
        ),
        (GIVE, f"asked.setdefault(worker, []).append(client)\n{GIVE}"),
    ),
    Wrong("answers_twice", "plain", lab_08.OWN, (ANSWER, f"{ANSWER}\n{ANSWER}")),
    Wrong(
        "assumes_three_frames",
        "plain",
        lab_08.ANYBODY,
        (f"*reply]:\n    {ANSWER}", 'reply]:\n    clients.send_multipart([client, b"", reply])'),
        ("*body]:", "body]:"),
        ("*body])", "body])"),
    ),
    Wrong("drops_empty_frames", "plain", lab_08.ANYBODY, ("*reply])", "*filter(None, reply)])")),
    Wrong("joins_the_frames", "plain", lab_08.ANYBODY, ("*body])", 'b"".join(body)])')),
    Wrong(
        "strips_the_inner_delimiter",
        "plain",
        lab_08.GIVEN,
        ('client, b"", *body])', "client, *body])"),
    ),
    Wrong(
        "ready_by_its_last_frame",
        "heap_of_loads",
        lab_08.ANYBODY,
        ('if rest == [b"", b"READY"]:', 'if rest[-1] == b"READY":'),
    ),
    Wrong(
        "ready_by_the_frame_where_it_stands",  # where an answer has the id of a client
        "heap_of_loads",
        lab_08.ANYBODY,
        ('if rest == [b"", b"READY"]:', 'if rest[1] == b"READY":'),
    ),
    Wrong(
        "decodes_ids",
        "plain",
        lab_08.GIVEN,
        (GIVE, f'print(f"{{client.decode()}} to {{worker}}")\n{GIVE}'),
    ),
    Wrong(
        "decodes_the_names_of_workers",
        "plain",
        lab_08.GIVEN,
        (GIVE, f"print(worker.decode())\n{GIVE}"),
    ),
    # clients
    Wrong(
        "dies_of_a_client_that_left",
        "plain",
        lab_08.LEAVERS,
        ("clients.bind", "clients.router_mandatory = True\nclients.bind"),
    ),
    Wrong(
        "loses_the_credit_of_a_client_that_left",
        "plain",
        lab_08.LEAVERS,
        ("clients.bind", "clients.router_mandatory = True\nclients.bind"),
        (ANSWER, f"try:\n    {ANSWER}\nexcept zmq.ZMQError:\n    continue"),
    ),
    Wrong(
        "waits_for_a_client_that_never_reads",  # the error that it catches is that of who is gone
        "plain",
        lab_08.DEAF,
        ("import zmq", "import contextlib\n\nimport zmq"),
        ("clients.bind(frontend)", "clients.router_mandatory = True\nclients.bind(frontend)"),
        (
            'clients.send_multipart([client, b"", *reply])',
            """
            with contextlib.suppress(zmq.ZMQError):
                clients.send_multipart([client, b"", *reply])
            """,
        ),
    ),
    Wrong(
        "nonsense_costs_credit",
        "plain",
        lab_08.ANYTHING,
        (f"{COUNT}\n{GIVE}", GIVE),
        ("match clients.recv_multipart():", f"{COUNT}\nmatch clients.recv_multipart():"),
    ),
    Wrong(
        "nonsense_goes_to_a_worker_uncounted",  # and its answer is counted
        "plain",
        (lab_08.MOST, lab_08.ANYTHING),
        (
            TAKE,
            f"""
            if clients in ready:
                client, *body = clients.recv_multipart()
                {CHOOSE}
                if body[0] == b"" and body[1:]:
                    held[worker] += 1
                    del body[0]
                {GIVE}
            """,
        ),
    ),
    Wrong(
        "nonsense_costs_a_turn",
        "plain",
        lab_08.ANYTHING,
        (
            TAKE,
            f"""
            if clients in ready:
                {CHOOSE}
                held[worker] = held.pop(worker) + 1
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        {GIVE}
                    case _:
                        held[worker] -= 1
            """,
        ),
    ),
    Wrong(
        "dies_of_an_odd_request",
        "plain",
        lab_08.ANYTHING,
        ('case [client, b"", *body]:', 'case [client, empty, *body]:\n    assert empty == b""'),
    ),
    # its sockets, its end
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
        "swallows_the_end",
        "plain",
        "broker ends with the context",
        (SELECT, f"try:\n    {SELECT}\nexcept zmq.ZMQError:\n    continue"),
    ),
    Wrong("knows_no_credit", "plain", "broker can be called as", ("backend, credit)", "backend)")),
]
