"""Lab 10: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import deaths, service

JOINS = "if worker not in heard:\n    idle.append(worker)"
HEARD = "heard[worker] = time.monotonic()"
HOLDS = "if held[worker][:end] == frames[:end]:"
JUDGE = "now - at > interval * liveness"
EXPIRED = f"for worker in [w for w, at in heard.items() if {JUDGE}]:"
LEFT = "again.append(held.pop(worker))"
SELECT = "ready, _, _ = zmq.select(sockets, [], [], max(0, beat_at - time.monotonic()))"
BEATS = "for worker in heard:"
READ = "while workers.poll(0):"
STRANGER = "if worker not in heard and frames != [READY]:\n    continue"
GIVE = "held[worker] = request\nworkers.send_multipart([worker, *request])"
TAKE = """if idle and clients in ready:
    request = clients.recv_multipart()
    if b"" in request[1:-1]:
        worker = idle.popleft()
        held[worker] = request
        workers.send_multipart([worker, *request])"""
WORKS = "broker.send_multipart([*frames[:body], *work(frames[body:], beat)])"
DUE = "if time.monotonic() - beaten >= interval:"
SILENT = "if time.monotonic() - heard > patience:\n    return"
WAITS = "while there is nothing to do"

# the plays that must see it, where the whole check takes long
QUIET, DIE, STILL = "a quiet while", "workers die", "the queue stands still"
SERVES = "a worker"
WORKS_LONG = "workers that wait, work for long, or have lost their queue"

WRONG = [
    # the queue: whose turn it is
    Wrong(
        "a_heartbeat_is_ready",
        "plain",
        deaths.ONE,
        (JOINS, "if frames == [BEAT] or worker not in heard:\n    idle.append(worker)"),
    ),
    Wrong(
        "a_heartbeat_moves_to_the_back",
        "plain",
        deaths.LONGEST,
        (JOINS, f"{JOINS}\nelif worker in idle:\n    idle.remove(worker)\n    idle.append(worker)"),
    ),
    Wrong(
        "a_second_ready_is_queued_twice",
        "plain",
        deaths.ONE,
        (JOINS, "if frames == [READY]:\n    idle.append(worker)"),
    ),
    Wrong(
        "the_newest_idle_one_first",
        "plain",
        deaths.LONGEST,
        (TAKE, TAKE.replace("popleft", "pop")),
    ),
    Wrong(
        "any_reply_frees_the_worker",
        "plain",
        (deaths.ONE, deaths.ANYTHING),
        (HOLDS, "if True:"),
    ),
    Wrong(
        "reads_with_nobody_idle",
        "plain",
        deaths.UNREAD,
        ("sockets = [workers, clients] if idle else [workers]", "sockets = [workers, clients]"),
        (
            TAKE,
            """
            if clients in ready:
                request = clients.recv_multipart()
                if b"" in request[1:-1]:
                    again.append(request)
            """,
        ),
    ),
    Wrong(
        "spins",
        "plain",
        WAITS,
        (
            "zmq.select(sockets, [], [], max(0, beat_at - time.monotonic()))",
            "zmq.select(sockets, [], [], 0)",
        ),
    ),
    Wrong(
        "spins_while_requests_wait",
        "plain",
        WAITS,
        ("sockets = [workers, clients] if idle else [workers]", "sockets = [workers, clients]"),
    ),
    # what is handed on
    Wrong(
        "assumes_one_address",
        "plain",
        deaths.ANYBODY,
        ('if b"" in request[1:-1]:', 'if request[1:2] == [b""] and request[2:]:'),
    ),
    Wrong(
        "joins_the_body",
        "plain",
        deaths.ANYBODY,
        (
            GIVE,
            """
            end = request.index(b"", 1) + 1
            request = [*request[:end], b"".join(request[end:])]
            held[worker] = request
            workers.send_multipart([worker, *request])
        """,
        ),
    ),
    Wrong(
        "passes_everything_on", "plain", deaths.ANYTHING, ('if b"" in request[1:-1]:', "if True:")
    ),
    Wrong(
        "dies_of_an_odd_message",
        "plain",
        deaths.ANYTHING,
        ('if b"" in request[1:-1]:', 'assert b"" in request[1:-1]\nif True:'),
    ),
    # heartbeats
    Wrong(
        "heartbeats_to_idle_ones_only",
        "plain",
        deaths.BEATS,
        (BEATS, "for worker in idle:"),
        play=QUIET,
    ),
    Wrong(
        "heartbeats_only_when_something_arrives",
        "plain",
        deaths.BEATS,
        (SELECT, "ready, _, _ = zmq.select(sockets, [], [])"),
        play=QUIET,
    ),
    Wrong(
        "heartbeats_whenever_something_arrives",
        "plain",
        deaths.BEATS,
        ("if now >= beat_at:", "if True:"),
        play=DIE,
    ),
    # who is dead
    Wrong(
        "evicts_after_one_interval", "plain", deaths.LIVES, (JUDGE, "now - at > interval"), play=DIE
    ),
    Wrong("never_evicts", "plain", deaths.DEAD, (JUDGE, "False"), play=DIE),
    Wrong(
        "evicts_only_the_first",
        "plain",
        deaths.DEAD,
        ("heard.items() if now", "[*heard.items()][:1] if now"),
        play=DIE,
    ),
    Wrong(
        "looks_no_further_than_the_first_living",
        "plain",
        deaths.DEAD,
        ("import time\nfrom", "import itertools\nimport time\nfrom"),
        (
            EXPIRED,
            """
            dead = itertools.takewhile(lambda w: now - heard[w] > interval * liveness, heard)
            for worker in list(dead):
            """,
        ),
        play=DIE,
    ),
    Wrong(
        "never_evicts_busy_ones",
        "plain",
        deaths.DEAD,
        (JUDGE, f"{JUDGE} and w not in held"),
        play=DIE,
    ),
    Wrong(
        "evicts_busy_ones_that_heartbeat",
        "plain",
        deaths.LIVES,
        (HEARD, f"if frames != [BEAT] or worker not in held:\n    {HEARD}"),
        play=DIE,
    ),
    Wrong(
        "counts_silent_polls",
        "plain",
        deaths.DEAD,
        (HEARD, "heard[worker] = 0"),
        (
            SELECT,
            """
            ready, _, _ = zmq.select(sockets, [], [], interval)
            if not ready:
                heard = {w: n + 1 for w, n in heard.items()}
            """,
        ),
        (JUDGE, "at > liveness"),
        play=DIE,
    ),
    Wrong(
        "judges_before_it_has_read",
        "plain",
        deaths.READS,
        (READ, "if workers in ready:"),
        play=STILL,
    ),
    Wrong(
        "judges_between_poll_and_read",
        "plain",
        deaths.READS,
        (
            READ,
            f"""
            now = time.monotonic()
            {EXPIRED}
                del heard[worker]
                if worker in held:
                    again.append(held.pop(worker))
                else:
                    idle.remove(worker)
            {READ}""",
        ),
        play=STILL,
    ),
    Wrong(
        "registers_by_the_first_frame",
        "plain",
        deaths.STRANGER,
        (STRANGER, STRANGER.replace("frames != [READY]", "frames[0] != READY")),
    ),
    Wrong(
        "hears_heartbeats_alone",
        "plain",
        (deaths.LIVES, deaths.ONE),
        (HEARD, f"if worker not in heard or frames == [BEAT]:\n    {HEARD}"),
        play=DIE,
    ),
    Wrong(
        "evicts_the_busy_alone", "plain", deaths.DEAD, (JUDGE, f"w in held and {JUDGE}"), play=DIE
    ),
    Wrong("evicts_at_twice_the_time", "plain", deaths.DEAD, (JUDGE, f"{JUDGE} * 2"), play=DIE),
    Wrong("registers_by_heartbeat", "plain", deaths.STRANGER, (STRANGER, "pass")),
    Wrong(
        "takes_the_dead_back_by_a_heartbeat",
        "plain",
        deaths.DEAD,
        (
            "heard, idle, held, again = {}, deque(), {}, deque()",
            "heard, idle, held, again, once = {}, deque(), {}, deque(), set()",
        ),
        (
            "if worker not in heard and frames != [READY]:",
            "if worker not in heard and worker not in once and frames != [READY]:",
        ),
        (HEARD, f"{HEARD}\nonce.add(worker)"),
        play=DIE,
    ),
    Wrong(
        "goes_on_sending_to_the_evicted",
        "plain",
        deaths.DEAD,
        (
            "heard, idle, held, again = {}, deque(), {}, deque()",
            "heard, idle, held, again, once = {}, deque(), {}, deque(), set()",
        ),
        (HEARD, f"{HEARD}\nonce.add(worker)"),
        (BEATS, "for worker in once:"),
        play=DIE,
    ),
    Wrong(
        "leaves_the_dead_in_the_line",
        "plain",
        (deaths.DEAD, deaths.HANDED),
        ("idle.remove(worker)", "pass"),
        play=DIE,
    ),
    Wrong(
        "loses_the_request_of_the_dead",
        "plain",
        deaths.HANDED,
        (LEFT, "held.pop(worker)"),
        play=DIE,
    ),
    Wrong(
        "puts_the_request_of_the_dead_at_the_end",
        "plain",
        deaths.HANDED,
        ("while idle and again:", "while idle and again and not clients.poll(0):"),
        play=DIE,
    ),
    Wrong(
        "passes_the_late_reply_on",
        "plain",
        deaths.LATE,
        (
            STRANGER,
            f"""
            if worker not in heard and b"" in frames:
                clients.send_multipart(frames)
            {STRANGER.replace(chr(10), chr(10) + " " * 12)}
        """,
        ),
        play=DIE,
    ),
    Wrong(
        "the_evicted_never_come_back",
        "plain",
        deaths.BACK,
        (
            "heard, idle, held, again = {}, deque(), {}, deque()",
            "heard, idle, held, again, gone = {}, deque(), {}, deque(), set()",
        ),
        (
            "if worker not in heard and frames != [READY]:",
            "if worker in gone or (worker not in heard and frames != [READY]):",
        ),
        ("del heard[worker]", "del heard[worker]\ngone.add(worker)"),
        play=DIE,
    ),
    # its sockets, its end
    Wrong(
        "leaves_its_sockets_open",
        "plain",
        "queue closes its sockets",
        (
            "with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:",
            """
            clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.ROUTER)
            if True:
            """,
        ),
    ),
    Wrong(
        "queue_knows_no_liveness",
        "plain",
        "queue can be called as",
        ("backend, interval, liveness):", "backend, interval):\n    liveness = 3"),
    ),
    # the worker
    Wrong(
        "a_helper_heartbeats",
        "work_in_a_second_thread",
        service.SILENT,
        (
            """
            while (news := labourer.recv_multipart()) == [b"beat"]:
                if time.monotonic() - said >= interval:
                    said = time.monotonic()
                    broker.send(BEAT)
            """,
            """
            news = [b"beat"]
            while news == [b"beat"]:
                if labourer.poll(1000 * interval):
                    news = labourer.recv_multipart()
                if time.monotonic() - said >= interval:
                    said = time.monotonic()
                    broker.send(BEAT)
            """,
        ),
        play=WORKS_LONG,
    ),
    Wrong(
        "beat_does_nothing",
        "plain",
        service.CALLS,
        ("*work(frames[body:], beat)", "*work(frames[body:], lambda: None)"),
        play=WORKS_LONG,
    ),
    Wrong(
        "beat_floods", "plain", (service.CALLS, service.IDLE), (DUE, "if True:"), play=WORKS_LONG
    ),
    Wrong(
        "says_nothing_while_idle",
        "plain",
        service.IDLE,
        (
            "            beat()\n        beat()\n",
            "            beaten = time.monotonic()\n        beaten = time.monotonic()\n",
        ),
        play=WORKS_LONG,
    ),
    Wrong(
        "spins_while_idle",
        "plain",
        WAITS,
        (
            "while broker.poll(max(0, 1000 * (beaten + interval - time.monotonic()))):",
            "while broker.poll(0):",
        ),
        play=SERVES,
    ),
    Wrong("never_says_ready", "plain", service.FIRST, ("broker.send(READY)", "pass"), play=SERVES),
    Wrong(
        "says_ready_once_only",
        "plain",
        (service.FIRST, service.ANEW),
        ("while True:\n    with", "first = True\nwhile True:\n    with"),
        ("broker.send(READY)", "if first:\n    broker.send(READY)\nfirst = False"),
        play=WORKS_LONG,
    ),
    Wrong(
        "says_ready_on_the_old_socket",
        "plain",
        service.FIRST,
        (
            SILENT,
            """
            if time.monotonic() - heard > patience:
                broker.send(READY)
                heard = time.monotonic()
            """,
        ),
        play=WORKS_LONG,
    ),
    Wrong("stays_for_ever", "plain", service.ANEW, (SILENT, "pass"), play=WORKS_LONG),
    Wrong(
        "comes_back_once",
        "plain",
        (service.ANEW, service.REPLY),
        ("while True:\n    with", "for _ in range(2):\n    with"),
        play=WORKS_LONG,
    ),
    Wrong(
        "judges_after_long_work",
        "plain",
        service.UNREAD_BEATS,
        (
            f"{WORKS}\n    heard = time.monotonic()",
            f"{WORKS}\nif time.monotonic() - heard > patience:\n    return",
        ),
        play=WORKS_LONG,
    ),
    Wrong(
        "only_heartbeats_are_signs_of_life",
        "plain",
        service.STAYS,
        (
            "heard = time.monotonic()\nframes = broker.recv_multipart()",
            """
            frames = broker.recv_multipart()
            if frames == [BEAT]:
                heard = time.monotonic()
            """,
        ),
        (f"{WORKS}\n    heard = time.monotonic()", WORKS),
        play=WORKS_LONG,
    ),
    Wrong(
        "two_at_once",
        "plain",
        service.SINGLE,
        (
            "import time\nfrom",
            "import time\nfrom concurrent.futures import ThreadPoolExecutor\nfrom",
        ),
        (
            "while True:\n    while broker.poll(",
            "pool, at_work = ThreadPoolExecutor(), []\nwhile True:\n    while broker.poll(",
        ),
        ("1000 * (beaten + interval - time.monotonic())", "20"),
        (WORKS, "at_work.append((frames[:body], pool.submit(work, frames[body:], beat)))"),
        (
            SILENT,
            """
            for way, answer in [task for task in at_work if task[1].done()]:
                at_work.remove((way, answer))
                broker.send_multipart([*way, *answer.result()])
            if time.monotonic() - heard > patience:
                return
            """,
        ),
        play=SERVES,
    ),
    Wrong(
        "keeps_one_address",
        "plain",
        service.REPLY,
        ("*frames[:body], *work", 'frames[0], b"", *work'),
        play=SERVES,
    ),
    Wrong(
        "joins_the_reply",
        "plain",
        service.REPLY,
        ("*work(frames[body:], beat)", 'b"".join(work(frames[body:], beat))'),
        play=SERVES,
    ),
    Wrong(
        "joins_what_is_asked",
        "plain",
        service.BODY,
        ("work(frames[body:], beat)", 'work([b"".join(frames[body:])], beat)'),
        play=SERVES,
    ),
    Wrong(
        "splits_at_the_last_empty_frame",
        "plain",
        service.BODY,
        ('body = frames.index(b"") + 1', 'body = len(frames) - frames[::-1].index(b"")'),
        play=SERVES,
    ),
    Wrong(
        "answers_twice",
        "plain",
        service.REPLY,
        (WORKS, f"for _ in range(2):\n    {WORKS}"),
        play=SERVES,
    ),
]
