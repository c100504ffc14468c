"""Which endpoints are one place."""

import pytest

from zmqlab.record.place import place_of

PORT = [
    "tcp://127.0.0.1:5555",
    "tcp://localhost:5555",
    "tcp://*:5555",
    "tcp://0.0.0.0:5555",
    "tcp://[::1]:5555",
    "tcp://[::]:5555",
    "tcp://::1:5555",
    "tcp://lo:5555",
    "tcp://this-machine.local:5555",
    "tcp://192.168.7.3:5555",
    "tcp://[fe80::1%eth0]:5555",
    "tcp://127.0.0.1:0;127.0.0.1:5555",  # from a port of one's own to that one
    "tcp://localhost:05555",
]


@pytest.mark.parametrize("endpoint", PORT)
def test_a_port_of_tcp_is_one_place_under_every_name_of_this_machine(endpoint):
    assert place_of(endpoint) == place_of(PORT[0])


@pytest.mark.parametrize(
    "other",
    [
        *("tcp://127.0.0.1:5556", "tcp://*:55555", "tcp://*:*"),
        *("inproc://5555", "ipc://5555", "udp://127.0.0.1:5555"),
    ],
)
def test_another_port_or_transport_is_another_place(other):
    assert place_of(other) != place_of(PORT[0])


def test_a_path_is_one_place_however_it_is_written():
    assert place_of("ipc:///srv/run/../a") == place_of("ipc:///srv//a") == "ipc:///srv/a"
    assert place_of("ipc://@a/../b") == "ipc://@a/../b"  # abstract: a name, not a path


@pytest.mark.parametrize("name", ["inproc://a", "inproc://A//../b", "inproc://tcp://*:1", "", "x"])
def test_any_other_endpoint_is_its_own_place(name):
    assert place_of(name) == name


@pytest.mark.parametrize("endpoint", [*PORT, "ipc:///tmp//a", "inproc://a", "tcp://", "nonsense"])
def test_the_place_of_a_place_is_itself(endpoint):
    assert place_of(place_of(endpoint)) == place_of(endpoint)
