"""The one place that knows how a callback is given the result of a future.

The documented API of versions 2.x to 5.x passes results to callbacks, today's returns futures.
Every asynchronous function makes a
future; with a callback, the functions of this module connect the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def run_callback(callback: Callable[..., Any], *args: Any) -> None:
    """Run ``callback`` on the current loop, so that an error in it is dealt with as the loop
    does."""
    from tornado.ioloop import IOLoop

    IOLoop.current().add_callback(callback, *args)


def deliver_result(
    future: asyncio.Future[Any], callback: Callable[..., Any], *, with_result: bool = True
) -> None:
    """Call ``callback`` when ``future`` has succeeded, in the context of the caller; an error is
    nobody's then.

    :arg with_result: pass the future's result to the callback.
    """

    def done(finished: asyncio.Future[Any]) -> None:
        if finished.cancelled() or finished.exception() is not None:
            return
        if with_result:
            run_callback(callback, finished.result())
        else:
            run_callback(callback)

    future.add_done_callback(done)


def split_callback(value: Any) -> tuple[Callable[..., Any] | None, Any]:
    """Tell a callback from another argument in the same place: what can be called is a callback.

    :returns: callback and other value; at most one isn't `None`.
    """
    return (value, None) if callable(value) else (None, value)
