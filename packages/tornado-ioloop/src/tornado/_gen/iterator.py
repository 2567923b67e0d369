"""Taking results as they come."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

from tornado._gen.convert import convert_yielded
from tornado._ioloop.futures import new_future
from tornado.concurrent import Future, copy_outcome


class WaitIterator:
    """Gives the results of several futures in the order in which they are done.

    .. code-block:: python

       waiting = gen.WaitIterator(first=future1, second=future2)
       async for result in waiting:
           print(waiting.current_index, result)

    A future that failed raises its error in its turn; the iteration can go on with
    ``while not waiting.done(): await waiting.next()``.

    :arg args: the futures; their places are what `current_index` is.
    :arg kwargs: or futures with names.
    :raises ValueError: both are given.

    .. attribute:: current_index

       Place or name of the future that the last result is from.

    .. attribute:: current_future

       That future.

    .. versionadded:: 4.1
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("futures have names or they don't: not both in one iteration")
        self.current_index: str | int | None = None
        self.current_future: Future[Any] | None = None
        named: dict[Any, Any] = dict(kwargs) if kwargs else dict(enumerate(args))
        # How many aren't done; several names may stand for one future, which then counts for each.
        self._left = len(named)
        self._finished: deque[tuple[Any, Future[Any]]] = deque()
        self._asked: Future[Any] | None = None
        for name, awaitable in named.items():
            future = awaitable if isinstance(awaitable, Future) else convert_yielded(awaitable)
            if future.done():
                self._finish(name, future)
            else:
                future.add_done_callback(partial(self._finish, name))

    def done(self) -> bool:
        """Tell whether all results have been given."""
        if self._left or self._finished:
            return False
        self.current_index = self.current_future = None
        return True

    def next(self) -> Future[Any]:
        """Return a future of the next result.

        :raises RuntimeError: the result before has not been there yet.
        """
        if self._asked is not None and not self._asked.done():
            raise RuntimeError("next() was called again before it had a result")
        self._asked = asked = new_future()
        if self._finished:
            self._give(asked)
        return asked

    def __aiter__(self) -> WaitIterator:
        return self

    def __anext__(self) -> Future[Any]:
        if self.done():
            raise StopAsyncIteration
        return self.next()

    def _finish(self, name: Any, future: Future[Any]) -> None:
        self._left -= 1
        self._finished.append((name, future))
        asked = self._asked
        if asked is not None and not asked.done():
            self._give(asked)

    def _give(self, asked: Future[Any]) -> None:
        self.current_index, self.current_future = self._finished.popleft()
        copy_outcome(asked, self.current_future)
        # An error in it knows the frame that iterates, and that knows this object.
        self._asked = None
