"""Event loops of asyncio as `~tornado.ioloop.IOLoop`."""

from __future__ import annotations

import asyncio
import functools
import selectors
import warnings
from asyncio import _get_running_loop
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from tornado._callbacks import check_callable
from tornado._ioloop.belonging import loop_that_is_set
from tornado._ioloop.loop import IOLoop
from tornado._ioloop.waking import woken_by_signals

if TYPE_CHECKING:
    from tornado._ioloop.selector_thread import AddThreadSelectorEventLoop, SelectorThread

__all__ = [
    "AddThreadSelectorEventLoop",
    "AsyncIOLoop",
    "AsyncIOMainLoop",
    "BaseAsyncIOLoop",
    "SelectorThread",
    "to_asyncio_future",
    "to_tornado_future",
]


class BaseAsyncIOLoop(IOLoop):
    """An `~tornado.ioloop.IOLoop` over a given asyncio loop."""

    def initialize(  # type: ignore[override]  # Configurable leaves the parameters to each class
        self,
        asyncio_loop: asyncio.AbstractEventLoop,
        make_current: bool | None = True,
        **kwargs: Any,
    ) -> None:
        """Take the constructor's arguments.

        :arg asyncio_loop: the loop below.
        :raises RuntimeError: it has an `~tornado.ioloop.IOLoop` already.
        """
        known = IOLoop._ioloop_for_asyncio
        for loop in [loop for loop in list(known) if loop.is_closed()]:
            known.pop(loop, None)
        if known.setdefault(asyncio_loop, self) is not self:
            raise RuntimeError(f"there is an IOLoop for {asyncio_loop!r} already")
        self.asyncio_loop = asyncio_loop
        self.selector_loop = _with_add_reader(asyncio_loop)
        self.handlers: dict[int, tuple[Any, Callable[[Any, int], None]]] = {}
        self.readers: set[int] = set()
        self.writers: set[int] = set()
        self.closing = False
        self._tenants = WeakSet()
        super().initialize(make_current=make_current, **kwargs)

    def close(self, all_fds: bool = False) -> None:
        """Close the loop; see `IOLoop.close`.

        :raises RuntimeError: it runs.
        """
        if self.running():
            raise RuntimeError("a loop can't be closed while it runs")
        self.closing = True
        if self._watchdog is not None:
            self._watchdog.end()
            self._watchdog = None
        for fd in list(self.handlers):
            file, _ = self.handlers[fd]
            self.remove_handler(fd)
            if all_fds:
                self.close_fd(file)
        for tenant in list(self._tenants):
            tenant._on_loop_close()
        self._step_back()
        IOLoop._ioloop_for_asyncio.pop(self.asyncio_loop, None)
        if IOLoop._instance is self:
            IOLoop._instance = None
        self.selector_loop.close()

    def start(self) -> None:
        """Run until `stop`; see `IOLoop.start`."""
        if self._watchdog is not None:
            self._watchdog.begin()
        with woken_by_signals(self.selector_loop):
            self.asyncio_loop.run_forever()
        if self._watchdog is not None:
            self._watchdog.pause()

    def stop(self) -> None:
        """End `start`; see `IOLoop.stop`."""
        loop = self.asyncio_loop
        if loop.is_running() and _get_running_loop() is not loop:
            # Another thread asks for it; a loop that waits has to be woken.
            self._wake_with(loop.stop, ())
        else:
            loop.stop()

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> object:
        """Call ``callback`` later; see `IOLoop.call_later`."""
        check_callable(callback)
        if kwargs:
            callback, args = functools.partial(callback, *args, **kwargs), ()
        return self.asyncio_loop.call_later(max(0, delay), self._run_callback, callback, *args)

    def add_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call ``callback`` soon; see `IOLoop.add_callback`."""
        check_callable(callback)
        if kwargs:
            callback, args = functools.partial(callback, *args, **kwargs), ()
        loop = self.asyncio_loop
        if _get_running_loop() is loop:
            loop.call_soon(self._run_callback, callback, *args)
        else:
            self._wake_with(callback, args)

    def _wake_with(self, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        loop = self.asyncio_loop
        try:
            loop.call_soon_threadsafe(self._run_callback, callback, *args)
        except RuntimeError:
            # The loop was closed: what would have run on it doesn't run any more.
            if not loop.is_closed():
                raise

    def add_callback_from_signal(
        self, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        """Call ``callback`` soon and wake the loop; see `IOLoop.add_callback_from_signal`."""
        check_callable(callback)
        if kwargs:
            callback, args = functools.partial(callback, *args, **kwargs), ()
        self._wake_with(callback, args)

    def add_handler(self, fd: Any, handler: Callable[[Any, int], None], events: int) -> None:
        """Watch a descriptor; see `IOLoop.add_handler`."""
        number, file = self.split_fd(fd)
        if number in self.handlers:
            raise ValueError(f"fd {number} added twice")
        self.handlers[number] = (file, handler)
        try:
            self._watch(number, events)
        except BaseException:
            # What the system can't watch isn't to be in the way later, of `close` for one.
            del self.handlers[number]
            self.readers.discard(number)
            self.writers.discard(number)
            raise

    def update_handler(self, fd: Any, events: int) -> None:
        """Change what is watched; see `IOLoop.update_handler`."""
        number, _ = self.split_fd(fd)
        self._watch(number, events)

    def remove_handler(self, fd: Any) -> None:
        """Stop watching; see `IOLoop.remove_handler`."""
        number, _ = self.split_fd(fd)
        if number in self.handlers:
            self._watch(number, 0)
            del self.handlers[number]

    def _watch(self, number: int, events: int) -> None:
        """Have the loop below call the handler of a descriptor; it's nobody's if there is none."""
        if number not in self.handlers:
            return
        loop = self.selector_loop
        file, handler = self.handlers[number]
        if events & IOLoop.READ:
            if number not in self.readers:
                self.readers.add(number)
                loop.add_reader(number, self._run_callback, handler, file, IOLoop.READ)
        elif number in self.readers:
            self.readers.discard(number)
            loop.remove_reader(number)
        if events & IOLoop.WRITE:
            if number not in self.writers:
                self.writers.add(number)
                loop.add_writer(number, self._run_callback, handler, file, IOLoop.WRITE)
        elif number in self.writers:
            self.writers.discard(number)
            loop.remove_writer(number)


class AsyncIOMainLoop(BaseAsyncIOLoop):
    """An `~tornado.ioloop.IOLoop` over the asyncio loop that is running, or else over this thread's
    current one."""

    def initialize(self, **kwargs: Any) -> None:  # type: ignore[override]  # as above
        """Take the constructor's arguments."""
        super().initialize(_loop_of_thread(), **kwargs)


class AsyncIOLoop(BaseAsyncIOLoop):
    """An `~tornado.ioloop.IOLoop` with an asyncio loop of its own; what ``IOLoop()`` makes."""

    def initialize(  # type: ignore[override]  # as above
        self,
        make_current: bool | selectors.BaseSelector | None = True,
        *,
        impl: selectors.BaseSelector | None = None,
        **kwargs: Any,
    ) -> None:
        """Take the constructor's arguments.

        :arg impl: the selector that waits for descriptors; it may stand first. By default it's the
            best that the system has.
        """
        if isinstance(make_current, selectors.BaseSelector):
            impl, make_current = make_current, True
        loop = asyncio.new_event_loop() if impl is None else asyncio.SelectorEventLoop(impl)
        kwargs["make_current"] = make_current
        try:
            super().initialize(loop, **kwargs)
        except BaseException:
            loop.close()
            raise


def _loop_of_thread() -> asyncio.AbstractEventLoop:
    """Return the asyncio loop that runs, or else the one that is set, which is made if needed."""
    loop = loop_that_is_set()
    if loop is None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop


def _with_add_reader(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Return the loop, or one around it if it can't watch descriptors, as Windows' default loop.

    What is around it ends with it, whoever closes it.
    """
    if type(loop).add_reader is not asyncio.AbstractEventLoop.add_reader:
        return loop
    from tornado._ioloop.selector_thread import AddThreadSelectorEventLoop

    # For a type checker it lacks what it passes on.
    wrapper: Any = AddThreadSelectorEventLoop
    around: asyncio.AbstractEventLoop = wrapper(loop)
    close_alone = loop.close

    def close() -> None:
        wrapper.end_watching(around)
        close_alone()

    loop.close = close  # type: ignore[method-assign]  # `asyncio.run` knows nothing of a second loop
    return around


def to_tornado_future(asyncio_future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """Return a future of asyncio as one of Tornado, which is the same thing since version 5.0."""
    return asyncio_future


def to_asyncio_future(tornado_future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """Return a future of Tornado as one of asyncio, which is the same thing since version 5.0."""
    from tornado.gen import convert_yielded

    return convert_yielded(tornado_future)


@functools.cache
def _any_thread_policy() -> type:
    with warnings.catch_warnings():
        # Policies are deprecated from Python 3.14 on; who asks for this one knows.
        warnings.simplefilter("ignore", DeprecationWarning)
        default: Any = asyncio.DefaultEventLoopPolicy

    class AnyThreadEventLoopPolicy(default):  # type: ignore[misc]  # the base varies
        """Makes a loop for each thread that asks for one, not for the main thread alone.

        .. versionadded:: 5.0
        .. deprecated:: 6.2
        """

        def get_event_loop(self) -> asyncio.AbstractEventLoop:
            """Return the thread's loop; it's made if needed."""
            loop: asyncio.AbstractEventLoop
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    loop = super().get_event_loop()
            except RuntimeError:
                loop = self.new_event_loop()
                self.set_event_loop(loop)
            return loop

    return AnyThreadEventLoopPolicy


def __getattr__(name: str) -> Any:
    # Most programs need none of these, and each brings modules along.
    if name in ("AddThreadSelectorEventLoop", "SelectorThread"):
        from tornado._ioloop import selector_thread

        return getattr(selector_thread, name)
    if name == "AnyThreadEventLoopPolicy":
        return _any_thread_policy()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
