"""A primary answers always; a backup answers when it has not heard of its peer for too long."""


def react(state, event):
    if event == "request, peer silent":
        return "active", True
    if event == "request" and state in ("primary", "active"):
        return "active", True
    return state, False
