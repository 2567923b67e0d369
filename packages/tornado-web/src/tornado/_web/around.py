"""Hooks around requests.

A hook is a function of the handler that returns a context manager, synchronous or asynchronous. It
is entered before anything of the request is done and left when everything is, in a context that
both share with the handler.

The course of such a request is written once, as the coroutine `Surrounded._run`. As long as nothing
has to be waited for, it is driven by hand, so that a synchronous handler between synchronous hooks
costs no task. At the first thing that has to be waited for it yields to the driver, and goes on
from there as a task.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from tornado._gen.convert import convert_yielded
from tornado._routing.around import AroundHook, hooks_of
from tornado._web.handler import PRISTINE_EXECUTE, RequestHandler, is_task_cancelled
from tornado._web.messages import HandlerMessage
from tornado.log import app_log

if TYPE_CHECKING:
    Begin = Callable[[], Awaitable[Any] | None]


class SurroundedMessage(HandlerMessage):
    """Collects a request like its base, and runs the handler between the request's hooks."""

    __slots__ = ("_run_context",)

    # No handler runs in the usual way here.
    _usual_execute = None

    def execute(self) -> None:
        """Run the handler in a context that is kept for the time after the first wait."""
        self._run_context: Context = copy_context()
        self._run_context.run(self._run)

    def _run_replaced(self, handler: RequestHandler, transforms: Sequence[Any]) -> None:
        surrounded = Surrounded(handler, hooks_of(self.request))

        def begin() -> Awaitable[Any] | None:
            if getattr(handler._execute, "__func__", None) is PRISTINE_EXECUTE:
                return handler._begin(transforms, self.path_args, self.path_kwargs)
            run = handler._execute(list(transforms), *self.path_args, **self.path_kwargs)
            return None if run is None else convert_yielded(run)

        rest = surrounded.begin(begin)
        if rest is not None:
            # What a hook set in its context has to be there when it is left.
            context = self._run_context if self._context is None else self._context
            self._run_rest(handler, rest, context)


class Surrounded:
    """One request between its hooks.

    :arg handler: answers it.
    :arg hooks: the hooks, outermost first.

    .. attribute:: error

       The exception that ended the request.
    """

    def __init__(self, handler: RequestHandler, hooks: Sequence[AroundHook]) -> None:
        self.error: BaseException | None = None
        self._handler = handler
        self._hooks = hooks
        self._entered: list[Any] = []
        self._in_task = False
        self._over: asyncio.Future[None] | None = None

    def begin(self, begin: Begin) -> Coroutine[Any, Any, None] | None:
        """Go on as far as nothing has to be waited for; return the rest, if there is one.

        :arg begin: begins what is between the hooks, and returns its rest.
        """
        course = self._run(begin)
        try:
            course.send(None)
        except StopIteration:
            return None
        self._in_task = True
        return course

    def end(self) -> None:
        """The response is over, in whatever way; hooks of a handler that left it open go on."""
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    async def _run(self, begin: Begin) -> None:
        handler = self._handler
        handler._surrounded = self
        cancelled: asyncio.CancelledError | None = None
        try:
            await self._enter_all()
            if not handler._finished:
                rest = begin()
                if rest is not None:
                    await self._become_task()
                    await rest
            if not (handler._finished or handler._client_gone):
                await self._wait_for_end()
        except Exception as error:
            handler._handle_request_exception(error)
        except asyncio.CancelledError as error:
            cancelled = self.error = error
            if not is_task_cancelled():
                handler._handle_request_exception(error)
        finally:
            handler._let_body_come()
            try:
                await self._leave_all()
                if cancelled is not None and is_task_cancelled():
                    raise cancelled
            finally:
                if cancelled is not None and not handler._finished:
                    handler._abort()
                # Both refer to the handler, which refers to them.
                handler._surrounded = self.error = None
                handler._end_task()

    async def _enter_all(self) -> None:
        for hook in self._hooks:
            manager: Any = hook(self._handler)
            if _is_synchronous(manager):
                manager.__enter__()
            else:
                await self._become_task()
                await manager.__aenter__()
            self._entered.append(manager)
            if self._handler._finished:
                return

    async def _leave_all(self) -> None:
        interruption: asyncio.CancelledError | None = None
        while self._entered:
            error = self.error
            manager = self._entered.pop()
            try:
                if _is_synchronous(manager):
                    manager.__exit__(*_details(error))
                else:
                    await self._become_task()
                    await manager.__aexit__(*_details(error))
            except asyncio.CancelledError as raised:
                # The others are to be left all the same.
                if raised is not error:
                    interruption = raised
            except Exception as raised:
                if raised is not error:
                    self._on_failed_exit(raised)
        if interruption is not None:
            raise interruption

    def _on_failed_exit(self, error: Exception) -> None:
        handler = self._handler
        if handler._finished or handler._client_gone or is_task_cancelled():
            app_log.error("a hook failed after its request", exc_info=error)
            return
        # The hook itself had cancelled the handler, and says with what that is to be answered; a
        # timeout is such a hook.
        handler._handle_request_exception(error)

    async def _wait_for_end(self) -> None:
        """Wait for a handler that left its response open to finish it."""
        await self._become_task()
        handler = self._handler
        if handler._finished or handler._client_gone:
            return
        self._over = asyncio.get_running_loop().create_future()
        # On this handler alone, so that no other one has to ask whether somebody waits.
        handler._after_finish = self._after_finish  # type: ignore[method-assign]
        await self._over

    def _after_finish(self) -> None:
        handler = self._handler
        del handler.__dict__["_after_finish"]
        try:
            handler._after_finish()
        finally:
            self.end()

    async def _become_task(self) -> None:
        if not self._in_task:
            await _interrupt()


@types.coroutine
def _interrupt() -> Generator[None, None, None]:
    """Give control back to whoever drives the coroutine."""
    yield


def _details(error: BaseException | None) -> tuple[Any, Any, Any]:
    """Return what the end of a ``with`` block is called with."""
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)


def _is_synchronous(manager: Any) -> bool:
    return hasattr(type(manager), "__enter__")
