"""`WebSocketProtocol13`: RFC 6455 on a connection, of a server or a client."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from tornado._websocket.base import (
    ASIDES_FULL,
    BACKLOG,
    CHOKED,
    INBOX_FULL,
    MAX_CORKED,
    WebSocketProtocol,
)
from tornado._websocket.closing import CLOSING, LATER
from tornado._websocket.deflate import (
    MIN_COMPRESSED,
    STEP,
    Agreement,
    CompressionOptions,
    Compressor,
    Inflater,
)
from tornado._websocket.errors import ProtocolViolation, WebSocketClosedError
from tornado._websocket.frames import (
    BINARY_HEADS,
    COMPRESSED,
    FINAL,
    MAX_CONTROL_PAYLOAD,
    RESERVED,
    TEXT_HEADS,
    Opcode,
    make_close_payload,
    make_frame,
    make_head,
)
from tornado._websocket.handshake import accept_value, check_handshake
from tornado._websocket.interfaces import Phase
from tornado._websocket.params import ConnectionParams
from tornado._websocket.pings import Pinger, sleep_time
from tornado._websocket.reader import FrameReader
from tornado._websocket.shared import SharedMessage, payload_of
from tornado._websocket.slices import SlicedOutput
from tornado.iostream import IOStream, StreamClosedError
from tornado.log import gen_log

SENT_ALONE = 8192  # bytes of a payload above which copying costs more than handing over two pieces
MAX_PONGS = 16  # in output that is collected


class WebSocketProtocol13(WebSocketProtocol):
    """The protocol of RFC 6455, with the compression of RFC 7692.

    :arg handler: what is called with messages: a handler, or a client's connection.
    :arg mask_outgoing: mask frames, as clients have to.
    :arg params: settings.
    """

    # RFC 6455 section 5.2: the bits of a frame's first byte.
    FIN = FINAL
    RSV1 = COMPRESSED
    RSV2 = 0x20
    RSV3 = 0x10
    RSV_MASK = RESERVED
    OPCODE_MASK = 0x0F

    __slots__ = (
        "_compressor",
        "_kept_at_ping",
        "_pinger",
        "_pong_place",
        "_pongs",
        "_quick_size",
        "_slices",
        "_subprotocol",
        "delivers_rest",
        "mask_outgoing",
    )

    def __init__(self, handler: Any, mask_outgoing: bool, params: ConnectionParams) -> None:
        super().__init__(handler, params)
        self.mask_outgoing = mask_outgoing
        self.delivers_rest = mask_outgoing
        self._subprotocol: str | None = None
        self._compressor: Compressor | None = None
        self._slices: SlicedOutput | None = None
        # Messages that are shorter need no more than a head from the table.
        self._quick_size = 0 if mask_outgoing else MAX_CONTROL_PAYLOAD + 1
        self._pinger: Pinger | None = None
        self._kept_at_ping = 0
        # Where the last pong stands among the output that is collected.
        self._pong_place = -1
        self._pongs = 0

    # -- for programs

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was agreed upon."""
        return self._subprotocol

    @selected_subprotocol.setter
    def selected_subprotocol(self, value: str | None) -> None:
        self._subprotocol = value

    @property
    def ping_interval(self) -> float:
        """Seconds between pings, 0 for no pings."""
        return self.params.ping_interval or 0

    @property
    def ping_timeout(self) -> float:
        """Seconds to wait for a pong: the interval, if nothing less is wanted."""
        return min(self.params.ping_timeout or self.ping_interval, self.ping_interval)

    @staticmethod
    def compute_accept_value(key: str | bytes) -> str:
        """Return the ``Sec-WebSocket-Accept`` value for a key (RFC 6455 section 4.2.2).

        :arg key: the value of ``Sec-WebSocket-Key``.
        """
        return accept_value(key)

    ping_sleep_time = staticmethod(sleep_time)

    def accept(self, handler: Any) -> None:
        """Answer the handshake that a server's handler has got, and open the websocket.

        :raises HandshakeError: it's no valid handshake.
        """
        check_handshake(handler.request)
        handler._upgrade(self)

    # -- the beginning

    def open_on(
        self,
        stream: IOStream,
        agreement: Agreement | None = None,
        compression: CompressionOptions | None = None,
    ) -> None:
        """Take over a stream after the opening handshake.

        :arg agreement: what was agreed upon about compression; `None` for none.
        :arg compression: how this side likes to compress.
        """
        inflater: Inflater | None = None
        if agreement is not None:
            self._compressor = Compressor(agreement, compression or CompressionOptions())
            self._quick_size = min(self._quick_size, MIN_COMPRESSED)
            inflater = Inflater(agreement)
        reader = FrameReader(
            self,
            expects_mask=not self.mask_outgoing,
            max_message_size=self.params.max_message_size,
            inflater=inflater,
        )
        self.attach(stream, reader)

    # -- output

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Send a message.

        :arg message: text, bytes, or a dictionary, which is sent as JSON.
        :arg binary: send it as a binary message.
        :returns: a future that resolves when it has been given to the system.
        :raises WebSocketClosedError: the connection is closed or closing.
        """
        if self._obstacles:
            return self._write_with_obstacles(message, binary)
        if type(message) is str:
            payload = message.encode()
        else:
            payload = message if type(message) is bytes else payload_of(message)
        size = len(payload)
        if size >= self._quick_size:
            return self._write_large(Opcode.BINARY if binary else Opcode.TEXT, payload)
        frame = (BINARY_HEADS if binary else TEXT_HEADS)[size] + payload
        out = self._out
        if out is None:
            return self._send(frame)
        out.append(frame)
        if len(out) > MAX_CORKED:
            return self._flush(out)
        return self._settled or self._settle()

    def _write_large(self, opcode: Opcode, payload: bytes) -> asyncio.Future[None]:
        compressor = self._compressor
        if compressor is None or len(payload) < MIN_COMPRESSED:
            if len(payload) > SENT_ALONE and not self.mask_outgoing:
                return self._send_alone(opcode, payload)
            return self._emit(make_frame(opcode, payload, masked=self.mask_outgoing))
        if len(payload) > STEP:
            return self._slice(compressor, opcode, payload)
        payload = compressor.compress(payload)
        return self._emit(make_frame(opcode, payload, masked=self.mask_outgoing, compressed=True))

    def _send_alone(self, opcode: Opcode, payload: bytes) -> asyncio.Future[None]:
        """Send a payload that is too large to be copied behind its head."""
        if self._out:
            self._flush(self._out)
        return self._send(make_head(FINAL | opcode, len(payload)), payload)

    def _write_with_obstacles(
        self, message: str | bytes | dict[str, Any], binary: bool
    ) -> asyncio.Future[None]:
        if not self._may_write(self.params.slow_reader):
            return self._settled or self._settle()
        opcode = Opcode.BINARY if binary else Opcode.TEXT
        payload = payload_of(message)
        if self._slices is not None:
            return self._slices.add(opcode, payload)
        return self._write_large(opcode, payload)

    def write_shared(self, shared: SharedMessage) -> None:
        """Send a message that goes to others too, if it can go at once."""
        if self._obstacles and not self._may_share():
            return
        if self.mask_outgoing or self._slices is not None:
            self.write_message(shared.payload, shared.binary)
            return
        frame = shared.plain
        compressor = self._compressor
        if compressor is not None and len(shared.payload) >= MIN_COMPRESSED:
            frame = shared.compressed(compressor)
            compressor.forget()
        if self._out is not None:
            self._emit(frame)
            return
        try:
            self.stream.send(frame)
        except StreamClosedError:
            # The handler is about to be told.
            return

    def _may_share(self) -> bool:
        policy = self.params.slow_reader
        try:
            return self._may_write("drop" if policy == "wait" else policy)
        except WebSocketClosedError:
            return False

    # -- messages that are compressed in steps (`tornado._websocket.slices.Sender`)

    def _slice(
        self, compressor: Compressor, opcode: Opcode, payload: bytes
    ) -> asyncio.Future[None]:
        self._obstacles |= BACKLOG
        self._slices = SlicedOutput(self, compressor, self._loop)
        return self._slices.add(opcode, payload)

    def send_frame(self, frame: bytes) -> asyncio.Future[None]:
        """Send a frame."""
        return self._emit(frame)

    def is_choked(self) -> bool:
        """Whether so much is kept for the peer that more should wait."""
        return self._obstacles & CHOKED != 0

    def on_slices_sent(self) -> None:
        """Everything has been sent."""
        self._obstacles &= ~BACKLOG
        self._slices = None

    def resume_writing(self) -> None:
        """The output is nearly written (`tornado.iostream.StreamReceiver`)."""
        super().resume_writing()
        if self._slices is not None:
            self._slices.go_on()

    def _kept_size(self) -> int:
        size = super()._kept_size()
        return size if self._slices is None else size + self._slices.size

    # -- control frames

    def write_ping(self, data: bytes) -> None:
        """Send a ping.

        :arg data: at most 125 bytes.
        :raises WebSocketClosedError: the connection is closed or closing.
        :raises ValueError: ``data`` is longer than 125 bytes.
        """
        if self.is_closing():
            raise WebSocketClosedError("the websocket is closed")
        if len(data) > MAX_CONTROL_PAYLOAD:
            raise ValueError("a ping has at most 125 bytes")
        self._emit(make_frame(Opcode.PING, data, masked=self.mask_outgoing))
        self._kept_at_ping = self.stream.write_buffer_size

    def on_control(self, opcode: Opcode, payload: bytes) -> None:
        """A ping or pong has come (`tornado._websocket.reader.FrameSink`)."""
        try:
            if opcode is Opcode.PING:
                self._answer_ping(payload)
                waiting = self.handler.on_ping(payload)
            else:
                if self._pinger is not None:
                    self._pinger.on_pong()
                waiting = self.handler.on_pong(payload)
        except (Exception, asyncio.CancelledError):
            self.on_endpoint_error(*sys.exc_info())
            return
        if waiting is not None:
            self._run_aside(waiting)

    def _answer_ping(self, payload: bytes) -> None:
        if self._obstacles & CLOSING:
            return
        frame = make_frame(Opcode.PONG, payload, masked=self.mask_outgoing)
        out = self._out
        if out is None:
            self._send(frame)
            return
        # RFC 6455 section 5.5.3: of many pings, the latest may stand for the rest.
        place = self._pong_place
        if 0 <= place < len(out) and out[place][:1] == frame[:1]:
            self._pongs += 1
            if self._pongs > MAX_PONGS:
                out[place] = b""
        else:
            self._pongs = 1
        self._emit(frame)
        self._pong_place = len(out) - 1

    # -- pings of this side

    def start_pinging(self) -> None:
        """Begin with the pings that find dead connections, if they're wanted."""
        if self.ping_interval and self._pinger is None:
            self._pinger = Pinger(self, self._loop, self.ping_interval, self.ping_timeout)

    async def periodic_ping(self) -> None:
        """Ping until the connection is closed; `start_pinging` does so without being awaited."""
        self.start_pinging()
        while self._pinger is not None:
            await asyncio.sleep(self.ping_interval)

    def peer_makes_progress(self) -> bool:
        """Whether a missing pong may be due to something else than a dead peer
        (`tornado._websocket.pings.Pinged`).
        """
        if self._halts & (INBOX_FULL | ASIDES_FULL):
            # It may stand among what has not been read.
            return True
        kept, self._kept_at_ping = self._kept_at_ping, self.stream.write_buffer_size
        return self._kept_at_ping < kept

    def on_ping_timeout(self) -> None:
        """There was no pong in time (`tornado._websocket.pings.Pinged`)."""
        gen_log.debug("websocket of %s: no pong in time", self._peer())
        self._abort()

    # -- closing

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin or answer the closing handshake, and close the connection when it's done.

        :arg code: close code; 1000 if only a reason is given.
        :arg reason: text, at most 123 bytes.
        :raises ValueError: the code may not be sent, or the reason is too long.
        """
        if self._phase in (Phase.CLOSE_SENT, Phase.CLOSED):
            return
        if self._is_lost:
            self._end()
            return
        if code is None and reason is not None:
            code = 1000
        payload = make_close_payload(code, reason)
        if self._slices is not None and self._phase is Phase.OPEN:
            self._slices.add(Opcode.CLOSE, payload)
        elif not self.stream.closed():
            self._emit(make_frame(Opcode.CLOSE, payload, masked=self.mask_outgoing))
        self._stop_pinging()
        if self._phase is Phase.CLOSE_RECEIVED:
            self._finish_closing()
        else:
            self._begin_closing()

    def _answer_close(self, code: int | None) -> None:
        payload = make_close_payload(code, None)
        self._emit(make_frame(Opcode.CLOSE, payload, masked=self.mask_outgoing))

    def _fail(self, violation: ProtocolViolation) -> None:
        """RFC 6455 section 7.1.7: say why, and close."""
        gen_log.info("websocket of %s: %s", self._peer(), violation)
        if self._phase is Phase.OPEN:
            self.close_code = violation.close_code
        self._close_with(violation.close_code, str(violation))

    def _apologize(self) -> None:
        # RFC 6455 section 7.4.1: something unexpected happened here.
        self._close_with(1011, None)

    def _close_with(self, code: int, reason: str | None) -> None:
        """Send a close frame and what stands before it, then close without waiting for the
        peer's."""
        self._release()
        if self._phase is Phase.OPEN:
            payload = make_close_payload(code, reason)
            self._emit(make_frame(Opcode.CLOSE, payload, masked=self.mask_outgoing))
            self._lingering = LATER
        self._finish_closing()

    def _release(self) -> None:
        self._stop_pinging()
        self._compressor = None
        if self._slices is not None:
            self._slices.stop(WebSocketClosedError("the websocket is closed"))
            self._slices = None
        super()._release()

    def _stop_pinging(self) -> None:
        pinger, self._pinger = self._pinger, None
        if pinger is not None:
            pinger.stop()
