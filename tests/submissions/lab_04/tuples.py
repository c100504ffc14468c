"""Tuples, and itertools."""

from itertools import chain, takewhile


def unwrap(frames):
    route = tuple(takewhile(len, frames))
    if len(route) == len(frames):
        raise ValueError("not an envelope: " + repr(frames))
    return route, tuple(frames[len(route) + 1 :])


def wrap(route, body):
    return tuple(chain(route, [b""], body))
