"""Handlers of exceptions that follow callbacks (documented API versions 2.x to 5.x).

Code that passes callbacks leaves its ``try`` statements before the callbacks run. What is entered
here stays around everything that is
started inside: callbacks of the loop, of futures and of streams. Coroutines don't need it.

Contexts are kept in a `contextvars.ContextVar`, which asyncio carries to everything that is
started.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

ExceptionHandler = Callable[[type[BaseException], BaseException, TracebackType | None], Any]

_contexts: contextvars.ContextVar[tuple[ExceptionStackContext, ...]] = contextvars.ContextVar(
    "tornado.stack_context", default=()
)


class ExceptionStackContext:
    """A context manager that handles exceptions of what is started inside, whenever that runs.

    .. code-block:: python

       def die_on_error(typ, value, tb):
           logging.error("exception in asynchronous operation", exc_info=(typ, value, tb))
           sys.exit(1)

       with ExceptionStackContext(die_on_error):
           http_client.fetch(url, callback)

    :arg exception_handler: called with type, value and traceback. If it returns something true, the
        exception is dealt with; otherwise outer
        handlers see it.
    """

    def __init__(self, exception_handler: ExceptionHandler) -> None:
        self._handler = exception_handler
        self._active = True
        self._token: contextvars.Token[tuple[ExceptionStackContext, ...]] | None = None

    def __enter__(self) -> Callable[[], None]:
        """Enter, and return a function that ends the context for what hasn't run yet."""
        self._token = _contexts.set((*_contexts.get(), self))
        return self._deactivate

    def __exit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> bool:
        if self._token is not None:
            _contexts.reset(self._token)
            self._token = None
        if typ is None or value is None:
            return False
        return self._handle(typ, value, tb)

    def _deactivate(self) -> None:
        self._active = False

    def _handle(
        self, typ: type[BaseException], value: BaseException, tb: TracebackType | None
    ) -> bool:
        return self._active and bool(self._handler(typ, value, tb))


class NullContext:
    """A context manager that keeps outer contexts from what is started inside."""

    def __init__(self) -> None:
        self._token: contextvars.Token[tuple[ExceptionStackContext, ...]] | None = None

    def __enter__(self) -> None:
        self._token = _contexts.set(())

    def __exit__(self, *args: object) -> None:
        if self._token is not None:
            _contexts.reset(self._token)
            self._token = None


def wrap(fn: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Return a function that runs ``fn`` in the contexts of now, in any thread; `None` for
    `None`."""
    if fn is None:
        return None
    context = contextvars.copy_context()

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        # A context can be entered once at a time, and callbacks may call themselves.
        return context.copy().run(_run, fn, args, kwargs)

    return wrapped


def _run(fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    try:
        return fn(*args, **kwargs)
    except Exception as error:
        if not handle_exception(error):
            raise
        return None


def handle_exception(error: BaseException) -> bool:
    """Let the contexts of the callback that is running deal with an exception, the innermost first.

    :returns: whether one did.
    """
    for context in reversed(_contexts.get()):
        if context._handle(type(error), error, error.__traceback__):
            return True
    return False
