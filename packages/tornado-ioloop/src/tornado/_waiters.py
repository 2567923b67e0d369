"""Those who wait in line, each for a future."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any, Generic, TypeVar

from tornado.ioloop import IOLoop

T = TypeVar("T")

Timeout = float | datetime.timedelta | None


class Waiters(Generic[T]):
    """A line of futures, each with something that belongs to it.

    A future that is done, by a timeout or because nobody waits for it any more, leaves the line at
    once, so that waiting with timeouts again and again takes no memory.
    """

    __slots__ = ("_line",)

    def __init__(self) -> None:
        self._line: dict[asyncio.Future[Any], T] = {}

    def __len__(self) -> int:
        return len(self._line)

    def join(self, own: T) -> asyncio.Future[Any]:
        """Make a future at the end of the line."""
        future: asyncio.Future[Any] = IOLoop.current().asyncio_loop.create_future()
        self._line[future] = own
        future.add_done_callback(self._leave)
        return future

    def call(self) -> tuple[asyncio.Future[Any], T] | None:
        """Take the first one out of the line; `None` if there is none."""
        while self._line:
            future = next(iter(self._line))
            own = self._line.pop(future)
            if not future.done():
                return future, own
        return None

    def _leave(self, future: asyncio.Future[Any]) -> None:
        self._line.pop(future, None)


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
