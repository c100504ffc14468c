"""Histories written by hand, for the rules of labs 01 to 03."""

from zmqlab.check.call import Call
from zmqlab.check.pipeline import History, Mark
from zmqlab.record.journal import Hop, Journal, SocketNote


def ended(error=None, seconds=1.0, value=None) -> Call:
    """A call that began at 100 s and has ended so many seconds later."""
    call = Call("feed", lambda: None)
    call.state = "raised" if error else "returned"
    call.value, call.error = value, error
    call.started, call.ended = 100.0, 100.0 + seconds
    call._done.set()
    return call


def hung(seconds=6.0) -> Call:
    """A call that had not ended after so many seconds."""
    call = Call("feed", lambda: None)
    call.state, call.waited, call.where = "running", seconds, "line 7 of feed: while True: pass"
    return call


def journal(*hops, kind="PULL", bound=(), start=0.0) -> Journal:
    """A hop a second: (who, way, *frames)."""
    notes = {}
    found = []
    for n, (who, way, *frames) in enumerate(hops):
        note = notes.setdefault(who, SocketNote(len(notes) + 1, who, kind, bound=list(bound)))
        moment = start + n
        found.append(Hop(moment, who, note, way, tuple(frames), moment))
    return Journal.of(found)


def received(*hops) -> Journal:
    """What workers got, in order: (who, task)."""
    return journal(*((who, "received", task) for who, task in hops))


def marks(what, *who, at=99.0) -> list[Mark]:
    """The same mark for several, all at one moment."""
    return [Mark(at, name, what) for name in who]


def dealt(tasks, *hops, gone=True, **more) -> History:
    """A feed that has dealt these tasks, and what each worker got, who all took all there was."""
    names = sorted({"w1", "w2", *(who for who, _ in hops)})
    noted = [*marks("came", *names), *marks("connected", *names)]
    noted += marks("gone", *names) if gone else []
    return History(
        **{"call": ended(), "tasks": tasks, "workers": received(*hops)} | more, marks=noted
    )


def verdicts(findings) -> list[str]:
    """The verdict of each finding."""
    return [finding.verdict for finding in findings]


def verdict(findings) -> str:
    """The verdict of the one finding."""
    (finding,) = findings
    return finding.verdict
