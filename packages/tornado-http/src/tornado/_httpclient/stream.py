"""Responses whose bodies are read while they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING

from tornado._httpclient.request import HTTPRequest
from tornado._httpclient.response import HTTPClientError, HTTPResponse
from tornado.httputil import HTTPHeaders

if TYPE_CHECKING:
    from tornado._httpclient.client import PendingFetch

MAX_WAITING = 65536  # bytes that wait for the program before the server is made to wait


class Inbox:
    """What has come of a response and was not taken yet (a `tornado._httpclient.request.BodySink`).

    A client that doesn't stream leaves it empty; then everything comes with the end of the fetch.
    """

    def __init__(self) -> None:
        self.head: tuple[int, str, HTTPHeaders, str] | None = None
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._changed = asyncio.Event()
        self._room: asyncio.Future[None] | None = None
        self._fetch: PendingFetch | None = None

    def on_head(self, code: int, reason: str, headers: HTTPHeaders, url: str) -> None:
        """See `tornado._httpclient.request.BodySink`."""
        self.head = code, reason, headers, url
        self._changed.set()

    def on_data(self, data: bytes) -> Awaitable[None] | None:
        """See `tornado._httpclient.request.BodySink`."""
        self._pieces.append(data)
        self._size += len(data)
        self._changed.set()
        if self._size <= MAX_WAITING:
            return None
        self._room = asyncio.get_running_loop().create_future()
        return self._room

    def watch(self, fetch: PendingFetch) -> None:
        """Learn of the end of the fetch that fills the inbox."""
        self._fetch = fetch
        fetch.add_done_callback(lambda _: self._changed.set())

    async def wait_for_head(self) -> tuple[int, str, HTTPHeaders, str]:
        """Return status code, reason, headers and address."""
        while self.head is None:
            response = self._response()
            if response is None:
                await self._wait()
                continue
            self.on_head(response.code, response.reason, response.headers, response.effective_url)
            if response.body:
                self.on_data(response.body)
        return self.head

    async def take(self) -> bytes:
        """Return the next piece, an empty one at the end."""
        while not self._pieces:
            # What has come comes before what became of the rest.
            if self._response() is not None:
                return b""
            await self._wait()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        room = self._room
        if room is not None and self._size <= MAX_WAITING:
            self._room = None
            if not room.done():
                room.set_result(None)
        return piece

    def _response(self) -> HTTPResponse | None:
        """Return the response if the fetch has ended with one."""
        fetch = self._fetch
        assert fetch is not None
        if fetch.cancelled():
            # Whoever reads was not cancelled, and must not look as if.
            raise RuntimeError("the rest of the response was given up when its block was left")
        return fetch.result() if fetch.done() else None

    async def _wait(self) -> None:
        """Wait for news."""
        self._changed.clear()
        await self._changed.wait()


class StreamedResponse:
    """A response whose body is still to be read: what `AsyncHTTPClient.stream` gives.

    It's iterated over once, in pieces of the size in which they come::

        async for chunk in response:
            file.write(chunk)

    Nothing is lost if the program is slow: the server is made to wait.

    Iterating raises `HTTPClientError` and its subclasses, as `AsyncHTTPClient.fetch` does, when
    the rest doesn't come, and `RuntimeError` after the block has been left.

    .. versionadded:: 6.100
    """

    def __init__(
        self,
        request: HTTPRequest,
        code: int,
        reason: str,
        headers: HTTPHeaders,
        effective_url: str,
        inbox: Inbox,
    ) -> None:
        #: The request that was asked for.
        self.request = request
        #: The status code.
        self.code = code
        #: The reason phrase.
        self.reason = reason
        #: The header fields.
        self.headers = headers
        #: The address of the response, after redirects.
        self.effective_url = effective_url
        self._inbox = inbox

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._inbox.take()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def read(self) -> bytes:
        """Return what is left of the body, which is kept in memory.

        :raises HTTPClientError: the rest didn't come.
        :raises RuntimeError: the block has been left.
        """
        return b"".join([piece async for piece in self])

    def rethrow(self) -> None:
        """Raise an error for a status code that isn't 2xx.

        :raises HTTPClientError: its ``response`` has no body.
        """
        if not 200 <= self.code < 300:
            response = HTTPResponse(
                self.request,
                self.code,
                self.headers,
                effective_url=self.effective_url,
                reason=self.reason,
            )
            raise HTTPClientError(self.code, self.reason, response)

    def __repr__(self) -> str:
        return f"StreamedResponse(code={self.code}, effective_url={self.effective_url!r})"
