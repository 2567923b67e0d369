"""Bytes on the way out, and what is waiting for them to be gone."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeAlias

Bytes: TypeAlias = bytes | bytearray | memoryview

# Pieces shorter than this many bytes are joined before they are handed to the kernel.
JOIN_BELOW = 65536


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


class OutputQueue:
    """Pieces of output that the kernel hasn't taken yet.

    `append` is also for callers that hand over many pieces and start the writing afterwards with an
    empty ``write``.
    """

    __slots__ = ("_added", "_pieces", "_waiting", "size")

    def __init__(self) -> None:
        self.size = 0
        self._added = 0
        self._pieces: deque[bytes | memoryview] = deque()
        # Each future together with the value of `_added` up to which it waits.
        self._waiting: deque[tuple[int, asyncio.Future[None]]] | None = None

    def __len__(self) -> int:
        return self.size

    def append(self, data: Bytes) -> None:
        """Add a piece at the end."""
        piece = settled(data)
        self.extend(piece, len(piece))

    def extend(self, piece: bytes | memoryview, size: int) -> None:
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

    def head(self) -> bytes | memoryview:
        """Return the bytes to write next: as many as is useful to offer at once."""
        pieces = self._pieces
        first = pieces[0]
        if len(first) >= JOIN_BELOW or len(pieces) == 1:
            return first
        # A write that TLS wants repeated must not become shorter (SSL_write(3)); joining only
        # lengthens it.
        joined: list[bytes | memoryview] = []
        length = 0
        while pieces and length < JOIN_BELOW:
            piece = pieces.popleft()
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
        self._pieces.clear()
        self.size = 0
        waiting, self._waiting = self._waiting, None
        return [future for _, future in waiting or () if not future.done()]
