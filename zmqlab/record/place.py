"""The place that an endpoint names: two endpoints with one place lead to the same socket."""

from __future__ import annotations

from posixpath import normpath


def place_of(endpoint: str) -> str:
    """One name for every endpoint that leads to the same socket of this machine.

    All sockets of a journal are on one machine, so a tcp endpoint's place is its port: a program
    binds `tcp://*:5555`, ZeroMQ calls that `tcp://0.0.0.0:5555`, another connects to
    `tcp://localhost:5555` or to the machine's own name. (Two servers with one port at two of the
    machine's addresses look like one.) An ipc path is written in its shortest form.
    """
    transport, _, address = endpoint.partition("://")
    if transport == "tcp":  # host:port, or source:port;host:port
        port = address.rpartition(":")[2]
        return f"tcp://:{port.lstrip('0') or port}"
    if transport == "ipc" and address and not address.startswith("@"):
        return f"ipc://{normpath(address)}"
    return endpoint
