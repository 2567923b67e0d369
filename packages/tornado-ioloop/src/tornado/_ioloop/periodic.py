"""Callbacks that are called again and again."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING

from tornado._ioloop.loop import IOLoop, is_surrounded
from tornado._late import LateModule

if TYPE_CHECKING:
    import datetime
    import random
else:
    datetime = LateModule("datetime")
    random = LateModule("random")


class PeriodicCallback:
    """Call a function every ``callback_time`` milliseconds, once `start` was called.

    Calls lie on a fixed grid of time, so that the function's own time doesn't add up; a call that
    would overlap the one before it is left
    out.

    :arg callback: the function; if it returns an awaitable, the next call waits for it.
    :arg callback_time: milliseconds, or a `datetime.timedelta`.
    :arg jitter: fraction by which each period is randomly longer or shorter.
    :raises ValueError: ``callback_time`` isn't positive.

    .. versionchanged:: 5.1
       Added ``jitter``.
    """

    def __init__(
        self,
        callback: Callable[[], Awaitable[None] | None],
        callback_time: float | datetime.timedelta,
        jitter: float = 0,
        io_loop: IOLoop | None = None,
    ) -> None:
        if isinstance(callback_time, datetime.timedelta):
            callback_time = callback_time / datetime.timedelta(milliseconds=1)
        if callback_time <= 0:
            raise ValueError(f"callback_time must be positive, not {callback_time!r}")
        if isinstance(jitter, IOLoop):
            # API versions 2.x to 4.x have the loop in this place.
            io_loop, jitter = jitter, 0
        self.callback = callback
        self.callback_time = callback_time
        self.jitter = jitter
        self._given_loop = io_loop
        self._running = False
        self._timeout: object | None = None
        self._next_timeout = 0.0

    def start(self) -> None:
        """Begin to call."""
        if self._running:
            return
        self.io_loop: IOLoop = self._given_loop or IOLoop.current()
        self._running = True
        self._next_timeout = self.io_loop.time()
        self._schedule_next()

    def stop(self) -> None:
        """Call no more."""
        self._running = False
        if self._timeout is not None:
            self.io_loop.remove_timeout(self._timeout)
            self._timeout = None

    def is_running(self) -> bool:
        """Whether `start` was called, and `stop` was not.

        .. versionadded:: 4.1
        """
        return self._running

    def _run(self) -> None:
        if not self._running:
            return
        timeout = self._timeout
        under_way: asyncio.Future[None] | None = None
        try:
            result = self.callback()
            if result is not None and isawaitable(result):
                under_way = asyncio.ensure_future(result)
        except Exception:
            self._report()
        finally:
            if under_way is None:
                self._go_on_from(timeout)
        if under_way is not None:
            self.io_loop.add_future(under_way, functools.partial(self._end, timeout))

    def _end(self, timeout: object, under_way: asyncio.Future[None]) -> None:
        """Take note that the callback has ended, if that took longer."""
        self._go_on_from(timeout)
        if under_way.cancelled():
            return
        try:
            under_way.result()
        except Exception:
            self._report()

    def _report(self) -> None:
        """Hand on the exception that is being handled."""
        if is_surrounded():
            # It's for the contexts of `start`.
            raise
        self.io_loop.handle_callback_exception(self.callback)

    def _go_on_from(self, timeout: object) -> None:
        # Stopped and started again meanwhile: that start has a schedule of its own.
        if self._running and self._timeout is timeout:
            self._schedule_next()

    def _schedule_next(self) -> None:
        self._update_next(self.io_loop.time())
        self._timeout = self.io_loop.add_timeout(self._next_timeout, self._run)

    def _update_next(self, current_time: float) -> None:
        period = self.callback_time / 1000.0
        if self.jitter:
            period *= 1 + self.jitter * (random.random() - 0.5)
        behind = current_time - self._next_timeout
        if behind < 0:
            # The clock went back, or a call came a moment early: never twice within one tick.
            self._next_timeout += period
        else:
            self._next_timeout += (math.floor(behind / period) + 1) * period
