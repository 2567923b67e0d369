"""`SlicedOutput`: messages that are compressed in steps, so that others have their turn."""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from typing import NamedTuple, Protocol

from tornado._websocket.deflate import MIN_COMPRESSED, STEP, Compressor
from tornado._websocket.frames import Opcode, make_frame


class Sender(Protocol):
    """What a `SlicedOutput` writes to."""

    mask_outgoing: bool

    def send_frame(self, frame: bytes) -> asyncio.Future[None]:
        """Send a frame."""

    def is_choked(self) -> bool:
        """Whether so much is kept for the peer that more should wait."""

    def on_slices_sent(self) -> None:
        """Everything has been sent."""


class _Waiting(NamedTuple):
    opcode: Opcode
    payload: bytes
    future: asyncio.Future[None]


class SlicedOutput:
    """A large message that is being sent as fragments, and what was written after it.

    :arg sender: the connection.
    :arg compressor: compresses its messages.
    :arg loop: calls the steps.
    """

    __slots__ = (
        "_begun",
        "_compressor",
        "_is_due",
        "_loop",
        "_offset",
        "_queue",
        "_sender",
        "size",
    )

    def __init__(
        self, sender: Sender, compressor: Compressor, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._sender: Sender | None = sender
        self._compressor = compressor
        self._loop = loop
        self._queue: deque[_Waiting] = deque()
        self._is_due = False
        #: How many bytes are here.
        self.size = 0
        # Of the first message.
        self._offset = 0
        self._begun = False

    def add(self, opcode: Opcode, payload: bytes) -> asyncio.Future[None]:
        """Send a message, or a close frame, after what is there already.

        :returns: a future that resolves when it has been given to the system.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        self.size += len(payload)
        self._queue.append(_Waiting(opcode, payload, future))
        self.go_on()
        return future

    def go_on(self) -> None:
        """Send more, as soon as others have had their turn."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._step)

    def stop(self, error: Exception) -> None:
        """Send nothing any more.

        :arg error: what those get who wait.
        """
        self._sender = None
        while self._queue:
            future = self._queue.popleft().future
            if not future.done():
                future.set_exception(error)
                future.exception()

    def _step(self) -> None:
        self._is_due = False
        sender = self._sender
        if sender is None or not self._queue or sender.is_choked():
            return
        waiting = self._queue[0]
        if waiting.opcode == Opcode.CLOSE or len(waiting.payload) < MIN_COMPRESSED:
            frame = make_frame(waiting.opcode, waiting.payload, masked=sender.mask_outgoing)
            self._end_first(sender, frame)
            return
        piece = waiting.payload[self._offset : self._offset + STEP]
        self._offset += len(piece)
        ends = self._offset >= len(waiting.payload)
        data = self._compressor.compress_some(piece, ends=ends)
        frame = make_frame(
            Opcode.CONTINUATION if self._begun else waiting.opcode,
            data,
            masked=sender.mask_outgoing,
            fin=ends,
            compressed=not self._begun,
        )
        if ends:
            self._end_first(sender, frame)
            return
        if data:
            self._begun = True
            sender.send_frame(frame)
        self.go_on()

    def _end_first(self, sender: Sender, frame: bytes) -> None:
        self._offset = 0
        self._begun = False
        waiting = self._queue.popleft()
        self.size -= len(waiting.payload)
        sent = sender.send_frame(frame)
        sent.add_done_callback(functools.partial(_pass_on, waiting.future))
        if self._queue:
            self.go_on()
        else:
            sender.on_slices_sent()


def _pass_on(future: asyncio.Future[None], sent: asyncio.Future[None]) -> None:
    """Give the result of one future to another."""
    if future.done():
        return
    error = None if sent.cancelled() else sent.exception()
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()
