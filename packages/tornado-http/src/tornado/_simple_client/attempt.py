"""One request on one connection, and the response as it comes."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from tornado._httpclient.request import EffectiveRequest, close_unbegun
from tornado._httputil.pieces import keep_piece
from tornado._simple_client.codings import ContentDecoder
from tornado._simple_client.errors import cancelled_elsewhere
from tornado._simple_client.phases import RECEIVING
from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)

if TYPE_CHECKING:
    from tornado._simple_client.exchange import Exchange

MAX_SKIPPED = 65536  # bytes of a body nobody wants that are read to keep the connection


class Attempt(HTTPMessageDelegate):
    """Collects a response, or hands it to those who want it piece by piece.

    :arg exchange: is told how it ends; `None` once that is over.
    :arg connection: what the request goes out on.
    :arg reused: whether the connection has served before, so that it may be dead.
    """

    __slots__ = (
        "_decoder",
        "_room",
        "body_begun",
        "chunks",
        "connection",
        "exchange",
        "first_byte",
        "followup",
        "headers",
        "request",
        "reused",
        "start_line",
    )

    def __init__(self, exchange: Exchange, connection: HTTP1Connection, reused: bool) -> None:
        self.exchange: Exchange | None = exchange
        self.connection = connection
        self.reused = reused
        self.request: EffectiveRequest = exchange.request
        #: Whether anything of the request's body was sent.
        self.body_begun = False
        self.start_line: ResponseStartLine | None = None
        self.chunks: list[bytes | bytearray] | None = []
        #: The request that this response leads to, if it isn't what was asked for.
        self.followup: EffectiveRequest | None = None
        self._decoder: ContentDecoder | None = None

    # -- a message's parts

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """See `tornado.httputil.HTTPMessageDelegate`."""
        exchange = self.exchange
        if exchange is None:
            return None
        self.first_byte = time.monotonic()
        exchange.phase = RECEIVING
        self.start_line = start_line  # type: ignore[assignment]  # a client reads responses
        self.headers = headers
        self._room = exchange.body_limit
        try:
            if start_line[1] != 200:
                self.followup = exchange.followup_of(self)
            values = headers._values
            if "Content-Encoding" in values and exchange.decompress:
                self._choose_decoder(headers)
            if self.followup is not None:
                self.chunks = None
            elif exchange.has_listeners:
                self._announce(exchange)
        except Exception as error:
            exchange.fail(error)
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """See `tornado.httputil.HTTPMessageDelegate`."""
        exchange = self.exchange
        if exchange is None:
            return None
        if self._decoder is not None or self.chunks is None:
            return self._take(chunk, exchange)
        self._room -= len(chunk)
        if self._room < 0:
            exchange.fail(_too_large())
        else:
            keep_piece(self.chunks, chunk)
        return None

    def finish(self) -> None:
        """See `tornado.httputil.HTTPMessageDelegate`."""
        exchange = self.exchange
        if exchange is None:
            return
        if self._decoder is not None and self.followup is None:
            try:
                self._decoder.finish()
            except HTTPInputError as error:
                exchange.fail(error)
                return
        exchange.complete(self)

    def on_connection_close(self) -> None:
        """See `tornado.httputil.HTTPMessageDelegate`."""
        if self.exchange is not None:
            self.exchange.lost(self)

    # -- inside

    def _choose_decoder(self, headers: HTTPHeaders) -> None:
        codings = headers["Content-Encoding"]
        if ContentDecoder.knows(codings) and self.request.request.method != "HEAD":
            assert self.exchange is not None
            self._decoder = ContentDecoder(codings, self.exchange.body_limit)
            headers.add("X-Consumed-Content-Encoding", codings)
            del headers["Content-Encoding"]

    def _announce(self, exchange: Exchange) -> None:
        """Give the head to those who wait for it."""
        assert self.start_line is not None
        request = self.request
        if request.sink is not None:
            self.chunks = None
            _, code, reason = self.start_line
            request.sink.on_head(code, reason, self.headers, exchange.url)
            return
        if request.streaming_callback is not None:
            self.chunks = None
        callback = request.header_callback
        if callback is not None:
            version, code, reason = self.start_line
            lines = [f"{name}: {value}\r\n" for name, value in self.headers.get_all()]
            for line in (f"{version} {code} {reason}\r\n", *lines, "\r\n"):
                # One of them may have ended the fetch.
                if self.exchange is not None:
                    exchange.call(callback, line)

    def _take(self, data: bytes, exchange: Exchange) -> Awaitable[None] | None:
        if self.followup is not None:
            self._room -= len(data)
            if exchange.body_limit - self._room > MAX_SKIPPED:
                # A new connection is quicker than all of that.
                exchange.complete(self)
            return None
        pieces = iter((data,)) if self._decoder is None else self._decoder.decode(data)
        try:
            waiting = self._hand_over(pieces)
        except Exception as error:
            exchange.fail(error)
            return None
        if waiting is None:
            return None
        task = exchange.run_receiver(self._hand_over_rest(waiting, pieces))
        # The end of the exchange may come before the task has begun.
        task.add_done_callback(lambda _: close_unbegun(waiting))
        return task

    def _hand_over(self, pieces: Iterator[bytes]) -> Awaitable[Any] | None:
        """Give pieces away until there are no more, or until a receiver wants to be waited for."""
        for piece in pieces:
            self._room -= len(piece)
            if self._room < 0:
                raise _too_large()
            if self.chunks is not None:
                keep_piece(self.chunks, piece)
                continue
            exchange = self.exchange
            if exchange is None:
                return None
            sink = self.request.sink
            receiver: Callable[[bytes], Any]
            receiver = self.request.streaming_callback if sink is None else sink.on_data
            result = exchange.call(receiver, piece)
            if inspect.isawaitable(result):
                return result
        return None

    async def _hand_over_rest(
        self, waiting: Awaitable[Any] | None, pieces: Iterator[bytes]
    ) -> None:
        try:
            while waiting is not None:
                await waiting
                waiting = self._hand_over(pieces)
        except asyncio.CancelledError as error:
            if self.exchange is not None:
                self.exchange.fail(cancelled_elsewhere("streaming_callback", error))
            raise
        except Exception as error:
            if self.exchange is not None:
                self.exchange.fail(error)


def _too_large() -> HTTPInputError:
    return HTTPInputError("response body too large", status_code=413)
