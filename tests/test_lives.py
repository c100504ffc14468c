"""Lives: steps are counted whatever a program calls, and it dies before the one that was named."""

import asyncio
import os
import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import zmq
import zmq.asyncio

from zmqlab.run import Experiment, Lives, eventually
from zmqlab.run.lives import FORKS

pytestmark = pytest.mark.slow

ROWS = "SELECT count(*) FROM t"


def over(*lives, within=30):
    eventually(lambda: all(life.over for life in lives), within, "the end of all lives")


def kinds(life):
    return [step.kind for step in life.steps]


@pytest.fixture(params=[True, False] if FORKS else [False], ids=["forked", "started"])
def forks(request):
    return request.param


def three_rows(ctx, path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (n)")
        for number in range(3):
            db.execute("INSERT INTO t VALUES (?)", (number,))
            db.commit()


def test_a_step_is_not_taken_and_those_before_it_are(tmp_path, forks):
    """CREATE, then three times BEGIN, INSERT, COMMIT: from before the fifth on one is there."""
    with Lives(three_rows, forks=forks) as lives:
        numbers = [1, 2, 4, 5, 8, 11]
        begun = [lives.begin(str(tmp_path / str(n)), kill_before=n) for n in numbers]
        over(*begun)
    before = [str(life.killed_before).split()[0] for life in begun[:-1]]
    assert before == ["CREATE", "BEGIN", "COMMIT", "BEGIN", "BEGIN"]
    assert begun[-1].killed_before is None
    assert [len(life.steps) for life in begun] == [0, 1, 3, 4, 7, 10]
    there = []
    for number in numbers[1:]:
        with sqlite3.connect(tmp_path / str(number)) as db:
            there += db.execute(ROWS).fetchone()
        db.close()
    assert there == [0, 0, 1, 2, 3]


def test_threads_may_begin_lives_at_once(tmp_path):
    """Each has its own: killed before its own step, with its own steps."""
    together = threading.Barrier(8)

    def begin(number):
        together.wait()
        return lives.begin(str(tmp_path / str(number)), kill_before=number)

    with Lives(three_rows) as lives, ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            begun = list(pool.map(begin, range(1, 9)))
            over(*begun)
            assert [len(life.steps) for life in begun] == list(range(8))
            for path in tmp_path.iterdir():
                path.unlink()


def test_every_way_to_a_connection_is_counted():
    from sqlite3 import connect

    class Mine(sqlite3.Connection):
        pass

    told = []

    def program(ctx):
        connect(":memory:").execute("SELECT 1")
        sqlite3.Connection(":memory:").cursor().executescript("SELECT 2; SELECT 3")
        sqlite3.connect(":memory:", factory=Mine).execute("SELECT 4")
        sqlite3.connect(":memory:", 5.0, 0, None, True).execute("SELECT 5")
        mine = sqlite3.connect(":memory:")
        mine.set_trace_callback(told.append)
        mine.execute("SELECT 6")
        assert told == ["SELECT 6"]

    with Lives(program) as lives:
        life = lives.begin()
        over(life)
    assert life.failure == "it returned"
    assert [str(step).rstrip(";") for step in life.steps] == [f"SELECT {n}" for n in range(1, 7)]


def test_syncs_are_counted(tmp_path):
    from os import fsync

    def program(ctx, path):
        with open(path, "wb") as file:
            os.fsync(file.fileno())
            os.fdatasync(file.fileno())
            fsync(file)

    with Lives(program) as lives:
        life = lives.begin(str(tmp_path / "file"))
        over(life)
    assert kinds(life) == ["fsync"] * 3


def echo(ctx, endpoint):
    """Answer by whole messages, then frame by frame, then from an event loop."""
    with ctx.socket(zmq.ROUTER) as socket:
        socket.bind(endpoint)
        socket.send_multipart(socket.recv_multipart())
        frames = [socket.recv()]
        while socket.get(zmq.RCVMORE):
            frames.append(socket.recv(copy=False).bytes)
        for frame in frames[:-1]:
            socket.send(frame, zmq.SNDMORE)
        socket.send(frames[-1])

        async def in_a_loop():
            shadow = zmq.asyncio.Socket(shadow=socket)
            await shadow.send_multipart(await shadow.recv_multipart())

        asyncio.run(in_a_loop())
        socket.recv()


def test_a_message_is_one_step_however_it_is_sent_and_received():
    with Experiment() as lab, Lives(echo) as lives:
        endpoint = lab.endpoint()
        life = lives.begin(endpoint)
        with lab.ctx.socket(zmq.DEALER) as peer:
            peer.connect(endpoint)
            for _ in range(3):
                peer.send_multipart([b"two", b"frames"])
                assert peer.poll(30_000)
                peer.recv_multipart()
    assert kinds(life) == ["receive", "send"] * 3
    assert {step.what[1:] for step in life.steps} <= {(b"two", b"frames"), ()}
    assert life.steps[0].what[1:] == life.steps[1].what[1:] == (b"two", b"frames")
    assert {step.endpoint for step in life.steps} == {endpoint}


def answers(ctx, endpoint):
    with ctx.socket(zmq.REP) as socket:
        socket.bind(endpoint)
        while True:
            socket.send(socket.recv())


@pytest.mark.parametrize(("step", "answered"), [(2, []), (4, [b"one"]), (5, [b"one", b"two"])])
def test_what_was_sent_before_the_kill_has_left(step, answered):
    with Experiment() as lab, Lives(answers) as lives:
        endpoint = lab.endpoint()
        life = lives.begin(endpoint, kill_before=step)
        with lab.ctx.socket(zmq.DEALER) as peer:
            peer.connect(endpoint)
            for body in b"one", b"two", b"three":
                peer.send_multipart([b"", body])
            over(life)
            got = []
            while len(got) < len(answered) and peer.poll(30_000):
                got += peer.recv_multipart()[1:]
            assert got == answered
            assert not peer.poll(0)


def test_a_send_tells_how_what_was_written_is_kept(tmp_path):
    def program(ctx, path):
        with ctx.socket(zmq.PAIR) as out:
            out.bind("inproc://out")
            with ctx.socket(zmq.PAIR) as to:
                to.connect("inproc://out")
                only_reads = sqlite3.connect(path, isolation_level=None)
                only_reads.execute("PRAGMA synchronous = OFF")
                only_reads.close()
                aside = sqlite3.connect(":memory:", isolation_level=None)
                aside.execute("CREATE TABLE t (n)")
                aside.execute("INSERT INTO t VALUES (1)")
                db = sqlite3.connect(path)
                db.text_factory, db.row_factory = bytes, dict
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                db.execute("CREATE TABLE t (n)")
                out.send(b"nothing written")
                db.execute("INSERT INTO t VALUES (1)")
                out.send(b"written")
                db.commit()
                db.execute("PRAGMA synchronous = FULL")
                thread = threading.Thread(target=out.send, args=[b"by another thread"])
                thread.start()
                thread.join()
                db.close()
                out.send(b"closed")
                db = sqlite3.connect(path, isolation_level=None)
                db.execute("INSERT INTO t VALUES (2)")
                db.execute("PRAGMA synchronous = OFF")
                del db
                out.send(b"let go")

    with Lives(program) as lives:
        life = lives.begin(str(tmp_path / "db"))
        over(life)
    sends = [step for step in life.steps if step.kind == "send"]
    stores = [(), ((1, "wal"),), ((2, "wal"),), ((2, "wal"),), ((0, "wal"), (2, "wal"))]
    assert [step.stores for step in sends] == stores
    assert not any(str(step) == "PRAGMA synchronous" for step in life.steps)  # its own


def test_how_a_life_ended_by_itself():
    def raises(ctx):
        raise ValueError("too few")

    def returns(ctx):
        pass

    def aborts(ctx):
        os.abort()

    for function, said in (
        (raises, r"ValueError: too few, at line \d+ of raises"),
        (returns, "it returned"),
        (aborts, "it ended by SIGABRT"),
    ):
        with Lives(function) as lives:
            life = lives.begin()
            over(life)
            assert re.match(said, life.failure)
            assert life.killed_before is None


def test_a_function_that_cannot_be_had_elsewhere_says_why():
    class Lost:
        def __reduce__(self):
            return (__import__, ("there_is_no_such_module",))

    lost, lock = Lost(), threading.Lock()
    with Lives(lambda ctx: lost) as lives:
        life = lives.begin()
        over(life)
        assert life.failure.startswith("ModuleNotFoundError: No module named 'there_is_no")
    with pytest.raises(TypeError, match="lock"):
        Lives(lambda ctx: lock)


def goes_on(ctx, path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    while True:
        threading.Event().wait(60)


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_leaving_ends_them_all_and_kill_ends_one(tmp_path, forks):
    paths = [tmp_path / str(n) for n in range(3)]
    with Lives(goes_on, forks=forks) as lives:
        begun = [lives.begin(str(path)) for path in paths]
        eventually(
            lambda: all(path.exists() and path.read_text() for path in paths), 30, "their pids"
        )
        pids = [int(path.read_text()) for path in paths]
        assert not any(life.over for life in begun)
        begun[1].kill()
        assert [life.over for life in begun] == [False, True, False]
        assert begun[1].failure == ""
        assert not is_there(pids[1])
    eventually(lambda: not any(map(is_there, pids)), 30, "the end of all of them")


@pytest.mark.skipif(not FORKS, reason="no fork here")
def test_they_end_with_whoever_has_begun_them(tmp_path):
    path = tmp_path / "pid"
    lives = Lives(goes_on)
    with lives:
        lives.begin(str(path))
        eventually(lambda: path.exists() and path.read_text(), 30, "its pid")
        lives._made._orders.close()  # as when the kernel dies
        eventually(lambda: not is_there(int(path.read_text())), 30, "its end")
