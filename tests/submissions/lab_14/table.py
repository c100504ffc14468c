"""A dict with each of the 24 pairs; None where both cannot be."""

TABLE = {
    ("primary", "peer primary"): ("primary", False),
    ("primary", "peer backup"): ("active", False),
    ("primary", "peer active"): ("passive", False),
    ("primary", "peer passive"): ("primary", False),
    ("primary", "request"): ("primary", False),
    ("primary", "request, peer silent"): ("active", True),
    ("backup", "peer primary"): ("backup", False),
    ("backup", "peer backup"): ("backup", False),
    ("backup", "peer active"): ("passive", False),
    ("backup", "peer passive"): ("backup", False),
    ("backup", "request"): ("backup", False),
    ("backup", "request, peer silent"): ("backup", False),
    ("active", "peer primary"): ("active", False),
    ("active", "peer backup"): ("active", False),
    ("active", "peer active"): None,
    ("active", "peer passive"): ("active", False),
    ("active", "request"): ("active", True),
    ("active", "request, peer silent"): ("active", True),
    ("passive", "peer primary"): ("active", False),
    ("passive", "peer backup"): ("active", False),
    ("passive", "peer active"): ("passive", False),
    ("passive", "peer passive"): None,
    ("passive", "request"): ("passive", False),
    ("passive", "request, peer silent"): ("active", True),
}


def react(state, event):
    found = TABLE[state, event]
    if found is None:
        raise ValueError(f"{state}, and {event}")
    return found
