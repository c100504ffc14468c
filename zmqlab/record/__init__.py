"""What the sockets did: a Context that notes every message, and who sent what to whom.

This room knows no other. `journal` is plain data, `arrows` pairs sends with receives, `lens` is
the recording Context, `arrivals` counts who is there.
"""

from .arrivals import Arrivals
from .arrows import Message, messages
from .journal import Hop, Journal, SocketNote, Wait
from .lens import Context, Socket

__all__ = [
    "Arrivals",
    "Context",
    "Hop",
    "Journal",
    "Message",
    "Socket",
    "SocketNote",
    "Wait",
    "messages",
]
