"""What can go wrong with a stream, and which system errors mean what."""

from __future__ import annotations

import errno

# How a peer that vanishes shows up. None of these tells of a fault on this side.
CONNECTION_RESET = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ETIMEDOUT)

# What the system says when something has to wait.
NOT_NOW = (BlockingIOError, InterruptedError)


class StreamClosedError(OSError):
    """The stream is closed, so the operation can't be done or can't be completed.

    :arg real_error: the exception that ended the stream, or `None` after an orderly end. It is kept
        as the attribute of that name.

    .. versionchanged:: 4.3
       Added ``real_error``.
    """

    def __init__(self, real_error: BaseException | None = None) -> None:
        super().__init__("the stream is closed")
        self.real_error = real_error


class UnsatisfiableReadError(Exception):
    """A delimiter or pattern didn't come within the ``max_bytes`` of its read; the stream is closed
    then.
    """


class StreamBufferFullError(Exception):
    """More would have to be buffered than ``max_buffer_size`` or ``max_write_buffer_size``
    allows."""


def is_reset(error: BaseException | None) -> bool:
    """Tell whether ``error`` says no more than that the peer went away."""
    return isinstance(error, OSError) and error.errno in CONNECTION_RESET
