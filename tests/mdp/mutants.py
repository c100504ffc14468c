"""Programs that break one rule each: made of the right ones by changing a place or two.

A row is (name, the rule that must see it, changes), or of a choice that the RFC leaves open:
(name, the rule that says it, changes). `python tests/mdp/matrix.py` runs all of them in full.
"""

from __future__ import annotations

from typing import NamedTuple

Changes = tuple[tuple[str, str], ...]


class Mutant(NamedTuple):
    """One change of a right program; `also`: rules that cannot but be broken with it.

    A broker of 0.1 is the course's, changed; where it is not `plain`, `broker.py` beside this file.
    """

    name: str
    rule: str
    changes: Changes
    also: tuple[str, ...] = ()
    dialect: str = "0.1"
    plain: bool = True


def of_01(name: str, rule: str, *changes: tuple[str, str], also: str = "") -> Mutant:
    return Mutant(name, rule, changes, tuple(also.split()))


def in_parts(name: str, rule: str, *changes: tuple[str, str], also: str = "") -> Mutant:
    return Mutant(name, rule, changes, tuple(also.split()), "0.2", plain=False)


def expiring(name: str, rule: str, *changes: tuple[str, str]) -> Mutant:
    return Mutant(name, rule, changes, plain=False)


GIVE = 'self.tell(peer, MDP.REQUEST, request.client, b"", *request.body)'
ANSWER = 'self.out.append([request.client, b"", MDP.CLIENT, request.service, *body])'
CAME = '"""Take in a message, with its sender\'s address first."""'
ASKED = '"""Take in a client\'s request: for the broker itself, or for the workers of a service."""'
BOTH = '"""Give requests to idle workers as long as there are both."""'
TAKEN = "self.workers[peer] = Worker(service, heard=now)"
SILENT = "silent = [peer for peer, w in self.workers.items() if now - w.heard > self.patience]"
REGISTERED = "served = any(worker.service == request.body[0] for worker in self.workers.values())"
ASKING = 'case [client, b"", MDP.CLIENT, service, *body] if body:'
COMMAND = 'case [peer, b"", MDP.WORKER, octet, *rest]:'
NEW = 'case MDP.READY, [service] if not worker and not service.startswith(b"mmi."):'
REPLIED = 'case MDP.REPLY, [client, b"", *body] if worker and held and held.client == client:'
UNEXPECTED = "case (MDP.READY, [_]) | (MDP.HEARTBEAT, []):"
BEAT = """
case MDP.HEARTBEAT, [] if worker:
    worker.heard = now
"""
GOODBYE = """
case MDP.DISCONNECT, []:
    self.forget(peer)
"""
SEND = """
for frames in core.message(router.recv_multipart(), time.monotonic()):
    router.send_multipart(frames)
"""
HELD = """
if worker.request:
    self.waiting[worker.service].appendleft(worker.request)
"""
BEATS = """
for peer in self.workers:
    self.tell(peer, MDP.HEARTBEAT)
"""
ANYBODY = 'case MDP.REPLY, [client, b"", *body] if'
AWAY = "self.send_away(peer)"
FORWARD = 'self.answer(Request(client, b"forwarded", []), body)'
SERVES = "w.service == service for w in self.workers.values()"
LOWER = "[s for s in self.idle if s.lower() == request.service.lower()]"
IS_READY = """
case MDP.HEARTBEAT, [] if worker:
    worker.heard = now
    self.idle[worker.service].append(peer)
    self.give(worker.service)
"""
UP_TO_THE_LIVE = """
silent = []
for peer, w in self.workers.items():
    if now - w.heard <= self.patience:
        break
    silent.append(peer)
"""
MANDATORY = """
for frames in core.message(router.recv_multipart(), time.monotonic()):
    router.router_mandatory = MDP.CLIENT in frames
    router.send_multipart(frames)
    router.router_mandatory = False
"""
TO_THE_IDLE = """
for peer in self.workers:
    if self.workers[peer].request is None:
        self.tell(peer, MDP.HEARTBEAT)
"""

# of 18/MDP
PART = 'self.out.append([client, b"MDPC02", PARTIAL, worker.request.service, *body])'
END = 'self.out.append([request.client, b"MDPC02", FINAL, request.service, *body])'
HOLDS = "if worker is None or worker.request is None or worker.request.client != client:"
LATE = 'self.out.append([client, b"MDPC02", PARTIAL, b"forwarded", *body])'
FREES = "worker.request = None\nself.give(worker.service)"

BROKERS = [
    of_01(
        "joins_the_frames", "7.B01", (GIVE, GIVE.replace("*request.body", 'b"".join(request.body)'))
    ),
    of_01("no_delimiter_to_workers", "7.B01", (GIVE, GIVE.replace('b"", ', ""))),
    of_01(
        "no_service_in_the_reply",
        "7.B02",
        (ANSWER, ANSWER.replace("request.service, ", "")),
        also="7.B03 8.B01 8.B03 8.B04 8.B05 8.B06 8.B07 8.B08",
    ),
    of_01(
        "answers_the_last_asker",
        "7.B03",
        (ANSWER, ANSWER.replace("request.client", "self.last")),
        (ASKED, f"{ASKED}\nself.last = request.client"),
        also="7.B09 7.B14 7.B15 7.B19 7.B20 7.B27",
    ),
    of_01(
        "knows_short_ids_alone",
        "7.B04",
        (CAME, f"{CAME}\nif len(frames[0]) > 100:\n    return []"),
        also="7.B01",
    ),
    of_01(
        "answers_ready",
        "7.B05",
        (TAKEN, f"{TAKEN}\nself.tell(peer, MDP.READY, service)"),
        also="7.B01",
    ),
    of_01(
        "names_in_lower_case",
        "7.B06",
        (ASKED, f"{ASKED}\nrequest.service = ({LOWER} or [request.service])[0]"),
    ),
    of_01(
        "drops_what_nobody_serves",
        "7.B07",
        (BOTH, f"{BOTH}\nif not any({SERVES}):\n    self.waiting.pop(service, None)"),
        also="7.B06",
    ),
    expiring("never_expires", "7.B08", ("now - requests[0].since > self.expiry", "False")),
    of_01(
        "newest_request_first",
        "7.B09",
        ("idle.popleft(), requests.popleft()", "idle.popleft(), requests.pop()"),
    ),
    of_01(
        "a_heartbeat_is_ready",
        "7.B10",
        (BEAT, IS_READY),
        also="7.B12 7.B16 7.B17 7.B26 7.B27 7.B30",
    ),
    of_01(
        "one_worker_a_service",
        "7.B11",
        (NEW, NEW.replace("not worker", f"not worker and not any({SERVES})")),
        also="7.B27",
    ),
    of_01("second_ready_ignored", "7.B12", (UNEXPECTED, "case MDP.HEARTBEAT, []:"), also="8.B02"),
    of_01("second_ready_queued", "7.B12", (NEW, NEW.replace("not worker and ", "")), also="7.B16"),
    of_01(
        "strangers_heartbeat_ignored",
        "7.B13",
        (UNEXPECTED, "case MDP.READY, [_]:"),
        also="7.B29",
    ),
    of_01(
        "strangers_reply_forwarded",
        "7.B14",
        (REPLIED, f"{ANYBODY} not worker:\n    {FORWARD}\n    {AWAY}\n{REPLIED}"),
    ),
    of_01(
        "second_reply_forwarded",
        "7.B15",
        (REPLIED, f"{ANYBODY} worker and not held:\n    {FORWARD}\n{REPLIED}"),
    ),
    of_01(
        "goodbye_ignored",
        "7.B16",
        (GOODBYE, GOODBYE.replace("self.forget(peer)", "pass")),
        also="7.B17 8.B06",
    ),
    of_01(
        "goodbye_of_the_busy_ignored",
        "7.B17",
        (GOODBYE, GOODBYE.replace("[]:", "[] if not held:")),
    ),
    of_01("goodbye_echoed", "7.B18", (GOODBYE, GOODBYE.replace("forget", "send_away"))),
    of_01("asserts_on_frames", "7.B19", (CAME, f"{CAME}\nassert len(frames) >= 3")),
    of_01(
        "asserts_on_bodies", "7.B19", (ASKING, ASKING.replace(" if body", "") + "\n    assert body")
    ),
    of_01(
        "says_what_is_wrong",
        "7.B20",
        (COMMAND, f'case [peer, b"", _]:\n    self.out.append([peer, b"", b"what?"])\n{COMMAND}'),
    ),
    of_01("mandatory_towards_clients", "7.B23", (SEND, MANDATORY)),
    of_01(
        "heartbeats_of_four_frames",
        "7.B24",
        ("self.tell(peer, MDP.HEARTBEAT)", 'self.tell(peer, MDP.HEARTBEAT, b"alive")'),
    ),
    of_01("never_evicts", "7.B26", (SILENT, "silent: Frames = []"), also="8.B07 7.B30"),
    of_01("looks_no_further", "7.B26", (SILENT, UP_TO_THE_LIVE), also="8.B07 7.B30"),
    of_01("busy_evicted", "7.B27", (BEAT, BEAT.replace("now", "worker.heard if held else now"))),
    of_01(
        "heartbeats_alone_count",
        "7.B28",
        ("worker.heard, worker.request = now, None", "worker.request = None"),
    ),
    of_01(
        "evicted_heartbeat_ignored",
        "7.B29",
        (UNEXPECTED, "case MDP.READY, [_]:"),
        also="7.B13",
    ),
    of_01("busy_never_evicted", "7.B30", (SILENT, SILENT.replace("]", " and not w.request]"))),
    of_01(
        "two_codes",
        "8.B01",
        ("[self.code(request)]", '[self.code(request), b""]'),
        also="8.B03 8.B04 8.B05 8.B06 8.B07 8.B08",
    ),
    of_01("mmi_may_register", "8.B02", (' and not service.startswith(b"mmi."):', ":")),
    of_01(
        "idle_alone_counts", "8.B03", (REGISTERED, "served = bool(self.idle.get(request.body[0]))")
    ),
    of_01(
        "all_are_served",
        "8.B04",
        ('b"200" if served else b"404"', 'b"200"'),
        also="8.B05 8.B06 8.B07",
    ),
    of_01(
        "waiting_is_served",
        "8.B05",
        (REGISTERED, f"{REGISTERED} or bool(self.waiting.get(request.body[0]))"),
    ),
    of_01(
        "known_is_served",
        "8.B06",
        (REGISTERED, 'served = request.body[0] in getattr(self, "known", [])'),
        (TAKEN, f'{TAKEN}\nself.known = [*getattr(self, "known", []), service]'),
        also="8.B07",
    ),
    of_01("no_such_is_404", "8.B08", ('return b"501"', 'return b"404"')),
    of_01(
        "mmix_is_reserved",
        "8.B09",
        ('if request.service.startswith(b"mmi.")', 'if request.service.startswith(b"mmi")'),
    ),
    in_parts(
        "empty_frame_in_02",
        "18.B01",
        (PART, PART.replace("[client, ", '[client, b"", ')),
        (END, END.replace("[request.client, ", '[request.client, b"", ')),
        also="7.B02 7.B03 18.B02 18.B03",
    ),
    in_parts("parts_are_ends", "18.B02", (PART, PART.replace("PARTIAL", "FINAL"))),
    in_parts(
        "ends_are_parts",
        "18.B03",
        (END, END.replace("FINAL", "PARTIAL")),
        also="7.B02 7.B03 18.B02",
    ),
    in_parts(
        "a_part_frees",
        "18.B04",
        (PART, f"{PART}\nself.idle[worker.service].append(peer)\n{FREES}"),
        also="18.B02 18.B03 18.B07",
    ),
    in_parts(
        "late_part_forwarded",
        "18.B05",
        (HOLDS, f"if worker and not worker.request:\n    {LATE}\n    return\n{HOLDS}"),
    ),
    in_parts(
        "strangers_part_ignored", "18.B06", (HOLDS, f"if worker is None:\n    return\n{HOLDS}")
    ),
    in_parts("parts_do_not_count", "18.B07", ("worker.heard = now", "pass")),
]
CHOICES = [
    of_01("held_is_lost", "7.B31", (HELD, "if worker.request:\n    pass")),
    of_01("newest_worker_first", "7.B32", ("idle.popleft(), requests.", "idle.pop(), requests.")),
    of_01("heartbeats_to_the_idle", "7.B25", (BEATS, TO_THE_IDLE)),
]

# ------------------------------------------------------------------ workers

FIRST = r'broker.send_multipart([*start, header, b"\1", service])'
BEAT = """
broker.send_multipart([*start, header, heartbeat])
                beat_at
"""
ECHO = 'broker.send_multipart([*start, header, final, client, b"", *body])'
PART = r'broker.send_multipart([header, b"\3", client, b"", b"more"])'
LEAVE = """
                case [code, what] if (code, what) == (header, goodbye):
                    return
"""
SILENT = "if time.monotonic() - heard > chosen.interval * chosen.liveness:"
READ = """
            frames = broker.recv_multipart()
            heard = time.monotonic()
"""
SAYS_IT_TOO = """
case [code, what] if (code, what) == (header, goodbye):
    broker.send_multipart([*start, header, goodbye])
    broker.close(1000)
    return
"""
READ_ALL = """
frames = broker.recv_multipart()
heard = time.monotonic()
"""
ALONE = """
frames = broker.recv_multipart()
if frames[-1] == heartbeat:
    heard = time.monotonic()
"""

WORKERS = [
    of_01("fifth_frame", "7.W01", (FIRST, FIRST.replace("service]", 'service, b""]'))),
    of_01("ready_again_and_again", "7.W02", (BEAT, f"{FIRST}\nbeat_at"), also="7.W09"),
    of_01("two_replies", "7.W03", (ECHO, f"{ECHO}\n{ECHO}")),
    of_01("reply_without_delimiter", "7.W03", (ECHO, ECHO.replace('b"", ', ""))),
    of_01("reply_to_text", "7.W04", (ECHO, ECHO.replace("client", "client.decode().encode()"))),
    of_01(
        "long_heartbeats",
        "7.W05",
        (BEAT, 'broker.send_multipart([*start, header, heartbeat, b""])\nbeat_at'),
    ),
    of_01("answers_goodbye", "7.W06", (LEAVE, SAYS_IT_TOO.strip())),
    of_01("dies_of_nonsense", "7.W08", (READ, f"{READ_ALL.strip()}\nassert frames[1] == header")),
    of_01("heartbeats_alone_count", "7.W09", (READ, ALONE.strip())),
    of_01("never_anew", "7.W10", (SILENT, "if False:")),
    in_parts(
        "fourth_frame_in_02",
        "18.W02",
        (FIRST, FIRST.replace("service]", 'service, b""]')),
        also="7.W01",
    ),
    in_parts("part_after_the_end", "18.W01", (ECHO, f"{ECHO}\n{PART}"), also="7.W03"),
]

# ------------------------------------------------------------------ clients

ASKS = r'broker.send_multipart([*header, *([b"\1"] if second else []), service, body])'
OWN_HEADER = "if frames[: len(header)] != header:"
TAKES = "case [name, *reply] if not second and reply and name == service:"
PRINTS = 'print(reply[0].decode(errors="replace"), flush=True)'
TAKES_02 = r'case [b"\3", name, *reply] if second and reply and name == service:'

CLIENTS = [
    of_01(
        "no_service", "7.C01", (ASKS, ASKS.replace("service, ", "")), also="7.C02 7.C03 7.C07 7.C08"
    ),
    of_01("ends_after_a_reply", "7.C02", (PRINTS, f"{PRINTS}\nreturn 1"), also="7.C03 7.C07"),
    of_01(
        "one_frame_alone",
        "7.C03",
        (TAKES, TAKES.replace("*reply] if", "only] if (reply := [only]) and")),
    ),
    of_01("joins_the_frames", "7.C03", (PRINTS, PRINTS.replace("reply[0]", 'b"".join(reply)'))),
    of_01(
        "asserts_on_the_header",
        "7.C07",
        (OWN_HEADER, f"assert frames[: len(header)] == header\n{OWN_HEADER}"),
    ),
    of_01(
        "no_empty_frame",
        "7.C08",
        (ASKS, ASKS.replace("*header", "*header[1:]")),
        also="7.C01 7.C02 7.C03 7.C07",
    ),
    in_parts(
        "no_command",
        "18.C01",
        (ASKS, ASKS.replace(r'*([b"\1"] if second else []), ', "")),
        also="18.C02 7.C01 7.C02 7.C03 7.C07",
    ),
    in_parts(
        "the_first_part_is_all",
        "18.C02",
        (TAKES_02, TAKES_02.replace(r'b"\3"', "_")),
    ),
]

# ------------------------------------------------------------------ Titanic servers

NAME = "name = uuid.uuid4().hex.upper()"
NOT_YET = 'return [b"300 not yet"] if reply is None else [b"200", *unpacked(reply)]'
UNKNOWN_UUID = """
        if not known:
            return [b"400 unknown"]
"""
CLOSES = "self.store.close(body[0])"
ADDS = 'return [b"200", self.store.add(body[0], body[1:]).encode()]'
KEPT_ON_DISK = 'sqlite3.connect(folder / "titanic.db", isolation_level=None)'
ASKS_FIRST = 'socket.send_multipart([b"", CLIENT, MMI, service])'
IS_DONE = "self.store.done(name, reply)"
CLOSED = 'text = name.decode("ascii", errors="replace")'

TITANICS = [
    of_01("no_close", "9.S01", (', b"titanic.close")', ")")),
    of_01("dashes", "9.S02", (NAME, "name = str(uuid.uuid4())")),
    of_01(
        "a_name_by_the_body",
        "9.S03",
        (NAME, "name = uuid.uuid5(uuid.NAMESPACE_OID, packed(body)).hex"),
        ('"insert into', '"insert or ignore into'),
    ),
    of_01("unknown_until_executed", "9.S04", (NOT_YET, NOT_YET.replace("300 not yet", "400"))),
    of_01(
        "not_without_a_worker",
        "9.S05",
        (ADDS, 'return [b"500"]'),
        also="9.S01 9.S02 9.S03 9.S04 9.S12 9.S17",
    ),
    of_01(
        "joins_the_frames",
        "9.S06",
        (NOT_YET, NOT_YET.replace("*unpacked(reply)", 'b"".join(unpacked(reply))')),
    ),
    of_01(
        "fetched_once",
        "9.S07",
        (NOT_YET, f"if reply is not None:\n    self.store.close(body[0])\n{NOT_YET}"),
        also="9.S13",
    ),
    of_01(
        "unknown_is_pending",
        "9.S08",
        (UNKNOWN_UUID, 'if not known:\n    return [b"300"]'),
        also="9.S10 9.S14",
    ),
    of_01(
        "close_of_a_stranger",
        "9.S09",
        (CLOSES, f'if not self.store.find(body[0])[0]:\n    return [b"400"]\n{CLOSES}'),
    ),
    of_01("close_forgets_nothing", "9.S10", (CLOSES, "pass"), also="9.S11"),
    of_01(
        "asks_at_once",
        "9.S11",
        (ASKS_FIRST, 'socket.send_multipart([b"", CLIENT, service, *unpacked(_)])'),
    ),
    of_01(
        "in_memory",
        "9.S12",
        (KEPT_ON_DISK, 'sqlite3.connect(":memory:", isolation_level=None)'),
        also="9.S13",
    ),
    of_01(
        "reply_in_memory",
        "9.S13",
        (
            "self.db.execute(TABLE)",
            'self.db.execute(TABLE)\nself.db.execute("update requests set reply = null")',
        ),
    ),
    of_01("dies_of_no_text", "9.S14", (CLOSED, 'text = name.decode("ascii")')),
    of_01("status_without_a_space", "9.S15", (ADDS, ADDS.replace('b"200"', 'b"200OK"'))),
    of_01("executed_again", "9.S17", (IS_DONE, "pass"), also="9.S06"),
]

# ------------------------------------------------------------------ clients of Titanic

DIGITS = "return status[:3], rest"
UNKNOWN_TO_IT = """
        if status == b"400":
            return None
"""

TITANIC_CLIENTS = [
    of_01("reads_the_text", "9.C01", (DIGITS, "return status, rest")),
    of_01("takes_text_for_digits", "9.C01", (DIGITS, "return status[-3:], rest")),
    of_01("gives_up_at_once", "9.C02", ('if status == b"400":', 'if status != b"200":')),
    of_01("insists", "9.C02", (UNKNOWN_TO_IT, "")),
]
