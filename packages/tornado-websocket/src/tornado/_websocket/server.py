"""`WebSocketHandler`: the server's side of a websocket."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any
from urllib.parse import urlsplit

from tornado._web.done import DONE
from tornado._websocket.deflate import Agreement, CompressionOptions, agree, parse_extensions
from tornado._websocket.errors import WebSocketClosedError
from tornado._websocket.handshake import HandshakeError, accept_value, check_handshake
from tornado._websocket.protocol import WebSocketConnection
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.log import app_log, gen_log
from tornado.web import HTTPError, RequestHandler


class WebSocketHandler(RequestHandler):
    """Serves a websocket.

    .. code-block:: python

       class Echo(WebSocketHandler):
           def on_message(self, message):
               self.write_message(message)

    After the handshake the methods of ordinary responses are of no use; `write_message` and `close`
    take their place.
    """

    ws_connection: WebSocketConnection | None = None
    close_code: int | None = None
    close_reason: str | None = None
    open_args: tuple[Any, ...] = ()
    open_kwargs: dict[str, Any] = {}  # noqa: RUF012  # replaced, never changed
    _selected_subprotocol: str | None = None
    _close_announced = False

    # -- for subclasses

    def open(self, *args: str, **kwargs: str) -> Awaitable[None] | None:
        """Called with the route's groups when the websocket is open; may be a coroutine."""

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Called with each message, text or bytes; may be a coroutine, which the next message waits
        for."""
        raise NotImplementedError

    def on_close(self) -> None:
        """Called when the websocket is closed; `close_code` and `close_reason` say why, if the peer
        did."""

    def on_ping(self, data: bytes) -> None:
        """Called with each ping; it's answered without that."""

    def on_pong(self, data: bytes) -> None:
        """Called with each pong."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Return one of the subprotocols that the client offers, `None` for none."""
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
        """Whether pages of ``origin`` may connect; those of the same host, and of trusted origins,
        by default.

        .. versionadded:: 4.0
        """
        own = urlsplit(origin).netloc.lower() == self.request.headers.get("Host", "").lower()
        return own or self.check_trusted_origin(origin)

    # -- settings

    @property
    def ping_interval(self) -> float | None:
        """Seconds between pings: the ``websocket_ping_interval`` setting."""
        interval: float | None = self.settings.get("websocket_ping_interval")
        return interval

    @property
    def ping_timeout(self) -> float | None:
        """Seconds to wait for a pong: the ``websocket_ping_timeout`` setting, or the interval."""
        timeout: float | None = self.settings.get("websocket_ping_timeout")
        return timeout

    @property
    def max_message_size(self) -> int:
        """Limit of a message in bytes: the ``websocket_max_message_size`` setting; 10 MiB by
        default."""
        # The module's own attribute, because programs change it.
        default = sys.modules["tornado.websocket"]._default_max_message_size
        size: int = self.settings.get("websocket_max_message_size", default)
        return size

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was agreed upon."""
        return self._selected_subprotocol

    # -- the handshake

    def get(self, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Answer the handshake and open the websocket.

        :returns: something to await; all has been done when it is returned.
        """
        self._answer_handshake(args, kwargs)
        return DONE

    def _answer_handshake(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.open_args, self.open_kwargs = args, kwargs
        try:
            key = check_handshake(self.request)
        except HandshakeError as error:
            gen_log.debug("websocket handshake of %s: %s", self.request.remote_ip, error)
            self.set_status(error.status_code)
            if error.status_code == 426:
                # RFC 6455 section 4.2.2: name the version that would do.
                self.set_header("Sec-WebSocket-Version", "13")
                self.set_header("Upgrade", "websocket")
            self.finish(str(error))
            return
        origin = self.request.headers.get("Origin") or self.request.headers.get(
            "Sec-Websocket-Origin"
        )
        # Clients that are no browsers send no origin.
        if origin is not None and not self._is_same_origin(origin):
            raise HTTPError(403, "cross-origin websocket from %r refused", origin)
        self._upgrade(key)

    def _is_same_origin(self, origin: str) -> bool:
        if self.request.headers.get("Sec-Fetch-Site") == "same-origin":
            return True
        return self.check_origin(origin)

    def _upgrade(self, key: str) -> None:
        headers = HTTPHeaders(
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Accept": accept_value(key),
            }
        )
        offered = self.request.headers.get("Sec-Websocket-Protocol", "")
        subprotocols = [name.strip() for name in offered.split(",") if name.strip()]
        chosen = self.select_subprotocol(subprotocols) if subprotocols else None
        if chosen is not None:
            self._selected_subprotocol = chosen
            headers["Sec-WebSocket-Protocol"] = chosen
        compression, agreement = self._agree_on_compression(headers)
        self.set_status(101)
        for field in self._set_cookies.fields() if self._set_cookies is not None else ():
            headers.add("Set-Cookie", field)
        start_line = ResponseStartLine("HTTP/1.1", 101, "Switching Protocols")
        self.request.connection.write_headers(start_line, headers)
        self._headers_written = True
        stream = self.detach()
        self.application.log_request(self)
        self.ws_connection = connection = WebSocketConnection(
            stream,
            self,
            masks_output=False,
            max_message_size=self.max_message_size,
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            agreement=agreement,
            compression=compression,
        )
        stream.set_nodelay(True)
        connection.start()
        self._open()

    def _agree_on_compression(
        self, headers: HTTPHeaders
    ) -> tuple[CompressionOptions | None, Agreement | None]:
        """Choose among what the client offers, and say so in the answer's headers."""
        wanted = self.get_compression_options()
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

    def _open(self) -> None:
        try:
            opening = self.open(*self.open_args, **self.open_kwargs)
        except Exception:
            self._log_and_abort()
            return
        if opening is not None and isawaitable(opening) and self.ws_connection is not None:
            # Messages wait until open() is done.
            self.ws_connection._hold()
            asyncio.ensure_future(opening).add_done_callback(self.ws_connection._on_waited)

    def _log_and_abort(self) -> None:
        app_log.error("Uncaught exception %s", self.request.path, exc_info=True)
        if self.ws_connection is not None:
            self.ws_connection._abort()

    # -- the open websocket

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Send a message.

        :arg message: text, bytes, or a dictionary, which is sent as JSON.
        :arg binary: send it as a binary message.
        :returns: a future that resolves when it has been given to the system.
        :raises WebSocketClosedError: the websocket is closed or closing.
        """
        if self.ws_connection is None:
            raise WebSocketClosedError()
        return self.ws_connection.write_message(message, binary=binary)

    def ping(self, data: str | bytes = b"") -> None:
        """Send a ping.

        :raises WebSocketClosedError: the websocket is closed or closing.
        """
        if self.ws_connection is None:
            raise WebSocketClosedError()
        self.ws_connection.write_ping(data.encode() if isinstance(data, str) else data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the websocket with the closing handshake.

        :arg code: close code.
        :arg reason: text, at most 123 bytes.
        """
        if self.ws_connection is not None:
            self.ws_connection.close(code, reason)

    def set_nodelay(self, value: bool) -> None:
        """Send small messages at once (true, the default) or let the system collect them."""
        if self.ws_connection is None:
            raise WebSocketClosedError()
        self.ws_connection.stream.set_nodelay(value)

    def on_ws_connection_close(
        self, close_code: int | None = None, close_reason: str | None = None
    ) -> None:
        """The connection is closed; called by the protocol."""
        self.close_code = close_code
        self.close_reason = close_reason
        self.ws_connection = None
        if not self._close_announced:
            self._close_announced = True
            try:
                self.on_close()
            except Exception:
                app_log.error("Uncaught exception in on_close", exc_info=True)

    def send_error(self, *args: Any, **kwargs: Any) -> None:
        """Answer with an error before the handshake; close the websocket after it."""
        if self.ws_connection is None:
            super().send_error(*args, **kwargs)
        else:
            self.ws_connection._abort()
