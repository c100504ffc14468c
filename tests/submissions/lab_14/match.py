"""One match on state and event; what no case names changes nothing."""


def react(state, event):
    match state, event:
        case "primary", "peer backup":
            return "active", False
        case "primary", "peer active":
            return "passive", False
        case "primary", "request, peer silent":
            return "active", True
        case "backup", "peer active":
            return "passive", False
        case "active", "peer active":
            raise ValueError("two are active")
        case "active", "request":
            return "active", True
        case "active", "request, peer silent":
            return "active", True
        case "passive", "peer primary":
            return "active", False
        case "passive", "peer backup":
            return "active", False
        case "passive", "peer passive":
            raise ValueError("two are passive")
        case "passive", "request, peer silent":
            return "active", True
        case _:
            return state, False
