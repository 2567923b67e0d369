"""`RequestHandler`: from the request's first call to the response's last.

A request runs as far as it can in one go, in `RequestHandler._begin`: the checks, ``prepare``, the
method named after the request's, ``finish``. The first thing that has to be waited for ends the go,
and what remains is returned as a coroutine. The caller makes a task of it. A handler without
``async`` never costs one.

Programs that trace requests wrap ``_execute``, the same as a coroutine function. The dispatcher
uses it if it is no longer the function that stands here.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from tornado._gen.convert import check_no_generator, convert_yielded
from tornado._web.errors import HANDLER_ERRORS, HTTPError
from tornado._web.failures import FailureMethods
from tornado._web.origins import SAFE_METHODS
from tornado.concurrent import is_future

if TYPE_CHECKING:
    from tornado._web.application import Application
    from tornado._web.transforms import OutputTransform
    from tornado.httputil import HTTPServerRequest
    from tornado.iostream import IOStream


def refuse_method(self: RequestHandler, *args: Any, **kwargs: Any) -> Any:
    """Answer requests of this method; override it, as a plain function or a coroutine.

    :arg args: the unnamed groups of the route's pattern, in their order.
    :arg kwargs: the named groups.
    :raises HTTPError: 405, unless overridden.
    """
    raise HTTPError(405)


# Typed so that overriding methods may have the parameters that their routes give.
_refuse: Callable[..., Any] = refuse_method


class RequestHandler(FailureMethods):
    """Answers requests; each one gets a new instance.

    Subclasses define at least one method named after a request method, in lower case::

        class Greeting(RequestHandler):
            def initialize(self, database):
                self.database = database

            async def get(self, name):
                greeting = await self.database.find(name)
                self.write(greeting)

        application = Application([(r"/greet/(\\w+)", Greeting, {"database": database})])

    The constructor is not meant to be overridden: `initialize` is. Methods may be called from the
    thread of the event loop only; other threads use `tornado.ioloop.IOLoop.add_callback`.

    :arg application: the application.
    :arg request: the request.
    :arg kwargs: passed to `initialize`.

    .. attribute:: application

       The `Application` that serves the request.

    .. attribute:: request

       The `tornado.httputil.HTTPServerRequest`.

    .. attribute:: path_args

       Unnamed groups of the route, as text.

    .. attribute:: path_kwargs

       Named groups of the route, as text.
    """

    #: Request methods that are answered; extend it for others than the usual ones.
    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    #: Whether a coroutine that answers a request is cancelled when its client has gone; `None`
    #: means as the setting ``cancel_on_disconnect`` says, which is off by default.
    #: `on_connection_close` is called before.
    #:
    #: .. versionadded:: 6.100
    cancel_on_disconnect: bool | None = None

    _streams_body = False
    _has_further_bases = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Classes beside this one may have constructors; the framework's own bases have none.
        rest = cls.__mro__[cls.__mro__.index(RequestHandler) + 1 : -1]
        cls._has_further_bases = any("__init__" in base.__dict__ for base in rest)

    def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
        if self._has_further_bases:
            super().__init__()
        self.application = application
        self.request = request
        self.path_args = []
        self.path_kwargs = {}
        # What is asked for several times is found more quickly where a handler has it of its own.
        self._body_arrived = self._set_cookies = None
        self._headers_written = self._finished = False
        self._auto_finish = True
        self.clear()
        self.initialize(**kwargs)

    # What subclasses define.

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Take the route's arguments; override it with the parameters that the routes have. It may
        not answer.

        :arg kwargs: third element of the route's tuple, or ``kwargs`` of its `URLSpec`.
        :raises TypeError: there are arguments, and the method was not overridden.
        """
        if args or kwargs:
            raise TypeError(
                f"{type(self).__name__} has no initialize() for the arguments {sorted(kwargs)}"
            )

    def prepare(self) -> Awaitable[None] | None:
        """Called before the method of the request, whichever it is; override it, as a coroutine if
        you like.

        If it finishes the response, the method is not called.

        :returns: something to wait for, or `None`.
        """
        return None

    # Programs compare methods with the one of this name, to see which are not overridden.
    _unimplemented_method = _refuse
    get = head = post = put = patch = delete = options = _refuse

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Called with each piece of the body, in classes decorated with `stream_request_body`;
        override it.

        :arg chunk: the piece.
        :returns: something to wait for before the next one, or `None`.

        .. versionadded:: 4.0
        """
        raise NotImplementedError(
            f"{type(self).__name__} streams its body, without data_received()"
        )

    def on_finish(self) -> None:
        """Called when the response is finished, to log or clean up; override it. Nothing can be
        sent from here.
        """

    def on_connection_close(self) -> None:
        """Called if the client leaves before the response is finished; override it to stop what it
        waits for.

        Only handlers that wait for something can notice. A proxy may keep the connection although
        its client left.
        """

    # Other things that may be done with a request.

    def detach(self) -> IOStream:
        """Take the connection from HTTP, to speak another protocol on it.

        :returns: the stream. The handler has nothing to do with the response any more;
           ``on_finish`` is not called.

        .. versionadded:: 5.1
        """
        self._finished = True
        self._end_surroundings()
        stream: IOStream = self.request.connection.detach()
        return stream

    def async_callback(
        self, callback: Callable[..., Any] | None, *args: Any, **kwargs: Any
    ) -> Callable[..., Any] | None:
        """Wrap a callback so that an exception in it ends the request with an error.

        Handlers decorated with `asynchronous` need it no longer: their callbacks are watched.

        :arg callback: the function; for `None` nothing is made.
        :arg args: its first arguments.
        :arg kwargs: keyword arguments for it.
        """
        if callback is None:
            return None

        def guarded(*more: Any, **named: Any) -> Any:
            try:
                return callback(*args, *more, **{**kwargs, **named})
            except Exception as error:
                self._handle_request_exception(error)
                return None

        return guarded

    # The course of a request.

    async def _execute(
        self, transforms: Sequence[OutputTransform], *args: bytes, **kwargs: bytes
    ) -> None:
        """Run the request to its end."""
        rest = self._begin(transforms, args, kwargs)
        if rest is not None:
            await rest

    def _begin(
        self,
        transforms: Sequence[OutputTransform],
        args: Sequence[bytes],
        kwargs: Mapping[str, bytes],
    ) -> Coroutine[Any, Any, None] | None:
        """Run the request as far as nothing has to be waited for; return the rest, if there is
        one."""
        self._transforms = transforms
        if self._body_arrived is not None:
            return self._begin_with_stream(args, kwargs)
        request = self.request
        try:
            self._accept(args, kwargs)
            if request.body:
                request._parse_body()
            waiting = self.prepare()
            if waiting is not None:
                return self._run_after_prepare(waiting)
            if self._finished:
                return None
            waiting = self._call_method()
            if waiting is not None:
                return self._run_after_method(waiting)
            if self._auto_finish and not self._finished:
                self.finish()
        except HANDLER_ERRORS as error:
            self._handle_request_exception(error)
        return None

    def _accept(self, args: Sequence[bytes], kwargs: Mapping[str, bytes]) -> None:
        """Decide whether the request may go on, and decode what its path says.

        :raises HTTPError: it may not.
        """
        method = self.request.method
        if method not in self.SUPPORTED_METHODS:
            raise HTTPError(405)
        if args:
            self.path_args = [arg if arg is None else self.decode_argument(arg) for arg in args]
        if kwargs:
            self.path_kwargs = {
                name: arg if arg is None else self.decode_argument(arg, name)
                for name, arg in kwargs.items()
            }
        if method not in SAFE_METHODS:
            self._check_protection()

    def _call_method(self) -> Awaitable[Any] | None:
        """Call the method named after the request's; return what has to be waited for."""
        name = self.request.method
        method = getattr(self, _METHOD_NAMES.get(name) or _method_name(name))
        result = method(*self.path_args, **self.path_kwargs)
        return None if result is None else _still_waiting(result)

    async def _run_after_prepare(self, waiting: Awaitable[Any]) -> None:
        try:
            await _as_awaitable(waiting)
            if not self._finished:
                await self._run_method()
        except Exception as error:
            self._handle_request_exception(error)
        except asyncio.CancelledError as error:
            self._on_cancelled(error)
        finally:
            self._end_task()

    async def _run_after_method(self, waiting: Awaitable[Any]) -> None:
        try:
            await waiting
            if self._auto_finish and not self._finished:
                self.finish()
        except Exception as error:
            self._handle_request_exception(error)
        except asyncio.CancelledError as error:
            self._on_cancelled(error)
        finally:
            self._end_task()

    def _end_task(self) -> None:
        """Let the application forget the task of the request, which is at its end; where hooks
        stand around the request, they come to theirs later."""
        if self._request_task is not None and self._surrounded is None:
            self.application._running.discard(self._request_task)

    def _expect_stream(self) -> None:
        """Get ready for a body that comes piece by piece."""
        loop = asyncio.get_running_loop()
        self._body_arrived = loop.create_future()
        self._prepared = loop.create_future()

    def _begin_with_stream(
        self, args: Sequence[bytes], kwargs: Mapping[str, bytes]
    ) -> Coroutine[Any, Any, None] | None:
        """Run a request as far as ``prepare``; its body comes after that, piece by piece."""
        try:
            self._accept(args, kwargs)
            waiting = self.prepare()
        except HANDLER_ERRORS as error:
            self._handle_request_exception(error)
            self._let_body_come()
            return None
        if waiting is None:
            self._let_body_come()
        return self._run_with_stream(waiting)

    async def _run_with_stream(self, waiting: Awaitable[None] | None) -> None:
        try:
            if waiting is not None:
                await _as_awaitable(waiting)
                self._let_body_come()
            if not self._finished and await self._body_has_arrived():
                await self._run_method()
        except Exception as error:
            self._handle_request_exception(error)
        except asyncio.CancelledError as error:
            self._on_cancelled(error)
        finally:
            self._let_body_come()
            self._end_task()

    async def _run_method(self) -> None:
        waiting = self._call_method()
        if waiting is not None:
            await waiting
        if self._auto_finish and not self._finished:
            self.finish()

    async def _body_has_arrived(self) -> bool:
        """Wait for the end of a streamed body; false if the response is there before, or the client
        left.
        """
        if self._body_arrived is not None and not await self._body_arrived:
            return False
        return not self._finished

    def _let_body_come(self) -> None:
        if self._prepared is not None and not self._prepared.done():
            self._prepared.set_result(None)

    def _on_cancelled(self, error: asyncio.CancelledError) -> None:
        """End the request because what it waited for was cancelled, or the request itself."""
        if not is_task_cancelled():
            self._handle_request_exception(error)
            return
        # Nobody is left who would finish the response; the client has to see that it will not come.
        # Where hooks stand around the request, one of them may have cancelled it, to answer itself.
        if not self._finished and self._surrounded is None:
            self._abort()
        raise error

    def _on_client_gone(self) -> None:
        """The connection was closed before the response was finished."""
        if self._client_gone or self._finished:
            return
        self._client_gone = True
        arrived = self._body_arrived
        if arrived is not None and not arrived.done():
            arrived.set_result(False)
        try:
            self.on_connection_close()
        finally:
            self._end_surroundings()
            if self._request_task is not None and self._cancels_for_nobody():
                self._request_task.cancel()
                # It may not have begun, and then it never does anything.
                self._request_task.add_done_callback(self.application._running.discard)

    def _cancels_for_nobody(self) -> bool:
        wanted = self.cancel_on_disconnect
        if wanted is None:
            wanted = self.settings.get("cancel_on_disconnect", False)
        return bool(wanted)

    def _after_finish(self) -> None:
        try:
            self.application.log_request(self)
        finally:
            self.on_finish()
            # They refer to the handler, which refers to them: without this the collector would have
            # to find out.
            self._parts = None

    def _watch_callback(
        self, typ: type[BaseException], value: BaseException, tb: types.TracebackType | None
    ) -> bool:
        """End the request because of an exception in one of its callbacks."""
        self._handle_request_exception(value)
        return True

    def _allowed_methods(self) -> list[str]:
        cls = type(self)
        return [
            method
            for method in self.SUPPORTED_METHODS
            if getattr(cls, _method_name(method), refuse_method) is not refuse_method
        ]


# Request method -> name of the handler's method.
_METHOD_NAMES: dict[str | None, str] = {
    method: method.lower() for method in RequestHandler.SUPPORTED_METHODS
}


def _method_name(request_method: str | None) -> str:
    return str(request_method).lower()


def is_task_cancelled() -> bool:
    """Tell whether somebody wants the present task to end. If not, a `asyncio.CancelledError` comes
    from something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _still_waiting(result: Any) -> Awaitable[Any] | None:
    """Return what a method returned if it has to be waited for; what is done is looked at here and
    now.
    """
    if isawaitable(result):
        done = getattr(result, "done", None)
        if done is None or not done():
            return result
        # A generator coroutine that never waited, for example; if it failed, this raises.
        outcome = getattr(result, "result", None)
        if outcome is not None:
            outcome()
        return None
    if is_future(result):
        return _as_awaitable(result)
    check_no_generator(result)
    # Methods have always been free to return what they like.
    return None


def _as_awaitable(waiting: Any) -> Awaitable[Any]:
    return waiting if isawaitable(waiting) else convert_yielded(waiting)


#: `RequestHandler._execute` as it was made, to tell whether it still is.
PRISTINE_EXECUTE = RequestHandler._execute
