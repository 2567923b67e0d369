"""Futures, and functions that run elsewhere.

A `Future` is asyncio's: `asyncio.Future`. Futures of `concurrent.futures` are accepted wherever one
is waited for.
"""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import Callable
from concurrent import futures
from typing import Any, TypeVar

from tornado.util import ArgReplacer

T = TypeVar("T")

Future = asyncio.Future
#: Name of `Future` in versions 3.0 to 5.1.
TracebackFuture = Future

FUTURES = (futures.Future, Future)


class ReturnValueIgnoredError(Exception):
    """A return value that nobody takes (kept for programs that name it)."""


def is_future(x: Any) -> bool:
    """Whether ``x`` is a future, of asyncio or of `concurrent.futures`."""
    return isinstance(x, FUTURES)


class DummyExecutor(futures.Executor):
    """An executor that runs everything at once, in the calling thread."""

    def submit(  # type: ignore[override]  # the base class's parameter list is positional only
        self, fn: Callable[..., T], *args: Any, **kwargs: Any
    ) -> futures.Future[T]:
        """Run ``fn`` and return a future that is done."""
        future: futures.Future[T] = futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        try:
            return future
        finally:
            # The error knows this frame, which would keep both until the garbage is collected.
            del future

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        """There is nothing to shut down."""


dummy_executor = DummyExecutor()


def run_on_executor(*args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Make a method run on its object's executor, and return a future.

    .. code-block:: python

       class Converter:
           executor = ThreadPoolExecutor(4)

           @run_on_executor
           def convert(self, data):
               ...

    The method takes a further argument ``callback``, which is called with the result.

    :arg executor: name of the attribute that holds the executor; ``executor`` by default.
    :arg io_loop: accepted for programs that were written for versions 3.0 to 4.2, and not used.
    """
    name = kwargs.pop("executor", "executor")
    kwargs.pop("io_loop", None)
    if kwargs:
        raise TypeError(f"unexpected arguments {sorted(kwargs)}")

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def submit(self: Any, *call_args: Any, **call_kwargs: Any) -> asyncio.Future[Any]:
            from tornado.ioloop import IOLoop

            callback = call_kwargs.pop("callback", None)
            result: asyncio.Future[Any] = IOLoop.current().asyncio_loop.create_future()
            chain_future(
                getattr(self, name).submit(function, self, *call_args, **call_kwargs), result
            )
            if callback is not None:
                _pass_on(result, callback)
            try:
                return result
            finally:
                # As in `DummyExecutor`, which may have called the function.
                del result

        return submit

    if not args:
        return decorate
    if len(args) == 1:
        return decorate(args[0])
    raise TypeError(f"one function is needed, not {len(args)}")


def return_future(f: Callable[..., Any]) -> Callable[..., asyncio.Future[Any]]:
    """Make a function that takes a callback return a future too.

    The function calls its argument ``callback`` with a result, or with none. What it raises, also
    in callbacks that it starts, is raised by the future. Callers may still pass a callback: that
    is called with the result, and an error goes where those of callbacks go.

    .. code-block:: python

       @return_future
       def double(number, callback):
           callback(2 * number)

       assert await double(4) == 8

    :arg f: the function. It may return nothing but `None`.
    :raises ReturnValueIgnoredError: (the future) it did.

    .. versionadded:: 3.0
    """
    replacer = ArgReplacer(f, "callback")

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        from tornado.ioloop import IOLoop
        from tornado.stack_context import ExceptionStackContext

        future: asyncio.Future[Any] = IOLoop.current().asyncio_loop.create_future()
        unsettled = Unsettled(future)

        def succeed(result: Any = None) -> None:
            unsettled.succeed(result)

        def fail(kind: type[BaseException], error: BaseException, trace: Any) -> bool:
            # Those that aren't errors of the function end the program as ever.
            return isinstance(error, Exception) and unsettled.fail(error)

        callback, given, named = replacer.replace(succeed, args, kwargs)
        with ExceptionStackContext(fail):
            returned = f(*given, **named)
            if returned is not None:
                raise ReturnValueIgnoredError(
                    f"results go to the callback; returned: {returned!r:.80}"
                )
        if callback is not None:
            _pass_on(future, callback)
        try:
            return future
        finally:
            # An error knows this frame.
            del future

    return call


class Unsettled:
    """A future without an outcome, in the hands of those who are to give it one.

    It's forgotten with the first outcome. An error knows the frames that it has come through, and
    these know the callback: with the future, all of them would stay until the garbage is collected.

    :arg future: the future.
    """

    __slots__ = ("_future",)

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self._future: asyncio.Future[Any] | None = future

    def succeed(self, result: Any) -> None:
        """Set the result, if nothing else came first."""
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_result(result)

    def fail(self, error: BaseException) -> bool:
        """Set the exception; returns false if something else came first."""
        future, self._future = self._future, None
        if future is None or future.done():
            return False
        future.set_exception(error)
        return True


def _pass_on(future: asyncio.Future[Any], callback: Callable[..., Any]) -> None:
    """Call ``callback`` with the result; raise an error in the place of the callback."""
    from tornado.ioloop import IOLoop

    def done(finished: asyncio.Future[Any]) -> None:
        if finished.cancelled():
            return
        try:
            result = finished.result()
        finally:
            del finished
        callback() if result is None else callback(result)

    IOLoop.current().add_future(future, done)


def chain_future(a: Any, b: Any) -> None:
    """Give ``b`` the outcome of ``a``, when ``a`` is done and unless ``b`` is done by then."""
    if not isinstance(a, Future):
        from tornado.ioloop import IOLoop

        # A future of another thread: its outcome is copied on the loop.
        IOLoop.current().add_future(a, functools.partial(copy_outcome, b))
    elif a.done():
        copy_outcome(b, a)
    else:
        a.add_done_callback(functools.partial(copy_outcome, b))


def copy_outcome(target: Any, done: Any) -> None:
    """Give ``target`` the outcome of ``done``, which has one, unless it has one itself."""
    if target.done():
        return
    if done.cancelled():
        target.cancel()
        return
    error = done.exception()
    if error is not None:
        target.set_exception(error)
    else:
        target.set_result(done.result())


def future_set_result_unless_cancelled(future: Any, value: Any) -> None:
    """Set the result, unless the future is cancelled.

    .. versionadded:: 5.0
    """
    if not future.cancelled():
        future.set_result(value)


def future_set_exception_unless_cancelled(future: Any, exc: BaseException) -> None:
    """Set the exception, or log it if the future is cancelled.

    .. versionadded:: 6.0
    """
    if not future.cancelled():
        future.set_exception(exc)
        return
    from tornado.log import app_log

    app_log.error("Exception after Future was cancelled", exc_info=exc)


def future_set_exc_info(
    future: Any,
    exc_info: tuple[type[BaseException] | None, BaseException | None, types.TracebackType | None],
) -> None:
    """Set the exception of a triple as `sys.exc_info` returns it.

    :raises ValueError: the triple holds no exception.

    .. versionadded:: 5.0
    """
    if exc_info[1] is None:
        raise ValueError(f"there is no exception in {exc_info!r}")
    future_set_exception_unless_cancelled(future, exc_info[1])


def future_add_done_callback(future: Any, callback: Callable[[Any], None]) -> None:
    """Call ``callback`` with the future when it's done: at once if it is, whatever its kind.

    .. versionadded:: 5.0
    """
    if future.done():
        callback(future)
    else:
        future.add_done_callback(callback)
