"""The driver of generators for programs that make one themselves."""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any

from tornado._gen.coroutine import NOTHING_YET, Drive
from tornado._ioloop.futures import new_future
from tornado.concurrent import Future
from tornado.ioloop import IOLoop


class Runner(Drive):
    """Runs a generator that has yielded for the first time.

    `coroutine` does that for you; few programs need this class.

    :arg ctx_run: calls a function in the generator's context, as `contextvars.Context.run` does.
    :arg gen: the generator.
    :arg result_future: gets its outcome.
    :arg first_yielded: what it has yielded.
    """

    def __init__(
        self,
        ctx_run: Callable[..., Any],
        gen: Generator[Any, Any, Any],
        result_future: Future[Any],
        first_yielded: Any,
    ) -> None:
        super().__init__(gen, result_future, ctx_run)
        self.ctx_run = ctx_run
        self.gen = gen
        self.result_future: Future[Any] | None = result_future
        self.io_loop = IOLoop.current()
        self.future: Future[Any] | None = None
        self.running = False
        self.finished = False
        if self.handle_yield(first_yielded):
            # Errors may come to know this frame, and those below; see `Drive`.
            del result_future, first_yielded
            self.run()

    def handle_yield(self, yielded: Any) -> bool:
        """Take what the generator has yielded as what to go on with.

        :returns: whether it's there already, so that `run` can go on.
        """
        try:
            future: Future[Any] = self._run(self._convert, yielded)
        except Exception as refused:
            future = new_future()
            future.set_exception(refused)
        self.future = future
        ready = future.done()
        if not ready:
            self._waited = future
            future.add_done_callback(self._wake)
        del future
        return ready

    def handle_exception(
        self, typ: type[BaseException], value: BaseException, tb: TracebackType | None
    ) -> bool:
        """Raise an exception where the generator waits, in place of what it waits for.

        :returns: whether it waited.
        """
        if self.running or self.finished:
            return False
        self._waited = self.future = None
        try:
            self.step(error=value.with_traceback(tb))
        finally:
            del value, tb
        return True

    def run(self) -> None:
        """Go on with what `future` holds, if that is done and the generator waits for it."""
        future = self.future
        if self.running or self.finished or future is None or not future.done():
            return
        self._waited = future
        del future
        self.step()

    def step(self, yielded: Any = NOTHING_YET, error: BaseException | None = None) -> None:
        """Run until something has to be waited for, or to the end."""
        self.future, self.running = None, True
        try:
            super().step(yielded, error)
        finally:
            self.running = False
            self.finished = getattr(self.gen, "gi_frame", None) is None
            if self.finished:
                self.result_future = None
            del yielded, error
