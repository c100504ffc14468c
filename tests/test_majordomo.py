"""The core of the Majordomo broker under any order of messages, deaths and clocks."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

import labs
from zmqlab.balance.brokers import Majordomo
from zmqlab.mdp.frames import MDP_01, Letter
from zmqlab.mdp.frames import Command as Said

sys.path.insert(0, str(Path(__file__).parent / "mdp"))
import matrix
from mutants import BROKERS, CHOICES

SOURCE = matrix.COURSE.read_text(encoding="utf-8")
INTERVAL, LIVENESS = 1.0, 3
peers = st.sampled_from([b"p1", b"p2", b"p3", b"p4"])
names = st.sampled_from([*[b"echo"] * 6, b"Echo", b"mmix", b"mmi.mine", *[b"mmi.service"] * 2])
FRAMES = [b"", b"MDPC01", b"MDPW01", b"MDPW02", b"\1", b"\2", b"\3", b"\4", b"\5", b"\6", b"echo"]
VALID = [MDP_01.ask(b"echo", (b"x",)), MDP_01.ready(b"echo"), MDP_01.command("HEARTBEAT")]
VALID += [MDP_01.request(b"p1", (b"x",)), MDP_01.reply(b"p1", (b"x",))]
frames = st.lists(st.sampled_from(FRAMES), max_size=8)
nearly = st.builds(
    lambda valid, at, more: [*valid[:at], *more, *valid[at + 1 :]],
    st.sampled_from(VALID),
    st.integers(0, 6),
    st.lists(st.sampled_from(FRAMES), max_size=2),
)


@dataclass(eq=False)
class Asked:
    """A request that has no answer yet; whether a worker that held it is gone."""

    client: bytes
    service: bytes
    body: tuple[bytes, ...]
    returned: bool = False


@dataclass
class Registered:
    """A worker as it has to be known: its turn among the idle, and what it holds."""

    service: bytes
    heard: float
    turn: int
    beaten: float
    held: Asked | None = None


class AnyOrder(RuleBasedStateMachine):
    """Peers that say anything at any time, and what the broker owes them. It reads as the suite."""

    core: type[Majordomo] = Majordomo

    def __init__(self):
        super().__init__()
        self.broker = self.core(INTERVAL, LIVENESS)
        self.now, self.count = 0.0, 0
        self.open: list[Asked] = []
        self.workers: dict[bytes, Registered] = {}

    # ---- what peers do

    @rule(peer=peers, service=names, about=names)
    def ask(self, peer, service, about):
        self.says(peer, MDP_01.ask(service, (about,)))

    @rule(peer=peers, service=names)
    def ready(self, peer, service):
        self.says(peer, MDP_01.ready(service))

    @rule(peer=peers, empty=st.booleans())
    def reply(self, peer, empty):
        worker = self.workers.get(peer)
        client = worker.held.client if worker and worker.held else b"p1"
        self.says(peer, MDP_01.reply(client, () if empty else (b"done",)))

    @rule(peer=peers, client=peers)
    def reply_to_anybody(self, peer, client):
        self.says(peer, MDP_01.reply(client, (b"forged",)))

    @rule(peer=peers, kind=st.sampled_from(["HEARTBEAT", "HEARTBEAT", "DISCONNECT"]))
    def command(self, peer, kind):
        self.says(peer, MDP_01.command(kind))

    @rule(dead=peers)
    def all_but_one_heartbeat(self, dead):
        for peer in [peer for peer in self.workers if peer != dead]:
            self.says(peer, MDP_01.command("HEARTBEAT"))

    @rule(peer=peers, frames=frames | nearly)
    def anything(self, peer, frames):
        self.says(peer, tuple(frames))

    @rule(seconds=st.sampled_from([0.25, 0.5, 1.0, 2.5, 3.25]))
    def time_passes(self, seconds):
        self.now += seconds
        patience = INTERVAL * LIVENESS
        for peer in [p for p, w in self.workers.items() if self.now - w.heard > patience]:
            self.leaves(peer)  # it is to be sent nothing from here on
        self.sends(self.broker.tick(self.now))

    # ---- what is owed

    def says(self, peer, frames):
        letter = MDP_01.with_client(frames, to_broker=True)
        said = MDP_01.with_worker(frames)
        answers, away = [], False
        if isinstance(letter, Letter) and letter.service.startswith(b"mmi."):
            answers = [(peer, *MDP_01.answer(letter.service, (self.code(letter),)))]
        elif isinstance(letter, Letter):
            self.open.append(Asked(peer, letter.service, letter.body))
        elif isinstance(said, Said):
            answers, away = self.commanded(peer, said)
        self.sends(self.broker.message([peer, *frames], self.now), answers, [peer] * away)

    def commanded(self, peer, said):
        """What the client is to get, and whether the worker is told to go."""
        worker = self.workers.get(peer)
        match said.kind:
            case "READY" if worker is None and not said.service.startswith(b"mmi."):
                self.workers[peer] = Registered(said.service, self.now, self.turn(), self.now)
            case "REPLY" if worker and worker.held and worker.held.client == said.client:
                asked, worker.held = worker.held, None
                worker.heard, worker.turn = self.now, self.turn()
                self.open.remove(asked)
                return [(asked.client, *MDP_01.answer(asked.service, said.body))], False
            case "HEARTBEAT" if worker:
                worker.heard = self.now
            case "DISCONNECT":
                self.leaves(peer)
            case _:
                self.leaves(peer)
                return [], True
        return [], False

    def code(self, letter):
        if letter.service != b"mmi.service":
            return b"501"
        known = {worker.service for worker in self.workers.values()}
        return b"200" if letter.body[0] in known else b"404"

    def turn(self):
        self.count += 1
        return self.count

    def leaves(self, peer):
        worker = self.workers.pop(peer, None)
        if worker and worker.held:
            worker.held.returned = True

    def sends(self, out, answers=(), away=()):
        """Look at each message: nobody gets what is not for him."""
        replies, told = [], []
        for peer, *rest in out:
            frames = tuple(rest)
            if isinstance(MDP_01.with_client(frames, to_broker=False), Letter):
                replies.append((peer, *frames))
                continue
            said = MDP_01.with_worker(frames)
            assert isinstance(said, Said), f"{peer} was sent {frames}"
            if said.kind == "DISCONNECT":
                told.append(peer)
                continue
            assert peer in self.workers, f"{peer} is no worker, and was sent {said}"
            if said.kind == "REQUEST":
                self.given(self.workers[peer], said)
            else:
                assert said.kind == "HEARTBEAT"
                self.workers[peer].beaten = self.now
        assert replies == list(answers)
        assert told == list(away)

    def given(self, worker, said):
        """A request goes to who is idle longest: what the dead held first, then what is oldest."""
        assert worker.held is None, f"it holds one already, and was given {said}"
        idle = [w for w in self.workers.values() if w.service == worker.service and not w.held]
        assert worker.turn == min(w.turn for w in idle)
        waiting = [asked for asked in self.waiting() if asked.service == worker.service]
        first = [asked for asked in waiting if asked.returned] or waiting[:1]
        alike = [a for a in first if (a.client, a.body) == (said.client, said.body)]
        assert alike, f"given {said}, and first are {first}"
        worker.held = alike[0]

    def waiting(self):
        held = [worker.held for worker in self.workers.values()]
        return [asked for asked in self.open if asked not in held]

    @invariant()
    def nothing_waits_for_an_idle_worker(self):
        idle = {worker.service for worker in self.workers.values() if not worker.held}
        assert not [asked for asked in self.waiting() if asked.service in idle]

    @invariant()
    def every_worker_is_sent_heartbeats(self):
        assert all(self.now - worker.beaten <= INTERVAL for worker in self.workers.values())

    def teardown(self):
        """Everybody dies; one honest worker for each service then gets what is open, all of it."""
        self.time_passes(INTERVAL * LIVENESS + 1)
        for number, service in enumerate({asked.service for asked in self.open}):
            name = b"honest %d" % number
            self.says(name, MDP_01.ready(service))
            while held := self.workers[name].held:
                self.says(name, MDP_01.reply(held.client, (b"at last",)))
        assert self.open == []


@pytest.mark.slow
class TestAnyOrder(AnyOrder.TestCase):
    settings = settings(max_examples=60, stateful_step_count=40)


GIVES_TOO_SOON = (
    """
    for worker in gone.values():  # not before: none of them is given what another held
        self.give(worker.service)
    """,
    "",
)
PLANTED = {
    "gives what a dead one held to another dead one": [
        (
            "self.idle[worker.service].remove(peer)",
            "self.idle[worker.service].remove(peer)\nself.give(worker.service)",
        ),
        (
            "self.waiting[worker.service].appendleft(worker.request)",
            "self.waiting[worker.service].appendleft(worker.request)\nself.give(worker.service)",
        ),
        (
            "gone = {peer: self.workers.pop(peer) for peer in peers if peer in self.workers}",
            "gone = {peer: self.workers[peer] for peer in peers if peer in self.workers}",
        ),
        GIVES_TOO_SOON,
    ],
    "a goodbye leaves it among the idle": [("self.idle[worker.service].remove(peer)", "pass")],
    "what a dead one held comes last": [("appendleft(worker.request)", "append(worker.request)")],
    "any reply frees": [("worker and held and held.client == client:", "worker and held:")],
    "heartbeats for the first alone": [
        ("self.tell(peer, MDP.HEARTBEAT)", "self.tell(peer, MDP.HEARTBEAT)\nbreak"),
    ],
}
# Of the suite's mutants, those of whole conversations; of the others it sees nearly all.
MUTANTS = {mutant.name: mutant.changes for mutant in [*BROKERS, *CHOICES]}
for name in [
    "a_heartbeat_is_ready",
    "second_ready_queued",
    "strangers_heartbeat_ignored",
    "second_reply_forwarded",
    "goodbye_echoed",
    "asserts_on_frames",
    "never_evicts",
    "busy_never_evicted",
    "held_is_lost",
    "answers_the_last_asker",
    "newest_request_first",
]:
    PLANTED[name] = MUTANTS[name]


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen_in_some_order(fault):
    defined = {"__name__": __name__}  # where dataclasses look for their names
    exec(compile(labs.changed(SOURCE, PLANTED[fault]), fault, "exec"), defined)

    class Planted(AnyOrder):
        core = defined["Majordomo"]

    often = settings(
        max_examples=500,
        stateful_step_count=40,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # that one is found, not the shortest
        report_multiple_bugs=False,
    )
    with pytest.raises(Exception):  # noqa: B017, PT011 (what the fault comes to)
        run_state_machine_as_test(Planted, settings=often)
