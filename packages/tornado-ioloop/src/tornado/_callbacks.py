"""The one place that knows what a callback is, and how it's given the result of a future.

The documented API of versions 2.x to 5.x passes results to callbacks, today's returns futures.
Every asynchronous function makes a
future; with a callback, the functions of this module connect the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def check_callable(callback: object) -> None:
    """Refuse what can't be called, where it's given and not where it would be called.

    :raises TypeError: it can't be called.
    """
    if not callable(callback):
        raise TypeError(f"a callback has to be callable, which {callback!r:.80} isn't")


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
    :raises TypeError: ``callback`` can't be called.
    """
    check_callable(callback)

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
