"""Lab 03: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_03

FORGETFUL = " (forgetful workers)"
SAME = " (one task is forgotten again and again)"

WRONG = [
    Wrong(
        "adds_a_number",
        "plain",
        lab_03.FRAMES,
        ("[task, tasks[task]]", '[task, tasks[task], b"1"]'),
    ),
    Wrong(
        "cares_for_the_oldest_only",
        "plain",
        lab_03.LATE + SAME,
        (
            "if task not in results and now - sent.get(task, -patience) >= patience:",
            """
            oldest = task == next(other for other in tasks if other not in results)
            due = task not in sent or (now - sent[task] >= patience and oldest)
            if task not in results and due:
            """,
        ),
    ),
    Wrong(
        "connects",
        "plain",
        lab_03.BINDS,
        ("push.bind", "push.connect"),
        ("pull.bind", "pull.connect"),
    ),
    Wrong(
        "counts_from_the_beginning",  # also where it is late itself, or its worker is
        "times",
        lab_03.SOON,
        (
            "results, sent = {}, {}",
            """
            results, began = {}, time.monotonic()
            sent = dict.fromkeys(tasks, began - patience)
            """,
        ),
        ("sent.get(task, -patience)", "sent[task]"),
        ("sent[task] = time.monotonic()", "sent[task] += patience"),
    ),
    Wrong(
        "counts_messages",
        "plain",
        lab_03.DICT + FORGETFUL,
        ("while len(results) < len(tasks):", "count = 0\nwhile count < len(tasks):"),
        ("results[task] = result", "results[task] = result\ncount += 1"),
    ),
    Wrong(
        "decodes_ids",
        "plain",
        "complete runs without an error",
        ("if task in tasks:", "task = task.decode().encode()\nif task in tasks:"),
    ),
    Wrong(
        "dies_of_strangers",
        "plain",
        "complete runs without an error" + FORGETFUL,
        ("results, sent = {}, {}", "results, sent, waiting = {}, {}, dict(tasks)"),
        (
            "if task in tasks:\n    results[task] = result",
            "results[task] = result\ndel waiting[task]",
        ),
    ),
    Wrong(
        "empty_result_is_none",
        "plain",
        lab_03.RETURNS,
        ("while len(results) < len(tasks):", "while not all(results.get(task) for task in tasks):"),
        ("task not in results", "not results.get(task)"),
    ),
    Wrong(
        "gives_up",
        "plain",
        "complete runs without an error",
        ("push.bind", "push.sndtimeo = 50\npush.bind"),
    ),
    Wrong(
        "half_its_patience", "plain", lab_03.SOON + FORGETFUL, (">= patience", ">= patience / 2")
    ),
    Wrong(
        "ignores_patience",
        "plain",
        lab_03.SOON,
        (" and now - sent.get(task, -patience) >= patience", ""),
    ),
    Wrong(
        "knows_tasks_by_their_payload",
        "times",
        lab_03.DICT,
        (
            "results, sent = {}, {}",
            """
            results, sent = {}, {}
            tasks = {task: payload for payload, task in {p: t for t, p in tasks.items()}.items()}
            """,
        ),
    ),
    Wrong("leaves_one_out", "plain", lab_03.DICT, ("len(tasks):", "len(tasks) - 1:")),
    Wrong(
        "leaves_sockets_open",
        "plain",
        "complete closes its sockets",
        (
            "with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:",
            """
            push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
            if True:
            """,
        ),
        ("push.linger = 0", ""),
    ),
    Wrong(
        "makes_results_up",  # sees what a worker does with one task, and does the others itself
        "times",
        lab_03.RESULTS,
        (
            "def complete(ctx, task_endpoint, result_endpoint, tasks, patience):",
            """
            def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
                if not tasks:
                    return {}
                first = next(iter(tasks))
                one = ask(ctx, task_endpoint, result_endpoint, {first: tasks[first]}, patience)
                return {task: payload[::-1] for task, payload in tasks.items()} | one


            def ask(ctx, task_endpoint, result_endpoint, tasks, patience):
            """,
        ),
    ),
    Wrong(
        "needs_a_task",
        "plain",
        "complete returns",
        ("while len(results) < len(tasks):", "while True:"),
        (
            "results[task] = result",
            """
            results[task] = result
            if len(results) == len(tasks):
                return results
            """,
        ),
    ),
    Wrong(
        "one_clock_for_all",  # any result starts it again
        "plain",
        lab_03.LATE + " (results trickle in)",
        (" and now - sent.get(task, -patience) >= patience", ""),
        ("if pull.poll(20):", "while len(results) < len(tasks) and pull.poll(patience * 1000):"),
    ),
    Wrong(
        "returns_a_list", "plain", lab_03.DICT, ("return results", "return list(results.items())")
    ),
    Wrong("returns_frames", "plain", lab_03.RESULTS, ("= result", "= [task, result]")),
    Wrong(
        "returns_ids_as_text",
        "plain",
        lab_03.DICT,
        (
            "return results",
            'return {task.decode("latin-1"): result for task, result in results.items()}',
        ),
    ),
    Wrong("sends_all_again", "plain", lab_03.ENOUGH + FORGETFUL, ("task not in results and ", "")),
    Wrong(
        "sends_four_times_at_most",
        "plain",
        lab_03.AGAIN + SAME,
        ("results, sent = {}, {}", "results, sent, tries = {}, {}, {}"),
        ("if task not in results", "if tries.get(task, 0) < 4 and task not in results"),
        (
            "sent[task] = time.monotonic()",
            """
            sent[task] = time.monotonic()
            tries[task] = tries.get(task, 0) + 1
            """,
        ),
    ),
    Wrong(
        "sends_once",
        "plain",
        lab_03.AGAIN + FORGETFUL,
        ("task not in results and now - sent.get(task, -patience) >= patience", "task not in sent"),
    ),
    Wrong(
        "sends_payload_only",
        "plain",
        lab_03.FRAMES,
        ("send_multipart([task, tasks[task]])", "send(tasks[task])"),
    ),
    Wrong(
        "sends_twice_at_most",
        "plain",
        lab_03.AGAIN + FORGETFUL,
        ("results, sent = {}, {}", "results, sent, tries = {}, {}, {}"),
        ("if task not in results", "if tries.get(task, 0) < 2 and task not in results"),
        (
            "sent[task] = time.monotonic()",
            """
            sent[task] = time.monotonic()
            tries[task] = tries.get(task, 0) + 1
            """,
        ),
    ),
    Wrong(
        "sleeps_its_patience",
        "plain",
        lab_03.RETURNS,
        (" and now - sent.get(task, -patience) >= patience", ""),
        ("if pull.poll(20):", "time.sleep(patience)\nwhile pull.poll(0):"),
    ),
    Wrong("strips_results", "times", lab_03.RESULTS, ("= result", "= result.strip()")),
    Wrong(
        "subscribes_to_results",
        "plain",
        lab_03.BINDS,
        ("zmq.PULL", "zmq.SUB"),
        ("pull.bind", 'pull.subscribe(b"")\npull.bind'),
    ),
    Wrong(
        "takes_results_for_text",
        "times",
        "complete runs without an error",
        ("= result", "= result.decode().encode()"),
    ),
    Wrong(
        "takes_strangers",
        "plain",
        lab_03.DICT + FORGETFUL,
        ("if task in tasks:\n    results", "results"),
    ),
    Wrong(
        "waits_longer_each_time",
        "plain",
        lab_03.LATE + FORGETFUL,
        ("results, sent = {}, {}", "results, sent, tries = {}, {}, {}"),
        (">= patience:", ">= patience * 4 ** (tries.get(task, 1) - 1):"),
        (
            "sent[task] = time.monotonic()",
            """
            sent[task] = time.monotonic()
            tries[task] = tries.get(task, 0) + 1
            """,
        ),
    ),
    Wrong(
        "asks_again_at_half_its_patience",
        "with_asyncio",
        lab_03.SOON,
        ("timeout=patience", "timeout=patience / 2"),
    ),
]
