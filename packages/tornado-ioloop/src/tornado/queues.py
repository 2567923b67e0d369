"""Queues between coroutines of one event loop.

They are like those of `queue`, but who has to wait is a coroutine: `Queue.put` waits while the
queue is full, `Queue.get` while it is empty. They are not for use among threads: a thread passes
its items with `tornado.ioloop.IOLoop.add_callback`.

.. code-block:: python

   async def consumer():
       async for item in queue:
           try:
               await use(item)
           finally:
               queue.task_done()

.. versionadded:: 4.2
"""

from __future__ import annotations

import asyncio
import collections
import heapq
from asyncio import Future, get_running_loop
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from tornado._ioloop.futures import current_loop, done_future
from tornado._waiters import Timeout, Waiters, give_up_after

__all__ = ["LifoQueue", "PriorityQueue", "Queue", "QueueEmpty", "QueueFull"]

T = TypeVar("T")


class QueueEmpty(Exception):
    """Raised by `Queue.get_nowait` when there is nothing."""


class QueueFull(Exception):
    """Raised by `Queue.put_nowait` when there is no room."""


class _Offer(asyncio.Future[None]):
    """The future of an item for which there is no room yet."""

    item: Any


class Queue(Generic[T]):
    """A queue: first in, first out.

    Subclasses for other orders define ``_init``, ``_put`` and ``_get``.

    :arg maxsize: how many items there may be; 0 for any number.
    :raises TypeError: ``maxsize`` is `None`.
    :raises ValueError: ``maxsize`` is negative.
    """

    # The items; what it is depends on the subclass.
    _queue: Any = None
    # What `put` returns when it's done at once; each time the same, as long as the loop is.
    _accepted: asyncio.Future[None] | None = None

    def __init__(self, maxsize: int = 0) -> None:
        if maxsize is None:
            raise TypeError("maxsize can't be None; 0 stands for no limit")
        if maxsize < 0:
            raise ValueError(f"maxsize can't be {maxsize!r}")
        self._maxsize = maxsize
        self._getters = Waiters()
        self._putters = Waiters()
        self._joiners = Waiters()
        self._unfinished = 0
        self._init()

    def _init(self) -> None:
        self._queue = collections.deque()

    def _get(self) -> T:
        item: T = self._queue.popleft()
        return item

    def _put(self, item: T) -> None:
        self._queue.append(item)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x}, {self}>"

    def __str__(self) -> str:
        parts = [f"maxsize {self._maxsize}", f"{self.qsize()} items"]
        getters, putters = self._getters.waiting(), self._putters.waiting()
        if getters:
            parts.append(f"{getters} waiting to get")
        if putters:
            parts.append(f"{putters} waiting to put")
        return ", ".join(parts)

    @property
    def maxsize(self) -> int:
        """How many items there may be; 0 for any number."""
        return self._maxsize

    def qsize(self) -> int:
        """Return the number of items."""
        return len(self._queue)

    def empty(self) -> bool:
        """Tell whether there is no item."""
        return not self._queue

    def full(self) -> bool:
        """Tell whether there is no room."""
        return 0 < self._maxsize <= self.qsize()

    def put(self, item: T, timeout: Timeout = None) -> asyncio.Future[None]:
        """Put an item into the queue, and wait for room if there is none.

        :arg item: the item.
        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future.
        :raises tornado.gen.TimeoutError: from the future, when the time is over; the item isn't in
            the queue then.
        """
        if self._offer(item):
            accepted = self._accepted
            try:
                if accepted is not None and accepted.get_loop() is get_running_loop():
                    return accepted
            except RuntimeError:
                # No loop runs yet.
                return done_future(None)
            self._accepted = accepted = done_future(None)
            return accepted
        offer = _Offer(loop=current_loop())
        offer.item = item
        self._putters.add(offer)
        if timeout is not None:
            give_up_after(offer, timeout, "room in a queue")
        return offer

    def put_nowait(self, item: T) -> None:
        """Put an item into the queue.

        :raises QueueFull: there is no room.
        """
        if not self._offer(item):
            raise QueueFull

    def get(self, timeout: Timeout = None) -> Awaitable[T]:
        """Take an item out of the queue, and wait for one if there is none.

        :arg timeout: a time as of `tornado.ioloop.IOLoop.time`, or a `datetime.timedelta` from now;
            `None` for never.
        :returns: a future with the item. Whoever cancels it when it is done has taken the item.
        :raises tornado.gen.TimeoutError: from the future, when the time is over.
        """
        if self._queue and not self._putters:
            # As below, but nobody is to be served after it.
            try:
                future: asyncio.Future[T] = Future(loop=get_running_loop())
            except RuntimeError:
                return done_future(self._get())
            future.set_result(self._get())
            return future
        if self._queue or self._putters.waiting():
            return done_future(self.get_nowait())
        future = self._getters.join()
        if timeout is not None:
            give_up_after(future, timeout, "an item of a queue")
        return future

    def get_nowait(self) -> T:
        """Take an item out of the queue.

        :raises QueueEmpty: there is none.
        """
        offer = self._putters.call() if self._putters else None
        if offer is not None:
            # The queue is full; what is taken now makes room for what waits.
            self._unfinished += 1
            self._put(offer.item)  # type: ignore[attr-defined]  # only offers stand in that line
            offer.set_result(None)
        elif not self._queue:
            raise QueueEmpty
        return self._get()

    def task_done(self) -> None:
        """Say that an item that was taken has been dealt with; `join` waits for that.

        :raises ValueError: it was said more often than items were put in.
        """
        if self._unfinished <= 0:
            raise ValueError("task_done() was called more often than items were put in")
        self._unfinished -= 1
        if not self._unfinished:
            self._joiners.call_all(None)

    def join(self, timeout: Timeout = None) -> Awaitable[None]:
        """Wait until all items have been dealt with.

        :arg timeout: as of `get`.
        :returns: a future.
        :raises tornado.gen.TimeoutError: from the future, when the time is over.
        """
        if not self._unfinished:
            return done_future(None)
        future = self._joiners.join()
        if timeout is not None:
            give_up_after(future, timeout, "the items of a queue")
        return future

    def __aiter__(self) -> _Items[T]:
        return _Items(self)

    def _offer(self, item: T) -> bool:
        """Take an item if there is room or somebody waits for one."""
        getter = self._getters.call() if self._getters else None
        if getter is None and self._maxsize and self.full():
            return False
        self._unfinished += 1
        self._put(item)
        if getter is not None:
            getter.set_result(self._get())
        return True


class PriorityQueue(Queue[T]):
    """A queue from which the least item is taken first.

    Items are often tuples such as ``(priority, data)``.
    """

    def _init(self) -> None:
        self._queue = []

    def _put(self, item: T) -> None:
        heapq.heappush(self._queue, item)

    def _get(self) -> T:
        item: T = heapq.heappop(self._queue)
        return item


class LifoQueue(Queue[T]):
    """A queue from which the latest item is taken first."""

    def _init(self) -> None:
        self._queue = []

    def _get(self) -> T:
        item: T = self._queue.pop()
        return item


class _Items(Generic[T]):
    """``async for item in queue``: one item after the other, without an end."""

    def __init__(self, queue: Queue[T]) -> None:
        self._source = queue

    def __aiter__(self) -> _Items[T]:
        return self

    def __anext__(self) -> Awaitable[T]:
        return self._source.get()
