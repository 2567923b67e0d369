"""Pings by which a connection's end is noticed that nobody has announced."""

from __future__ import annotations

import asyncio
from typing import Protocol

from tornado._websocket.errors import WebSocketClosedError


class Pinged(Protocol):
    """What is watched by a `Pinger`."""

    def write_ping(self, data: bytes) -> None:
        """Send a ping."""

    def peer_makes_progress(self) -> bool:
        """Whether the missing pong may be due to something else than a dead peer."""

    def on_ping_timeout(self) -> None:
        """There was no pong in time."""


class Pinger:
    """Sends a ping now and then, and wants a pong for it.

    :arg pinged: the connection.
    :arg loop: has the clock.
    :arg interval: seconds from ping to ping.
    :arg timeout: seconds to wait for the pong, at most the interval.
    """

    __slots__ = ("_awaits_pong", "_interval", "_loop", "_pinged", "_sent_at", "_timeout", "_timer")

    def __init__(
        self, pinged: Pinged, loop: asyncio.AbstractEventLoop, interval: float, timeout: float
    ) -> None:
        self._pinged = pinged
        self._loop = loop
        self._interval = interval
        self._timeout = timeout
        self._awaits_pong = False
        self._sent_at = loop.time()
        self._timer: asyncio.TimerHandle | None = loop.call_later(interval, self._ping)

    def on_pong(self) -> None:
        """A pong has come."""
        self._awaits_pong = False

    def stop(self) -> None:
        """Send no more pings."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ping(self) -> None:
        self._awaits_pong = True
        self._sent_at = self._loop.time()
        try:
            self._pinged.write_ping(b"")
        except WebSocketClosedError:
            # The connection has ended, and is about to say so.
            self._timer = None
        if self._timer is not None:
            self._timer = self._loop.call_later(self._timeout, self._judge)

    def _judge(self) -> None:
        """The time for the pong is over."""
        if self._awaits_pong and not self._pinged.peer_makes_progress():
            self._timer = None
            self._pinged.on_ping_timeout()
            return
        delay = sleep_time(
            last_ping_time=self._sent_at, interval=self._interval, now=self._loop.time()
        )
        if self._awaits_pong:
            # The peer has more to read before it comes to the ping.
            self._timer = self._loop.call_later(self._timeout, self._judge)
        elif delay:
            self._timer = self._loop.call_later(delay, self._ping)
        else:
            self._ping()


def sleep_time(*, last_ping_time: float, interval: float, now: float) -> float:
    """Return how long it is until the next ping is due, 0 if that is over.

    :arg last_ping_time: when the last one was sent.
    :arg interval: seconds from ping to ping.
    :arg now: what time it is.
    """
    return max(0.0, last_ping_time + interval - now)
