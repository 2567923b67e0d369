"""What differs among operating systems (documented API versions 2.x to 5.x)."""

from __future__ import annotations

import contextlib
import os
import socket

__all__ = ["Waker", "set_close_exec"]


def set_close_exec(fd: int) -> None:
    """Keep a descriptor from programs that this process starts.

    Python makes descriptors like that since version 3.4; this is for those that came otherwise.

    :arg fd: the descriptor.
    :raises OSError: it isn't open.
    """
    os.set_inheritable(fd, False)


class Waker:
    """Something that another thread can make readable, to wake a loop that waits for it.

    `.IOLoop.add_callback` wakes its loop by itself.
    """

    def __init__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._reading.fileno()

    def write_fileno(self) -> int:
        """Return the descriptor that `wake` writes to."""
        return self._writing.fileno()

    def wake(self) -> None:
        """Make it readable. This is for any thread, and for signal handlers."""
        # A buffer that is full means that it is readable.
        with contextlib.suppress(BlockingIOError):
            self._writing.send(b"\0")

    def consume(self) -> None:
        """Make it unreadable again."""
        with contextlib.suppress(BlockingIOError):
            while self._reading.recv(4096):
                pass

    def close(self) -> None:
        """Close both descriptors."""
        self._reading.close()
        self._writing.close()
