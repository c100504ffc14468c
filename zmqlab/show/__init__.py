"""Pictures of what the sockets did: still ones, a replay, and live ones; and the prediction.

Knows `run`, `record`, `balance` and `envelope`. What needs matplotlib or ipywidgets is loaded
when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .live import ShareView, bars, watch
    from .picture import Picture
    from .prediction import Prediction
    from .replay import Replay
    from .sliders import Sliders

__all__ = ["Picture", "Prediction", "Replay", "ShareView", "Sliders", "bars", "watch"]

_HOME = {name: "live" for name in ("ShareView", "bars", "watch")}
_HOME |= {name: name.lower() for name in ("Picture", "Prediction", "Replay", "Sliders")}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
