"""The writing of bodies that has to be waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tornado._simple_client.attempt import Attempt
from tornado._simple_client.errors import cancelled_elsewhere
from tornado._simple_client.phases import SENDING, WAITING
from tornado.gen import convert_yielded
from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from tornado._simple_client.exchange import Exchange

# RFC 9110 section 10.1.1: a client doesn't wait for ever for a 100 (Continue), which not all
# servers send.
CONTINUE_TIME = 3.0  # seconds


class Upload:
    """Writes the body of a request that is produced piece by piece, or waits for the server's word.

    :arg exchange: what it belongs to.
    :arg attempt: has the connection, on which the head has been written.
    """

    def __init__(self, exchange: Exchange, attempt: Attempt) -> None:
        self._exchange = exchange
        self._attempt = attempt

    async def run(self) -> None:
        """Write it. Errors end the exchange."""
        attempt = self._attempt
        try:
            await self._write()
        except StreamClosedError:
            # The connection tells of its end by itself, after what may still come from the server.
            return
        except asyncio.CancelledError as error:
            # If it wasn't the exchange that did it, something that the producer waits for was
            # cancelled.
            if attempt.exchange is not None:
                attempt.exchange.fail(cancelled_elsewhere("body_producer", error))
            raise
        except Exception as error:
            if attempt.exchange is not None:
                attempt.exchange.fail(error)

    async def _write(self) -> None:
        connection = self._attempt.connection
        request = self._attempt.request
        if request.expect_100_continue:
            await self._wait_for_continue()
        self._attempt.body_begun = True
        if request.body:
            await connection.write(request.body)
        elif request.body_producer is not None:
            produced = request.body_producer(self._write_piece)
            if produced is not None:
                await convert_yielded(produced)
        if self._attempt.exchange is not None:
            connection.finish()
            if self._exchange.phase is SENDING:
                self._exchange.phase = WAITING

    def _write_piece(self, chunk: bytes) -> asyncio.Future[None]:
        """Write a piece of the body, for its producer.

        :returns: a future that resolves when the system has taken it, with
            `~tornado.iostream.StreamClosedError` if the request is over.
        :raises TypeError: it isn't bytes.
        """
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"a body is made of bytes, not of {chunk!r:.80}")
        if self._attempt.exchange is None:
            # Others may use the connection now.
            over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            over.set_exception(StreamClosedError())
            over.exception()
            return over
        if isinstance(chunk, memoryview):
            # Its items may have several bytes each.
            chunk = chunk.tobytes()
        return self._attempt.connection.write(chunk)

    async def _wait_for_continue(self) -> None:
        connection = self._attempt.connection
        proceed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def go_on() -> None:
            if not proceed.done():
                proceed.set_result(None)

        connection.continue_callback = go_on
        try:
            await asyncio.wait((proceed,), timeout=CONTINUE_TIME)
        finally:
            # A connection that was free early may have the callback of another request by now.
            if connection.continue_callback is go_on:
                connection.continue_callback = None
