"""Connections that are kept for further requests to the same server."""

from __future__ import annotations

import asyncio
import math
import re
import time
from typing import Any, NamedTuple

from tornado.http1connection import HTTP1Connection

# RFC 2068 section 19.7.1.1 is where it comes from; no later standard has it, but servers do.
_ANNOUNCED = re.compile(r"(?:^|[,;\s])timeout\s*=\s*(\d{1,9})(?!\d)", re.IGNORECASE | re.ASCII)
MARGIN = 0.5  # seconds
SHORTEST_DELAY = 0.001  # seconds between two looks at all connections


class Route(NamedTuple):
    """What two requests need to have in common to share a connection."""

    scheme: str
    host: str
    port: int
    tls: Any = None
    source: str | None = None
    ipv6: bool = True
    proxy: tuple[Any, ...] | None = None
    unix_socket: str | None = None


class Kept(NamedTuple):
    """A connection at rest."""

    connection: HTTP1Connection
    deadline: float


class ConnectionPool:
    """Connections at rest. The one that was used last is the first to be used again.

    :arg max_per_host: how many are kept for one route; 0 keeps none at all.
    :arg max_total: how many are kept in all.
    :arg idle_time: seconds after which a connection at rest is closed.
    """

    def __init__(self, max_per_host: int, max_total: int, idle_time: float) -> None:
        self.max_per_host = max_per_host
        self.max_total = max_total
        self.idle_time = idle_time
        self._resting: dict[Route, list[Kept]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf  # on the monotonic clock
        self._closed = False

    def __len__(self) -> int:
        return self._count

    def take(self, route: Route, *, surely: bool = False) -> HTTP1Connection | None:
        """Return a connection that is likely to work, or `None`.

        :arg surely: ask the system whether it still works.
        """
        resting = self._resting.get(route)
        while resting:
            connection, deadline = resting.pop()
            self._count -= 1
            if connection.is_reusable() and not (surely and connection.stream.has_unread_input()):
                if deadline > time.monotonic():
                    return connection
            connection.close()
        return None

    def give_back(
        self, route: Route, connection: HTTP1Connection, announced: str | None = None
    ) -> None:
        """Keep a connection that has served a request, if it can serve another.

        :arg announced: the ``Keep-Alive`` field of the response, which may tell how long the
            server keeps the connection.
        """
        if self._closed or not connection.is_reusable() or connection.stream.write_buffer_size:
            connection.close()
            return
        resting = self._resting.get(route)
        if resting is None:
            resting = self._resting[route] = []
        idle_time = self.idle_time
        if announced is not None:
            idle_time = min(idle_time, _announced_time(announced))
        now = time.monotonic()
        deadline = now + idle_time
        resting.append(Kept(connection, deadline))
        self._count += 1
        if len(resting) > self.max_per_host:
            self._close_oldest(resting)
        elif self._count > self.max_total:
            self._close_oldest(min(filter(None, self._resting.values()), key=_first_deadline))
        if self._timer is None or deadline < self._due:
            self._arm(deadline, now)

    def close(self) -> None:
        """Close all connections, and those that are given back later."""
        self._closed = True
        self.clear()

    def clear(self) -> None:
        """Close all connections at rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        resting, self._resting = self._resting, {}
        self._count = 0
        for kept in resting.values():
            for connection, _ in kept:
                connection.close()

    def _close_oldest(self, resting: list[Kept]) -> None:
        self._count -= 1
        resting.pop(0).connection.close()

    def _arm(self, due: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        delay = max(SHORTEST_DELAY, due - now)
        self._timer = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = time.monotonic()
        for route, resting in list(self._resting.items()):
            alive: list[Kept] = []
            for kept in resting:
                if kept.deadline > now and kept.connection.is_reusable():
                    alive.append(kept)
                else:
                    kept.connection.close()
            self._count -= len(resting) - len(alive)
            if alive:
                self._resting[route] = alive
            else:
                del self._resting[route]
        if self._resting:
            earliest = min(kept.deadline for resting in self._resting.values() for kept in resting)
            self._arm(earliest, now)


def _announced_time(field: str) -> float:
    """Return the seconds that a server announces, a little less so as to be the first to close."""
    match = _ANNOUNCED.search(field)
    return math.inf if match is None else max(0.0, int(match[1]) - MARGIN)


def _first_deadline(resting: list[Kept]) -> float:
    return resting[0].deadline
