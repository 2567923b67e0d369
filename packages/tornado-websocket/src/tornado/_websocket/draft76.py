"""The protocol before RFC 6455 (``draft-hixie-thewebsocketprotocol-76``), for old clients.

Handlers allow it with `WebSocketHandler.allow_draft76`. Messages are text between two bytes, 0x00
and 0xFF; there are no binary messages, no pings and no close codes. The handshake has eight bytes
after the request's header, which are no body of HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from typing import Any, Protocol

from tornado._websocket.base import WebSocketProtocol
from tornado._websocket.closing import CLOSE_TIMEOUT
from tornado._websocket.errors import ProtocolViolation
from tornado._websocket.handshake import HandshakeError
from tornado._websocket.interfaces import Phase
from tornado._websocket.params import ConnectionParams
from tornado._websocket.shared import payload_of
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.log import gen_log

FRAMES_AT_ONCE = 256  # of one call, so that many tiny frames leave time for others
KEY_SIZE = 8  # bytes after the request's header
CLOSE_FRAME = b"\xff\x00"
MAX_LENGTH_DIGITS = 5  # of seven bits, of a frame that tells its length

_END = b"\xff"


class MessageSink(Protocol):
    """What a `Draft76Reader` calls."""

    def on_key(self, key: bytes) -> None:
        """The bytes that end the handshake have come."""

    def on_data(self, message: str | bytes) -> None:
        """A message is complete."""

    def on_close_frame(self, code: int | None, reason: str | None) -> None:
        """The peer closes."""


class Draft76Reader:
    """Read what follows a request's header (sections 4.2 and 5.3 of the draft).

    :arg sink: what is called.
    :arg max_message_size: limit of a message in bytes.
    """

    def __init__(self, sink: MessageSink, max_message_size: int) -> None:
        self._sink: MessageSink | None = sink
        self._max_message_size = max_message_size
        self._held = bytearray()
        self._searched = 0
        self._has_key = False
        self._is_paused = False

    def pause(self) -> None:
        """Make no further calls before `resume`."""
        self._is_paused = True

    def resume(self) -> None:
        """End a `pause`. The caller feeds afterwards."""
        self._is_paused = False

    def stop(self) -> None:
        """Use nothing any more."""
        self._sink = None
        self._held.clear()

    def feed(self, data: bytes) -> bool:
        """Use some bytes.

        :returns: whether there is something left to do, although nothing stands in its way.
        :raises ProtocolViolation: they break the protocol. Nothing can be read afterwards.
        """
        self._held += data
        frames = FRAMES_AT_ONCE
        while frames and self._sink is not None and not self._is_paused:
            if not self._read(self._sink):
                break
            frames -= 1
        return not frames and bool(self._held)

    def _read(self, sink: MessageSink) -> bool:
        """Read one thing; return false if it's not complete."""
        held = self._held
        if not self._has_key:
            if len(held) < KEY_SIZE:
                return False
            self._has_key = True
            sink.on_key(bytes(self._take(KEY_SIZE)))
            return True
        if not held:
            return False
        if held[0] & 0x80:
            return self._read_counted(sink)
        end = held.find(_END, self._searched)
        if (end if end > 0 else len(held)) - 1 > self._max_message_size:
            raise ProtocolViolation("message too large", 1009)
        if end < 0:
            self._searched = len(held)
            return False
        frame = self._take(end + 1)
        # Frames of other types are there for later versions, which never came.
        if frame[0] == 0:
            sink.on_data(_decode(frame[1:-1]))
        return True

    def _read_counted(self, sink: MessageSink) -> bool:
        """Pass over a frame that tells its length, and has none in the closing handshake."""
        held = self._held
        size = 0
        for position in range(1, 1 + MAX_LENGTH_DIGITS):
            if position == len(held):
                return False
            size = size << 7 | held[position] & 0x7F
            if held[position] < 0x80:
                break
        else:
            raise ProtocolViolation("length with too many digits")
        if size > self._max_message_size:
            raise ProtocolViolation("message too large", 1009)
        if len(held) < position + 1 + size:
            return False
        if self._take(position + 1 + size) == CLOSE_FRAME:
            sink.on_close_frame(None, None)
        return True

    def _take(self, size: int) -> bytearray:
        taken = self._held[:size]
        del self._held[:size]
        self._searched = 0
        return taken


class WebSocketProtocol76(WebSocketProtocol):
    """The protocol of the draft, on a server's connection.

    :arg handler: what is called with messages.
    :arg params: settings.
    """

    __slots__ = ("_numbers", "_subprotocol")

    def __init__(self, handler: Any, params: ConnectionParams | None = None) -> None:
        super().__init__(handler, params)
        self._subprotocol: str | None = None
        self._numbers = b""

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was agreed upon."""
        return self._subprotocol

    # -- the handshake

    def accept(self, handler: Any) -> None:
        """Answer the handshake that a handler has got, as soon as it's complete."""
        request: HTTPServerRequest = handler.request
        self._numbers = _number(request, "Key1") + _number(request, "Key2")
        if not request.headers.get("Origin") or not request.headers.get("Host"):
            raise HandshakeError("a handshake of this version has Origin and Host")
        self._subprotocol = handler._choose_subprotocol()
        stream = handler._leave_http()
        self.attach(stream, Draft76Reader(self, self.params.max_message_size))
        self._arm(CLOSE_TIMEOUT)
        stream.start_receiving(self)

    def on_key(self, key: bytes) -> None:
        """The last bytes of the handshake have come: answer, and open the websocket."""
        self._disarm()
        handler = self.handler
        digest = hashlib.md5(self._numbers + key, usedforsecurity=False).digest()
        headers = self._answer_headers(handler)
        lines = ["HTTP/1.1 101 WebSocket Protocol Handshake"]
        lines += [f"{name}: {value}" for name, value in headers.get_all()]
        self._emit(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + digest)
        handler._open_websocket(self)

    def _answer_headers(self, handler: Any) -> HTTPHeaders:
        request: HTTPServerRequest = handler.request
        host = request.headers["Host"]
        headers = HTTPHeaders(
            {
                "Upgrade": "WebSocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Origin": request.headers["Origin"],
                "Sec-WebSocket-Location": (
                    f"{handler.get_websocket_scheme()}://{host}{request.uri}"
                ),
            }
        )
        if self._subprotocol is not None:
            headers["Sec-WebSocket-Protocol"] = self._subprotocol
        return headers

    # -- output

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Send a message.

        :arg message: text, or a dictionary, which is sent as JSON.
        :raises ValueError: the message is binary, which this version doesn't know.
        :raises WebSocketClosedError: the connection is closed or closing.
        """
        if self._obstacles and not self._may_write(self.params.slow_reader):
            return self._settled or self._settle()
        payload = payload_of(message)
        if binary or _END in payload:
            raise ValueError("this version of the protocol knows no binary messages")
        return self._emit(b"\x00" + payload + _END)

    def write_ping(self, data: bytes) -> None:
        """Refuse to send a ping.

        :raises ValueError: always: this version doesn't know pings.
        """
        raise ValueError("this version of the protocol knows no pings")

    def start_pinging(self) -> None:
        """Do nothing: this version doesn't know pings."""

    # -- closing

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin or answer the closing handshake; this version knows neither codes nor reasons."""
        if self._phase in (Phase.CLOSE_SENT, Phase.CLOSED):
            return
        if not self.stream.closed():
            self._emit(CLOSE_FRAME)
        if self._phase is Phase.CLOSE_RECEIVED:
            self._finish_closing()
        else:
            self._begin_closing()

    def _answer_close(self, code: int | None) -> None:
        self._emit(CLOSE_FRAME)

    def _fail(self, violation: ProtocolViolation) -> None:
        gen_log.info("websocket of %s: %s", self._peer(), violation)
        self._apologize()

    def _apologize(self) -> None:
        self._release()
        self._finish_closing()


def _number(request: HTTPServerRequest, name: str) -> bytes:
    """Return the number that a key hides (section 5.2 of the draft), as four bytes.

    :raises HandshakeError: it hides none.
    """
    values = request.headers.get_list(f"Sec-Websocket-{name}")
    if len(values) != 1:
        raise HandshakeError(f"missing or repeated Sec-WebSocket-{name}")
    digits = "".join(character for character in values[0] if "0" <= character <= "9")
    spaces = values[0].count(" ")
    if not 0 < len(digits) < 20 or not spaces or int(digits) % spaces:
        raise HandshakeError(f"invalid Sec-WebSocket-{name}")
    number = int(digits) // spaces
    if number >= 1 << 32:
        raise HandshakeError(f"invalid Sec-WebSocket-{name}")
    return struct.pack(">I", number)


def _decode(payload: bytearray) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation("text is not UTF-8", 1007) from error
