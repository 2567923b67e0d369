"""A message delegate that takes the ``gzip`` content coding off before another delegate sees the
body."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.util import GzipDecompressor

# Bytes that are decoded before the rest of the program has its turn; a kilobyte may hold so many.
DECODED_AT_ONCE = 1048576


class HasLimit(Protocol):
    """What knows how large a body may be."""

    max_body_size: int


class GunzipDelegate(HTTPMessageDelegate):
    """Decode a message's body, if it has the ``gzip`` content coding, for ``delegate``.

    :arg delegate: gets the decoded body, and headers in which ``Content-Encoding`` has become
        ``X-Consumed-Content-Encoding``.
    :arg chunk_size: the most bytes to hand over at once.
    :arg limits: its ``max_body_size`` is the limit of the decoded body in bytes.
    :arg takes_body: asked before each piece whether it's wanted, as after an answer it isn't.
    """

    def __init__(
        self,
        delegate: HTTPMessageDelegate,
        chunk_size: int,
        limits: HasLimit,
        takes_body: Callable[[HTTPMessageDelegate], bool],
    ) -> None:
        self._delegate = delegate
        self._chunk_size = chunk_size
        # What the delegate may still change, when it gets the headers.
        self._limits = limits
        self._takes_body = takes_body
        self._decoded_size = 0
        self._decompressor: GzipDecompressor | None = None
        self._started = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Decide by the headers whether the body is decoded."""
        # RFC 9110 section 8.4.1.3: the older name means the same.
        if headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
            self._decompressor = GzipDecompressor()
            headers.add("X-Consumed-Content-Encoding", headers["Content-Encoding"])
            del headers["Content-Encoding"]
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Hand on what ``chunk`` decodes to, in pieces."""
        if self._decompressor is None:
            return self._delegate.data_received(chunk)
        self._started = True
        waiting = self._decode(chunk)
        return None if waiting is None else self._decode_rest(waiting)

    def finish(self) -> None:
        """Check that the compressed stream was whole."""
        if self._decompressor is not None and self._started:
            try:
                rest = self._decompressor.flush()
            except (zlib.error, EOFError, ValueError) as error:
                raise HTTPInputError(f"invalid gzip body: {error}") from error
            if rest:
                raise HTTPInputError("truncated gzip body")
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass it on."""
        self._delegate.on_connection_close()

    def _decode(self, data: bytes) -> Awaitable[None] | None:
        """Decode until all is handed over, or until there is something to wait for."""
        decompressor = self._decompressor
        assert decompressor is not None
        enough = self._decoded_size + DECODED_AT_ONCE
        while data and self._takes_body(self):
            try:
                decoded = decompressor.decompress(data, self._chunk_size)
            except (zlib.error, EOFError, ValueError) as error:
                raise HTTPInputError(f"invalid gzip body: {error}") from error
            data = decompressor.unconsumed_tail
            self._decoded_size += len(decoded)
            if self._decoded_size > self._limits.max_body_size:
                raise HTTPInputError("decompressed body too large", status_code=413)
            if decoded:
                waiting = self._delegate.data_received(decoded)
                if waiting is not None:
                    return waiting
                if data and self._decoded_size >= enough:
                    return asyncio.sleep(0)
            elif not data:
                break
        return None

    async def _decode_rest(self, waiting: Awaitable[None] | None) -> None:
        decompressor = self._decompressor
        assert decompressor is not None
        while waiting is not None:
            await waiting
            # Decoding a compressed bomb must not hold the loop, however willing the delegate is.
            await asyncio.sleep(0)
            waiting = self._decode(decompressor.unconsumed_tail)
