"""Lab 12: wrong programs, and the rule that must see each: the suite's, or one of the lab's own."""

from functools import partial

from labs import Wrong
from zmqlab.check import lab_12, majordomo

BROKER, WORKER, AT_WORK, UNANSWERED, CLIENT, TOGETHER = (
    scenario.title for scenario in lab_12.SCENARIOS
)
of_brokers = partial(Wrong, play=BROKER)
of_workers = partial(Wrong, play=WORKER)
at_work = partial(Wrong, play=AT_WORK)
of_clients = partial(Wrong, play=CLIENT)
in_vain = partial(Wrong, play=UNANSWERED)

# ------------------------------------------------------------------ the broker's places

BODY = 'send(peer, MDP.WORKER, MDP.REQUEST, client, b"", *body)'
SERVED = "served = any(worker.service == name for worker in workers.values())"
MMI = 'send(peer, MDP.CLIENT, b"mmi.service", b"200" if served else b"404")'
NO_SUCH = 'send(peer, MDP.CLIENT, service, b"501")'
RESERVED = 'case [b"", MDP.CLIENT, service, _, *_] if service.startswith(b"mmi."):'
ASKS = 'case [b"", MDP.CLIENT, service, *body] if body:'
WAITS = "waiting[service].append((peer, body))"
NEW = 'peer not in workers and not service.startswith(b"mmi.")'
ALIVE = 'case [b"", MDP.WORKER, MDP.HEARTBEAT] if peer in workers:'
HEARD = "workers[peer].heard = now"
REPLIES = 'case [b"", MDP.WORKER, MDP.REPLY, client, b"", *reply] if reply and holds(peer, client):'
ANSWER = "send(client, MDP.CLIENT, service, *reply)"
LAST = "workers[peer] = Worker(service, now)  # now it stands last"
WAITING = "waiting = defaultdict(deque)  # requests, by service"
BYE_TO = 'case [b"", MDP.WORKER, MDP.DISCONNECT]:'
BYE = """
case [b"", MDP.WORKER, MDP.DISCONNECT]:
    leave(peer)
"""
OTHER = 'case [b"", MDP.WORKER, *_]:  # whoever says what it may not is told to go'
AWAY = "leave(peer)\n                send(peer, MDP.WORKER, MDP.DISCONNECT)"
HOLDS = "return peer in workers and workers[peer].held and workers[peer].held[0] == client"
BACK = "waiting[worker.service].appendleft(worker.held)"
SEND = 'router.send_multipart([peer, b"", *frames])'
CAME = "peer, *frames = router.recv_multipart()"
JUDGES = "if now - worker.heard > interval * liveness:"
SILENT = """
for peer, worker in list(workers.items()):
    if now - worker.heard > interval * liveness:
        leave(peer)
"""
POLL = "router.poll(max(0, 1000 * (beat_at - time.monotonic())))"
BEAT = "send(peer, MDP.WORKER, MDP.HEARTBEAT)"
UNKNOWN = 'case [b"", MDP.WORKER, kind, *_] if peer not in workers and kind == MDP.'
FORWARD = 'case [b"", MDP.WORKER, MDP.REPLY, client, b"", *reply] if peer '
WITH = "with ctx.socket(zmq.ROUTER) as router:\n        router.linger = 0"

OF_BROKERS = [
    of_brokers("not_written", "plain", "broker is written", (POLL, "raise NotImplementedError")),
    of_brokers("binds_nothing", "plain", lab_12.BINDS, ("router.bind(endpoint)", "router.poll()")),
    of_brokers(
        "returns_at_once", "plain", "7.B01", (POLL, f"{POLL}\nreturn"), says=("returned None",)
    ),
    of_brokers(
        "joins_the_frames", "plain", "7.B01", (BODY, BODY.replace("*body", 'b"".join(body)'))
    ),
    of_brokers(
        "no_delimiter_to_workers", "plain", "7.B01", (BODY, BODY.replace('b"", *body', "*body"))
    ),
    of_brokers("decodes_addresses", "plain", "7.B0", (CAME, f"{CAME}\npeer.decode()")),
    of_brokers("decodes_bodies", "plain", "7.B0", (CAME, f"{CAME}\nframes[-1].decode()")),
    of_brokers(
        "no_service_in_the_reply", "plain", "7.B02", (ANSWER, ANSWER.replace("service, ", ""))
    ),
    of_brokers(
        "answers_the_last_asker",
        "plain",
        "7.B03",
        (WAITS, f"{WAITS}\nlast[:] = [peer]"),
        (ANSWER, ANSWER.replace("client,", "last[0],", 1)),
        (WAITING, f"{WAITING}\nlast = []"),
    ),
    of_brokers(
        "knows_short_ids_alone",
        "plain",
        ("7.B01", "7.B04"),
        (CAME, f"{CAME}\nif len(peer) > 100:\n    continue"),
    ),
    of_brokers(
        "answers_ready",
        "plain",
        ("7.B01", "7.B05"),
        (NEW, f"{NEW} and not send(peer, MDP.WORKER, MDP.READY)"),
    ),
    of_brokers(
        "names_in_lower_case",
        "plain",
        "7.B06",
        (
            WAITS,
            "service = next((s for s in list(waiting) if s.lower() == service.lower()), service)\n"
            + WAITS,
        ),
    ),
    of_brokers(
        "drops_what_nobody_serves",
        "plain",
        "7.B07",
        (WAITS, f"if any(w.service == service for w in workers.values()):\n    {WAITS}"),
    ),
    of_brokers(
        "newest_request_first",
        "plain",
        "7.B09",
        ("waiting[worker.service].popleft()", "waiting[worker.service].pop()"),
    ),
    of_brokers(
        "a_heartbeat_is_ready",
        "one_loop",
        ("7.B10", "7.B11"),
        (
            "elif command == HEARTBEAT and not rest and worker:\n            pass",
            "elif command == HEARTBEAT and worker:\n"
            "    worker.service.idle.append(worker)\n    self.dispatch(worker.service)",
        ),
    ),
    of_brokers(
        "one_worker_a_service",
        "plain",
        "7.B11",
        (NEW, f"{NEW} and service not in [w.service for w in workers.values()]"),
    ),
    of_brokers(
        "second_ready_ignored",
        "plain",
        "7.B12",
        (OTHER, f'case [b"", MDP.WORKER, MDP.READY, _] if peer in workers:\n    pass\n{OTHER}'),
    ),
    of_brokers("second_ready_taken", "plain", "7.B12", (NEW, 'not service.startswith(b"mmi.")')),
    of_brokers(
        "second_ready_told_and_kept",  # and heartbeats go on
        "plain",
        "7.B12",
        (
            OTHER,
            'case [b"", MDP.WORKER, MDP.READY, _] if peer in workers:\n'
            f"    send(peer, MDP.WORKER, MDP.DISCONNECT)\n{OTHER}",
        ),
    ),
    of_brokers(
        "strangers_heartbeat_ignored",
        "plain",
        "7.B13",
        (OTHER, f"{UNKNOWN}HEARTBEAT:\n    pass\n{OTHER}"),
    ),
    of_brokers(
        "strangers_reply_forwarded",
        "plain",
        "7.B14",
        (OTHER, f'{FORWARD}not in workers:\n    send(client, MDP.CLIENT, b"?", *reply)\n{OTHER}'),
    ),
    of_brokers(
        "second_reply_forwarded",
        "plain",
        "7.B15",
        (
            OTHER,
            f"{FORWARD}in workers and reply:\n"
            f"    send(client, MDP.CLIENT, workers[peer].service, *reply)\n{OTHER}",
        ),
    ),
    of_brokers(
        "second_reply_dropped",
        "plain",
        "7.B15",
        (OTHER, f"{FORWARD}in workers and reply:\n    pass\n{OTHER}"),
    ),
    of_brokers(
        "goodbye_ignored",
        "plain",
        "7.B1",
        (BYE, f"{BYE_TO}\n    pass"),
    ),
    of_brokers(
        "goodbye_of_the_busy_ignored",
        "plain",
        "7.B17",
        (
            BYE,
            f"{BYE_TO}\n    if peer in workers and not workers[peer].held:\n        leave(peer)",
        ),
    ),
    of_brokers(
        "goodbye_echoed",
        "plain",
        "7.B18",
        (BYE, f"{BYE.rstrip()}\n    send(peer, MDP.WORKER, MDP.DISCONNECT)"),
    ),
    of_brokers(
        "goodbye_kills_it_later",  # as a published broker does
        "plain",
        ("7.B16", "7.B17"),
        (BYE, f"{BYE_TO}\n    if peer in workers:\n        gone[peer] = now\n    leave(peer)"),
        (SILENT, f"for since in gone.values():\n    assert now - since < 1\n{SILENT}"),
        (WAITING, f"{WAITING}\ngone = {{}}"),
    ),
    of_brokers("asserts_on_frames", "plain", "7.B19", (CAME, f"{CAME}\nassert len(frames) >= 3")),
    of_brokers(
        "asserts_on_bodies",
        "plain",
        "7.B19",
        (ASKS, f"{ASKS.replace(' if body', '')}\n    assert body"),
    ),
    of_brokers(
        "says_what_is_wrong",
        "plain",
        "7.B20",
        (OTHER, f'case [b"", _]:\n    send(peer, b"what?")\n{OTHER}'),
    ),
    of_brokers(
        "mandatory_towards_clients",
        "plain",
        "7.B23",
        (SEND, f"router.router_mandatory = frames[0] == MDP.CLIENT\n{SEND}"),
    ),
    of_brokers(
        "heartbeats_of_four_frames",
        "plain",
        "7.B24",
        (BEAT, BEAT.replace("EAT)", 'EAT, b"alive")')),
    ),
    of_brokers("no_heartbeats", "plain", "7.B24", (BEAT, "pass")),
    of_brokers("never_evicts", "plain", "7.B26", (JUDGES, "if False:")),
    of_brokers(
        "looks_no_further",
        "plain",
        "7.B26",
        (JUDGES, "if now - worker.heard <= interval * liveness:\n    break\nelse:"),
    ),
    of_brokers(
        "busy_evicted",
        "plain",
        "7.B27",
        (JUDGES, JUDGES.replace(":", " or (worker.held and now - worker.since > interval * 5):")),
        (
            "held: tuple | None = None",
            "since: float = 0.0\nheld: tuple | None = None",
        ),
        (
            "worker.held = client, body = waiting",
            "worker.since = time.monotonic()\nworker.held = client, body = waiting",
        ),
    ),
    of_brokers(
        "heartbeats_alone_count",
        "plain",
        "7.B28",
        (LAST, "workers[peer] = Worker(service, heard)"),
        (
            "service = workers.pop(peer).service",
            "heard = workers[peer].heard\nservice = workers.pop(peer).service",
        ),
    ),
    of_brokers(
        "evicted_heartbeat_registers",
        "plain",
        "7.B13",
        (OTHER, f"{UNKNOWN}HEARTBEAT:\n    workers[peer] = Worker(b'', now)\n{OTHER}"),
    ),
    of_brokers(
        "busy_never_evicted",
        "plain",
        "7.B30",
        (JUDGES, JUDGES.replace(":", " and not worker.held:")),
    ),
    of_brokers(
        "heartbeats_to_the_idle",
        "plain",
        "7.B25",
        (
            "for peer in workers:\n                    send",
            "for peer in [p for p, w in workers.items() if not w.held]:\n                    send",
        ),
    ),
    of_brokers("loses_the_request_of_the_dead", "plain", "7.B31", (BACK, "pass")),
    of_brokers(
        "newest_worker_first",
        "plain",
        "7.B32",
        ("in workers.items():", "in reversed(workers.items()):"),
    ),
    of_brokers(
        "order_of_registration",
        "plain",
        "7.B32",
        (LAST, "workers[peer].held, workers[peer].heard = None, now"),
        ("service = workers.pop(peer).service", "service = workers[peer].service"),
    ),
    of_brokers(
        "a_heartbeat_moves_to_the_back",
        "plain",
        "7.B32",
        (HEARD, f"{HEARD}\nworkers[peer] = workers.pop(peer)"),
    ),
    of_brokers("no_mmi", "plain", "8.B01", (MMI, "pass")),
    of_brokers("two_codes", "plain", "8.B01", (MMI, MMI.replace('b"404")', 'b"404", b"")'))),
    of_brokers("mmi_may_register", "plain", "8.B02", (NEW, "peer not in workers")),
    of_brokers(
        "idle_alone_counts",
        "plain",
        "8.B03",
        (SERVED, SERVED.replace("in workers.values()", "in workers.values() if not worker.held")),
    ),
    of_brokers("all_are_served", "plain", "8.B04", (SERVED, "served = True")),
    of_brokers(
        "waiting_is_served", "plain", "8.B05", (SERVED, f"{SERVED} or bool(waiting.get(name))")
    ),
    of_brokers(
        "known_is_served",
        "plain",
        "8.B07",
        (SERVED, "served = name in known"),
        (NEW, f"({NEW}) and [known.add(service)]"),
        (WAITING, f"{WAITING}\nknown = set()"),
    ),
    of_brokers(
        "served_after_goodbye",
        "plain",
        "8.B06",
        (SERVED, f"{SERVED} or name in left"),
        (
            BYE,
            f"{BYE_TO}\n    if peer in workers:\n        left.add(workers[peer].service)\n"
            "    leave(peer)",
        ),
        (WAITING, f"{WAITING}\nleft = set()"),
    ),
    of_brokers("no_such_is_404", "plain", "8.B08", (NO_SUCH, NO_SUCH.replace("501", "404"))),
    of_brokers(
        "mmix_is_reserved", "plain", "8.B09", (RESERVED, RESERVED.replace('b"mmi."', 'b"mmi"'))
    ),
    of_brokers("spins", "plain", "broker waits", (POLL, "pass")),
    of_brokers(
        "leaves_its_socket_open",
        "plain",
        "broker closes its sockets",
        (WITH, "router = ctx.socket(zmq.ROUTER)\nif router:\n    router.linger = 0"),
    ),
    of_brokers(
        "goes_on_when_its_context_ends",
        "plain",
        "broker ends with the context",
        (
            POLL,
            f"try:\n    {POLL}\nexcept zmq.ContextTerminated:\n    time.sleep(0.01)\n    continue",
        ),
    ),
]

# ------------------------------------------------------------------ the worker's

HELLO = "send(MDP.READY, service)"
W_BEAT = """
        if time.monotonic() >= beat_at:
            send(MDP.HEARTBEAT)
"""
W_REPLY = 'send(MDP.REPLY, client, b"", *work(body, beat))'
W_BYE = """
case [b"", MDP.WORKER, MDP.DISCONNECT]:
    break
"""
W_READ = """
frames = broker.recv_multipart()
heard = time.monotonic()
"""
W_SILENT = "elif time.monotonic() - heard > interval * liveness:"
W_LOOP = """
while True:
    beat()
"""
W_BEGINS = """
with ctx.socket(zmq.DEALER) as broker:
    broker.linger = 0
    broker.connect(endpoint)
    send
"""
W_POLL = """
if broker.poll(max(0, 1000 * (beat_at - time.monotonic()))):
    frames
"""

OF_WORKERS = [
    of_workers("w_not_written", "plain", "worker is written", (HELLO, "raise NotImplementedError")),
    of_workers("w_says_nothing", "plain", "7.W01", (HELLO, "pass")),
    of_workers(
        "w_fifth_frame", "plain", "7.W01", (HELLO, HELLO.replace("service)", 'service, b"")'))
    ),
    of_workers("w_on_a_req", "plain", "7.W01", (W_BEGINS, W_BEGINS.replace("DEALER", "REQ"))),
    of_workers(
        "w_ready_again_and_again",
        "plain",
        ("7.W02", "7.W09"),
        (W_BEAT, f"{W_BEAT.rstrip()}\n            send(MDP.READY, service)"),
    ),
    of_workers(
        "w_two_replies",
        "plain",
        "7.W03",
        (W_REPLY, f'{W_REPLY}\nsend(MDP.REPLY, client, b"", *body)'),
    ),
    of_workers("w_no_delimiter", "plain", "7.W03", (W_REPLY, W_REPLY.replace('b"", ', ""))),
    of_workers(
        "w_decodes_the_address",
        "plain",
        "7.W04",
        (W_REPLY, W_REPLY.replace("client", "client.decode().encode()")),
    ),
    of_workers("w_no_heartbeat", "plain", "7.W05", (W_BEAT, "if False:\n    pass\nif True:")),
    of_workers(
        "w_long_heartbeats", "plain", "7.W05", (W_BEAT, W_BEAT.replace("BEAT)", 'BEAT, b"")'))
    ),
    of_workers(
        "w_beats_when_it_hears",
        "plain",
        "7.W05",
        (W_READ, W_READ.strip() + "\nsend(MDP.HEARTBEAT)"),
        (W_LOOP, "while True:\n    beat_at = time.monotonic() + interval"),
    ),
    of_workers(
        "w_answers_goodbye",
        "plain",
        "7.W06",
        (
            W_BYE,
            W_BYE.replace("break", "broker.linger = 1000\n    send(MDP.DISCONNECT)\n    break"),
        ),
    ),
    of_workers("w_goodbye_is_nothing", "plain", "7.W06", (W_BYE, W_BYE.replace("break", "pass"))),
    of_workers(
        "w_ready_on_the_old_socket", "plain", "7.W06", (W_BYE, W_BYE.replace("break", HELLO))
    ),
    of_workers("w_goodbye_ends_it", "plain", "7.W06", (W_BYE, W_BYE.replace("break", "return"))),
    of_workers(
        "w_dies_of_nonsense",
        "plain",
        "7.W08",
        (W_READ, W_READ.strip() + "\nassert frames[1] == MDP.WORKER"),
    ),
    of_workers(
        "w_heartbeats_alone_count",
        "plain",
        "7.W09",
        (
            W_READ,
            "frames = broker.recv_multipart()\n"
            "if frames[-1] == MDP.HEARTBEAT:\n    heard = time.monotonic()",
        ),
        (W_SILENT, "if time.monotonic() - heard > interval * liveness:"),
    ),
    of_workers("w_never_anew", "plain", "7.W10", (W_SILENT, "elif False:")),
    of_workers(
        "w_dies_with_the_broker", "plain", "7.W07", ("break  # and nothing is unread", "return")
    ),
    of_workers(
        "w_much_patience",
        "plain",
        "7.W07",
        (W_SILENT, W_SILENT.replace("liveness", "liveness * 6")),
    ),
    of_workers("w_spins", "plain", "worker waits", (W_POLL, "if broker.poll(0):\n    frames")),
    at_work(
        "w_no_beat", "plain", majordomo.BEATS, (W_REPLY, W_REPLY.replace("beat)", "lambda: None)"))
    ),
    at_work(
        "w_beat_floods",
        "plain",
        majordomo.BEATS,
        (W_REPLY, W_REPLY.replace("beat)", "lambda: send(MDP.HEARTBEAT))")),
    ),
    at_work(
        "w_judges_before_it_reads",
        "plain",
        majordomo.OVERSLEPT,
        (W_LOOP, "while time.monotonic() - heard < interval * liveness:\n    beat()"),
    ),
    at_work(
        "w_work_gets_the_envelope",
        "plain",
        majordomo.WORKS,
        (W_REPLY, W_REPLY.replace("work(body", 'work([client, b"", *body]')),
    ),
    at_work("w_works_twice", "plain", majordomo.WORKS, (W_REPLY, f"work(body, beat)\n{W_REPLY}")),
    at_work(
        "w_joins_the_frames",
        "plain",
        majordomo.WORKS,
        (W_REPLY, W_REPLY.replace("*work(body, beat)", 'b"".join(work(body, beat))')),
    ),
    Wrong(
        "w_helper_thread_beats",
        "work_in_a_thread",
        majordomo.SILENT,
        ("signs = 0 if busy[0] else 1", "signs = 1"),
        play=AT_WORK,
    ),
]

# ------------------------------------------------------------------ the client's

ASK = 'broker.send_multipart([b"", MDP.CLIENT, service, *body])'
TRIES = "for _ in range(tries):"
TAKES = 'case [b"", MDP.CLIENT, name, *reply] if name == service and reply:'
RETURNS = "return reply"
RAISES = 'raise TimeoutError(f"{service!r} was asked {tries} times, and nobody answered")'
TRY = """
    for _ in range(tries):
        with ctx.socket(zmq.DEALER) as broker:
            broker.linger = 0
            broker.connect(endpoint)
            broker.send_multipart
"""
C_BEGINS = """
with ctx.socket(zmq.DEALER) as broker:
    broker.linger = 0
    broker.connect(endpoint)
    broker.send_multipart
"""
ONE_SOCKET = """
with ctx.socket(zmq.DEALER) as broker:
    broker.linger = 0
    broker.connect(endpoint)
    for _ in range(tries):
        broker.send_multipart
"""
END = "while broker.poll(max(0, 1000 * (end - time.monotonic()))):"

OF_CLIENTS = [
    in_vain(
        "c_not_written",
        "plain",
        "client is written",
        (TRIES, f"raise NotImplementedError\n{TRIES}"),
    ),
    in_vain("c_none_for_a_time_out", "plain", majordomo.GIVES_UP, (RAISES, "return None")),
    in_vain(
        "c_another_error",
        "plain",
        ("client runs without", majordomo.GIVES_UP),
        (RAISES, RAISES.replace("TimeoutError", "RuntimeError")),
    ),
    in_vain("c_never_gives_up", "plain", majordomo.GIVES_UP, (TRIES, "while True:")),
    in_vain(
        "c_one_try_too_many", "plain", majordomo.SO_OFTEN, (TRIES, "for _ in range(tries + 1):")
    ),
    in_vain("c_tries_once", "plain", majordomo.SO_OFTEN, (TRIES, "for _ in range(1):")),
    in_vain("c_same_socket_again", "plain", majordomo.SO_OFTEN, (TRY, ONE_SOCKET)),
    in_vain(
        "c_numbers_its_tries",
        "plain",
        majordomo.SO_OFTEN,
        (TRIES, "for n in range(tries):"),
        (ASK, ASK.replace("*body]", '*body, b"%d" % n]')),
    ),
    in_vain(
        "c_strays_prolong_it",
        "plain",
        majordomo.GIVES_UP,
        (END, "while broker.poll(1000 * patience):"),
    ),
    in_vain("c_joins_the_frames", "plain", majordomo.FRAMES, (RETURNS, 'return [b"".join(reply)]')),
    in_vain(
        "c_drops_empty_frames",
        "plain",
        majordomo.FRAMES,
        (RETURNS, "return [frame for frame in reply if frame]"),
    ),
    in_vain("c_returns_the_service", "plain", majordomo.FRAMES, (RETURNS, "return [name, *reply]")),
    in_vain("c_returns_one_frame", "plain", majordomo.FRAMES, (RETURNS, "return reply[0]")),
    of_clients("c_no_empty_frame", "plain", ("7.C01", "7.C08"), (ASK, ASK.replace('b"", ', ""))),
    of_clients("c_no_service", "plain", "7.C01", (ASK, ASK.replace("service, ", ""))),
    of_clients(
        "c_takes_another_service",
        "plain",
        "7.C06",
        (TAKES, TAKES.replace("name == service and ", "")),
    ),
    of_clients(
        "c_asserts_on_the_header",
        "plain",
        "7.C07",
        (
            "match broker.recv_multipart():",
            "reply = broker.recv_multipart()\n"
            "assert reply[1] == MDP.CLIENT and len(reply) > 3\nmatch reply:",
        ),
    ),
    of_clients(
        "c_takes_any_header",
        "plain",
        "7.C07",
        (TAKES, 'case [b"", _, name, *reply] if name == service and reply:'),
    ),
    in_vain(
        "c_leaves_its_sockets_open",
        "plain",
        "client closes its sockets",
        (
            C_BEGINS,
            C_BEGINS.replace(
                "with ctx.socket(zmq.DEALER) as broker:",
                "broker = ctx.socket(zmq.DEALER)\nif True:",
            ),
        ),
    ),
    in_vain(
        "c_spins",
        "plain",
        "client waits",
        (END, "while time.monotonic() < end:\n    if not broker.poll(0):\n        continue"),
    ),
]

OF_ALL = [  # each by itself is right
    Wrong(
        "c_all_have_one_name",
        "plain",
        majordomo.TOGETHER,
        (
            C_BEGINS,
            C_BEGINS.replace("broker.connect", 'broker.routing_id = b"me"\n    broker.connect'),
        ),
        play=TOGETHER,
    ),
    Wrong(
        "w_all_have_one_name",
        "plain",
        majordomo.RESCUED,
        (
            W_BEGINS,
            W_BEGINS.replace("broker.connect", "broker.routing_id = service\n    broker.connect"),
        ),
        play=TOGETHER,
    ),
]

WRONG = [*OF_BROKERS, *OF_WORKERS, *OF_CLIENTS, *OF_ALL]
