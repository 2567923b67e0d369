"""Waiting for time, and waiting no longer than that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado._gen.convert import convert_yielded
from tornado._ioloop.futures import new_future
from tornado.concurrent import Future, chain_future, is_future
from tornado.ioloop import IOLoop
from tornado.log import app_log

if TYPE_CHECKING:
    import datetime


def sleep(duration: float) -> Future[None]:
    """Return a future that is done after ``duration`` seconds.

    .. versionadded:: 4.1
    """
    future: Future[None] = new_future()
    timer = future.get_loop().call_later(duration, _resolve, future)
    future.add_done_callback(lambda _: timer.cancel())
    return future


def with_timeout(
    timeout: float | datetime.timedelta,
    future: Any,
    quiet_exceptions: type[BaseException] | tuple[type[BaseException], ...] = (),
    *,
    message: str | Callable[[], str] | None = None,
) -> Future[Any]:
    """Wait for ``future``, but not for ever. What is waited for goes on after the timeout.

    :arg timeout: a time as of `IOLoop.time`, or a `datetime.timedelta` from now.
    :arg future: anything that may be yielded.
    :arg quiet_exceptions: errors not to log when they come after the timeout.
    :arg message: text of the error, or a function that makes it.
    :raises TimeoutError: it took longer.

    .. versionadded:: 4.0
    """
    awaited = convert_yielded(future)
    io_loop = IOLoop.current()
    outcome: Future[Any] = io_loop.asyncio_loop.create_future()
    chain_future(awaited, outcome)
    if outcome.done():
        return outcome

    def strike() -> None:
        if not outcome.done():
            text = message() if callable(message) else message
            outcome.set_exception(TimeoutError("Timeout" if text is None else text))
        awaited.add_done_callback(complain)

    def complain(late: Future[Any]) -> None:
        error = None if late.cancelled() else late.exception()
        if error is not None and not isinstance(error, quiet_exceptions):
            app_log.error("Exception in Future %r after timeout", late, exc_info=error)

    handle = io_loop.add_timeout(timeout, strike)
    outcome.add_done_callback(lambda _: io_loop.remove_timeout(handle))
    return outcome


def maybe_future(x: Any) -> Future[Any]:
    """Return ``x`` if it's a future of any kind, otherwise a future that has it as its result."""
    if is_future(x):
        known: Future[Any] = x
        return known
    future: Future[Any] = IOLoop.current().asyncio_loop.create_future()
    future.set_result(x)
    return future


def _resolve(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)
