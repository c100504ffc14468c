"""A dict without the two pairs of a wrong configuration: a KeyError there is nobody's business."""

STAYS = {
    "primary": ["peer passive", "request"],
    "backup": ["peer primary", "peer passive", "request", "request, peer silent"],
    "active": ["peer primary", "peer backup", "peer passive"],
    "passive": ["peer active", "request"],
}
TABLE = {(state, event): (state, False) for state, events in STAYS.items() for event in events}
TABLE |= {
    ("primary", "peer backup"): ("active", False),
    ("primary", "peer active"): ("passive", False),
    ("primary", "request, peer silent"): ("active", True),
    ("backup", "peer active"): ("passive", False),
    ("active", "request"): ("active", True),
    ("active", "request, peer silent"): ("active", True),
    ("passive", "peer primary"): ("active", False),
    ("passive", "peer backup"): ("active", False),
    ("passive", "request, peer silent"): ("active", True),
}


def react(state, event):
    if event == f"peer {state}" and state in ("active", "passive"):
        raise ValueError(f"both are {state}")
    return TABLE[state, event]
