"""`websocket_connect`, and a websocket as its client sees it."""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tornado._httpclient.request import EffectiveRequest
from tornado._websocket.deflate import CompressionOptions
from tornado._websocket.errors import WebSocketClosedError
from tornado._websocket.opening import Opening
from tornado._websocket.params import DEFAULT_MAX_MESSAGE_SIZE, ConnectionParams
from tornado._websocket.protocol import WebSocketProtocol13
from tornado.concurrent import Future
from tornado.httpclient import HTTPRequest
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.log import app_log
from tornado.netutil import Resolver
from tornado.queues import Queue

DEFAULT_CONNECT_TIMEOUT = 20.0  # seconds

Message = str | bytes | None


class WebSocketClientConnection(HTTPMessageDelegate):
    """A websocket that is opened by `websocket_connect`.

    .. code-block:: python

       connection = await websocket_connect("ws://localhost:8888/room")
       await connection.write_message("hello")
       async for message in connection:
           print(message)

    :arg request: where to, and with what.
    :arg on_message_callback: see `websocket_connect`, as for the other arguments.

    .. attribute:: close_code

       The code with which the websocket was closed; `None` before, and if there was none.

    .. attribute:: close_reason

       The text that came with it.

    .. attribute:: headers

       Header fields of the server's answer.

    .. attribute:: stream

       The stream below.

    .. versionchanged:: 6.100
       Messages can be iterated over; requests with a proxy are sent through it.
    """

    protocol: WebSocketProtocol13 | None = None
    stream: IOStream

    def __init__(
        self,
        request: HTTPRequest | EffectiveRequest,
        on_message_callback: Callable[[Message], Any] | None = None,
        compression_options: dict[str, Any] | None = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        subprotocols: list[str] | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self.request = request.request if isinstance(request, EffectiveRequest) else request
        self.io_loop = IOLoop.current()
        self._callback = on_message_callback
        self._params = ConnectionParams(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            max_message_size=max_message_size,
            compression_options=compression_options,
            slow_reader="wait",
        )
        self._subprotocols = subprotocols or []
        # While it opens.
        self._opening: Opening | None = None
        self.headers = HTTPHeaders()
        self._connecting: Future[WebSocketClientConnection] | None
        self._connecting = self.io_loop.asyncio_loop.create_task(self._connect(resolver))
        self._connecting.add_done_callback(_start)
        # While it is open. One message waits here; further ones wait in the protocol, then in the
        # stream, and then at the peer.
        self._messages: Queue[Message] = Queue(1)
        self._ended = False
        self._running: Future[Any] | None = None
        self._last_call: Future[None] | None = None
        self.close_code: int | None = None
        self.close_reason: str | None = None

    @property
    def ws_connection(self) -> WebSocketProtocol13 | None:
        """The protocol; `None` before the handshake and when the websocket is closed."""
        return self.protocol

    @property
    def parsed(self) -> SplitResult:
        """The URL, taken apart."""
        return urlsplit(self.request.url)

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that the server has chosen.

        .. versionadded:: 5.1
        """
        return self.headers.get("Sec-Websocket-Protocol")

    # -- opening

    @property
    def connect_future(self) -> Future[WebSocketClientConnection]:
        """A future that resolves with this object when the websocket is open, or has the exception
        that stands in the way."""
        if self._connecting is not None:
            return self._connecting
        # The one that had this object for its result isn't kept, for they would keep each other.
        future: Future[WebSocketClientConnection] = self.io_loop.asyncio_loop.create_future()
        future.set_result(self)
        return future

    async def _connect(self, resolver: Resolver | None) -> WebSocketClientConnection:
        limit = _time_for_opening(self.request)
        try:
            async with asyncio.timeout(limit) as deadline:
                await self._open(resolver)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise TimeoutError(f"the websocket is not open after {limit} seconds") from error
        self._connecting = None
        return self

    async def _open(self, resolver: Resolver | None) -> None:
        compression: CompressionOptions | None = None
        if self._params.compression_options is not None:
            compression = CompressionOptions.of(self._params.compression_options)
        self._opening = opening = Opening(self.request, self._subprotocols, compression)
        self.stream = await opening.run(resolver, self)
        self._opening = None
        self.headers = opening.headers
        self.protocol = protocol = self.get_websocket_protocol()
        protocol.selected_subprotocol = self.selected_subprotocol
        protocol.open_on(self.stream, opening.agreement, compression)

    def get_websocket_protocol(self) -> WebSocketProtocol13:
        """Return what speaks the protocol."""
        return WebSocketProtocol13(self, True, self._params)

    async def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """The server has answered (`tornado.httputil.HTTPMessageDelegate`)."""
        if self._opening is not None:
            self._opening.headers_received(ResponseStartLine(*start_line), headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """The server says more than that (`tornado.httputil.HTTPMessageDelegate`)."""
        if self._opening is not None:
            self._opening.data_received(chunk)
        return None

    def on_connection_close(self) -> None:
        """Take the connection for lost."""
        if self.protocol is not None:
            self.protocol.on_connection_close()

    # -- for the user

    def read_message(
        self, callback: Callable[[Future[Message]], Any] | None = None
    ) -> Awaitable[Message]:
        """Read the next message.

        :arg callback: is called with the future when that is done.
        :returns: a future: text, bytes, or `None` when the websocket is closed.
        :raises RuntimeError: messages go to ``on_message_callback``.
        """
        if self._callback is not None:
            raise RuntimeError("messages go to on_message_callback")
        if self._ended and self._messages.empty():
            future: Future[Message] = self.io_loop.asyncio_loop.create_future()
            future.set_result(None)
        else:
            future = self._messages.get()  # type: ignore[assignment]  # it's a future
        if callback is not None:
            self.io_loop.add_future(future, callback)
        return future

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (message := await self.read_message()) is not None:
            yield message

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> Future[None]:
        """Send a message.

        :arg message: text, bytes, or a dictionary, which is sent as JSON.
        :arg binary: send it as a binary message.
        :returns: a future that resolves when it has been given to the system.
        :raises WebSocketClosedError: the websocket is closed or closing.

        .. versionchanged:: 5.0
           Raises `WebSocketClosedError`.
        """
        return self._open_protocol().write_message(message, binary)

    def ping(self, data: str | bytes = b"") -> None:
        """Send a ping.

        :arg data: at most 125 bytes.
        :raises WebSocketClosedError: the websocket is closed or closing.

        .. versionadded:: 5.1
        """
        self._open_protocol().write_ping(data.encode() if isinstance(data, str) else data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the websocket with the closing handshake; nothing happens if it is closed.

        :arg code: close code.
        :arg reason: text, at most 123 bytes.

        .. versionadded:: 3.2
        .. versionchanged:: 4.0
           Added ``code`` and ``reason``.
        """
        if self.protocol is not None:
            self.protocol.close(code, reason)

    def _open_protocol(self) -> WebSocketProtocol13:
        if self.protocol is None:
            raise WebSocketClosedError("the websocket is closed")
        return self.protocol

    # -- for the protocol (`tornado._websocket.base.Endpoint`)

    def on_message(self, message: Message) -> Awaitable[None] | None:
        """Give a message to the callback, or keep it for `read_message`; called by the protocol.

        :arg message: text or bytes.
        :returns: what the next message waits for, if anything.
        """
        if self._callback is None:
            put = self._messages.put(message)
            return None if put.done() else put
        result = self._callback(message)
        if not inspect.isawaitable(result):
            return None
        self._running = asyncio.ensure_future(result)
        return self._running

    def on_ping(self, data: bytes) -> Awaitable[None] | None:
        """Called with each ping; override it. It may be a coroutine, which nothing waits for.

        :arg data: what the ping carries, at most 125 bytes.
        """

    def on_pong(self, data: bytes) -> Awaitable[None] | None:
        """Called with each pong; override it, likewise.

        :arg data: what the pong carries, at most 125 bytes.
        """

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an exception that the callback raised, which closes the websocket; override it to do
        so in another way.

        :arg typ: its class.
        :arg value: the exception.
        :arg tb: its traceback.
        """
        app_log.error("Uncaught exception in a websocket", exc_info=value)

    def on_ws_connection_close(
        self, close_code: int | None = None, close_reason: str | None = None
    ) -> None:
        """The websocket is closed, and that's the end of the messages; called by the protocol.

        :arg close_code: what becomes the attribute of that name.
        :arg close_reason: likewise.
        """
        self.close_code = close_code
        self.close_reason = close_reason
        self.protocol = None
        self._ended = True
        if self._callback is None:
            self._messages.put(None)
        else:
            # The connection may be given up while the loop isn't running.
            loop = self.io_loop.asyncio_loop
            self._last_call = loop.create_task(self._tell_the_end(self._callback))

    async def _tell_the_end(self, callback: Callable[[Message], Any]) -> None:
        if self._running is not None:
            # The connection broke while a message was dealt with.
            await asyncio.wait((self._running,))
        try:
            result = callback(None)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            self.log_exception(type(error), error, error.__traceback__)


def _time_for_opening(request: HTTPRequest) -> float | None:
    """Return how many seconds a request leaves for connecting and for the handshake, `None` for any
    number."""
    timeout = request.connect_timeout
    if timeout is None:
        timeout = DEFAULT_CONNECT_TIMEOUT
    # Unlike other requests, it has no time of its own unless that is asked for.
    return min((limit for limit in (timeout, request.request_timeout) if limit), default=None)


def _start(opening: Future[WebSocketClientConnection]) -> None:
    """Have a connection receive, once those who wait for it have it: messages that come with the
    handshake's end may be answered at once."""
    if opening.cancelled() or opening.exception() is not None:
        return
    protocol = opening.result().protocol
    if protocol is not None:
        opening.get_loop().call_soon(protocol.start)


def websocket_connect(
    url: str | HTTPRequest,
    callback: Callable[[Future[WebSocketClientConnection]], Any] | None = None,
    connect_timeout: float | None = None,
    on_message_callback: Callable[[Message], Any] | None = None,
    compression_options: dict[str, Any] | None = None,
    ping_interval: float | None = None,
    ping_timeout: float | None = None,
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    subprotocols: list[str] | None = None,
    resolver: Resolver | None = None,
) -> Awaitable[WebSocketClientConnection]:
    """Open a websocket as a client.

    :arg url: a URL with ``ws`` or ``wss``, or a request with headers, credentials, a proxy and TLS
        options.
    :arg callback: is called with the future when that is done.
    :arg connect_timeout: seconds for connecting and for the handshake, 0 for any number; by default
        what the request says, or 20. A shorter ``request_timeout`` of the request holds too.
    :arg on_message_callback: is called with each message, and in the end with `None`. Otherwise
        `WebSocketClientConnection.read_message` gives them. It may be a coroutine function; the
        next message waits for it.
    :arg compression_options: as what `WebSocketHandler.get_compression_options` returns; `None` for
        no compression.
    :arg ping_interval: seconds between pings, by which a dead connection is found; `None` for none.
    :arg ping_timeout: seconds to wait for a pong.
    :arg max_message_size: limit of a message in bytes.
    :arg subprotocols: subprotocols to offer, in the order of preference.
    :arg resolver: how the name is resolved.
    :returns: a future with a `WebSocketClientConnection`.
    :raises tornado.httpclient.HTTPClientError: from the future: the server answers with an error or
        a redirect, or a proxy doesn't connect to it.
    :raises WebSocketError: from the future: the server doesn't speak the protocol.
    :raises tornado.gen.TimeoutError: from the future: it took too long.
    :raises OSError: from the future: connecting failed.
    :raises ValueError: from the future: the URL is none of a websocket, or the request isn't a GET
        without a body.

    .. versionchanged:: 4.1
       Added ``on_message_callback``.
    .. versionchanged:: 5.1
       Added ``subprotocols``.
    .. versionchanged:: 6.3
       Added ``resolver``.
    .. versionchanged:: 6.100
       Goes through a request's proxy.
    """
    request = url if isinstance(url, HTTPRequest) else HTTPRequest(url)
    if connect_timeout is not None:
        request = copy.copy(request)
        request.connect_timeout = connect_timeout
    connection = WebSocketClientConnection(
        request,
        on_message_callback,
        compression_options,
        ping_interval,
        ping_timeout,
        max_message_size,
        subprotocols,
        resolver,
    )
    future = connection.connect_future
    if callback is not None:
        IOLoop.current().add_future(future, callback)
    return future
