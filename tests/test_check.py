"""What all checkers share: reports, and a learner's code that does anything at all."""

import asyncio
import functools
import re
import sys
import threading
import time
from html import escape

import pytest
import zmq

from zmqlab import check
from zmqlab.check import report as reports
from zmqlab.check.call import Call, brief, said
from zmqlab.check.judge import Scenario, Trial, judge, together, uncallable
from zmqlab.check.report import Finding, Report, failed, in_situation, passed, undecided
from zmqlab.record.journal import Hop, Journal, SocketNote
from zmqlab.run.experiment import assert_all_quiet
from zmqlab.run.threads import eventually

# ------------------------------------------------------------------ reports


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (["passed"], "passed"),
        (["passed", "passed"], "passed"),
        (["passed", "undecided"], "undecided"),
        (["undecided", "failed", "passed"], "failed"),
        ([], "undecided"),
    ],
)
def test_a_report_is_as_good_as_its_worst_finding(verdicts, verdict):
    report = Report("lab00", tuple(Finding("rule", v, "seen") for v in verdicts))
    assert report.verdict == verdict
    assert bool(report) is (verdict == "passed")


def test_a_report_reads_as_plain_text():
    report = Report(
        "lab00",
        (
            passed("tasks arrive", "2 of 2"),
            failed("none twice", "task 7 came twice\nby w1, w2", "look here\nand there"),
            undecided("the rest", "not tried"),
        ),
        printed="hello\nworld",
    )
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "lab00: failed",
        "  ✓ passed    tasks arrive",
        "              2 of 2",
        "  ✗ failed    none twice",
        "              task 7 came twice",
        "              by w1, w2",
        "              → look here",
        "                and there",
        "  ? undecided the rest",
        "              not tried",
        "",
        "Printed meanwhile:",
        "  hello",
        "  world",
    ]


def test_a_report_in_a_notebook_says_verdicts_in_words_and_escapes_what_it_shows():
    html = Report("lab00", (failed("a < b", "<script>", "&"),), printed="<b>")._repr_html_()
    assert "✗&nbsp;failed" in html
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_there_is_a_column_of_hints_where_there_are_any():
    right, wrong = passed("a", "seen"), failed("b", "seen", "look here")
    assert "Where to look" not in Report("lab00", (right,))._repr_html_()
    assert "Where to look" in Report("lab00", (right, wrong))._repr_html_()
    assert "></th>" not in Report("lab00", (right, wrong))._repr_html_()  # each column has a name


def story() -> Journal:
    push = SocketNote(1, "feed", "PUSH", bound=["tcp://here"])
    pull = SocketNote(2, "w1", "PULL", connected=["tcp://here"])
    return Journal.of(
        [
            Hop(1.0, "feed", push, "sent", (b"task 7",), 1.0),
            Hop(2.0, "w1", pull, "received", (b"task 7",), 1.5),
        ]
    )


def test_the_first_failure_with_a_story_is_told_and_drawn():
    findings = (
        Finding("fine", "passed", "", story=story()),
        failed("none twice", "task 7 came twice"),
        failed("in order", "task 7 was late", story=story()),
    )
    report = Report("lab00", findings)
    assert "What the sockets did:" in str(report)
    assert "task 7" in str(report).split("What the sockets did:")[1]
    html = report._repr_html_()
    assert 'src="data:image/png;base64,' in html
    assert 'alt="' in html


def test_a_story_is_titled_with_what_was_seen_and_not_with_what_went_well():
    seen = "w1 got task 8 of w2.\nasked for: task 7"
    report = Report("lab00", (failed("to each its own", seen, story=story()),))
    told = str(report).split("What the sockets did:")[1]
    assert told.splitlines()[1].strip() == "w1 got task 8 of w2"
    shown = report._repr_html_()
    assert 'alt="w1 got task 8 of w2. Space-time diagram' in shown
    assert "All 1 messages" not in shown
    assert "The message was received" not in shown


def test_of_a_long_story_what_failed_is_shown():
    push = SocketNote(1, "feed", "PUSH", bound=["tcp://here"])
    pull = SocketNote(2, "w1", "PULL", connected=["tcp://here"])
    tasks = [b"task %d" % n for n in range(100)]
    hops = [
        hop
        for n, task in enumerate(tasks)
        for hop in (
            Hop(n, "feed", push, "sent", (task,), n),
            Hop(n + 0.5, "w1", pull, "received", (task,), n),
        )
    ]
    wrong = failed("rule", "task 70 was wrong", "", Journal.of(hops), [b"task 70"])
    assert 'w1  "task 70"' in str(Report("lab00", (wrong,)))
    assert 'w1  "task 0"' not in str(Report("lab00", (wrong,)))


def test_who_got_nothing_has_a_line_in_the_picture_if_the_finding_names_it(monkeypatch):
    lines = []
    monkeypatch.setattr(
        "zmqlab.show.plots.space_time", lambda _ax, _journal, *, who, **_more: lines.append(who)
    )
    names = ["feed", "w1", "w2"]
    told = Report("lab00", (failed("even", "w2 got none", story=story(), who=names),))
    told._repr_html_()
    Report("lab00", (failed("even", "w2 got none", story=story()),))._repr_html_()
    assert lines == [names, None]
    assert 'w1  "task 7"' in str(told)


def test_a_story_that_cannot_be_drawn_costs_nothing_but_the_picture(monkeypatch):
    class Broken(Journal):
        def messages(self):
            raise RuntimeError("no")

    report = Report("lab00", (failed("rule", "seen", story=Broken.of(story().hops)),))
    assert str(report).startswith("lab00: failed")
    assert "seen" in report._repr_html_()


def test_a_report_that_passed_shows_no_story():
    assert "sockets did" not in str(Report("lab00", (Finding("r", "passed", "", story=story()),)))


def test_two_findings_of_the_same_words_are_equal_whatever_their_stories():
    assert failed("r", "e", story=story()) == failed("r", "e")


def test_rules_in_another_situation_are_one_line_if_all_were_kept():
    kept = [passed("a", "2 of 2"), passed("b", "none")]
    assert in_situation("no tasks", kept) == [passed("no tasks", "2 of 2, and the same rules")]
    assert in_situation("no tasks", kept[:1]) == [passed("no tasks", "2 of 2")]
    assert in_situation("no tasks", [*kept, failed("c", "1")]) == [failed("c (no tasks)", "1")]


# ------------------------------------------------------------------ what is handed in

FEED = "feed(ctx, endpoint)"


def three(ctx, endpoint, more):
    pass


async def coroutine(ctx, endpoint):
    pass


def generator(ctx, endpoint):
    yield


async def stream(ctx, endpoint):
    yield


class Callable:
    def __call__(self, ctx, endpoint):
        pass

    def method(self, ctx, endpoint):
        pass


@pytest.mark.parametrize(
    ("handed", "rule"),
    [
        (None, "feed is a function"),
        (..., "feed is a function"),
        (7, "feed is a function"),
        ("feed", "feed is a function"),
        (three, "feed can be called as feed(ctx, endpoint)"),
        (lambda: None, "feed can be called as feed(ctx, endpoint)"),
        (coroutine, "feed is a plain function"),
        (generator, "feed is a plain function"),
        (stream, "feed is a plain function"),
    ],
)
def test_what_cannot_be_called_is_not(handed, rule):
    finding = uncallable(FEED, handed)
    assert finding.rule == rule
    assert judge("lab00", {FEED: handed}, []).verdict == "failed"


@pytest.mark.parametrize(
    "handed",
    [
        Callable(),
        Callable().method,
        functools.partial(three, more=1),
        lambda *args: None,
        lambda ctx, endpoint="", more=None: None,
        print,
        dict.get,
    ],
)
def test_what_can_be_called_can_be_called(handed):
    assert uncallable(FEED, handed) is None


# ------------------------------------------------------------------ whatever it does


def calls(function, seconds=0.5, **options) -> Report:
    """The report on one call of feed(ctx, endpoint), with so many seconds to return."""

    def once(feed):
        call = Call("feed", feed)
        with Trial("once", grace=0.3, **options) as lab:
            lab.start("feed", call, lab.endpoint("inproc"))
            call.wait(seconds)
        return [call.problem() or passed("feed returns", "")]

    return judge("lab00", {FEED: function}, [Scenario("once", once)])


def failure(report: Report) -> Finding:
    assert report.verdict == "failed", str(report)
    return next(finding for finding in report.findings if finding.verdict == "failed")


def test_a_function_that_returns_is_fine():
    assert calls(lambda ctx, endpoint: 7)


def error(ctx, endpoint):
    return [][0]


def leaves(ctx, endpoint):
    sys.exit(3)


def interrupts(ctx, endpoint):
    raise KeyboardInterrupt


def dies_deep(ctx, endpoint):
    with ctx.socket(zmq.PUSH) as push:
        push.setsockopt(zmq.LINGER, "long")


class Mute(Exception):
    def __str__(self):
        raise ValueError


def mute(ctx, endpoint):
    raise Mute


@pytest.mark.parametrize(
    ("function", "said", "line"),
    [
        (error, "IndexError: list index out of range", "return [][0]"),
        (leaves, "SystemExit: 3", "sys.exit(3)"),
        (interrupts, "KeyboardInterrupt", "raise KeyboardInterrupt"),
        (dies_deep, "TypeError: ", 'push.setsockopt(zmq.LINGER, "long")'),
        (mute, "Mute: (its text cannot be shown)", "raise Mute"),
    ],
)
def test_an_error_is_told_in_two_lines_with_the_learners_own(function, said, line):
    finding = failure(calls(function))
    assert finding.rule == "feed runs without an error"
    first, second = finding.evidence.splitlines()
    assert first.startswith(f"feed raised {said}")
    assert (
        second.startswith(f"at line {function.__code__.co_firstlineno + 1} of ") or line in second
    )
    assert second.endswith(line)


def test_a_hole_is_not_done_yet():
    def feed(ctx, endpoint):
        raise NotImplementedError("feed is yours to write: replace this line with your code.")

    report = calls(feed)
    assert [f.evidence for f in report.findings] == ["feed is not done yet."]

    def half(ctx, endpoint):
        endpoint.upper()
        raise NotImplementedError("later")

    assert failure(calls(half)).evidence == "feed is not done yet."


def test_of_several_holes_each_is_named():
    def feed(ctx, endpoint):
        raise NotImplementedError("feed is yours to write: replace this line with your code.")

    def worker(ctx):
        raise NotImplementedError("worker is yours to write: replace this line with your code.")

    report = judge("lab00", {FEED: feed, "worker(ctx)": worker}, [])
    assert [f.evidence for f in report.findings] == [
        "feed is not done yet.",
        "worker is not done yet.",
    ]


def busy(ctx, endpoint):
    while True:
        pass


def busy_worker(ctx, endpoint, work):
    busy(ctx, endpoint)


def receives(ctx, endpoint):
    with ctx.socket(zmq.PULL) as pull:
        pull.bind(endpoint)
        pull.recv()


def deadlock(ctx, endpoint):
    lock = threading.Lock()
    lock.acquire()
    while not lock.acquire(timeout=0.01):
        pass


def swallows_all(ctx, endpoint):
    while True:
        try:
            with ctx.socket(zmq.PULL) as pull:
                pull.bind(endpoint)
                pull.recv()
        except:  # noqa: E722
            pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "line"),
    [(busy, ""), (receives, "pull.recv()"), (deadlock, "lock.acquire"), (swallows_all, "")],
)
def test_what_does_not_return_is_stopped_and_its_line_named(function, line):
    began = time.monotonic()
    finding = failure(calls(function))
    assert time.monotonic() - began < 5
    assert finding.rule == "feed returns"
    assert f" of {function.__name__}: " in finding.evidence
    assert line in finding.evidence
    assert_all_quiet()


@pytest.mark.slow
def test_what_cannot_be_stopped_is_left_behind_and_named():
    gate = threading.Event()

    def waits_in_c(ctx, endpoint):
        gate.wait()

    try:
        report = calls(waits_in_c)
        assert "gate.wait()" in failure(report).evidence
        left = next(f for f in report.findings if f.rule == "no thread is left running")
        assert left.evidence.startswith("The thread feed could not be stopped.")
    finally:
        gate.set()


def polls(ctx, endpoint):
    with ctx.socket(zmq.PULL) as pull:
        pull.bind(endpoint)
        while not pull.poll(5):
            pass


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="nothing else tells of threads")
@pytest.mark.parametrize(
    ("function", "asks"),
    [
        (busy, "It waits for nothing"),
        (receives, "What does that line wait for"),
        (deadlock, "What does that line wait for"),
        (polls, "What does that line wait for"),
    ],
)
def test_the_hint_tells_a_wait_from_a_loop_that_never_waits(function, asks):
    assert failure(calls(function)).hint.startswith(asks)


def test_where_nothing_tells_what_a_thread_did_the_hint_asks_for_both(monkeypatch):
    monkeypatch.setattr("zmqlab.check.call.used_by_all", dict)
    hint = failure(calls(busy, seconds=0.1)).hint
    assert "wait for" in hint
    assert "loop" in hint


def test_a_coroutine_in_disguise_is_told(recwarn):
    finding = failure(calls(lambda ctx, endpoint: coroutine(ctx, endpoint)))
    assert finding.rule == "feed is a plain function"
    finding = failure(calls(lambda ctx, endpoint: generator(ctx, endpoint)))
    assert finding.rule == "feed is a plain function"
    assert not recwarn.list


def test_a_plain_function_may_run_coroutines_inside():
    assert calls(lambda ctx, endpoint: asyncio.run(coroutine(ctx, endpoint)))


def forgets(ctx, endpoint):
    ctx.socket(zmq.PUSH).bind(endpoint)


kept = []


def keeps(ctx, endpoint):
    kept.append(ctx.socket(zmq.PUSH))


@pytest.mark.parametrize("function", [forgets, keeps])
def test_a_socket_left_open_is_named(function):
    finding = failure(calls(function))
    assert finding.rule == "feed closes its sockets"
    assert "feed's PUSH" in finding.evidence
    kept.clear()


class Own(zmq.Socket):
    """A socket class of the learner's own."""


@pytest.mark.parametrize("own", [Own, zmq.Socket])
def test_a_socket_of_a_class_of_ones_own_may_be_used_and_is_watched(own):
    def right(ctx, endpoint):
        with ctx.socket(zmq.PUSH, own) as push:
            push.bind(endpoint)
        with ctx.socket(zmq.PUSH, socket_class=own) as push:
            push.connect(endpoint)

    def forgets_it(ctx, endpoint):
        ctx.socket(zmq.PUSH, own).bind(endpoint)

    def keeps_it(ctx, endpoint):
        kept.append(ctx.socket(zmq.PUSH, socket_class=own))

    assert calls(right)
    for wrong in (forgets_it, keeps_it):
        finding = failure(calls(wrong))
        assert finding.rule == "feed closes its sockets"
        assert "PUSH" in finding.evidence
        kept.clear()


def watches(ctx, endpoint):
    with ctx.socket(zmq.PUSH) as push:
        push.get_monitor_socket()
        push.bind(endpoint)


def test_a_monitor_closes_with_its_socket():
    assert calls(watches)


def test_the_context_is_the_callers():
    finding = failure(calls(lambda ctx, endpoint: ctx.term()))
    assert finding.rule == "feed leaves the context to its caller"


def starts_threads(ctx, endpoint):
    def goes_on():
        while True:
            time_passes.wait(0.01)

    for _ in range(5):
        threading.Thread(target=goes_on).start()


time_passes = threading.Event()


# Where the garbage collector is at work in such a thread, the first attempt to stop it is lost.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_threads_left_running_are_stopped_and_named():
    finding = failure(calls(starts_threads))
    assert finding.rule == "no thread is left running"
    assert "of goes_on: " in finding.evidence
    assert finding.evidence.endswith("… and 2 more")


def test_a_thread_that_ends_with_the_context_is_not_left_running():
    def starts(ctx, endpoint):
        def pulls():
            with ctx.socket(zmq.PULL) as pull:
                pull.bind(endpoint)
                pull.recv()

        threading.Thread(target=pulls).start()

    assert calls(starts)


def test_what_is_printed_is_kept_for_the_report_up_to_a_limit(capsys):
    def prints(ctx, endpoint):
        print("hello")
        print("x" * 10_000, file=sys.stderr)

    report = calls(prints)
    assert report.printed.startswith("hello\nx")
    assert report.printed.endswith("… and 6007 more characters")
    assert capsys.readouterr() == ("", "")


def test_the_death_of_a_learners_thread_is_one_line():
    def starts(ctx, endpoint):
        def dies():
            raise ValueError("here")

        thread = threading.Thread(target=dies, name="helper")
        thread.start()
        thread.join()

    report = calls(starts)
    assert report.printed.startswith("helper died of ValueError: here, at line ")
    assert report.printed.endswith('of dies: raise ValueError("here")')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lab", "functions"),
    [
        (check.lab01, [lambda ctx, endpoint, n_workers, tasks, patience: busy(ctx, endpoint)]),
        (check.lab02, [lambda ctx, endpoint, tasks, n_workers: busy(ctx, endpoint), busy_worker]),
        (check.lab03, [lambda ctx, one, other, tasks, patience: swallows_all(ctx, one)]),
    ],
    ids=["lab01", "lab02", "lab03"],
)
def test_a_lab_ends_within_its_limit_whatever_it_is_handed(lab, functions):
    limit = int(re.search(r"at most (\d+)\.", lab.__doc__)[1])
    began = time.monotonic()
    finding = failure(lab(*functions))
    assert time.monotonic() - began < limit
    assert "It was at line" in finding.evidence or "feed was at line" in finding.evidence
    assert_all_quiet()


# ------------------------------------------------------------------ calls that go on


def test_a_call_that_goes_on_and_ends_with_its_context_is_right():
    call = Call("broker", receives)
    with Trial("broker") as lab:
        lab.start("broker", call, lab.endpoint("inproc"))
        assert not call.wait(0.05)
        assert call.early_end() is None
    assert call.late_end() is None


def test_a_call_that_ends_before_its_context_is_told():
    call = Call("broker", lambda ctx: 7)
    with Trial("broker") as lab:
        lab.start("broker", call)
        assert call.wait(5)
        assert "returned 7 while its context was still there" in call.early_end().evidence


def test_a_call_that_outlives_its_context_is_told():
    call = Call("broker", lambda ctx: busy(ctx, ""))
    with Trial("broker", grace=0.1) as lab:
        lab.start("broker", call)
        assert not call.wait(0.05)
    assert "went on, at line" in call.late_end().evidence


def test_a_call_without_a_context_runs_in_a_thread_of_its_own():
    call = Call("wrap", lambda a, b: (a, b, threading.current_thread().name)).run(1, 2, within=5)
    assert call.value == (1, 2, "wrap")
    assert call.problem() is None


def test_a_call_knows_what_the_processor_did_for_it():
    def works():
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    assert Call("works", works).run(within=5).cpu >= 0.05
    assert Call("idle", lambda: threading.Event().wait(0.05)).run(within=5).cpu < 0.05


def test_a_call_that_raised_and_holds_its_context_is_told():
    def fails(ctx):
        kept.append(zmq.Context.shadow(ctx.underlying).socket(zmq.PUSH))
        raise ValueError

    call = Call("feed", fails)
    with Trial("feed", grace=0.1) as lab:
        lab.start("feed", call)
        assert call.wait(5)
        lab.end()
        assert "a socket in it is still open" in call.context_held(lab.over).evidence
        kept.pop().close(0)
        eventually(lambda: lab.over, 5, "the end of its context")
        assert call.context_held(lab.over) is None


# ------------------------------------------------------------------ scenarios


def test_what_is_undecided_runs_once_more_where_that_is_asked_for():
    tries = iter([[passed("a", ""), undecided("b", "")], [passed("a", ""), passed("b", "")]] * 2)
    late = Scenario("late", lambda feed: next(tries), again=True)
    assert judge("lab00", {FEED: lambda ctx, endpoint: None}, [late]).verdict == "passed"
    late = Scenario("late", lambda feed: next(tries))
    assert judge("lab00", {FEED: lambda ctx, endpoint: None}, [late]).verdict == "undecided"


def test_scenarios_run_as_long_as_they_pass():
    ran = []

    def scenario(name, *findings):
        return Scenario(name, lambda feed: ran.append(name) or findings)

    report = judge(
        "lab00",
        {FEED: lambda ctx, endpoint: None},
        [
            scenario("one", passed("a", "")),
            scenario("two", passed("b", ""), failed("c", ""), passed("d", "")),
            scenario("three", passed("e", "")),
            scenario("four", passed("f", "")),
        ],
    )
    assert ran == ["one", "two"]
    assert [f.rule for f in report.findings] == ["a", "b", "c", "d", "not tried yet"]
    assert report.findings[-1].evidence == "three\nfour"


def test_an_error_of_the_check_itself_judges_nobody():
    report = judge(
        "lab00", {FEED: lambda ctx, endpoint: None}, [Scenario("one", lambda feed: [1 / 0])]
    )
    assert report.verdict == "undecided"
    assert "The check itself failed: ZeroDivisionError" in report.findings[0].evidence


def test_a_pass_is_noted_and_nothing_else(monkeypatch):
    noted = []

    def record(lab):
        noted.append(lab)
        return ""

    monkeypatch.setattr("zmqlab.learn.progress.record", record)
    for finding in (failed("r", ""), undecided("r", ""), passed("r", "")):
        judge("lab00", {}, [Scenario("one", lambda finding=finding: [finding])])
    assert noted == ["lab00"]


def test_a_pass_that_cannot_be_noted_is_a_pass_and_says_so(monkeypatch):
    def full(lab):
        raise OSError("disk <full>")

    def refuses(lab):
        return "This pass was not noted: no & such place."

    for record, words in ((full, "OSError: disk <full>"), (refuses, "no & such place.")):
        monkeypatch.setattr("zmqlab.learn.progress.record", record)
        report = judge("lab00", {}, [Scenario("one", lambda: [passed("r", "")])])
        assert report
        assert words in str(report)
        assert escape(words, quote=False) in report._repr_html_()


# ------------------------------------------------------------------ small things


def test_anything_has_a_short_repr():
    class Odd:
        def __repr__(self):
            raise ValueError

    assert brief(b"task") == "b'task'"
    assert len(brief("x" * 1000)) < 100
    assert "Odd" in brief(Odd())


def test_an_error_is_said_in_one_line():
    assert said(ValueError("one\n  two")) == "ValueError: one two"
    assert said(KeyboardInterrupt()) == "KeyboardInterrupt"


def test_journals_are_told_together_and_by_frame():
    one, two = Journal.of(story().hops[:1]), Journal.of(story().hops[1:])
    assert [hop.who for hop in together(two, one)] == ["feed", "w1"]
    assert len(together(one, two, frames=[b"task 8"])) == 0
    assert len(together(one, two, frames=[b"task 7"])) == 2


def test_what_the_package_gives():
    assert {"lab01", "lab02", "lab03", "Report", "Finding"} <= set(check.__all__)
    assert all(hasattr(check, name) for name in check.__all__)
    assert set(reports.MARK) == {"passed", "failed", "undecided"}
