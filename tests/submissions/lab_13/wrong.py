"""Lab 13: wrong programs, and the rule of the check that must see each."""

from labs import Wrong
from zmqlab.check import lab_13, plays, promises

# lines of `plain`
STORE = "db = sqlite3.connect(path, isolation_level=None)"
SYNCHRONOUS = 'db.execute("PRAGMA synchronous = FULL")'
INSERT = 'db.execute("INSERT OR IGNORE INTO requests VALUES (?, ?, NULL)", (id, packed(body)))'
FETCH = 'return (b"300", []) if row[1] is None else (b"200", unpacked(row[1]))'
OTHER = 'if row is None or (command == b"REQUEST" and row[0] != packed(body)):'
CLOSE = 'db.execute("DELETE FROM requests WHERE id = ?", (id,))\nreturn b"200", []'
HELD = "idle, given = [], {}"
HOLDS = """if given.get(worker) == id:
    del given[worker]
    db.execute(
        "UPDATE requests SET reply = ? WHERE id = ?", (packed(reply), id)
    )
    idle.append(worker)"""
STORED = 'db.execute("UPDATE requests SET reply = ? WHERE id = ?", (packed(reply), id))'
SELECT = "ready, _, _ = zmq.select([clients, workers], [], [])"
MESSAGE = 'case [(b"REQUEST" | b"REPLY" | b"CLOSE") as command, id, *body]:'
SEND = "clients.send_multipart([*frames[: cut + 1], status, id, *more])"

WRONG = [
    # workers
    Wrong(
        "a_reply_for_any_id_counts",
        "plain",
        promises.HOLDER,
        (
            """
            case [worker, b"", id, b"", *reply] if given.get(worker) == id:
                del given[worker]
            """,
            """
            case [worker, b"", _, b"", *reply] if worker in given:
                id = given.pop(worker)
            """,
        ),
    ),
    # answers
    Wrong(
        "blocks_while_nobody_works",
        "plain",
        promises.TAKEN,
        (SELECT, "ready, _, _ = zmq.select([clients, workers] if idle else [workers], [], [])"),
    ),
    Wrong(
        "answers_without_the_id",
        "plain",
        promises.ANSWERED,
        (SEND, "clients.send_multipart([*frames[: cut + 1], status, *more])"),
    ),
    Wrong(
        "answers_a_copy_with_400",
        "plain",
        promises.TAKEN,
        (
            INSERT,
            """
            new = "INSERT OR IGNORE INTO requests VALUES (?, ?, NULL)"
            if not db.execute(new, (id, packed(body))).rowcount:
                return b"400", []
            """,
        ),
    ),
    Wrong(
        "any_body_under_a_known_id",
        "plain",
        promises.OTHER,
        (OTHER, "if row is None:"),
    ),
    Wrong(
        "compares_octets_and_not_frames",
        "plain",
        promises.OTHER,
        (
            OTHER,
            OTHER.replace("row[0] != packed(body)", "b''.join(unpacked(row[0])) != b''.join(body)"),
        ),
    ),
    Wrong(
        "the_latest_body_counts",
        "plain",
        (promises.OTHER, promises.ONCE),
        ("INSERT OR IGNORE", "INSERT OR REPLACE"),
    ),
    Wrong(
        "joins_the_frames_of_a_body",
        "plain",
        (promises.OTHER, promises.GIVEN),
        ("(id, packed(body))", '(id, packed([b"".join(body)]))'),
        ("row[0] != packed(body)", 'row[0] != packed([b"".join(body)])'),
    ),
    Wrong(
        "joins_the_frames_of_a_reply",
        "plain",
        promises.FETCHED,
        ("(packed(reply), id)", '(packed([b"".join(reply)]), id)'),
    ),
    Wrong(
        "deletes_a_reply_that_was_fetched",
        "plain",
        promises.FETCHED,
        (
            FETCH,
            f"""
            if row[1] is not None:
                db.execute("DELETE FROM requests WHERE id = ?", (id,))
            {FETCH}
            """,
        ),
    ),
    Wrong(
        "says_400_while_there_is_no_reply",
        "plain",
        promises.FETCHED,
        ('(b"300", [])', '(b"400", [])'),
    ),
    Wrong(
        "says_300_to_strangers",
        "plain",
        promises.STRANGER,
        (
            OTHER,
            f"""
            if row is None and command == b"REPLY":
                return b"300", []
            {OTHER}
            """,
        ),
    ),
    Wrong(
        "closing_a_stranger_is_an_error",
        "plain",
        promises.CLOSED,
        (
            CLOSE,
            """
            deleted = db.execute("DELETE FROM requests WHERE id = ?", (id,))
            return b"200" if deleted.rowcount else b"400", []
            """,
        ),
    ),
    Wrong(
        "closed_ones_are_still_executed",
        "append_only_log",
        promises.CLOSED,
        ("self.bodies, self.replies = {}, {}", "self.bodies, self.replies, self.todo = {}, {}, {}"),
        ("self.bodies[id] = frames", "self.bodies[id] = self.todo[id] = frames"),
        ("self.replies[id] = frames", "self.replies[id] = frames\nself.todo.pop(id, None)"),
        ("for id, body in log.bodies.items():", "for id, body in log.todo.items():"),
    ),
    Wrong(
        "closes_finished_ones_alone",
        "plain",
        promises.CLOSED,
        (CLOSE, CLOSE.replace("id = ?", "id = ? AND reply IS NOT NULL")),
    ),
    # whom and what
    Wrong("ids_are_text", "plain", lab_13.ANYBODY, (MESSAGE, f"{MESSAGE}\n    id.decode()")),
    Wrong(
        "ids_are_told_apart_as_text_is",
        "plain",
        promises.TAKEN,
        ("id BLOB PRIMARY KEY", "id TEXT PRIMARY KEY COLLATE NOCASE"),
        (MESSAGE, f"{MESSAGE}\n    id = id.decode('latin-1')"),
        ("given.get(worker) == id:", "given.get(worker) == (id := id.decode('latin-1')):"),
        (SEND, SEND.replace("status, id,", "status, id.encode('latin-1'),")),
        (
            'workers.send_multipart([idle.pop(0), b"", id, b"", *unpacked(body)])',
            """
            id = id.encode("latin-1")
            workers.send_multipart([idle.pop(0), b"", id, b"", *unpacked(body)])
            """,
        ),
    ),
    Wrong(
        "one_address_frame_alone",
        "plain",
        lab_13.ANYBODY,
        ('cut = frames.index(b"")', "cut = 1"),
    ),
    Wrong("dies_of_nonsense", "plain", lab_13.ANYTHING, ('if b"" in frames:', "if frames:")),
    Wrong(
        "a_copy_begins_anew",
        "opens_it_each_time",
        promises.ONCE,
        (
            'case b"REQUEST", (known, _) if split(known) == body:',
            """
            case b"REQUEST", (known, _) if split(known) == body:
                db.execute("UPDATE store SET reply = NULL WHERE id = ?", (id,))
            """,
        ),
    ),
    Wrong(
        "a_row_for_each_copy",
        "plain",
        (promises.ONCE, promises.OTHER, promises.GIVEN),
        ("id BLOB PRIMARY KEY", "id BLOB"),
    ),
    Wrong(
        "gives_it_to_everybody",
        "plain",
        promises.ONCE,
        ("if idle and id not in given.values():", "if idle:"),
    ),
    Wrong(
        "workers_are_always_free",
        "plain",
        promises.GIVEN,
        (
            "given[idle[0]] = id",
            "given[idle[0]] = id\nidle.append(idle[0])",
        ),
    ),
    Wrong(
        "a_second_reply_makes_its_worker_idle_twice",
        "plain",
        promises.GIVEN,
        (
            HOLDS,
            """:
                if given.get(worker) == id:
                    del given[worker]
                    db.execute(
                        "UPDATE requests SET reply = ? WHERE id = ?", (packed(reply), id)
                    )
                idle.append(worker)""",
        ),
    ),
    Wrong(
        "the_last_reply_wins",
        "plain",
        promises.FIRST,
        (HELD, "idle, given, last = [], {}, {}"),
        (
            HOLDS,
            f"""if last.get(worker) == id:
                {STORED}
                if given.pop(worker, None):
                    idle.append(worker)""",
        ),
        ("given[idle[0]] = id", "given[idle[0]] = last[idle[0]] = id"),
    ),
    Wrong(
        "takes_a_reply_from_whoever_sends_it",
        "plain",
        promises.HOLDER,
        (
            HOLDS,
            f""":
                {STORED.replace("id = ?", "id = ? AND reply IS NULL")}
                if given.pop(worker, None):
                    idle.append(worker)""",
        ),
    ),
    Wrong(
        "goes_round_and_round",
        "plain",
        plays.WAITS.replace("broker", "server"),
        (SELECT, "ready, _, _ = zmq.select([clients, workers], [], [], 0)"),
    ),
    # what is there afterwards
    Wrong("in_memory", "plain", promises.KEPT, (STORE, STORE.replace("path", '":memory:"'))),
    Wrong("never_commits", "plain", promises.KEPT, (STORE, "db = sqlite3.connect(path)")),
    Wrong(
        "the_table_is_there_already",
        "plain",
        promises.KEPT,
        ("CREATE TABLE IF NOT EXISTS", "CREATE TABLE"),
        says=("already exists",),
    ),
    Wrong(
        "done_when_it_is_given_out",
        "rollback_journal",
        promises.KEPT,
        ("SET state = 'waiting' WHERE state = 'given'", "SET state = 'waiting' WHERE state = ''"),
    ),
    Wrong(
        "waiting_ones_are_forgotten",
        "with_asyncio",
        promises.KEPT,
        ('"SELECT id, body, reply FROM requests"', '"SELECT * FROM requests WHERE reply NOT NULL"'),
    ),
    Wrong(
        "replies_in_memory",
        "with_asyncio",
        (promises.FINISHED, promises.KEPT),
        (
            "self.store.put(name, self.store.rows[name][0], pack(reply))",
            "self.store.rows[name] = self.store.rows[name][0], pack(reply)",
        ),
    ),
    Wrong(
        "finished_ones_begin_anew",
        "append_only_log",
        promises.FINISHED,
        (
            "self.apply(*json.loads(line))",
            "entry = json.loads(line)\nif entry[0] != 'reply':\n    self.apply(*entry)",
        ),
    ),
    Wrong(
        "closed_in_memory_alone",
        "with_asyncio",
        promises.CLOSED,
        ('self.db.execute("DELETE FROM requests WHERE id = ?", (id,))\n', ""),
    ),
    Wrong(
        "log_in_a_buffer",
        "append_only_log",
        promises.KEPT,
        ("self.file.flush()\nos.fsync(self.file.fileno())\n", ""),
    ),
    # between two steps
    Wrong(
        "answers_before_the_commit",
        "group_commit",
        promises.KEPT,
        ('db.execute("COMMIT")\n', ""),
        (
            "for frames in answers:\n    clients.send_multipart(frames)",
            'for frames in answers:\n    clients.send_multipart(frames)\ndb.execute("COMMIT")',
        ),
    ),
    Wrong(
        "answers_before_it_syncs_and_writes",
        "append_only_log",
        lab_13.SAFE,
        (
            "socket.send_multipart([*frames[:cut], *answer(log, command, id, body)])",
            """
            if command == b"REQUEST" and id not in log.bodies:
                socket.send_multipart([*frames[:cut], b"200", id])
                answer(log, command, id, body)
            else:
                socket.send_multipart([*frames[:cut], *answer(log, command, id, body)])
            """,
        ),
    ),
    Wrong(
        "a_request_in_two_transactions",
        "plain",
        (promises.KEPT, promises.TAKEN),
        (
            INSERT,
            """
            new = "INSERT OR IGNORE INTO requests VALUES (?, '[]', NULL)"
            if db.execute(new, (id,)).rowcount:
                db.execute("UPDATE requests SET body = ? WHERE id = ?", (packed(body), id))
            """,
        ),
    ),
    Wrong(
        "a_reply_in_two_transactions",
        "rollback_journal",
        promises.KEPT,
        (
            """
            with self.db:
                self.write(number, "reply", reply)
                self.db.execute("UPDATE requests SET state = 'done' WHERE number = ?", (number,))
            """,
            """
            with self.db:
                self.db.execute("UPDATE requests SET state = 'done' WHERE number = ?", (number,))
            with self.db:
                self.write(number, "reply", reply)
            """,
        ),
    ),
    # a power cut
    Wrong("synchronous_off", "plain", lab_13.SAFE, ("synchronous = FULL", "synchronous = OFF")),
    Wrong("wal_with_normal", "plain", lab_13.SAFE, ("synchronous = FULL", "synchronous = NORMAL")),
    Wrong(
        "the_journal_in_memory",
        "rollback_journal",
        lab_13.SAFE,
        ("journal_mode = DELETE", "journal_mode = MEMORY"),
    ),
    Wrong(
        "log_without_a_sync",
        "append_only_log",
        lab_13.SAFE,
        ("os.fsync(self.file.fileno())\n", ""),
    ),
    Wrong(
        "a_sync_after_the_answer",
        "append_only_log",
        lab_13.SAFE,
        ("os.fsync(self.file.fileno())\n", ""),
        (
            "given = [id for id, _ in held.values()]",
            "os.fsync(log.file.fileno())\ngiven = [id for id, _ in held.values()]",
        ),
    ),
    # elsewhere
    Wrong(
        "holds_what_stays_here",
        "plain",
        lab_13.ELSEWHERE,
        (
            "import zmq\n",
            "import zmq\n\nDB = sqlite3.connect(':memory:', check_same_thread=False)\n",
        ),
        (STORE, f"{STORE}\nDB.execute('SELECT 1')"),
    ),
]
