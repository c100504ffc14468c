"""Harmless: the request that makes it active is not answered yet; the client asks again."""


def react(state, event):
    if event == "request, peer silent" and state in ("primary", "passive"):
        return "active", False
    if event.startswith("request"):
        return state, state == "active"
    if (state, event) in {("active", "peer active"), ("passive", "peer passive")}:
        raise ValueError(f"{state}, and {event}")
    if event == "peer active":
        return "passive", False
    if (state, event) in {
        ("primary", "peer backup"),
        ("passive", "peer primary"),
        ("passive", "peer backup"),
    }:
        return "active", False
    return state, False
