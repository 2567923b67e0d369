"""The reads of the awaiting API: each is a small receiver that is attached to its stream until it
has what it wants.

A read decides one thing: where in the bytes at hand its result ends. Taking the bytes, limits,
delivery and what happens when the stream closes first are the same for all and stand in `Read`.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from tornado._iostream.buffer import take
from tornado._iostream.callbacks import StreamCallback
from tornado._iostream.errors import (
    StreamBufferFullError,
    StreamClosedError,
    UnsatisfiableReadError,
    is_reset,
)
from tornado.log import gen_log

if TYPE_CHECKING:
    from tornado._iostream.base import BaseIOStream

NOT_YET = -1

# So many pieces of a read are kept one by one.
MOST_PIECES = 16


class Read:
    """One pending read.

    :arg stream: who the bytes are from.
    :arg callback: gets the result; with `None`, ``future`` does.
    """

    __slots__ = ("callback", "future", "stream")

    # Whether the end of the stream is what the read waits for.
    until_close = False
    # Whether the read is done before anything has come.
    wants_nothing = False
    # It collects no output (`StreamReceiver`).
    flush_output = None
    future: asyncio.Future[Any] | None

    def __init__(self, stream: BaseIOStream, callback: StreamCallback | None) -> None:
        self.stream = stream
        self.callback = callback
        self.future = stream._loop.create_future() if callback is None else None

    # -- what differs

    def end_in(self, data: bytes | bytearray) -> int:
        """Return the length of the result if it's there in ``data``, which begins where the read
        began, or `NOT_YET`.

        :raises UnsatisfiableReadError: it can't come any more.
        """
        raise UnsatisfiableReadError(f"{type(self).__name__} has no end")

    def result_at_end(self) -> bytes | None:
        """Return what the read yields when the input ends before it's satisfied, or `None` if that
        is an error.
        """
        return None

    # -- what is the same: the stream's side

    @property
    def abandoned(self) -> bool:
        """Whether the program has cancelled the read."""
        return self.future is not None and self.future.done()

    def abandon(self, data: bytes = b"") -> None:
        """Leave what came, and ``data`` after it, to a later read."""
        self.stream._detach()
        if data:
            self.stream._store(data)

    def begin(self) -> bool:
        """Try to finish with what is buffered already; return whether that worked."""
        buffer = self.stream._read_buffer
        return self._look(buffer if buffer is not None else b"")

    def data_received(self, data: bytes) -> None:
        """Look at what is buffered and ``data`` after it, and finish if that's enough."""
        stream = self.stream
        buffer = stream._read_buffer
        if self.future is not None and self.future.done():
            self.abandon(data)
            return
        if buffer is not None:
            buffer += data
            self._look(buffer)
            return
        # Nothing is buffered: what comes is often just what is wanted, and then it needs no buffer.
        try:
            end = self.end_in(data)
        except UnsatisfiableReadError as error:
            stream._store(data)
            self._refuse(error)
            return
        if end == len(data):
            stream._consumer = stream._sink = None
            if self.future is not None:
                self.future.set_result(data)
            else:
                self.deliver(data)
        elif end >= 0:
            stream._read_buffer = bytearray(memoryview(data)[end:])
            stream._detach()
            self.deliver(data[:end])
        else:
            stream._read_buffer = bytearray(data)
            self._check_size(len(data))

    def eof_received(self) -> bool | None:
        """The stream may close: no read is satisfied by an end that isn't one."""
        return None

    def closed(self, error: BaseException | None) -> None:
        """Finish or fail, as the stream is closed."""
        stream = self.stream
        stream._consumer = None
        if self.abandoned:
            # What is buffered is for others to read.
            return
        rest = self.result_at_end() if error is None or is_reset(error) else None
        if rest is not None:
            self.deliver(rest)
        else:
            self.fail(StreamClosedError(error))

    def deliver(self, result: Any) -> None:
        """Give the result to whoever waits."""
        if self.callback is not None:
            self.callback.schedule(self.stream, result)
        elif self.future is not None and not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell whoever waits; a callback isn't called, the stream's close callback stands for
        it."""
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)
            # A program that only watches for the end of the stream needn't look at the future.
            self.future.exception()

    def _look(self, buffer: bytes | bytearray) -> bool:
        stream = self.stream
        try:
            end = self.end_in(buffer)
        except UnsatisfiableReadError as error:
            self._refuse(error)
            return True
        if end < 0:
            self._check_size(len(buffer))
            return False
        stream._detach()
        self.deliver(stream._take_buffered(end))
        return True

    def _check_size(self, size: int) -> None:
        stream = self.stream
        if size > stream.max_buffer_size:
            error = StreamBufferFullError(
                f"a read would buffer more than max_buffer_size={stream.max_buffer_size} bytes"
            )
            self._refuse(error)

    def _refuse(self, error: UnsatisfiableReadError | StreamBufferFullError) -> None:
        if self.stream.closed():
            self.closed(error)
            return
        gen_log.info("Closing a stream: %s", error)
        self.stream.close(exc_info=error)


class HoldingRead(Read):
    """A read that holds what has come by itself, not in the stream's buffer."""

    __slots__ = ()

    def abandon(self, data: bytes = b"") -> None:
        """See `Read.abandon`."""
        self._put_back()
        super().abandon(data)

    def closed(self, error: BaseException | None) -> None:
        """Fail; what came is buffered again, for a later read."""
        self._put_back()
        super().closed(error)

    def _put_back(self) -> None:
        """Give what is held to the stream's buffer."""
        raise NotImplementedError(f"{type(self).__name__} doesn't say what it holds")


class ReadBytes(HoldingRead):
    """Exactly ``size`` bytes, or with ``partial`` at least one and at most ``size``.

    What comes in a few pieces is kept as it is, and joined once when it's enough; many pieces go to
    the stream's buffer, as each has a price in memory.
    """

    __slots__ = ("missing", "partial", "pieces", "size")

    def __init__(
        self, stream: BaseIOStream, callback: StreamCallback | None, size: int, partial: bool
    ) -> None:
        # As in the base class, without the cost of calling it: these reads are the most frequent.
        self.stream = stream
        self.callback = callback
        self.future = stream._loop.create_future() if callback is None else None
        self.size = size
        self.partial = partial
        self.pieces: list[bytes] | None = None

    def start_again(self, stream: BaseIOStream, size: int, partial: bool) -> None:
        """Become another read, which costs less than making one."""
        self.stream = stream
        self.future = stream._loop.create_future()
        self.size = size
        self.partial = partial

    @property
    def wants_nothing(self) -> bool:  # type: ignore[override]  # here it depends
        """See `Read.wants_nothing`; more than ever fits counts too, as it's refused at once."""
        return not self.size or self._is_too_much()

    def begin(self) -> bool:
        """See `Read.begin`."""
        stream = self.stream
        if self._is_too_much():
            error = StreamBufferFullError(
                f"{self.size} bytes are more than max_buffer_size={stream.max_buffer_size}"
            )
            stream._detach()
            self.fail(error)
            stream.close(exc_info=error)
            return True
        return super().begin()

    def end_in(self, data: bytes | bytearray) -> int:
        """See `Read.end_in`."""
        length = len(data)
        if length >= self.size:
            return self.size
        return length if self.partial and length else NOT_YET

    def data_received(self, data: bytes) -> None:
        """See `Read.data_received`."""
        stream = self.stream
        future = self.future
        if self.pieces is not None:
            self._add(data)
        elif (
            stream._read_buffer is not None
            or future is None
            or future.done()
            or len(data) > self.size
        ):
            super().data_received(data)
        elif self.partial or len(data) == self.size:
            stream._consumer = stream._sink = None
            stream._spare_read = self
            # So that there's no cycle.
            self.stream = self.future = None  # type: ignore[assignment]  # until it starts again
            future.set_result(data)
        else:
            self.pieces = [data]
            self.missing = self.size - len(data)

    def _is_too_much(self) -> bool:
        # What is there never is.
        return self.size > self.stream.max_buffer_size and not self.partial

    def _add(self, data: bytes) -> None:
        stream, pieces = self.stream, self.pieces
        if self.abandoned or pieces is None:
            self.abandon(data)
            return
        rest = len(data) - self.missing
        if rest < 0:
            pieces.append(data)
            self.missing = -rest
            if len(pieces) > MOST_PIECES:
                self._put_back()
            return
        pieces.append(data if not rest else data[: self.missing])
        if rest:
            stream._read_buffer = bytearray(memoryview(data)[self.missing :])
        stream._detach()
        self.pieces = None
        self.deliver(b"".join(pieces))

    def _put_back(self) -> None:
        pieces, self.pieces = self.pieces, None
        if pieces is not None:
            self.stream._unstore(b"".join(pieces))


class ReadUntil(Read):
    """Up to and including a delimiter."""

    __slots__ = ("delimiter", "limit", "searched")

    def __init__(
        self,
        stream: BaseIOStream,
        callback: StreamCallback | None,
        delimiter: bytes,
        limit: int | None,
    ) -> None:
        # As in `ReadBytes`.
        self.stream = stream
        self.callback = callback
        self.future = stream._loop.create_future() if callback is None else None
        self.delimiter = delimiter
        self.limit = limit
        # Where to go on searching, so that no byte is looked at for each chunk that comes after it.
        self.searched = 0

    def data_received(self, data: bytes) -> None:
        """See `Read.data_received`; a line that comes alone and whole needs less."""
        stream, future = self.stream, self.future
        found = data.find(self.delimiter)
        if (
            found >= 0
            and found + len(self.delimiter) == len(data)
            and stream._read_buffer is None
            and self.limit is None
            and future is not None
            and not future.done()
        ):
            stream._consumer = stream._sink = None
            future.set_result(data)
        else:
            super().data_received(data)

    def end_in(self, data: bytes | bytearray) -> int:
        """See `Read.end_in`."""
        found = data.find(self.delimiter, self.searched)
        if found >= 0:
            end = found + len(self.delimiter)
            check_limit(end, self.limit, self.delimiter)
            return end
        length = len(data)
        check_limit(length, self.limit, self.delimiter)
        self.searched = max(0, length - len(self.delimiter) + 1)
        return NOT_YET


class ReadUntilRegex(Read):
    """Up to the end of a pattern's first match."""

    __slots__ = ("limit", "pattern")

    def __init__(
        self,
        stream: BaseIOStream,
        callback: StreamCallback | None,
        *,
        pattern: re.Pattern[bytes],
        limit: int | None,
    ) -> None:
        super().__init__(stream, callback)
        self.pattern = pattern
        self.limit = limit

    def end_in(self, data: bytes | bytearray) -> int:
        """See `Read.end_in`. Each chunk makes for a search from the beginning: only ``limit``
        bounds that.
        """
        match = self.pattern.search(data)
        if match is not None:
            end = match.end()
            check_limit(end, self.limit, self.pattern.pattern)
            return end
        check_limit(len(data), self.limit, self.pattern.pattern)
        return NOT_YET


class ReadUntilClose(Read):
    """Everything until the stream ends."""

    __slots__ = ()
    until_close = True

    def end_in(self, data: bytes | bytearray) -> int:
        """See `Read.end_in`."""
        return NOT_YET

    def result_at_end(self) -> bytes:
        """See `Read.result_at_end`."""
        return self.stream._take_all_buffered()


class StreamedRead(Read):
    """A number of bytes, or all until the stream ends, handed to a callback of its own as they
    come.

    :arg size: how many, or `None` for all.
    """

    __slots__ = ("chunk_callback", "remaining")

    def __init__(
        self,
        stream: BaseIOStream,
        callback: StreamCallback | None,
        *,
        chunk_callback: StreamCallback,
        size: int | None,
    ) -> None:
        super().__init__(stream, callback)
        self.chunk_callback = chunk_callback
        self.remaining = size

    @property
    def until_close(self) -> bool:  # type: ignore[override]  # here it depends
        """Whether the end of the stream is what the read waits for."""
        return self.remaining is None

    @property
    def wants_nothing(self) -> bool:  # type: ignore[override]  # here it depends
        """Whether the read is done before anything has come."""
        return self.remaining == 0

    def begin(self) -> bool:
        """See `Read.begin`."""
        if self.remaining == 0:
            self.stream._detach()
            self.deliver(b"")
            return True
        buffered = self.stream._take_all_buffered()
        if buffered:
            self.data_received(buffered)
        return self.stream._consumer is not self

    def data_received(self, data: bytes) -> None:
        """Pass ``data`` on as far as it's wanted."""
        if self.abandoned:
            self.abandon(data)
            return
        if self.remaining is not None:
            if len(data) > self.remaining:
                self.stream._store(data[self.remaining :])
                data = data[: self.remaining]
            self.remaining -= len(data)
        self.chunk_callback.schedule(self.stream, data)
        if self.remaining == 0:
            self.stream._detach()
            self.deliver(b"")

    def result_at_end(self) -> bytes | None:
        """See `Read.result_at_end`."""
        return b"" if self.remaining is None else None


class ReadInto(HoldingRead):
    """Into a buffer of the program's: until it is full, or with ``partial`` whatever there is."""

    __slots__ = ("filled", "partial", "target")

    def __init__(
        self,
        stream: BaseIOStream,
        callback: StreamCallback | None,
        *,
        target: memoryview,
        partial: bool,
    ) -> None:
        super().__init__(stream, callback)
        self.target = target
        self.partial = partial
        self.filled = 0

    @property
    def wants_nothing(self) -> bool:  # type: ignore[override]  # here it depends
        """Whether the read is done before anything has come."""
        return not len(self.target)

    def begin(self) -> bool:
        """See `Read.begin`."""
        buffer = self.stream._read_buffer
        if buffer is not None:
            size = min(len(buffer), len(self.target))
            self.target[:size] = take(buffer, size)
            self.filled = size
            if not buffer:
                self.stream._read_buffer = None
        return self._finish_if_enough()

    def data_received(self, data: bytes) -> None:
        """Copy ``data`` to where it's wanted."""
        if self.abandoned:
            self.abandon(data)
            return
        start = self.filled
        size = min(len(data), len(self.target) - start)
        self.target[start : start + size] = data if size == len(data) else data[:size]
        self.filled = start + size
        if size < len(data):
            self.stream._store(data[size:])
        self._finish_if_enough()

    def _put_back(self) -> None:
        self.stream._unstore(bytes(self.target[: self.filled]))
        self.filled = 0

    def _finish_if_enough(self) -> bool:
        enough = self.filled == len(self.target) or (self.partial and self.filled > 0)
        if enough:
            self.stream._detach()
            self.deliver(self.filled)
        return enough


def check_limit(size: int, limit: int | None, wanted: bytes) -> None:
    """Refuse a delimiter or pattern that doesn't end within ``limit`` bytes."""
    if limit is not None and size > limit:
        raise UnsatisfiableReadError(f"{wanted[:60]!r} is not within the first {limit} bytes")
