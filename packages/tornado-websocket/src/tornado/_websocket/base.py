"""`WebSocketProtocol`: what all versions of the protocol have in common.

A protocol is the receiver of its stream. It gives the stream's input to a *reader*, an engine
without I/O, which calls back with messages; these go on to an *endpoint*, the handler of a server
or the connection of a client. How it works:

- Output that the endpoint writes while input is used is collected, and leaves in one piece.
- While the endpoint waits for something, further messages stand in the inbox. Control frames among
  them are dealt with all the same, except for the close frame, which comes last.
- Reading is *halted* while the inbox is full, while the peer doesn't take what is sent to it, and
  after each piece of work that took long, so that others have their turn. Each reason is a bit;
  reading goes on when none is left.
- What makes writing more than that is an *obstacle*, a bit too: as long as there's none, one look
  is enough.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import socket
import sys
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from types import CoroutineType, TracebackType
from typing import Any

from tornado import gen
from tornado._websocket.errors import ProtocolViolation, WebSocketClosedError
from tornado._websocket.interfaces import Phase, Reader
from tornado._websocket.params import ConnectionParams
from tornado._websocket.shared import SharedMessage
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.log import gen_log

CLOSE_TIMEOUT = 5.0  # seconds that a peer has to do its part in closing
CORK_LIMIT = 65536  # bytes of output that are collected before they are sent all the same
MAX_CORKED = 256  # frames, likewise
MAX_INBOX = 64  # messages that wait for the endpoint before reading is halted
MAX_INBOX_SIZE = 65536  # bytes, likewise

# Reasons why reading is halted.
INBOX_FULL = 1
OUTPUT_FULL = 2
OTHERS_TURN = 4

# Obstacles for writing.
CLOSING = 1
CHOKED = 2
BACKLOG = 4

# Whether to read on when all is sent: not at all, then, or already.
AT_ONCE, LATER, LINGERS = range(3)

# Names of a module are found quicker than members of a class.
_OPEN, _CLOSED = Phase.OPEN, Phase.CLOSED


class WebSocketProtocol(abc.ABC):
    """A version of the protocol, on one connection.

    Programs find it as `WebSocketHandler.ws_connection`.

    :arg handler: what is called with messages: a handler, or a client's connection.
    :arg params: settings.
    """

    __slots__ = (
        "__weakref__",
        "_context",
        "_dropped",
        "_halts",
        "_inbox",
        "_inbox_size",
        "_is_lost",
        "_last_words",
        "_lingering",
        "_loop",
        "_obstacles",
        "_out",
        "_out_size",
        "_phase",
        "_reader",
        "_settled",
        "_timer",
        "_worker",
        "close_code",
        "close_reason",
        "handler",
        "params",
        "stream",
    )

    #: The stream below; there is none before the handshake.
    stream: IOStream
    #: Whether the endpoint gets what has come before it's told that the connection is lost. Servers
    #: learn of it at once, so that they don't work for nobody.
    delivers_rest = False

    def __init__(self, handler: Any, params: ConnectionParams | None = None) -> None:
        self.handler: Any = handler
        self.params = params or ConnectionParams()
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._phase = Phase.OPEN
        self._timer: asyncio.TimerHandle | None = None
        self._lingering = AT_ONCE
        # Input.
        self._halts = 0
        self._inbox: deque[str | bytes] | None = None
        self._inbox_size = 0
        self._worker: asyncio.Task[None] | None = None
        self._last_words: tuple[int | None, str | None] | None = None
        self._is_lost = False
        # Output.
        self._obstacles = 0
        self._out: list[bytes] | None = None
        self._out_size = 0
        self._dropped = 0
        self._settled: asyncio.Future[None] | None = None

    # -- for programs

    @property
    def client_terminated(self) -> bool:
        """Whether the peer has closed its side."""
        return self._phase >= Phase.CLOSE_RECEIVED

    @property
    def server_terminated(self) -> bool:
        """Whether this side is closed."""
        return self._phase in (Phase.CLOSE_SENT, Phase.CLOSED)

    @property
    @abc.abstractmethod
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was agreed upon."""

    @property
    def dropped_messages(self) -> int:
        """How many messages were not sent because the peer reads too slowly."""
        return self._dropped

    async def accept_connection(self, handler: Any) -> None:
        """Answer the handshake that a server's handler has got, and open the websocket."""
        self.accept(handler)

    @abc.abstractmethod
    def accept(self, handler: Any) -> None:
        """Do what `accept_connection` does, without having to be awaited.

        :raises HandshakeError: it's no valid handshake.
        """

    @abc.abstractmethod
    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Send a message."""

    @abc.abstractmethod
    def write_ping(self, data: bytes) -> None:
        """Send a ping."""

    @abc.abstractmethod
    def start_pinging(self) -> None:
        """Begin with the pings that find dead connections, if they're wanted."""

    @abc.abstractmethod
    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin or answer the closing handshake, and close the connection when it's done."""

    def write_shared(self, shared: SharedMessage) -> None:
        """Send a message that goes to others too, if it can go at once."""
        with contextlib.suppress(WebSocketClosedError):
            self.write_message(shared.payload, shared.binary)

    def is_closing(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self._obstacles & CLOSING != 0 or self.stream.closed()

    def set_nodelay(self, x: bool) -> None:
        """Send small messages at once (true) or let the system collect them."""
        self.stream.set_nodelay(x)

    def on_connection_close(self) -> None:
        """Close the connection without the closing handshake."""
        self._abort()

    # -- the beginning

    def attach(self, stream: IOStream, reader: Reader) -> None:
        """Take over a stream after the opening handshake.

        :arg stream: the stream.
        :arg reader: reads what comes, and calls this protocol.
        """
        self.stream = stream
        # The connection may be closed while the loop isn't running.
        self._loop: asyncio.AbstractEventLoop = stream.io_loop.asyncio_loop
        self._reader: Reader = reader
        # Replaced when the endpoint has opened.
        self._context: Context = copy_context()

    def start(self, opening: Callable[[], Any] | None = None) -> None:
        """Begin to receive; nothing is delivered from inside this call.

        :arg opening: is called first; messages wait for an awaitable that it returns.
        """
        self.stream.start_receiving(self)
        waiting = None
        if opening is not None:
            try:
                waiting = opening()
            except (Exception, asyncio.CancelledError):
                self._endpoint_failed(*sys.exc_info())
        # What was set in the context by opening stands there for messages.
        self._context = copy_context()
        if waiting is not None:
            self._context.run(self._wait_for, waiting)
        if self._phase == Phase.OPEN:
            self.start_pinging()

    # -- the stream's receiver

    def data_received(self, data: bytes) -> None:
        """Use the bytes that have come (`tornado.iostream.StreamReceiver`)."""
        self._context.run(self._use, data)

    def _use(self, data: bytes) -> None:
        out: list[bytes] = []
        self._out = out
        reader = self._reader
        try:
            reader.feed(data)
        except ProtocolViolation as violation:
            self._fail(violation)
        self._out = None
        if out:
            self._out_size = 0
            self._send(out[0] if len(out) == 1 else b"".join(out))
        if self._phase is _CLOSED:
            self._close_stream()
        elif reader.is_behind and not self._halts:
            self._halt(OTHERS_TURN)
            self._loop.call_soon(self._continue)

    def eof_received(self) -> bool | None:
        """The peer sends nothing more (`tornado.iostream.StreamReceiver`)."""
        # It may have ceased to read as well; and what it sent is still to be dealt with.
        if self._timer is None:
            self._arm(CLOSE_TIMEOUT)
        return bool(self._inbox) and self._phase is _OPEN and not self.delivers_rest

    def connection_lost(self, exc: BaseException | None) -> None:
        """The stream is closed (`tornado.iostream.StreamReceiver`)."""
        self._obstacles |= CLOSING
        self._disarm()
        if self.delivers_rest and self._inbox and self._phase is _OPEN:
            self._is_lost = True
            return
        self._context.run(self._end)

    def _end(self) -> None:
        """Tell the endpoint that the connection is closed."""
        self._phase = Phase.CLOSED
        self._release()
        endpoint, self.handler = self.handler, None
        if endpoint is not None:
            endpoint.on_ws_connection_close(self.close_code, self.close_reason)

    def _release(self) -> None:
        """Let go what an open connection needs."""
        self._reader.stop()
        self._inbox = None

    def pause_writing(self) -> None:
        """The peer reads too slowly (`tornado.iostream.StreamReceiver`): take nothing new from
        it."""
        self._obstacles |= CHOKED
        self._halt(OUTPUT_FULL)

    def resume_writing(self) -> None:
        """The output is nearly written (`tornado.iostream.StreamReceiver`)."""
        self._obstacles &= ~CHOKED
        self._go_on(OUTPUT_FULL)

    # -- halts

    def _halt(self, reason: int) -> None:
        if not self._halts:
            self._reader.pause()
            self.stream.pause_reading()
        self._halts |= reason

    def _go_on(self, reason: int) -> None:
        """Drop a reason; without any, the rest of the input comes on the loop's next iteration."""
        if not self._halts & reason:
            return
        self._halts &= ~reason
        if not self._halts:
            self._halts = OTHERS_TURN
            self._loop.call_soon(self._continue)

    def _continue(self) -> None:
        self._halts &= ~OTHERS_TURN
        if self._halts or self._phase is _CLOSED:
            return
        self._reader.resume()
        self.data_received(b"")
        if not self._halts:
            self.stream.resume_reading()

    # -- messages

    def on_data(self, message: str | bytes) -> None:
        """A message has come (`tornado._websocket.reader.FrameSink`)."""
        if self._inbox is not None:
            self._put_off(self._inbox, message)
            return
        if self._phase is not _OPEN:
            return
        try:
            waiting = self.handler.on_message(message)
        except (Exception, asyncio.CancelledError):
            self._endpoint_failed(*sys.exc_info())
            return
        if waiting is not None:
            self._wait_for(waiting)

    def _put_off(self, inbox: deque[str | bytes], message: str | bytes) -> None:
        inbox.append(message)
        self._inbox_size += len(message)
        if len(inbox) >= MAX_INBOX or self._inbox_size > MAX_INBOX_SIZE:
            self._halt(INBOX_FULL)

    def _wait_for(self, waiting: Any) -> None:
        """Put messages off until the endpoint has done what it is at."""
        if type(waiting) is not CoroutineType:
            waiting = _as_future(waiting)
            if waiting is None or (waiting.done() and not _has_failed(waiting)):
                return
        self._inbox = deque()
        self._worker = self._loop.create_task(self._work(waiting), context=self._context)

    async def _work(self, waiting: Any) -> None:
        """Wait for the endpoint, and give it what came meanwhile."""
        try:
            await waiting
            while (message := self._take_from_inbox()) is not None:
                waiting = self.handler.on_message(message)
                if waiting is None:
                    continue
                if type(waiting) is not CoroutineType:
                    waiting = _as_future(waiting)
                if waiting is not None:
                    await waiting
        except asyncio.CancelledError:
            self._abort()
            raise
        except Exception as error:
            if isinstance(error, WebSocketClosedError) and self._obstacles & CLOSING:
                # The peer has gone while something was sent to it.
                self._abort()
            else:
                self._endpoint_failed(type(error), error, error.__traceback__)
        else:
            self._on_idle()
        finally:
            self._worker = None

    def _take_from_inbox(self) -> str | bytes | None:
        inbox = self._inbox
        if not inbox or self._phase is not _OPEN:
            return None
        message = inbox.popleft()
        self._inbox_size -= len(message)
        return message

    def _on_idle(self) -> None:
        """Go on after the inbox was emptied."""
        self._inbox = None
        if self._is_lost:
            if self._last_words is not None:
                self.close_code, self.close_reason = self._last_words
            self._end()
        elif self._last_words is not None:
            self.on_close_frame(*self._last_words)
        else:
            self._go_on(INBOX_FULL)

    def on_close_frame(self, code: int | None, reason: str | None) -> None:
        """The peer closes (`tornado._websocket.reader.FrameSink`)."""
        self._reader.stop()
        if self._inbox is not None and self._phase is _OPEN:
            self._last_words = code, reason or None
            if self.delivers_rest:
                # The endpoint may take its time; the peer need not wait for that.
                self._answer_close(code)
                self._obstacles |= CLOSING
                self._loop.call_soon(self._close_stream)
            return
        self.close_code = code
        self.close_reason = reason or None
        if self._phase is Phase.CLOSE_SENT:
            self._finish_closing()
            return
        self._phase = Phase.CLOSE_RECEIVED
        # RFC 6455 section 5.5.1: the answer has the code that was received.
        self.close(code)

    def _endpoint_failed(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close because of the program's mistake."""
        if self.handler is not None and typ is not asyncio.CancelledError:
            self.handler.log_exception(typ, value, tb)
        self._abort()

    # -- output

    def _may_write(self, policy: str) -> bool:
        """Whether a message is to be sent although something stands in the way.

        :raises WebSocketClosedError: the connection is closed or closing, or is closed now.
        """
        if self._obstacles & CLOSING:
            raise WebSocketClosedError("the websocket is closed")
        limit = self.params.max_write_buffer_size
        if limit is None or policy == "wait" or self._kept_size() <= limit:
            return True
        if policy == "drop":
            self._dropped += 1
            return False
        gen_log.info("websocket of %s: closed, the peer doesn't read", self._peer())
        # RFC 6455 section 7.4.1: the code for what no other code fits.
        self.close_code = 1008
        self._abort()
        raise WebSocketClosedError("the peer doesn't read what is sent to it")

    def _kept_size(self) -> int:
        """Return how many bytes are kept for the peer, 0 as long as that's a few."""
        return self.stream.write_buffer_size if self._obstacles & CHOKED else 0

    def _send(self, data: bytes) -> asyncio.Future[None]:
        try:
            if self.stream.send(data):
                return self._settled or self._settle()
            rest: asyncio.Future[None] = self.stream.write(b"")
            return rest
        except StreamClosedError:
            return self._failed(WebSocketClosedError("the websocket is closed"))

    def _emit(self, data: bytes) -> asyncio.Future[None]:
        """Send, or collect while input is used."""
        out = self._out
        if out is None:
            return self._send(data)
        out.append(data)
        self._out_size += len(data)
        if self._out_size > CORK_LIMIT or len(out) > MAX_CORKED:
            return self._flush(out)
        return self._settled or self._settle()

    def _flush(self, out: list[bytes]) -> asyncio.Future[None]:
        """Send what was collected, and go on collecting."""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self._out_size = 0
        return self._send(data)

    def _settle(self) -> asyncio.Future[None]:
        """Return the future that stands for all writes that were done at once."""
        self._settled = self._loop.create_future()
        self._settled.set_result(None)
        return self._settled

    def _failed(self, error: Exception) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        future.set_exception(error)
        future.exception()
        return future

    # -- the end

    @abc.abstractmethod
    def _answer_close(self, code: int | None) -> None:
        """Send the close frame that answers the peer's."""

    @abc.abstractmethod
    def _fail(self, violation: ProtocolViolation) -> None:
        """Close because the peer broke the protocol."""

    def _begin_closing(self) -> None:
        """Wait for the peer to close; messages that still come aren't wanted."""
        self._phase = Phase.CLOSE_SENT
        self._obstacles |= CLOSING
        if self._inbox:
            self._inbox.clear()
            self._inbox_size = 0
        self._go_on(INBOX_FULL)
        self._disarm()
        self._arm(CLOSE_TIMEOUT)

    def _finish_closing(self) -> None:
        self._phase = Phase.CLOSED
        self._obstacles |= CLOSING
        self._disarm()
        # Otherwise that's done when what was collected is sent.
        if self._out is None:
            self._close_stream()

    def _close_stream(self) -> None:
        stream = self.stream
        if stream.closed() or self._lingering == LINGERS:
            return
        if not stream.write_buffer_size:
            if self._lingering == AT_ONCE or not self._linger(stream):
                stream.close()
        elif self._timer is None:
            # A peer that doesn't read what is left has the time of the handshake for it.
            self._arm(CLOSE_TIMEOUT)
            stream.write(b"").add_done_callback(lambda _: self._close_stream())

    def _linger(self, stream: IOStream) -> bool:
        """Wait for a peer that may still be sending to close its side.

        If the socket were closed, the system would answer what comes with a reset, and the peer
        might never read why the connection ends.

        :returns: false if that can't be done.
        """
        if isinstance(stream, SSLIOStream):
            return False
        try:
            stream.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        self._lingering = LINGERS
        if self._timer is None:
            self._arm(CLOSE_TIMEOUT)
        stream.resume_reading()
        return True

    def _abort(self) -> None:
        """Close the connection without the closing handshake."""
        self._phase = Phase.CLOSED
        self._obstacles |= CLOSING
        self._release()
        self.stream.close()

    def _arm(self, delay: float) -> None:
        self._timer = self._loop.call_later(delay, self._abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _peer(self) -> object:
        """Return who is at the other end, for messages of the log."""
        try:
            return self.stream.socket.getpeername()
        except OSError:
            return "(gone)"


def _as_future(waiting: Any) -> asyncio.Future[Any] | None:
    """Return what has to be awaited, `None` if it's nothing."""
    try:
        return gen.convert_yielded(waiting)
    except gen.BadYieldError:
        # Programs have always been free to return what they like.
        return None


def _has_failed(future: asyncio.Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None
