"""Message delegates between a connection and the target of a rule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.log import app_log

if TYPE_CHECKING:
    from tornado._routing.routers import Router


class RoutedMessage(HTTPMessageDelegate):
    """Asks a router for the delegate of a message once its headers are there, then forwards to it.

    :arg router: asked once per message.
    :arg server_conn: the server's side of the connection, as the server hands it out.
    :arg request_conn: the connection to answer on.
    """

    def __init__(self, router: Router, server_conn: object, request_conn: HTTPConnection) -> None:
        self._router = router
        self._server_conn = server_conn
        self._request_conn = request_conn
        self._delegate: HTTPMessageDelegate | None = None

    def headers_received(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Find the delegate and hand it the start line and the headers."""
        request = HTTPServerRequest(
            start_line=start_line,
            headers=headers,
            connection=self._request_conn,
            server_connection=self._server_conn,
        )
        self._delegate = self._router.find_handler(request)
        if self._delegate is None:
            app_log.debug("no rule for %s %s", request.method, request.path)
            self._delegate = NotFoundMessage(self._request_conn)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Forward a piece of the body."""
        return self._delegate.data_received(chunk) if self._delegate else None

    def finish(self) -> None:
        """Forward the end of the message."""
        if self._delegate is not None:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        """Forward that the peer has gone."""
        if self._delegate is not None:
            self._delegate.on_connection_close()


class NotFoundMessage(HTTPMessageDelegate):
    """Answers a message with an empty 404.

    :arg connection: the connection to answer on.
    """

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def finish(self) -> None:
        """Send the answer."""
        start_line = ResponseStartLine("HTTP/1.1", 404, "Not Found")
        self._connection.write_headers(start_line, HTTPHeaders({"Content-Length": "0"}))
        self._connection.finish()


class BufferedMessage(HTTPMessageDelegate):
    """Collects a request's body, then calls a function with the request.

    :arg request: the request, its headers being there.
    :arg callback: called once, unless the peer goes away before the body is complete.
    """

    def __init__(
        self, request: HTTPServerRequest, callback: Callable[[HTTPServerRequest], object]
    ) -> None:
        self._request = request
        self._callback = callback
        self._chunks: list[bytes] = []

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep a piece of the body; the connection limits how much there can be."""
        self._chunks.append(chunk)
        return None

    def finish(self) -> None:
        """Complete the request and call."""
        self._request.body = b"".join(self._chunks)
        self._chunks.clear()
        self._callback(self._request)

    def on_connection_close(self) -> None:
        """Forget what has come so far."""
        self._chunks.clear()
