"""The end of an HTTP/1.1 connection, and how nothing that was said gets lost by it."""

from __future__ import annotations

import asyncio
import enum
import socket
from collections.abc import Callable

from tornado._http1 import writer
from tornado._http1.deadlines import NEVER
from tornado._http1.output import DONE, NONE, MessageOutput
from tornado._http1.reader import ENDING, FAILED, MessageReader
from tornado._httputil.dates import current_date
from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPMessageDelegate
from tornado.iostream import IOStream, SSLIOStream
from tornado.log import app_log, gen_log

# Bytes of a body nobody wants that are read before the connection is given up.
MAX_DISCARDED = 8388608
# What is wrong with messages whose rest is probably on its way; the same goes for bad bodies.
_TOO_MUCH = (413, 414, 431)
LINGER_TIME = 2.0  # seconds in which a peer may read an error before the connection is cut


class Phase(enum.IntEnum):
    """What the connection is good for."""

    OPEN = 0
    CLOSING = 1  # no more input is used; closed when the output is written
    LINGERING = 2  # input is dropped until the peer closes or a deadline strikes
    GONE = 3  # closed or detached


# Names of a module are found quicker than members of a class.
OPEN, CLOSING, LINGERING, GONE = Phase.OPEN, Phase.CLOSING, Phase.LINGERING, Phase.GONE


class ClosingConnection(MessageOutput):
    """What a connection does when it ends."""

    # Connection.
    no_keep_alive: bool
    _reader: MessageReader
    _phase: Phase
    _input_paused = False
    #: What was wrong with the peer's message, if the connection was given up for that.
    input_error: HTTPInputError | None = None

    # Message.
    _delegate: HTTPMessageDelegate | None
    _close_callback: Callable[[], None] | None
    _read_future: asyncio.Future[None] | None = None
    _discarded: int
    _body_timeout: float | None
    # The answer was finished before all of the request had come.
    _answered_early: bool
    _more_comes = False

    def close(self) -> None:
        """Close the connection at once. What the system doesn't take at once is lost."""
        if self._phase is GONE:
            return
        self._phase = GONE
        self._reader.abandon()
        self.stream.close()

    def end_soon(self) -> None:
        """Close the connection as soon as the request that is under way is answered; at once, if
        there is none.

        .. versionadded:: 6.100
        """
        self.no_keep_alive = True
        self._keep_alive = False
        if self._phase is not OPEN:
            return
        if self._answered_early:
            self._linger(more_comes=True)
        elif not self._reader.has_begun and self._output in (NONE, DONE):
            self._close_in_order()

    @property
    def is_lingering(self) -> bool:
        """Whether all was said and sent, and the connection is only open for the peer to see it.

        .. versionadded:: 6.100
        """
        return self._phase is LINGERING and not self.stream.write_buffer_size

    def _close_in_order(self) -> None:
        """Close as soon as all that was written has been sent."""
        self._phase = CLOSING
        self._reader.abandon()
        if not self._corked:
            self._continue_closing()

    def _close_after_answer(self) -> None:
        """Close as the answer has announced, which the peer may not have read before it sent
        more."""
        reader, stream = self._reader, self.stream
        more_came = reader.has_rest or reader.held_size
        if more_came or (not stream.closed() and stream.has_unread_input()):
            self._linger(more_comes=True)
        else:
            self._close_in_order()

    def on_deadline(self) -> None:
        """What had to come or go in time did not (`tornado._http1.deadlines.HasDeadline`)."""
        if self._sweep is None:
            return
        if self.write_deadline <= self._sweep.clock:
            super().on_deadline()
        if self.deadline > self._sweep.clock or self.stream.closed():
            return
        if not self._peer_is_due():
            self._start_message_deadline(self._message_timeout)
            return
        if self._reader.has_begun and self._phase is OPEN:
            gen_log.info("Timeout reading from %s", self._peer)
        self.close()

    @property
    def _peer(self) -> object:
        """Who has sent what no delegate answers for, or else whose request it is: behind a proxy,
        one connection carries those of many clients."""
        if self._delegate is None and self._server is not None:
            return self._server.context
        return self.context

    def _peer_is_due(self) -> bool:
        """Whether nothing but the peer is waited for; the time for its next request begins when it
        has taken the last answer, and for that there is a deadline of its own."""
        return self._reader.in_body or not self.stream.write_buffer_size

    @property
    def _message_timeout(self) -> float | None:
        if self._reader.in_body:
            return self._body_timeout or self.params.body_timeout
        return self.params.header_timeout

    def _start_message_deadline(self, timeout: float | None) -> None:
        self.deadline = NEVER if timeout is None else self._get_sweep(timeout).after(timeout)

    def _on_bad_input(self, error: HTTPInputError) -> None:
        """Answer what the peer got wrong, if an answer is possible, and end the connection."""
        gen_log.info("Malformed HTTP message from %s: %s", self._peer, error)
        self.input_error = _without_frames(error)
        # If it's not the reader who found it, it belongs to a request that may have its answer.
        is_answered = self._answered_early or (
            self._output is DONE and self._reader.state != FAILED
        )
        self._reader.abandon()
        if self.is_client or (self._output is not NONE and self._output is not DONE):
            self._break_off()
            return
        if is_answered:
            # Another answer would be taken for that of the next request.
            self._linger(more_comes=True)
            return
        code = error.status_code
        # RFC 9110 section 6.6.1: an answer has a Date.
        fields = HTTPHeaders._from_dict(
            {"Date": current_date(), "Content-Length": "0", "Connection": "close"}
        )
        self._output = DONE
        line = writer.status_line(code, writer.REASONS.get(code, "Refused"))
        self._emit(writer.serialize_head(line, fields))
        self._linger(more_comes=code in _TOO_MUCH or self._delegate is not None)

    def _give_up(self, error: BaseException | None = None) -> None:
        """End the exchange, because whoever was to use or answer the message failed.

        What was written for earlier requests still gets to the client. If the message was bad and
        nothing was said to it, the client is told so.

        :arg error: is logged, unless it's the peer's.
        """
        if isinstance(error, HTTPInputError):
            if self._phase is OPEN:
                self._on_bad_input(error)
            return
        if error is not None:
            app_log.error("Uncaught exception", exc_info=error)
        self._break_off()

    def _break_off(self) -> None:
        """End the connection without an answer to its last request."""
        if self.is_client:
            self.close()
        elif self._phase is OPEN:
            reader = self._reader
            self._linger(more_comes=reader.has_begun and reader.state < ENDING)

    def _linger(self, *, more_comes: bool) -> None:
        """Close so that the peer can still read the answer: a reset by unread input would destroy
        it.

        :arg more_comes: whether the peer is known to send more.
        """
        self._phase = LINGERING
        self._more_comes = more_comes
        self._reader.abandon()
        if self._input_paused:
            # Many peers take nothing before they have sent all.
            self._input_paused = False
            self.stream.resume_reading()
        if not self._corked:
            self._continue_closing()

    def _continue_closing(self) -> None:
        self.flush_output()
        stream = self.stream
        if self._phase is GONE or stream.closed():
            return
        if stream.write_buffer_size:
            stream.write(b"").add_done_callback(self._on_written)
        elif self._phase is CLOSING:
            stream.close()
        else:
            self._start_lingering()

    def _on_written(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled():
            future.exception()
        self._continue_closing()

    def _start_lingering(self) -> None:
        # TLS can't say that nothing more comes without ending both ways. So the peer isn't kept
        # waiting for that, but where it's busy sending, it has to see the answer first.
        is_shut = _shut_output(self.stream)
        if not is_shut and not (self._more_comes and isinstance(self.stream, SSLIOStream)):
            self.stream.close()
            return
        if self._sweep is not None:
            self._sweep.shorten(LINGER_TIME)
        self._start_message_deadline(LINGER_TIME)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > MAX_DISCARDED:
            self.close()

    def _resolve_read(self) -> None:
        future, self._read_future = self._read_future, None
        if future is not None and not future.done():
            future.set_result(None)

    def _forget(self) -> None:
        """Let go of everything that leads upwards."""
        if self._sweep is not None:
            self._sweep.forget(self)
            self._sweep = None
        self._resolved = None
        server, self._server = self._server, None
        if server is not None:
            server.on_connection_end()


def _without_frames(error: HTTPInputError) -> HTTPInputError:
    """Take from an error where it has been: the connection that keeps it was there."""
    part: BaseException | None = error
    while part is not None:
        part.__traceback__ = None
        part = part.__cause__ or part.__context__
    return error


def _shut_output(stream: IOStream) -> bool:
    """Tell the peer that nothing more comes, if the transport can say it while it still reads."""
    if isinstance(stream, SSLIOStream):
        return False
    try:
        stream.socket.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True
