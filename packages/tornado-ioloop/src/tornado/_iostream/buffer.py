"""Bytes on the way out, and what is waiting for them to be gone."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from typing import TypeAlias

from tornado._iostream.errors import NOT_NOW

Bytes: TypeAlias = bytes | bytearray | memoryview

# Pieces shorter than this many bytes are joined before they are handed to the kernel.
JOIN_BELOW = 65536

# Bytes of a file for one system call, so that others get their turn.
SEND_AT_ONCE = 1 << 20


def settled(data: Bytes, start: int = 0) -> bytes | memoryview:
    """Return ``data`` from ``start`` on so that it can't change later, without copying `bytes`."""
    if isinstance(data, bytes):
        return memoryview(data)[start:] if start else data
    view = memoryview(data)
    if view.itemsize != 1 or view.ndim != 1:
        view = view.cast("B")
    return bytes(view[start:])


def take(buffer: bytearray, size: int) -> bytes:
    """Remove the first ``size`` bytes of ``buffer`` and return them, copying them once."""
    with memoryview(buffer) as view:
        taken = bytes(view[:size])
    del buffer[:size]
    return taken


class FilePart:
    """A part of a file on its way to a socket, past the memory of the program.

    :arg fd: descriptor of the file.
    :arg start: the first byte of the part.
    :arg size: how many bytes are still to be sent.
    """

    __slots__ = ("fd", "size", "start")

    def __init__(self, fd: int, start: int, size: int) -> None:
        self.fd = fd
        self.start = start
        self.size = size

    def __len__(self) -> int:
        return self.size

    def send_to(self, target: int) -> int:
        """Send as much to a socket as goes without waiting; return how much that was.

        :raises OSError: sending failed, or the file has become shorter.
        """
        try:
            sent = os.sendfile(target, self.fd, self.start, min(self.size, SEND_AT_ONCE))
        except NOT_NOW:
            return 0
        if not sent:
            raise OSError(errno.EIO, "the file has become shorter while it was sent")
        return sent

    def keep_open(self) -> None:
        """Have a descriptor of its own from now on, whatever becomes of the caller's."""
        self.fd = os.dup(self.fd)

    def close(self) -> None:
        """Close that descriptor."""
        os.close(self.fd)

    def skip(self, taken: int) -> None:
        """Take note of what has been sent."""
        self.start += taken
        self.size -= taken


class OutputQueue:
    """Pieces of output that the kernel hasn't taken yet.

    `append` is also for callers that hand over many pieces and start the writing afterwards with an
    empty ``write``.
    """

    __slots__ = ("_added", "_pieces", "_waiting", "size")

    def __init__(self) -> None:
        self.size = 0
        self._added = 0
        self._pieces: deque[bytes | memoryview | FilePart] = deque()
        # Each future together with the value of `_added` up to which it waits.
        self._waiting: deque[tuple[int, asyncio.Future[None]]] | None = None

    def __len__(self) -> int:
        return self.size

    def append(self, data: Bytes) -> None:
        """Add a piece at the end."""
        piece = settled(data)
        self.extend(piece, len(piece))

    def extend(self, piece: bytes | memoryview | FilePart, size: int) -> None:
        """Add a piece that won't change and whose length is known."""
        if size:
            self._pieces.append(piece)
            self.size += size
            self._added += size

    def wait(self, future: asyncio.Future[None]) -> None:
        """Have ``future`` resolved when all that is queued now is gone."""
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((self._added, future))

    def head(self) -> bytes | memoryview | FilePart:
        """Return what to write next: as many bytes as is useful to offer at once, or a file."""
        pieces = self._pieces
        first = pieces[0]
        if len(first) >= JOIN_BELOW or len(pieces) == 1 or isinstance(first, FilePart):
            return first
        # A write that TLS wants repeated must not become shorter (SSL_write(3)); joining only
        # lengthens it.
        joined: list[bytes | memoryview] = []
        length = 0
        while pieces and length < JOIN_BELOW:
            piece = pieces[0]
            if isinstance(piece, FilePart):
                break
            pieces.popleft()
            joined.append(piece)
            length += len(piece)
        first = b"".join(joined)
        pieces.appendleft(first)
        return first

    def advance(self, taken: int) -> None:
        """Drop ``taken`` bytes of `head`, and resolve the futures that waited for them."""
        if taken:
            self.size -= taken
            first = self._pieces[0]
            if taken == len(first):
                self._pieces.popleft()
                if isinstance(first, FilePart):
                    first.close()
            elif isinstance(first, FilePart):
                first.skip(taken)
            else:
                self._pieces[0] = memoryview(first)[taken:]
        waiting = self._waiting
        if waiting is None:
            return
        gone = self._added - self.size
        while waiting and waiting[0][0] <= gone:
            future = waiting.popleft()[1]
            if not future.done():
                future.set_result(None)

    def abandon(self) -> list[asyncio.Future[None]]:
        """Drop everything; return the futures that nothing will resolve now."""
        for piece in self._pieces:
            if isinstance(piece, FilePart):
                piece.close()
        self._pieces.clear()
        self.size = 0
        waiting, self._waiting = self._waiting, None
        return [future for _, future in waiting or () if not future.done()]
