"""Those who wait in line, each for a future."""

from __future__ import annotations

import asyncio
import datetime
from collections import deque
from typing import Any, Generic, TypeVar

from tornado._ioloop.futures import new_future
from tornado.ioloop import IOLoop

T = TypeVar("T")

# A line that is shorter is not looked through for futures that are done.
TIDY_FROM = 32

Timeout = float | datetime.timedelta | None


class Waiters(Generic[T]):
    """A line of futures, each with something that belongs to it.

    Those that are done, by a timeout or because nobody waits for them any more, are taken out when
    they have become as many as the others, so that waiting with timeouts again and again takes no
    memory.

    .. attribute:: line

       The futures in their order, those that are done among them. If it's empty, nobody waits.
    """

    __slots__ = ("_tidy_at", "line")

    def __init__(self) -> None:
        self.line: deque[tuple[asyncio.Future[Any], T]] = deque()
        self._tidy_at = TIDY_FROM

    def __len__(self) -> int:
        return sum(not future.done() for future, _ in self.line)

    def __bool__(self) -> bool:
        return any(not future.done() for future, _ in self.line)

    def join(self, own: T) -> asyncio.Future[Any]:
        """Make a future at the end of the line."""
        line = self.line
        if len(line) >= self._tidy_at:
            self.line = line = deque(entry for entry in line if not entry[0].done())
            self._tidy_at = max(TIDY_FROM, 2 * len(line))
        future = new_future()
        line.append((future, own))
        return future

    def call(self) -> tuple[asyncio.Future[Any], T] | None:
        """Take the first one out of the line; `None` if there is none."""
        line = self.line
        while line:
            entry = line.popleft()
            if not entry[0].done():
                return entry
        return None


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
