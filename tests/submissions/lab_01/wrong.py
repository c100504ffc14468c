"""Lab 01: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_01

WRONG = [
    Wrong(
        "adds_a_frame",
        "plain",
        lab_01.ARRIVES,
        ("push.send(task)", 'push.send_multipart([b"", task])'),
    ),
    Wrong(
        "connects",
        "plain",
        lab_01.BINDS,
        (
            "gather(push, endpoint, n_workers, patience)",
            """
            push.connect(endpoint)
            push.sndtimeo = int(patience * 1000)
            """,
        ),
    ),
    Wrong(
        "counts_accepted", "plain", lab_01.EVEN + lab_01.LATE, ("HANDSHAKE_SUCCEEDED", "ACCEPTED")
    ),
    Wrong(
        "counts_the_missing",
        "plain",
        lab_01.SAYS,
        ("{came} of {wanted} workers came", "{wanted - came} missing"),
    ),
    Wrong(
        "deals_by_another_thread",
        "plain",
        lab_01.ARRIVES,
        ("import time", "import threading\nimport time"),
        (
            "def feed(ctx, endpoint, n_workers, tasks, patience):",
            """
            def feed(ctx, endpoint, n_workers, tasks, patience):
                args = ctx, endpoint, n_workers, tasks, patience
                threading.Thread(target=deal, args=args).start()


            def deal(ctx, endpoint, n_workers, tasks, patience):
            """,
        ),
    ),
    Wrong(
        "deals_each_task_once",
        "plain",
        lab_01.ARRIVES + lab_01.LATE,
        ("in tasks:", "in dict.fromkeys(tasks):"),
    ),
    Wrong(
        "deals_to_those_who_came",
        "plain",
        lab_01.NOTHING_SENT,
        (
            """
            gather(push, endpoint, n_workers, patience)
            for task in tasks:
                push.send(task)
            """,
            """
            try:
                gather(push, endpoint, n_workers, patience)
            finally:
                push.sndtimeo = 0
                for task in tasks:
                    if push.poll(0, zmq.POLLOUT):
                        push.send(task)
            """,
        ),
    ),
    Wrong(
        "decodes_tasks",
        "plain",
        "feed runs without an error",
        ("push.send(task)", "push.send_string(task.decode())"),
    ),
    Wrong(
        "does_not_say_how_many",
        "plain",
        lab_01.SAYS,
        ("{came} of {wanted} workers came", "{wanted} workers did not come in {patience} s"),
    ),
    Wrong(
        "drops_on_close",
        "plain",
        lab_01.LINGERS,
        (
            "gather(push, endpoint, n_workers, patience)",
            "push.linger = 0\ngather(push, endpoint, n_workers, patience)",
        ),
    ),
    Wrong("drops_the_last", "plain", lab_01.ARRIVES, ("in tasks:", "in tasks[:-1]:")),
    Wrong(
        "drops_when_queues_are_full",
        "plain",
        lab_01.FULL,
        ("import time", "import contextlib\nimport time"),
        (
            "push.send(task)",
            """
            with contextlib.suppress(zmq.Again):
                push.send(task, zmq.NOBLOCK)
            """,
        ),
    ),
    Wrong(
        "ends_the_context",
        "plain",
        "feed leaves the context to its caller",
        (
            """
            with ctx.socket(zmq.PUSH) as push:
                gather(push, endpoint, n_workers, patience)
                for task in tasks:
                    push.send(task)
            """,
            """
            with ctx.socket(zmq.PUSH) as push:
                gather(push, endpoint, n_workers, patience)
                for task in tasks:
                    push.send(task)
                push.disable_monitor()
            ctx.term()
            """,
        ),
    ),
    Wrong(
        "gives_up_too_soon",
        "plain",
        lab_01.IN_TIME,
        ("n_workers, patience)", "n_workers, patience / 2)"),
    ),
    Wrong(
        "leaves_a_thread_running",
        "plain",
        "no thread is left running",
        ("import time", "import threading\nimport time"),
        (
            "def feed(ctx, endpoint, n_workers, tasks, patience):",
            """
            def watch():
                while True:
                    time.sleep(0.01)


            def feed(ctx, endpoint, n_workers, tasks, patience):
                threading.Thread(target=watch, daemon=True).start()
            """,
        ),
    ),
    Wrong(
        "leaves_it_open_on_timeout",
        "plain",
        "feed closes its sockets",
        ("with ctx.socket(zmq.PUSH) as push:", "push = ctx.socket(zmq.PUSH)\nif True:"),
        (
            "for task in tasks:\n    push.send(task)",
            """
            for task in tasks:
                push.send(task)
            push.close()
            """,
        ),
    ),
    Wrong(
        "leaves_its_socket_open",
        "plain",
        "feed closes its sockets",
        ("with ctx.socket(zmq.PUSH) as push:", "push = ctx.socket(zmq.PUSH)\nif True:"),
    ),
    Wrong(
        "lingers_for_a_second",
        "for_each_worker",
        lab_01.LINGERS,
        ("push = ctx.socket(zmq.PUSH)", "push = ctx.socket(zmq.PUSH)\npush.linger = 1000"),
    ),
    Wrong(
        "monitors_after_bind",
        "plain",
        lab_01.ALL_THERE,
        (
            """
            monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
            push.bind(endpoint)
            """,
            """
            push.bind(endpoint)
            monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
            """,
        ),
    ),
    Wrong(
        "one_message_for_all",
        "plain",
        lab_01.ARRIVES,
        ("for task in tasks:\n    push.send(task)", "push.send_multipart(tasks)"),
    ),
    Wrong(
        "patience_for_each_worker",
        "plain",
        lab_01.IN_TIME,
        ("max(0, deadline - time.monotonic()) * 1000", "patience * 1000"),
    ),
    Wrong(
        "patience_in_milliseconds",
        "plain",
        lab_01.IN_TIME,
        ("max(0, deadline - time.monotonic()) * 1000", "patience"),
    ),
    Wrong(
        "raises_another_error",
        "plain",
        "feed runs without an error",
        ('TimeoutError(f"{came} of {wanted} workers came")', "zmq.Again()"),
    ),
    Wrong(
        "sends_at_once",
        "plain",
        lab_01.EVEN + lab_01.LATE,
        (
            "gather(push, endpoint, n_workers, patience)",
            """
            push.bind(endpoint)
            push.sndtimeo = int(patience * 1000)
            """,
        ),
    ),
    Wrong(
        "reads_one_event",  # as lesson 1 does
        "plain",
        lab_01.EVEN + lab_01.LATE,
        (
            """
            while came < wanted:
                if not monitor.poll(max(0, deadline - time.monotonic()) * 1000):
                    raise TimeoutError(f"{came} of {wanted} workers came")
                recv_monitor_message(monitor)
                came += 1
            """,
            "recv_monitor_message(monitor)",
        ),
    ),
    Wrong("sends_twice", "plain", lab_01.ARRIVES, ("in tasks:", "in [*tasks, *tasks]:")),
    Wrong(
        "skips_empty_tasks",
        "plain",
        lab_01.ARRIVES + lab_01.LATE,
        ("in tasks:", "in filter(None, tasks):"),
    ),
    Wrong(
        "sleeps_its_patience",
        "plain",
        lab_01.PROMPT,
        (
            "gather(push, endpoint, n_workers, patience)",
            "push.bind(endpoint)\ntime.sleep(patience)",
        ),
    ),
    Wrong(
        "swallows_the_timeout",
        "plain",
        lab_01.RAISES,
        (
            "gather(push, endpoint, n_workers, patience)",
            """
            try:
                gather(push, endpoint, n_workers, patience)
            except TimeoutError as error:
                print(error)
                return
            """,
        ),
    ),
    Wrong("tells_workers_by_the_events_value", None, lab_01.ALL_THERE),  # it is 0 for every worker
    Wrong(
        "waits_for_ever",
        "plain",
        lab_01.IN_TIME,
        (
            """
            if not monitor.poll(max(0, deadline - time.monotonic()) * 1000):
                raise TimeoutError(f"{came} of {wanted} workers came")
            recv_monitor_message(monitor)
            """,
            "recv_monitor_message(monitor)",
        ),
    ),
    Wrong(
        "waits_for_one_too_few",
        "plain",
        lab_01.EVEN + lab_01.LATE,
        ("n_workers, patience)", "n_workers - 1, patience)"),
    ),
    Wrong(
        "waits_for_one_worker",
        "plain",
        lab_01.EVEN + lab_01.LATE,
        (
            "gather(push, endpoint, n_workers, patience)",
            """
            push.bind(endpoint)
            if not push.poll(patience * 1000, zmq.POLLOUT):
                raise TimeoutError(f"0 of {n_workers} workers came")
            """,
        ),
    ),
    Wrong(
        "waits_out_its_patience",
        "plain",
        lab_01.PROMPT,
        (
            """
            while came < wanted:
                if not monitor.poll(max(0, deadline - time.monotonic()) * 1000):
                    raise TimeoutError(f"{came} of {wanted} workers came")
                recv_monitor_message(monitor)
                came += 1
            """,
            """
            time.sleep(patience)
            while monitor.poll(0):
                recv_monitor_message(monitor)
                came += 1
            if came < wanted:
                raise TimeoutError(f"{came} of {wanted} workers came")
            """,
        ),
    ),
]
