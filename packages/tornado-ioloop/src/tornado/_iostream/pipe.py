"""Streams over pipes."""

from __future__ import annotations

import os
from typing import Any

from tornado._iostream.base import BaseIOStream
from tornado._iostream.errors import NOT_NOW


class PipeIOStream(BaseIOStream):
    """A stream over one end of a pipe, or another descriptor that can be polled.

    :arg fd: an integer; it belongs to the stream from now on, and is made non-blocking. The other
        arguments are those of `BaseIOStream`.
    """

    def __init__(self, fd: int, *args: Any, **kwargs: Any) -> None:
        self.fd = fd
        os.set_blocking(fd, False)
        super().__init__(*args, **kwargs)

    def __del__(self) -> None:
        # Sockets close themselves when nobody has closed their stream; numbers don't. One that
        # could not be made a stream of remains the caller's.
        if hasattr(self, "io_loop") and not self.closed():
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
