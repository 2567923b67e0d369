"""Generators that are driven for their effects (documented API versions 2.x to 5.x)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import Any

from tornado._gen.coroutine import Drive, Return
from tornado._gen.errors import ReturnValueIgnoredError
from tornado._ioloop.futures import new_future
from tornado.concurrent import Future
from tornado.ioloop import IOLoop


def engine(func: Callable[..., Any]) -> Callable[..., None]:
    """Make a generator function an ordinary one that starts the generator and returns nothing.

    What it yields is waited for as in a `coroutine`; results reach the outside through callbacks.
    Exceptions go where those of callbacks go: those before the first wait to the caller, later ones
    to the `tornado.stack_context` in which it was called, or else to the log.

    .. code-block:: python

       @gen.engine
       def count(client, callback):
           first = yield gen.Task(client.fetch, URL1)
           second = yield gen.Task(client.fetch, URL2)
           callback(len(first.body) + len(second.body))

    :arg func: the generator function. It may return nothing but `None`.
    :raises ReturnValueIgnoredError: (the function that is returned) it did.
    """

    @functools.wraps(func)
    def start(*args: Any, **kwargs: Any) -> None:
        try:
            result = func(*args, **kwargs)
        except Return as returned:
            result = returned.value
        if not isinstance(result, Generator):
            _require_nothing(result)
            return
        future = new_future()
        Drive(result, future).step()
        if not future.done():
            # In the context of the caller.
            IOLoop.current().add_future(future, _finish)
            return
        try:
            _require_nothing(future.result())
        finally:
            # An error knows this frame; so it does below.
            del future

    return start


def _finish(future: Future[Any]) -> None:
    if future.cancelled():
        return
    try:
        _require_nothing(future.result())
    finally:
        del future


def _require_nothing(value: Any) -> None:
    if value is not None:
        raise ReturnValueIgnoredError(f"nobody takes what an engine returns: {value!r:.80}")
