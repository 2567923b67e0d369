"""`BaseIOStream`: the core of a stream with the awaiting interface on top."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any, cast

from tornado._iostream.buffer import Bytes, OutputQueue, settled
from tornado._iostream.callbacks import StreamCallback, as_callback
from tornado._iostream.core import Callback, StreamCore
from tornado._iostream.errors import NOT_NOW, StreamClosedError
from tornado._iostream.reads import (
    Read,
    ReadBytes,
    ReadInto,
    ReadUntil,
    ReadUntilClose,
    ReadUntilRegex,
    StreamedRead,
)
from tornado._iostream.state import CLOSED, OPEN


class BaseIOStream(StreamCore):
    """A non-blocking stream of bytes; see `IOStream` for the usual one.

    A subclass stands for a kind of descriptor. It has the methods `fileno`, `close_fd`,
    `write_to_fd`, `read_from_fd` and, if it wishes, `get_fd_error`.

    Input is had in one of two ways. The ``read_*`` methods return a future each; one read may be
    pending at a time. Or a receiver is attached with `start_receiving` and called with what comes.

    :arg max_buffer_size: the most bytes of input that are kept; 100 MiB by default.
    :arg read_chunk_size: the most bytes that are read at once; 64 KiB by default, and never more
        than half of ``max_buffer_size``.
    :arg max_write_buffer_size: the most bytes of output that are kept; no limit by default.
    :arg io_loop: the loop, as programs of the callback era give it; by default, and best, the
        current one. It may stand first too.
    :raises ValueError: a size is negative.

    .. versionchanged:: 4.0
       Added ``max_write_buffer_size``.
    """

    # A read that is done, to be used for the next one.
    _spare_read: ReadBytes | None = None

    def read_until_regex(
        self,
        regex: bytes | re.Pattern[bytes],
        max_bytes: int | Callback | None = None,
        callback: Callback | None = None,
    ) -> Any:
        """Read up to the end of the first match of ``regex``.

        :arg regex: a pattern of bytes. It's searched for afresh when more has come, so give
            ``max_bytes`` where the peer isn't trusted.
        :arg max_bytes: the match must end within so many bytes; otherwise the stream is closed.
        :arg callback: gets the bytes; it may also stand second. Nothing is returned then.
        :returns: a future with the bytes.
        :raises StreamClosedError: from the future, if the stream ends first. Bytes that came stay
            readable. Its ``real_error`` is an `UnsatisfiableReadError` if the match didn't come in
            time.
        :raises TypeError: ``regex`` is for text, or ``max_bytes`` isn't an integer.

        .. versionchanged:: 4.0
           Added ``max_bytes``.
        """
        pattern = re.compile(regex)
        if not isinstance(pattern.pattern, bytes):
            raise TypeError(f"the pattern has to be one of bytes, not {pattern.pattern!r:.80}")
        function, limit = _callback_or(max_bytes, callback)
        _check_limit(limit)
        return self._start_read(
            ReadUntilRegex(self, as_callback(function), pattern=pattern, limit=limit)
        )

    def read_until(
        self,
        delimiter: bytes,
        max_bytes: int | Callback | None = None,
        callback: Callback | None = None,
    ) -> Any:
        """Read up to and including ``delimiter``.

        :arg max_bytes: limit in bytes, the delimiter included; when more has come without it the
            stream is closed.
        :arg callback: gets the bytes; it may also stand second. Nothing is returned then.
        :returns: a future with the bytes.
        :raises StreamClosedError: from the future, if the stream ends first. Bytes that came stay
            readable. Its ``real_error`` is an `UnsatisfiableReadError` if the delimiter didn't come
            in time.
        :raises ValueError: ``delimiter`` is empty.
        :raises TypeError: ``delimiter`` isn't bytes, or ``max_bytes`` isn't an integer.

        .. versionchanged:: 4.0
           Added ``max_bytes``.
        """
        if not isinstance(delimiter, (bytes, bytearray, memoryview)):
            raise TypeError(f"the delimiter has to be bytes, not {delimiter!r:.80}")
        if not delimiter:
            raise ValueError("the delimiter is empty")
        if max_bytes is None and callback is None:
            return self._start_read(ReadUntil(self, None, delimiter, None))
        function, limit = _callback_or(max_bytes, callback)
        _check_limit(limit)
        return self._start_read(ReadUntil(self, as_callback(function), delimiter, limit))

    def read_bytes(
        self,
        num_bytes: int,
        partial: bool | Callback = False,
        streaming_callback: Callback | None = None,
        *,
        callback: Callback | None = None,
    ) -> Any:
        """Read ``num_bytes`` bytes.

        :arg partial: be content with whatever is there, but at least one byte.
        :arg streaming_callback: is called with the bytes as they come; the result is empty then.
        :arg callback: gets the result; it may also stand second, as programs of the callback era
            have it. Nothing is returned then.
        :returns: a future with the bytes.
        :raises StreamClosedError: from the future, if the stream ends first. Bytes that came stay
            readable.
        :raises StreamBufferFullError: from the future, if ``num_bytes`` is more than
            ``max_buffer_size``, and ``partial`` false; the stream is closed.
        :raises ValueError: ``num_bytes`` is negative.

        .. versionchanged:: 4.0
           Added ``partial``.
        """
        if not isinstance(num_bytes, int):
            raise TypeError(f"num_bytes must be an integer, not {num_bytes!r}")
        if num_bytes < 0:
            raise ValueError(f"num_bytes must not be negative, it is {num_bytes!r}")
        if (
            callback is None
            and streaming_callback is None
            and (partial is True or partial is False)
        ):
            if (
                self._consumer is None
                and self._read_buffer is None
                and self._state is OPEN
                and 0 < num_bytes <= self.max_buffer_size
            ):
                # What `_start_read` would come to.
                read = self._spare_read
                if read is None:
                    read = ReadBytes(self, None, num_bytes, partial)
                else:
                    self._spare_read = None
                    read.start_again(self, num_bytes, partial)
                self._consumer = self._sink = read
                if not self._watching_input:
                    self._watch_input()
                return read.future
            return self._start_read(ReadBytes(self, None, num_bytes, partial))
        function, some = _callback_or(partial, callback)
        if streaming_callback is not None:
            return self._start_read(
                StreamedRead(
                    self,
                    as_callback(function),
                    chunk_callback=StreamCallback(streaming_callback),
                    size=num_bytes,
                )
            )
        return self._start_read(ReadBytes(self, as_callback(function), num_bytes, bool(some)))

    def read_into(self, buf: bytearray | memoryview, partial: bool = False) -> Any:
        """Read into ``buf`` until it is full.

        :arg buf: a writable buffer, to be left alone until the read is done.
        :arg partial: be content with whatever is there, but at least one byte.
        :returns: a future with the number of bytes.
        :raises StreamClosedError: from the future, if the stream ends first. Bytes that came stay
            readable.

        .. versionadded:: 5.0
        """
        target = memoryview(buf).cast("B")
        if target.readonly:
            raise TypeError("the buffer can't be written to")
        return self._start_read(ReadInto(self, None, target=target, partial=partial))

    def read_until_close(
        self,
        callback: Callback | None = None,
        streaming_callback: Callback | None = None,
    ) -> Any:
        """Read everything until the stream is closed.

        :arg callback: gets the result. Nothing is returned then.
        :arg streaming_callback: is called with the bytes as they come; the result is empty then.
        :returns: a future with the bytes.
        :raises StreamClosedError: from the future, if an error ended the stream. That the peer
            reset the connection is none. With more than ``max_buffer_size`` bytes the stream is
            closed, and ``real_error`` is a `StreamBufferFullError`.

        .. versionchanged:: 4.0
           Returns a future.
        """
        bound = as_callback(callback)
        if streaming_callback is None:
            return self._start_read(ReadUntilClose(self, bound))
        return self._start_read(
            StreamedRead(self, bound, chunk_callback=StreamCallback(streaming_callback), size=None)
        )

    def write(self, data: Bytes, callback: Callback | None = None) -> Any:
        """Write ``data``.

        Many writes may be under way. Waiting for each future keeps the stream's memory small.

        :arg callback: is called when all output is written; a later write's callback takes its
            place. Nothing is returned then.
        :returns: a future that resolves when ``data`` has been handed to the system.
        :raises StreamClosedError: the stream is closed; from the future, if it closes before
            ``data`` is written.
        :raises StreamBufferFullError: ``max_write_buffer_size`` would be exceeded; nothing was
            written then.

        .. versionchanged:: 4.0
           Returns a future.
        .. versionchanged:: 4.5
           Takes `memoryview` too.
        """
        if self._consumer is not None:
            self._flush_receiver()
        if callback is not None or not self._direct or self.max_write_buffer_size is not None:
            return self._write_queued(data, callback)
        if type(data) is not bytes:
            data = settled(data)
        # As `send`, without the cost of calling it.
        transmit = self._transmit
        try:
            taken = transmit(data) if transmit is not None else self._write_chunk(data)
        except OSError as error:
            # Writing nothing finds out nothing.
            if data and not isinstance(error, NOT_NOW):
                self._break(error)
                return self._failed(StreamClosedError(error))
            taken = 0
        if taken == len(data):
            return self._written or self._make_written()
        self._keep(settled(data, taken))
        return self._until_written()

    # -- inside

    def _write_queued(self, data: Bytes, callback: Callback | None) -> asyncio.Future[None] | None:
        """Write when something stands in the way, or a callback is to be told."""
        if self._state is CLOSED:
            raise StreamClosedError(self.error)
        if callback is not None:
            self._write_with_callback(data, StreamCallback(callback))
            return None
        try:
            done = self._send_queued(settled(data))
        except StreamClosedError as error:
            return self._failed(error)
        return (self._written or self._make_written()) if done else self._until_written()

    def _until_written(self) -> asyncio.Future[None]:
        """Return a future for all that is queued now."""
        future: asyncio.Future[None] = self._loop.create_future()
        cast("OutputQueue", self._queue).wait(future)
        return future

    def _write_with_callback(self, data: Bytes, callback: StreamCallback) -> None:
        # A stream that breaks here tells by its close callback.
        with contextlib.suppress(StreamClosedError):
            done = self.send(settled(data))
            self._write_callback = callback
            if done:
                self._all_written()

    def _start_read(self, read: Read) -> asyncio.Future[Any] | None:
        if self._consumer is not None:
            self._drop_cancelled_read()
            if self.reading():
                raise RuntimeError("a read is pending already")
            if self._consumer is not None:
                raise RuntimeError("the input goes to a receiver: stop_receiving() first")
        future = read.future
        self._consumer = read
        if (read.wants_nothing or self._read_buffer is not None) and read.begin():
            return future
        if self._state is OPEN:
            self._sink = read
            if not self._watching_input:
                self._watch_input()
        elif self._state is CLOSED:
            self._read_too_late(read)
        else:
            self._watch_input()
        return future

    def _read_too_late(self, read: Read) -> None:
        if read.until_close:
            read.closed(self.error)
            return
        read.abandon()
        raise StreamClosedError(self.error)

    def _make_written(self) -> asyncio.Future[None]:
        """Make the future that all writes share that were done at once."""
        self._written = future = self._loop.create_future()
        future.set_result(None)
        return future


def _check_limit(limit: object) -> None:
    if limit is not None and not isinstance(limit, int):
        raise TypeError(f"max_bytes has to be an integer, not {limit!r:.80}")


def _callback_or(value: Any, callback: Callback | None) -> tuple[Callback | None, Any]:
    """Sort out an argument whose place a callback had in programs of the callback era."""
    return (value, None) if callable(value) else (callback, value)
