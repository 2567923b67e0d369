"""Connections that are kept for further requests to the same server."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Any, NamedTuple

from tornado.http1connection import HTTP1Connection

IDLE_TIME = 30.0  # seconds that an unused connection is kept
MAX_IDLE = 64  # unused connections in all


class Origin(NamedTuple):
    """What two requests need to have in common to share a connection."""

    scheme: str
    host: str
    port: int
    tls: Any
    source: str | None
    family: int


class ConnectionPool:
    """Unused connections, the one used last at the end."""

    def __init__(self) -> None:
        self._idle: OrderedDict[HTTP1Connection, tuple[Origin, float]] = OrderedDict()
        self._by_origin: dict[Origin, list[HTTP1Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> HTTP1Connection | None:
        """Return a connection that is likely to work, or `None`."""
        waiting = self._by_origin.get(origin)
        while waiting:
            connection = waiting[-1]
            self._remove(connection)
            if connection.is_reusable():
                connection.set_close_callback(None)
                return connection
            connection.close()
        return None

    def give_back(self, origin: Origin, connection: HTTP1Connection) -> None:
        """Keep a connection that has served a request, if it can serve another."""
        if not connection.is_reusable():
            connection.close()
            return
        self._idle[connection] = (origin, time.monotonic() + IDLE_TIME)
        self._by_origin.setdefault(origin, []).append(connection)
        if len(self._idle) > MAX_IDLE:
            oldest = next(iter(self._idle))
            self._remove(oldest)
            oldest.close()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_TIME, self._expire)

    def close(self) -> None:
        """Close all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._idle):
            self._remove(connection)
            connection.close()

    def _remove(self, connection: HTTP1Connection) -> None:
        origin, _ = self._idle.pop(connection)
        waiting = self._by_origin[origin]
        waiting.remove(connection)
        if not waiting:
            del self._by_origin[origin]

    def _expire(self) -> None:
        self._timer = None
        now = time.monotonic()
        for connection, (_, deadline) in list(self._idle.items()):
            if deadline > now and connection.is_reusable():
                continue
            self._remove(connection)
            connection.close()
        if self._idle:
            earliest = min(deadline for _, deadline in self._idle.values())
            self._timer = asyncio.get_running_loop().call_later(
                max(0.1, earliest - now), self._expire
            )
