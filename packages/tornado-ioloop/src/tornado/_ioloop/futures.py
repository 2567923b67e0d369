"""Futures of the current loop."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, get_running_loop
from typing import Any

from tornado._ioloop.loop import IOLoop


def current_loop() -> AbstractEventLoop:
    """Return the loop that runs, or else the thread's: coroutines may be called before it runs."""
    try:
        return get_running_loop()
    except RuntimeError:
        loop: AbstractEventLoop = IOLoop.current().asyncio_loop
        return loop


def new_future() -> Future[Any]:
    """Make a future of the current loop."""
    try:
        return Future(loop=get_running_loop())
    except RuntimeError:
        return Future(loop=current_loop())


def done_future(result: Any) -> Future[Any]:
    """Make a future that has a result."""
    try:
        future: Future[Any] = Future(loop=get_running_loop())
    except RuntimeError:
        future = Future(loop=current_loop())
    future.set_result(result)
    return future
