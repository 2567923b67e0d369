"""Contexts that follow callbacks (documented API versions 2.x to 5.x).

Code that passes callbacks leaves its ``try`` and ``with`` statements before the callbacks run. What
is entered with the classes of this module stays around everything that is started inside: callbacks
of the loop, of futures and of streams, and the parts of generators between one ``yield`` and the
next. Coroutines don't need it.

.. code-block:: python

   @contextlib.contextmanager
   def die_on_error():
       try:
           yield
       except Exception:
           logging.error("exception in asynchronous operation", exc_info=True)
           sys.exit(1)

   with StackContext(die_on_error):
       http_client.fetch(url, callback)

While a generator or coroutine waits inside of such a ``with`` statement of its own, the block stays
entered, as with any context manager: others that run meanwhile see what it has set. Managers that
set something for the time of a callback belong around the call of a generator, not inside of it. Of
native coroutines (``async def``), only errors reach the contexts in which they were started.

What is in effect is kept in a `contextvars.ContextVar`, which asyncio carries to everything that is
started.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, TypeVar

from tornado._ioloop.loop import surround_callbacks

__all__ = [
    "ExceptionStackContext",
    "NullContext",
    "StackContext",
    "StackContextInconsistentError",
    "run_with_stack_context",
    "wrap",
]

T = TypeVar("T")

# What comes in the middle of whatever runs, which has nothing to do with it.
_ENDS = (KeyboardInterrupt, SystemExit)

# Attribute of functions that `wrap` has made.
WRAPPED = "__tornado_contexts__"

ExceptionHandler = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


class StackContextInconsistentError(Exception):
    """A ``with`` block of this module's classes ends in other contexts than it has begun in.

    It happens where a plain generator has ``yield`` in such a block, and is driven from several
    places, or where blocks are left in another order than they were entered. Coroutines and engines
    may wait inside of a block.

    .. versionadded:: 3.1
    """


class Following:
    """A context manager that also is around the callbacks that are started inside of it."""

    def __init__(self) -> None:
        self._active = True
        # A context may be entered again inside of itself, or by another thread.
        self._entered: list[tuple[Block, ExitStack]] = []

    def __enter__(self) -> Callable[[], None]:
        """Enter, and return a function that keeps the context from callbacks that haven't run
        yet."""
        stack = ExitStack()
        self.surround(stack)
        self._entered.append((Block((*_contexts.get(), self)), stack))
        return self._deactivate

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        block, stack = self._entered.pop()
        consistent = block.end()
        consumed = stack.__exit__(kind, error, trace)
        if not consistent:
            raise StackContextInconsistentError(
                "the block doesn't end in the contexts of its begin"
            )
        return consumed

    def _deactivate(self) -> None:
        self._active = False

    def surround(self, stack: ExitStack) -> None:
        """Enter for what runs next; the stack leaves again."""
        raise NotImplementedError(f"{type(self).__name__} surrounds nothing")


_contexts: contextvars.ContextVar[tuple[Following, ...]] = contextvars.ContextVar(
    "tornado.stack_context", default=()
)


class Block:
    """What holds inside of one ``with`` block."""

    __slots__ = ("_inside", "_token")

    def __init__(self, inside: tuple[Following, ...]) -> None:
        self._inside = inside
        self._token = _contexts.set(inside)

    def end(self) -> bool:
        """Restore what was before; returns false if this isn't what holds now, and leaves that."""
        if _contexts.get() != self._inside:
            return False
        try:
            _contexts.reset(self._token)
        except ValueError:
            # Somebody has carried the block to another `contextvars.Context`.
            return False
        return True


class _State:
    """What is in effect, as programs for versions 2.x to 5.x save, clear and restore it."""

    @property
    def contexts(self) -> tuple[Following, ...]:
        """The contexts in effect, from the outermost on."""
        return _contexts.get()

    @contexts.setter
    def contexts(self, contexts: tuple[Any, ...]) -> None:
        # Those versions had a pair here, so programs clear it with one: (tuple(), None).
        _contexts.set(tuple(item for item in contexts if isinstance(item, Following)))


_state = _State()


class StackContext(Following):
    """Enters a context manager around each callback that is started inside.

    :arg context_factory: makes the context manager, anew for each callback; not a context manager
        itself.
    """

    def __init__(self, context_factory: Callable[[], AbstractContextManager[Any]]) -> None:
        super().__init__()
        self._factory = context_factory

    def surround(self, stack: ExitStack) -> None:
        """Enter a new context manager."""
        if self._active:
            stack.enter_context(self._factory())


class ExceptionStackContext(Following):
    """Handles exceptions of what is started inside, whenever that runs.

    :arg exception_handler: called with type, value and traceback. If it returns something true, the
        exception is dealt with; otherwise outer handlers see it. `KeyboardInterrupt` and
        `SystemExit` are none of its business: they end the program.
    """

    def __init__(self, exception_handler: ExceptionHandler) -> None:
        super().__init__()
        self._handler = exception_handler

    def surround(self, stack: ExitStack) -> None:
        """Have the handler called."""
        if self._active:
            stack.push(self._handle)

    def _handle(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if kind is None or error is None or issubclass(kind, _ENDS):
            return False
        return bool(self._handler(kind, error, trace))


class NullContext:
    """Keeps the contexts that are in effect from what is started inside."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []

    def __enter__(self) -> None:
        self._blocks.append(Block(()))

    def __exit__(self, *args: object) -> None:
        if not self._blocks.pop().end():
            raise StackContextInconsistentError(
                "the block doesn't end in the contexts of its begin"
            )


def run_with_stack_context(context: Following, func: Callable[[], T]) -> T:
    """Call a coroutine function inside of a context, so that its parts run in it too.

    A ``with`` statement around the call would do the same; it's for places where a generator can't
    have one around its ``yield``.

    :arg context: the context.
    :arg func: what to call.
    :returns: what it returns.

    .. versionadded:: 3.1
    """
    with context:
        return func()


def wrap(fn: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Return a function that runs ``fn`` in the contexts of now, in whatever thread it is called.

    :arg fn: the function. `None` and functions that are wrapped already are returned as they are.
    """
    if fn is None or _is_wrapped(fn):
        return fn
    context = contextvars.copy_context()

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        # A context can be entered once at a time, and callbacks may call themselves.
        return context.copy().run(run, functools.partial(fn, *args, **kwargs))

    setattr(wrapped, WRAPPED, id(wrapped))
    return wrapped


def _is_wrapped(fn: Callable[..., Any]) -> bool:
    # `functools.wraps` gives the attribute to functions that aren't.
    return getattr(fn, WRAPPED, None) == id(fn)


def run(callback: Callable[..., Any], *args: Any) -> Any:
    """Run a callback inside of the contexts that were in effect when it was passed.

    They have to be those of the present `contextvars.Context`; nothing else may be entered yet.
    """
    contexts = _contexts.get()
    try:
        if not contexts or _brings_its_own(callback):
            return callback(*args)
        with ExitStack() as stack:
            for context in contexts:
                context.surround(stack)
            return callback(*args)
        return None
    finally:
        # An error knows this frame, and may be that of a future that the callback was given.
        del args


def _brings_its_own(callback: Callable[..., Any]) -> bool:
    if isinstance(callback, functools.partial):
        callback = callback.func
    return _is_wrapped(callback)


surround_callbacks(run, _contexts.get)
