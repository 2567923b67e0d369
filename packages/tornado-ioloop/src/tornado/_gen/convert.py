"""What a generator may yield, as futures."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from functools import partial, singledispatch
from inspect import isawaitable
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from tornado._gen.errors import BadYieldError
from tornado._gen.points import Several, has_points
from tornado._ioloop.futures import current_loop, new_future
from tornado.concurrent import Future, chain_future, is_future
from tornado.log import app_log


@singledispatch
def convert_yielded(yielded: Any) -> Future[Any]:
    """Return a future for what a generator has yielded: a future, an awaitable, or a list or
    dictionary of such.

    It's a `functools.singledispatch` function; further types can be registered.

    :raises BadYieldError: it can't be waited for.

    .. versionadded:: 4.1
    """
    if yielded is None or yielded is moment:
        return one_iteration()
    if isinstance(yielded, (list, tuple, dict)):
        return multi_future(yielded)
    if isinstance(yielded, Future):
        return yielded
    if is_future(yielded):
        future = new_future()
        chain_future(yielded, future)
        return future
    if isawaitable(yielded):
        return asyncio.ensure_future(yielded, loop=current_loop())
    raise BadYieldError(f"{yielded!r} can't be waited for")


def check_no_generator(result: object) -> None:
    """Refuse a generator that a function has returned whose caller waits for awaitables: nobody
    would run it.

    :raises TypeError: ``result`` is one.
    """
    if isinstance(result, (GeneratorType, AsyncGeneratorType)):
        raise TypeError(
            f"{result!r} is a generator: a function that yields needs gen.coroutine or gen.engine"
        )


class _Moment:
    """The type of `moment`."""

    def __await__(self) -> Generator[None, None, None]:
        yield

    def __repr__(self) -> str:
        return "gen.moment"


#: Yielded or awaited to let the loop run once.
moment = _Moment()


def one_iteration() -> Future[Any]:
    """Return a future that is done after one iteration of the loop."""
    future = new_future()
    future.get_loop().call_soon(_resolve, future)
    return future


def _resolve(future: Future[Any]) -> None:
    if not future.done():
        future.set_result(None)


def multi_future(
    children: Any, quiet_exceptions: type[BaseException] | tuple[type[BaseException], ...] = ()
) -> Future[Any]:
    """Wait for several things at once.

    :arg children: a list or dictionary of what may be yielded.
    :arg quiet_exceptions: errors not to log when they come after the first one.
    :returns: a future with a list, or a dictionary with the same keys. It raises the first error,
        when all are done. With `Wait` and other yield points among the children, something that
        only can be yielded.

    .. versionadded:: 4.0
    """
    keys = list(children) if isinstance(children, Mapping) else None
    items = list(children.values() if keys is not None else children)
    if not all(isinstance(item, Future) for item in items) and has_points(items):
        # Only the generator that yields them knows what their keys stand for.
        named = items if keys is None else dict(zip(keys, items, strict=True))
        gather = partial(multi_future, quiet_exceptions=quiet_exceptions)
        return Several(named, gather)  # type: ignore[return-value]  # callers just yield it
    futures = [item if isinstance(item, Future) else convert_yielded(item) for item in items]
    outcome: Future[Any] = futures[0].get_loop().create_future() if futures else new_future()
    waiting = {future for future in futures if not future.done()}
    if not waiting:
        _collect(futures, keys, quiet_exceptions, outcome)
        return outcome

    def done(future: Future[Any]) -> None:
        waiting.discard(future)
        if not waiting and not outcome.done():
            _collect(futures, keys, quiet_exceptions, outcome)

    for future in tuple(waiting):
        future.add_done_callback(done)
    return outcome


def _collect(
    futures: list[Future[Any]],
    keys: list[Any] | None,
    quiet: type[BaseException] | tuple[type[BaseException], ...],
    outcome: Future[Any],
) -> None:
    results = []
    for future in futures:
        if future.cancelled():
            outcome.cancel()
            continue
        error = future.exception()
        if error is None:
            results.append(future.result())
        elif not outcome.done():
            outcome.set_exception(error)
        elif not isinstance(error, quiet):
            app_log.error("A further one of several failed", exc_info=error)
    if not outcome.done():
        outcome.set_result(results if keys is None else dict(zip(keys, results, strict=True)))
