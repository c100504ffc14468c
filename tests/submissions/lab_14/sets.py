"""Which pairs make active, passive, an error; a request is answered by who is active then."""

TO_ACTIVE = {
    ("primary", "peer backup"),
    ("primary", "request, peer silent"),
    ("passive", "peer primary"),
    ("passive", "peer backup"),
    ("passive", "request, peer silent"),
}
TO_PASSIVE = {("primary", "peer active"), ("backup", "peer active")}
NEVER = {("active", "peer active"), ("passive", "peer passive")}


def react(state, event):
    if (state, event) in NEVER:
        raise ValueError(f"my peer is {state}, too")
    if (state, event) in TO_ACTIVE:
        state = "active"
    elif (state, event) in TO_PASSIVE:
        state = "passive"
    return state, state == "active" and event.startswith("request")
