"""Lab 11: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import retry

PLAIN_ASK = """
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
"""
SEND = "server.send_multipart([request_id, *body])"
POLL = "if server.poll(1000 * patience):"
MINE = "if got_id == request_id:"
GIVE_UP = 'raise TimeoutError(f"no reply to {request_id!r}, asked {tries} times")'
ONE_SOCKET = """
for _ in range(tries):
    server.send_multipart([b"", request_id, *body])
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0:
        if server.poll(1 + int(1000 * left)):
            match server.recv_multipart():
                case [b"", got_id, *reply] if got_id == request_id:
                    return reply
"""
AGAIN_BY_ITSELF = """
while request_id not in replies:
    try:
        replies[request_id] = do(request_id, body)
    except Exception:
        pass
clients.send_multipart([*envelope, request_id, *replies[request_id]])
"""
OWN_CASE = 'case [b"", got_id, *reply] if got_id == request_id:\n    return reply'
KNOWN = "if request_id not in replies:"
DO = """
if request_id not in replies:
    try:
        replies[request_id] = do(request_id, body)
    except Exception:
        continue
clients.send_multipart([*envelope, request_id, *replies[request_id]])
"""
REPLY = "clients.send_multipart([*envelope, request_id, *replies[request_id]])"
NOTE = "replies[request_id] = do(request_id, body)"
WAITING = "waiting[request_id].append(envelope)"
TO_ALL = """
for envelope in envelopes:
    clients.send_multipart([*envelope, request_id, *reply])
"""
SPLIT = """
if b"" not in frames[1:-1]:
    continue
place = frames.index(b"", 1) + 1
envelope, (request_id, *body) = frames[:place], frames[place:]
"""

WRONG = [
    # ask: what it sends
    Wrong(
        "a_new_id_for_each_try",
        "plain",
        retry.SAME,
        ("import zmq", "import uuid\n\nimport zmq"),
        (
            PLAIN_ASK,
            """
            for number in range(tries):
                request_id = request_id if not number else uuid.uuid4().bytes
                with ctx.socket(zmq.REQ) as server:
                    server.linger = 0
                    server.connect(endpoint)
                    server.send_multipart([request_id, *body])
                    if server.poll(1000 * patience):
                        got_id, *reply = server.recv_multipart()
                        if got_id == request_id:
                            return reply
            raise TimeoutError(f"no reply to {request_id!r}, asked {tries} times")
            """,
        ),
    ),
    Wrong("an_id_of_its_own", "plain", retry.FORM, (SEND, "server.send_multipart([b'1', *body])")),
    Wrong(
        "the_number_of_the_try_in_the_body",
        "plain",
        retry.SAME,
        ("for _ in range(tries):", "for number in range(tries):"),
        (SEND, 'server.send_multipart([request_id, *body, *[b"again"] * (number > 0)])'),
    ),
    Wrong(
        "joins_the_body",
        "plain",
        retry.FORM,
        (SEND, 'server.send_multipart([request_id, b"".join(body)])'),
    ),
    Wrong(
        "a_dealer_without_the_delimiter",
        "dealer_and_pool",
        retry.FORM,
        (
            'server.send_multipart([b"", request_id, *body])',
            "server.send_multipart([request_id, *body])",
        ),
    ),
    # ask: how often, for how long
    Wrong("tries_once", "plain", retry.TRIES, ("for _ in range(tries):", "for _ in range(1):")),
    Wrong(
        "one_try_too_many",
        "plain",
        retry.TRIES,
        ("for _ in range(tries):", "for _ in range(tries + 1):"),
    ),
    Wrong(
        "one_try_too_few",
        "plain",
        (retry.TRIES, retry.FORM),
        ("for _ in range(tries):", "for _ in range(max(1, tries - 1)):"),
    ),
    Wrong(
        "never_gives_up",
        "plain",
        retry.TRIES,
        ("for _ in range(tries):", "while True:"),
        (GIVE_UP, ""),
    ),
    Wrong(
        "waits_for_ever_at_the_last",
        "plain",
        retry.PATIENT,
        ("for _ in range(tries):", "for number in range(tries):"),
        (POLL, "if server.poll(1000 * patience if number + 1 < tries else None):"),
    ),
    Wrong(
        "again_on_the_same_strict_req",
        "plain",
        retry.AGAIN,
        (
            PLAIN_ASK,
            """
            with ctx.socket(zmq.REQ) as server:
                server.linger = 0
                server.connect(endpoint)
                for _ in range(tries):
                    server.send_multipart([request_id, *body])
                    if server.poll(1000 * patience):
                        got_id, *reply = server.recv_multipart()
                        if got_id == request_id:
                            return reply
            raise TimeoutError(f"no reply to {request_id!r}, asked {tries} times")
            """,
        ),
    ),
    Wrong("patience_in_milliseconds", "plain", retry.PATIENT, (POLL, "if server.poll(patience):")),
    Wrong(
        "patience_for_all_tries_together",
        "plain",
        retry.PATIENT,
        (POLL, "if server.poll(1000 * patience / tries):"),
    ),
    Wrong(
        "no_patience_after_the_last",
        "plain",
        retry.PATIENT,
        ("for _ in range(tries):", "for number in range(tries):"),
        (POLL, "if server.poll(1000 * patience if number + 1 < tries else 1):"),
    ),
    Wrong(
        "waits_longer_and_longer",
        "plain",
        retry.PATIENT,
        ("for _ in range(tries):", "for number in range(tries):"),
        (POLL, "if server.poll(1000 * patience * 2**number):"),
    ),
    Wrong(
        "sleeps_its_patience",
        "plain",
        retry.AT_ONCE,
        ("import zmq", "import time\n\nimport zmq"),
        (POLL, "time.sleep(patience)\nif server.poll(0):"),
    ),
    Wrong(
        "goes_round_while_it_waits",
        "looks_at_the_clock",
        retry.WAITS,
        ("if server.poll(10):", "if server.poll(0):"),
    ),
    Wrong(
        "patience_again_with_every_stray_message",
        "dealer_and_pool",
        retry.STRAYS,
        (
            ONE_SOCKET,
            """
            for _ in range(tries):
                server.send_multipart([b"", request_id, *body])
                while server.poll(1000 * patience):
                    match server.recv_multipart():
                        case [b"", got_id, *reply] if got_id == request_id:
                            return reply
            """,
        ),
    ),
    Wrong(
        "polls_though_replies_are_thrown_away",
        "relaxed_and_correlated",
        retry.STRAYS,
        ("server.setsockopt(zmq.RCVTIMEO, int(patience * 1000))", ""),
        (
            "reply = server.recv_multipart()",
            "if not server.poll(1000 * patience):\n    continue\nreply = server.recv_multipart()",
        ),
    ),
    # ask: what it takes, and how it ends
    Wrong("takes_any_reply", "plain", retry.OWN, (MINE, "if True:  # it will be ours")),
    Wrong(
        "relaxed_alone_and_no_look_at_the_id",
        "relaxed_and_correlated",
        retry.OWN,
        ("server.setsockopt(zmq.REQ_CORRELATE, 1)", ""),
        ("if reply[0] == request_id:", "if reply:"),
    ),
    Wrong(
        "an_id_that_begins_like_its_own",
        "plain",
        retry.OWN,
        (MINE, "if got_id.startswith(request_id):"),
    ),
    Wrong("returns_the_id_too", "plain", retry.OWN, ("return reply", "return [got_id, *reply]")),
    Wrong(
        "returns_one_frame",
        "plain",
        retry.OWN,
        ("                    return reply", '                    return b"".join(reply)'),
    ),
    Wrong(
        "gives_up_at_a_reply_for_somebody_else",
        "plain",
        (retry.TRIES, retry.OWN, retry.LOST),
        (MINE, "if got_id != request_id:\n    break\nelse:"),
    ),
    Wrong("none_for_a_time_out", "plain", retry.GIVES_UP, (GIVE_UP, "return None")),
    Wrong(
        "an_error_without_the_number",
        "plain",
        retry.GIVES_UP,
        (GIVE_UP, 'raise TimeoutError("no reply")'),
    ),
    Wrong(
        "the_error_of_the_socket",
        "receives_with_a_limit",
        "ask runs without an error",
        (
            "for _ in range(tries):",
            "for number in range(1, tries + 1):",
        ),
        (
            """
            except zmq.Again:
                continue
            """,
            """
            except zmq.Again:
                if number == tries:
                    raise
                continue
            """,
        ),
    ),
    Wrong("leaves_a_lingering_socket", "plain", retry.STAYS, ("server.linger = 0", "")),
    Wrong(
        "leaves_its_sockets_open",
        "looks_at_the_clock",
        retry.STAYS,
        ("finally:\n        server.close()", "finally:\n    kept.append(server)"),
        ("class GaveUp", "kept = []\n\n\nclass GaveUp"),
    ),
    Wrong(
        "ends_the_context",
        "plain",
        retry.STAYS,
        (GIVE_UP, f"ctx.term()\n{GIVE_UP}"),
    ),
    # serve: once
    Wrong("does_it_again", "plain", retry.ONCE, (KNOWN, "if True:")),
    Wrong(
        "remembers_only_the_last_id",
        "plain",
        retry.ONCE,
        (NOTE, "replies = {request_id: do(request_id, body)}"),
    ),
    Wrong(
        "remembers_bodies_in_place_of_ids",
        "plain",
        retry.COPIES,
        (
            DO,
            """
            key = tuple(body)
            if key not in replies:
                try:
                    replies[key] = do(request_id, body)
                except Exception:
                    continue
            clients.send_multipart([*envelope, request_id, *replies[key]])
            """,
        ),
    ),
    Wrong(
        "remembers_per_client",
        "plain",
        retry.ONCE,
        (
            DO,
            """
            key = envelope[0], request_id
            if key not in replies:
                try:
                    replies[key] = do(request_id, body)
                except Exception:
                    continue
            clients.send_multipart([*envelope, request_id, *replies[key]])
            """,
        ),
    ),
    Wrong(
        "does_it_for_each_copy_that_comes_meanwhile",
        "dealer_and_pool",
        retry.ONCE,
        (WAITING, "waiting[request_id].append(envelope)\npool.submit(work, request_id, body)"),
        ("waiting.pop(request_id)", "waiting.pop(request_id, [])"),
    ),
    Wrong(
        "forgets_the_oldest",
        "plain",
        retry.LATER,
        (NOTE, f"{NOTE}\nif len(replies) > 200:\n    del replies[next(iter(replies))]"),
    ),
    Wrong(
        "forgets_after_a_while",
        "plain",
        retry.LATER,
        ("import zmq", "import time\n\nimport zmq"),
        ("replies = {}", "replies, since = {}, {}"),
        (KNOWN, "if time.monotonic() - since.get(request_id, 0) > 1:"),
        (NOTE, f"{NOTE}\nsince[request_id] = time.monotonic()"),
    ),
    Wrong(
        "an_id_in_small_letters",
        "plain",
        (retry.ANYTHING, retry.DONE),
        (
            "envelope, (request_id, *body) = frames[:place], frames[place:]",
            "envelope, (request_id, *body) = frames[:place], [frames[place].lower(), "
            "*frames[place + 1 :]]",
        ),
    ),
    # serve: the reply
    Wrong(
        "answers_copies_with_nothing",
        "plain",
        retry.COPIES,
        (KNOWN, "if request_id in replies:\n    continue\nelse:"),
    ),
    Wrong(
        "says_that_it_is_a_copy",
        "plain",
        retry.COPIES,
        (KNOWN, 'if request_id in replies:\n    replies[request_id] = [b"done already"]\nelse:'),
    ),
    Wrong(
        "answers_copies_to_the_first_asker",
        "plain",
        retry.COPIES,
        ("replies = {}", "replies, first = {}, {}"),
        (REPLY, "envelope = first.setdefault(request_id, envelope)\n" + REPLY),
    ),
    Wrong(
        "answers_copies_that_come_meanwhile_with_nothing",
        "dealer_and_pool",
        retry.MEANWHILE,
        (WAITING, "pass"),
    ),
    Wrong(
        "answers_all_copies_to_the_first_asker",
        "dealer_and_pool",
        retry.COPIES,
        (
            TO_ALL,
            """
            for _ in envelopes:
                clients.send_multipart([*envelopes[0], request_id, *reply])
            """,
        ),
    ),
    Wrong(
        "answers_the_last_asker_alone",
        "dealer_and_pool",
        retry.MEANWHILE,
        (WAITING, "waiting[request_id] = [envelope]"),
    ),
    Wrong(
        "keeps_replies_as_text",
        "plain",
        retry.ANYTHING,
        (NOTE, "replies[request_id] = [f.decode() for f in do(request_id, body)]"),
        (
            REPLY,
            "clients.send_multipart([*envelope, request_id, *map(str.encode, "
            "replies[request_id])])",
        ),
    ),
    Wrong(
        "keeps_ids_as_text",
        "plain",
        retry.ANYTHING,
        (KNOWN, "request_id.decode()\nif request_id not in replies:"),
    ),
    Wrong(
        "joins_the_reply",
        "plain",
        (retry.COPIES, retry.ANYTHING),
        (NOTE, 'replies[request_id] = [b"".join(do(request_id, body))]'),
    ),
    Wrong(
        "a_reply_without_the_id",
        "plain",
        retry.COPIES,
        (REPLY, "clients.send_multipart([*envelope, *replies[request_id]])"),
    ),
    Wrong("gives_do_the_frames_one_by_one", "plain", retry.DONE, (NOTE, "do(request_id, *body)")),
    Wrong(
        "an_empty_reply_is_none",
        "plain",
        retry.ANYTHING,
        (REPLY, f"if replies[request_id]:\n    {REPLY}"),
    ),
    Wrong(
        "drops_clients_that_correlate",
        "plain",
        retry.ENVELOPE,
        (
            SPLIT,
            'if len(frames) < 3 or frames[1] != b"":\n    continue\nplace = 2\n'
            "envelope, (request_id, *body) = frames[:place], frames[place:]",
        ),
    ),
    Wrong(
        "keeps_the_first_address_only",
        "plain",
        retry.ENVELOPE,
        (REPLY, 'clients.send_multipart([envelope[0], b"", request_id, *replies[request_id]])'),
    ),
    # serve: errors and nonsense
    Wrong(
        "notes_the_id_before_do",
        "plain",
        retry.RAISES,
        ("replies = {}", "replies, seen = {}, set()"),
        (
            DO,
            """
            if request_id not in seen:
                seen.add(request_id)
                try:
                    replies[request_id] = do(request_id, body)
                except Exception:
                    pass
            if request_id in replies:
                clients.send_multipart([*envelope, request_id, *replies[request_id]])
            """,
        ),
    ),
    Wrong(
        "answers_with_the_error",
        "plain",
        retry.RAISES,
        (
            "except Exception:\n                    continue",
            "except Exception as error:\n    replies[request_id] = [str(error).encode()]",
        ),
    ),
    Wrong(
        "dies_of_an_error_in_do",
        "plain",
        retry.RAISES,
        ("except Exception:", "except KeyError:"),
    ),
    Wrong(
        "dies_of_nonsense",
        "plain",
        (retry.NONSENSE, "serve runs without an error"),
        (
            SPLIT,
            'place = frames.index(b"") + 1\n'
            "envelope, (request_id, *body) = frames[:place], frames[place:]",
        ),
    ),
    Wrong(
        "goes_round_while_nobody_asks",
        "plain",
        retry.QUIET,
        (
            "frames = clients.recv_multipart()",
            "while not clients.poll(0):\n    pass\nframes = clients.recv_multipart()",
        ),
    ),
    Wrong(
        "ends_when_nobody_asks",
        "plain",
        "serve goes on until the context ends",
        (
            "frames = clients.recv_multipart()",
            "if not clients.poll(1000):\n    return\nframes = clients.recv_multipart()",
        ),
    ),
    Wrong(
        "compares_ids_without_their_blanks",
        "plain",
        retry.OWN,
        (MINE, "if got_id.strip() == request_id.strip():"),
    ),
    Wrong(
        "asks_early_after_somebody_elses_reply",
        "dealer_and_pool",
        retry.PATIENT,
        (OWN_CASE, f"{OWN_CASE}\ncase _:\n    break"),
    ),
    Wrong(
        "does_it_again_by_itself_after_an_error",
        "plain",
        retry.RAISES,
        (DO, AGAIN_BY_ITSELF),
    ),
    Wrong(
        "catches_only_the_errors_that_it_knows",
        "plain",
        retry.RAISES,
        ("except Exception:", "except (ValueError, RuntimeError):"),
    ),
]
