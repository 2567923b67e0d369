"""Coordination among coroutines of one event loop.

The names are those of `threading`, but nothing here blocks a thread, and nothing is meant to be
used by several: what waits are coroutines.

.. versionadded:: 4.2
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from types import TracebackType
from typing import Any

from tornado._ioloop.futures import done_future
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
        self._waiters: Waiters[None] = Waiters()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self._waiters)} waiting>"

    def wait(self, timeout: Timeout = None) -> asyncio.Future[bool]:
        """Wait for a notification.

        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future: true when notified, false when the time was over before that.
        """
        future = self._waiters.join(None)
        settle_after(future, timeout, False)
        return future

    def notify(self, n: int = 1) -> None:
        """Wake those who have waited longest.

        :arg n: how many.
        """
        for _ in range(n):
            called = self._waiters.call()
            if called is None:
                return
            called[0].set_result(True)

    def notify_all(self) -> None:
        """Wake all who wait."""
        self.notify(len(self._waiters))


class Event:
    """A flag that coroutines wait for.

    When it's set, all who wait go on, and nobody has to wait until it's cleared again.
    """

    def __init__(self) -> None:
        self._set = False
        self._waiters: Waiters[None] = Waiters()

    def __repr__(self) -> str:
        state = "set" if self._set else f"clear, {len(self._waiters)} waiting"
        return f"<{type(self).__name__}, {state}>"

    def is_set(self) -> bool:
        """Tell whether the flag is set."""
        return self._set

    def set(self) -> None:
        """Set the flag and let all who wait go on."""
        self._set = True
        while called := self._waiters.call():
            called[0].set_result(None)

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
        future = self._waiters.join(None)
        give_up_after(future, timeout, "an event")
        return future


class Releasing:
    """What `Semaphore.acquire` gives: a context manager that releases at its end."""

    def __init__(self, semaphore: Semaphore | Lock) -> None:
        self._semaphore = semaphore

    def __enter__(self) -> None:
        """Nothing has to be done: it has been acquired."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._semaphore.release()


class Semaphore:
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

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError(f"a semaphore's value can't be {value!r}")
        self._value = value
        self._waiters: Waiters[None] = Waiters()

    def __repr__(self) -> str:
        state = f"value {self._value}" if self._value else f"locked, {len(self._waiters)} waiting"
        return f"<{type(self).__name__}, {state}>"

    def acquire(self, timeout: Timeout = None) -> asyncio.Future[Releasing]:
        """Take a permit, and wait for one if there is none.

        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future with a context manager that gives the permit back.
        :raises tornado.gen.TimeoutError: from the future, when the time is over.
        """
        if self._value > 0:
            self._value -= 1
            return done_future(Releasing(self))
        future = self._waiters.join(None)
        give_up_after(future, timeout, "a semaphore")
        return future

    def release(self) -> None:
        """Give a permit back; who has waited longest gets it."""
        called = self._waiters.call() if self._waiters.line else None
        if called is None:
            self._value += 1
        else:
            called[0].set_result(Releasing(self))

    def __enter__(self) -> None:
        raise RuntimeError(f"use 'async with' with a {type(self).__name__}, not 'with'")

    def __exit__(self, *args: object) -> None:
        """Never reached; without it the message of ``__enter__`` would not be seen."""

    def __aenter__(self) -> Awaitable[None]:
        if self._value > 0 and type(self).acquire is Semaphore.acquire:
            # As `acquire` does, without a future.
            self._value -= 1
            return _AT_ONCE
        return _acquired(self)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class BoundedSemaphore(Semaphore):
    """A semaphore that doesn't take back more permits than it has given.

    :arg value: how many permits there are.
    """

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._initial = value

    def release(self) -> None:
        """Give a permit back; who has waited longest gets it.

        :raises ValueError: all permits are there.
        """
        if self._value >= self._initial:
            raise ValueError("the semaphore was released more often than it was acquired")
        super().release()


class Lock:
    """A lock for coroutines: one has it, the others wait in line.

    .. code-block:: python

       async with lock:
           ...

    In generator coroutines: ``with (yield lock.acquire()):``.

    .. versionchanged:: 4.3
       ``async with``.
    """

    def __init__(self) -> None:
        self._semaphore = BoundedSemaphore(1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {self._semaphore!r}>"

    def acquire(self, timeout: Timeout = None) -> asyncio.Future[Releasing]:
        """Take the lock, and wait for it if somebody has it.

        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future with a context manager that releases the lock.
        :raises tornado.gen.TimeoutError: from the future, when the time is over.
        """
        return self._semaphore.acquire(timeout)

    def release(self) -> None:
        """Give the lock to who has waited longest.

        :raises RuntimeError: nobody has it.
        """
        try:
            self._semaphore.release()
        except ValueError:
            raise RuntimeError("the lock isn't locked") from None

    def __enter__(self) -> None:
        raise RuntimeError(f"use 'async with' with a {type(self).__name__}, not 'with'")

    def __exit__(self, *args: object) -> None:
        """Never reached; without it the message of ``__enter__`` would not be seen."""

    def __aenter__(self) -> Awaitable[None]:
        if type(self).acquire is Lock.acquire:
            return self._semaphore.__aenter__()
        return _acquired(self)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class _AtOnce:
    """An awaitable that needs no waiting."""

    def __await__(self) -> Generator[Any, Any, None]:
        nothing: Generator[Any, Any, None] = _NOTHING
        return nothing


_NOTHING: Any = iter(())
_AT_ONCE = _AtOnce()


async def _acquired(semaphore: Semaphore | Lock) -> None:
    """Acquire, so that cancelling leaves nothing acquired."""
    future = semaphore.acquire()
    try:
        await future
    except asyncio.CancelledError:
        if future.done() and not future.cancelled() and future.exception() is None:
            # It was given to us, but we were cancelled before we could take note.
            semaphore.release()
        raise
