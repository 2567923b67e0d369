"""From the parts of a request to a handler that runs."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from tornado._web.handler import PRISTINE_EXECUTE, RequestHandler
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.log import app_log

if TYPE_CHECKING:
    from tornado._web.application import Application

# Tasks are kept by the loop weakly only.
_running: set[asyncio.Task[None]] = set()


class RequestMessage(HTTPMessageDelegate):
    """Find the delegate for a request when its headers have come, and pass everything on to it."""

    __slots__ = ("_application", "_connection", "_delegate", "_server_connection")

    def __init__(
        self, application: Application, server_conn: object, request_conn: HTTPConnection
    ) -> None:
        self._application = application
        self._server_connection = server_conn
        self._connection = request_conn
        self._delegate: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Find the delegate."""
        request = HTTPServerRequest(
            connection=self._connection,
            server_connection=self._server_connection,
            start_line=start_line,
            headers=headers,
        )
        self._delegate = delegate = self._application.find_handler(request)
        return delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass a piece of the body on."""
        return None if self._delegate is None else self._delegate.data_received(chunk)

    def finish(self) -> None:
        """Pass the end on."""
        if self._delegate is not None:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass the client's leaving on."""
        if self._delegate is not None:
            self._delegate.on_connection_close()


class HandlerMessage(HTTPMessageDelegate):
    """Collect a request for a handler class, or stream it to a handler, and run that.

    :arg application: the application.
    :arg request: the request, without its body.
    :arg handler_class: the class.
    :arg handler_kwargs: arguments for the handler's ``initialize``.
    :arg path_args: unnamed groups of the route, as bytes.
    :arg path_kwargs: named groups of the route, as bytes.
    """

    __slots__ = (
        "_chunks",
        "application",
        "handler",
        "handler_class",
        "handler_kwargs",
        "path_args",
        "path_kwargs",
        "request",
    )

    def __init__(
        self,
        application: Application,
        request: HTTPServerRequest,
        handler_class: type[RequestHandler],
        handler_kwargs: dict[str, Any] | None,
        path_args: Sequence[bytes] | None,
        path_kwargs: dict[str, bytes] | None,
    ) -> None:
        self.application = application
        self.request = request
        self.handler_class = handler_class
        self.handler_kwargs = handler_kwargs or {}
        self.path_args = path_args or ()
        self.path_kwargs = path_kwargs or {}
        self._chunks: list[bytes] | None = None
        self.handler: RequestHandler | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Run the handler now, if it takes the body as a stream."""
        if not self.handler_class._has_stream_request_body:
            return None
        loop = asyncio.get_running_loop()
        self.request.body = loop.create_future()
        prepared: asyncio.Future[None] = loop.create_future()
        self.execute(prepared)
        return prepared

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep a piece of the body, or give it to the handler."""
        if self.handler is not None:
            return self.handler.data_received(chunk)
        if self._chunks is None:
            self._chunks = [chunk]
        else:
            self._chunks.append(chunk)
        return None

    def finish(self) -> None:
        """The request is complete: run the handler."""
        if self.handler_class._has_stream_request_body:
            body = self.request.body
            if isinstance(body, asyncio.Future) and not body.done():
                body.set_result(None)
            return
        if self._chunks is not None:
            self.request.body = b"".join(self._chunks)
            self._chunks = None
            # Malformed forms are the client's fault, and no handler's business.
            self.request._parse_body()
        self.execute()

    def on_connection_close(self) -> None:
        """The client has gone."""
        if self.handler is not None and not self.handler._finished:
            self.handler._on_connection_close()
        self._chunks = None

    def execute(self, prepared: asyncio.Future[None] | None = None) -> asyncio.Future[None] | None:
        """Make a handler and run it, in a context of its own.

        :arg prepared: is resolved when a streamed body may come.
        :returns: a future of the handler's end, `None` if it has ended.
        """
        application = self.application
        if application._reset_caches:
            application._forget_cached_files()
        return contextvars.copy_context().run(self._run, prepared)

    def _run(self, prepared: asyncio.Future[None] | None) -> asyncio.Future[None] | None:
        application, request = self.application, self.request
        handler_class = self.handler_class
        handler = handler_class(application, request, **self.handler_kwargs)
        self.handler = handler
        if prepared is not None:
            handler._prepared_future = prepared
        transforms = [make(request) for make in application.transforms]
        rest: Coroutine[Any, Any, None] | None
        if handler_class._execute is PRISTINE_EXECUTE:
            rest = handler._begin(transforms, self.path_args, self.path_kwargs)
            if rest is None:
                return None
        else:
            rest = handler._execute(transforms, *self.path_args, **self.path_kwargs)
        task = asyncio.ensure_future(rest)
        _running.add(task)
        task.add_done_callback(_ended)
        return task


def _ended(task: asyncio.Task[None]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None and not isinstance(error, HTTPInputError):
        app_log.error("Uncaught exception in a request", exc_info=error)
