"""A state machine that turns the bytes of HTTP/1.1 messages into calls on a sink.

Rules:

1. It does no I/O, has no clock and never waits. Bytes go in through `MessageReader.feed`; calls
come out.
2. Everything that decides where a message ends is in this file (RFC 9112 section 6).
3. Any split of the same bytes gives the same calls, but for where body data is cut.
4. After a message it stops until `MessageReader.next_message`; what has already come stays held.
5. After an `HTTPInputError` it takes nothing more.

The same machine reads requests (a server's side) and responses (a client's).
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from tornado._http1 import grammar
from tornado._http1.known import LONGEST_HEAD, find_known, remember
from tornado._httputil.headers import FieldValues
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    RequestStartLine,
    ResponseStartLine,
)

DEFAULT_MAX_HEADER_SIZE = 65536  # bytes
DEFAULT_MAX_HEADER_COUNT = 1000  # fields
DEFAULT_MAX_BODY_SIZE = 104857600  # bytes
MAX_CHUNK_LINE = 4096  # bytes of one chunk-size line with its extensions
MAX_LEADING_EMPTY_LINES = 16


# Where in a message the reader is. These are plain numbers, in the order in which a message goes
# through them, because they are compared several times for each message.
HEAD = 0
FIXED_BODY = 1
CHUNK_LINE = 2
CHUNK_DATA = 3
CHUNK_END = 4
TRAILERS = 5
BODY_UNTIL_CLOSE = 6
ENDING = 7  # all has been read, but the sink was not told yet
COMPLETE = 8
DETACHED = 9
FAILED = 10


class MessageSink(Protocol):
    """What a `MessageReader` calls."""

    def on_head(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """The head is complete and its framing is valid; the body follows."""

    def on_body(self, data: bytes) -> None:
        """Some of the body, after the transfer coding was taken off."""

    def on_complete(self) -> None:
        """The message has ended."""

    def on_request(self, start_line: RequestStartLine, values: FieldValues) -> None:
        """An ordinary request has come: head and end in one.

        Other requests may share the values of its header fields (`grammar.parse_request_fields`).
        A sink that isn't done with the head calls `MessageReader.postpone_end`.
        """


class MessageReader:
    """Read messages one after another.

    :arg sink: what is called with the parts of the messages.
    :arg is_client: read responses rather than requests.
    :arg max_header_size: limit in bytes of a head, and of a trailer section.
    :arg max_header_count: limit of the fields of a head, and of a trailer section.
    :arg max_body_size: limit in bytes of a body, transfer coding taken off.
    :arg accept_bare_lf: let lines of a head end in LF alone too, as RFC 9112 section 2.2 allows.
    :arg accept_folded_lines: let field lines that begin with white space continue the line before.
    """

    __slots__ = (
        "_accepts_bare_lf",
        "_accepts_folded_lines",
        "_data",
        "_default_max_body_size",
        "_held",
        "_longest_known",
        "_paused",
        "_position",
        "_remaining",
        "_scanned",
        "_sink",
        "has_rest",
        "is_client",
        "max_body_size",
        "max_header_count",
        "max_header_size",
        "ordinary",
        "received",
        "request_method",
        "state",
    )

    def __init__(
        self,
        sink: MessageSink,
        *,
        is_client: bool,
        max_header_size: int,
        max_body_size: int,
        max_header_count: int = DEFAULT_MAX_HEADER_COUNT,
        accept_bare_lf: bool = False,
        accept_folded_lines: bool = False,
    ) -> None:
        # None when the reader has stopped for good, so that nothing leads upwards any more; in such
        # a state no calls are made.
        self._sink: Any = sink
        self.is_client = is_client
        self.max_header_size = max_header_size
        self.max_header_count = max_header_count
        self._accepts_bare_lf = accept_bare_lf
        self._accepts_folded_lines = accept_folded_lines
        # How long a head may be that is looked up among the known ones: what others took, with
        # other limits, this reader may have to refuse. A field has four bytes at least.
        self._longest_known = min(LONGEST_HEAD, max_header_size, 4 * max_header_count)
        if is_client or accept_bare_lf or accept_folded_lines:
            self._longest_known = 0
        # Connection: bytes that were not used yet, and how far they were searched for the end of a
        # line or head.
        self._held: bytearray | None = None
        self._scanned = 0
        self._paused = False
        # What `feed` is at, while calls are made, and how much of it is used by then.
        self._data: bytes | None = None
        self._position = 0
        # Message.
        self.state = HEAD
        self.max_body_size = self._default_max_body_size = max_body_size
        self.received = 0
        self._remaining = 0
        # What the response is for (clients).
        self.request_method = ""
        # Whether something has come after the message that is complete.
        self.has_rest = False
        # Whether the message is an ordinary request of HTTP/1.1, which ends with its head, changes
        # nothing about the connection (`grammar.parse_request_fields`), and has an answer with a
        # body. After such a one there's nothing to get ready for the next, but the state.
        self.ordinary = False

    @property
    def in_body(self) -> bool:
        """Whether a head was read whose message has not ended."""
        return HEAD < self.state < COMPLETE

    @property
    def has_begun(self) -> bool:
        """Whether anything of the next message has come."""
        return self.state != HEAD or self._held is not None

    @property
    def held_size(self) -> int:
        """How many bytes came that were not used yet."""
        return len(self._held) if self._held is not None else 0

    def pause(self) -> None:
        """Make no further calls before `resume`; bytes that come meanwhile are held."""
        self._paused = True

    def resume(self) -> None:
        """End a `pause`. The caller feeds afterwards, ``b""`` if nothing new has come."""
        self._paused = False

    def next_message(self) -> None:
        """Get ready for the message after the one that is complete. The caller feeds afterwards."""
        self.state = HEAD
        self.received = 0
        self.max_body_size = self._default_max_body_size

    def postpone_end(self) -> None:
        """Have `MessageSink.on_complete` called after `MessageSink.on_request`, as soon as the
        reader isn't paused."""
        self.state = ENDING
        # Until then the message can be given limits of its own.
        self.ordinary = False

    def detach(self) -> None:
        """Stop for good, because another protocol takes over; `take_rest` gives it what is left."""
        self.state = DETACHED
        self._sink = None

    def take_rest(self) -> bytes:
        """Give away the bytes that were not used; also from inside a call that `feed` makes."""
        rest = bytes(self._held) if self._held is not None else b""
        if self._data is not None:
            rest = self._data[self._position :]
        self._held = self._data = None
        return rest

    def abandon(self) -> None:
        """Stop for good and drop what is held."""
        self.state = FAILED
        self._held = self._data = None
        self._sink = None

    def feed(self, data: bytes) -> None:
        """Use as much of ``data``, after what is held, as makes whole elements.

        :raises HTTPInputError: the bytes are no valid message. Nothing can be read afterwards.
        """
        held = self._held
        position, end = 0, len(data)
        if held is not None:
            held += data
            if not self._may_advance(held):
                return
            data = bytes(held)
            end = len(data)
            self._held = None
            self._scanned = 0
        elif end <= self._longest_known and self.state == HEAD and not self._paused:
            known = find_known(data)
            if known is not None:
                # A whole request that is like an earlier one, byte by byte.
                start_line, values = known
                self.ordinary = True
                self.has_rest = False
                self.received = 0
                self.state = COMPLETE
                self._sink.on_request(start_line, values)
                if self.state != ENDING:
                    return
                position = end
        self._data = data
        while not self._paused:
            state = self.state
            if state == ENDING:
                self.state = COMPLETE
                self._position = position
                self.has_rest = position < end
                self._sink.on_complete()
                continue
            if position == end or state >= COMPLETE:
                break
            consumed = _STEPS[state](self, data, position)
            if consumed == position and self.state < ENDING:
                break
            position = consumed
        self._data = None
        if position < end and self.state < DETACHED:
            self._held = bytearray(data[position:])
            self._scanned = 0

    def feed_eof(self) -> None:
        """The peer has ended its side.

        :raises HTTPInputError: in the middle of a message that needs more.
        """
        if self.state == BODY_UNTIL_CLOSE:
            self.state = COMPLETE
            self._sink.on_complete()
        elif self.state < ENDING and self.has_begun:
            raise self._failed("connection closed in the middle of a message")

    def _may_advance(self, held: bytearray) -> bool:
        """Whether it is worthwhile to look at the held bytes again, judged without copying them."""
        if self._paused or self.state >= COMPLETE:
            return False
        if self.state != HEAD and self.state != TRAILERS:
            return True
        start, self._scanned = self._scanned, max(0, len(held) - 3)
        if held[0] in _LINE_END:
            return held != b"\r"
        if self._accepts_bare_lf:
            if grammar.LENIENT_END.search(held, start):
                return True
        elif held.find(b"\r\n\r\n", start) >= 0:
            return True
        self._check_partial_block(held, 0, start)
        return False

    # -- heads

    def _read_head(self, data: bytes, position: int) -> int:
        if data[position] in _LINE_END:
            return self._skip_empty_lines(data, position)
        if self._accepts_bare_lf:
            end, after, head = grammar.find_lenient_end(data, position)
        else:
            end = data.find(b"\r\n\r\n", position)
            after = end + 4
            head = data[position : end + 2]
        if end < 0:
            self._check_partial_block(data, position, position)
            return position
        if end - position > self.max_header_size:
            raise self._too_large(data, position)
        line, _, block = head.decode("latin-1").partition("\r\n")
        if self._accepts_folded_lines and ("\n " in block or "\n\t" in block):
            # RFC 9112 section 5.2. The first line has none before it that it could continue.
            block = _FOLD.sub(" ", block)
        if len(block) > 2 * self.max_header_count:
            self._check_count(block)
        self.received = 0
        self._position = after
        try:
            if self.is_client:
                self._begin_response(line, block)
            else:
                # The line comes last, because it may be just of another version: what is wrong with
                # the fields was possibly noticed before the head was complete.
                values, is_ordinary = grammar.parse_request_fields(block)
                start_line = grammar.parse_request_line(line)
                method, _, version = start_line
                self.ordinary = is_ordinary and version == "HTTP/1.1" and method != "HEAD"
                if not self.ordinary:
                    self.state = self._frame_request(version, values)
                    self._sink.on_head(start_line, HTTPHeaders._from_dict(values.copy()))
                    self.check_announced_length()
        except HTTPInputError:
            self.state = FAILED
            raise
        if self.ordinary:
            if position == 0 and after == len(data) <= self._longest_known:
                remember(data, start_line, values)
            self.has_rest = after < len(data)
            self.state = COMPLETE
            self._sink.on_request(start_line, values)
        return after

    def _skip_empty_lines(self, data: bytes, position: int) -> int:
        """RFC 9112 section 2.2: empty lines before a start line are ignored, within reason."""
        start = position
        while True:
            if data.startswith(b"\r\n", position):
                position += 2
            elif self._accepts_bare_lf and data.startswith(b"\n", position):
                position += 1
            else:
                break
            self.received += 1
            if self.received > MAX_LEADING_EMPTY_LINES:
                raise self._failed("too many empty lines before a message")
        if position == start and data[position:] != b"\r":
            raise self._failed("bare CR or LF before a message")
        return position

    def _check_partial_block(self, data: bytes | bytearray, begin: int, start: int) -> None:
        """Refuse early what can't become a head or trailer section, so that nobody waits for the
        rest of it."""
        over = data[begin + self.max_header_size :]
        # The empty line that ends it doesn't count, of which three bytes may have come.
        if over and (len(over) > 3 or over.strip(b"\r\n")):
            raise self._too_large(data, begin)
        if not self._accepts_bare_lf and grammar.has_bare_line_end(data, start):
            raise self._failed("bare CR or LF in a header block")
        if not self.is_client and self.state == HEAD and data[begin] not in _FIRST_BYTES:
            raise self._failed("malformed request line")

    def _check_count(self, block: str) -> None:
        if block.count("\r\n") > self.max_header_count:
            raise self._failed("too many header fields", 431)

    def _too_large(self, data: bytes | bytearray, begin: int) -> HTTPInputError:
        """Make the error of a block beyond its limit; another mistake would have been found first,
        byte by byte."""
        block = data[begin : begin + self.max_header_size]
        if not self._accepts_bare_lf and grammar.has_bare_line_end(block):
            return self._failed("bare CR or LF in a header block")
        if self.state == HEAD and not self.is_client and b"\n" not in block:
            # RFC 9112 section 3: for a target that is too long there is a status of its own.
            if b" " in block:
                return self._failed("request target too long", 414)
            return self._failed("malformed request line")
        return self._failed("header block too large", 431)

    def _begin_response(self, line: str, block: str) -> None:
        start_line = grammar.parse_status_line(line)
        headers = grammar.parse_fields(block)
        self.state = self._frame_response(start_line.code, headers)
        self._sink.on_head(start_line, headers)
        self.check_announced_length()

    def check_announced_length(self) -> None:
        """Refuse a body whose announced length is beyond the limit.

        The sink may change the limit until the body begins, so nothing is refused in a `pause`.

        :raises HTTPInputError: 413.
        """
        if self._paused:
            return
        if self.state == FIXED_BODY and self._remaining > self.max_body_size:
            raise self._failed("body too large", 413)

    def _frame_request(self, version: str, values: FieldValues) -> int:
        """RFC 9112 section 6.3 for requests."""
        coding = values.get("Transfer-Encoding")
        length = values.get("Content-Length")
        if coding is not None:
            return self._frame_chunked(coding, length, version)
        if length is None:
            return ENDING
        return self._frame_fixed(grammar.parse_content_length(length))

    def _frame_response(self, code: int, headers: HTTPHeaders) -> int:
        """RFC 9112 section 6.3 for responses."""
        method = self.request_method
        if method == "HEAD" or code < 200 or code in (204, 304):
            return ENDING
        if method == "CONNECT" and code < 300:
            # Rule 2: what follows is no message of HTTP.
            return ENDING
        values = headers._values
        coding = values.get("Transfer-Encoding")
        if coding is not None:
            return self._frame_chunked(coding, values.get("Content-Length"), "HTTP/1.1")
        length = values.get("Content-Length")
        if length is None:
            return BODY_UNTIL_CLOSE
        return self._frame_fixed(grammar.parse_content_length(length))

    def _frame_fixed(self, length: int) -> int:
        self._remaining = length
        return FIXED_BODY if length else ENDING

    def _frame_chunked(
        self, coding: str | list[str], length: str | list[str] | None, version: str
    ) -> int:
        # RFC 9112 section 6.1: both together are an attempt at smuggling, and HTTP/1.0 has no
        # transfer codings.
        if length is not None:
            raise HTTPInputError("both Transfer-Encoding and Content-Length")
        if version == "HTTP/1.0":
            raise HTTPInputError("Transfer-Encoding in an HTTP/1.0 message")
        text = coding if type(coding) is str else ",".join(coding)
        if text.lower() != "chunked":
            codings = [item.strip(" \t").lower() for item in text.split(",")]
            # Chunked has to be the last coding and may be applied once; what is before it is
            # unknown to us.
            well_formed = codings[-1] == "chunked" and codings.count("chunked") == 1
            raise HTTPInputError(
                f"unsupported Transfer-Encoding {text[:80]!r}",
                status_code=501 if well_formed and all(codings) else 400,
            )
        return CHUNK_LINE

    # -- bodies

    def _read_fixed(self, data: bytes, position: int) -> int:
        take = min(self._remaining, len(data) - position)
        self._remaining -= take
        if not self._remaining:
            self.state = ENDING
        self._position = end = position + take
        self._deliver(data[position:end])
        return end

    def _read_until_close(self, data: bytes, position: int) -> int:
        self._count(len(data) - position)
        self._deliver(data[position:])
        return len(data)

    def _read_chunks(self, data: bytes, position: int) -> int:
        """Take all chunks that are there and deliver their data at once, so that tiny chunks cost
        little."""
        parts: list[bytes] = []
        position = self._collect_chunks(data, position, parts)
        self._deliver(parts[0] if len(parts) == 1 else b"".join(parts))
        return position

    def _collect_chunks(self, data: bytes, position: int, parts: list[bytes]) -> int:
        """Return how far chunks could be read into ``parts``: at most up to a mistake."""
        end = len(data)
        state = self.state
        try:
            while position < end and (state := self.state) < TRAILERS:
                if state == CHUNK_LINE:
                    line_end = self._find_chunk_line_end(data, position)
                    if line_end < 0:
                        break
                    self._begin_chunk(data[position:line_end])
                    position = line_end + 2
                elif state == CHUNK_DATA:
                    take = min(self._remaining, end - position)
                    parts.append(data[position : position + take])
                    position += take
                    self._remaining -= take
                    if not self._remaining:
                        self.state = CHUNK_END
                else:
                    if end - position < 2 and data[position] == 13:
                        break
                    if not data.startswith(b"\r\n", position):
                        raise self._failed("chunk data is not followed by CRLF")
                    position += 2
                    self.state = CHUNK_LINE
        except HTTPInputError:
            if not parts:
                raise
            # What comes before it may be answered, or waited for; then it's found again (rule 3).
            self.state = state
        return position

    def _find_chunk_line_end(self, data: bytes, position: int) -> int:
        line_end = data.find(b"\r\n", position, position + MAX_CHUNK_LINE + 2)
        if line_end < 0:
            if len(data) - position > MAX_CHUNK_LINE:
                raise self._failed("chunk-size line too long")
            if grammar.has_bare_line_end(data, position):
                raise self._failed("bare CR or LF in a chunk-size line")
        return line_end

    def _begin_chunk(self, line: bytes) -> None:
        try:
            size = grammar.parse_chunk_line(line)
            self._count(size)
        except HTTPInputError:
            self.state = FAILED
            raise
        self._remaining = size
        self.state = CHUNK_DATA if size else TRAILERS

    def _read_trailers(self, data: bytes, position: int) -> int:
        """RFC 9112 section 7.1.2: trailers are checked, and never become headers."""
        if data.startswith(b"\r\n", position):
            end = position
        else:
            end = data.find(b"\r\n\r\n", position)
            if end < 0:
                self._check_partial_block(data, position, position)
                return position
            if end - position > self.max_header_size:
                raise self._too_large(data, position)
            block = data[position : end + 2].decode("latin-1")
            self._check_count(block)
            try:
                trailers = grammar.parse_fields(block)
                if not self.is_client:
                    grammar.check_trailers(trailers)
            except HTTPInputError:
                self.state = FAILED
                raise
            end += 2
        self.state = ENDING
        return end + 2

    # -- shared

    def _count(self, size: int) -> None:
        self.received += size
        if self.received > self.max_body_size:
            self.received -= size
            raise self._failed("body too large", 413)

    def _deliver(self, data: bytes) -> None:
        if data:
            self._sink.on_body(data)

    def _failed(self, message: str, status_code: int = 400) -> HTTPInputError:
        self.state = FAILED
        return HTTPInputError(message, status_code=status_code)


_LINE_END = b"\r\n"
_FOLD = re.compile(r"[ \t]*+\r\n[ \t]++")

_FIRST_BYTES = frozenset(
    b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

# By state.
_STEPS = (
    MessageReader._read_head,
    MessageReader._read_fixed,
    MessageReader._read_chunks,
    MessageReader._read_chunks,
    MessageReader._read_chunks,
    MessageReader._read_trailers,
    MessageReader._read_until_close,
)
