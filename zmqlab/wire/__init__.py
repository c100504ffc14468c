"""What really travels: a relay on loopback that decodes ZMTP and can harm it.

`zmtp` decodes bytes, `tap` is the relay, `link` one connection through it, `faults` what may befall
it; `record` keeps what passed, `trail` lays a message's way through program and wire side by side.
Knows `run`, `record` and `envelope`.
"""

from .faults import Fault, Faults
from .record import Record, Wire
from .tap import Tap
from .trail import follow

__all__ = ["Fault", "Faults", "Record", "Tap", "Wire", "follow"]
