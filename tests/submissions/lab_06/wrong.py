"""Lab 06: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_05, lab_06, plays

SEND = "clients.send_multipart([client, *reply], zmq.NOBLOCK)"
FULL = 'lost(client, reply, "full")'
GONE = 'lost(client, reply, "gone")'
REPLY = "client, *reply = workers.recv_multipart()"
REQUEST = "workers.send_multipart(clients.recv_multipart())"
MANDATORY = "clients.router_mandatory = True"

WRONG = [
    Wrong(
        "all_are_full",
        "plain",
        lab_06.WHY,
        (GONE, 'lost(client, reply, "full")'),
        says=("nothing was in its queue",),
    ),
    Wrong(
        "all_are_gone",
        "plain",
        lab_06.WHY,
        (FULL, 'lost(client, reply, "gone")'),
        says=("c1 had not left",),
    ),
    Wrong(
        "assumes_three_frames",
        "plain",
        lab_05.ANYBODY,
        (REPLY, "client, empty, body = workers.recv_multipart()\nreply = [empty, body]"),
    ),
    Wrong(
        "decodes_ids",
        "plain",
        lab_05.ARRIVES,
        (
            REQUEST,
            """
            client, *request = clients.recv_multipart()
            print("request from", client.decode())
            workers.send_multipart([client, *request])
            """,
        ),
    ),
    Wrong(
        "delivers_what_it_has_reported",
        "plain",
        lab_06.ONCE,
        ("while True:", "pending = []\nwhile True:"),
        (
            FULL,
            """
            lost(client, reply, "full")
            pending.append([client, *reply])
            """,
        ),
        (
            REPLY,
            """
            while pending:
                try:
                    clients.send_multipart(pending[0], zmq.NOBLOCK)
                except zmq.ZMQError:
                    break
                del pending[0]
            client, *reply = workers.recv_multipart()
            """,
        ),
        says=('was reported as "full", and then arrived',),
    ),
    Wrong(
        "dies_of_a_client_that_left",
        "plain",
        lab_05.LEAVERS,
        ("if error.errno != zmq.EHOSTUNREACH:", "if True:"),
    ),
    Wrong("dies_of_a_full_queue", "plain", lab_06.OTHERS, (FULL, "raise")),
    Wrong("does_not_say_who_has_gone", "plain", lab_06.TOLD, (GONE, "pass")),
    Wrong("does_not_say_whose_queue_is_full", "plain", lab_06.WORD, (FULL, "pass")),
    Wrong(
        "gives_up_a_client_whose_queue_was_full",
        "plain",
        lab_06.WHY,
        ("while True:", "given_up = set()\nwhile True:"),
        (SEND, f"if client in given_up:\n    raise zmq.Again\n{SEND}"),
        (FULL, f"given_up.add(client)\n{FULL}"),
        says=("its queue was empty",),
    ),
    Wrong("never_knows", "plain", lab_06.TOLD, (MANDATORY, "clients.router_mandatory = False")),
    Wrong(
        "gone_for_ever",  # also for who comes back under its name
        "plain",
        lab_06.WHY,
        ("while True:", "gone = set()\nwhile True:"),
        (SEND, f"if client in gone:\n    {GONE}\n    continue\n{SEND}"),
        (GONE, f"gone.add(client)\n{GONE}"),
        says=("c6 had not left", "c1 is back"),
    ),
    Wrong(
        "hears_nobody_who_was_gone",
        "plain",
        lab_06.BACK,
        ("while True:", "gone = set()\nwhile True:"),
        (
            REQUEST,
            """
            asker, *request = clients.recv_multipart()
            if asker not in gone:
                workers.send_multipart([asker, *request])
            """,
        ),
        (GONE, f"gone.add(client)\n{GONE}"),
        says=("c1 is back",),
    ),
    Wrong(
        "names_who_asked_last",
        "plain",
        lab_06.SENT,
        (
            REQUEST,
            "asker, *request = clients.recv_multipart()\nworkers.send_multipart([asker, *request])",
        ),
        (GONE, 'lost(asker, reply, "gone")'),
        (FULL, 'lost(asker, reply, "full")'),
    ),
    Wrong(
        "polls_before_it_sends",  # a ROUTER has room as long as one of its queues has
        "plain",
        lab_06.OTHERS,
        (
            SEND,
            """
            if not clients.poll(0, zmq.POLLOUT):
                raise zmq.Again
            clients.send_multipart([client, *reply])
            """,
        ),
    ),
    Wrong(
        "reports_a_client_once",
        "plain",
        lab_06.TOLD,
        ("while True:", "known = set()\nwhile True:"),
        (GONE, f"if client not in known:\n    known.add(client)\n    {GONE}"),
    ),
    Wrong(
        "reports_what_is_alike_once",  # "once" is said of a reply, and these are two
        "plain",
        lab_06.TOLD,
        ("while True:", "said = set()\nwhile True:"),
        (GONE, f"if (client, *reply) not in said:\n    said.add((client, *reply))\n    {GONE}"),
    ),
    Wrong(
        "reports_all_that_it_sends",
        "plain",
        lab_06.ONCE,
        (REPLY, f"{REPLY}\n{GONE}"),
    ),
    Wrong(
        "reports_a_tuple",
        "plain",
        lab_06.FORM,
        (GONE, 'lost(client, tuple(reply), "gone")'),
        says=("is a tuple",),
    ),
    Wrong(
        "reports_frames_that_are_no_bytes",  # a Frame is equal to nothing but itself
        "plain",
        lab_06.FORM,
        (GONE, 'lost(client, [*map(zmq.Frame, reply)], "gone")'),
        says=("reply[0] is a Frame",),
    ),
    Wrong(
        "reports_at_the_end",
        "plain",
        lab_06.TOLD,
        ("while True:", "late = []\nwhile True:"),
        (GONE, "late.append((client, reply))"),
        (
            "ready, _, _ = zmq.select([clients, workers], [], [])",
            """
            try:
                ready, _, _ = zmq.select([clients, workers], [], [])
            except zmq.ContextTerminated:
                for client, reply in late:
                    lost(client, reply, "gone")
                raise
            """,
        ),
    ),
    Wrong(
        "reports_from_another_thread",
        "plain",
        lab_06.FORM,
        ("import zmq", "import threading\n\nimport zmq"),
        (GONE, 'threading.Thread(target=lost, args=(client, reply, "gone")).start()'),
        says=("in the thread",),
    ),
    Wrong(
        "reports_the_body_alone", "plain", lab_06.SENT, (GONE, 'lost(client, reply[1:], "gone")')
    ),
    Wrong(
        "reports_the_last_frame", "plain", lab_06.FORM, (GONE, 'lost(client, reply[-1], "gone")')
    ),
    Wrong(
        "reports_the_route_as_well",
        "plain",
        lab_06.SENT,
        (GONE, 'lost(client, [client, *reply], "gone")'),
    ),
    Wrong(
        "reports_twice",
        "plain",
        lab_06.ONCE,
        (GONE, f"{GONE}\n{GONE}"),
    ),
    Wrong(
        "says_what_the_error_says",
        "plain",
        lab_06.FORM,
        (GONE, "lost(client, reply, str(error))"),
        says=("Host unreachable",),
    ),
    Wrong(
        "sends_the_rest_of_the_message",  # what is left of it is a message to somebody else
        "frame_by_frame",
        lab_05.OWN,
        (
            "reply = [frame for frame, _ in frames]",
            """
            rest = list(frames)
            frames = iter(rest)
            reply = [frame for frame, _ in rest]
            """,
        ),
        (
            """
            for frame, more in frames:
                clients.send(frame, more)
            """,
            """
            for frame, more in frames:
                try:
                    clients.send(frame, zmq.NOBLOCK | more)
                except zmq.Again:
                    pass
                except zmq.ZMQError as error:
                    if error.errno != zmq.EHOSTUNREACH:
                        raise
            """,
        ),
    ),
    Wrong(
        "shows_ids_as_text",
        "plain",
        lab_06.FORM,
        (GONE, 'lost(client.hex(), reply, "gone")'),
        says=("is a str",),
    ),
    Wrong(
        "spins_while_it_keeps_some_back",
        "keeps_some_back",
        plays.WAITS,
        ("0.05 if kept", "0 if kept"),
        says=("replies wait for a client that does not read",),
    ),
    Wrong(
        "strips_the_number_of_a_req",
        "plain",
        lab_06.SENT,
        (GONE, 'lost(client, reply[reply.index(b"") if b"" in reply else 0 :], "gone")'),
    ),
    Wrong(
        "swallows_the_end",
        "plain",
        "broker ends with the context",
        ("while True:\n", 'client, reply = b"", []\nwhile True:\n'),
        (
            "ready, _, _ = zmq.select([clients, workers], [], [])",
            """
            try:
                ready, _, _ = zmq.select([clients, workers], [], [])
            except zmq.ZMQError:
                lost(client, reply, "gone")
                continue
            """,
        ),
    ),
    Wrong(
        "swaps_the_reasons",
        "plain",
        lab_06.WHY,
        (GONE, 'lost(client, reply, "full")'),
        (FULL, 'lost(client, reply, "gone")'),
    ),
    Wrong(
        "waits_a_second_for_room",
        "plain",
        lab_06.OTHERS,
        (MANDATORY, f"{MANDATORY}\nclients.sndtimeo = 1000"),
        (", zmq.NOBLOCK)", ")"),
    ),
    Wrong("waits_for_room", "plain", lab_06.OTHERS, (", zmq.NOBLOCK)", ")")),
    Wrong(
        "wants_room_for_everybody",  # with one queue full it says of all that theirs is
        "plain",
        lab_06.WHY,
        ("while True:", "full = False\nwhile True:"),
        (SEND, f"if full:\n    raise zmq.Again\n{SEND}"),
        (FULL, f"full = True\n{FULL}"),
    ),
]
