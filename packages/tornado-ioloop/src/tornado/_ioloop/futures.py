"""Futures of the current loop, and tasks."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, Task, get_running_loop
from collections.abc import Coroutine
from contextvars import Context
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


def begin_later(
    loop: AbstractEventLoop, work: Coroutine[Any, Any, None], context: Context
) -> Task[None]:
    """Make a task that begins on the loop's next iteration, whatever the loop's factory is.

    :arg context: what it runs in. It may be in use here, where a factory of eager tasks
        (`asyncio.eager_task_factory`) would enter it at once.
    """
    if loop.get_task_factory() is None:
        return loop.create_task(work, context=context)
    return Task(work, loop=loop, context=context)
