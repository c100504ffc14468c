"""Harmless: with a silent peer, a primary answers and stays primary, a passive one stays passive.

The two that cannot hear their own name are refused: that is a wrong configuration.
"""


def react(state, event):
    match state, event:
        case ("active", "peer active") | ("passive", "peer passive"):
            raise ValueError("alike")
        case ("primary", "peer primary") | ("backup", "peer backup"):
            raise ValueError("somebody started two of a kind")
        case ("primary" | "backup", "peer active"):
            return ("passive", False)
        case ("primary", "peer backup") | ("passive", "peer primary" | "peer backup"):
            return ("active", False)
        case ("active", "request" | "request, peer silent"):
            return ("active", True)
        case ("primary" | "passive", "request, peer silent"):
            return [state, True]
    return (state, False)
