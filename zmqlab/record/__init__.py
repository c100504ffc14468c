"""What the sockets did: a Context that notes every message, and who sent what to whom.

This room knows no other. `journal` is plain data; `place` says which endpoints are one, `net` which
sockets reach each other, `arrows` which send and which receive are one message; `stories` follows a
task from message to message; `lens` is the recording Context, `arrivals` counts who is there.
"""

from .arrivals import Arrivals
from .arrows import Message, messages
from .journal import Hop, Journal, SocketNote, Wait
from .lens import Context, Socket
from .place import place_of
from .stories import Step, steps, story

__all__ = [
    "Arrivals",
    "Context",
    "Hop",
    "Journal",
    "Message",
    "Socket",
    "SocketNote",
    "Step",
    "Wait",
    "messages",
    "place_of",
    "steps",
    "story",
]
