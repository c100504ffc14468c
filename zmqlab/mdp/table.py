"""The rules of Majordomo, row by row: number, level, what it says, what was decided.

`rules` chooses among them and prints them. Levels: *must* and *should* are the RFC's words;
*implied* is what it does not say in capitals and what all else rests on, and is judged as a must;
of an *open* rule the RFC leaves the answer, and the suite says what it saw and fails nobody; *may*
likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

BINDING = ("must", "implied")


class Rule(NamedTuple):
    """One rule: who has to keep it, how strictly, what it says, and what was decided about it.

    timed: whether it can only be judged where heartbeats come in time, the suite's own as well.
    """

    id: str
    who: str
    level: str
    text: str
    decision: str = ""
    timed: bool = False

    @property
    def binding(self) -> bool:
        """Whether who breaks it does not conform."""
        return self.level in BINDING

    def counts(self, strict: bool) -> bool:
        """Whether a verdict depends on it; strict: on a *should* as well."""
        return self.binding or (strict and self.level == "should")


def _rules(who: str, rows: Iterable[tuple[str, ...]], timed: Sequence[str] = ()) -> list[Rule]:
    found = []
    for number, level, text, *decision in rows:
        found.append(Rule(number, who, level, text, "".join(decision), number in timed))
    return found


BROKER = _rules(
    "broker",
    [
        ("7.B00", "must", "the broker's socket is a ROUTER"),
        (
            "7.B01",
            "must",
            "a request reaches a worker of its service as REQUEST, with the body as it was",
            "where this fails at the first handshake, nothing else is tried",
        ),
        (
            "7.B02",
            "must",
            "a worker's REPLY reaches the client with the service that it asked for, and the body "
            "as it was",
        ),
        ("7.B03", "must", "each client gets the reply to its own request, in whatever order"),
        ("7.B04", "must", "clients of any kind are served: REQ or DEALER, with any routing id"),
        ("7.B05", "must", "READY is not answered", "heartbeats are no answer"),
        ("7.B06", "must", "names of services are compared octet by octet"),
        ("7.B07", "should", "a request for a service without a worker waits for one"),
        (
            "7.B08",
            "should",
            "a request that waits too long expires",
            "after how long, only the broker knows: give --expiry",
        ),
        (
            "7.B09",
            "should",
            "clients are served fairly",
            "the RFC does not say what is fair; three that ask again at once are to be served "
            "equally often, within two of eighteen",
        ),
        (
            "7.B10",
            "must",
            "a worker that has not replied is given no second request, whatever it heartbeats",
            "a dialogue of request and reply: credit is not Majordomo",
        ),
        ("7.B11", "must", "several workers may serve one service at the same time"),
        (
            "7.B12",
            "must",
            "a second READY is answered by DISCONNECT, and then by nothing",
            "more DISCONNECTs are accepted everywhere; a busy worker's READY counts as well",
        ),
        (
            "7.B13",
            "must",
            "HEARTBEAT before READY is answered by DISCONNECT, and then by nothing",
            "valid only behind a READY, hence unexpected, not invalid",
        ),
        (
            "7.B14",
            "must",
            "REPLY before READY is answered by DISCONNECT, and no client gets it",
            "as 7.B13",
        ),
        (
            "7.B15",
            "must",
            "a second REPLY to one request is answered by DISCONNECT, and no client gets it",
            "the RFC has no such example; the message is valid, and unexpected",
        ),
        (
            "7.B16",
            "must",
            "after an idle worker's DISCONNECT it gets nothing more, and the broker lives on",
            "what was under way when it was sent does not count",
        ),
        ("7.B17", "must", "after a busy worker's DISCONNECT it gets nothing more"),
        ("7.B18", "must", "DISCONNECT before READY is allowed, and answered by nothing"),
        ("7.B19", "implied", "no message, valid or not, ends the broker"),
        ("7.B20", "should", "an invalid message is dropped: nothing answers it but DISCONNECT"),
        ("7.B21", "open", "READY with a fifth frame: taken, or refused"),
        ("7.B22", "open", "REQUEST sent by a worker: dropped, or answered by DISCONNECT"),
        ("7.B23", "implied", "a client that is gone costs neither the broker nor a worker"),
        (
            "7.B24",
            "must",
            "an idle worker is sent HEARTBEATs at regular intervals",
            "the interval is measured where it was not given",
        ),
        (
            "7.B25",
            "open",
            "a busy worker is sent HEARTBEATs, too",
            "the letter says yes; a worker that works for long takes a broker that does not for "
            "dead",
        ),
        (
            "7.B26",
            "must",
            "a worker that has been silent for several intervals is given nothing",
            "'usually 3 to 5' intervals: who is given something after 6 is tried again after 12",
        ),
        (
            "7.B27",
            "implied",
            "a worker that heartbeats stays, idle or busy",
            "a broker that evicts after less than 2 intervals may be taken for one that keeps it",
        ),
        ("7.B28", "must", "any command but DISCONNECT counts as a heartbeat"),
        (
            "7.B29",
            "must",
            "HEARTBEAT of an evicted worker is answered by DISCONNECT",
            "as 7.B13: it has to learn that it must register again",
        ),
        (
            "7.B30",
            "must",
            "REPLY of an evicted worker is answered by DISCONNECT",
            "whether the client gets it is left open, and said",
        ),
        (
            "7.B31",
            "open",
            "a request whose worker died is given to another",
            "a goal of the RFC, and no rule",
        ),
        ("7.B32", "open", "which idle worker is next"),
        (
            "7.B33",
            "open",
            "a client with more addresses before the empty frame: a REQ with REQ_CORRELATE",
            "Majordomo carries one address and an empty frame first; it must end nothing (7.B19)",
        ),
        ("7.B34", "open", "REPLY that names another client than the one who asked"),
        ("7.B35", "open", "READY again after DISCONNECT on the same connection"),
        ("7.B36", "open", "READY with an empty service name"),
    ],
    timed=[
        *("7.B05", "7.B10", "7.B12", "7.B13", "7.B14", "7.B15", "7.B16", "7.B17", "7.B18", "7.B24"),
        *("7.B26", "7.B27", "7.B28", "7.B29", "7.B30"),
    ],
)
MANAGEMENT = _rules(
    "broker",
    [
        ("8.B01", "must", "the broker itself answers mmi.service, with one code"),
        ("8.B02", "must", "READY for a service mmi.anything is answered by DISCONNECT"),
        ("8.B03", "must", "mmi.service says 200 while a worker is registered, idle or busy"),
        ("8.B04", "must", "mmi.service says 404 for a service that never had a worker"),
        ("8.B05", "must", "mmi.service says 404 while requests wait and nobody is registered"),
        ("8.B06", "must", "mmi.service says 404 when the only worker has sent DISCONNECT"),
        ("8.B07", "must", "mmi.service says 404 when the only worker has expired"),
        ("8.B08", "must", "any other service mmi.something is answered with 501"),
        ("8.B09", "implied", "'mmi' and 'mmix' are services like any other"),
    ],
    timed=["8.B02", "8.B03", "8.B07"],
)
WORKER = _rules(
    "worker",
    [
        ("7.W01", "must", "a worker is a DEALER, and its first command is READY for its service"),
        ("7.W02", "must", "it says READY once in a conversation"),
        (
            "7.W03",
            "must",
            "each REQUEST is answered by one REPLY: the same address, an empty frame, a body",
        ),
        ("7.W04", "must", "addresses of any octets and bodies of any frames are served"),
        ("7.W05", "must", "while it is idle it sends HEARTBEATs at regular intervals"),
        (
            "7.W06",
            "must",
            "after DISCONNECT it sends nothing more on that connection, not even DISCONNECT; it "
            "closes it and says READY on a new one",
        ),
        (
            "7.W07",
            "should",
            "where the broker has been silent for several intervals, it says READY anew",
            "how many is left open: not seen within 12 is undecided",
        ),
        (
            "7.W08",
            "should",
            "invalid commands are dropped, and the next REQUEST is served",
            "the RFC says so of brokers; a worker that ends there is ended by anybody",
        ),
        ("7.W09", "must", "any command of the broker counts as its heartbeat"),
        ("7.W10", "implied", "where the broker was gone and is back, it says READY anew"),
        (
            "7.W11",
            "open",
            "it sends HEARTBEATs while it works",
            "needs a request that takes long: give --slow",
        ),
        ("7.W12", "open", "a second REQUEST before its REPLY"),
    ],
    timed=["7.W02", "7.W05", "7.W09"],
)
CLIENT = _rules(
    "client",
    [
        ("7.C01", "must", "a request is the client's header, the service and a body"),
        ("7.C02", "must", "the reply is taken"),
        ("7.C03", "must", "replies of several frames, empty ones and any octets are taken"),
        ("7.C04", "may", "without a reply it asks again, on a new socket, or gives up and says so"),
        (
            "7.C05",
            "open",
            "the late reply to a first try is not taken for the next question's",
            "0.1 has no number for requests, so only a new socket protects",
        ),
        ("7.C06", "open", "a reply of another service is not taken"),
        (
            "7.C07",
            "should",
            "an invalid reply is dropped, and the right one is still taken",
            "the RFC says so of brokers; a REQ, which takes one reply, may give up instead",
        ),
        ("7.C08", "must", "a client on a DEALER makes the empty frame itself"),
    ],
)
BROKER_02 = _rules(
    "broker",
    [
        ("18.B01", "must", "no empty frame comes first, either way"),
        (
            "18.B02",
            "must",
            "a worker's PARTIAL, PARTIAL, FINAL reach the client as these three, in order",
        ),
        ("18.B03", "must", "a FINAL alone reaches the client as a FINAL alone"),
        ("18.B04", "must", "after PARTIAL a worker is still busy; after FINAL it is free"),
        ("18.B05", "must", "PARTIAL after FINAL is answered by DISCONNECT, and no client gets it"),
        ("18.B06", "must", "PARTIAL or FINAL before READY is answered by DISCONNECT"),
        ("18.B07", "must", "PARTIAL counts as a heartbeat"),
        ("18.B08", "open", "peers of version 0.1: dropped, or served in their own dialect"),
        (
            "18.B09",
            "open",
            "a request whose worker died after a PARTIAL is given to another",
            "the client then sees the beginning twice",
        ),
    ],
    timed=["18.B04", "18.B05", "18.B06", "18.B07"],
)
WORKER_02 = _rules(
    "worker",
    [
        (
            "18.W01",
            "must",
            "each REQUEST is answered by any number of PARTIALs and one FINAL: same address, empty "
            "frame, body",
        ),
        ("18.W02", "must", "READY has three frames; HEARTBEAT and DISCONNECT have two"),
    ],
)
CLIENT_02 = _rules(
    "client",
    [
        ("18.C01", "must", "a client is a DEALER, and its request carries command 01"),
        ("18.C02", "must", "any number of PARTIALs is taken, and FINAL ends the reply"),
    ],
)
TITANIC = _rules(
    "titanic",
    [
        (
            "9.S01",
            "must",
            "titanic.request answers 200 and a UUID; titanic.reply and titanic.close exist",
        ),
        (
            "9.S02",
            "must",
            "the UUID has 32 hexadecimal characters",
            "the RFC says hexadecimal and gives a range that is not; beyond F is undecided",
        ),
        ("9.S03", "must", "each request has its own UUID, also for the same body"),
        ("9.S04", "must", "titanic.reply says 300 as long as the request was not executed"),
        (
            "9.S05",
            "must",
            "a request for a service that nobody serves yet is accepted at once, and executed when "
            "somebody does",
        ),
        ("9.S06", "must", "afterwards titanic.reply says 200 and has the reply, frame by frame"),
        ("9.S07", "must", "titanic.reply says the same again and again"),
        ("9.S08", "must", "titanic.reply of an unknown UUID says 400"),
        ("9.S09", "must", "titanic.close says 200, also of an unknown UUID, and twice"),
        ("9.S10", "must", "after titanic.close, titanic.reply says 400"),
        ("9.S11", "must", "a request that is closed before it was executed is not executed"),
        ("9.S12", "implied", "a request that has its 200 is executed, though the server is killed"),
        ("9.S13", "implied", "a reply is still there, though the server was killed meanwhile"),
        (
            "9.S14",
            "implied",
            "no body, no UUID, a path or no text for a UUID: 400, and the server lives; no file "
            "beyond its own is touched",
        ),
        (
            "9.S15",
            "must",
            "a status is 200, 300, 400 or 500, and text follows only behind a space",
        ),
        ("9.S16", "open", "a request is executed twice after a crash"),
        ("9.S17", "implied", "without a crash each request is executed once"),
    ],
)
TITANIC_CLIENT = _rules(
    "titanic client",
    [
        ("9.C01", "must", "the text behind a status' digits means nothing to a client"),
        ("9.C02", "should", "after 300 and 500 a client asks again later; after 400 it does not"),
    ],
)

ALL = [
    *(*BROKER, *MANAGEMENT, *WORKER, *CLIENT),
    *(*BROKER_02, *WORKER_02, *CLIENT_02, *TITANIC, *TITANIC_CLIENT),
]
