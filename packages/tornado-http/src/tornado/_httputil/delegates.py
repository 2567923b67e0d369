"""The interfaces between connections and those who use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tornado._httputil.headers import HTTPHeaders
from tornado._httputil.startline import RequestStartLine, ResponseStartLine


class HTTPServerConnectionDelegate:
    """What a server asks for a delegate for each request; an application is one.

    .. versionadded:: 4.0
    """

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """A request begins.

        :arg server_conn: stands for the connection.
        :arg request_conn: to answer on.
        :returns: what is given the parts of the request.
        """
        raise NotImplementedError()

    def on_close(self, server_conn: object) -> None:
        """A connection has ended."""


class HTTPMessageDelegate:
    """What is given the parts of one message.

    .. versionadded:: 4.0
    """

    __slots__ = ()

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """The head has come. The body waits for an awaitable that is returned."""
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Some of the body has come. The rest waits for an awaitable that is returned."""
        return None

    def finish(self) -> None:
        """The message has ended."""

    def on_connection_close(self) -> None:
        """The connection was closed before the exchange was over."""


class HTTPConnection:
    """What a message is written to.

    .. versionadded:: 4.0
    """

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> Any:
        """Write the head and, if given, the first piece of the body; returns a future."""
        raise NotImplementedError()

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> Any:
        """Write a piece of the body; returns a future."""
        raise NotImplementedError()

    def finish(self) -> None:
        """End the message."""
        raise NotImplementedError()
