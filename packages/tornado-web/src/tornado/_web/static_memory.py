"""Small files kept in memory, so that a request for one asks the file system only for its state."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator

from tornado._web.static_versions import Fingerprint


class MemoryFile:
    """The content of a file as it was when it was read, with what :class:`OpenFile` offers.

    :arg path: absolute path.
    :arg status: the file's state at that time.
    :arg content: all of it.
    """

    def __init__(self, path: str, status: os.stat_result, content: bytes) -> None:
        self.path = path
        self.stat = status
        self.size = len(content)
        #: Headers that describe the content, once they are known.
        self.headers: dict[str, str] | None = None
        self._content = content

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from one position up to another."""
        return self._content[start:stop]

    def chunks(self, start: int, stop: int, size: int = 0) -> Iterator[bytes]:
        """Return them as the only piece."""
        yield self._content[start:stop]

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class FileMemory:
    """Keeps small files by key, each valid for one fingerprint; the oldest make room for new ones.

    It may be used from several threads.

    :arg limit: how many bytes of content are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._size = 0
        self._files: dict[Hashable, tuple[Fingerprint, MemoryFile]] = {}

    def find(self, key: Hashable, mark: Fingerprint) -> MemoryFile | None:
        """Return the file if it is known in this state."""
        entry = self._files.get(key)
        return entry[1] if entry is not None and entry[0] == mark else None

    def keep(self, key: Hashable, mark: Fingerprint, file: MemoryFile) -> None:
        """Store a file, and drop the oldest ones so that the limit is kept."""
        with self._lock:
            self._drop(key)
            while self._files and self._size + file.size > self._limit:
                self._drop(next(iter(self._files)))
            if file.size <= self._limit:
                self._files[key] = (mark, file)
                self._size += file.size

    def clear(self) -> None:
        """Forget all files."""
        with self._lock:
            self._files.clear()
            self._size = 0

    def _drop(self, key: Hashable) -> None:
        entry = self._files.pop(key, None)
        if entry is not None:
            self._size -= entry[1].size
