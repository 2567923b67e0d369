"""A websocket connection: between a stream and an endpoint, which has the meaning."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable
from typing import Any, Protocol

from tornado._websocket.deflate import (
    MIN_COMPRESSED,
    Agreement,
    CompressionOptions,
    Compressor,
    Inflater,
)
from tornado._websocket.errors import ProtocolViolation, WebSocketClosedError
from tornado._websocket.frames import Opcode, make_close_payload, make_frame
from tornado._websocket.reader import FrameReader
from tornado.escape import json_encode, utf8
from tornado.iostream import IOStream, StreamClosedError
from tornado.log import app_log, gen_log

CLOSE_TIMEOUT = 5.0  # seconds to wait for the peer's part of the closing handshake
CORK_LIMIT = 65536  # bytes of output that are collected before they are sent all the same
MAX_HELD = 65536  # bytes of input that wait for the endpoint before reading pauses


class Endpoint(Protocol):
    """What a connection calls."""

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """A message has come; the next one waits for an awaitable that is returned."""

    def on_ping(self, data: bytes) -> None:
        """A ping has come; it's answered already."""

    def on_pong(self, data: bytes) -> None:
        """A pong has come."""

    def on_ws_connection_close(
        self, close_code: int | None = None, close_reason: str | None = None
    ) -> None:
        """The connection is closed."""


class Phase(enum.IntEnum):
    """How far the closing handshake is (RFC 6455 section 7)."""

    OPEN = 0
    CLOSE_SENT = 1
    CLOSE_RECEIVED = 2
    CLOSED = 3


class WebSocketConnection:
    """One connection, as a server or as a client.

    :arg stream: the stream, after the opening handshake.
    :arg endpoint: what is called.
    :arg masks_output: mask frames, as clients have to.
    :arg max_message_size: limit of a message in bytes.
    :arg ping_interval: seconds between pings; `None` or 0 for no pings.
    :arg ping_timeout: seconds to wait for a pong; ``ping_interval`` at most, and by default.
    :arg agreement: what was agreed upon about compression; `None` for none.
    :arg compression: how this side likes to compress.
    """

    def __init__(
        self,
        stream: IOStream,
        endpoint: Endpoint,
        *,
        masks_output: bool,
        max_message_size: int,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
        agreement: Agreement | None = None,
        compression: CompressionOptions | None = None,
    ) -> None:
        self.stream = stream
        # It may be closed while the loop isn't running.
        self._loop: asyncio.AbstractEventLoop = stream.io_loop.asyncio_loop
        self._resolved: asyncio.Future[None] | None = None
        self._endpoint: Endpoint | None = endpoint
        self._masks_output = masks_output
        self._compressor: Compressor | None = None
        inflater: Inflater | None = None
        if agreement is not None:
            self._compressor = Compressor(agreement, compression or CompressionOptions())
            inflater = Inflater(agreement)
        self._reader = FrameReader(
            self,
            expects_mask=not masks_output,
            max_message_size=max_message_size,
            inflater=inflater,
        )
        self._phase = Phase.OPEN
        self._corked = False
        self._out: list[bytes] | None = None
        self._holds = 0
        self._latest_ping: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.ping_interval = ping_interval or 0
        self.ping_timeout = min(ping_timeout or self.ping_interval, self.ping_interval)
        self._pong_awaited = False
        # What is left of the interval when the time for the pong is over.
        self._pause_until_ping = 0.0
        self.close_code: int | None = None
        self.close_reason: str | None = None

    @property
    def client_terminated(self) -> bool:
        """Whether the peer has closed its side."""
        return self._phase >= Phase.CLOSE_RECEIVED

    @property
    def server_terminated(self) -> bool:
        """Whether this side is closed."""
        return self._phase >= Phase.CLOSE_SENT

    def start(self) -> None:
        """Begin to receive."""
        self.stream.start_receiving(self)
        if self.ping_interval:
            self._arm(self.ping_interval)

    def is_closing(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self._phase != Phase.OPEN or self.stream.closed()

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
        if self.is_closing():
            raise WebSocketClosedError()
        if isinstance(message, dict):
            message = json_encode(message)
        opcode = Opcode.BINARY if binary else Opcode.TEXT
        payload = utf8(message)
        if self._compressor is None or len(payload) < MIN_COMPRESSED:
            return self._emit(make_frame(opcode, payload, masked=self._masks_output))
        payload = self._compressor.compress(payload)
        return self._emit(make_frame(opcode, payload, masked=self._masks_output, compressed=True))

    def write_ping(self, data: bytes) -> None:
        """Send a ping.

        :raises WebSocketClosedError: the connection is closed or closing.
        :raises ValueError: ``data`` is longer than 125 bytes.
        """
        if self.is_closing():
            raise WebSocketClosedError()
        if len(data) > 125:
            raise ValueError("a ping has at most 125 bytes")
        self._emit(make_frame(Opcode.PING, data, masked=self._masks_output))

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin or answer the closing handshake, and close the connection when it's done.

        :arg code: close code; 1000 if only a reason is given.
        :arg reason: text, at most 123 bytes.
        :raises ValueError: the code may not be sent, or the reason is too long.
        """
        if self._phase in (Phase.CLOSE_SENT, Phase.CLOSED):
            return
        if code is None and reason is not None:
            code = 1000
        payload = make_close_payload(code, reason)
        received = self._phase == Phase.CLOSE_RECEIVED
        if not self.stream.closed():
            self._emit(make_frame(Opcode.CLOSE, payload, masked=self._masks_output))
        if received:
            self._finish_closing()
        else:
            self._phase = Phase.CLOSE_SENT
            self._disarm()
            self._arm(CLOSE_TIMEOUT)

    def _emit(self, data: bytes) -> asyncio.Future[None]:
        if not self._corked:
            return self._send(data)
        if self._out is None:
            self._out = []
        self._out.append(data)
        if len(data) > CORK_LIMIT or len(self._out) > 256:
            return self._flush()
        return self._done()

    def _flush(self) -> asyncio.Future[None]:
        out, self._out = self._out, None
        if not out:
            return self._done()
        return self._send(out[0] if len(out) == 1 else b"".join(out))

    def _send(self, data: bytes) -> asyncio.Future[None]:
        try:
            if self.stream.send(data):
                return self._done()
            rest: asyncio.Future[None] = self.stream.write(b"")
            return rest
        except StreamClosedError:
            future: asyncio.Future[None] = self._loop.create_future()
            future.set_exception(WebSocketClosedError())
            future.exception()
            return future

    def _done(self) -> asyncio.Future[None]:
        """Return the future that stands for all writes that were done at once."""
        if self._resolved is None:
            self._resolved = self._loop.create_future()
            self._resolved.set_result(None)
        return self._resolved

    # -- the stream's receiver

    def data_received(self, data: bytes) -> None:
        """Use the bytes that have come (`tornado.iostream.StreamReceiver`)."""
        self._corked = True
        try:
            self._reader.feed(data)
        except ProtocolViolation as violation:
            self._fail(violation)
        except Exception:
            app_log.error("Uncaught exception in a websocket", exc_info=True)
            self._abort()
        finally:
            self._corked = False
        if self._latest_ping is not None:
            self._answer_ping()
        if self._out is not None:
            self._flush()
        if self._phase == Phase.CLOSED:
            self._close_stream()
        elif self._reader.is_behind:
            # Others shall have their turn.
            self.stream.pause_reading()
            self._loop.call_soon(self._go_on)
        elif self._reader.held_size > MAX_HELD and self._holds:
            self.stream.pause_reading()

    def _go_on(self) -> None:
        """Use what was left."""
        if self._phase == Phase.CLOSED or self._holds:
            return
        self.data_received(b"")
        if not self._reader.is_behind and not self._holds:
            self.stream.resume_reading()

    def eof_received(self) -> bool | None:
        """The peer has gone (`tornado.iostream.StreamReceiver`)."""
        return None

    def connection_lost(self, exc: BaseException | None) -> None:
        """The stream is closed (`tornado.iostream.StreamReceiver`)."""
        self._phase = Phase.CLOSED
        self._disarm()
        self._reader.stop()
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            endpoint.on_ws_connection_close(self.close_code, self.close_reason)

    def pause_writing(self) -> None:
        """The peer reads too slowly (`tornado.iostream.StreamReceiver`): take nothing new from
        it."""
        self._hold()

    def resume_writing(self) -> None:
        """The output is nearly written (`tornado.iostream.StreamReceiver`)."""
        self._release()

    def _hold(self) -> None:
        self._holds += 1
        self._reader.pause()

    def _release(self) -> None:
        self._holds -= 1
        if self._holds or self._phase == Phase.CLOSED:
            return
        self._reader.resume()
        self.stream.resume_reading()
        if not self._corked:
            self.data_received(b"")

    # -- the reader's sink

    def on_data(self, message: str | bytes) -> None:
        """A message has come (`tornado._websocket.reader.FrameSink`)."""
        if self._phase != Phase.OPEN or self._endpoint is None:
            return
        waiting = self._endpoint.on_message(message)
        if waiting is not None:
            future = asyncio.ensure_future(waiting)
            self._hold()
            future.add_done_callback(self._on_waited)

    def _on_waited(self, future: asyncio.Future[None]) -> None:
        if future.cancelled():
            self._abort()
            return
        error = future.exception()
        if error is not None:
            if not isinstance(error, WebSocketClosedError):
                app_log.error("Uncaught exception in a websocket", exc_info=error)
            self._abort()
            return
        self._release()

    def on_control(self, opcode: Opcode, payload: bytes) -> None:
        """A ping or pong has come (`tornado._websocket.reader.FrameSink`)."""
        if self._endpoint is None:
            return
        if opcode is Opcode.PING:
            # RFC 6455 section 5.5.3: of several pings, the latest may stand for all.
            self._latest_ping = payload
            self._endpoint.on_ping(payload)
        else:
            self._pong_awaited = False
            self._endpoint.on_pong(payload)

    def _answer_ping(self) -> None:
        payload, self._latest_ping = self._latest_ping, None
        # Pongs that the peer doesn't read must not pile up.
        if payload is not None and self._phase == Phase.OPEN and not self.stream.write_buffer_size:
            self._emit(make_frame(Opcode.PONG, payload, masked=self._masks_output))

    def on_close_frame(self, code: int | None, reason: str) -> None:
        """The peer closes (`tornado._websocket.reader.FrameSink`)."""
        self.close_code = code
        self.close_reason = reason or None
        self._reader.stop()
        if self._phase == Phase.CLOSE_SENT:
            self._finish_closing()
            return
        self._phase = Phase.CLOSE_RECEIVED
        # RFC 6455 section 5.5.1: the answer has the code that was received.
        self.close(code)

    # -- closing

    def _fail(self, violation: ProtocolViolation) -> None:
        """RFC 6455 section 7.1.7: say why, and close."""
        gen_log.info("websocket of %s: %s", self._peer(), violation)
        self._reader.stop()
        if self._phase == Phase.OPEN:
            self.close_code = violation.close_code
            payload = make_close_payload(violation.close_code, str(violation))
            self._emit(make_frame(Opcode.CLOSE, payload, masked=self._masks_output))
        self._finish_closing()

    def _peer(self) -> object:
        try:
            return self.stream.socket.getpeername()
        except OSError:
            return "(gone)"

    def _finish_closing(self) -> None:
        self._phase = Phase.CLOSED
        self._disarm()
        if not self._corked:
            self._close_stream()

    def _close_stream(self) -> None:
        if self.stream.closed():
            return
        if self.stream.write_buffer_size:
            # A peer that doesn't read the close frame has the time of the handshake for it.
            self._arm(CLOSE_TIMEOUT)
            self.stream.write(b"").add_done_callback(lambda _: self.stream.close())
        else:
            self.stream.close()

    def _abort(self) -> None:
        """Close the connection without the closing handshake."""
        self._phase = Phase.CLOSED
        self._reader.stop()
        self.stream.close()

    # -- time

    def _arm(self, delay: float) -> None:
        self._timer = self._loop.call_later(delay, self._on_timer)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if self._phase != Phase.OPEN:
            self._abort()
            return
        if self._pong_awaited:
            gen_log.debug("websocket of %s: no pong in time", self._peer())
            self._abort()
            return
        if self._pause_until_ping:
            self._arm(self._pause_until_ping)
            self._pause_until_ping = 0.0
            return
        self._pong_awaited = True
        self.write_ping(b"")
        self._pause_until_ping = self.ping_interval - self.ping_timeout
        self._arm(self.ping_timeout)
