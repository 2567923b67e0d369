"""What comes back for one request, as libcurl hands it over."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING, Any

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado._http1 import grammar
from tornado._http1.connection import MAX_INTERIM_RESPONSES
from tornado._httpclient.request import EffectiveRequest, close_unbegun
from tornado._httputil.pieces import keep_piece
from tornado._simple_client.codings import ContentDecoder
from tornado.httputil import HTTPHeaders, HTTPInputError

if TYPE_CHECKING:
    from tornado._curl_client.fetch import Fetch

MAX_HEAD_SIZE = 262144  # bytes of all heads that belong to one request
MAX_SKIPPED = 65536  # bytes of a body nobody wants that are read to keep the connection

# RFC 9112 section 4; the version of HTTP/2 and later has no minor number, and no reason phrase.
_STATUS_LINE = re.compile(r"HTTP/([0-9](?:\.[0-9])?) ([1-9][0-9]{2})(?: ([^\r\n]*))?\r?\n?")

#: What makes libcurl give a transfer up: fewer bytes than it has handed over.
STOP = -1


class Reception:
    """Collects a response, or hands it to those who want it piece by piece.

    libcurl shows every head that comes: those of interim responses, and those that it answers by
    itself to authenticate. The last one is the response's. It leaves the body's codings alone.

    :arg fetch: what it's for.
    :arg request: what was sent.
    :arg limit: how large the body may be, in bytes.
    """

    __slots__ = (
        "_decoder",
        "_fetch",
        "_has_body",
        "_head_is_complete",
        "_head_room",
        "_interim_count",
        "_is_announced",
        "_limit",
        "_lines",
        "_request",
        "_room",
        "chunks",
        "code",
        "followup",
        "headers",
        "is_enough",
        "reason",
        "task",
    )

    def __init__(self, fetch: Fetch, request: EffectiveRequest, limit: int) -> None:
        self._fetch = fetch
        self._request = request
        self._limit = self._room = limit
        # The head.
        self._lines: list[bytes] = []
        self._head_room = MAX_HEAD_SIZE
        self._head_is_complete = False
        self._interim_count = 0
        self.code = 0
        self.reason = ""
        self.headers: HTTPHeaders | None = None
        #: Whether there's nothing that libcurl should still do on the connection.
        self.is_enough = False
        # The body.
        self._decoder: ContentDecoder | None = None
        self._has_body = False
        self._is_announced = False
        self.chunks: list[bytes | bytearray] | None = []
        #: The request that this response leads to, if it isn't what was asked for.
        self.followup: EffectiveRequest | None = None
        #: What a receiver of the body has to do before it takes more.
        self.task: asyncio.Task[None] | None = None

    # -- called by libcurl

    def on_line(self, line: bytes) -> int | None:
        """Take a line of a head, its end included."""
        self._head_room -= len(line)
        if self._head_room < 0:
            return self._stop(HTTPInputError("response headers too large", status_code=431))
        if self._head_is_complete:
            # RFC 9112 section 7.1.2: fields after the body stay out of the headers.
            if self._has_body or not self._is_provisional() or not line.startswith(b"HTTP/"):
                return None
            self._lines.clear()
            self._head_is_complete = False
        self._lines.append(line)
        if line != b"\r\n" and line != b"\n":
            return None
        self._head_is_complete = True
        try:
            self._judge_head()
        except BaseException as error:
            return self._stop(error)
        return STOP if self.is_enough or self._fetch.is_over else None

    def on_body(self, data: bytes) -> int | None:
        """Take some of the body."""
        if self._fetch.is_over:
            return STOP
        if self.task is not None:
            paused: int = pycurl.WRITEFUNC_PAUSE
            return paused
        if self.followup is not None:
            self._has_body = True
            self._room -= len(data)
            # A new connection is quicker than a long body.
            return STOP if self._limit - self._room > MAX_SKIPPED else None
        try:
            if not self._has_body:
                self._begin_body()
            if self.chunks is not None and self._decoder is None:
                self._room -= len(data)
                if self._room < 0:
                    raise _too_large()
                keep_piece(self.chunks, data)
                return None
            pieces = iter((data,)) if self._decoder is None else self._decoder.decode(data)
            waiting = self._hand_over(pieces)
            if waiting is not None:
                self.task = self._fetch.run(self._hand_over_rest(waiting, pieces))
                # The end of the fetch may come before the task has begun.
                self.task.add_done_callback(lambda _: close_unbegun(waiting))
        except BaseException as error:
            return self._stop(error)
        return STOP if self._fetch.is_over else None

    # -- afterwards

    def without_lines(self, code: int) -> None:
        """Make do with a status code if no line came, because a program has the lines of the head
        sent elsewhere (``HEADERFUNCTION``)."""
        if self._head_room == MAX_HEAD_SIZE:
            self._head_is_complete = True
            self.code = code

    def complete(self) -> None:
        """Take note that there is no more.

        :raises HTTPInputError: the head isn't as it has to be, or something is missing.
        """
        if not self._head_is_complete:
            raise HTTPInputError(
                "the connection was closed before the response's head was complete"
            )
        if self._fetch.has_listeners and not self._is_announced and self.followup is None:
            self._announce()
        if self.headers is None:
            self._read_head()
        if self._decoder is not None and self.followup is None:
            self._decoder.finish()

    def cancel(self) -> None:
        """Let the receiver of the body alone."""
        task, self.task = self.task, None
        if task is not None and task is not asyncio.current_task(task.get_loop()):
            task.cancel()

    # -- the head

    def _is_provisional(self) -> bool:
        """Whether libcurl may go on to another response: after one that is interim, and, by itself,
        after a challenge or where a program lets it follow redirects."""
        return self.code < 200 or 300 <= self.code < 400 or self.code in (401, 407)

    def _judge_head(self) -> None:
        match = _STATUS_LINE.fullmatch(self._lines[0].decode("latin-1"))
        if match is None:
            raise HTTPInputError(f"malformed status line {self._lines[0][:80]!r}")
        self.code = code = int(match[2])
        self.reason = match[3] or ""
        self.headers = None
        self._decoder = None
        if code == 101:
            # RFC 9110 section 15.2.2: what follows is another protocol, which nobody here speaks.
            self.is_enough = True
        elif code < 200:
            # RFC 9110 section 15.2: another one follows.
            self._count_interim()
            return
        self.followup = None
        if 300 <= code < 400 or code == 417:
            self._read_head()
            assert self.headers is not None
            self.followup = self._fetch.followup_of(code, self.headers)
        if code == 417 and self._fetch.expects_continue:
            # libcurl would repeat the request, with the same fields, time and again.
            self.is_enough = True
        if not self._fetch.has_listeners or self.followup is not None:
            return
        # libcurl may have an answer to a challenge.
        if code not in (401, 407):
            self._announce()

    def _read_head(self) -> None:
        lines = [line.decode("latin-1").rstrip("\r\n") for line in self._lines[1:-1]]
        self.headers = headers = grammar.parse_fields("".join([f"{line}\r\n" for line in lines]))
        if "Content-Encoding" in headers._values and self._request.decompress_response:
            self._choose_decoder(headers)

    def _choose_decoder(self, headers: HTTPHeaders) -> None:
        codings = headers["Content-Encoding"]
        if ContentDecoder.knows(codings) and self._request.request.method != "HEAD":
            self._decoder = ContentDecoder(codings, self._limit)
            # What it was: what there is now has none.
            headers.add("X-Consumed-Content-Encoding", codings)
            del headers["Content-Encoding"]

    def _count_interim(self) -> None:
        self._interim_count += 1
        if self._interim_count > MAX_INTERIM_RESPONSES:
            raise HTTPInputError(f"more than {MAX_INTERIM_RESPONSES} interim responses")

    def _announce(self) -> None:
        """Give the head to those who wait for it."""
        self._is_announced = True
        if self.headers is None:
            self._read_head()
        assert self.headers is not None
        request = self._request
        if request.sink is not None:
            self.chunks = None
            request.sink.on_head(self.code, self.reason, self.headers, self._fetch.url)
            return
        if request.streaming_callback is not None:
            self.chunks = None
        if request.header_callback is not None:
            for line in self._lines:
                # One of them may have ended the fetch.
                if not self._fetch.is_over:
                    self._fetch.call(request.header_callback, line.decode("latin-1"))

    # -- the body

    def _begin_body(self) -> None:
        self._has_body = True
        if self._fetch.has_listeners and not self._is_announced:
            self._announce()
        elif self.headers is None:
            self._read_head()

    def _hand_over(self, pieces: Iterator[bytes]) -> Awaitable[Any] | None:
        """Give pieces away until there are no more, or until a receiver wants to be waited for."""
        fetch = self._fetch
        for piece in pieces:
            self._room -= len(piece)
            if self._room < 0:
                raise _too_large()
            if self.chunks is not None:
                keep_piece(self.chunks, piece)
                continue
            if fetch.is_over:
                return None
            request = self._request
            receiver = request.streaming_callback if request.sink is None else request.sink.on_data
            result = fetch.call(receiver, piece)
            if fetch.is_over:
                close_unbegun(result)
            elif inspect.isawaitable(result):
                return result
        return None

    async def _hand_over_rest(
        self, waiting: Awaitable[Any] | None, pieces: Iterator[bytes]
    ) -> None:
        try:
            while waiting is not None:
                await waiting
                waiting = self._hand_over(pieces)
        except BaseException as error:
            # If it wasn't `cancel`, something that the receiver waits for was cancelled.
            if self.task is not None:
                self._fetch.fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self.task = None
            self._fetch.proceed()

    def _stop(self, error: BaseException) -> int:
        if not isinstance(error, (Exception, asyncio.CancelledError)):
            # It's meant for more than the fetch.
            self._fetch.interrupt(error)
        self._fetch.fail(error)
        return STOP


def _too_large() -> HTTPInputError:
    return HTTPInputError("response body too large", status_code=413)
