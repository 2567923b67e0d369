"""The driver of generators: it runs one until it yields, waits, and goes on with the outcome."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable, Generator
from typing import Any

from tornado._gen.convert import convert_yielded, moment, multi_future
from tornado._gen.errors import LeakedCallbackError
from tornado._gen.points import Calls, start_points
from tornado._ioloop.futures import new_future
from tornado._ioloop.loop import IOLoop, is_surrounded
from tornado.concurrent import Future
from tornado.log import app_log

NOTHING_YET = object()


class Return(Exception):
    """Raised in a generator to return a value, as ``return value`` does.

    :arg value: the result.
    """

    def __init__(self, value: Any = None) -> None:
        super().__init__(value)
        self.value = value


def coroutine(func: Callable[..., Any]) -> Callable[..., Future[Any]]:
    """Make a generator function a coroutine: calling it returns a future.

    In the generator, ``yield`` waits for what `convert_yielded` accepts, and gives its result.
    ``return`` sets the future's result.
    A function that is no generator function gives a future too.

    .. versionadded:: 3.0
    """

    @functools.wraps(func)
    def start(*args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = new_future()
        run = contextvars.copy_context().run
        try:
            result = run(func, *args, **kwargs)
            is_generator = isinstance(result, Generator)
            # Here and not in `Drive`, which many need not wait for, and which would take one more
            # frame of the stack for each coroutine that calls another.
            yielded = run(result.send, None) if is_generator else None
        except (Return, StopIteration) as returned:
            # Futures take no StopIteration: a function that is no generator ends of it, too.
            future.set_result(returned.value)
        except asyncio.CancelledError:
            future.cancel()
        except Exception as error:
            future.set_exception(from_there(error))
        else:
            if is_generator:
                Drive(result, future, run).step(yielded)
            else:
                future.set_result(result)
        try:
            return future
        finally:
            # Errors know this frame; see `Drive`.
            yielded = None
            del future

    start.__wrapped__ = func
    start.__tornado_coroutine__ = True  # type: ignore[attr-defined]  # functions may have attributes
    return start


def is_coroutine_function(func: Any) -> bool:
    """Whether ``func`` was made by `coroutine`.

    .. versionadded:: 4.5
    """
    return getattr(func, "__tornado_coroutine__", False)


class Drive:
    """One generator under way.

    Since Python 3.12, the frame of a generator that has ended knows the frames below it. An error's
    traceback knows the generator's, so that none of those may be left with the error in it, or with
    a future that holds it: both would stay until the garbage is collected.

    :arg generator: the generator.
    :arg future: gets its outcome.
    :arg run: calls a function in the context of the generator, by default in a copy of now's.
    """

    __slots__ = ("_calls", "_future", "_generator", "_run", "_waited")

    def __init__(
        self,
        generator: Generator[Any, Any, Any],
        future: Future[Any],
        run: Callable[..., Any] | None = None,
    ) -> None:
        self._generator = generator
        # Until it has its outcome.
        self._future = future
        self._run = run or contextvars.copy_context().run
        # What will go on with the generator; anything else that comes is too late.
        self._waited: Any = None
        # Made for generators that have callbacks by key.
        self._calls: Calls | None = None

    def step(self, yielded: Any = NOTHING_YET, error: BaseException | None = None) -> None:
        """Go on with the outcome of what was waited for, until something else has to be waited for,
        or to the end.

        :arg yielded: what the generator has yielded, if it has run that far already.
        :arg error: what it raises, if it has waited for nothing.
        """
        generator, run = self._generator, self._run
        value, waited = None, self._waited
        while True:
            if yielded is NOTHING_YET:
                if waited is not None:
                    value, error = outcome_of(waited)
                    waited = self._waited = None
                try:
                    if error is None:
                        yielded = run(generator.send, value)
                    else:
                        yielded = run(generator.throw, error)
                except (Return, StopIteration) as returned:
                    self._resolve(returned.value)
                    return
                except asyncio.CancelledError:
                    self._future.cancel()
                    del self._future
                    return
                except Exception as raised:
                    self._fail(from_there(raised))
                    return
                finally:
                    value = error = None
            if isinstance(yielded, Future):
                waited = yielded
            elif yielded is None or yielded is moment:
                self._waited = moment
                self._future.get_loop().call_soon(self._wake)
                return
            else:
                try:
                    waited = run(self._convert, yielded)
                except Exception as refused:
                    # The generator is told what it has done wrong.
                    error, yielded = from_there(refused), NOTHING_YET
                    continue
            if not waited.done():
                self._waited = waited
                waited.add_done_callback(self._wake)
                del waited
                return
            yielded = NOTHING_YET

    def _wake(self, waited: object = moment) -> None:
        if waited is not self._waited:
            return
        if waited is moment:
            # There is no outcome to go on with.
            self._waited = None
        del waited
        if is_surrounded():
            # The rest of the generator is a callback of where it was called.
            IOLoop.current()._run_callback(self.step)
        else:
            self.step()

    def _convert(self, yielded: Any) -> Future[Any]:
        if isinstance(yielded, (list, tuple)) and all(isinstance(x, Future) for x in yielded):
            return multi_future(yielded)
        if self._calls is None:
            self._calls = Calls()
        return convert_yielded(start_points(yielded, self._calls))

    def _fail(self, error: Exception) -> None:
        if not self._future.done():
            self._future.set_exception(error)
        elif self._future.cancelled():
            # Whoever has cancelled it doesn't look any more.
            app_log.error("A cancelled coroutine has failed", exc_info=error)
        del self._future

    def _resolve(self, value: Any) -> None:
        if not self._future.done():
            try:
                if self._calls is not None:
                    self._calls.check_all_taken()
            except LeakedCallbackError as leak:
                self._future.set_exception(leak)
            else:
                self._future.set_result(value)
        del self._future


def from_there(error: Exception) -> Exception:
    """Begin an error's traceback after the frame that handles it here.

    That is no part of the program; and it knows the future that is going to hold the error, which
    would keep both until the garbage is collected.
    """
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None:
        error.__traceback__ = trace.tb_next
    return error


def outcome_of(future: Future[Any]) -> tuple[Any, BaseException | None]:
    """Return the result and the error of a future that is done; one of them is `None`."""
    try:
        error = future.exception()
    except asyncio.CancelledError:
        return None, asyncio.CancelledError()
    return (None, error) if error is not None else (future.result(), None)
