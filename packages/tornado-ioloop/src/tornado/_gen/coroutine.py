"""The driver of generators: it runs one until it yields, waits, and goes on with the outcome."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable, Generator
from typing import Any

from tornado._gen.convert import convert_yielded, moment
from tornado._gen.errors import BadYieldError, KeyReuseError, LeakedCallbackError, UnknownKeyError
from tornado._gen.points import Calls, start_points
from tornado.concurrent import Future

# The generator is told what it has done wrong.
_MISUSE = (BadYieldError, KeyReuseError, UnknownKeyError)


class Return(Exception):
    """Raised in a generator to return a value, as ``return value`` does.

    :arg value: the result.
    """

    def __init__(self, value: Any = None) -> None:
        super().__init__(value)
        self.value = value


def coroutine(func: Callable[..., Any]) -> Callable[..., Future[Any]]:
    """Make a generator function a coroutine: calling it returns a future.

    In the generator, ``yield`` waits for what `convert_yielded` accepts, and gives its result.
    ``return`` sets the future's result.
    A function that is no generator function gives a future too.

    .. versionadded:: 3.0
    """

    @functools.wraps(func)
    def start(*args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = new_future()
        try:
            result = func(*args, **kwargs)
        except Return as returned:
            future.set_result(returned.value)
            return future
        except Exception as error:
            future.set_exception(error)
            return future
        if isinstance(result, Generator):
            Drive(result, future).step(None, None)
        else:
            future.set_result(result)
        return future

    start.__wrapped__ = func
    start.__tornado_coroutine__ = True  # type: ignore[attr-defined]  # functions may have attributes
    return start


def is_coroutine_function(func: Any) -> bool:
    """Whether ``func`` was made by `coroutine`.

    .. versionadded:: 4.5
    """
    return getattr(func, "__tornado_coroutine__", False)


def new_future() -> Future[Any]:
    """Make a future of the loop that runs, or is the thread's."""
    try:
        return asyncio.get_running_loop().create_future()
    except RuntimeError:
        from tornado.ioloop import IOLoop

        loop: asyncio.AbstractEventLoop = IOLoop.current().asyncio_loop
        return loop.create_future()


class Drive:
    """One generator under way.

    :arg generator: the generator.
    :arg future: gets its outcome.
    """

    __slots__ = ("_calls", "_context", "_future", "_generator")

    def __init__(self, generator: Generator[Any, Any, Any], future: Future[Any]) -> None:
        self._generator = generator
        self._future = future
        self._context = contextvars.copy_context()
        # Made for generators that have callbacks by key.
        self._calls: Calls | None = None

    def step(self, value: Any, error: BaseException | None) -> None:
        """Run until something has to be waited for, or to the end."""
        generator, context = self._generator, self._context
        while True:
            try:
                if error is None:
                    yielded = context.run(generator.send, value)
                else:
                    yielded = context.run(generator.throw, error)
            except StopIteration as stop:
                self._resolve(stop.value)
                return
            except Return as returned:
                self._resolve(returned.value)
                return
            except asyncio.CancelledError:
                self._future.cancel()
                return
            except Exception as raised:
                if not self._future.done():
                    self._future.set_exception(raised)
                return
            waited: Future[Any]
            if isinstance(yielded, Future):
                waited = yielded
            elif yielded is None or yielded is moment:
                asyncio.get_running_loop().call_soon(self.step, None, None)
                return
            else:
                try:
                    waited = context.run(self._convert, yielded)
                except _MISUSE as misuse:
                    value, error = None, misuse
                    continue
            if not waited.done():
                waited.add_done_callback(self._wake)
                return
            value, error = _outcome(waited)

    def _wake(self, waited: Future[Any]) -> None:
        self.step(*_outcome(waited))

    def _convert(self, yielded: Any) -> Future[Any]:
        if self._calls is None:
            self._calls = Calls()
        future: Future[Any] = convert_yielded(start_points(yielded, self._calls))
        return future

    def _resolve(self, value: Any) -> None:
        if self._future.done():
            return
        try:
            if self._calls is not None:
                self._calls.check_all_taken()
        except LeakedCallbackError as leak:
            self._future.set_exception(leak)
        else:
            self._future.set_result(value)


def _outcome(future: Future[Any]) -> tuple[Any, BaseException | None]:
    if future.cancelled():
        return None, asyncio.CancelledError()
    error = future.exception()
    return (None, error) if error is not None else (future.result(), None)
