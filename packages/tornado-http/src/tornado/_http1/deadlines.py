"""Deadlines of many connections, swept by one timer.

A connection holds numbers (``deadline``, ``write_deadline``) that it changes as often as it likes;
no timer is armed or cancelled for them. The sweep's
own clock stands still between two sweeps, so that reading it costs nothing; a deadline strikes at
most two periods late.
"""

from __future__ import annotations

import asyncio
import math
import time
import weakref
from typing import Protocol

NEVER = math.inf
LONGEST_PERIOD = 10.0  # seconds
SHORTEST_PERIOD = 0.01  # seconds


class HasDeadline(Protocol):
    """What a `DeadlineSweep` watches."""

    deadline: float
    write_deadline: float

    def on_deadline(self) -> None:
        """One of the deadlines has passed."""


class DeadlineSweep:
    """Watch the deadlines of connections, with one timer while there is something to watch.

    :arg shortest_timeout: the shortest timeout in seconds that will be used; the period of the
        sweep follows from it.
    """

    def __init__(self, shortest_timeout: float) -> None:
        #: Seconds between two sweeps.
        self.period = min(max(shortest_timeout / 16, SHORTEST_PERIOD), LONGEST_PERIOD)
        self._watched: set[HasDeadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.clock = time.monotonic()

    def shorten(self, timeout: float) -> None:
        """Allow for a timeout shorter than those known before."""
        period = max(timeout / 16, SHORTEST_PERIOD)
        if period < self.period:
            self.period = period
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
                self._arm()

    def after(self, timeout: float) -> float:
        """Return the deadline that lies ``timeout`` seconds ahead."""
        return self.clock + timeout + self.period

    def watch(self, connection: HasDeadline) -> None:
        """Begin to watch."""
        self._watched.add(connection)
        if self._timer is None:
            self.clock = time.monotonic()
            self._arm()

    def forget(self, connection: HasDeadline) -> None:
        """Stop watching; the timer goes with the last connection."""
        self._watched.discard(connection)
        if not self._watched and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        # A weak reference, so that a forgotten server doesn't live on in its timer.
        self._timer = asyncio.get_running_loop().call_later(self.period, _sweep, weakref.ref(self))

    def _sweep(self) -> None:
        self.clock = now = time.monotonic()
        self._timer = None
        late = [c for c in self._watched if c.deadline <= now or c.write_deadline <= now]
        for connection in late:
            connection.on_deadline()
        if self._watched and self._timer is None:
            self._arm()


def _sweep(reference: weakref.ref[DeadlineSweep]) -> None:
    sweep = reference()
    if sweep is not None:
        sweep._sweep()
