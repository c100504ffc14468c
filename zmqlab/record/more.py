"""Whether more frames of a message follow: libzmq is asked itself, where it can be reached.

pyzmq's own way costs as much as three receives of a frame.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import import_module
from typing import Any
from weakref import ref

import zmq

# What asks, what it is called with, and where it puts the answer: `ask(*where)`, `answer.value`.
# It is true or false only after a frame was received, and then it cannot fail.
More = tuple[Callable[..., object], tuple[Any, ...], ctypes.c_int]


def _find() -> Any:
    """The zmq_getsockopt of libzmq, or None where it cannot be reached.

    It is asked for through pyzmq's extension module, which depends on the libzmq that is in use.
    PyDLL keeps the interpreter's lock: the call takes less time than giving it away.
    """
    try:
        path = import_module("zmq.backend.cython._zmq").__file__
        function = ctypes.PyDLL(path).zmq_getsockopt
    except (ImportError, OSError, AttributeError):  # PyPy, say, or Windows
        return None
    function.restype = None
    return function


_getsockopt = _find()


def more_of(socket: zmq.Socket[Any]) -> More:
    """How to ask whether more frames follow that which this socket has just received."""
    if _getsockopt is None:
        return asks_pyzmq(socket)
    answer, size = ctypes.c_int(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
    where = ctypes.c_void_p.from_param(socket.underlying), ctypes.c_int.from_param(zmq.RCVMORE)
    return _getsockopt, (*where, ctypes.byref(answer), ctypes.byref(size)), answer


def asks_pyzmq(socket: zmq.Socket[Any]) -> More:
    """The same, where pyzmq is asked."""
    answer = ctypes.c_int()
    return _ask_pyzmq, (ref(socket), answer), answer


def _ask_pyzmq(socket: ref[zmq.Socket[Any]], answer: ctypes.c_int) -> None:
    answer.value = socket().get(zmq.RCVMORE)  # type: ignore[union-attr, assignment]
