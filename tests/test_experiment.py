"""An experiment ends all that it began, says what went wrong, and says where."""

import asyncio
import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import threading
from types import SimpleNamespace

import pytest
import zmq
import zmq.asyncio

from zmqlab.record.arrivals import Arrivals, Connections
from zmqlab.run import experiment
from zmqlab.run.experiment import Experiment, assert_all_quiet
from zmqlab.run.interrupt import WholeWiths, put_off_interrupt
from zmqlab.run.threads import GaveUp, eventually
from zmqlab.run.where import place
from zmqlab.wire.tap import Tap


def worker(ctx, endpoint):
    """Take tasks until the context ends."""
    with ctx.socket(zmq.PULL) as tasks:
        tasks.connect(endpoint)
        while True:
            tasks.recv()


def echo(ctx, endpoint):
    with ctx.socket(zmq.REP) as rep:
        rep.connect(endpoint)
        while True:
            rep.send_multipart([*rep.recv_multipart(), str(os.getpid()).encode()])


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_threads_share_tasks_and_end_with_the_context(transport):
    with Experiment() as lab:
        endpoint = lab.endpoint(transport)
        push = lab.ctx.socket(zmq.PUSH)
        push.bind(endpoint)
        lab.start("w1", worker, endpoint)
        for _ in range(10):
            push.send(b"task")
        lab.until(lambda: lab.journal.counts().get("w1") == 10, what="ten tasks")
    assert lab.stuck == []
    assert lab.journal.counts("sent") == {"main": 10}
    assert push.closed
    assert_all_quiet()


def test_an_unknown_transport_is_named():
    with Experiment() as lab, pytest.raises(ValueError, match="'udp'; expected 'tcp'"):
        lab.endpoint("udp")


@pytest.mark.parametrize("binds_first", [True, False])
def test_an_endpoint_may_be_connected_before_it_is_bound(binds_first):
    with Experiment() as lab:
        endpoint = lab.endpoint()
        push, pull = lab.ctx.socket(zmq.PUSH), lab.ctx.socket(zmq.PULL)
        actions = [lambda: push.bind(endpoint), lambda: pull.connect(endpoint)]
        for action in actions if binds_first else reversed(actions):
            action()
        push.send(b"task")
        assert pull.recv() == b"task"


@pytest.mark.skipif(sys.platform != "linux", reason="ports are held on Linux only")
def test_a_port_is_held_for_its_experiment_and_free_after_it():
    with Experiment() as lab:
        port = int(lab.endpoint().rsplit(":", 1)[1])
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_the_result_of_a_thread():
    with Experiment() as lab:
        assert lab.start("w1", lambda ctx, n: n + 1, 41).result(5) == 42


def broken(ctx):
    raise ValueError("no such task")


def test_the_error_of_a_thread_is_raised_with_its_line():
    with pytest.raises(ValueError, match="no such task") as caught, Experiment() as lab:
        lab.start("w1", broken)
    assert caught.value.__notes__ == [
        "in w1, a thread of this experiment: line "
        f'{broken.__code__.co_firstlineno + 1} of broken: raise ValueError("no such task")'
    ]


def test_the_error_of_a_thread_ends_a_wait_at_once():
    with pytest.raises(ValueError, match="no such task"), Experiment() as lab:
        lab.start("w1", broken)
        lab.until(lambda: False, within=60, what="a miracle")


def test_an_error_in_the_with_comes_first_and_names_the_others():
    with pytest.raises(KeyError) as caught, Experiment() as lab:
        thread = lab.start("w1", broken)
        eventually(lambda: thread.done, 5, "the thread's end")
        raise KeyError("mine")
    assert "also in w1: ValueError('no such task'), line " in caught.value.__notes__[0]
    assert_all_quiet()


def test_sys_exit_in_a_thread_is_an_error_like_any_other():
    with pytest.raises(SystemExit), Experiment() as lab:
        lab.start("w1", lambda ctx: sys.exit(3))


def test_an_interrupt_leaves_nothing_behind():
    with pytest.raises(KeyboardInterrupt), Experiment() as lab:
        endpoint = lab.endpoint()
        push = lab.ctx.socket(zmq.PUSH)
        push.bind(endpoint)
        lab.start("w1", worker, endpoint)
        raise KeyboardInterrupt
    assert push.closed
    assert_all_quiet()


def interrupted(*_):
    raise KeyboardInterrupt


def test_an_interrupt_at_the_beginning_leaves_nothing_behind(monkeypatch):
    lab = Experiment()
    monkeypatch.setattr(lab._timer, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), lab:
        pass
    assert lab.ctx.closed
    assert_all_quiet()


class InterruptAt:
    """Interrupts the main thread at one of the points at which CPython looks for signals.

    These are the beginning of each function and the end of each call of one in C; jumps back, too,
    which are left out. A point is known by its line and by who called its function.
    """

    def __init__(self, point=None):
        self.point, self.points = point, {}

    def __call__(self, frame, event, arg):
        if event in ("call", "c_return"):
            caller = frame.f_back and frame.f_back.f_code
            here = (event, frame.f_code, frame.f_lineno, getattr(arg, "__name__", ""), caller)
            self.points[here] = None
            if here == self.point:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)


def short_life(profile):
    """An experiment with a socket and a worker behind a tap, watched for all of it."""
    sys.setprofile(profile)
    try:
        with Experiment() as lab, Tap(lab.endpoint()) as tap:
            push = lab.ctx.socket(zmq.PUSH)
            push.bind(lab.endpoint())
            lab.start("w1", worker, tap.endpoint)
    finally:
        sys.setprofile(None)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_at_any_point_leaves_nothing_behind(monkeypatch):
    # Python drops one that comes in the callback of a weak reference: nothing is interrupted then.
    monkeypatch.setattr(sys, "unraisablehook", lambda *_: None)
    whole = InterruptAt()
    short_life(whole)
    kept = []  # as a kernel keeps the last error, with all that its frames hold
    for point in whole.points:
        try:
            short_life(InterruptAt(point))
        except KeyboardInterrupt as error:
            kept[:] = [error]
        try:
            eventually(quiet, 5, "quiet")
        except GaveUp as error:
            error.add_note(f"after an interrupt at {point}")
            raise


def quiet():
    with contextlib.suppress(AssertionError):
        assert_all_quiet()
        return not [t for t in threading.enumerate() if t.name.startswith("tap ")]
    return False


def at_work_in(thread, code):
    """Whether a thread is in a call of a function with this code."""
    frame = sys._current_frames()[thread.ident]
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="pthread_kill is not known there")
@pytest.mark.parametrize("wait", [lambda task: task.result(5), lambda task: task.thread.join(5)])
def test_an_interrupt_while_a_thread_is_waited_for_does_not_end_it(wait):
    main = threading.main_thread()

    def interrupts(ctx):
        with ctx.socket(zmq.PULL) as pull:
            eventually(lambda: at_work_in(main, wait.__code__), 5, "the wait")
            signal.pthread_kill(main.ident, signal.SIGINT)
            pull.recv()

    with Experiment() as lab:
        task = lab.start("w1", interrupts)
        with pytest.raises(KeyboardInterrupt):
            wait(task)
        experiment._close_orphans(lab.ctx)
        assert not task.done
        assert lab.ctx.open_sockets() == ["w1's PULL"]
    assert task.done
    assert task.error is None
    assert_all_quiet()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("name", ["limit of experiment", "w1", "end of experiment"])
def test_an_interrupt_while_a_thread_starts_leaves_nothing_behind(monkeypatch, name):
    real, before = threading.Thread.start, set(threading.enumerate())

    def start(thread):
        if thread.name == name:
            signal.raise_signal(signal.SIGINT)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    lab = Experiment(grace=0.2)
    with pytest.raises(KeyboardInterrupt), lab:
        lab.start("w1", worker, lab.endpoint())
    assert lab.stuck == []
    assert lab.ctx.closed
    assert_all_quiet()
    eventually(lambda: set(threading.enumerate()) <= before, 5, "the threads to end")


@pytest.mark.usefixtures("interruptible")
def test_no_interrupt_is_lost_where_who_put_it_off_is_over_and_others_are_not():
    first, second = put_off_interrupt(), WholeWiths()
    first.on()
    second.on()
    first.off(sys._getframe())
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    second.off(sys._getframe())


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_for_the_end(monkeypatch):
    asked = []

    def join_threads():
        signal.raise_signal(signal.SIGINT)
        asked.append("to end")

    lab = Experiment()
    monkeypatch.setattr(lab, "_join_threads", join_threads)
    with pytest.raises(KeyboardInterrupt), lab:
        pass
    assert asked == ["to end"]
    assert lab.ctx.closed
    assert_all_quiet()


def test_an_interrupt_while_a_socket_is_made_leaves_nothing_behind(monkeypatch):
    kept = []

    def interrupted_with(socket):
        kept.append(socket)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Experiment(grace=0.2) as lab:
        monkeypatch.setattr(lab.ctx, "_add_socket", interrupted_with)
        lab.ctx.socket(zmq.PUSH)
    assert kept[0].closed
    assert_all_quiet()


def test_waiting_in_vain_says_for_what_and_where_the_threads_are():
    def waits(ctx):
        with ctx.socket(zmq.PULL) as pull:
            pull.recv()

    with Experiment() as lab:
        lab.start("w1", waits)
        with pytest.raises(GaveUp) as caught:
            lab.until(lambda: False, within=0.1, what="ten tasks")
    assert str(caught.value).startswith("gave up after 0.1 s waiting for ten tasks\nw1 is at line ")
    assert str(caught.value).endswith("of waits: pull.recv()")


def spin(ctx):
    while True:
        pass


def test_a_busy_loop_is_stopped_and_named(capsys):
    with Experiment(grace=0.1) as lab:
        lab.start("w1", spin)
    assert lab.stuck[0].startswith(
        "w1 did not end within 0.1 s of its Context's end; it was stopped there: line "
    )
    assert "of spin: " in lab.stuck[0]
    assert capsys.readouterr().err == lab.stuck[0] + "\n"
    assert_all_quiet()


def swallows_at_work(ctx):
    while True:
        try:  # noqa: SIM105 (as learners write it)
            [1].index(1)
        except:  # noqa: E722
            pass


def swallows_in_a_wait(ctx):
    never = threading.Event()
    while True:
        try:  # noqa: SIM105 (as learners write it)
            never.wait(0.01)
        except:  # noqa: E722
            pass


def swallows_the_end_of_its_context(ctx):
    with ctx.socket(zmq.PULL) as pull:
        while True:
            try:
                pull.recv()
            except BaseException:
                continue


def swallows_twice(ctx):
    while True:
        try:  # noqa: SIM105 (as learners write it)
            swallows_in_a_wait(ctx)
        except:  # noqa: E722
            pass


@pytest.mark.slow
@pytest.mark.parametrize(
    "function",
    [swallows_at_work, swallows_in_a_wait, swallows_the_end_of_its_context, swallows_twice],
)
def test_what_swallows_every_error_is_stopped_all_the_same(function):
    with Experiment(grace=0.1) as lab:
        lab.start("w1", function)
        lab.start("w2", function)
    assert [" it was stopped there: line " in line for line in lab.stuck] == [True, True]
    assert_all_quiet()


async def closes_its_socket(ctx, begun):
    with zmq.asyncio.Context.shadow(ctx.underlying).socket(zmq.PULL) as pull:
        begun.set()
        await pull.recv()


async def leaves_its_socket_open(ctx, begun):
    pull = zmq.asyncio.Context.shadow(ctx.underlying).socket(zmq.PULL)
    begun.set()
    await pull.recv()


async def awaits_again_whatever_comes(ctx, begun):
    with zmq.asyncio.Context.shadow(ctx.underlying).socket(zmq.PULL) as pull:
        while True:
            try:
                begun.set()
                await pull.recv()
            except BaseException:
                continue


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Unclosed (socket|context)")  # also of tests before it
@pytest.mark.parametrize(
    "receive", [closes_its_socket, leaves_its_socket_open, awaits_again_whatever_comes]
)
def test_an_event_loop_that_nobody_wakes_is_stopped(receive, caplog):
    """Its Context's end wakes nobody who awaits a message of a zmq.asyncio.Socket."""

    def runs(ctx):
        asyncio.run(receive(ctx, begun))

    caplog.set_level(logging.CRITICAL, "asyncio")  # pytest keeps an error with all its frames
    begun = threading.Event()
    with Experiment(grace=0.1) as lab:
        loop = lab.start("w1", runs).thread
        select = selectors.DefaultSelector.select.__code__
        lab.until(lambda: begun.is_set() and at_work_in(loop, select), what="the loop to wait")
    assert " it was stopped there: line " in lab.stuck[0]
    assert lab.over
    assert_all_quiet()


def test_what_cannot_be_stopped_is_named_until_it_ends(capsys):
    gate = threading.Lock()
    gate.acquire()

    def deaf(ctx):
        gate.acquire()

    with Experiment(grace=0.1) as lab:
        lab.start("w1", deaf)
    assert (
        "could not be stopped within 1 s, is left behind and still runs: line"
        in capsys.readouterr().err
    )
    with pytest.raises(AssertionError, match=r"thread w1, at line .* of deaf: gate\.acquire\(\)"):
        assert_all_quiet()
    gate.release()
    eventually(lambda: lab.over, 5, "the thread's end")
    assert_all_quiet()


def test_a_socket_that_a_thread_left_open_does_not_keep_the_experiment():
    left = []

    def careless(ctx):
        left.append(ctx.socket(zmq.PULL))

    with Experiment() as lab:
        lab.start("w1", careless)
    assert left[0].closed
    assert_all_quiet()


@pytest.mark.slow
def test_a_message_for_nobody_does_not_keep_the_experiment():
    with Experiment(grace=0.2) as lab:
        push = lab.ctx.socket(zmq.PUSH)
        push.linger = -1
        push.connect(lab.endpoint())
        push.send(b"for nobody")
    assert_all_quiet()


def test_a_call_that_waits_for_ever_ends_with_the_limit():
    with pytest.raises(GaveUp) as caught, Experiment(limit=0.1) as lab:
        push = lab.ctx.socket(zmq.PUSH)
        push.bind(lab.endpoint())
        push.send(b"for nobody")
    assert "ended after its limit of 0.1 s; it waited in line" in str(caught.value)
    assert str(caught.value).endswith('push.send(b"for nobody")')
    assert_all_quiet()


@pytest.mark.slow
def test_a_process_works_is_killed_and_is_gone():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with lab.ctx.socket(zmq.REQ) as req:
            req.rcvtimeo = 20_000
            req.bind(endpoint)
            child = lab.spawn("w1", echo, endpoint)
            req.send(b"who?")
            assert req.recv_multipart() == [b"who?", str(child.pid).encode()]
            child.kill()
            assert not child.alive
    assert_all_quiet()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not known there")
def test_a_frozen_process_goes_on_where_it_was():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with lab.ctx.socket(zmq.REQ) as req:
            req.bind(endpoint)
            child = lab.spawn("w1", echo, endpoint)
            req.send(b"1")
            req.recv()
            child.stop()
            req.recv()
            req.send(b"2")
            assert not req.poll(50)
            child.resume()
            assert req.poll(20_000)


@pytest.mark.slow
def test_the_error_of_a_process_is_raised():
    message = "w1, a process, ended with ValueError: no such task"
    with pytest.raises(RuntimeError, match=message), Experiment() as lab:
        lab.spawn("w1", broken)
        lab.until(lambda: False, within=20, what="a miracle")


@pytest.mark.slow
def test_a_process_ends_with_its_experiment_even_when_frozen():
    with Experiment() as lab:
        child = lab.spawn("w1", worker, lab.endpoint())
        child.stop()
    assert not child.alive


def test_arrivals_counts_handshakes_and_farewells():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        push = lab.ctx.socket(zmq.PUSH)
        here = Arrivals(push)
        push.bind(endpoint)
        assert here.count == 0
        pulls = [lab.ctx.socket(zmq.PULL) for _ in range(3)]
        for pull in pulls:
            pull.connect(endpoint)
        here.wait(3, patience=5)
        pulls[0].close()
        eventually(lambda: here.count == 2, 5, "one to leave")


def test_arrivals_says_how_many_came():
    with Experiment() as lab:
        push = lab.ctx.socket(zmq.PUSH)
        here = Arrivals(push)
        push.bind(lab.endpoint())
        with pytest.raises(TimeoutError, match=r"0 of 2 peers connected within 0\.01 s"):
            here.wait(2, patience=0.01)


def test_arrivals_do_not_meet_those_of_a_closed_socket():
    """pyzmq names a monitor by its socket's descriptor, which is free before the name is."""
    with Experiment() as lab, lab.ctx.socket(zmq.PAIR) as former, lab.ctx.socket(zmq.PUSH) as push:
        former.bind(f"inproc://monitor.s-{push.FD}")
        assert Arrivals(push).count == 0


def take_one(ctx, endpoint):
    with ctx.socket(zmq.PULL) as tasks:
        tasks.connect(endpoint)
        return tasks.recv()


@pytest.mark.slow
def test_what_is_sent_after_an_arrival_does_not_go_to_a_peer_that_has_left():
    """Without Arrivals' look at the socket, one in seven went into the queue of the dead."""
    for _ in range(20):
        with Experiment() as lab, lab.ctx.socket(zmq.PUSH) as push:
            endpoint = lab.endpoint()
            here = Arrivals(push)
            push.bind(endpoint)
            for task in (b"first", b"second"):
                taker = lab.start("w1", take_one, endpoint)
                here.wait(1, patience=5)
                push.send(task)
                assert taker.result(within=5) == task
                lab.until(lambda here=here: here.count == 0, within=5, what="it to be gone")


def test_a_bare_connection_is_not_an_arrival():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        push = lab.ctx.socket(zmq.PUSH)
        here = Arrivals(push)
        push.bind(endpoint)
        with socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1]))) as stranger:
            stranger.recv(1)  # the greeting has begun: the connection stands
            assert here.count == 0


def test_a_probe_that_leaves_does_not_take_an_arrival_away():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        push = lab.ctx.socket(zmq.PUSH)
        here = Arrivals(push)
        push.bind(endpoint)
        lab.start("w1", worker, endpoint)
        here.wait(1, patience=5)
        with socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1]))) as probe:
            probe.shutdown(socket.SHUT_WR)
            while probe.recv(100):  # until the PUSH has ended it, and has told its monitor
                pass
        assert here.count == 1


ACCEPTED, SUCCEEDED = zmq.EVENT_ACCEPTED, zmq.EVENT_HANDSHAKE_SUCCEEDED
FAILED, ENDED = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED


@pytest.mark.parametrize(
    ("events", "peers"),
    [
        ([(ACCEPTED, 7)], 0),
        ([(ACCEPTED, 7), (SUCCEEDED, 0)], 1),
        ([(ACCEPTED, 7), (SUCCEEDED, 0), (ENDED, 7)], 0),
        ([(ACCEPTED, 7), (SUCCEEDED, 0), (ACCEPTED, 8), (FAILED, 32), (ENDED, 8)], 1),
        ([(ACCEPTED, 7), (SUCCEEDED, 0), (ACCEPTED, 8), (ENDED, 8)], 1),
        ([(ACCEPTED, 7), (ACCEPTED, 8), (SUCCEEDED, 0), (FAILED, 32), (ENDED, 7)], 1),
        ([(ACCEPTED, 7), (ACCEPTED, 8), (SUCCEEDED, 0), (FAILED, 32), (ENDED, 8)], 1),
        ([(ACCEPTED, 7), (ACCEPTED, 8), (SUCCEEDED, 0), (ENDED, 8)], 0),
        ([(ACCEPTED, 7), (ACCEPTED, 8), (SUCCEEDED, 0), (SUCCEEDED, 0), (ENDED, 8)], 1),
        ([(ACCEPTED, 7), (SUCCEEDED, 0), (ENDED, 7), (ACCEPTED, 7), (SUCCEEDED, 0)], 1),
        ([(ACCEPTED, 7), (SUCCEEDED, 0), (ACCEPTED, 7), (SUCCEEDED, 0)], 1),
        ([(ACCEPTED, 7), (SUCCEEDED, 0), (ACCEPTED, 7)], 0),
    ],
)
def test_each_connection_has_its_own_handshake_and_its_own_end(events, peers):
    connections = Connections()
    for event in events:
        connections.note(*event)
    assert connections.peers == peers


def test_eventually_returns_at_once_and_fails_in_time():
    eventually(lambda: True, 0, "nothing")
    with pytest.raises(GaveUp, match=r"gave up after 0\.01 s waiting for the moon"):
        eventually(lambda: False, 0.01, "the moon")


def test_without_recording_there_is_no_journal_to_fill():
    with Experiment(record=False) as lab:
        push, pull = lab.ctx.socket(zmq.PUSH), lab.ctx.socket(zmq.PULL)
        endpoint = lab.endpoint("inproc")
        push.bind(endpoint)
        pull.connect(endpoint)
        push.send(b"")
        pull.recv()
    assert len(lab.journal) == 0


def test_a_frame_between_two_lines_is_at_its_function():
    """CPython says None for the line of a running thread now and then."""

    def between():
        pass

    frame = SimpleNamespace(f_code=between.__code__, f_lineno=None, f_back=None)
    line = between.__code__.co_firstlineno
    assert place(frame) == f"line {line} of between: def between():"


def test_a_thread_that_ends_the_context_over_its_own_open_socket_ends_too():
    def ends_it(ctx):
        with ctx.socket(zmq.PUSH) as push:
            ctx.term()
            push.close()

    with Experiment() as lab:
        task = lab.start("w1", ends_it)
        lab.until(lambda: lab.ctx.terminating, what="the thread to wait for the end")
    assert task.done
    assert_all_quiet()


def test_a_connecting_socket_counts_its_peer_too():
    def pull(ctx, endpoint):
        with ctx.socket(zmq.PULL) as tasks:
            tasks.bind(endpoint)
            tasks.recv()

    with Experiment() as lab, lab.ctx.socket(zmq.PUSH) as push:
        endpoint, there = lab.endpoint(), Arrivals(push)
        push.connect(endpoint)
        lab.start("w1", pull, endpoint)
        there.wait(1, patience=5)
        assert there.count == 1
        push.send(b"the last")
        lab.until(lambda: there.count == 0, what="w1 to be gone")


def test_a_process_failure_is_told_without_colours(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a kernel does; Python 3.13 colours tracebacks

    def fails(ctx):
        raise ValueError("no such task")

    def run():
        with Experiment() as lab:
            process = lab.spawn("w1", fails)
            eventually(lambda: not process.alive, within=20, what="the process to end")

    with pytest.raises(RuntimeError, match="ended with ValueError: no such task"):
        run()
