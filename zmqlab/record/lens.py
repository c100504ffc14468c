"""The lens: a zmq.Context whose sockets note every whole message in a journal.

To the code that uses them they are pyzmq's own sockets: same calls, same options, same errors.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock, Thread, current_thread
from types import new_class
from typing import Any
from weakref import WeakValueDictionary

import zmq

from .journal import Journal
from .plain import Common, PlainSocket
from .socket import Socket

__all__ = ["Context", "PlainSocket", "Socket"]


def _of_both(asked: Any, ours: type[PlainSocket]) -> Any:
    """A class that is the one asked for and ours too, where that can be; else the one asked for.

    It cannot be for pyzmq's own subclasses (asyncio, gevent): they send and receive at another
    time than they are told to. Nor for a function that makes sockets.
    """
    if not isinstance(asked, type) or not issubclass(asked, zmq.Socket) or issubclass(asked, ours):
        return asked
    if issubclass(ours, asked):
        return ours
    above = asked.__mro__[: asked.__mro__.index(zmq.Socket)]
    if any(kind.__module__.partition(".")[0] == "zmq" for kind in above):
        return asked
    return _joined(asked, ours)  # type: ignore[arg-type]


@lru_cache(maxsize=64)  # sockets of one class are to stay so
def _joined(asked: Any, ours: Any) -> Any:
    """A subclass of both that goes by the name of the first."""
    told = {name: getattr(asked, name) for name in ("__module__", "__qualname__", "__doc__")}
    try:
        return new_class(asked.__name__, (asked, ours), exec_body=lambda body: body.update(told))
    except TypeError:  # bases that do not go together
        return asked


class Context(zmq.Context[Any]):
    """A zmq.Context that notes in `journal` what its sockets send and receive.

    Without a journal its sockets are plain and cost nothing. `longest_linger` (milliseconds)
    limits how long a closed socket may keep the Context from ending; None: no limit. A shadow of
    such a Context (`shadow`, `copy.copy`) has the journal and the limit of the first.

    Whatever class its sockets are asked to be of, they are also of `base`; where that cannot be,
    they are left alone, and the Context knows only in which thread they were made.
    """

    _repr_cls = "zmq.Context"
    journal: Journal | None = None
    longest_linger: int | None = None
    base: type[PlainSocket]
    common: Common

    def __init__(
        self,
        io_threads: Any = 1,
        shadow: Any = 0,
        *,
        journal: Journal | None = None,
        longest_linger: int | None = None,
    ) -> None:
        super().__init__(io_threads, shadow)  # type: ignore[call-overload]
        first = _by_address.get(self.underlying) if self._shadow else None
        if first is not None and first.underlying == self.underlying:
            self.common = first.common
            journal = first.journal if journal is None else journal
            longest_linger = first.longest_linger if longest_linger is None else longest_linger
        else:
            self.common = Common()
        if not self._shadow:
            _by_address[self.underlying] = self
        self.journal, self.longest_linger = journal, longest_linger
        self.base = PlainSocket if journal is None else Socket

    @property
    def connecting(self) -> Lock:
        """A lock, held while a socket connects."""
        return self.common.connecting

    @property
    def ending(self) -> bool:
        """Whether no socket connects any more; set under the lock."""
        return self.common.ending

    @ending.setter
    def ending(self, ending: bool) -> None:
        self.common.ending = ending

    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Make a socket of this Context: recording, if there is a journal to record in."""
        kind = self._socket_class if socket_class is None else socket_class
        return super().socket(socket_type, _of_both(kind, self.base), **kwargs)

    def _add_socket(self, socket: Any) -> None:
        if isinstance(socket, zmq.Socket):
            self.common.makers.setdefault(socket, current_thread())
        if isinstance(socket, Socket):  # a subclass may have left out our __init__
            socket.begin_to_note()
        super()._add_socket(socket)

    def term(self) -> None:
        """End the Context as zmq.Context does."""
        self.common.held.clear()
        super().term()

    def unclosed(self) -> list[Any]:
        """The sockets of all classes that nobody has closed yet."""
        return self.common.unclosed()

    def maker(self, socket: Any) -> Thread | None:
        """The thread that made this socket of this Context, or of a shadow of it."""
        return self.common.makers.get(socket)

    def open_sockets(self) -> list[str]:
        """What is unclosed in words, as "w1's PULL"."""
        return sorted(
            repr(getattr(socket, "note", None) or socket._type_name) for socket in self.unclosed()
        )


_by_address: WeakValueDictionary[int, Context] = WeakValueDictionary()
