"""Coordination among coroutines of one event loop.

The names are those of `threading`, but nothing here blocks a thread, and nothing is meant to be
used by several: what waits are coroutines.

.. versionadded:: 4.2
"""

from __future__ import annotations

import asyncio
import math
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Generator
from types import TracebackType
from typing import Any

from tornado._ioloop.futures import done_future, new_future
from tornado._waiters import Timeout, Waiters, give_up_after, settle_after

__all__ = ["BoundedSemaphore", "Condition", "Event", "Lock", "Semaphore"]


class Condition:
    """Lets coroutines wait until they are notified.

    Unlike that of `threading`, it needs no lock: nothing else runs between two ``await``.

    .. code-block:: python

       async def consumer():
           await condition.wait()
           print("notified")

       condition.notify()
    """

    def __init__(self) -> None:
        self._waiters = Waiters()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {self._waiters.waiting()} waiting>"

    def wait(self, timeout: Timeout = None) -> asyncio.Future[bool]:
        """Wait for a notification.

        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future: true when notified, false when the time was over before that.
        """
        future = self._waiters.join()
        if timeout is not None:
            settle_after(future, timeout, False)
        return future

    def notify(self, n: int = 1) -> None:
        """Wake those who have waited longest.

        :arg n: how many.
        """
        waiters = self._waiters
        while n > 0 and waiters:
            future = waiters.popleft()
            if not future.done():
                future.set_result(True)
                n -= 1

    def notify_all(self) -> None:
        """Wake all who wait."""
        self._waiters.call_all(True)


class Event:
    """A flag that coroutines wait for.

    When it's set, all who wait go on, and nobody has to wait until it's cleared again.
    """

    def __init__(self) -> None:
        self._set = False
        self._waiters = Waiters()

    def __repr__(self) -> str:
        state = "set" if self._set else f"clear, {self._waiters.waiting()} waiting"
        return f"<{type(self).__name__}, {state}>"

    def is_set(self) -> bool:
        """Tell whether the flag is set."""
        return self._set

    def set(self) -> None:
        """Set the flag and let all who wait go on."""
        self._set = True
        self._waiters.call_all(None)

    def clear(self) -> None:
        """Clear the flag: who asks from now on has to wait."""
        self._set = False

    def wait(self, timeout: Timeout = None) -> asyncio.Future[None]:
        """Wait until the flag is set.

        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future.
        :raises tornado.gen.TimeoutError: from the future, when the time is over.
        """
        if self._set:
            return done_future(None)
        future = self._waiters.join()
        if timeout is not None:
            give_up_after(future, timeout, "an event")
        return future


class Releasing:
    """What ``acquire`` gives: a context manager that releases at its end."""

    __slots__ = ("_permits",)

    def __init__(self, permits: Permits) -> None:
        self._permits = permits

    def __enter__(self) -> None:
        """Nothing has to be done: it has been acquired."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._permits.release()


class Permits:
    """Something of which there is a number: what semaphores and locks are made of.

    :arg value: how many there are to begin with.
    :arg limit: how many there can be.
    """

    _named = "a permit"

    def __init__(self, value: int, limit: float) -> None:
        self._value = value
        self._limit = limit
        self._waiters = Waiters()

    def __repr__(self) -> str:
        state = (
            f"value {self._value}" if self._value else f"locked, {self._waiters.waiting()} waiting"
        )
        return f"<{type(self).__name__}, {state}>"

    def acquire(self, timeout: Timeout = None) -> asyncio.Future[Releasing]:
        """Take one, and wait for it if there is none.

        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future with a context manager that gives it back. A task that is cancelled just
            when the future is done has taken one and doesn't know; with ``async with`` nothing is
            lost then.
        :raises tornado.gen.TimeoutError: from the future, when the time is over.
        """
        if self._value > 0:
            self._value -= 1
            try:
                future: asyncio.Future[Releasing] = Future(loop=get_running_loop())
            except RuntimeError:
                future = new_future()
            future.set_result(Releasing(self))
            return future
        future = self._waiters.join()
        if timeout is not None:
            give_up_after(future, timeout, self._named)
        return future

    def release(self) -> None:
        """Give it back; who has waited longest gets it.

        :raises ValueError: a bounded semaphore has all its permits.
        :raises RuntimeError: a lock isn't locked.
        """
        if self._value >= self._limit:
            raise self._excess()
        waiters = self._waiters
        while waiters:
            future = waiters.popleft()
            if not future.done():
                future.set_result(Releasing(self))
                return
        self._value += 1

    def _excess(self) -> Exception:
        return ValueError("the semaphore was released more often than it was acquired")

    def __enter__(self) -> None:
        raise RuntimeError(f"use 'async with' with a {type(self).__name__}, not 'with'")

    def __exit__(self, *args: object) -> None:
        """Never reached; without it the message of ``__enter__`` would not be seen."""

    def __aenter__(self) -> Awaitable[None]:
        if self._value > 0 and type(self).acquire is Permits.acquire:
            self._value -= 1
            return _AT_ONCE
        return _acquired(self)

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Awaitable[None]:
        self.release()
        return _AT_ONCE


class Semaphore(Permits):
    """A number of permits that coroutines take and give back.

    .. code-block:: python

       async def worker():
           async with semaphore:
               await use_some_resource()

    In generator coroutines: ``with (yield semaphore.acquire()):``.

    :arg value: how many permits there are.
    :raises ValueError: the number is negative.

    .. versionchanged:: 4.3
       ``async with``.
    """

    _named = "a semaphore"

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError(f"a semaphore's value can't be {value!r}")
        super().__init__(value, math.inf)


class BoundedSemaphore(Semaphore):
    """A semaphore that doesn't take back more permits than it has given.

    :arg value: how many permits there are.
    """

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._limit = value


class Lock(Permits):
    """A lock for coroutines: one has it, the others wait in line.

    .. code-block:: python

       async with lock:
           ...

    In generator coroutines: ``with (yield lock.acquire()):``.

    .. versionchanged:: 4.3
       ``async with``.
    """

    _named = "a lock"

    def __init__(self) -> None:
        super().__init__(1, 1)

    def __repr__(self) -> str:
        state = "unlocked" if self._value else f"locked, {self._waiters.waiting()} waiting"
        return f"<{type(self).__name__}, {state}>"

    def _excess(self) -> Exception:
        return RuntimeError("the lock isn't locked")


class _AtOnce:
    """An awaitable that needs no waiting."""

    def __await__(self) -> Generator[Any, Any, None]:
        nothing: Generator[Any, Any, None] = _NOTHING
        return nothing


_NOTHING: Any = iter(())
_AT_ONCE = _AtOnce()


async def _acquired(permits: Permits) -> None:
    """Acquire, so that cancelling leaves nothing acquired."""
    if permits._value > 0 or type(permits).acquire is not Permits.acquire:
        # Something was released meanwhile, or a subclass has ways of its own.
        future = permits.acquire()
    else:
        # As `Waiters.join`, but that a coroutine knows that a loop runs.
        future = Future()
        permits._waiters.add(future)
    try:
        await future
    except asyncio.CancelledError:
        if future.done() and not future.cancelled() and future.exception() is None:
            # It was given to us, but we were cancelled before we could take note.
            permits.release()
        raise
