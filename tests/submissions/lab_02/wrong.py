"""Lab 02: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_02

WRONG = [
    Wrong(
        "answers_as_a_dealer",
        "router",
        lab_02.ANSWERED,
        ("zmq.ROUTER", "zmq.DEALER"),
        ("address, _, _ready = router.recv_multipart()", "router.recv_multipart()"),
        ('[address, b"", task]', '[b"", task]'),
        says=("kinds of socket",),
    ),
    Wrong(
        "assigns_in_advance",
        "router",
        lab_02.LEFT_LAST,
        ("import zmq", "from collections import deque\n\nimport zmq"),
        (
            "left = iter(tasks)",
            """
            lists = [deque(tasks[n::n_workers]) for n in range(n_workers)]
            whose = {}
            """,
        ),
        (
            'task = next(left, b"")',
            """
            mine = whose.setdefault(address, lists[len(whose) % n_workers])
            task = mine.popleft() if mine else b""
            """,
        ),
    ),
    Wrong(
        "deals_by_push",
        "router",
        lab_02.ANSWERED,
        ("zmq.ROUTER", "zmq.PUSH"),
        ("address, _, _ready = router.recv_multipart()", ""),
        ('router.send_multipart([address, b"", task])', "router.send(task)"),
        says=("kinds of socket",),
    ),
    Wrong("drops_the_last", "router", lab_02.ONCE, ("iter(tasks)", "iter(tasks[:-1])")),
    Wrong(
        "forgets_delimiter",
        "router",
        lab_02.ANSWERED,
        ('[address, b"", task]', "[address, task]"),
        says=("an empty frame before it",),
    ),
    Wrong(
        "forgets_the_late_worker",
        "router",
        lab_02.STAYS,
        (
            """
            gone = 0
            while gone < n_workers:
                address, _, _ready = router.recv_multipart()
            """,
            """
            known, home = set(), set()
            while not known or known - home or len(known) < 2:
                address, _, _ready = router.recv_multipart()
                known.add(address)
            """,
        ),
        (
            'gone += task == b""',
            """
            if task == b"":
                home.add(address)
            """,
        ),
    ),
    Wrong(
        "hands_out_twice",
        "router",
        lab_02.ONCE,
        ("iter(tasks)", "(task for task in tasks for _ in range(2))"),
    ),
    Wrong(
        "knows_addresses_by_their_length",
        "router",
        lab_02.NO_BARRIER,
        (
            'task = next(left, b"")',
            """
            if len(address) != 5:
                continue
            task = next(left, b"")
            """,
        ),
    ),
    Wrong(
        "leaves_its_socket_open",
        "router",
        "feed closes its sockets",
        ("with ctx.socket(zmq.ROUTER) as router:", "router = ctx.socket(zmq.ROUTER)\nif True:"),
    ),
    Wrong(
        "naps",
        "router",
        lab_02.MAKESPAN,
        ("import zmq", "import time\n\nimport zmq"),
        ('task = next(left, b"")', 'time.sleep(0.05)\ntask = next(left, b"")'),
    ),
    Wrong("never_returns", "router", "feed returns", ("gone < n_workers", "True")),
    Wrong(
        "returns_with_the_last_task",
        "router",
        lab_02.SENT_HOME,
        ("gone = 0\nwhile gone < n_workers:", "for task in tasks:"),
        ('task = next(left, b"")', ""),
        ('gone += task == b""', ""),
    ),
    Wrong(
        "says_goodbye_twice",
        "router",
        lab_02.ONE_EACH,
        (
            'gone += task == b""',
            """
            if task == b"":
                router.send_multipart([address, b"", b""])
                gone += 1
            """,
        ),
    ),
    Wrong(
        "says_goodbye_twice_on_any_address",
        "router",
        lab_02.ONE_EACH,
        ("router.bind(endpoint)", 'router.bind(endpoint.replace("127.0.0.1", "*"))'),
        (
            'gone += task == b""',
            """
            if task == b"":
                router.send_multipart([address, b"", b""])
                gone += 1
            """,
        ),
    ),
    Wrong(
        "sends_one_home",
        "router",
        lab_02.SENT_HOME,
        ("gone = 0\nwhile gone < n_workers:", 'for task in [*tasks, b""]:'),
        ('task = next(left, b"")', ""),
        ('gone += task == b""', ""),
    ),
    Wrong(
        "sends_pairs",
        "router",
        lab_02.ONE_FRAME,
        ("import zmq", "from collections import deque\n\nimport zmq"),
        ("iter(tasks)", "deque(tasks)"),
        (
            """
            task = next(left, b"")
            router.send_multipart([address, b"", task])
            gone += task == b""
            """,
            """
            answer = [left.popleft() for _ in range(min(2, len(left)))] or [b""]
            router.send_multipart([address, b"", *answer])
            gone += answer == [b""]
            """,
        ),
    ),
    Wrong(
        "sends_text",
        "router",
        "feed runs without an error",
        ('[address, b"", task]', '[address, b"", task.decode().encode()]'),
    ),
    Wrong(
        "spins",
        "router",
        lab_02.NO_SPIN,
        (
            "address, _, _ready = router.recv_multipart()",
            """
            try:
                address, _, _ready = router.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                continue
            """,
        ),
    ),
    Wrong(
        "spins_in_a_thread",
        "router",
        lab_02.NO_SPIN,
        (
            "import zmq",
            """
            import contextlib
            import threading

            import zmq


            @contextlib.contextmanager
            def spinning():
                stop = threading.Event()

                def spin():
                    while not stop.is_set():
                        pass

                thread = threading.Thread(target=spin)
                thread.start()
                try:
                    yield
                finally:
                    stop.set()
                    thread.join()
            """,
        ),
        ("with ctx.socket(zmq.ROUTER)", "with spinning(), ctx.socket(zmq.ROUTER)"),
    ),
    Wrong(
        "takes_alike_tasks_for_one",
        "router",
        lab_02.ONCE + " (more workers than tasks)",
        ("iter(tasks)", "iter(dict.fromkeys(tasks))"),
    ),
    Wrong(
        "takes_turns",  # whoever asks: the quick wait for the slow
        "router",
        lab_02.MAKESPAN,
        ("import zmq", "from collections import deque\n\nimport zmq"),
        ("left = iter(tasks)", "left = deque(tasks)\nturns, asked, gone = deque(), set(), 0"),
        ("gone = 0", ""),
        (
            """
            task = next(left, b"")
            router.send_multipart([address, b"", task])
            gone += task == b""
            """,
            """
            asked.add(address)
            if address not in turns:
                turns.append(address)
            while turns and turns[0] in asked:
                asked.remove(turns[0])
                task = left.popleft() if left else b""
                router.send_multipart([turns[0], b"", task])
                turns.rotate(-1)
                if task == b"":
                    turns.pop()
                    gone += 1
            """,
        ),
    ),
    Wrong(
        "waits_for_all_first",
        "router",
        lab_02.NO_BARRIER,
        ("import zmq", "from collections import deque\n\nimport zmq"),
        (
            "router.bind(endpoint)",
            """
            router.bind(endpoint)
            waiting = deque(router.recv_multipart()[0] for _ in range(n_workers))
            """,
        ),
        (
            "address, _, _ready = router.recv_multipart()",
            "address = waiting.popleft() if waiting else router.recv_multipart()[0]",
        ),
    ),
    Wrong("worker_asks_after_the_end", "router", lab_02.ASKS, ("return done", "continue")),
    Wrong(
        "worker_asks_too_early",
        "router",
        lab_02.BEFORE,
        (
            """
            while True:
                req.send(b"READY")
                task = req.recv()
                if not task:
                    return done
                work(task)
                done += 1
            """,
            """
            req.send(b"READY")
            while task := req.recv():
                req.send(b"READY")
                work(task)
                done += 1
            return done
            """,
        ),
    ),
    Wrong("worker_binds", "router", lab_02.CONNECTS, ("req.connect", "req.bind")),
    Wrong("worker_counts_the_end", "router", lab_02.COUNTS, ("return done", "return done + 1")),
    Wrong(
        "worker_decodes",
        "router",
        "worker runs without an error",
        ("work(task)", "work(task.decode())"),
    ),
    Wrong("worker_does_nothing", "router", lab_02.WORKS, ("work(task)", "")),
    Wrong(
        "worker_gives_up",
        "router",
        "worker runs without an error",
        ("req.connect(endpoint)", "req.rcvtimeo = 100\nreq.connect(endpoint)"),
    ),
    Wrong(
        "worker_goes_home_by_itself",
        "router",
        lab_02.WORKS,
        ("req.connect(endpoint)", "req.linger = 0\nreq.rcvtimeo = 100\nreq.connect(endpoint)"),
        (
            "task = req.recv()",
            """
            try:
                task = req.recv()
            except zmq.Again:
                return done
            """,
        ),
        says=("A feed may come late",),
    ),
    Wrong("worker_makes_numbers", "router", lab_02.WORKS, ("not task:", 'not task.strip(b" 0"):')),
    Wrong(
        "worker_obeys_its_work",
        "router",
        lab_02.WORKS,
        ("work(task)", "if work(task) is False:\n    return done"),
        says=("what `work` returns does not matter",),
    ),
    Wrong("worker_returns_nothing", "router", lab_02.COUNTS, ("return done", "return")),
    Wrong("worker_says_its_name", "router", lab_02.ASKS, ('b"READY"', 'b"w1 READY"')),
    Wrong(
        "worker_takes_zero_for_the_end",
        "router",
        lab_02.WORKS,
        ("not task:", 'not task.strip(b"\\0"):'),
        says=("Only b",),
    ),
    Wrong(
        "worker_works_in_threads",
        "router",
        lab_02.BEFORE,
        ("import zmq", "import threading\n\nimport zmq"),
        ("done = 0", "threads = []"),
        (
            "return done",
            """
            for thread in threads:
                thread.join()
            return len(threads)
            """,
        ),
        (
            "work(task)\ndone += 1",
            """
            threads.append(threading.Thread(target=work, args=(task,)))
            threads[-1].start()
            """,
        ),
    ),
    Wrong(
        "worker_works_on_nothing",
        "router",
        lab_02.WORKS,
        (
            "if not task:\n    return done\nwork(task)",
            "work(task)\nif not task:\n    return done",
        ),
    ),
    Wrong(
        "worker_does_each_twice", "router", lab_02.WORKS, ("work(task)", "work(task), work(task)")
    ),
    Wrong(
        "worker_binds_a_class_of_its_own",
        "router",
        lab_02.CONNECTS,
        ("ctx.socket(zmq.REQ)", "ctx.socket(zmq.REQ, socket_class=zmq.Socket)"),
        (".connect(endpoint)", ".bind(endpoint)"),
    ),
]
