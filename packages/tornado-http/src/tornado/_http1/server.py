"""The server's side of HTTP/1.1: connections that serve requests one after another, and the server
that owns them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import Any

from tornado._callbacks import deliver_result
from tornado._http1.callbacks import CallbackDelegate, ProxiedDelegate
from tornado._http1.connection import HTTP1Connection
from tornado._http1.context import RequestContext
from tornado._http1.deadlines import DeadlineSweep
from tornado._http1.params import HTTP1ConnectionParameters
from tornado.httputil import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
)
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.log import app_log, gen_log
from tornado.tcpserver import TCPServer
from tornado.util import Configurable

StartRequest = Callable[[object, HTTPConnection], HTTPMessageDelegate]
RequestCallback = Callable[[HTTPServerRequest], Any]

DEFAULT_IDLE_TIMEOUT = 3600.0  # seconds
DEFAULT_BODY_TIMEOUT = 3600.0  # seconds
DEFAULT_WRITE_TIMEOUT = 60.0  # seconds


class HTTP1ServerConnection:
    """Serve the requests that come on one stream until it is closed.

    :arg stream: a stream that a client has connected.
    :arg params: limits and switches.
    :arg context: describes the peer; delegates find it as ``context`` of the `HTTP1Connection`.

    .. versionadded:: 4.0
    """

    __slots__ = (
        "__weakref__",
        "_ended",
        "_shared_resolved",
        "connection",
        "context",
        "delegate",
        "params",
        "request_callback",
        "start_request",
        "stream",
    )

    delegate: HTTPServerConnectionDelegate
    #: Where each request goes: the delegate's method, or that of who stands behind it.
    start_request: StartRequest
    #: A function that answers requests without a body, with nothing in between; or `None`.
    request_callback: RequestCallback | None

    def __init__(
        self,
        stream: IOStream,
        params: HTTP1ConnectionParameters | None = None,
        context: object | None = None,
    ) -> None:
        self.stream = stream
        self.params = params or HTTP1ConnectionParameters()
        self.context = context
        self.connection: HTTP1Connection | None = None
        self._ended: asyncio.Future[None] | None = None
        self._shared_resolved: asyncio.Future[None] | None = None

    def start_serving(self, delegate: HTTPServerConnectionDelegate) -> None:
        """Begin to serve.

        :arg delegate: is asked for a message delegate for each request.
        """
        self._serve(delegate, None, None)

    def _serve(
        self,
        delegate: HTTPServerConnectionDelegate,
        sweep: DeadlineSweep | None,
        resolved: asyncio.Future[None] | None,
        start_request: StartRequest | None = None,
        request_callback: RequestCallback | None = None,
        connection: HTTP1Connection | None = None,
    ) -> None:
        params = self.params
        self.delegate = delegate
        self._direct_to(start_request, request_callback)
        self._shared_resolved = resolved
        if connection is None:
            connection = HTTP1Connection(self.stream, False, params, self.context)
        self.connection = connection
        connection._server = self
        if sweep is None:
            sweep = DeadlineSweep(params.shortest_timeout)
        connection._sweep = sweep
        if params.header_timeout is not None:
            connection._time_for_head = params.header_timeout + sweep.period
        sweep.watch(connection)
        connection._start_message_deadline(params.header_timeout)
        connection.start_receiving()

    def _direct_to(
        self, start_request: StartRequest | None, request_callback: RequestCallback | None
    ) -> None:
        """Say where requests go from now on, if not to the delegate."""
        self.start_request = start_request or self.delegate.start_request
        self.request_callback = request_callback

    @property
    def resolved(self) -> asyncio.Future[None]:
        """A future that is done, for writes that were done at once."""
        if self._shared_resolved is None:
            self._shared_resolved = asyncio.get_running_loop().create_future()
            self._shared_resolved.set_result(None)
        return self._shared_resolved

    def end_soon(self) -> None:
        """Close the connection as soon as the request that is under way is answered; at once, if
        there is none.

        .. versionadded:: 6.100
        """
        if self.connection is not None:
            self.connection.end_soon()

    @property
    def is_busy(self) -> bool:
        """Whether somebody would miss something if the connection was closed now.

        .. versionadded:: 6.100
        """
        connection = self.connection
        return connection is not None and not (
            connection.stream.closed() or connection.is_lingering
        )

    def describe(self) -> str:
        """Return what is under way and for whom, in one line for a log."""
        request = None if self.connection is None else self.connection.current_request
        doing = "the beginning of a request" if request is None else " ".join(request[:2])
        return f"{doing} from {self.context}"

    def close(self, callback: Callable[[None], Any] | None = None) -> asyncio.Future[None]:
        """Close the connection.

        :arg callback: called with the future's result (documented API version 4.x).
        :returns: a future that resolves to `None` when the connection no longer serves.
        """
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        if callback is not None:
            deliver_result(self._ended, callback)
        if self.connection is not None:
            self.connection.close()
        else:
            self.stream.close()
            if not self._ended.done():
                self._ended.set_result(None)
        return self._ended

    def on_connection_end(self) -> None:
        """The connection has ended, or its stream belongs to another protocol now."""
        self.connection = None
        delegate = self.delegate
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        try:
            delegate.on_close(self)
        except Exception:
            # Others have to be told too.
            app_log.error("Uncaught exception", exc_info=True)


class HTTPServer(TCPServer, Configurable, HTTPServerConnectionDelegate):
    """A server for HTTP/1.1 and HTTP/1.0, without blocking and in one thread.

    It's started like every `~tornado.tcpserver.TCPServer`: with ``listen``; with ``bind`` and
    ``start`` for several processes; or with
    ``add_sockets``.

    :arg request_callback: an `HTTPServerConnectionDelegate` such as `tornado.web.Application`, or a
        function that is called with an
        `HTTPServerRequest` when it has come completely, and answers through its ``connection``.
    :arg no_keep_alive: close the connection after each response.
    :arg xheaders: believe ``X-Real-Ip``, ``X-Forwarded-For``, ``X-Scheme`` and
        ``X-Forwarded-Proto``. Only for servers that nobody can
        reach but through a proxy that sets them.
    :arg ssl_options: serve TLS with this `ssl.SSLContext`, or with one made of this dictionary of
        arguments
        (``certfile``, ``keyfile``, ...).
    :arg protocol: ``http`` or ``https``, what requests are told if it isn't what the sockets speak.
    :arg decompress_request: decode request bodies that have the ``gzip`` content coding.
    :arg chunk_size: the most bytes of a body to hand on at once; 65536 by default.
    :arg max_header_size: limit of a header block in bytes; 65536 by default. More is answered with
        431.
    :arg idle_connection_timeout: seconds after which a connection without a complete next request
        is closed; 3600 by default.
    :arg body_timeout: seconds in which a request's body has to arrive; 3600 by default. They begin
        anew if they end while the application lets the body wait.
    :arg max_body_size: limit of a request's body in bytes; ``max_buffer_size`` by default. More is
        answered with 413.
    :arg max_buffer_size: limit in bytes of what a stream holds; 100 MiB by default.
    :arg trusted_downstream: addresses of proxies to pass over in ``X-Forwarded-For``.
    :arg write_timeout: seconds in each of which a client has to take a kilobyte of the answer that
        waits for it; 60 by default. It's closed if it doesn't. ``math.inf`` means for ever.
    :arg accept_bare_lf: let lines of requests' heads end in LF alone too. A proxy in front of the
        server may take them for something else: not for servers that have one.
    :arg accept_folded_lines: let header lines that begin with white space continue the line before
        them, as clients of long ago send them; the same holds for it.
    :arg max_header_count: limit of the fields of a header block; 1000 by default. More is answered
        with 431.

    .. versionchanged:: 4.0
       Added ``decompress_request``, ``chunk_size``, ``max_header_size``,
       ``idle_connection_timeout``, ``body_timeout``,
       ``max_body_size`` and ``max_buffer_size``.
    .. versionchanged:: 4.5
       Added ``trusted_downstream``.
    .. versionchanged:: 6.100
       Added ``write_timeout``, ``accept_bare_lf``, ``accept_folded_lines`` and
       ``max_header_count``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Configurable passes the arguments to initialize().
        pass

    def initialize(
        self,
        request_callback: (HTTPServerConnectionDelegate | Callable[[HTTPServerRequest], Any]),
        no_keep_alive: bool = False,
        xheaders: bool = False,
        ssl_options: dict[str, Any] | SSLContext | None = None,
        protocol: str | None = None,
        decompress_request: bool = False,
        chunk_size: int | None = None,
        max_header_size: int | None = None,
        idle_connection_timeout: float | None = None,
        body_timeout: float | None = None,
        max_body_size: int | None = None,
        max_buffer_size: int | None = None,
        trusted_downstream: list[str] | None = None,
        io_loop: Any = None,
        write_timeout: float | None = None,
        accept_bare_lf: bool = False,
        accept_folded_lines: bool = False,
        max_header_count: int | None = None,
    ) -> None:
        """Take the constructor's arguments; subclasses may override it."""
        if xheaders is None or isinstance(xheaders, IOLoop):
            # In versions 2.x to 4.x the loop had this place.
            xheaders, ssl_options, protocol = bool(ssl_options), protocol, None
        TCPServer.__init__(
            self,
            ssl_options=ssl_options,
            max_buffer_size=max_buffer_size,
            read_chunk_size=chunk_size,
        )
        self._connections: set[HTTP1ServerConnection] = set()
        self.request_callback = request_callback
        self.no_keep_alive = no_keep_alive
        self.xheaders = xheaders
        self.protocol = protocol
        self.trusted_downstream = frozenset(trusted_downstream or ())
        self.conn_params = HTTP1ConnectionParameters(
            no_keep_alive=no_keep_alive,
            chunk_size=chunk_size,
            max_header_size=max_header_size,
            header_timeout=idle_connection_timeout or DEFAULT_IDLE_TIMEOUT,
            max_body_size=max_body_size or max_buffer_size,
            body_timeout=body_timeout or DEFAULT_BODY_TIMEOUT,
            decompress=decompress_request,
            write_timeout=write_timeout or DEFAULT_WRITE_TIMEOUT,
            accept_bare_lf=accept_bare_lf,
            accept_folded_lines=accept_folded_lines,
            max_header_count=max_header_count,
        )
        self._sweep: DeadlineSweep | None = None
        self._resolved: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None

    @property
    def request_callback(self) -> HTTPServerConnectionDelegate | RequestCallback:
        """Who answers requests; it can be replaced while the server runs."""
        return self._request_callback

    @request_callback.setter
    def request_callback(self, callback: HTTPServerConnectionDelegate | RequestCallback) -> None:
        self._request_callback = callback
        for connection in self._connections:
            connection._direct_to(*self._shortest_way())

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class whose implementations can be chosen with ``configure``."""
        return HTTPServer

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used unless another is configured."""
        return HTTPServer

    async def drain(self, timeout: float | None = None) -> list[str]:
        """Stop serving without cutting anybody off.

        No more connections are accepted, and those on which nothing happens are closed at once.
        What is under way is answered, with ``Connection: close``. Connections that another protocol
        has taken over (websockets) are not the server's any more and stay.

        :arg timeout: seconds after which what is still under way is cut off; `None` for never.
        :returns: the requests that were cut off, one line for each; they are logged too.

        .. versionadded:: 6.100
        """
        self.stop()
        for connection in list(self._connections):
            connection.end_soon()
        if self._connections:
            # Whoever else drains waits for the same end.
            if self._drained is None or self._drained.done():
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._drained,), timeout=timeout)
        cut = [connection.describe() for connection in self._connections if connection.is_busy]
        for line in cut:
            gen_log.warning("Cut off: %s", line)
        await self.close_all_connections()
        return cut

    def stop_draining(self) -> None:
        """Let a `drain` that waits cut off now what is still under way.

        .. versionadded:: 6.100
        """
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    async def close_all_connections(self) -> None:
        """Close the connections that are open and wait until they are closed.

        New ones aren't kept from coming: call ``stop`` first.
        """
        while self._connections:
            connection = next(iter(self._connections))
            await connection.close()
            # A subclass may not let `on_close` know.
            self._connections.discard(connection)

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a connection that was accepted."""
        if self._sweep is None:
            self._sweep = DeadlineSweep(self.conn_params.shortest_timeout)
            self._resolved = asyncio.get_running_loop().create_future()
            self._resolved.set_result(None)
        # What follows a first small piece would wait until the client has acknowledged that, and
        # clients take their time for it (RFC 9293 section 3.7.4).
        stream.set_nodelay(True)
        context = RequestContext(stream, address, self.protocol, self.trusted_downstream)
        connection = HTTP1ServerConnection(stream, self.conn_params, context)
        self._connections.add(connection)
        connection._serve(self, self._sweep, self._resolved, *self._shortest_way())

    def _shortest_way(self) -> tuple[StartRequest | None, RequestCallback | None]:
        """Return what can stand for `start_request`, where that would just pass requests on, and
        the function behind it."""
        callback = self._request_callback
        # A subclass has a method of its own, or a program has put something in its place.
        usual = getattr(self.start_request, "__func__", None) is HTTPServer.start_request
        if self.xheaders or not usual:
            return None, None
        if isinstance(callback, HTTPServerConnectionDelegate):
            return callback.start_request, None
        return None, callback

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Return the delegate for one request (`HTTPServerConnectionDelegate`)."""
        callback = self.request_callback
        delegate: HTTPMessageDelegate
        if isinstance(callback, HTTPServerConnectionDelegate):
            delegate = callback.start_request(server_conn, request_conn)
        else:
            delegate = CallbackDelegate(callback, server_conn, request_conn)
        if self.xheaders:
            delegate = ProxiedDelegate(delegate, server_conn, request_conn)
        return delegate

    def on_close(self, server_conn: object) -> None:
        """A connection has ended (`HTTPServerConnectionDelegate`)."""
        self._connections.discard(server_conn)
        drained = self._drained
        if drained is not None and not self._connections and not drained.done():
            drained.set_result(None)
        callback = self.request_callback
        if isinstance(callback, HTTPServerConnectionDelegate):
            callback.on_close(server_conn)
