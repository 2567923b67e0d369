"""The server's connection as the documented API of versions 2.x has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado import httputil
from tornado._http1.callbacks import CallbackDelegate, ProxiedDelegate
from tornado._http1.connection import HTTP1Connection
from tornado._http1.context import RequestContext
from tornado._http1.params import HTTP1ConnectionParameters
from tornado._http1.server import (
    DEFAULT_BODY_TIMEOUT,
    DEFAULT_IDLE_TIMEOUT,
    DEFAULT_WRITE_TIMEOUT,
    HTTP1ServerConnection,
)
from tornado.httputil import (
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
)
from tornado.iostream import IOStream


class HTTPConnection(HTTP1Connection):
    """One connection of a client, whose requests a function answers until it is closed (documented
    API version 2.x).

    It's for programs that accept connections themselves. The interface that today's connections
    implement, `tornado.httputil.HTTPConnection`, is another thing of the same name.

    :arg stream: the connected stream.
    :arg address: the client's socket address.
    :arg request_callback: called with each `HTTPServerRequest`.
    :arg no_keep_alive: close the connection after each response.
    :arg xheaders: believe what a proxy says of the client, as `HTTPServer` does.
    """

    def __init__(
        self,
        stream: IOStream,
        address: Any,
        request_callback: Callable[[HTTPServerRequest], Any],
        no_keep_alive: bool = False,
        xheaders: bool = False,
    ) -> None:
        params = HTTP1ConnectionParameters(
            no_keep_alive=no_keep_alive,
            header_timeout=DEFAULT_IDLE_TIMEOUT,
            body_timeout=DEFAULT_BODY_TIMEOUT,
            write_timeout=DEFAULT_WRITE_TIMEOUT,
        )
        context = RequestContext(stream, address)
        super().__init__(stream, False, params, context)
        self.request_callback = request_callback
        self.xheaders = xheaders
        server = HTTP1ServerConnection(stream, params, context)
        server._serve(
            _Requests(request_callback, xheaders),
            None,
            None,
            request_callback=None if xheaders else request_callback,
            connection=self,
        )


class _Requests(HTTPServerConnectionDelegate):
    """Gives each request to the function."""

    def __init__(self, callback: Callable[[HTTPServerRequest], Any], xheaders: bool) -> None:
        self._callback = callback
        self._xheaders = xheaders

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> HTTPMessageDelegate:
        delegate = CallbackDelegate(self._callback, server_conn, request_conn)
        if self._xheaders:
            return ProxiedDelegate(delegate, server_conn, request_conn)
        return delegate
