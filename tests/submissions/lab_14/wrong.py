"""Lab 14: wrong rules, the rule of the check that must see each, and after how many steps."""

from labs import Wrong
from zmqlab.check.lab_14 import ALONE, ERRORS, FRESH, KIND, LIVE, ONE, RUNS, STOPS, TAKES_OVER


def entry(name: str, state: str, event: str, does: str, rule: str, steps: int, *also: str) -> Wrong:
    """match.py with a case put before all others: what it does there is wrong."""
    first = 'case "primary", "peer backup":'
    change = f'case "{state}", "{event}":\n    {does}\n{first}'
    says = f"after {steps} step{'' if steps == 1 else 's'}"
    return Wrong(name, "match", rule, (first, change), also=also, only=True, says=(says,))


def elsewise(name: str, rule: str, *changes: tuple[str, str], says: tuple[str, ...] = ()) -> Wrong:
    """match.py with something else wrong."""
    return Wrong(name, "match", rule, *changes, says=says)


SILENT = "request, peer silent"
TURNS, SERVES = 'return "active", False', 'return "active", True'
STAYS, STAYS_AND_SERVES = "return state, False", "return state, True"
OTHERWISE = """
    case _:
        return state, False
"""

WRONG = [
    # Both answer.
    Wrong("naive", None, ONE, also=(ERRORS, FRESH), says=("after 5 steps",)),
    entry("as_the_diagram_was_published", "primary", "request", SERVES, ONE, 8, FRESH),
    entry("as_the_plain_example", "primary", "request", STAYS_AND_SERVES, ONE, 9, FRESH),
    entry("asked_once_turns_active", "primary", "request", TURNS, ONE, 9),
    entry("backup_answers", "backup", "request", STAYS_AND_SERVES, ONE, 4, FRESH),
    entry("lone_backup_votes", "backup", SILENT, SERVES, ONE, 7, FRESH),
    entry("lone_backup_turns_active", "backup", SILENT, TURNS, ONE, 8),
    entry("backup_overtakes_a_fresh_primary", "backup", "peer primary", TURNS, ONE, 6),
    entry("backup_turns_active_beside_an_active", "backup", "peer active", TURNS, ONE, 6),
    entry("backup_takes_over_from_a_passive", "backup", "peer passive", TURNS, ONE, 17),
    entry("passive_answers", "passive", "request", STAYS_AND_SERVES, ONE, 6),
    entry("passive_turns_active_when_asked", "passive", "request", SERVES, ONE, 6),
    entry("passive_turns_active_beside_an_active", "passive", "peer active", TURNS, ONE, 8),
    entry("primary_overtakes_a_passive", "primary", "peer passive", TURNS, ONE, 11),
    entry("primary_overtakes_an_active", "primary", "peer active", TURNS, ONE, 11),
    # Nobody answers.
    entry("primary_waits_for_ever", "primary", SILENT, STAYS, LIVE, 1),
    entry("primary_ignores_the_backup", "primary", "peer backup", STAYS, LIVE, 0),
    entry("passive_ignores_a_fresh_primary", "passive", "peer primary", STAYS, LIVE, 6),
    entry("passive_ignores_a_fresh_backup", "passive", "peer backup", STAYS, LIVE, 12),
    entry("passive_never_votes", "passive", SILENT, STAYS, LIVE, 5),
    entry("active_is_quiet_beside_a_silent_peer", "active", SILENT, STAYS, LIVE, 1),
    entry("active_never_answers", "active", "request", STAYS, LIVE, 0),
    # Nobody takes over.
    entry("backup_never_stands_by", "backup", "peer active", STAYS, TAKES_OVER, 3),
    # A broker stops though nothing was wrong.
    entry(
        "active_steps_down_for_a_primary",
        "active",
        "peer primary",
        "return 'passive', False",
        STOPS,
        14,
    ),
    entry(
        "active_steps_down_for_a_backup",
        "active",
        "peer backup",
        "return 'passive', False",
        STOPS,
        8,
    ),
    entry(
        "active_steps_down_after_an_answer", "active", "request", "return 'passive', True", STOPS, 7
    ),
    entry("refuses_a_request", "primary", "request", "raise ValueError", STOPS, 1),
    entry("refuses_a_vote", "backup", SILENT, "raise ValueError", STOPS, 3),
    entry("refuses_a_second_active", "passive", "peer active", "raise ValueError", STOPS, 6),
    elsewise(
        "refuses_all_else", STOPS, (OTHERWISE, "case _:\n    raise ValueError((state, event))")
    ),
    # What the contract fixes.
    elsewise("two_active_go_on", ERRORS, ('raise ValueError("two are active")', STAYS)),
    elsewise(
        "two_active_step_down",
        ERRORS,
        ('raise ValueError("two are active")', "return 'passive', False"),
    ),
    elsewise("two_passive_go_on", ERRORS, ('raise ValueError("two are passive")', STAYS)),
    elsewise("two_passive_turn_active", ERRORS, ('raise ValueError("two are passive")', TURNS)),
    # What is no rule.
    elsewise("asserts", RUNS, ('raise ValueError("two are active")', "assert state != event[5:]")),
    elsewise(
        "ends_the_program",
        RUNS,
        ('raise ValueError("two are active")', "raise SystemExit(1)"),
        says=("react('active', 'peer active') raised SystemExit: 1", "of react"),
    ),
    Wrong(
        "leaves_out_a_pair",
        "table",
        RUNS,
        ('    ("primary", "peer passive"): ("primary", False),\n', ""),
        says=("react('primary', 'peer passive') raised KeyError",),
    ),
    elsewise(
        "forgets_return", KIND, (OTHERWISE, "case _:\n    pass"), says=("without a `return`",)
    ),
    elsewise("gives_the_state_alone", KIND, (OTHERWISE, "case _:\n    return state")),
    elsewise("gives_the_wrong_order", KIND, (OTHERWISE, "case _:\n    return False, state")),
    elsewise(
        "writes_the_state_otherwise",
        KIND,
        (
            'case "active", "request":\n    return "active", True',
            'case "active", "request":\n    return "ACTIVE", True',
        ),
        says=("react('active', 'request') returned ('ACTIVE', True)",),
    ),
    elsewise(
        "does_not_say_whether_it_serves", KIND, (OTHERWISE, "case _:\n    return state, None")
    ),
    elsewise("gives_an_event", KIND, (OTHERWISE, "case _:\n    return event, False")),
    elsewise(
        "is_half_written",
        "react is written",
        (
            'case "passive", "request, peer silent":\n    return "active", True',
            'case "passive", "request, peer silent":\n    raise NotImplementedError',
        ),
    ),
    # What is more than a rule.
    elsewise(
        "draws_by_chance",
        ALONE,
        ("def react", "import random\n\n\ndef react"),
        (OTHERWISE, "case _:\n    return state, event == 'request' and random.random() < 0.5"),
    ),
    elsewise(
        "remembers_the_last_event",
        ALONE,
        ("def react", "heard = [None]\n\n\ndef react"),
        (
            'case "primary", "request, peer silent":\n    return "active", True',
            'case "primary", "request, peer silent":\n    return "active", heard[-1] != "request"',
        ),
        (
            "match state, event:",
            "heard.append(event)\nmatch state, (event if len(heard) % 7 else 'request'):",
        ),
    ),
    elsewise(
        "counts_what_it_is_asked",
        ALONE,
        ("def react", "asked = []\n\n\ndef react"),
        (
            "match state, event:",
            """
            asked.append(event)
            if len(asked) > 100:
                return state, False
            match state, event:
            """,
        ),
        says=("asked again, after other questions",),
    ),
    Wrong(
        "goes_round_for_ever",
        "match",
        "react returns",
        (
            "match state, event:",
            "while state == 'passive':\n    event = event.strip()\nmatch state, event:",
        ),
        says=("It was asked react('passive', 'peer primary')", "of react"),
        limit=0.5,
    ),
    Wrong(
        "waits_for_somebody",
        "match",
        "react returns",
        ("def react", "import time\n\n\ndef react"),
        (
            "match state, event:",
            """
            while event == "request, peer silent":
                time.sleep(0.01)
            match state, event:
            """,
        ),
        says=("It was asked react('primary', 'request, peer silent')",),
        limit=0.5,
    ),
    elsewise(
        "is_a_generator",
        "react is a plain function",
        ("case _:", "case 'never', _:\n    yield state\ncase _:"),
    ),
]
