"""The deadlines of many exchanges, with one timer for all of them."""

from __future__ import annotations

import asyncio
import math
import time
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop

SHORTEST_DELAY = 0.002  # seconds between two looks at all exchanges


class Mortal(Protocol):
    """What has a deadline: an exchange of either client."""

    deadline: float

    def strike(self) -> None:
        """The time is over."""


class Looped(Protocol):
    """A client."""

    io_loop: IOLoop


class Deadlines:
    """Strikes exchanges when their time is over.

    An exchange that ends in time costs nothing: the timer stays where it is.

    :arg exchanges: gives those that are under way.
    :arg client: whose exchanges they are. It has the loop, and isn't kept alive.
    """

    def __init__(
        self,
        exchanges: Callable[[], Iterable[Mortal]],
        client: Looped,
    ) -> None:
        self._exchanges = exchanges
        self._client = weakref.ref(client)
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf

    def expect(self, deadline: float) -> None:
        """Allow for a deadline, on the monotonic clock."""
        if deadline < self._due:
            self._arm(deadline, time.monotonic())

    def cancel(self) -> None:
        """Strike nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = math.inf

    def _arm(self, deadline: float, now: float) -> None:
        self.cancel()
        self._due = deadline
        delay = max(deadline - now, SHORTEST_DELAY)
        client = self._client()
        assert client is not None, "its exchanges keep it alive"
        self._timer = client.io_loop.asyncio_loop.call_later(delay, self._strike)

    def _strike(self) -> None:
        self._timer = None
        self._due = math.inf
        now = time.monotonic()
        late = [exchange for exchange in self._exchanges() if exchange.deadline <= now]
        for exchange in late:
            exchange.strike()
        earliest = min((exchange.deadline for exchange in self._exchanges()), default=math.inf)
        if earliest < self._due:
            self._arm(earliest, now)
