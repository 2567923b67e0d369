"""Streams over pipes."""

from __future__ import annotations

import os
from typing import Any

from tornado._iostream.base import BaseIOStream
from tornado._iostream.errors import NOT_NOW
from tornado._iostream.state import CLOSED


class PipeIOStream(BaseIOStream):
    """A stream over one end of a pipe, or another descriptor that can be polled, or a file.

    A file, such as standard input may be, is always ready; reading from its disk may block.

    :arg fd: an integer; it belongs to the stream from now on, and is made non-blocking. The other
        arguments are those of `BaseIOStream`.
    """

    # For files: whether the loop is going to look at it.
    _look_due: bool = False

    def __init__(self, fd: int, *args: Any, **kwargs: Any) -> None:
        self.fd = fd
        os.set_blocking(fd, False)
        super().__init__(*args, **kwargs)

    def __del__(self) -> None:
        # Sockets close themselves when nobody has closed their stream; numbers don't. One that
        # could not be made a stream of remains the caller's.
        if getattr(self, "_state", CLOSED) is not CLOSED:
            self.close_fd()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.fd

    def close_fd(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """See `BaseIOStream.read_from_fd`."""
        try:
            data = self._read_chunk(len(buf))
        except NOT_NOW:
            return None
        buf[: len(data)] = data
        return len(data)

    def write_to_fd(self, data: memoryview) -> int:
        """See `BaseIOStream.write_to_fd`."""
        return os.write(self.fd, data)

    def _read_chunk(self, size: int) -> bytes:
        return os.read(self.fd, size)

    def _add_reader(self) -> None:
        try:
            super()._add_reader()
        except PermissionError:
            # That's what epoll says of files: there would be nothing to wait for.
            self._watching_input = True
            self._look_soon()

    def _look_soon(self) -> None:
        if not self._look_due:
            self._look_due = True
            self._call_soon(self._look)

    def _look(self) -> None:
        self._look_due = False
        if self._watching_input:
            self._on_readable()
        if self._watching_input:
            self._look_soon()
