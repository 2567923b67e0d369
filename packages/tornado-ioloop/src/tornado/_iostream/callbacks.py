"""Callbacks that programs of the callback era hand to a stream."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado._callbacks import check_callable

if TYPE_CHECKING:
    from tornado._iostream.core import StreamCore


class StreamCallback:
    """A callback, together with the context of the call that brought it.

    It is always run by the loop, never from inside the call that makes it due.
    """

    __slots__ = ("_context", "function")

    def __init__(self, function: Callable[..., Any]) -> None:
        check_callable(function)
        self.function = function
        self._context = contextvars.copy_context()

    def schedule(self, stream: StreamCore, *args: Any) -> None:
        """Have the loop run the callback. The stream holds its close callback back until that has
        happened.
        """
        stream._callbacks_due += 1
        self._context.run(stream.io_loop.add_callback, self.run, stream, *args)

    def run(self, stream: StreamCore, *args: Any) -> Any:
        """Run the callback. The loop deals with an exception; the stream, whose user is confused,
        is closed.
        """
        stream._callbacks_due -= 1
        try:
            return self.function(*args)
        except Exception as error:
            stream.close(exc_info=error)
            raise
        finally:
            stream._report_closed()


def as_callback(function: Callable[..., Any] | None) -> StreamCallback | None:
    """Bind a callback argument to the caller's context."""
    return None if function is None else StreamCallback(function)


def run_in_or_beside(
    context: contextvars.Context, function: Callable[..., Any], *args: Any
) -> None:
    """Call ``function`` in ``context``, or in a copy if that has been entered already: by a
    callback inside of which the loop is run."""
    try:
        context.run(bool)
    except RuntimeError:
        context = context.copy()
    context.run(function, *args)
