"""Message delegates that turn the parts of a request into a handler's run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from tornado._gen.convert import convert_yielded
from tornado._httputil.pieces import keep_piece
from tornado._httputil.request import received_request
from tornado._ioloop.futures import begin_later
from tornado._web.errors import HANDLER_ERRORS
from tornado._web.handler import PRISTINE_EXECUTE, RequestHandler, is_task_cancelled
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

if TYPE_CHECKING:
    from tornado._routing.index import RuleIndex
    from tornado._web.application import Application

StartLine = RequestStartLine | ResponseStartLine

# Shared, so never changed.
_NO_NAMES: Mapping[str, Any] = {}
_NO_TRANSFORMS: Sequence[Any] = ()


class HandlerMessage(HTTPMessageDelegate):
    """Collects a request and runs a handler class with it, or streams it to a handler.

    :arg application: the application.
    :arg request: the request, its body not yet there.
    :arg handler_class: the class.
    :arg handler_kwargs: for the handler's ``initialize``.
    :arg path_args: positional arguments of its method, as bytes.
    :arg path_kwargs: keyword arguments of its method, as bytes.
    """

    __slots__ = (
        "_chunks",
        "_context",
        "application",
        "handler",
        "handler_class",
        "handler_kwargs",
        "path_args",
        "path_kwargs",
        "request",
    )

    # A handler whose method ``_execute`` is another one runs through that.
    _usual_execute: object = staticmethod(PRISTINE_EXECUTE)

    def __init__(
        self,
        application: Application,
        request: HTTPServerRequest,
        handler_class: type[RequestHandler],
        handler_kwargs: Mapping[str, Any] | None = None,
        path_args: Sequence[bytes] | None = None,
        path_kwargs: Mapping[str, bytes] | None = None,
    ) -> None:
        self.application = application
        self.request = request
        self.handler: RequestHandler | None = None
        self._chunks: list[bytes | bytearray] | None = None
        # Made for streamed requests only, whose parts come at different times.
        self._context: Context | None = None
        self.handler_class = handler_class
        self.handler_kwargs = handler_kwargs or _NO_NAMES
        self.path_args = path_args or ()
        self.path_kwargs = path_kwargs or _NO_NAMES

    def headers_received(
        self, start_line: StartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Start the handler, if it wants the body as a stream."""
        return self._start_stream() if self.handler_class._streams_body else None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep a piece of the body, or give it to the handler."""
        if self._context is not None:
            return self._context.run(self._pass_on, chunk)
        if self._chunks is None:
            self._chunks = [chunk]
        else:
            keep_piece(self._chunks, chunk)
        return None

    def finish(self) -> None:
        """Run the handler, or tell it that the body is complete."""
        if self._context is not None:
            self._end_body()
            return
        if self._chunks is not None:
            self.request.body = b"".join(self._chunks)
            self._chunks = None
        self.execute()

    def on_connection_close(self) -> None:
        """Tell the handler that the client has gone."""
        self._chunks = None
        if self.handler is not None:
            self.handler._on_client_gone()

    def execute(self) -> None:
        """Run the handler with a request that is complete, in a context of its own."""
        copy_context().run(self._run)

    # The handler's run, inside of the context.

    def _run(self) -> None:
        application, request = self.application, self.request
        settings = application.settings
        if "compiled_template_cache" in settings or "static_hash_cache" in settings:
            application._forget_files()
        try:
            handler = self.handler_class(application, request, **self.handler_kwargs)
        except HANDLER_ERRORS as error:
            # There is no handler of that class to make an error page, so a plain one does.
            RequestHandler(application, request)._handle_request_exception(error)
            return
        self.handler = handler
        if self._context is not None:
            handler._expect_stream()
        makers = application.transforms
        transforms = [make(request) for make in makers] if makers else _NO_TRANSFORMS
        # The class may have a wrapped or another one, and so may the instance.
        if getattr(handler._execute, "__func__", None) is not self._usual_execute:
            self._run_replaced(handler, transforms)
            return
        rest = handler._begin(transforms, self.path_args, self.path_kwargs)
        if rest is not None:
            self._run_rest(handler, rest)

    def _run_rest(
        self,
        handler: RequestHandler,
        rest: Coroutine[Any, Any, None],
        context: Context | None = None,
    ) -> None:
        self.request.connection.set_close_callback(handler._on_client_gone)
        loop = asyncio.get_running_loop()
        if context is None:
            task = loop.create_task(rest)
        else:
            # It's in use here.
            task = begin_later(loop, rest, context)
        handler._request_task = task
        # The handler takes it out at its end, which costs less than a callback of the task. Where
        # tasks begin at once, that may be over.
        if not task.done():
            self.application._running.add(task)

    def _run_replaced(self, handler: RequestHandler, transforms: Sequence[Any]) -> None:
        self.request.connection.set_close_callback(handler._on_client_gone)
        run = handler._execute(list(transforms), *self.path_args, **self.path_kwargs)
        if run is not None:
            # A wrapper may be a coroutine of another kind; what goes wrong in it is nobody's but
            # the loop's.
            future = convert_yielded(run)
            self.application._keep_running(future)
            future.add_done_callback(_raise_in_loop)

    # Streamed bodies.

    def _start_stream(self) -> Awaitable[None] | None:
        self._context = copy_context()
        return self._context.run(self._run_streaming)

    def _run_streaming(self) -> Awaitable[None] | None:
        self._run()
        prepared = None if self.handler is None else self.handler._prepared
        return None if prepared is None or prepared.done() else prepared

    def _pass_on(self, chunk: bytes) -> Awaitable[None] | None:
        handler = self.handler
        if handler is None or handler._finished:
            # The answer was given without the rest of the body.
            return None
        try:
            waiting = handler.data_received(chunk)
        except HANDLER_ERRORS as error:
            self._fail(handler, error)
            return None
        return None if waiting is None else self._await_consumer(handler, waiting)

    async def _await_consumer(self, handler: RequestHandler, waiting: Awaitable[None]) -> None:
        try:
            await convert_yielded(waiting)
        except HANDLER_ERRORS as error:
            if isinstance(error, asyncio.CancelledError) and is_task_cancelled():
                raise
            self._fail(handler, error)

    def _fail(self, handler: RequestHandler, error: BaseException) -> None:
        handler._handle_request_exception(error)
        self._end_body()

    def _end_body(self) -> None:
        handler = self.handler
        arrived = None if handler is None else handler._body_arrived
        if arrived is not None and not arrived.done():
            arrived.set_result(True)


class ApplicationMessage(HandlerMessage):
    """Finds the handler of a request when its headers have come.

    Where the routes are plain ones to handler classes, it goes on as the message of the handler
    itself; otherwise it hands everything on to the delegate that the routers found.

    :arg application: the application.
    :arg server_conn: the server's side of the connection.
    :arg request_conn: to answer on.
    """

    __slots__ = ("_connection", "_elsewhere", "_server_connection")

    def __init__(
        self, application: Application, server_conn: object, request_conn: HTTPConnection
    ) -> None:
        self.application = application
        self._server_connection = server_conn
        self._connection = request_conn
        self._elsewhere: HTTPMessageDelegate | None = None
        self.handler = None
        self._chunks = None
        self._context = None

    def headers_received(
        self, start_line: StartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Find the handler."""
        self.request = request = received_request(
            self._connection, start_line, self._server_connection
        )
        request.headers = headers
        routes = self.application._plain_routes()
        if routes is not None and self._take_route(routes, request):
            return self._start_stream() if self.handler_class._streams_body else None
        self._elsewhere = self.application.find_handler(request)
        return self._elsewhere.headers_received(start_line, headers)

    def _take_route(self, routes: RuleIndex, request: HTTPServerRequest) -> bool:
        """Look for the first rule that matches; false if its target is no handler class, or there
        is none."""
        known = routes.known.get(request.path) or routes.find(request)
        if known is None:
            return False
        rule, found = known
        target = rule.target
        if not (isinstance(target, type) and issubclass(target, RequestHandler)):
            return False
        self.handler_class = target
        if found:
            self.handler_kwargs = rule.target_kwargs or found.get("target_kwargs") or _NO_NAMES
            self.path_args = found.get("path_args") or ()
            self.path_kwargs = found.get("path_kwargs") or _NO_NAMES
        else:
            self.handler_kwargs = rule.target_kwargs
            self.path_args, self.path_kwargs = (), _NO_NAMES
        return True

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep a piece of the body, or hand it on."""
        if self._elsewhere is not None:
            return self._elsewhere.data_received(chunk)
        return super().data_received(chunk)

    def finish(self) -> None:
        """Run the handler, or hand the end on."""
        if self._elsewhere is not None:
            self._elsewhere.finish()
        elif self._chunks is None and self._context is None:
            copy_context().run(self._run)
        else:
            super().finish()

    def on_connection_close(self) -> None:
        """Hand on that the client has gone."""
        if self._elsewhere is not None:
            self._elsewhere.on_connection_close()
        else:
            super().on_connection_close()


class CompleteRequest:
    """Gives a request that is complete already to a delegate (documented API version 2.x).

    :arg request: the request.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        self._request = request

    def deliver_to(self, delegate: HTTPMessageDelegate) -> None:
        """Call the delegate with each part of the request."""
        request = self._request
        start_line = RequestStartLine(str(request.method), str(request.uri), request.version)
        delegate.headers_received(start_line, request.headers)
        if request.body:
            delegate.data_received(request.body)
        delegate.finish()


def _raise_in_loop(future: asyncio.Future[Any]) -> None:
    """Let an error reach the exception handler of the loop, which calls this."""
    if not future.cancelled():
        future.result()
