"""`WebSocketHandler`: the server's side of a websocket."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from tornado._web.done import DONE
from tornado._web.headers import drop_content_headers
from tornado._web.origins import is_same_origin
from tornado._websocket.base import WebSocketProtocol
from tornado._websocket.deflate import Agreement, CompressionOptions, agree, parse_extensions
from tornado._websocket.draft76 import WebSocketProtocol76
from tornado._websocket.errors import WebSocketClosedError
from tornado._websocket.handshake import (
    VERSION,
    HandshakeError,
    accept_value,
    check_upgrade,
)
from tornado._websocket.params import (
    DEFAULT_MAX_WRITE_BUFFER_SIZE,
    ConnectionParams,
    SlowReaderPolicy,
)
from tornado._websocket.protocol import WebSocketProtocol13
from tornado._websocket.waiting import as_future
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.log import app_log, gen_log
from tornado.web import HTTPError, RequestHandler

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _before_upgrade(method: _Method) -> _Method:
    """Wrap a method that makes no sense when there's no response any more."""

    @functools.wraps(method)
    def checked(self: WebSocketHandler, *args: Any, **kwargs: Any) -> Any:
        if self._is_upgraded:
            raise RuntimeError(
                f"{method.__name__}() is of no use for a websocket: see write_message() and close()"
            )
        return method(self, *args, **kwargs)

    checked.__doc__ = (
        f"Do what `.RequestHandler.{method.__name__}` does, before the handshake.\n\n"
        ":raises RuntimeError: the websocket is open, or was."
    )
    return cast("_Method", checked)


class WebSocketHandler(RequestHandler):
    """Serves a websocket.

    .. code-block:: python

       class Echo(WebSocketHandler):
           def on_message(self, message):
               self.write_message(message)

    After the handshake the methods of ordinary responses raise `RuntimeError`; `write_message` and
    `close` take their place. An exception in one of the methods that are called with events is
    logged and closes the websocket.

    .. attribute:: close_code

       The code with which the client has closed the websocket (RFC 6455 section 7.4), or with which
       it was closed for a mistake of the client; `None` before, and if there was none.

    .. attribute:: close_reason

       The text that came with it.

    .. attribute:: ws_connection

       The protocol; `None` before the handshake and when the websocket is closed.
    """

    ws_connection: WebSocketProtocol | None = None
    close_code: int | None = None
    close_reason: str | None = None
    open_args: tuple[Any, ...] = ()
    open_kwargs: dict[str, Any] = {}  # noqa: RUF012  # replaced, never changed
    _is_upgraded = False
    _close_announced = False
    _last_call: asyncio.Task[None] | None = None

    # -- for subclasses

    def open(self, *args: str, **kwargs: str) -> Awaitable[None] | None:
        """Called with the route's groups when the websocket is open; may be a coroutine, which
        messages wait for."""

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Called with each message; has to be overridden.

        It may be a coroutine, which the next message waits for.

        :arg message: text, or bytes if it was sent as a binary message.

        .. versionchanged:: 4.5
           May be a coroutine.
        """
        raise NotImplementedError

    def on_close(self) -> Awaitable[None] | None:
        """Called once when the websocket is closed; `close_code` and `close_reason` say why, if the
        peer did.

        It may be a coroutine. An exception in it is logged.

        .. versionchanged:: 6.100
           May be a coroutine.
        """

    def on_ping(self, data: bytes) -> Awaitable[None] | None:
        """Called with each ping; it's answered without that.

        It may be a coroutine, which neither messages nor other pings wait for.

        :arg data: what the ping carries, at most 125 bytes.

        .. versionadded:: 5.0
        """

    def on_pong(self, data: bytes) -> Awaitable[None] | None:
        """Called with each pong; may be a coroutine, as `on_ping` may.

        :arg data: what the pong carries, at most 125 bytes.
        """

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Return one of the subprotocols that the client offers, `None` for none.

        :arg subprotocols: what the client offers; it's only asked if there is anything.
        """
        return None

    def get_compression_options(self) -> dict[str, Any] | None:
        """Return how messages are to be compressed; override it to have them compressed at all.

        :returns: `None` for no compression, or a dictionary, which may be empty, of
            ``compression_level`` (-1 to 9), ``mem_level`` (1 to 9), ``max_window_bits`` (9 to 15)
            and ``context_takeover`` (whether messages may refer to earlier ones; true by default).
            Less memory and less context make messages larger, and idle connections cheaper.

        .. versionadded:: 4.1
        .. versionchanged:: 4.5
           Added ``compression_level`` and ``mem_level``.
        .. versionchanged:: 6.100
           Added ``max_window_bits`` and ``context_takeover``.
        """
        return None

    def check_origin(self, origin: str) -> bool:
        """Whether pages of another origin may connect: by default those of the setting
        ``trusted_origins``.

        It isn't asked about pages of the same origin, which may, nor if there's no page. Browsers
        of today say which it is in ``Sec-Fetch-Site``; otherwise ``Origin`` is compared with
        ``Host``.

        :arg origin: scheme, host and, if it isn't the default one, port, such as
            ``https://example.com``; ``null`` for a page without one.

        .. versionadded:: 4.0
        .. versionchanged:: 6.6
           Not asked about pages of the same origin.
        """
        return self.check_trusted_origin(origin)

    def allow_draft76(self) -> bool:
        """Whether clients may use the protocol that came before RFC 6455 (``hixie-76``); not, by
        default.

        It knows no binary messages, no pings and no close codes.

        .. deprecated:: 4.0
           No browser has used it since 2012.
        """
        return False

    def get_websocket_scheme(self) -> str:
        """Return ``ws`` or ``wss``, what the websocket's URL begins with.

        Only the protocol before RFC 6455 needs it. Override it if a proxy in front of this server
        does TLS and doesn't say so.
        """
        return "wss" if self.request.protocol == "https" else "ws"

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Return what speaks the version that the client asks for; `None` if nothing does.

        .. versionadded:: 4.0
        """
        headers = self.request.headers
        is_old = "Sec-Websocket-Key1" in headers and self.allow_draft76()
        if not is_old and headers.get_list("Sec-Websocket-Version") != [VERSION]:
            return None
        params = ConnectionParams(
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            max_message_size=self.max_message_size,
            compression_options=self.get_compression_options(),
            max_write_buffer_size=self.max_write_buffer_size,
            slow_reader=self.slow_reader,
        )
        return (
            WebSocketProtocol76(self, params)
            if is_old
            else WebSocketProtocol13(self, False, params)
        )

    # -- settings

    @property
    def ping_interval(self) -> float | None:
        """Seconds between pings: the ``websocket_ping_interval`` setting; no pings by default.

        .. versionadded:: 4.5
        """
        interval: float | None = self.settings.get("websocket_ping_interval")
        return interval

    @property
    def ping_timeout(self) -> float | None:
        """Seconds to wait for a pong: the ``websocket_ping_timeout`` setting; by default, and at
        most, the interval.

        .. versionadded:: 4.5
        """
        timeout: float | None = self.settings.get("websocket_ping_timeout")
        return timeout

    @property
    def max_message_size(self) -> int:
        """Limit of a message in bytes: the ``websocket_max_message_size`` setting; 10 MiB by
        default.

        .. versionadded:: 4.5
        """
        # The module's own attribute, because programs change it.
        default = sys.modules["tornado.websocket"]._default_max_message_size
        size: int = self.settings.get("websocket_max_message_size", default)
        return size

    @property
    def max_write_buffer_size(self) -> int | None:
        """How many bytes are kept for a client that doesn't read:  the
        ``websocket_max_write_buffer_size`` setting; 16 MiB by default, `None` for no limit.

        Below 64 KiB nobody is taken to be slow. A message is never refused for its own size.

        .. versionadded:: 6.100
        """
        size: int | None = self.settings.get(
            "websocket_max_write_buffer_size", DEFAULT_MAX_WRITE_BUFFER_SIZE
        )
        return size

    @property
    def slow_reader(self) -> SlowReaderPolicy:
        """What becomes of a message for a client for which `max_write_buffer_size` bytes are kept
        already: the ``websocket_slow_reader`` setting.

        ``close`` (default)
            The websocket is closed, and `write_message` raises `WebSocketClosedError`.
        ``drop``
            The message isn't sent.
        ``wait``
            It is kept all the same; await what `write_message` returns, and there won't be many.

        .. versionadded:: 6.100
        """
        policy: SlowReaderPolicy = self.settings.get("websocket_slow_reader", "close")
        return policy

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was agreed upon.

        .. versionadded:: 5.1
        """
        return None if self.ws_connection is None else self.ws_connection.selected_subprotocol

    # -- the handshake

    def get(self, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Answer the handshake and open the websocket.

        :returns: something to await; all has been done when it is returned.
        """
        self.open_args, self.open_kwargs = args, kwargs
        try:
            check_upgrade(self.request)
            self._refuse_other_origins()
            protocol = self.get_websocket_protocol()
            if protocol is None:
                raise HandshakeError(f"websocket version {VERSION} is needed", 426)
            protocol.accept(self)
        except HandshakeError as error:
            self._refuse(error)
        return DONE

    def _refuse(self, error: HandshakeError) -> None:
        gen_log.debug("websocket handshake of %s: %s", self.request.remote_ip, error)
        self.set_status(error.status_code)
        if error.status_code == 426:
            # RFC 6455 section 4.2.2: name the version that would do.
            self.set_header("Sec-WebSocket-Version", VERSION)
            self.set_header("Upgrade", "websocket")
            self.set_header("Connection", "Upgrade")
        self.finish(str(error))

    def _refuse_other_origins(self) -> None:
        own = is_same_origin(self.request)
        headers = self.request.headers
        origin = headers.get("Origin", headers.get("Sec-Websocket-Origin"))
        # Clients that are no browsers send no origin.
        if own or (own is None and origin is None):
            return
        if origin is None or not self.check_origin(origin):
            raise HTTPError(403, "cross-origin websocket from %r refused", origin)

    def _upgrade(self, protocol: WebSocketProtocol13) -> None:
        headers = self._headers
        drop_content_headers(headers)
        headers["Upgrade"] = "websocket"
        headers["Connection"] = "Upgrade"
        key = self.request.headers.get("Sec-Websocket-Key", "")
        headers["Sec-WebSocket-Accept"] = accept_value(key)
        protocol.selected_subprotocol = chosen = self._choose_subprotocol()
        if chosen is not None:
            headers["Sec-WebSocket-Protocol"] = chosen
        compression, agreement = self._agree_on_compression(protocol.params, headers)
        for field in self._set_cookies.fields() if self._set_cookies is not None else ():
            headers.add("Set-Cookie", field)
        start_line = ResponseStartLine("HTTP/1.1", 101, "Switching Protocols")
        self.request.connection.write_headers(start_line, headers)
        protocol.open_on(self._leave_http(), agreement, compression)
        self._open_websocket(protocol)

    def _leave_http(self) -> IOStream:
        self.set_status(101)
        self._headers_written = True
        stream = self.detach()
        try:
            self.application.log_request(self)
        except BaseException:
            stream.close()
            raise
        stream.set_nodelay(True)
        return stream

    def _open_websocket(self, protocol: WebSocketProtocol) -> None:
        self._is_upgraded = True
        self.ws_connection = protocol
        protocol.start(self._begin_websocket)

    def _begin_websocket(self) -> Awaitable[None] | None:
        # As far as HTTP is concerned, this was it.
        self.on_finish()
        return self.open(*self.open_args, **self.open_kwargs)

    def _choose_subprotocol(self) -> str | None:
        offered = self.request.headers.get("Sec-Websocket-Protocol", "")
        subprotocols = [name.strip() for name in offered.split(",") if name.strip()]
        chosen = self.select_subprotocol(subprotocols) if subprotocols else None
        if chosen is not None and chosen not in subprotocols:
            # RFC 6455 section 4.1: the client would give up.
            raise ValueError(f"subprotocol {chosen!r} is not among the offered {subprotocols}")
        return chosen

    def _agree_on_compression(
        self, params: ConnectionParams, headers: HTTPHeaders
    ) -> tuple[CompressionOptions | None, Agreement | None]:
        """Choose among what the client offers, and say so in the answer's headers."""
        wanted = params.compression_options
        offered = self.request.headers.get("Sec-Websocket-Extensions")
        if wanted is None or offered is None:
            return None, None
        options = CompressionOptions.of(wanted)
        try:
            agreed = agree(parse_extensions(offered), options)
        except ValueError as error:
            gen_log.debug("websocket handshake of %s: %s", self.request.remote_ip, error)
            return None, None
        if agreed is None:
            return None, None
        headers["Sec-WebSocket-Extensions"] = agreed[0]
        return options, agreed[1]

    # -- the open websocket

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Send a message.

        Messages may be written by several coroutines; they leave in the order of the calls. If the
        client doesn't read them, they're kept for it up to `max_write_buffer_size`.

        :arg message: text, bytes, or a dictionary, which is sent as JSON.
        :arg binary: send it as a binary message.
        :returns: a future that resolves when it has been given to the system.
        :raises WebSocketClosedError: the websocket is closed or closing.

        .. versionchanged:: 3.2
           Raises `WebSocketClosedError`.
        .. versionchanged:: 4.3
           Returns a future.
        """
        connection = self.ws_connection
        if connection is None:
            raise WebSocketClosedError("the websocket is closed")
        return connection.write_message(message, binary)

    def ping(self, data: str | bytes = b"") -> None:
        """Send a ping.

        :arg data: at most 125 bytes.
        :raises WebSocketClosedError: the websocket is closed or closing.
        """
        if self.ws_connection is None:
            raise WebSocketClosedError("the websocket is closed")
        self.ws_connection.write_ping(data.encode() if isinstance(data, str) else data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the websocket with the closing handshake; nothing happens if it is closed.

        :arg code: close code.
        :arg reason: text, at most 123 bytes.

        .. versionchanged:: 4.0
           Added ``code`` and ``reason``.
        """
        if self.ws_connection is not None:
            self.ws_connection.close(code, reason)

    def set_nodelay(self, value: bool) -> None:
        """Send small messages at once, or let the system collect them for a moment.

        :arg value: true, as it is by default, for at once.
        :raises WebSocketClosedError: the websocket is closed.

        .. versionadded:: 3.1
        """
        if self.ws_connection is None:
            raise WebSocketClosedError("the websocket is closed")
        self.ws_connection.set_nodelay(value)

    def async_callback(
        self, callback: Callable[..., Any] | None, *args: Any, **kwargs: Any
    ) -> Callable[..., Any] | None:
        """Wrap a callback so that an exception in it closes the websocket.

        :arg callback: the function; for `None` nothing is made.
        :arg args: its first arguments.
        :arg kwargs: keyword arguments for it.
        """
        return super().async_callback(callback, *args, **kwargs)

    # -- for the protocol

    def on_ws_connection_close(
        self, close_code: int | None = None, close_reason: str | None = None
    ) -> None:
        """The connection is closed; called by the protocol.

        :arg close_code: what becomes the attribute of that name.
        :arg close_reason: likewise.
        """
        self.close_code = close_code
        self.close_reason = close_reason
        self.on_connection_close()

    def on_connection_close(self) -> None:
        """Close the connection without the closing handshake, if that's still to be done, and tell
        `on_close` of it, once."""
        if not self._is_upgraded:
            super().on_connection_close()
            return
        connection, self.ws_connection = self.ws_connection, None
        if connection is not None:
            connection.on_connection_close()
        if not self._close_announced:
            self._close_announced = True
            self._announce_close()

    def _announce_close(self) -> None:
        try:
            waiting = self.on_close()
        except Exception:
            app_log.error("Uncaught exception in on_close", exc_info=True)
            return
        if waiting is not None:
            loop = IOLoop.current().asyncio_loop
            self._last_call = loop.create_task(_finish_on_close(waiting))

    def _handle_request_exception(self, e: BaseException) -> None:
        """Close the websocket for an exception, or answer with an error before the handshake."""
        if not self._is_upgraded:
            super()._handle_request_exception(e)
            return
        if self.ws_connection is not None:
            self.ws_connection.on_endpoint_error(type(e), e, e.__traceback__)
        else:
            self.log_exception(type(e), e, e.__traceback__)

    def send_error(self, *args: Any, **kwargs: Any) -> None:
        """Answer with an error before the handshake; close the websocket after it."""
        if not self._is_upgraded:
            super().send_error(*args, **kwargs)
        elif self.ws_connection is not None:
            self.ws_connection._abort()

    write = _before_upgrade(RequestHandler.write)
    flush = _before_upgrade(RequestHandler.flush)
    finish = _before_upgrade(RequestHandler.finish)
    redirect = _before_upgrade(RequestHandler.redirect)
    set_status = _before_upgrade(RequestHandler.set_status)
    set_header = _before_upgrade(RequestHandler.set_header)
    add_header = _before_upgrade(RequestHandler.add_header)
    set_cookie = _before_upgrade(RequestHandler.set_cookie)


async def _finish_on_close(waiting: Any) -> None:
    future = as_future(waiting)
    try:
        if future is not None:
            await future
    except Exception:
        app_log.error("Uncaught exception in on_close", exc_info=True)
