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
import functools
import sys
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from types import CoroutineType, TracebackType
from typing import Any

from tornado._ioloop.futures import begin_later
from tornado._websocket.closing import CLOSE_TIMEOUT, CLOSING, Ending
from tornado._websocket.errors import ProtocolViolation, WebSocketClosedError
from tornado._websocket.interfaces import Phase, Reader
from tornado._websocket.params import ConnectionParams
from tornado._websocket.shared import SharedMessage
from tornado._websocket.waiting import as_future, pending
from tornado.iostream import IOStream, StreamClosedError
from tornado.log import gen_log

# Bytes that are read at once: a message of 64 KiB, with its head.
READ_SIZE = 65536 + 64
CORK_LIMIT = 65536  # bytes of output that are collected before they are sent all the same
MAX_CORKED = 256  # frames, likewise
MAX_INBOX = 64  # messages that wait for the endpoint before reading is halted
MAX_INBOX_SIZE = 65536  # bytes, likewise
MAX_ASIDES = 64  # coroutines for control frames that run, likewise

# Reasons why reading is halted.
INBOX_FULL = 1
OUTPUT_FULL = 2
OTHERS_TURN = 4
ASIDES_FULL = 8

# Obstacles for writing, beside `CLOSING`.
CHOKED = 2
BACKLOG = 4

# Names of a module are found quicker than members of a class.
_OPEN, _CLOSED = Phase.OPEN, Phase.CLOSED


class WebSocketProtocol(Ending):
    """A version of the protocol, on one connection.

    Programs find it as `WebSocketHandler.ws_connection`.

    :arg handler: what is called with messages: a handler, or a client's connection.
    :arg params: settings.
    """

    __slots__ = (
        "__weakref__",
        "_asides",
        "_context",
        "_dropped",
        "_halts",
        "_has_eof",
        "_inbox",
        "_inbox_size",
        "_is_lost",
        "_last_words",
        "_out_size",
        "_reader",
        "_settled",
        "_worker",
        "close_code",
        "close_reason",
        "handler",
        "params",
    )

    #: Whether the endpoint gets what has come before it's told that the connection is lost. Servers
    #: learn of it at once, so that they don't work for nobody.
    delivers_rest = False

    _context: Context

    def __init__(self, handler: Any, params: ConnectionParams | None = None) -> None:
        super().__init__()
        self.handler: Any = handler
        self.params = params or ConnectionParams()
        self.close_code: int | None = None
        self.close_reason: str | None = None
        # Input.
        self._halts = 0
        self._inbox: deque[str | bytes] | None = None
        self._inbox_size = 0
        self._worker: asyncio.Task[None] | None = None
        self._asides: set[asyncio.Task[None]] | None = None
        self._last_words: tuple[int | None, str | None] | None = None
        self._is_lost = False
        self._has_eof = False
        # Output.
        self._out_size = 0
        self._dropped = 0
        self._settled: asyncio.Future[None] | None = None

    # -- for programs

    @property
    @abc.abstractmethod
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was agreed upon."""

    @property
    def dropped_messages(self) -> int:
        """How many messages were not sent because the peer reads too slowly."""
        return self._dropped

    async def accept_connection(self, handler: Any) -> None:
        """Answer the handshake that a server's handler has got, and open the websocket.

        :arg handler: the handler.
        :raises HandshakeError: it's no valid handshake.
        """
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
        """Send a message.

        :arg message: text, bytes, or a dictionary, which is sent as JSON.
        :arg binary: send it as a binary message.
        :returns: a future that resolves when it has been given to the system.
        """

    @abc.abstractmethod
    def write_ping(self, data: bytes) -> None:
        """Send a ping.

        :arg data: at most 125 bytes.
        """

    @abc.abstractmethod
    def start_pinging(self) -> None:
        """Begin with the pings that find dead connections, if they're wanted."""

    @abc.abstractmethod
    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin or answer the closing handshake, and close the connection when it's done.

        :arg code: close code.
        :arg reason: text, at most 123 bytes.
        """

    def write_shared(self, shared: SharedMessage) -> None:
        """Send a message that goes to others too, if it can go at once."""
        with contextlib.suppress(WebSocketClosedError):
            self.write_message(shared.payload, shared.binary)

    def set_nodelay(self, x: bool) -> None:
        """Send small messages at once, or let the system collect them for a moment.

        :arg x: true for at once.
        """
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
        stream.read_chunk_size = max(stream.read_chunk_size, READ_SIZE)
        # The connection may be closed while the loop isn't running.
        self._loop = stream.io_loop.asyncio_loop
        self._reader: Reader = reader
        # Replaced when the endpoint has opened.
        self._set_context(copy_context())

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
                self.on_endpoint_error(*sys.exc_info())
        # What was set in the context by opening stands there for messages.
        self._set_context(copy_context())
        if waiting is not None:
            self._context.run(self._wait_for, waiting)
        if self._phase == Phase.OPEN:
            self.start_pinging()

    def _set_context(self, context: Context) -> None:
        self._context = context
        self.stream.run_in(context)

    # -- the stream's receiver

    def data_received(self, data: bytes) -> None:
        """Use the bytes that have come (`tornado.iostream.StreamReceiver`)."""
        out: list[bytes] = []
        self._out = out
        try:
            is_behind = self._reader.feed(data)
        except ProtocolViolation as violation:
            self._fail(violation)
            is_behind = False
        self._out = None
        if out:
            self._out_size = 0
            try:
                self.stream.send(out[0] if len(out) == 1 else b"".join(out))
            except StreamClosedError:
                # The endpoint is about to be told.
                return
        if is_behind or self._obstacles:
            self._after_use(is_behind)

    def _after_use(self, is_behind: bool) -> None:
        if self._phase is _CLOSED:
            self._close_stream()
        elif is_behind and not self._halts:
            self._halt(OTHERS_TURN)
            self._loop.call_soon(self._continue, context=self._context)

    def eof_received(self) -> bool | None:
        """The peer sends nothing more (`tornado.iostream.StreamReceiver`)."""
        # It may have ceased to read as well; and what it sent is still to be dealt with.
        if self._timer is None:
            self._arm(CLOSE_TIMEOUT)
        self._has_eof = bool(self._inbox) and self._phase is _OPEN and not self.delivers_rest
        return self._has_eof

    def connection_lost(self, exc: BaseException | None) -> None:
        """The stream is closed (`tornado.iostream.StreamReceiver`)."""
        self._obstacles |= CLOSING
        self._disarm()
        if self.delivers_rest and self._inbox and self._phase is _OPEN:
            self._is_lost = True
            return
        self._end()

    def _end(self) -> None:
        """Tell the endpoint that the connection is closed."""
        self._phase = Phase.CLOSED
        self._is_lost = False
        if self._last_words is not None:
            self.close_code, self.close_reason = self._last_words
        self._release()
        endpoint, self.handler = self.handler, None
        if endpoint is not None:
            endpoint.on_ws_connection_close(self.close_code, self.close_reason)

    def _release(self) -> None:
        """Let go what an open connection needs."""
        self._reader.stop()
        self._inbox = None

    def _begin_closing(self) -> None:
        super()._begin_closing()
        if self._inbox:
            self._inbox.clear()
            self._inbox_size = 0
        self._go_on(INBOX_FULL | ASIDES_FULL)

    def _abort(self) -> None:
        if self._is_lost:
            self._end()
            return
        if self._out:
            self._flush(self._out)
        super()._abort()

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
            self._loop.call_soon(self._continue, context=self._context)

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
        if self._phase is not _OPEN:
            return
        if self._inbox is not None:
            self._put_off(self._inbox, message)
            return
        try:
            waiting = self.handler.on_message(message)
        except (Exception, asyncio.CancelledError):
            self.on_endpoint_error(*sys.exc_info())
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
        waiting = pending(waiting)
        if waiting is None:
            return
        self._inbox = deque()
        self._worker = begin_later(self._loop, self._work(waiting), self._context)

    async def _work(self, waiting: Any) -> None:
        """Wait for the endpoint, and give it what came meanwhile."""
        try:
            await waiting
            while (message := self._take_from_inbox()) is not None:
                waiting = self.handler.on_message(message)
                if waiting is None:
                    continue
                if type(waiting) is not CoroutineType:
                    waiting = as_future(waiting)
                if waiting is not None:
                    await waiting
        except asyncio.CancelledError:
            self._abort()
            raise
        except Exception as error:
            self._on_failure(error)
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
            self._end()
        elif self._phase is not _OPEN or self._last_words is None:
            if self._has_eof:
                self._finish_closing()
            self._go_on(INBOX_FULL)
        else:
            self.on_close_frame(*self._last_words)

    def _run_aside(self, waiting: Any) -> None:
        """See that something is awaited that messages need not wait for."""
        waiting = pending(waiting)
        if waiting is None:
            return
        tasks = self._asides
        if tasks is None:
            tasks = self._asides = set()
        task = begin_later(self._loop, self._await(waiting), self._context)
        tasks.add(task)
        task.add_done_callback(self._on_aside_done)
        if len(tasks) >= MAX_ASIDES and self._phase is _OPEN:
            self._halt(ASIDES_FULL)

    async def _await(self, waiting: Any) -> None:
        try:
            await waiting
        except asyncio.CancelledError:
            self._abort()
            raise
        except Exception as error:
            self._on_failure(error)

    def _on_aside_done(self, task: asyncio.Task[None]) -> None:
        if self._asides is not None:
            self._asides.discard(task)
        self._go_on(ASIDES_FULL)

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

    def on_endpoint_error(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close because of the program's mistake."""
        if typ is asyncio.CancelledError:
            self._abort()
            return
        if self.handler is not None:
            self.handler.log_exception(typ, value, tb)
        if self._phase is _OPEN and not self._is_lost and not self.stream.closed():
            self._apologize()
        else:
            self._give_up()

    def _on_failure(self, error: Exception) -> None:
        """Something that the endpoint awaits has failed."""
        if isinstance(error, WebSocketClosedError) and self._obstacles & CLOSING:
            # The connection has come to its end while something was sent.
            self._give_up()
        else:
            self.on_endpoint_error(type(error), error, error.__traceback__)

    def _give_up(self) -> None:
        """End a connection on which nothing else can be said."""
        # A closing handshake that has begun goes on, and takes only so long.
        if self._phase is not Phase.CLOSE_SENT:
            self._abort()

    @abc.abstractmethod
    def _apologize(self) -> None:
        """Close the connection, and tell the peer that it's not its fault."""

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

    def _send(self, data: bytes, payload: bytes | None = None) -> asyncio.Future[None]:
        """Send ``data``, and a payload that would be costly to join to it."""
        stream = self.stream
        try:
            if stream.send(data) if payload is None else stream.send_pieces((data, payload)):
                return self._settled or self._settle()
            written: asyncio.Future[None] = self._loop.create_future()
            stream.write(b"").add_done_callback(functools.partial(_pass_on, written))
            return written
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


def _pass_on(written: asyncio.Future[None], rest: asyncio.Future[None]) -> None:
    """Tell those who wait for a message to be written how that went on the stream."""
    if written.done():
        return
    error = rest.exception()
    if error is None:
        written.set_result(None)
        return
    closed = WebSocketClosedError("the websocket was closed before the message was sent")
    closed.__cause__ = error
    written.set_exception(closed)
    # Who doesn't wait for it doesn't want to know.
    written.exception()
