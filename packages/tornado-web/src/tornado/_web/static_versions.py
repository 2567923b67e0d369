"""Versions of static files: hashes of their content, kept as long as the file stays the same."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Hashable, Iterable
from os import stat_result
from typing import TypeAlias

# Seconds; the coarsest stamps in use are those of FAT.
_SETTLING_TIME = 2

Fingerprint: TypeAlias = tuple[int, ...] | None


def hash_content(content: Iterable[bytes]) -> str:
    """Return the version of some content: its SHA-512 as hexadecimal digits."""
    digest = hashlib.sha512()
    for chunk in content:
        digest.update(chunk)
    return digest.hexdigest()


def fingerprint(status: stat_result) -> Fingerprint:
    """Return what changes when a file's content does, as far as the file system tells."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def is_settled(status: stat_result) -> bool:
    """Tell whether a later change of the file is sure to change its fingerprint.

    Time stamps are coarse: within one tick, a file can change without another time.
    """
    return time.time() - max(status.st_mtime, status.st_ctime) > _SETTLING_TIME


class VersionCache:
    """Keeps versions by key, each valid for one fingerprint; the oldest make room for new ones.

    It may be used from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Hashable, tuple[Fingerprint, str | None]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Hashable, mark: Fingerprint) -> tuple[str | None] | None:
        """Return the version in a tuple of its own, or ``None`` if it is not known."""
        entry = self._entries.get(key)
        if entry is None or entry[0] != mark:
            return None
        return (entry[1],)

    def keep(self, key: Hashable, mark: Fingerprint, version: str | None, *, limit: int) -> None:
        """Store a version, and drop the oldest ones so that no more than ``limit`` are kept."""
        with self._lock:
            self._entries.pop(key, None)
            while self._entries and len(self._entries) >= limit:
                del self._entries[next(iter(self._entries))]
            if limit > 0:
                self._entries[key] = (mark, version)

    def clear(self) -> None:
        """Forget all versions."""
        with self._lock:
            self._entries.clear()
