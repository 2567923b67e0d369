"""An HTTP/1.1 connection: between a stream, which has the bytes, and message delegates, which have
the meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tornado._callbacks import deliver_result
from tornado._http1 import grammar
from tornado._http1.callbacks import follow_answer
from tornado._http1.closing import CLOSING, GONE, LINGERING, OPEN
from tornado._http1.deadlines import NEVER
from tornado._http1.decompress import GunzipDelegate
from tornado._http1.flow import MAX_HELD, FlowControl
from tornado._http1.output import BODY, DONE, NO_REQUEST, NONE
from tornado._http1.params import HTTP1ConnectionParameters
from tornado._http1.reader import (
    BODY_UNTIL_CLOSE,
    COMPLETE,
    DEFAULT_MAX_BODY_SIZE,
    DETACHED,
    ENDING,
    HEAD,
    MessageReader,
)
from tornado._httputil.headers import FieldValues
from tornado._httputil.request import received_request
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError
from tornado.log import app_log, gen_log

MAX_INTERIM_RESPONSES = 10


class HTTP1Connection(FlowControl):
    """One TCP connection that speaks HTTP/1.x, as a server or as a client.

    A server's connection is driven by `HTTP1ServerConnection`. On its own the class carries one
    message each way after the other:
    a client calls `write_headers`, `write` and `finish` for its request and then `read_response`.

    :arg stream: a connected stream. The connection takes its input over.
    :arg is_client: whether requests are written and responses read.
    :arg params: limits and switches.
    :arg context: describes the peer; it is only kept for the connection's users.

    .. versionadded:: 4.0
    """

    def __init__(
        self,
        stream: IOStream,
        is_client: bool,
        params: HTTP1ConnectionParameters | None = None,
        context: object | None = None,
    ) -> None:
        # Connection.
        self.stream = stream
        self.is_client = is_client
        self.params = params = params or HTTP1ConnectionParameters()
        self.context = context
        self.no_keep_alive = params.no_keep_alive
        self.deadline = NEVER
        self._sweep = None
        self._server = None
        self._reader = MessageReader(
            self,
            is_client=is_client,
            max_header_size=params.max_header_size,
            max_header_count=params.max_header_count,
            max_body_size=self._default_max_body_size,
            accept_bare_lf=_default(params.accept_bare_lf, is_client),
            accept_folded_lines=_default(params.accept_folded_lines, is_client),
        )
        self._phase = OPEN
        self._corked = False
        self._out: bytes | bytearray | None = None
        self._holds = 0
        self._resolved = None
        # Message: what is used for each one, which is quicker where an object has it of its own.
        self._delegate: HTTPMessageDelegate | None = None
        self._request = NO_REQUEST
        self._keep_alive = True
        self._is_plain = False
        self._chunked = self._drops_body = False
        self._unwritten = None
        self._close_callback: Callable[[], None] | None = None
        self._output = NONE
        self._continue_pending = False
        self._body_timeout: float | None = None
        self._discarded = 0
        self._answered_early = False

    # Connection. Seconds for the next request's head, and for the sweep to notice.
    _time_for_head = NEVER

    # Message. The defaults stand until a message sets something else.
    _interim_count = 0
    #: Called when a ``100 Continue`` has come (clients).
    continue_callback: Callable[[], None] | None = None

    @property
    def _default_max_body_size(self) -> int:
        limit = self.params.max_body_size
        if limit is not None:
            return limit
        return getattr(self.stream, "max_buffer_size", None) or DEFAULT_MAX_BODY_SIZE

    # -- the interface for users of the connection

    def read_response(
        self, delegate: HTTPMessageDelegate, callback: Callable[[None], Any] | None = None
    ) -> asyncio.Future[None]:
        """Read one message.

        A server on its own reads the next one when it has answered the last one.

        :arg delegate: is given the message.
        :arg callback: called with the future's result (documented API version 4.x).
        :returns: a future that resolves to `None` when the message has been read or the connection
            was closed; the delegate knows
            which by ``finish`` or ``on_connection_close``.
        :raises RuntimeError: another message is being read.
        """
        if self._read_future is not None or self._server is not None:
            raise RuntimeError("a message is being read already")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if callback is not None:
            deliver_result(future, callback)
        if self._phase is not OPEN or self.stream.closed():
            delegate.on_connection_close()
            future.set_result(None)
            return future
        self._read_future = future
        self._delegate = delegate
        if not self.is_client:
            self._reset_message()
        if self._reader.state == COMPLETE:
            self._reader.next_message()
        self._reader.request_method = self._request[0]
        self._start_message_deadline(self.params.header_timeout)
        self.start_receiving()
        self._advance()
        return future

    def start_receiving(self) -> None:
        """Take over the stream's input. `read_response` does it when it's called first."""
        self.stream.start_receiving(self)

    def is_reusable(self) -> bool:
        """Whether another message can be exchanged on this connection: it's open, at rest, and
        nothing unasked-for has come."""
        reader = self._reader
        state = reader.state
        return (
            self._phase is OPEN
            and not self.stream.closed()
            and (state == HEAD or (state == COMPLETE and not reader.has_rest))
            and reader._held is None
            and not self._eof_waits
            and self._output in (DONE, NONE)
        )

    @property
    def address(self) -> Any:
        """The peer's socket address, whatever a proxy says (documented API version 2.x)."""
        return getattr(self.context, "address", None)

    @property
    def has_finished(self) -> bool:
        """Whether this side's message was ended with `finish`, or has not begun.

        .. versionadded:: 6.100
        """
        return self._output in (NONE, DONE)

    @property
    def has_written_all(self) -> bool:
        """Whether as much of this side's body was written as ``Content-Length`` announced.

        .. versionadded:: 6.100
        """
        return self._unwritten == 0

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Set what is called if the peer goes away before this side's message is finished; `None`
        for nothing.

        It's for the present message alone: when that is finished already, it's for none.
        """
        is_over = (
            self._output is DONE
            or self._phase is GONE
            or (self._server is not None and self._reader.state == HEAD)
        )
        self._close_callback = None if is_over else callback

    def set_body_timeout(self, timeout: float) -> None:
        """Set the seconds in which the current message's body has to arrive, in place of the
        connection's parameter."""
        if not self._may_have_body:
            return
        self._body_timeout = timeout
        if self._sweep is not None:
            self._sweep.shorten(timeout)
        if self._reader.in_body:
            self._start_message_deadline(timeout)

    def set_max_body_size(self, max_body_size: int) -> None:
        """Set the limit in bytes of the current message's body, in place of the connection's
        parameter.

        It has to be called before the body: in the delegate's ``headers_received``.
        """
        if self._may_have_body:
            self._reader.max_body_size = max_body_size

    @property
    def _may_have_body(self) -> bool:
        """Whether a body is to come that belongs to the current message, not to one after it."""
        return self._server is None or self._reader.in_body

    @property
    def current_request(self) -> RequestStartLine | None:
        """The start line of the request that is under way (servers).

        .. versionadded:: 6.100
        """
        state = self._reader.state
        at_rest = state == HEAD and self._output in (NONE, DONE)
        return None if at_rest or state == DETACHED else self._request

    def detach(self) -> IOStream:
        """Give the stream to another protocol and have nothing to do with it any more.

        Bytes that came and were not used are back in the stream, and ``stream`` is `None`. It's
        allowed when the message that came has no further body.

        :raises RuntimeError: a part of the message's body has not come yet, or the stream was given
            away already.
        """
        if self.stream is None:
            raise RuntimeError("the stream belongs to another protocol already")
        if self._reader.in_body and self._reader.state != ENDING:
            raise RuntimeError("the body of the current message has not been read")
        self.flush_output()
        stream = self.stream
        self._phase = GONE
        self._reader.detach()
        stream.stop_receiving()
        stream.unread(self._reader.take_rest())
        # Whoever looks whether the connection is still one of HTTP finds that it has no stream.
        self.stream = None  # type: ignore[assignment]  # nothing is done with it any more
        # A handler that goes on with the stream knows its request, and so this connection.
        self._delegate = None
        self._close_callback = None
        self._forget()
        self._resolve_read()
        return stream

    def finish(self) -> None:
        """End this side's message.

        :raises HTTPOutputError: less was written than ``Content-Length`` announced; the connection
            is closed.
        """
        if (self._unwritten or self._chunked) and self._output is BODY:
            try:
                self._end_body()
            except HTTPOutputError:
                self._break_off()
                raise
        self._output = DONE
        if self.is_client:
            return
        if self._reader.state == COMPLETE:
            self._exchange_done()
        elif self._reader.in_body:
            self._finish_early()

    # -- input: the stream's receiver

    def data_received(self, data: bytes) -> None:
        """Use the bytes that have come (`tornado.iostream.StreamReceiver`)."""
        if self._phase is LINGERING:
            self._discard(len(data))
            return
        reader = self._reader
        self._corked = True
        try:
            reader.feed(data)
        except (Exception, asyncio.CancelledError) as error:
            self._give_up(error)
        finally:
            self._corked = False
        if self._out is not None:
            self.stream.flush_soon(self.flush_output)
        if self._phase is not OPEN:
            self._continue_closing()
        elif reader._held is not None and reader.held_size > MAX_HELD:
            self._pause_input()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The stream is closed (`tornado.iostream.StreamReceiver`)."""
        self._phase = GONE
        self._reader.abandon()
        delegate, self._delegate = self._delegate, None
        callback, self._close_callback = self._close_callback, None
        self._forget()
        try:
            if callback is not None and self._output is not DONE:
                callback()
        except (Exception, asyncio.CancelledError):
            app_log.error("Uncaught exception", exc_info=True)
        try:
            if delegate is not None:
                delegate.on_connection_close()
        except (Exception, asyncio.CancelledError):
            app_log.error("Uncaught exception", exc_info=True)
        self._resolve_read()

    # -- input: the reader's sink

    def on_head(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """A head has come (`tornado._http1.reader.MessageSink`)."""
        if self.is_client:
            if self._is_interim(start_line):
                return
            self._judge_response(start_line.version, headers)
        else:
            self._request = start_line  # type: ignore[assignment]  # it's a request's
            self._output = NONE
            self._judge_request(start_line[2], headers)
        if self._server is not None:
            delegate = self._server.start_request(self._server, self)
            self._begin_message(delegate, start_line, headers)
        elif self._delegate is not None:
            self._begin_message(self._delegate, start_line, headers)
        if self._continue_pending:
            self._expectation = headers._values["Expect"]
            if not self._holds:
                self._answer_expectation()

    def _begin_message(
        self,
        delegate: HTTPMessageDelegate,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
    ) -> None:
        """Give a head to who is to have the message, whose body has its time from now on."""
        reader = self._reader
        if self.params.decompress:
            size = self.params.chunk_size
            delegate = GunzipDelegate(delegate, size, reader, self._takes_body)
        self._delegate = delegate
        waiting = delegate.headers_received(start_line, headers)
        if waiting is not None:
            self._wait_for(waiting)
        if reader.state < ENDING:
            self._start_message_deadline(self._message_timeout)

    def _judge_request(self, version: str, headers: HTTPHeaders) -> None:
        """Look at what a head says of host and connection."""
        grammar.check_host(headers, version)
        values = headers._values
        connection = values.get("Connection")
        if connection is None:
            keep_alive = version == "HTTP/1.1"
        else:
            options = grammar.connection_options(connection)
            keep_alive = "close" not in options and (
                version == "HTTP/1.1" or "keep-alive" in options
            )
        self._keep_alive = keep_alive and not self.no_keep_alive
        self._continue_pending = (
            "Expect" in values and version == "HTTP/1.1" and self._reader.state < ENDING
        )
        self._is_plain = (
            version == "HTTP/1.1" and self._request[0] != "HEAD" and not self._continue_pending
        )

    def _is_interim(self, start_line: RequestStartLine | ResponseStartLine) -> bool:
        code = start_line[1]
        if not isinstance(code, int) or code >= 200 or code == 101:
            return False
        self._interim_count += 1
        if self._interim_count > MAX_INTERIM_RESPONSES:
            raise HTTPInputError(f"more than {MAX_INTERIM_RESPONSES} interim responses")
        if code == 100 and self.continue_callback is not None:
            self.continue_callback()
        return True

    def _judge_response(self, version: str, headers: HTTPHeaders) -> None:
        """Look at what a head says of the connection."""
        self._interim_count = 0
        values = headers._values
        options = grammar.connection_options(values.get("Connection"))
        # RFC 9112 section 6.1: where HTTP/1.0 has a transfer coding, its framing is in doubt.
        is_kept_open = version == "HTTP/1.1" or (
            "keep-alive" in options and "Transfer-Encoding" not in values
        )
        self._keep_alive = (
            is_kept_open
            and "close" not in options
            and self._reader.state != BODY_UNTIL_CLOSE
            and not self.no_keep_alive
        )

    def _answer_expectation(self) -> None:
        """RFC 9110 section 10.1.1: ask for the body, unless the answer is known already."""
        expectation, self._expectation = self._expectation, ""
        self._continue_pending = False
        self._reader.check_announced_length()
        if self._output is not NONE or self._phase is not OPEN:
            return
        if type(expectation) is not str or expectation.lower() != "100-continue":
            raise HTTPInputError("unknown expectation", status_code=417)
        self._emit(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Some of the body has come (`tornado._http1.reader.MessageSink`)."""
        delegate = self._delegate
        if delegate is None or (self._output is DONE and not self.is_client):
            self._discard(len(data))
            return
        if self._is_behind and self.stream.write_buffer_size > self._default_max_body_size:
            self._hold_for_peer()
        limit = self.params.chunk_size
        if len(data) > limit:
            self._deliver_in_pieces(delegate, data, limit)
            return
        waiting = delegate.data_received(data)
        if waiting is not None:
            self._wait_for(waiting)

    def on_request(self, start_line: RequestStartLine, values: FieldValues) -> None:
        """An ordinary request has come (`tornado._http1.reader.MessageSink`)."""
        server = self._server
        reader = self._reader
        self.deadline = NEVER
        if server is None or self.params.decompress:
            reader.postpone_end()
            self.on_head(start_line, HTTPHeaders._from_dict(values.copy()))
            return
        # Nothing in it has to be looked at.
        self._request = start_line
        self._output = NONE
        self._keep_alive = not self.no_keep_alive
        self._is_plain = True
        callback = server.request_callback
        if callback is not None:
            request = received_request(self, start_line, server)
            request._field_values = values
            result = callback(request)
            if result is not None:
                follow_answer(result, callback, server, self)
            return
        headers = _new_headers(HTTPHeaders)
        headers._values = values.copy()
        self._delegate = delegate = server.start_request(server, self)
        waiting = delegate.headers_received(start_line, headers)
        if waiting is not None:
            self._wait_for(waiting)
        if reader.state == COMPLETE:
            # It was neither answered nor given up.
            if reader._paused:
                reader.postpone_end()
            else:
                delegate.finish()

    def on_complete(self) -> None:
        """The message has ended (`tornado._http1.reader.MessageSink`)."""
        self.deadline = NEVER
        delegate = self._delegate
        if self.is_client or self._server is None:
            self._on_read_complete(delegate)
            return
        if self._output is DONE:
            self._exchange_done()
        elif delegate is not None:
            delegate.finish()

    def _on_read_complete(self, delegate: HTTPMessageDelegate | None) -> None:
        if self.is_client and self._interim_count:
            # An interim response is no message of its own: the real one follows.
            self._reader.next_message()
            return
        # The delegate may begin the next exchange at once, so all of this one has to be over.
        self._delegate = None
        future, self._read_future = self._read_future, None
        if self.is_client:
            if self._output is not BODY:
                self._reset_message()
            if not self._keep_alive and self._phase is OPEN:
                self._phase = CLOSING
        elif self._output is DONE and not self._keep_alive:
            self._close_in_order()
        try:
            if delegate is not None:
                delegate.finish()
        except BaseException:
            if self._read_future is None:
                # Both learn of the end that the connection comes to now.
                self._delegate, self._read_future = delegate, future
            raise
        if future is not None and not future.done():
            future.set_result(None)

    # -- the end of messages and connections

    def _exchange_done(self) -> None:
        """Request and response are both finished: make ready for what comes next."""
        self._delegate = None
        self._close_callback = None
        if not self._keep_alive:
            self._close_after_answer()
            return
        sweep = self._sweep
        if sweep is None or self._server is None:
            # The next message waits for `read_response`.
            return
        reader = self._reader
        if reader.ordinary:
            reader.state = HEAD
        else:
            # In its body there was no waiting for the client to take the answer.
            if self._is_behind:
                self._hold_for_peer()
            reader.next_message()
            self._reset_message()
            # Nothing is written until there's another request.
            self._output = DONE
        self.deadline = sweep.clock + self._time_for_head
        if not self._corked:
            self._advance()
        elif reader.has_rest:
            self._give_way()

    def _reset_message(self) -> None:
        self._output = NONE
        self._body_timeout = None
        self._discarded = 0
        self._answered_early = False
        self._unwritten = None
        self._chunked = False

    def _finish_early(self) -> None:
        """The answer stands before all of the request has come: read on without using it, or give
        up."""
        self._delegate = None
        self._answered_early = True
        if not self._keep_alive:
            self._linger(more_comes=True)
        elif self._reader._paused and self._holds:
            self._advance()

    def _end_failed_request(
        self, delegate: HTTPMessageDelegate, error: BaseException | None
    ) -> None:
        """Whoever answers a request for ``delegate`` has failed, or was cancelled."""
        present: object | None = self._delegate
        while present is not None and present is not delegate:
            # Some delegates stand before others.
            present = getattr(present, "_delegate", None)
        if isinstance(error, StreamClosedError) and self._phase is GONE:
            gen_log.debug("Client left before its answer: %s", self.context)
        elif present is not None:
            self._give_up(error)
        elif error is not None:
            # The exchange was over.
            app_log.error("Uncaught exception", exc_info=error)


_new_headers = HTTPHeaders.__new__


def _default(choice: bool | None, default: bool) -> bool:
    return default if choice is None else choice
