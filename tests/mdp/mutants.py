"""Programs that break one rule each: made of the right ones by changing a place or two.

A row is (name, the rule that must see it, changes), or of a choice that the RFC leaves open:
(name, the rule that says it, changes). `python tests/mdp/matrix.py` runs all of them in full.
"""

from __future__ import annotations

from typing import NamedTuple

Changes = tuple[tuple[str, str], ...]


class Mutant(NamedTuple):
    """One change of a right program; `also`: rules that cannot but be broken with it."""

    name: str
    rule: str
    changes: Changes
    also: tuple[str, ...] = ()
    dialect: str = "0.1"


def of_broker(name: str, rule: str, *changes: tuple[str, str], also: str = "") -> Mutant:
    return Mutant(name, rule, changes, tuple(also.split()))


def in_parts(name: str, rule: str, *changes: tuple[str, str], also: str = "") -> Mutant:
    return Mutant(name, rule, changes, tuple(also.split()), "0.2")


GIVE = 'self.tell(peer, "REQUEST", request.client, b"", *request.body)'
ANSWER = "self.out.append([request.client, *header, *body])"
UNASKED = "if known is None or known.request is None or known.request.client != client:"
UNKNOWN = """
                if known is None:
                    self.send_away(peer, now)
"""
EVICTED = "if now - worker.heard > self.patience:"
REGISTERED = "served = any(worker.service == request.body[0] for worker in self.workers.values())"
NEW = 'case "READY", [service] if known is None and not service.startswith(b"mmi."):'
GOODBYE = """
                if known is not None:
                    self.forget(peer, now)
"""

CAME = '"""Take in one message."""'
ASKED = '"""Take in a client\'s request."""'
BOTH = '"""Give requests to idle workers as long as there are both."""'
TAKEN = "self.workers[peer] = Worker(service, now)"
SERVES = "w.service == service for w in self.workers.values()"
HEARD = """
    else:
        known.heard = now
"""
MORE = "self.give(known.service, now)"
AWAY = "self.send_away(peer, now)"
FORWARD = 'self.answer(Request(client, b"forwarded", [], now), body, kind)'
LATE = "known is not None and known.request is None"
LONG = "(worker.request and now - worker.request.since > self.patience)"
REQUEST = 'case [peer, b"", self.client, service, *body] if body and not self.second:'
COMMAND = "case [peer, self.worker, octet, *rest] if self.second:"
ONE_FRAME = 'case [peer, b"", _] if not self.second:'
WHAT = 'self.out.append([peer, b"", b"what?"])'
SEND = "router.send_multipart(frames)"
OCTET = 'octet = [b"\\x03" if kind == "REPLY" else b"\\x02"]'

BROKERS = [
    of_broker(
        "joins_the_frames", "7.B01", (GIVE, GIVE.replace("*request.body", 'b"".join(request.body)'))
    ),
    of_broker("no_delimiter_to_workers", "7.B01", (GIVE, GIVE.replace('b"", ', ""))),
    of_broker(
        "no_service_in_the_reply",
        "7.B02",
        ("*octet, request.service]", "*octet]"),
        also="7.B03 8.B01 8.B03 8.B04 8.B05 8.B06 8.B07 8.B08",
    ),
    of_broker(
        "answers_the_last_asker",
        "7.B03",
        (ANSWER, "self.out.append([self.last, *header, *body])"),
        (ASKED, f"{ASKED}\nself.last = request.client"),
        also="7.B09 7.B14 7.B15 7.B19 7.B20 7.B27",
    ),
    of_broker(
        "knows_short_ids_alone",
        "7.B04",
        (CAME, f"{CAME}\nif len(frames[0]) > 100:\n    return"),
        also="7.B01",
    ),
    of_broker(
        "answers_ready",
        "7.B05",
        (TAKEN, f'{TAKEN}\nself.tell(peer, "READY", service)'),
        also="7.B01",
    ),
    of_broker(
        "names_in_lower_case",
        "7.B06",
        (ASKED, f"{ASKED}\nrequest.service = request.service.lower()"),
    ),
    of_broker(
        "drops_what_nobody_serves",
        "7.B07",
        (BOTH, f"{BOTH}\nif not any({SERVES}):\n    self.waiting.pop(service, None)"),
        also="8.B05",
    ),
    of_broker("never_expires", "7.B08", ("now - requests[0].since > self.expiry", "False")),
    of_broker(
        "newest_request_first",
        "7.B09",
        ("requests.popleft()\n            self.workers", "requests.pop()\nself.workers"),
    ),
    of_broker(
        "a_heartbeat_is_ready",
        "7.B10",
        (
            HEARD,
            f"else:\n    known.heard = now\n    self.idle[known.service].append(peer)\n    {MORE}",
        ),
        also="7.B12 7.B16 7.B17 7.B26 7.B27 7.B30",
    ),
    of_broker(
        "one_worker_a_service",
        "7.B11",
        (NEW, NEW.replace("is None and", f"is None and not any({SERVES}) and")),
        also="7.B27",
    ),
    of_broker(
        "second_ready_ignored",
        "7.B12",
        (f'case "READY", [_]:\n                {AWAY}', 'case "READY", [_]:\n    pass'),
        also="8.B02",
    ),
    of_broker(
        "second_ready_queued", "7.B12", (NEW, NEW.replace("known is None and ", "")), also="7.B16"
    ),
    of_broker(
        "strangers_heartbeat_ignored",
        "7.B13",
        (UNKNOWN, "if known is None:\n    pass"),
        also="7.B29",
    ),
    of_broker(
        "strangers_reply_forwarded",
        "7.B14",
        (UNASKED, f"if known is None:\n    {FORWARD}\n{UNASKED}"),
    ),
    of_broker(
        "second_reply_forwarded",
        "7.B15",
        (UNASKED, f"if {LATE}:\n    {FORWARD}\n    return\n{UNASKED}"),
    ),
    of_broker("goodbye_ignored", "7.B16", (GOODBYE, "pass"), also="7.B17 8.B06"),
    of_broker(
        "goodbye_of_the_busy_ignored",
        "7.B17",
        (GOODBYE, f"if {LATE}:\n    self.forget(peer, now)"),
    ),
    of_broker(
        "goodbye_echoed",
        "7.B18",
        (
            GOODBYE,
            'if known is not None:\n    self.forget(peer, now)\nself.tell(peer, "DISCONNECT")',
        ),
    ),
    of_broker("asserts_on_frames", "7.B19", (CAME, f"{CAME}\nassert len(frames) >= 3")),
    of_broker(
        "asserts_on_bodies",
        "7.B19",
        (REQUEST, REQUEST.replace("body and not", "not") + "\n    assert body"),
    ),
    of_broker("says_what_is_wrong", "7.B20", (COMMAND, f"{ONE_FRAME}\n    {WHAT}\n{COMMAND}")),
    of_broker(
        "mandatory_towards_clients",
        "7.B23",
        (SEND, f"router.router_mandatory = core.client in frames\n{SEND}"),
    ),
    of_broker(
        "heartbeats_of_four_frames",
        "7.B24",
        ('self.tell(peer, "HEARTBEAT")', 'self.tell(peer, "HEARTBEAT", b"alive")'),
    ),
    of_broker("never_evicts", "7.B26", (EVICTED, "if False:"), also="8.B07 7.B30"),
    of_broker(
        "looks_no_further",
        "7.B26",
        (EVICTED, "if now - worker.heard <= self.patience:\n    break\nelse:"),
        also="8.B07 7.B30",
    ),
    of_broker(
        "busy_evicted",
        "7.B27",
        (EVICTED, EVICTED.replace(":", f" or {LONG}:")),
    ),
    of_broker(
        "heartbeats_alone_count",
        "7.B28",
        ("known.heard = now\n                self.answer", "self.answer"),
    ),
    of_broker(
        "evicted_heartbeat_ignored", "7.B29", (UNKNOWN, "if known is None:\n    pass"), also="7.B13"
    ),
    of_broker(
        "busy_never_evicted",
        "7.B30",
        (EVICTED, EVICTED.replace(":", " and worker.request is None:")),
    ),
    of_broker(
        "two_codes",
        "8.B01",
        ("[self.code(request)]", '[self.code(request), b""]'),
        also="8.B03 8.B04 8.B05 8.B06 8.B07 8.B08",
    ),
    of_broker("mmi_may_register", "8.B02", (' and not service.startswith(b"mmi."):', ":")),
    of_broker(
        "idle_alone_counts", "8.B03", (REGISTERED, "served = bool(self.idle.get(request.body[0]))")
    ),
    of_broker(
        "all_are_served",
        "8.B04",
        ('b"200" if served else b"404"', 'b"200"'),
        also="8.B05 8.B06 8.B07",
    ),
    of_broker(
        "waiting_is_served",
        "8.B05",
        (REGISTERED, f"{REGISTERED} or bool(self.waiting.get(request.body[0]))"),
    ),
    of_broker(
        "known_is_served",
        "8.B06",
        (REGISTERED, "served = request.body[0] in self.idle"),
        also="8.B07",
    ),
    of_broker("no_such_is_404", "8.B08", ('return b"501"', 'return b"404"')),
    of_broker(
        "mmix_is_reserved",
        "8.B09",
        ('if request.service.startswith(b"mmi.")', 'if request.service.startswith(b"mmi")'),
    ),
    in_parts(
        "empty_frame_in_02",
        "18.B01",
        ("header = [*self.start, self.client", 'header = [b"", self.client'),
        also="7.B02 7.B03 18.B02 18.B03",
    ),
    in_parts("parts_are_ends", "18.B02", (OCTET, 'octet = [b"\\x03"]')),
    in_parts(
        "ends_are_parts",
        "18.B03",
        (OCTET, 'octet = [b"\\x02"]'),
        also="7.B02 7.B03 18.B02",
    ),
    in_parts(
        "a_part_frees",
        "18.B04",
        ('if kind == "REPLY":\n                    known.request', "if True:\n    known.request"),
        also="18.B02 18.B03 18.B07",
    ),
    in_parts(
        "late_part_forwarded",
        "18.B05",
        (UNASKED, f'if {LATE} and kind == "PARTIAL":\n    {FORWARD}\n    return\n{UNASKED}'),
    ),
    in_parts(
        "strangers_part_ignored",
        "18.B06",
        (UNASKED, f'if known is None and kind == "PARTIAL":\n    return\n{UNASKED}'),
    ),
    in_parts(
        "parts_do_not_count",
        "18.B07",
        (
            "known.heard = now\n                self.answer",
            'known.heard = now if kind == "REPLY" else known.heard\nself.answer',
        ),
    ),
]
CHOICES = [
    of_broker("held_is_lost", "7.B31", ("if worker.request is not None:", "if False:")),
    of_broker("newest_worker_first", "7.B32", ("idle.popleft(), requests", "idle.pop(), requests")),
    of_broker(
        "heartbeats_to_the_idle",
        "7.B25",
        (
            'self.tell(peer, "HEARTBEAT")',
            'if self.workers[peer].request is None:\n    self.tell(peer, "HEARTBEAT")',
        ),
    ),
]
