"""Rules of asking again and doing it once: what ask and serve promise, and what breaks that. Pure.

Those for ask judge one call, with all that was seen of it; those for serve a whole history.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import zmq

from . import asking, serving
from .ask import Wrong as NoFrames
from .ask import plain_frames
from .asking import Asking, split
from .call import brief, said
from .dispatch import Frames
from .report import Finding, failed, undecided
from .serving import Asked, Began, Broken, Ended, Got, History, Misused, Odd, Outcome
from .serving import brief as in_words
from .subject import MACHINE

FORM = "ask sends [request_id, *body], as a REQ would"
SAME = "every copy is the same message"
AGAIN = "when nothing has come in time, ask sends it again"
TRIES = "ask sends it `tries` times in all, and no more"
PATIENT = "after each copy, the last one too, ask waits `patience` seconds"
GIVES_UP = "then ask raises TimeoutError, and its text says how often it asked"
OWN = "ask takes only a reply that begins with its id, and returns the frames behind that"
AT_ONCE = "ask returns as soon as the reply is there"
LOST = "what is lost, cut or too late is asked again, and answered"
STRAYS = "other replies make it wait no longer"
WAITS = "while it waits, ask uses no processor"
STAYS = "nothing of ask stays behind: its sockets are closed, and the caller's context ends"

DONE = "a request is done, and its reply comes back"
ONCE = "do is called once for each id, whoever asks and however often"
COPIES = "every copy gets the same reply, and whoever sent it gets it"
ANYTHING = "an id, a body and a reply are any bytes"
ENVELOPE = "all that stands before the first empty frame goes back with the reply"
MEANWHILE = "copies that come while do runs get the reply, too"
RAISES = "if do raises, nobody gets a reply, and the next copy is tried again"
NONSENSE = "a message that is no request ends nothing"
LATER = "an id is known as long as serve runs"
QUIET = "while nobody asks, serve waits without using the processor"
BOTH = "your ask with your serve, by links that break: each is done once and answered"


# ------------------------------------------------------------------ of ask


def in_time(one: Asking, seconds: float, finding: Finding) -> Finding:
    """A rule about time was broken by so many seconds; undecided, if the machine may be why."""
    if one.late < seconds / 2:
        return finding
    evidence = f"{finding.evidence}\nMeanwhile the machine was late by up to {one.late:.2f} s."
    return undecided(finding.rule, evidence, MACHINE)


def has_the_form(one: Asking) -> Finding | None:
    """The copies are what was asked for, and alike."""
    asked = one.question
    wanted = (asked.request_id, *asked.body)
    for number, frames in enumerate(one.came, 1):
        found = split(frames)
        if found is not None and len(found[0]) <= 1 and found[1] == wanted:
            continue
        evidence = f"ask was to send {in_words(wanted)}, and the server got {in_words(frames)}"
        if number > 1:
            evidence += f"\nas copy {number}; copy 1 had been right."
            hint = "By what does a server know that this is a copy, and nothing new?"
            return failed(SAME, evidence, hint, one.story())
        hint = 'A REQ puts the empty frame before it by itself. A DEALER sends [b"", id, *body].'
        return failed(FORM, f"{evidence}.", hint, one.story())
    return None


def runs(one: Asking) -> Finding | None:
    """It returned, or gave up with TimeoutError; its context is still there."""
    call = one.call
    if call.state == "raised" and not isinstance(call.error, TimeoutError):
        if isinstance(call.error, zmq.ZMQError) and call.error.errno == zmq.EFSM:
            evidence = f"ask raised {said(call.error)}\nat {call.where}"
            hint = "A REQ that has asked wants to hear before it asks again. Which socket need not?"
            return failed(AGAIN, evidence, hint, one.story())
        return call.raised()
    if found := call.context_ended():
        return failed(STAYS, found.evidence, found.hint)
    return None


def ends(one: Asking) -> Finding | None:
    """It has ended, after no more copies than tries."""
    asked = one.question
    if one.copies > asked.tries:
        evidence = f"ask was called with tries={asked.tries}, and sent {one.copies} copies."
        return failed(TRIES, evidence, "What does your loop count, and from where?", one.story())
    if not one.stuck_at:
        return None
    evidence = f"With patience={asked.patience:g} and tries={asked.tries}, ask had not ended "
    evidence += f"after {one.took:.1f} s. It was at {one.stuck_at}"
    hint = "What does that line wait for, and for how long at most?"
    others = any(hop.way == "sent" for hop in one.server) and not one.replies
    finding = failed(STRAYS if others else PATIENT, evidence, hint, one.story())
    return in_time(one, one.took - asked.most, finding)


def asks_often_enough(one: Asking) -> Finding | None:
    """It did not give up before its last try."""
    asked = one.question
    if one.call.state != "raised" or one.copies >= asked.tries:
        return None
    if asked.plan is None and not one.sent:  # nobody was there to count, and it is not recorded
        return None
    evidence = f"ask was called with tries={asked.tries}, sent {one.copies} and gave up: "
    evidence += said(one.call.error or TimeoutError())
    hint = "How many copies leave, if nothing comes back?"
    if any(hop.way == "sent" for hop in one.server) and not one.replies:
        evidence += "\nWhat had come back was for somebody else."
        hint = "A reply with another id ends nothing: where does your code go when it has come?"
    finding = failed(TRIES, evidence, hint, one.story())
    return finding if one.sent else in_time(one, asked.patience, finding)  # as its server saw it


def waits_its_patience(one: Asking) -> Finding | None:
    """After each copy it waited as long as it was told, and not much longer."""
    asked, took = one.question, one.took
    told = f"With patience={asked.patience:g} and tries={asked.tries}"
    hint = "How long does each copy have, the last one too? `poll` takes milliseconds."
    gaps = [after.since - before.since for before, after in pairwise(one.sent)]
    if gaps and (gap := min(gaps)) < 0.8 * asked.patience:
        evidence = f"{told}, copy {gaps.index(gap) + 2} left {gap:.3f} s after the one before."
        finding = failed(PATIENT, evidence, hint, one.story())
        return in_time(one, asked.patience - gap, finding)  # the one before may have been late
    if took < 0.9 * asked.most:
        evidence = f"{told}, and no reply taken, ask gave up after {took:.3f} s."
        return failed(PATIENT, evidence, hint, one.story())
    if took > 1.6 * asked.most:
        evidence = f"{told}, and no reply taken, ask gave up after {took:.2f} s."
        return in_time(one, took - asked.most, failed(PATIENT, evidence, hint, one.story()))
    return None


def waits_on(one: Asking) -> Finding | None:
    """A reply for somebody else has not made it ask sooner, or give up; it may if it used a REQ."""
    return None if any(hop.socket.kind == "REQ" for hop in one.sent) else waits_its_patience(one)


def gives_up(one: Asking) -> Finding | None:
    """It raised TimeoutError that says the number."""
    call, tries = one.call, one.question.tries
    if call.state == "returned":
        evidence = f"Nothing was answered, and ask returned {brief(call.value)}."
        return failed(GIVES_UP, evidence, "What is the caller to think of that?", one.story())
    if not re.search(rf"(?<![\d.]){tries}(?![\d.]\d)", str(call.error)):
        evidence = f"It asked {tries} times and raised {said(call.error or TimeoutError())}"
        hint = f"Who reads that wants to know how often: put the number in, {tries} in digits."
        return failed(GIVES_UP, evidence, hint)
    return None


def returns_its_reply(one: Asking) -> Finding | None:
    """It returned a reply that began with its id."""
    asked, call = one.question, one.call
    sent = [frames for _, frames in one.replies]
    if call.state == "raised":
        if one.took < 0.9 * asked.most:
            return waits_its_patience(one)
        sent_one = "A" if sent else "No"
        evidence = f"{sent_one} reply with its id was sent, and ask raised "
        evidence += said(call.error or Exception())
        hint = "Where was the reply then, and which line was to receive it?"
        return in_time(one, asked.patience, failed(LOST, evidence, hint, one.story()))
    if (problem := call.problem()) and problem.rule.endswith("plain function"):
        return problem
    value = plain_frames(call.value)
    if not isinstance(value, NoFrames) and value in sent:
        return None
    evidence = f"The id was {in_words((asked.request_id,))}, and ask returned {brief(call.value)}."
    evidence += "\nReplies with that id: " + (" and ".join(map(in_words, sent[:2])) or "none")
    hint = "Whose reply is it? Look at its first frame before you take it; the caller wants the "
    return failed(OWN, evidence, f"{hint}list of the others.", one.story())


def returns_at_once(one: Asking) -> Finding | None:
    """It did not wait on when the reply was there."""
    waited = one.call.ended - one.replies[0][0]
    if waited < one.question.patience / 2:
        return None
    evidence = f"The reply was sent, and ask returned {waited:.2f} s later, with "
    evidence += f"patience={one.question.patience:g}."
    hint = "Patience is for a reply that does not come. What waits here though it is there?"
    return in_time(one, waited, failed(AT_ONCE, evidence, hint, one.story()))


def leaves_nothing(one: Asking) -> Finding | None:
    """Sockets are closed, and the caller's context can be ended."""
    if found := one.call.sockets_left():
        return failed(STAYS, found.evidence, found.hint)
    if one.lingered > 0.9 * asking.GRACE:
        evidence = "ask had ended, and the caller's context could not be ended for "
        evidence += f"{one.lingered:.1f} s, in which nothing could happen any more."
        hint = "A closed socket still wants to send what nobody has taken. See `linger`, lesson 1."
        return in_time(one, one.lingered, failed(STAYS, evidence, hint))
    return None


def uses_no_processor(one: Asking) -> Finding | None:
    """It waited, and did not go round."""
    call = one.call
    busy = call.cpu / max(0.05, one.took - call.in_line)
    if busy < 0.2:
        return None
    evidence = f"Nothing came, and ask was at work for {busy:.0%} of the time."
    return failed(WAITS, evidence, "A call that waits costs nothing. Which one returns at once?")


# ------------------------------------------------------------------ of serve

FRAMES = "Behind the first empty frame stands the id, and behind the id the body."


def as_asked(rule: str, hint: str = "") -> serving.Rule:
    """`do` is called with an id and a body that a client has sent, as they were."""

    def check(history: History) -> Broken | None:
        asked: set[tuple[bytes, Frames]] = set()
        for event in history:
            match event:
                case Asked(_, _, request_id, body):
                    asked.add((request_id, body))
                case Odd(_, "sent"):
                    return None
                case Misused(call):
                    evidence = f"serve called {call}."
                    told = "do takes two arguments: the id, which is bytes, and the list of the "
                    return Broken(rule, evidence, f"{told}frames behind it.", b"")
                case Began(_, request_id, body) if (request_id, body) not in asked:
                    evidence = f"do was called with the id {in_words((request_id,))} and the body "
                    evidence += f"{in_words(body)}. No client had sent that."
                    return Broken(rule, evidence, hint or FRAMES, request_id)
        return None

    return check


REMEMBER = "What does your server know of a request that it has done, and by which name?"
UNDER_WAY = "The copy came while the first was under way. Where does your server note that it is?"
WHOSE = (
    "Each copy came with addresses of its own. Which of them does your reply bear, and which id?"
)
RETURNED = "A reply is what do has returned for that id: not for another one, and not before."
AS_IT_WAS = "Each copy gets the frames that do has returned, as they were, behind the id."


def done_once(rule: str, hint: str = REMEMBER) -> serving.Rule:
    """`do` is not called with an id while it is at it, nor when it has returned."""

    def check(history: History) -> Broken | None:
        state: dict[bytes, tuple[str, str]] = {}  # how far an id is, and where to look then
        for event in history:
            match event:
                case Began(call, request_id) if request_id:
                    if request_id in state:
                        how_far, look = state[request_id]
                        evidence = f"do was called with {in_words((request_id,))} again, in its "
                        evidence += f"call {call}, when it {how_far}."
                        return Broken(rule, evidence, look, request_id)
                    state[request_id] = "was still at it", UNDER_WAY
                case Ended(_, request_id, None):
                    state.pop(request_id, None)
                case Ended(_, request_id):
                    state[request_id] = "had returned for that id", hint
        return None

    return check


def a_copy_for_each_try(rule: str) -> serving.Rule:
    """`do` is not called more often with an id than copies of it were sent."""

    def check(history: History) -> Broken | None:
        copies: Counter[bytes] = Counter()
        for event in history:
            match event:
                case Asked(_, _, request_id):
                    copies[request_id] += 1
                case Began(call, request_id) if not copies[request_id]:
                    evidence = f"do was called with {in_words((request_id,))} again, in its call "
                    evidence += f"{call}, when it had raised, and no further copy had come."
                    hint = "Who asks for the next try: your server, or a client that still waits?"
                    return Broken(rule, evidence, hint, request_id)
                case Began(_, request_id):
                    copies[request_id] -= 1
        return None

    return check


def own_replies(rule: str, unasked: str = "") -> serving.Rule:
    """Who gets a reply had sent that id, for each copy one, and gets what `do` has returned.

    unasked: the rule that is broken by a reply that `do` has not returned, if it is another one.
    """

    def check(history: History) -> Broken | None:
        results: dict[bytes, Frames] = {}
        waiting: list[tuple[str, Frames, bytes]] = []
        odd: set[str] = set()
        for event in history:
            match event:
                case Asked():
                    waiting.append(event[:3])
                case Ended(_, request_id, frames) if frames is not None:
                    results[request_id] = frames
                case Odd(who, "sent"):
                    odd.add(who)
                case Odd(who, _, frames) if who not in odd:
                    evidence = f"{who} got {in_words(frames)}, which is no reply: in it stands no "
                    return Broken(rule, f"{evidence}id behind an empty frame.", AS_IT_WAS, b"")
                case Got(who, addresses, request_id, frames) if who not in odd:
                    told = f"{who} got {in_words((*addresses, b'', request_id, *frames))}"
                    if event[:3] not in waiting:
                        its = [in_words((*one[1], b"", one[2])) for one in waiting if one[0] == who]
                        evidence = f"{told} (before the empty frame stand addresses, behind it the "
                        evidence += f"id).\nIt waited for {' and '.join(its[:3]) or 'nothing'}."
                        return Broken(rule, evidence, WHOSE, request_id)
                    waiting.remove(event[:3])
                    if request_id not in results:
                        evidence = f"{told}. do had returned nothing for that id."
                        return Broken(unasked or rule, evidence, RETURNED, request_id)
                    if frames != results[request_id]:
                        evidence = f"{told}. do had returned {in_words(results[request_id])}."
                        return Broken(rule, evidence, AS_IT_WAS, request_id)
        return None

    return check


def outcomes(history: History) -> Broken | None:
    """Each call of ask has returned what `do` has returned for its id."""
    results = {e.request_id: e.frames for e in history if isinstance(e, Ended)}
    for event in history:
        if not isinstance(event, Outcome):
            continue
        call, result = event.call, results.get(event.request_id)
        if call.state != "returned" or plain_frames(call.value) != result:
            had = brief(call.value) if call.state == "returned" else said(call.error or Exception())
            evidence = f"{event.who} asked {in_words((event.request_id,))} and had {had}. do had "
            evidence += "returned " + (in_words(result) if result is not None else "nothing")
            return Broken(BOTH, f"{evidence}.", "", event.request_id)
    return None
