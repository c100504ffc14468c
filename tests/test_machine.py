"""Was it the machine? On figures written by hand, and on threads of this process."""

import subprocess
import sys
import threading

import pytest

from zmqlab.check import machine
from zmqlab.check.machine import Used, Watch, busy_part, out_of_turn, starved
from zmqlab.run.threads import eventually

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="threads are seen on Linux alone")


def test_a_thread_that_waits_is_not_busy_however_loaded_the_machine_is():
    waits = {1: Used(5.0, 1.0)}
    assert busy_part(waits, {1: Used(5.01, 1.0)}, 1.0) == pytest.approx(0.01)
    assert busy_part(waits, {1: Used(5.01, 1.5)}, 1.0) == pytest.approx(0.02)


def test_a_thread_that_only_stands_in_line_for_a_processor_is_busy():
    assert busy_part({1: Used(5.0, 1.0)}, {1: Used(5.1, 1.9)}, 1.0) == pytest.approx(1.0)
    assert busy_part({1: Used(5.0, 1.0)}, {1: Used(5.1, 2.1)}, 1.0) == 1.0


def test_the_busiest_thread_counts_and_who_has_ended_does_not():
    before = {1: Used(0.0, 0.0), 2: Used(0.0, 0.0), 3: Used(0.0, 0.0)}
    assert busy_part(before, {1: Used(0.1, 0.0), 2: Used(0.4, 0.0)}, 1.0) == pytest.approx(0.4)


def test_who_stands_in_line_all_the_time_is_waited_for():
    before = {1: Used(5.0, 1.0)}
    assert starved(before, {1: Used(5.0, 1.0, wants_to_run=True)}, 0.6)
    assert not starved(before, {1: Used(5.0, 1.0, wants_to_run=False)}, 0.6)
    assert not starved(before, {1: Used(5.1, 1.4, wants_to_run=True)}, 0.6)
    assert not starved(before, {}, 0.6)


def test_a_thread_that_wants_little_and_gets_it_late_speaks_of_the_machine():
    before = {1: Used(5.0, 1.0), 2: Used(0.0, 0.0)}
    assert out_of_turn(before, {1: Used(5.1, 4.0), 2: Used(0.0, 0.0)}, 4.0) == 3.0
    assert out_of_turn(before, {1: Used(5.1, 2.0), 2: Used(0.0, 0.0)}, 4.0) == 0.0


def test_a_thread_that_never_waits_stands_in_line_by_its_own_fault():
    assert out_of_turn({1: Used(5.0, 1.0)}, {1: Used(6.0, 4.0)}, 4.0) == 0.0


def test_threads_that_came_or_went_meanwhile_are_not_asked():
    assert out_of_turn({1: Used(5.0, 1.0)}, {2: Used(0.0, 4.0)}, 4.0) == 0.0
    assert out_of_turn({}, {}, 4.0) == 0.0


class Spinner:
    """A thread that spins until it is told to wait, and waits until it is told to end."""

    def __enter__(self):
        self.waits, self.ends = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, name="spinner")
        self.thread.start()
        return self

    def _run(self):
        while not self.waits.is_set():
            pass
        self.ends.wait()

    def __exit__(self, *error):
        self.waits.set()
        self.ends.set()
        self.thread.join()


@needs_proc
def test_a_watch_sees_whether_threads_that_came_since_wait():
    watch = Watch()
    assert watch.rests()
    with Spinner() as spinner:
        eventually(lambda: not watch.rests(), within=5, what="it to spin")
        assert Watch().rests(), "one that was there before is none of this watch's"
        spinner.waits.set()
        eventually(watch.rests, within=5, what="it to wait")


@needs_proc
def test_a_lap_tells_what_its_threads_have_run_since_it_began():
    watch = Watch()
    with Spinner() as spinner:
        lap = watch.lap([spinner.thread])
        others = watch.lap([threading.current_thread()])
        eventually(lambda: lap.ran > 0.05, within=10, what="it to run")
        assert lap.busy > 0
        assert others.ran == 0, "only the threads that it was given"


@needs_proc
def test_a_watch_sees_another_process_too():
    watch = Watch()
    words = [sys.executable, "-c", "while not input(): pass\nwhile True: pass"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, text=True) as process:
        watch.pids = [process.pid]
        try:
            eventually(watch.rests, within=10, what="it to wait for a line")
            process.stdin.write("go\n")
            process.stdin.flush()
            eventually(lambda: not watch.rests(), within=10, what="it to spin")
        finally:
            process.kill()


@needs_proc
def test_a_watch_of_other_processes_alone_sees_none_of_this_one():
    watch = Watch(here=False)
    with Spinner():
        assert watch.look() == {}
        assert watch.rests()


@pytest.mark.parametrize(("state", "rests"), [("S", True), ("R", False), ("D", False)])
def test_who_waits_for_the_disk_does_not_rest(monkeypatch, state, rests):
    watch = Watch()
    monkeypatch.setattr(machine, "_threads", lambda pid: [1])
    monkeypatch.setattr(machine, "_state", lambda about: state)
    assert watch.rests() == rests


def test_where_nothing_tells_the_machine_is_at_leisure(monkeypatch):
    monkeypatch.setattr("os.listdir", lambda path: [])
    watch = Watch()
    assert watch.look() == {}
    assert watch.rests()
    assert watch.lap().late == 0
