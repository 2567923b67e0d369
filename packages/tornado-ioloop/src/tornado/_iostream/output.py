"""`Output`: the half of a stream that writes.

Output goes to the kernel at once while ``_direct`` is true: the stream is open, and nothing is
queued. What the kernel doesn't take is queued, and written when the loop says that there is room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from tornado._iostream.buffer import Bytes, FilePart, OutputQueue, settled
from tornado._iostream.descriptor import Descriptor
from tornado._iostream.errors import NOT_NOW, StreamBufferFullError, StreamClosedError
from tornado._iostream.state import CLOSED, CLOSING, CONNECTING, OPEN, ExcInfo, State

# Bytes of queued output above which a receiver is told to stop, and at or below which it may go on.
PAUSE_ABOVE = 65536
RESUME_AT = 16384


class Output(Descriptor):
    """How a stream writes. What it says of its own state is for the rest of the stream to see."""

    max_write_buffer_size: int | None
    error: BaseException | None = None

    # What is rare has its default here, so that a stream that doesn't use it has no place for it.
    _state: State
    _direct: bool
    _queue: OutputQueue | None = None
    _writing_paused: bool = False
    _written: asyncio.Future[None] | None = None
    # Callers that append to `_write_buffer` themselves count here; nobody else reads it.
    _total_write_index: int = 0

    def writing(self) -> bool:
        """Whether output is waiting to be taken by the system."""
        return bool(self._queue)

    @property
    def write_buffer_size(self) -> int:
        """How many bytes of output the stream keeps, because the system has not taken them yet.

        .. versionadded:: 6.100
        """
        return self._queue.size if self._queue is not None else 0

    @property
    def _write_buffer(self) -> OutputQueue | None:
        """The queue of output, for callers that append to it; `None` once the stream is closed."""
        if self._state is CLOSED:
            return None
        if self._queue is None:
            self._queue = OutputQueue()
            # What is appended to it goes before what is written afterwards.
            self._direct = False
        return self._queue

    @_write_buffer.setter
    def _write_buffer(self, value: None) -> None:
        if self._queue is not None:
            self._give_up(self._queue, StreamClosedError(self.error))
        self._queue = value
        self._direct = self._state is OPEN

    def send(self, data: Bytes) -> bool:
        """Hand ``data`` to the system, and keep what it doesn't take.

        :returns: true if nothing had to be kept.
        :raises StreamClosedError: the stream is closed, or turns out to be broken and is closed
            now.
        :raises StreamBufferFullError: ``max_write_buffer_size`` would be exceeded; nothing was sent
            then.

        .. versionadded:: 6.100
        """
        if not self._direct or self.max_write_buffer_size is not None:
            return self._send_queued(data)
        transmit = self._transmit
        try:
            taken = transmit(data) if transmit is not None else self._write_chunk(data)
        except OSError as error:
            taken = self._taken_at(error) if data else 0
        if taken == len(data):
            return True
        self._keep(settled(data, taken))
        return False

    def send_pieces(self, pieces: Sequence[bytes]) -> bool:
        """Do as `send` with several pieces that belong together, without joining them.

        :arg pieces: few, some of them large; for small ones `send` of all together is quicker.

        .. versionadded:: 6.100
        """
        if not self._direct or self.max_write_buffer_size is not None:
            return self._send_queued(b"".join(pieces))
        try:
            taken = self._write_pieces(pieces)
        except OSError as error:
            taken = self._taken_at(error)
        if taken == sum(map(len, pieces)):
            return True
        self._keep(settled(b"".join(pieces), taken))
        return False

    def close(self, exc_info: ExcInfo = False) -> None:
        """Close the stream, as a broken one has to be."""
        raise NotImplementedError(f"{type(self).__name__} doesn't say how it's closed")

    # -- for the rest of the stream to define

    def _connected(self) -> None:
        """Take note of how connecting went."""

    def _pause_writing(self) -> None:
        """Tell whoever writes that much is queued."""

    def _resume_writing(self) -> None:
        """Tell whoever writes that little is queued any more."""

    def _all_written(self) -> None:
        """Tell whoever waits that nothing is queued any more."""

    # -- inside

    def _on_writable(self) -> None:
        if self._state is CONNECTING:
            self._connected()
            return
        queue = self._queue
        if not queue:
            self._unwatch_output()
            return
        head = queue.head()
        try:
            if isinstance(head, FilePart):
                taken = head.send_to(self.fileno())
            else:
                taken = self._write_chunk(head)
        except OSError as error:
            if not isinstance(error, NOT_NOW):
                self._break(error)
            return
        queue.advance(taken)
        if self._writing_paused and queue.size <= RESUME_AT:
            self._resume_writing()
        if not queue.size:
            self._drained()

    def _send_queued(self, data: Bytes) -> bool:
        """Send when something stands in the way: a limit, a queue, no connection yet, the end."""
        if self._state is CLOSED:
            raise StreamClosedError(self.error)
        size = len(data)
        limit = self.max_write_buffer_size
        if limit is not None and size and self.write_buffer_size + size > limit:
            raise StreamBufferFullError(
                f"{size} bytes more would exceed max_write_buffer_size={limit}"
            )
        if self._direct and size:
            try:
                taken = self._write_chunk(cast("bytes", data))
            except OSError as error:
                taken = self._taken_at(error)
            if taken == size:
                return True
            self._keep(settled(data, taken))
            return False
        if size:
            self._keep(settled(data))
        elif self._queue and not self._watching_output:
            # Somebody has appended to the queue and wants it written.
            self._watch_queue()
        return not self._queue

    def _keep(self, data: bytes | memoryview | FilePart) -> None:
        queue = self._queue
        if queue is None:
            self._queue = queue = OutputQueue()
        queue.extend(data, len(data))
        self._direct = False
        self._watch_queue()
        if queue.size > PAUSE_ABOVE and not self._writing_paused:
            self._pause_writing()

    def _drained(self) -> None:
        """All output is written."""
        if self._queue:
            # A receiver that was resumed has written more.
            return
        self._unwatch_output()
        self._all_written()
        if self._state is CLOSING:
            self.close()
        elif self._state is OPEN:
            self._direct = True
            self._queue = None

    def _failed(self, error: BaseException) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        # The traceback of one that was raised has frames in it that know the future.
        future.set_exception(error.with_traceback(None))
        future.exception()
        return future

    def _give_up(self, queue: OutputQueue, error: BaseException) -> None:
        for future in queue.abandon():
            future.set_exception(error)
            future.exception()

    def _watch_queue(self) -> None:
        """Have what is queued written when that's possible; while connecting, that is seen to
        afterwards.
        """
        if self._state is not CONNECTING:
            self._watch_output()

    def _taken_at(self, error: OSError) -> int:
        """Return how much the system took that has raised ``error``: nothing, if it only has no
        room.

        :raises StreamClosedError: it's something else, because of which the stream is closed now.
        """
        if isinstance(error, NOT_NOW):
            return 0
        self._break(error)
        raise StreamClosedError(error) from None

    def _break(self, error: OSError) -> None:
        """Close because of what the system said; its traceback would keep this stream alive."""
        self.close(exc_info=error.with_traceback(None))
