"""A websocket's client side: the opening handshake, and the connection as its user sees it."""

from __future__ import annotations

import asyncio
import base64
import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tornado._httpclient.request import DEFAULTS, EffectiveRequest
from tornado._simple_client.target import Target, request_headers, tls_options
from tornado._websocket.deflate import (
    Agreement,
    CompressionOptions,
    make_offer,
    read_answer,
)
from tornado._websocket.errors import WebSocketClosedError, WebSocketError
from tornado._websocket.handshake import accept_value
from tornado._websocket.params import DEFAULT_MAX_MESSAGE_SIZE, ConnectionParams
from tornado._websocket.protocol import WebSocketProtocol13
from tornado.concurrent import Future
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.log import app_log
from tornado.netutil import Resolver
from tornado.queues import Queue
from tornado.tcpclient import TCPClient

DEFAULT_CONNECT_TIMEOUT = 20.0  # seconds
MAX_REFUSAL_SIZE = 65536  # bytes of a page that comes in place of a websocket

Message = str | bytes | None


class WebSocketClientConnection:
    """A websocket that was opened by `websocket_connect`.

    .. code-block:: python

       connection = await websocket_connect("ws://localhost:8888/room")
       await connection.write_message("hello")
       async for message in connection:
           print(message)

    .. attribute:: close_code

       The code with which the websocket was closed; `None` before, and if there was none.

    .. attribute:: close_reason

       The text that came with it.

    .. attribute:: parsed

       The URL, as of `urllib.parse.urlsplit`.

    .. attribute:: stream

       The stream below.
    """

    parsed: SplitResult
    stream: IOStream

    def __init__(self, on_message_callback: Callable[[Message], Any] | None = None) -> None:
        self._callback = on_message_callback
        # One message waits here; further ones wait in the stream, and then at the peer.
        self._messages: Queue[Message] = Queue(1)
        self._ended = False
        self._running: Future[Any] | None = None
        self._last_call: Future[None] | None = None
        self.protocol: WebSocketProtocol13 | None = None
        self.headers = HTTPHeaders()
        self.close_code: int | None = None
        self.close_reason: str | None = None

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that the server has chosen.

        .. versionadded:: 5.1
        """
        return self.headers.get("Sec-Websocket-Protocol")

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
            future: Future[Message] = IOLoop.current().asyncio_loop.create_future()
            future.set_result(None)
        else:
            future = self._messages.get()  # type: ignore[assignment]  # it's a future
        if callback is not None:
            IOLoop.current().add_future(future, callback)
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
        """
        return self._open_protocol().write_message(message, binary=binary)

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

    # -- for the protocol (`tornado._websocket.protocol.Endpoint`)

    def on_message(self, message: Message) -> Awaitable[None] | None:
        """Give a message to the callback, or keep it for `read_message`."""
        if self._callback is None:
            put = self._messages.put(message)
            return None if put.done() else put
        result = self._callback(message)
        if not inspect.isawaitable(result):
            return None
        self._running = asyncio.ensure_future(result)
        return self._running

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an exception that the callback raised, which closes the websocket; override it to do
        so in another way."""
        app_log.error("Uncaught exception in a websocket", exc_info=value)

    def on_ping(self, data: bytes) -> None:
        """Called with each ping; override it."""

    def on_pong(self, data: bytes) -> None:
        """Called with each pong; override it."""

    def on_ws_connection_close(
        self, close_code: int | None = None, close_reason: str | None = None
    ) -> None:
        """The websocket is closed: that's the end of the messages."""
        self.close_code = close_code
        self.close_reason = close_reason
        self.protocol = None
        self._ended = True
        if self._callback is None:
            self._messages.put(None)
        else:
            self._last_call = asyncio.ensure_future(self._tell_the_end(self._callback))

    async def _tell_the_end(self, callback: Callable[[Message], Any]) -> None:
        if self._running is not None:
            # The connection broke while a message was dealt with.
            await asyncio.wait((self._running,))
        try:
            result = callback(None)
            if inspect.isawaitable(result):
                await result
        except Exception:
            app_log.error("Uncaught exception in a websocket", exc_info=True)


class _Handshake(HTTPMessageDelegate):
    """Sees how the server answers, and collects what it says if it refuses.

    :arg key: what was sent as ``Sec-WebSocket-Key``.
    :arg subprotocols: those that were offered.
    :arg compression: how messages were offered to be compressed; `None` if they weren't.
    """

    def __init__(
        self,
        connection: HTTP1Connection,
        key: str,
        subprotocols: list[str],
        compression: CompressionOptions | None,
    ) -> None:
        self._connection = connection
        self._compression = compression
        self.agreement: Agreement | None = None
        self._key = key
        self._subprotocols = subprotocols
        self.start_line: ResponseStartLine | None = None
        self.headers = HTTPHeaders()
        self.stream: IOStream | None = None
        self.error: WebSocketError | None = None
        self.body = b""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Look whether the server has agreed."""
        self.start_line = ResponseStartLine(*start_line)
        self.headers = headers
        if self.start_line.code == 101:
            problem = self._problem(headers)
            if problem is None:
                self.stream = self._connection.detach()
            else:
                self.error = WebSocketError(f"the server's handshake is invalid: {problem}")
                self._connection.close()
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep some of what comes in place of a websocket."""
        self.body = (self.body + chunk)[:MAX_REFUSAL_SIZE]
        return None

    def _problem(self, headers: HTTPHeaders) -> str | None:
        """RFC 6455 section 4.1: what the client has to check."""
        if headers.get("Upgrade", "").lower() != "websocket":
            return "no Upgrade to websocket"
        options = [option.strip().lower() for option in headers.get("Connection", "").split(",")]
        if "upgrade" not in options:
            return "no Connection: Upgrade"
        if headers.get_list("Sec-Websocket-Accept") != [accept_value(self._key)]:
            return "wrong Sec-WebSocket-Accept"
        extensions = headers.get("Sec-Websocket-Extensions")
        if extensions is not None:
            if self._compression is None:
                return "an extension that was not offered"
            try:
                self.agreement = read_answer(extensions, self._compression)
            except WebSocketError as error:
                return str(error)
        chosen = headers.get("Sec-Websocket-Protocol")
        if chosen is not None and chosen not in self._subprotocols:
            return "a subprotocol that was not offered"
        return None


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

    :arg url: a URL with ``ws`` or ``wss``, or a request with headers, credentials and TLS options.
    :arg callback: is called with the future when that is done.
    :arg connect_timeout: seconds for connecting and for the handshake; by default what the request
        says, or 20.
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
        a redirect.
    :raises WebSocketError: from the future: the server doesn't speak the protocol.
    :raises tornado.gen.TimeoutError: from the future: it took too long.
    :raises OSError: from the future: connecting failed.

    .. versionchanged:: 4.1
       Added ``on_message_callback``.
    .. versionchanged:: 5.1
       Added ``subprotocols``.
    .. versionchanged:: 6.3
       Added ``resolver``.
    """
    request = url if isinstance(url, HTTPRequest) else HTTPRequest(url)
    if connect_timeout is None:
        connect_timeout = request.connect_timeout or DEFAULT_CONNECT_TIMEOUT
    params = ConnectionParams(
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        max_message_size=max_message_size,
        compression_options=compression_options,
        slow_reader="wait",
    )
    opening = _connect(request, on_message_callback, subprotocols or [], resolver, params)
    limited = asyncio.wait_for(opening, connect_timeout)
    future: Future[WebSocketClientConnection]
    future = IOLoop.current().asyncio_loop.create_task(limited)
    future.add_done_callback(_start)
    if callback is not None:
        IOLoop.current().add_future(future, callback)
    return future


async def _connect(
    request: HTTPRequest,
    on_message_callback: Callable[[Message], Any] | None,
    subprotocols: list[str],
    resolver: Resolver | None,
    params: ConnectionParams,
) -> WebSocketClientConnection:
    effective = EffectiveRequest(request, {**DEFAULTS, "decompress_response": False})
    target = Target(_http_url(request.url))
    key = base64.b64encode(os.urandom(16)).decode("ascii")
    headers = request_headers(effective, target)
    headers["Upgrade"] = "websocket"
    headers["Connection"] = "Upgrade"
    headers["Sec-WebSocket-Key"] = key
    headers["Sec-WebSocket-Version"] = "13"
    if subprotocols:
        headers["Sec-WebSocket-Protocol"] = ",".join(subprotocols)
    compression: CompressionOptions | None = None
    if params.compression_options is not None:
        compression = CompressionOptions.of(params.compression_options)
        headers["Sec-WebSocket-Extensions"] = make_offer(compression)
    stream = await _open_stream(effective, target, resolver)
    http = HTTP1Connection(stream, True, HTTP1ConnectionParameters(max_body_size=1 << 30))
    handshake = _Handshake(http, key, subprotocols, compression)
    try:
        http.write_headers(RequestStartLine("GET", target.request_target, "HTTP/1.1"), headers)
        reading = http.read_response(handshake)
        http.finish()
        await reading
    except BaseException:
        stream.close()
        raise
    if handshake.stream is None:
        stream.close()
        raise _refusal(request, handshake, http.input_error)
    client = WebSocketClientConnection(on_message_callback)
    client.parsed = urlsplit(request.url)
    client.stream = handshake.stream
    client.headers = handshake.headers
    client.protocol = WebSocketProtocol13(client, True, params)
    client.protocol.open_on(stream, handshake.agreement, compression)
    return client


def _start(opening: Future[WebSocketClientConnection]) -> None:
    """Have a connection receive, once those who wait for it have it: messages that come with the
    handshake's end may be answered at once."""
    if opening.cancelled() or opening.exception() is not None:
        return
    protocol = opening.result().protocol
    if protocol is not None:
        opening.get_loop().call_soon(protocol.start)


def _http_url(url: str) -> str:
    scheme, separator, rest = url.partition(":")
    known = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
    if not separator or scheme.lower() not in known:
        raise ValueError(f"a websocket's URL begins with ws: or wss:, not {url!r}")
    return f"{known[scheme.lower()]}:{rest}"


async def _open_stream(
    request: EffectiveRequest, target: Target, resolver: Resolver | None
) -> IOStream:
    tls: Any = None
    if target.parts.scheme == "https":
        # An empty dictionary asks for the context that all clients share.
        tls = tls_options(request) or {}
    connector = TCPClient(resolver=resolver)
    try:
        stream = await connector.connect(
            target.host, target.port, ssl_options=tls, source_ip=request.network_interface
        )
    finally:
        connector.close()
    stream.set_nodelay(True)
    return stream


def _refusal(
    request: HTTPRequest, handshake: _Handshake, input_error: HTTPInputError | None
) -> Exception:
    """Return the error for an answer that is no websocket."""
    if handshake.error is not None:
        return handshake.error
    if handshake.start_line is None:
        return WebSocketError(f"no answer to the handshake: {input_error or 'closed'}")
    _, code, reason = handshake.start_line
    if 200 <= code < 300:
        return WebSocketError(f"the server answers with status {code} and no websocket")
    body = BytesIO(handshake.body)
    response = HTTPResponse(request, code, headers=handshake.headers, buffer=body, reason=reason)
    return HTTPClientError(code, response=response)
