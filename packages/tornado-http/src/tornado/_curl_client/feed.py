"""Bodies of requests for libcurl to take piece by piece."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado.gen import convert_yielded
from tornado.httputil import HTTPOutputError

if TYPE_CHECKING:
    from tornado._curl_client.fetch import Fetch


class OneReading:
    """A body that libcurl can read once.

    :arg body: the whole of it.
    """

    __slots__ = ("_rest",)

    def __init__(self, body: bytes) -> None:
        self._rest = memoryview(body)

    def read(self, size: int) -> bytes:
        """Give libcurl up to ``size`` bytes; none when that was all."""
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)


class Feed:
    """Runs a ``body_producer`` when libcurl asks for the body, and keeps what it has written until
    libcurl takes it.

    :arg fetch: what it's for.
    :arg producer: the request's ``body_producer``.
    :arg length: how many bytes there will be, if that is known.
    """

    def __init__(self, fetch: Fetch, producer: Any, length: int | None) -> None:
        self._fetch = fetch
        self._producer = producer
        # Of what was promised: what libcurl has yet to take, and the producer has yet to write.
        self._left = self._room = length
        self._pieces: deque[tuple[memoryview, asyncio.Future[None]]] = deque()
        #: Whether the producer was called.
        self.has_begun = False
        self._has_ended = False
        self._is_paused = False
        self.task: asyncio.Task[None] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether libcurl has all that it was promised."""
        return self._left == 0

    def read(self, size: int) -> bytes | int:
        """Give libcurl up to ``size`` bytes; none when that was all."""
        if self._fetch.is_over:
            stop: int = pycurl.READFUNC_ABORT
            return stop
        if not self.has_begun:
            # libcurl asks when the server wants the body, if it was to be asked.
            self.has_begun = True
            self.task = self._fetch.run(self._produce())
        if self._pieces:
            return self._take(size)
        if self._has_ended:
            return b""
        self._is_paused = True
        paused: int = pycurl.READFUNC_PAUSE
        return paused

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Write some of the body.

        :arg chunk: bytes.
        :returns: a future that is done when libcurl has taken them.
        :raises HTTPOutputError: there is more than ``Content-Length`` promised, or the producer has
            returned or isn't needed any more.
        """
        taken: asyncio.Future[None] = self._fetch.loop.create_future()
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"a body is made of bytes, not of {chunk!r:.80}")
        if self._fetch.is_over or not chunk:
            taken.set_result(None)
            return taken
        # Its length counts bytes, whatever the items of a memoryview are.
        piece = memoryview(bytes(chunk))
        if self._has_ended:
            raise HTTPOutputError("the body has ended: its producer has returned, or isn't needed")
        if self._room is not None:
            self._room -= len(piece)
            if self._room < 0:
                raise HTTPOutputError("more was written than Content-Length announced")
        self._pieces.append((piece, taken))
        self._go_on()
        return taken

    def cancel(self) -> None:
        """Ask for nothing more."""
        self._has_ended = True
        task, self.task = self.task, None
        if task is not None and task is not asyncio.current_task(task.get_loop()):
            task.cancel()
        while self._pieces:
            _, taken = self._pieces.popleft()
            taken.cancel()

    def _take(self, size: int) -> bytes:
        piece, taken = self._pieces[0]
        if len(piece) > size:
            self._pieces[0] = piece[size:], taken
            return self._count(piece[:size])
        self._pieces.popleft()
        if not taken.done():
            taken.set_result(None)
        return self._count(piece)

    def _count(self, piece: memoryview) -> bytes:
        if self._left is not None:
            self._left -= len(piece)
        return bytes(piece)

    async def _produce(self) -> None:
        try:
            produced = self._producer(self.write)
            if produced is not None:
                await convert_yielded(produced)
            if self._room:
                raise HTTPOutputError(f"{self._room} bytes less than Content-Length were written")
        except BaseException as error:
            # If it wasn't `cancel`, something that the producer waits for was cancelled.
            if self.task is not None:
                self._fetch.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._has_ended = True
            self._go_on()
        finally:
            self.task = None
            self._fetch.proceed()

    def _go_on(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._fetch.resume()
