"""`IOLoop`: the face that Tornado shows of an asyncio event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import logging
import threading
import time
import traceback
import types
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from tornado._ioloop.belonging import in_main_thread, is_running_here, loop_that_is_set
from tornado._late import LateModule
from tornado.concurrent import Future, chain_future, is_future
from tornado.log import app_log
from tornado.util import Configurable, import_object

if TYPE_CHECKING:
    import datetime
    import numbers
    from weakref import WeakSet

    from tornado._ioloop.readiness import Watcher
    from tornado._ioloop.watchdog import Watchdog
else:
    datetime = LateModule("datetime")
    numbers = LateModule("numbers")

T = TypeVar("T")


# Puts a callback into the contexts it was passed in, and what tells whether there are any; programs
# without stack contexts need neither.
_surround: Callable[..., Any] | None = None
_surrounding: Callable[[], Any] | None = None


def surround_callbacks(run: Callable[..., Any], surrounding: Callable[[], Any]) -> None:
    """Have all callbacks run by ``run``, which is given the callback and its arguments.

    :arg surrounding: returns something true if callbacks that are passed now would be put into
        something.
    """
    global _surround, _surrounding
    _surround, _surrounding = run, surrounding


def call_surrounded(callback: Callable[..., Any], *args: Any) -> Any:
    """Call a callback, in the `contextvars.Context` that it was passed in, as the loop does: inside
    of the contexts of then."""
    return callback(*args) if _surround is None else _surround(callback, *args)


def is_surrounded() -> bool:
    """Whether callbacks that are passed now are put into contexts."""
    return _surrounding is not None and bool(_surrounding())


class Tenant(Protocol):
    """What has something to close before its loop is closed."""

    def _on_loop_close(self) -> None: ...


class _Current:
    """What `IOLoop.current` returns, for programs that look at it, or change it, here."""

    @property
    def instance(self) -> IOLoop | None:
        """This thread's loop, if it has one."""
        found: IOLoop | None = IOLoop.current(instance=False)
        return found

    @instance.setter
    def instance(self, io_loop: IOLoop | None) -> None:
        if io_loop is None:
            IOLoop.clear_current()
        else:
            io_loop.make_current()


class IOLoop(Configurable):
    """An event loop.

    It's a face of an asyncio loop (``asyncio_loop``), and works in a program whose loop asyncio has
    started just as well. Programs that want
    nothing but today's API need it rarely; programs of the callback era are made of it.

    ``IOLoop()`` makes a new loop with an asyncio loop of its own.

    :arg make_current: make the new loop this thread's current one.
    """

    NONE = 0
    READ = 0x001
    WRITE = 0x004
    ERROR = 0x018

    _current: ClassVar[_Current] = _Current()
    _instance: ClassVar[IOLoop | None] = None
    _instance_lock: ClassVar[threading.Lock] = threading.Lock()
    _ioloop_for_asyncio: ClassVar[dict[asyncio.AbstractEventLoop, IOLoop]] = {}

    asyncio_loop: asyncio.AbstractEventLoop
    # What watches descriptors: the same loop, or something in front of one that can't.
    selector_loop: asyncio.AbstractEventLoop
    # Who has something to close before the loop is closed.
    _tenants: WeakSet[Tenant]
    # Tells the streams of the loop of events, once there are any.
    _readiness: Watcher | None = None

    # For code that calls callbacks without the loop's help.
    _call_surrounded = staticmethod(call_surrounded)

    _watchdog: Watchdog | None = None
    # The thread's loop from before this one took its place.
    _displaced: asyncio.AbstractEventLoop | None = None

    @classmethod
    def configure(cls, impl: str | type[Configurable] | None, **kwargs: Any) -> None:
        """Choose the implementation that ``IOLoop()`` makes; all are faces of asyncio loops."""
        if isinstance(impl, str):
            impl = import_object(impl)
        if isinstance(impl, type) and not issubclass(impl, IOLoop):
            raise TypeError(f"an IOLoop class is needed, not {impl!r}")
        super().configure(impl, **kwargs)

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class whose implementations can be chosen."""
        return IOLoop

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used unless another is configured."""
        from tornado.platform.asyncio import AsyncIOLoop

        return AsyncIOLoop

    def initialize(self, make_current: bool | None = True) -> None:
        """Take the constructor's arguments.

        :arg make_current: with `None`, only if the thread has no current loop.
        """
        if make_current is None:
            make_current = IOLoop.current(instance=False) is None
        if not make_current:
            return
        if not is_running_here():
            self._displaced = loop_that_is_set()
        self.make_current()

    # -- which loop

    @staticmethod
    def current(instance: bool = True) -> Any:
        """Return the loop that runs in this thread, or that would.

        That is the one over asyncio's current loop: what `make_current` or `asyncio.set_event_loop`
        has set.

        :arg instance: make one if there is none; otherwise the result is `None` then.
        """
        try:
            return IOLoop._ioloop_for_asyncio[get_running_loop()]
        except (KeyError, RuntimeError):
            return IOLoop._find_current(instance)

    @staticmethod
    def _find_current(make: bool) -> Any:
        loop = loop_that_is_set()
        if loop is None:
            return IOLoop(make_current=True) if make else None
        face = IOLoop._ioloop_for_asyncio.get(loop)
        if face is None and make:
            from tornado.platform.asyncio import AsyncIOMainLoop

            face = AsyncIOMainLoop(make_current=False)
            face._offer_as_instance()
        return face

    @staticmethod
    def instance() -> IOLoop:
        """Return this thread's loop if it has one, otherwise the process's first loop, which is
        made if needed.

        Threads of callback-era programs reach the main loop this way.
        """
        current: IOLoop | None = IOLoop.current(instance=False)
        if current is not None:
            return current
        with IOLoop._instance_lock:
            known = IOLoop._open_instance()
            if known is None:
                IOLoop._instance = known = IOLoop(make_current=in_main_thread())
            return known

    @staticmethod
    def initialized() -> bool:
        """Whether there is a loop that `instance` would return without making one."""
        return IOLoop._open_instance() is not None or IOLoop.current(instance=False) is not None

    @staticmethod
    def _open_instance() -> IOLoop | None:
        known = IOLoop._instance
        # A loop of `asyncio.run` is closed without our being told.
        return None if known is None or known.asyncio_loop.is_closed() else known

    def install(self) -> None:
        """Make this loop the process's and this thread's: what `instance` returns."""
        IOLoop._instance = self
        self.make_current()

    @staticmethod
    def clear_instance() -> None:
        """Forget the process's loop and this thread's."""
        IOLoop._instance = None
        IOLoop.clear_current()

    def make_current(self) -> None:
        """Make this loop what `current` returns in this thread while no loop runs."""
        self._offer_as_instance()
        asyncio.set_event_loop(self.asyncio_loop)

    def _offer_as_instance(self) -> None:
        if IOLoop._open_instance() is None and in_main_thread():
            IOLoop._instance = self

    def _step_back(self) -> None:
        """Give the thread back to the loop that it had before this one, at its end."""
        if is_running_here() or IOLoop.current(instance=False) is not self:
            return
        earlier = self._displaced
        asyncio.set_event_loop(None if earlier is None or earlier.is_closed() else earlier)

    @staticmethod
    def clear_current() -> None:
        """Leave this thread without a current loop."""
        if IOLoop.current(instance=False) is not None:
            asyncio.set_event_loop(None)

    # -- running

    def start(self) -> None:
        """Run until `stop` is called."""
        raise NotImplementedError()

    def stop(self) -> None:
        """End `start` after the current iteration; before `start`, make the next one return at
        once. Other threads, and signal handlers, may use it too."""
        raise NotImplementedError()

    def running(self) -> bool:
        """Whether the loop runs."""
        return self.asyncio_loop.is_running()

    def run_sync(self, func: Callable[[], Any], timeout: float | None = None) -> Any:
        """Start the loop, run ``func``, and stop.

        :arg func: a function; if it returns an awaitable, that is waited for.
        :arg timeout: seconds.
        :returns: its result.
        :raises TimeoutError: it took longer.
        :raises RuntimeError: it was cancelled, or somebody else has stopped the loop.
        :raises RuntimeError: a loop runs in this thread already; ``func`` isn't called then.
        """
        outcome: Future[Any] = self.asyncio_loop.create_future()
        work: list[Future[Any]] = []
        wanted = True

        def run() -> None:
            if not wanted:
                return
            try:
                result = func()
                if result is not None:
                    from tornado.gen import convert_yielded

                    result = convert_yielded(result)
            except BaseException as error:
                outcome.set_exception(error)
                self.stop()
                return
            if is_future(result):
                work.append(result)
                chain_future(result, outcome)
                outcome.add_done_callback(lambda _: self.stop())
            else:
                outcome.set_result(result)
                self.stop()
            # Errors know this frame, and that of `run_sync`: neither is left with what holds them.
            del result

        overdue = False

        def give_up() -> None:
            nonlocal overdue
            overdue = True
            if not (work and work[0].cancel()):
                self.stop()

        self.add_callback(run)
        timer = None if timeout is None else self.call_later(timeout, give_up)
        try:
            self.start()
        finally:
            # It may not have started, or an interrupt has ended it: nothing of this is to come up
            # when it runs again.
            wanted = False
            if timer is not None:
                self.remove_timeout(timer)
        if outcome.done() and not outcome.cancelled():
            try:
                return outcome.result()
            finally:
                work.clear()
                del outcome
        outcome.cancel()
        if overdue:
            raise TimeoutError(f"Operation timed out after {timeout} seconds")
        raise RuntimeError(f"the loop was stopped before {func!r} was done, or that was cancelled")

    def close(self, all_fds: bool = False) -> None:
        """Free what the loop holds. It must not be running, and can't be used afterwards.

        :arg all_fds: close the descriptors that handlers are registered for too.
        """
        raise NotImplementedError()

    # -- time and callbacks

    def time(self) -> float:
        """Return the time by which deadlines are given, in seconds since the epoch."""
        return time.time()

    def add_timeout(
        self,
        deadline: float | datetime.timedelta,
        callback: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> object:
        """Call ``callback`` at some time.

        :arg deadline: seconds since the epoch, as `time` returns them, or a `datetime.timedelta`
            from now.
        :arg args: what the callback is called with, as ``kwargs``.
        :returns: a handle for `remove_timeout`.
        :raises TypeError: ``deadline`` is something else.
        """
        if isinstance(deadline, (float, int)):
            return self.call_at(float(deadline), callback, *args, **kwargs)
        if isinstance(deadline, datetime.timedelta):
            return self.call_later(deadline.total_seconds(), callback, *args, **kwargs)
        if isinstance(deadline, numbers.Real):
            return self.call_at(float(deadline), callback, *args, **kwargs)
        raise TypeError(f"Unsupported deadline {deadline!r}")

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> object:
        """Call ``callback`` after some time.

        :arg delay: seconds; 0 and less mean the next iteration.
        :arg args: what the callback is called with, as ``kwargs``.
        :returns: a handle for `remove_timeout`.

        .. versionadded:: 4.0
        """
        raise NotImplementedError()

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> object:
        """Call ``callback`` at a certain time.

        :arg when: seconds since the epoch, as `time` returns them.
        :arg args: what the callback is called with, as ``kwargs``.
        :returns: a handle for `remove_timeout`.

        .. versionadded:: 4.0
        """
        return self.call_later(when - self.time(), callback, *args, **kwargs)

    def remove_timeout(self, timeout: Any) -> None:
        """Keep a timeout from being called; one that was called or removed already is no error.

        :arg timeout: what `add_timeout`, `call_later` or `call_at` has returned.
        """
        timeout.cancel()

    def add_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call ``callback`` on the loop's next iteration.

        It may be used from any thread; callbacks keep the order in which a thread has passed them.
        On a loop that is closed nothing happens.

        :arg callback: what it raises goes to `handle_callback_exception`, also if it's a coroutine.
        :arg args: what the callback is called with, as ``kwargs``.
        """
        raise NotImplementedError()

    def add_callback_from_signal(
        self, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        """Like `add_callback`, from a signal handler, also while a loop runs that `start` has not
        started.

        .. versionadded:: 3.0
        """
        self.add_callback(callback, *args, **kwargs)

    def spawn_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Like `add_callback`, for callbacks that have nothing to do with the caller.

        .. versionadded:: 4.0
        """
        self.add_callback(callback, *args, **kwargs)

    def add_future(
        self,
        future: Future[Any] | concurrent.futures.Future[Any],
        callback: Callable[[Any], Any],
    ) -> None:
        """Call ``callback`` with ``future`` when that is done.

        :arg future: one of asyncio, or of `concurrent.futures`.
        :arg callback: called by the loop, as with `add_callback`.
        :raises TypeError: ``future`` is none.

        .. versionadded:: 3.0
        """
        if not is_future(future):
            raise TypeError(f"a future is needed, not {future!r}")
        if isinstance(future, asyncio.Future):
            future.add_done_callback(functools.partial(self._run_callback, callback))
        else:
            future.add_done_callback(functools.partial(self.add_callback, callback))

    def _run_callback(self, callback: Callable[..., Any], *args: Any) -> None:
        """Run a callback; what goes wrong in it goes to `handle_callback_exception`."""
        try:
            result = callback(*args) if _surround is None else _surround(callback, *args)
            if result is not None:
                self._watch_result(result)
                # Errors know the frames below theirs, which are not to be left with a future that
                # holds the error.
                del result
        except asyncio.CancelledError:
            return
        except Exception:
            self.handle_callback_exception(callback)
            del args

    def _watch_result(self, result: Any) -> None:
        """Log the error of a coroutine that a callback turned out to be."""
        from tornado.gen import BadYieldError, convert_yielded

        try:
            future = convert_yielded(result)
        except BadYieldError:
            # Callbacks may return what they like.
            return
        self.add_future(future, self._discard_future_result)

    def _discard_future_result(self, future: Any) -> None:
        try:
            if not future.cancelled():
                future.result()
        finally:
            del future

    def handle_callback_exception(self, callback: Callable[..., Any]) -> None:
        """Deal with an exception that a callback let out; it's in `sys.exc_info`. By default it's
        logged."""
        if app_log.isEnabledFor(logging.ERROR):
            app_log.error("Exception in callback %r", callback, exc_info=True)

    # -- loops that are blocked

    def set_blocking_signal_threshold(
        self, seconds: float | None, action: Callable[[int, types.FrameType | None], Any] | None
    ) -> None:
        """Have a signal handler called when callbacks block the loop for longer than ``seconds``.

        The signal is ``SIGALRM``. The loop has to run in the main thread, and wakes up several
        times in ``seconds`` from now on.

        :arg seconds: `None` ends the watching.
        :arg action: called with the signal's number and the frame that runs, and once for each time
            that the loop is blocked. `None` ends the process.
        :raises ValueError: ``seconds`` isn't positive, or this isn't the main thread.
        :raises RuntimeError: the system can't do it.
        """
        if self._watchdog is not None:
            self._watchdog.end()
            self._watchdog = None
        if seconds is None:
            return
        from tornado._ioloop.watchdog import Watchdog

        self._watchdog = Watchdog(self.asyncio_loop, seconds, action)
        if self.running():
            self._watchdog.begin()
        else:
            self._watchdog.prepare()

    def set_blocking_log_threshold(self, seconds: float | None) -> None:
        """Have it logged when callbacks block the loop for longer than ``seconds``, and where.

        :arg seconds: as for `set_blocking_signal_threshold`, with `log_stack` for the action.
        """
        self.set_blocking_signal_threshold(seconds, self.log_stack)

    def log_stack(self, signal: int, frame: types.FrameType | None) -> None:
        """Log which code runs; a handler for `set_blocking_signal_threshold`.

        :arg signal: number of the signal.
        :arg frame: the frame that was interrupted.
        """
        app_log.warning("The event loop is blocked in\n%s", "".join(traceback.format_stack(frame)))

    # -- executors

    def run_in_executor(
        self,
        executor: concurrent.futures.Executor | None,
        func: Callable[..., T],
        *args: Any,
    ) -> Awaitable[T]:
        """Run ``func`` in ``executor``, or in the default executor if that is `None`.

        :arg args: what ``func`` is called with.
        :returns: a future with its result.

        .. versionadded:: 5.0
        """
        return self.asyncio_loop.run_in_executor(executor, func, *args)

    def set_default_executor(self, executor: concurrent.futures.Executor) -> None:
        """Set what `run_in_executor` uses by default.

        :arg executor: a `concurrent.futures.ThreadPoolExecutor`.

        .. versionadded:: 5.0
        """
        self.asyncio_loop.set_default_executor(executor)

    # -- descriptors

    def add_handler(self, fd: Any, handler: Callable[[Any, int], None], events: int) -> None:
        """Call ``handler(fd, events)`` as long as ``fd`` is ready for any of ``events``.

        It's called for reading and for writing apart. That the peer has closed shows as one of
        those that were asked for.

        :arg fd: a descriptor, or an object with ``fileno`` and ``close``; the handler is given the
            same.
        :arg events: `READ`, `WRITE` and `ERROR`, or-ed together.
        :raises ValueError: there is a handler for ``fd``, or it's none that can be watched.
        :raises OSError: the system can't watch it: it's closed, or an ordinary file.
        """
        raise NotImplementedError()

    def update_handler(self, fd: Any, events: int) -> None:
        """Change the events that ``fd``'s handler is called for.

        :arg fd: as given to `add_handler`; nothing happens if there is no handler for it.
        :arg events: `READ`, `WRITE` and `ERROR`, or-ed together; 0 for none at present.
        """
        raise NotImplementedError()

    def remove_handler(self, fd: Any) -> None:
        """Stop watching ``fd``; one that isn't watched is no error.

        Its handler isn't called any more, even if it was due in this iteration.

        :arg fd: as given to `add_handler`. Call this before closing it.
        """
        raise NotImplementedError()

    def split_fd(self, fd: Any) -> tuple[int, Any]:
        """Return the number of a descriptor, and the descriptor or object itself."""
        return (fd, fd) if isinstance(fd, int) else (fd.fileno(), fd)

    def close_fd(self, fd: Any) -> None:
        """Close a descriptor or object."""
        if isinstance(fd, int):
            import os

            os.close(fd)
        else:
            fd.close()
