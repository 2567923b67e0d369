"""What the methods of endpoints return: something to wait for, or anything else."""

from __future__ import annotations

import asyncio
from types import CoroutineType
from typing import Any

from tornado import gen
from tornado._gen.convert import check_no_generator


def as_future(waiting: Any) -> asyncio.Future[Any] | None:
    """Return what has to be awaited, `None` if it's nothing."""
    try:
        return gen.convert_yielded(waiting)
    except gen.BadYieldError:
        pass  # Programs have always been free to return what they like.
    try:
        check_no_generator(waiting)
    except TypeError as error:
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        return failed
    return None


def pending(waiting: Any) -> Any:
    """Return what has to be awaited, `None` if it's nothing or is done already."""
    if type(waiting) is CoroutineType:
        return waiting
    future = as_future(waiting)
    return None if future is None or (future.done() and not _has_failed(future)) else future


def _has_failed(future: asyncio.Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None
