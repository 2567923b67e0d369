"""Message delegates of a server whose requests are answered by a function."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tornado._gen.convert import check_no_generator
from tornado._http1.context import RequestContext
from tornado._httputil.pieces import keep_piece
from tornado._httputil.request import received_request
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

if TYPE_CHECKING:
    from tornado._http1.connection import HTTP1Connection


def follow_answer(
    result: object,
    callback: Callable[[HTTPServerRequest], Any],
    server_conn: object,
    connection: HTTP1Connection,
) -> None:
    """Do with what a function has returned, that was called without a delegate in between, as a
    delegate does."""
    delegate = CallbackDelegate(callback, server_conn, connection)
    if connection.current_request is not None:
        connection._delegate = delegate
    delegate.follow(result)


class CallbackDelegate(HTTPMessageDelegate):
    """Collect a request and call a function with it."""

    __slots__ = ("_callback", "_chunks", "_connection", "_request", "_server_connection")

    def __init__(
        self,
        callback: Callable[[HTTPServerRequest], Any],
        server_conn: object,
        request_conn: HTTPConnection,
    ) -> None:
        self._callback = callback
        self._server_connection = server_conn
        self._connection = request_conn
        self._request: HTTPServerRequest | None = None
        self._chunks: list[bytes | bytearray] | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._request = request = received_request(
            self._connection, start_line, self._server_connection
        )
        request.headers = headers
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._chunks is None:
            self._chunks = []
        keep_piece(self._chunks, chunk)
        return None

    def finish(self) -> None:
        request = self._request
        if request is None:
            return
        if self._chunks is not None:
            request.body = b"".join(self._chunks)
            request._parse_body()
        result = self._callback(request)
        if result is not None:
            self.follow(result)

    def follow(self, result: object) -> None:
        """Let what the function does later fail for its own request only, and end that.

        :raises TypeError: the function yields, and nothing is there to run it.
        """
        if isinstance(result, Awaitable):
            asyncio.ensure_future(result).add_done_callback(self._on_done)
        else:
            check_no_generator(result)

    def _on_done(self, future: asyncio.Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or error is not None:
            self._connection._end_failed_request(self, error)  # type: ignore[attr-defined]  # HTTP1Connection's

    def on_connection_close(self) -> None:
        self._request = None
        self._chunks = None


class ProxiedDelegate(HTTPMessageDelegate):
    """Let the proxy's headers describe the peer, for one request."""

    __slots__ = ("_connection", "_delegate", "_server_connection")

    def __init__(
        self, delegate: HTTPMessageDelegate, server_conn: object, connection: HTTPConnection
    ) -> None:
        self._delegate = delegate
        self._server_connection = server_conn
        self._connection = connection

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        own = getattr(self._server_connection, "context", None)
        if isinstance(own, RequestContext):
            self._connection.context = own.with_xheaders(headers)  # type: ignore[attr-defined]  # HTTP1Connection's
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()
