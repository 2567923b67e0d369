"""The event loop of one test: what runs on it, what fails on it, and how it ends.

A `SupervisedLoop` makes a loop the current one, keeps the first exception that a callback lets out
until the test takes notice, and stops what the test waits for then, as that may never come any
more. At the end it cancels what still runs, closes the loop if that was made for the test, and puts
everything else back as it was.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import linecache
import sys
from collections.abc import Callable, Generator
from typing import Any

from tornado._testing.logs import count_of_expected, records_are_expected
from tornado._testing.timeouts import GRACE
from tornado.gen import coroutine
from tornado.ioloop import IOLoop


def is_shared(io_loop: IOLoop, known: set[IOLoop]) -> bool:
    """Whether a loop will be needed after the test: it was there before, or it's the process's.

    :arg known: the loops that were there before.
    """
    return io_loop in known or (IOLoop.initialized() and IOLoop.instance() is io_loop)


class SupervisedLoop:
    """Watch over a loop while one test has it.

    :arg io_loop: the loop, not running.
    :arg shared: leave it open at the end.
    """

    def __init__(self, io_loop: IOLoop, *, shared: bool = False) -> None:
        self.io_loop = io_loop
        self.failure: BaseException | None = None
        #: Is called when an exception has come that ends the test.
        self.on_failure: Callable[[], Any] | None = None
        self._shared = shared
        self._work: _Work | None = None
        self._released = False
        self._loop: asyncio.AbstractEventLoop = io_loop.asyncio_loop
        self._earlier_tasks = asyncio.all_tasks(self._loop)
        self._earlier_current: IOLoop | None = IOLoop.current(instance=False)
        self._earlier_handler = self._loop.get_exception_handler()
        # The loop's own attribute, if it has one of that name.
        self._earlier_override = vars(io_loop).get("handle_callback_exception")
        self._log_of_callbacks = io_loop.handle_callback_exception
        io_loop.handle_callback_exception = self._on_callback_exception  # type: ignore[method-assign]  # for this loop only
        self._loop.set_exception_handler(self._on_loop_exception)
        io_loop.make_current()

    # -- running

    def run(
        self,
        function: Callable[[], Any],
        timeout: float | None,
        name: str,
        context: contextvars.Context | None = None,
    ) -> Any:
        """Call ``function``, wait for what it returns if that can be waited for, and return the
        result.

        :arg timeout: seconds; `None` or 0 for any time.
        :arg name: what is run, for error messages.
        :arg context: where to run it; otherwise in a copy of the present one.
        :raises TimeoutError: it took longer. The cause shows where it was waiting.
        """
        work = self._work = _Work(function, self._loop)
        try:
            return work.run(context, timeout)
        except BaseException as error:
            self.raise_failure()
            if work.struck:
                message = f"{name} is not done after {timeout} seconds{work.place}"
                raise TimeoutError(message) from work.interruption or error
            raise
        finally:
            self._work = None
            self.raise_failure()

    # -- failures

    def raise_failure(self) -> None:
        """Raise what a callback has let out, once."""
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure

    def fail(self, error: BaseException, report: Callable[[], Any]) -> None:
        """Let the test fail, unless it expects the error in a log, or has another already.

        :arg report: logs the error.
        """
        if records_are_expected():
            before = count_of_expected()
            report()
            if count_of_expected() > before:
                return
        elif self.failure is not None:
            report()
        if self.failure is not None:
            return
        self.failure = error
        if self._work is not None:
            self._work.cancel()
        if self.on_failure is not None:
            self.on_failure()

    def _on_callback_exception(self, callback: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            self.fail(error, lambda: self._log_of_callbacks(callback))

    def _on_loop_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        def report() -> None:
            if self._earlier_handler is None:
                loop.default_exception_handler(context)
            else:
                self._earlier_handler(loop, context)

        error = context.get("exception")
        # The others tell of futures that nobody has asked for their errors, and of transports.
        if error is None or "handle" not in context:
            report()
        else:
            self.fail(error, report)

    # -- the end

    def release(self) -> None:
        """End what the test has begun, and put back what was changed; once."""
        if self._released:
            return
        self._released = True
        try:
            if not self._loop.is_closed() and not self._loop.is_running():
                self._end_tasks()
        finally:
            self._restore()

    def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks(self._loop) - self._earlier_tasks
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE))
        if not self._shared:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    def _restore(self) -> None:
        io_loop = self.io_loop
        if self._earlier_override is None:
            vars(io_loop).pop("handle_callback_exception", None)
        else:
            vars(io_loop)["handle_callback_exception"] = self._earlier_override
        if not self._loop.is_closed():
            self._loop.set_exception_handler(self._earlier_handler)
        IOLoop.clear_current()
        if not self._shared:
            io_loop.close(all_fds=True)
        earlier = self._earlier_current
        if earlier is not None and not earlier.asyncio_loop.is_closed():
            earlier.make_current()


class _Work:
    """One run of a coroutine: its task, its deadline, and where it was when that struck."""

    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._function = function
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._made: Any = None
        self._timer: asyncio.TimerHandle | None = None
        #: Where it was waiting. The traceback of an interruption tells more, but there may be none.
        self.place = ""
        #: How often the deadline has struck.
        self.struck = 0
        #: What the coroutine was interrupted with; its traceback shows where.
        self.interruption: asyncio.CancelledError | None = None

    def run(self, context: contextvars.Context | None, timeout: float | None) -> Any:
        task = self._task = self._loop.create_task(self._drive(), context=context)
        if timeout:
            self._timer = self._loop.call_later(timeout, self._strike)
        try:
            result = self._loop.run_until_complete(task)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if isinstance(self._made, Generator):
                self._made.close()
        if self.struck:
            raise TimeoutError("cancelled, and gone on all the same")
        return result

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _drive(self) -> Any:
        try:
            made = self._made = self._function()
            if isinstance(made, Generator):
                made = coroutine(lambda: self._made)()
            return await made if inspect.isawaitable(made) else made
        except asyncio.CancelledError as error:
            self.interruption = error
            raise

    def _strike(self) -> None:
        if self._task is None or self._task.done():
            # It held the loop up, and is done with that.
            return
        self.struck += 1
        if self.struck == 1:
            self.place = _line_of(self._made)
            self.cancel()
            self._timer = self._loop.call_later(GRACE, self._strike)
        else:
            # It won't be cancelled.
            self._loop.stop()


def _line_of(made: Any) -> str:
    frame = getattr(made, "cr_frame", None) or getattr(made, "gi_frame", None)
    if frame is None:
        return ""
    code = frame.f_code
    line = linecache.getline(code.co_filename, frame.f_lineno).strip()
    return f", at line {frame.f_lineno} of {code.co_filename}: {line}"
