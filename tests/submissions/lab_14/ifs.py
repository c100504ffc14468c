"""First what a request does, then what a heartbeat does."""


def react(state, event):
    if event.startswith("request"):
        if state == "active":
            return state, True
        if event == "request, peer silent" and state != "backup":
            return "active", True
        return state, False
    if event in ("peer active", "peer passive") and event == f"peer {state}":
        raise ValueError(f"both are {state}")
    if event == "peer active" and state != "active":
        return "passive", False
    if event == "peer backup" and state in ("primary", "passive"):
        return "active", False
    if event == "peer primary" and state == "passive":
        return "active", False
    return state, False
