"""What can be wrong with the use of generators."""

from __future__ import annotations

from tornado.concurrent import ReturnValueIgnoredError

__all__ = [
    "BadYieldError",
    "KeyReuseError",
    "LeakedCallbackError",
    "ReturnValueIgnoredError",
    "UnknownKeyError",
]


class BadYieldError(Exception):
    """Something was yielded that can't be waited for."""


class KeyReuseError(Exception):
    """Two callbacks of a generator have the same key."""


class UnknownKeyError(Exception):
    """A generator waits for a key that no callback of it has."""


class LeakedCallbackError(Exception):
    """A generator has ended without waiting for one of its callbacks."""
