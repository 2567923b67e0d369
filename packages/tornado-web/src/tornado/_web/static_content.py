"""The content of static files without a request: reading it piece by piece, and its version."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from typing import TYPE_CHECKING

from tornado._web.errors import HTTPError
from tornado._web.static_memory import MemoryFile
from tornado._web.static_paths import OpenFile, Refused, join_below
from tornado._web.static_versions import VersionCache, fingerprint, hash_content, is_settled

if TYPE_CHECKING:
    from tornado._web.static import StaticFileHandler


def pieces_of(abspath: str, start: int | None, end: int | None) -> Generator[bytes, None, None]:
    """Read a file, or a part of it, piece by piece.

    :raises HTTPError: 403 for what is no file, 404 for what is not there; when first asked.
    """
    try:
        file = OpenFile(abspath)
    except Refused as error:
        raise HTTPError(403, "%s", error) from error
    except FileNotFoundError as error:
        raise HTTPError(404) from error
    try:
        stop = file.size if end is None else min(end, file.size)
        yield from file.chunks(start or 0, stop)
    finally:
        file.close()


def path_below(root: str, path: str) -> str:
    """Join a path from a URL to a root directory.

    :raises HTTPError: 403 if that leads out of the root, 404 if no file can have such a name.
    """
    try:
        return join_below(root, path)
    except Refused as error:
        raise HTTPError(403, "%s", error) from error
    except FileNotFoundError as error:
        raise HTTPError(404) from error


class Versioner:
    """Computes versions for one class of handlers at a time, and keeps them for all."""

    def __init__(self) -> None:
        self.cache = VersionCache()

    def version_of(
        self,
        handler: type[StaticFileHandler],
        abspath: str,
        *,
        file: OpenFile | MemoryFile | None = None,
        from_file: bool,
        plain: bool,
    ) -> str | None:
        """Return the version of some content, or ``None`` if it has none.

        :arg handler: the class whose hooks say what the content and its version are.
        :arg abspath: the path that the hooks understand.
        :arg file: the file of that path, if it is at hand.
        :arg from_file: the content is that of the file, for the hook for it is the original one.
        :arg plain: so is the hook for the version.
        """
        status = file.stat if file is not None else _status(abspath)
        if from_file and not _is_regular(status, handler.MAX_VERSION_CONTENT_SIZE):
            return None
        # What a subclass makes up need not be in a file; then nobody can tell when it changes.
        mark = fingerprint(status) if status is not None else None
        known = self.cache.find((handler, abspath), mark)
        if known is not None:
            return known[0]
        try:
            if plain and file is not None:
                # Not by its path, for by now that can lead to another file than the one at hand.
                version = hash_content(file.chunks(0, file.size))
            else:
                version = handler.get_content_version(abspath)
        except (OSError, HTTPError):
            return None
        if status is None or is_settled(status):
            limit = handler.MAX_CACHED_VERSIONS
            self.cache.keep((handler, abspath), mark, version, limit=limit)
        return version

    def knows(self, handler: type[StaticFileHandler], file: OpenFile | MemoryFile) -> bool:
        """Tell whether the version of a file need not be computed."""
        return self.cache.find((handler, file.path), fingerprint(file.stat)) is not None


def version_of_content(content: bytes | Generator[bytes, None, None]) -> str:
    """Return the version of content that a hook has given."""
    return hash_content([content] if isinstance(content, bytes) else content)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _is_regular(status: os.stat_result | None, max_size: int) -> bool:
    if status is None or not stat.S_ISREG(status.st_mode):
        return False
    return status.st_size <= max_size
