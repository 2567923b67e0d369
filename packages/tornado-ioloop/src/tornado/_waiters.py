"""Those who wait in line, each for a future."""

from __future__ import annotations

import asyncio
import datetime
from asyncio import Future, get_running_loop
from collections import deque
from typing import Any

from tornado._ioloop.futures import new_future
from tornado.ioloop import IOLoop

# A line that is shorter is not looked through for futures that are done.
TIDY_FROM = 32

Timeout = float | datetime.timedelta | None


class Waiters(deque[asyncio.Future[Any]]):
    """A line of futures.

    Those that are done, by a timeout or because nobody waits for them any more, are taken out when
    they have become as many as the others, so that waiting with timeouts again and again takes no
    memory. If the line is empty, nobody waits; the contrary isn't so.

    It is a deque, whose methods need no frames of Python's: locks and queues do little else than
    use it.
    """

    __slots__ = ("_tidy_at",)

    def __init__(self) -> None:
        super().__init__()
        self._tidy_at = TIDY_FROM

    def waiting(self) -> int:
        """Return how many do wait."""
        return sum(not future.done() for future in self)

    def join(self) -> asyncio.Future[Any]:
        """Make a future at the end of the line."""
        try:
            future: asyncio.Future[Any] = Future(loop=get_running_loop())
        except RuntimeError:
            future = new_future()
        self.append(future)
        if len(self) > self._tidy_at:
            self._tidy()
        return future

    def add(self, future: asyncio.Future[Any]) -> None:
        """Put a future at the end of the line."""
        self.append(future)
        if len(self) > self._tidy_at:
            self._tidy()

    def call(self) -> asyncio.Future[Any] | None:
        """Take the first one that waits out of the line; `None` if there is none."""
        while self:
            future = self.popleft()
            if not future.done():
                return future
        return None

    def call_all(self, result: Any) -> None:
        """Give a result to all who wait, and empty the line."""
        while self:
            future = self.popleft()
            if not future.done():
                future.set_result(result)

    def _tidy(self) -> None:
        waiting = [future for future in self if not future.done()]
        self.clear()
        self.extend(waiting)
        self._tidy_at = max(TIDY_FROM, 2 * len(waiting))


def give_up_after(future: asyncio.Future[Any], timeout: Timeout, what: str) -> None:
    """Let a future fail with `tornado.gen.TimeoutError` if it isn't done in time.

    :arg timeout: a time as of `IOLoop.time`, a `datetime.timedelta` from now, or `None` for never.
    :arg what: what was waited for, for the error's text.
    """

    def strike() -> None:
        if not future.done():
            future.set_exception(TimeoutError(f"timeout while waiting for {what}"))

    _at(future, timeout, strike)


def settle_after(future: asyncio.Future[Any], timeout: Timeout, result: Any) -> None:
    """Let a future have a result if it has none in time; otherwise as `give_up_after`."""

    def strike() -> None:
        if not future.done():
            future.set_result(result)

    _at(future, timeout, strike)


def _at(future: asyncio.Future[Any], timeout: Timeout, strike: Any) -> None:
    if timeout is None or future.done():
        return
    loop = IOLoop.current()
    handle = loop.add_timeout(timeout, strike)
    future.add_done_callback(lambda _: loop.remove_timeout(handle))
