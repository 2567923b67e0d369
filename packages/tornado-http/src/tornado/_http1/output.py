"""The side of an HTTP/1.1 connection that writes messages: heads, framing, and how they leave."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado._callbacks import deliver_result
from tornado._http1 import grammar, writer
from tornado._http1.deadlines import NEVER, DeadlineSweep
from tornado._http1.params import HTTP1ConnectionParameters
from tornado._http1.unsent import count_unsent
from tornado._http1.writer import BODY_LINES, STATUS_LINES, WITHOUT_BODY
from tornado._httputil.headers import DECIMALS, SMALL, FieldValues
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError
from tornado.log import gen_log

if TYPE_CHECKING:
    from tornado._http1.server import HTTP1ServerConnection

CORK_LIMIT = 16384  # bytes of output that are collected before they are sent all the same
SENDS_IN_A_ROW = 16  # after so many the rest of the program has its turn
MIN_PROGRESS = 1024  # bytes that a peer has to take in each ``write_timeout``


class Output(enum.IntEnum):
    """How far this side's message has come."""

    NONE = 0
    RAW = 1  # the caller writes its own head (documented API version 2.x)
    BODY = 2
    DONE = 3


# Names of a module are found quicker than members of a class.
NONE, RAW, BODY, DONE = Output.NONE, Output.RAW, Output.BODY, Output.DONE

NO_REQUEST = RequestStartLine("", "", "HTTP/1.1")

CHUNKED = ("Transfer-Encoding: chunked",)
_line_with_body = BODY_LINES.get


class MessageOutput(HTTPConnection):
    """What a connection knows of the message that it writes, and does with it.

    While input is processed (``_corked``), output is collected, and leaves in one piece; soon
    after that, with what other connections have to send.
    """

    # Connection.
    stream: IOStream
    is_client: bool
    params: HTTP1ConnectionParameters
    context: object
    deadline: float
    _sweep: DeadlineSweep | None
    _server: HTTP1ServerConnection | None
    _corked: bool
    _out: bytes | bytearray | None
    _resolved: asyncio.Future[None] | None
    # When the peer has to have taken more of what waits for it; how much has waited since then.
    write_deadline = NEVER
    _waiting = 0
    _sends = 0

    # Message.
    _request: RequestStartLine
    _output: Output
    _keep_alive: bool
    # Whether the framing of the answer is a matter of the answer alone: the request is one of
    # HTTP/1.1 that can have a body for its answer, and whose own body isn't waited for.
    _is_plain: bool
    _chunked: bool
    _drops_body: bool
    _unwritten: int | None
    _continue_pending: bool

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> asyncio.Future[None]:
        """Begin this side's message.

        Without ``Content-Length`` and ``Transfer-Encoding`` the connection chooses the framing that
        the peer understands.

        :arg start_line: of a request (clients) or a response. Before a response there may be
            interim ones (codes below 200); clients that speak HTTP/1.0 don't get them.
        :arg headers: the header fields.
        :arg chunk: the first bytes of the body.
        :arg callback: called when all has been given to the system (documented API version 4.x).
        :returns: a future that resolves when all has been given to the system, with
            `~tornado.iostream.StreamClosedError` if the
            connection is closed.
        :raises HTTPOutputError: a header would break the framing, or ``chunk`` is more than
            ``Content-Length``.
        """
        if callback is not None:
            return _told(self.write_headers(start_line, headers, chunk), callback)
        line: str | None
        if (
            chunk
            and self._is_plain
            and self._keep_alive
            and self._output is NONE
            and (line := _line_with_body(start_line)) is not None
            and (values := headers._values).get("Content-Length")
            == (DECIMALS[size] if (size := len(chunk)) < SMALL else str(size))
            and "Connection" not in values
            and "Transfer-Encoding" not in values
        ):
            # Most answers are like that: all of the body is here, and nothing is to be decided.
            self._unwritten = 0
            self._chunked = self._drops_body = False
            head = writer.serialize_head(line, headers) + chunk
            chunk = None
        elif isinstance(start_line, RequestStartLine):
            head = self._request_head(start_line, headers)
        else:
            _, code, reason = start_line
            line = STATUS_LINES.get((code, reason)) or writer.status_line(code, reason)
            if code < 200 and code != 101:
                return self._write_interim(line, headers)
            head = self._response_head(line, code, headers)
        if chunk:
            head += self._format_body(chunk)
        self._output = BODY
        if self._corked and self._out is None and len(head) <= CORK_LIMIT:
            # What `_emit` does first of all, without a call.
            self._out = head
            return self._resolved or self._resolve()
        return self._emit(head)

    def _write_interim(self, line: str, headers: HTTPHeaders) -> asyncio.Future[None]:
        if self._output is not NONE:
            raise HTTPOutputError("the head of the response was written already")
        if self._request[2] != "HTTP/1.1":
            # RFC 9110 section 15.2: HTTP/1.0 knows no interim responses.
            return self._resolved or self._resolve()
        return self._emit(writer.serialize_head(line, headers))

    def write(
        self, chunk: bytes, callback: Callable[[], Any] | None = None
    ) -> asyncio.Future[None]:
        """Write some of the body.

        Without a call of `write_headers` before it, the bytes are sent as they are: a head that the
        caller made (documented API
        version 2.x).

        :arg callback: called when it has been given to the system (documented API versions 2.x to
            4.x).
        :returns: as `write_headers`.
        :raises HTTPOutputError: it is more than ``Content-Length`` announced, or the message has
            none.
        """
        if callback is not None:
            return _told(self.write(chunk), callback)
        if self._output is BODY:
            return self._emit(self._format_body(chunk))
        if self._output is DONE:
            raise HTTPOutputError("write() after finish()")
        self._output = RAW
        return self._emit(chunk)

    @property
    def can_write_files(self) -> bool:
        """Whether `write_file` can be used for the present message.

        .. versionadded:: 6.100
        """
        return self.stream.sends_files and self._unwritten is not None and not self._drops_body

    def write_file(self, fd: int, start: int, size: int) -> asyncio.Future[None]:
        """Write a part of a file as some of the body, without its bytes passing through the
        program.

        :arg fd: descriptor of a regular file; it can be closed as soon as this has returned.
        :arg start: the first byte of the part.
        :arg size: number of bytes.
        :returns: a future that resolves when all has been given to the system, with
            `~tornado.iostream.StreamClosedError` if the connection is closed.
        :raises HTTPOutputError: `can_write_files` is false, or it is more than ``Content-Length``
            announced.

        .. versionadded:: 6.100
        """
        if self._output is not BODY or not self.can_write_files:
            raise HTTPOutputError("this message can't have a file as its body")
        if self._unwritten is None or size > self._unwritten:
            raise HTTPOutputError("more was written than Content-Length announced")
        self._unwritten -= size
        self.flush_output()
        try:
            future = self.stream.send_file(fd, start, size)
        except StreamClosedError as error:
            return _failed(error)
        if not future.done():
            self._watch_progress(size)
        return future

    def _end_body(self) -> None:
        """Write what ends the body.

        :raises HTTPOutputError: less was written than ``Content-Length`` announced, although the
            peer is still there.
        """
        if self._unwritten and not self.stream.closed():
            raise HTTPOutputError(f"{self._unwritten} bytes less than Content-Length were written")
        if self._chunked:
            self._emit(writer.LAST_CHUNK)

    # -- heads and framing

    def _request_head(self, start_line: RequestStartLine, headers: HTTPHeaders) -> bytes:
        if not self.is_client:
            raise HTTPOutputError("a server answers requests, and writes none")
        method, target, _ = start_line
        line = f"{method} {target} HTTP/1.1"
        try:
            grammar.parse_request_line(line)
        except HTTPInputError as error:
            raise HTTPOutputError(f"invalid request line {line[:80]!r}") from error
        values = headers._values
        self._request = start_line
        self._drops_body = False
        length = values.get("Content-Length")
        coding = values.get("Transfer-Encoding")
        if coding is not None:
            return self._coded_request_head(line, headers, coding, length)
        self._unwritten = None if length is None else _announced(length)
        # RFC 9112 section 6.1: chunked unless the length is known; methods whose content has no
        # meaning get none.
        self._chunked = length is None and method in ("POST", "PUT", "PATCH")
        return writer.serialize_head(line, headers, CHUNKED if self._chunked else ())

    def _coded_request_head(
        self,
        line: str,
        headers: HTTPHeaders,
        coding: str | list[str],
        length: str | list[str] | None,
    ) -> bytes:
        """Format the head of a request whose caller has chosen the transfer coding."""
        # RFC 9112 section 6.2: never both.
        if length is not None:
            raise HTTPOutputError("a request has either Content-Length or Transfer-Encoding")
        self._unwritten = None
        self._chunked = type(coding) is str and coding.lower() == "chunked"
        return writer.serialize_head(line, headers)

    def _response_head(self, line: str, code: int, headers: HTTPHeaders) -> bytes:
        if self._output is not NONE:
            raise HTTPOutputError("the head of the response was written already")
        method, _, version = self._request
        is_tunnel = method == "CONNECT" and 200 <= code < 300
        extra = self._choose_framing(code, headers._values, is_tunnel)
        if self._continue_pending:
            # RFC 9110 section 10.1.1: it is open whether the body will come, so nothing can follow.
            self._continue_pending = False
            self._keep_alive = False
        if "Connection" in headers._values:
            if code != 101:
                headers = self._agree_on_end(headers)
        elif not self._keep_alive:
            extra = (*extra, "Connection: close")
        elif version != "HTTP/1.1":
            extra = (*extra, "Connection: keep-alive")
        if is_tunnel:
            # What follows is no message of HTTP.
            self._keep_alive = False
        return writer.serialize_head(line, headers, extra)

    def _choose_framing(self, code: int, values: FieldValues, is_tunnel: bool) -> tuple[str, ...]:
        """Decide how the end of the response's body is found, and return what its head has to say
        of that (RFC 9112 section 6.3)."""
        method, _, version = self._request
        length = values.get("Content-Length")
        self._drops_body = self._chunked = False
        self._unwritten = None
        if method == "HEAD":
            self._drops_body = True
        elif code in WITHOUT_BODY:
            self._unwritten = 0
        elif length is not None:
            if type(length) is str and length.isdecimal() and length.isascii():
                self._unwritten = int(length)
            else:
                self._unwritten = _announced(length)
            if "Transfer-Encoding" in values:
                # RFC 9112 section 6.2: never both.
                raise HTTPOutputError("a response has either Content-Length or Transfer-Encoding")
        elif is_tunnel or "Transfer-Encoding" in values:
            # The caller does it, or (RFC 9110 section 9.3.6) nobody does.
            pass
        elif version == "HTTP/1.1":
            self._chunked = True
            return CHUNKED
        else:
            # Rule 8: the end of the connection ends the body.
            self._keep_alive = False
        return ()

    def _agree_on_end(self, headers: HTTPHeaders) -> HTTPHeaders:
        """Let the caller's ``Connection`` field end the connection, or else say that it ends
        (RFC 9112 section 9.6)."""
        options = grammar.connection_options(headers._values["Connection"])
        if "close" in options:
            self._keep_alive = False
        elif not self._keep_alive:
            headers = headers.copy()
            headers["Connection"] = ", ".join((*sorted(options - {"keep-alive"}), "close"))
        return headers

    def _format_body(self, chunk: bytes) -> bytes:
        if self._drops_body:
            return b""
        if self._unwritten is not None:
            if len(chunk) > self._unwritten:
                raise HTTPOutputError("more was written than Content-Length announced")
            self._unwritten -= len(chunk)
            return chunk
        if self._chunked:
            return writer.format_chunk(chunk) if chunk else b""
        return chunk

    # -- sending

    def _emit(self, data: bytes) -> asyncio.Future[None]:
        """Send ``data``, or collect it while input is being processed."""
        out = self._out
        if not self._corked:
            if out is not None:
                self._out = None
                data = b"".join((out, data))
            return self._send_fairly(data)
        if out is None:
            if len(data) > CORK_LIMIT:
                return self._send_fairly(data)
            # It can't change any more.
            self._out = data if type(data) is bytes else bytes(data)
        elif len(out) + len(data) > CORK_LIMIT:
            self._out = None
            return self._send_fairly(b"".join((out, data)))
        elif type(out) is bytearray:
            out += data
        else:
            # There may be many pieces, and few bytes in each.
            self._out = out = bytearray(out)
            out += data
        return self._resolved or self._resolve()

    def flush_output(self) -> None:
        """Send what was collected: it's time, or the stream is about to be used past this
        connection (`tornado.iostream.StreamReceiver`)."""
        out = self._out
        if out is not None:
            self._out = None
            self._send(out)

    def _send_fairly(self, data: bytes | bytearray) -> asyncio.Future[None]:
        """Send, and make whoever writes without end to a quick reader wait for the others once in a
        while."""
        future = self._send(data)
        self._sends += 1
        if self._sends % SENDS_IN_A_ROW or not future.done():
            return future
        loop = asyncio.get_running_loop()
        later: asyncio.Future[None] = loop.create_future()
        loop.call_soon(_pass_on, future, later)
        return later

    def _send(self, data: bytes | bytearray) -> asyncio.Future[None]:
        try:
            if not data or self.stream.send(data):
                return self._resolved or self._resolve()
            self._watch_progress(len(data))
            # Something is kept back: a future that resolves when it is gone.
            rest: asyncio.Future[None] = self.stream.write(b"")
            return rest
        except StreamClosedError as error:
            return _failed(error)
        except AttributeError:
            if self.stream is not None:
                raise
            return _failed(StreamClosedError())

    def _resolve(self) -> asyncio.Future[None]:
        """Return the future that stands for all writes that were done at once."""
        if self._server is not None:
            self._resolved = self._server.resolved
        else:
            self._resolved = asyncio.get_running_loop().create_future()
            self._resolved.set_result(None)
        return self._resolved

    # -- peers that don't take what they asked for

    def on_deadline(self) -> None:
        """The peer had its time (`tornado._http1.deadlines.HasDeadline`)."""
        if not self._makes_progress():
            gen_log.info("Timeout writing to %s", self.context)
            self.stream.close()

    def _watch_progress(self, added: int) -> None:
        """Something waits for the peer to take it: see to it that it does."""
        if self.write_deadline == NEVER:
            self._waiting = count_unsent(self.stream)
            self._set_write_deadline()
        else:
            self._waiting += added

    def _set_write_deadline(self) -> None:
        timeout = self.params.write_timeout
        if timeout is not None:
            self.write_deadline = self._get_sweep(timeout).after(timeout)

    def _makes_progress(self) -> bool:
        """Look whether the peer took enough since the write deadline was set, and set it anew."""
        if not self.stream.write_buffer_size:
            self.write_deadline = NEVER
            return True
        waiting = count_unsent(self.stream)
        if self._waiting - waiting < MIN_PROGRESS:
            return False
        self._waiting = waiting
        self._set_write_deadline()
        return True

    def _get_sweep(self, timeout: float) -> DeadlineSweep:
        """Return the sweep that watches the connection; a connection on its own has its own one."""
        if self._sweep is None:
            self._sweep = DeadlineSweep(min(timeout, self.params.shortest_timeout))
            self._sweep.watch(self)
        return self._sweep


def _announced(length: str | list[str]) -> int:
    """Return the length that the program announces."""
    try:
        return grammar.parse_content_length(length)
    except HTTPInputError as error:
        raise HTTPOutputError(str(error)) from error


def _told(future: asyncio.Future[None], callback: Callable[[], Any]) -> asyncio.Future[None]:
    deliver_result(future, callback, with_result=False)
    return future


def _pass_on(future: asyncio.Future[None], later: asyncio.Future[None]) -> None:
    """Let one future have what the other one has."""
    if later.done():
        return
    error = future.exception()
    if error is None:
        later.set_result(None)
    else:
        later.set_exception(error)
        later.exception()


def _failed(error: StreamClosedError) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    # The traceback has frames in it that know the future.
    future.set_exception(error.with_traceback(None))
    # Whoever waits for it gets it; if nobody does, it is no news.
    future.exception()
    return future
