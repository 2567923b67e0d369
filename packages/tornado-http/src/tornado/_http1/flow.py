"""Letting the peer of a connection wait for whoever uses what it sends."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Awaitable
from typing import Any

from tornado._http1.closing import OPEN, ClosingConnection
from tornado._http1.reader import BODY_UNTIL_CLOSE, ENDING
from tornado.httputil import HTTPInputError, HTTPMessageDelegate
from tornado.iostream import StreamClosedError
from tornado.log import gen_log

MAX_HELD = 65536  # bytes of pipelined input that are held before reading pauses
# Of requests that came together, so many are answered before a look at the clock, and for so long,
# in seconds, before the rest of the program has its turn.
REQUESTS_IN_A_ROW = 8
LONGEST_TURN = 0.005


class FlowControl(ClosingConnection):
    """What holds a connection's input up.

    Its reader makes no calls while somebody has to be waited for: a delegate that returned an
    awaitable, or a peer that doesn't take what is written to it.
    """

    # How many have to be waited for.
    _holds: int
    # What the client expects, while the delegate has yet to see whether it wants the body.
    _expectation: str | list[str] = ""
    # The peer doesn't take what is written, and is waited for. In the middle of a body it isn't,
    # but for the sake of memory: many peers take nothing before they have sent all.
    _is_behind = False
    _holds_for_peer = False
    # The peer has ended its side while the delegate was still busy with what came before.
    _eof_waits = False
    # How many requests were answered while the next one had come already.
    _pipelined = 0
    _last_turn = 0.0
    _gives_way = False

    @abstractmethod
    def _answer_expectation(self) -> None:
        """Ask for the body.

        :raises HTTPInputError: something else is expected, or the body is too large.
        """

    @abstractmethod
    def data_received(self, data: bytes) -> None:
        """Use the bytes that have come (`tornado.iostream.StreamReceiver`)."""

    def eof_received(self) -> bool | None:
        """The peer has ended its side (`tornado.iostream.StreamReceiver`)."""
        if self._phase is not OPEN or not (self.is_client or self._gives_way):
            return None
        if self._holds:
            self._eof_waits = True
            return True
        self._feed_eof()
        return None

    def _feed_eof(self) -> None:
        if self._reader.state == BODY_UNTIL_CLOSE and self.stream.input_was_cut:
            # RFC 9112 section 9.8: such a body is complete only if the peer has said so.
            self.input_error = HTTPInputError("TLS ended without close_notify: the body may be cut")
            return
        try:
            self._reader.feed_eof()
        except HTTPInputError as error:
            gen_log.debug("%s", error)

    def pause_writing(self) -> None:
        """The peer reads too slowly (`tornado.iostream.StreamReceiver`): begin nothing new for
        it."""
        # What a server says before it has taken all of a request is what its client waits for.
        if self.is_client:
            return
        self._is_behind = True
        if not self._reader.in_body:
            self._hold_for_peer()

    def resume_writing(self) -> None:
        """The output is nearly written (`tornado.iostream.StreamReceiver`)."""
        self._is_behind = False
        self._release_for_peer()

    def _hold_for_peer(self) -> None:
        if not self._holds_for_peer:
            self._holds_for_peer = True
            self._hold()

    def _release_for_peer(self) -> None:
        if self._holds_for_peer:
            self._holds_for_peer = False
            self._release()

    def _advance(self) -> None:
        """Go on with what is held, unless that is under way."""
        if self._corked or self._phase is not OPEN:
            return
        reader = self._reader
        if reader._held is not None or reader.state == ENDING:
            self.data_received(b"")
        if self._input_paused and reader.held_size <= MAX_HELD:
            self._input_paused = False
            self.stream.resume_reading()
        if self._eof_waits and not self._holds and self._phase is OPEN:
            self._eof_waits = False
            self._feed_eof()
            if self.is_client:
                self.stream.close()
            else:
                self._close_in_order()

    def _peer_is_due(self) -> bool:
        # Once the connection ends, nobody's use of what has come counts any more.
        is_held = self._holds and self._phase is OPEN
        return not is_held and super()._peer_is_due()

    def _pause_input(self) -> None:
        self._input_paused = True
        self.stream.pause_reading()

    def _hold(self) -> None:
        self._holds += 1
        self._reader.pause()

    def _release(self) -> None:
        self._holds -= 1
        if self._holds:
            return
        self._reader.resume()
        try:
            self._reader.check_announced_length()
            if self._continue_pending:
                # The delegate has thought about the head and wants the body.
                self._answer_expectation()
        except HTTPInputError as error:
            self._on_bad_input(error)
            return
        self._advance()

    def _give_way(self) -> None:
        """Of many requests that came together, answer some, and the others when the rest of the
        program had its turn."""
        self._reader.has_rest = False
        self._pipelined += 1
        if self._pipelined % REQUESTS_IN_A_ROW:
            return
        now = time.monotonic()
        if now - self._last_turn < LONGEST_TURN:
            return
        self._last_turn = now
        self._gives_way = True
        self._hold()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._gives_way = False
        self._release()

    def _wait_for(self, awaitable: Awaitable[Any]) -> None:
        """Let the delegate finish what it does with the last part before it gets the next one."""
        future = asyncio.ensure_future(awaitable)
        if future.done() and not future.cancelled() and future.exception() is None:
            return
        self._hold()
        future.add_done_callback(self._on_waited)

    def _on_waited(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            self._give_up()
            return
        error = future.exception()
        is_open = self._phase is OPEN
        if error is None:
            if is_open:
                self._release()
        elif is_open or not isinstance(error, StreamClosedError):
            self._give_up(error)

    def _takes_body(self, delegate: HTTPMessageDelegate) -> bool:
        """Whether what comes is for ``delegate``: it isn't after its answer, nor after the end of
        the connection."""
        return self._delegate is delegate and self._phase is OPEN

    def _deliver_in_pieces(self, delegate: HTTPMessageDelegate, data: bytes, limit: int) -> None:
        start = 0
        while start < len(data) and self._takes_body(delegate):
            waiting = delegate.data_received(data[start : start + limit])
            start += limit
            if waiting is not None:
                self._wait_for(self._deliver_rest(delegate, waiting, data[start:], limit))
                return

    async def _deliver_rest(
        self, delegate: HTTPMessageDelegate, waiting: Awaitable[None], data: bytes, limit: int
    ) -> None:
        await waiting
        start = 0
        while start < len(data) and self._takes_body(delegate):
            more = delegate.data_received(data[start : start + limit])
            start += limit
            if more is not None:
                await more
