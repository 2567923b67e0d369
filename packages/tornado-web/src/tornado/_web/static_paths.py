"""Where a static file may lie, and opening it so that nothing else is served in its place.

A path is judged twice. As text, before the file system is asked: normalised, it has to lie below
the root. And as what was really opened, after all symbolic links: the open file's own path has to
lie below the root's, or below a directory to which links may lead. Only then is anything read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from functools import lru_cache

from tornado._late import late_regex

_READ_SIZE = 65536

# Paths that normalisation leaves as they are: no part of them is empty or begins with a dot.
_PLAIN = late_regex(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*" if os.sep == "/" else r"(?!)", re.ASCII)

# Without O_NONBLOCK, a pipe that takes a file's place in the last moment would block the process.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


class Refused(Exception):
    """The path leads to something that must not be served."""


def is_below(path: str, root: str) -> bool:
    """Tell whether a normalised absolute path is the root or lies below it."""
    return path == root or path.startswith(root if root.endswith(os.sep) else root + os.sep)


def join_below(root: str, path: str) -> str:
    """Join a path from a URL to a root directory and normalise it.

    :raises FileNotFoundError: no file can have such a name.
    :raises Refused: the path leads out of the root, or names a stream of a file instead of a file.
    """
    # Some versions of normpath cut the path off at a NUL.
    if "\0" in path:
        raise FileNotFoundError(path)
    if _PLAIN.fullmatch(path) and os.path.isabs(root):
        return f"{_normal(root)}/{path}"
    joined = os.path.abspath(os.path.join(root, path))
    require_below(joined, root)
    return joined


@lru_cache(maxsize=64)
def _normal(root: str) -> str:
    return os.path.abspath(root).rstrip(os.sep)


def require_below(path: str, root: str) -> None:
    """Make sure that an absolute path lies below a root, as far as its text tells.

    :raises Refused: it does not, or it names a stream of a file instead of a file.
    """
    if not is_below(os.path.abspath(path), os.path.abspath(root)):
        raise Refused(f"{path!r} is outside of the root directory")
    if names_stream(path):
        raise Refused(f"{path!r} is not the name of a file")


def names_stream(path: str, *, windows: bool = os.name == "nt") -> bool:
    """Tell whether a path has a colon that, on Windows, leads to a stream within a file."""
    if not windows:
        return False
    import ntpath

    return ":" in ntpath.splitdrive(path)[1]


class OpenFile:
    """A regular file, opened for reading by position.

    :arg path: absolute path.
    :arg status: what ``stat`` has said about it, if it was asked already.
    :raises Refused: it is a directory, pipe, device or socket, or may not be read.
    :raises FileNotFoundError: there is no such file.
    """

    def __init__(self, path: str, status: os.stat_result | None = None) -> None:
        self.path = path
        # Opening a pipe or a device can have effects of its own, so look first.
        _require_regular(status or file_status(path), path)
        try:
            self.fd = os.open(path, _OPEN_FLAGS)
        except PermissionError as error:
            raise Refused(f"{path!r} may not be read") from error
        except (OSError, ValueError) as error:
            raise FileNotFoundError(path) from error
        try:
            self.stat = os.fstat(self.fd)
            _require_regular(self.stat, path)
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Length in bytes when the file was opened."""
        return self.stat.st_size

    def current_size(self) -> int:
        """Return the length in bytes now."""
        return os.fstat(self.fd).st_size

    def read(self, start: int, stop: int) -> bytes:
        """Read from one position up to another; less only if the file has become shorter."""
        pieces = list(self.chunks(start, stop, max(stop - start, 1)))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def chunks(self, start: int, stop: int, size: int = _READ_SIZE) -> Iterator[bytes]:
        """Read piece by piece, each at most ``size`` bytes, from one position up to another."""
        while start < stop:
            piece = _read_at(self.fd, min(size, stop - start), start)
            if not piece:
                return
            start += len(piece)
            yield piece

    def real_path(self) -> str:
        """Return the path of what is open, free of symbolic links."""
        try:
            return os.readlink(f"/proc/self/fd/{self.fd}")
        except OSError:
            return os.path.realpath(self.path)

    def require_below(self, root: str, others: Iterable[str] = ()) -> None:
        """Make sure that the open file lies below a root or one of some other directories.

        :raises Refused: it does not; a symbolic link leads elsewhere.
        """
        real = self.real_path()
        if is_below(real, _real_directory(root, _identity(root))):
            return
        # Mounts can give a file a second path; the one from resolving the links decides.
        real = os.path.realpath(self.path)
        if not any(is_below(real, os.path.realpath(allowed)) for allowed in (root, *others)):
            raise Refused(f"{self.path!r} leads out of its directory")

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def file_status(path: str) -> os.stat_result:
    """Return what the file system says about a path, links followed.

    :raises Refused: it may not be asked.
    :raises FileNotFoundError: nothing has such a name.
    """
    try:
        return os.stat(path)
    except PermissionError as error:
        raise Refused(f"{path!r} may not be read") from error
    except (OSError, ValueError) as error:
        # Loops of links and names that are too long or cannot be encoded are names of no file.
        raise FileNotFoundError(path) from error


def _require_regular(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"{path!r} is not a file")


def _identity(directory: str) -> tuple[int, int, int]:
    status = file_status(directory)
    return status.st_dev, status.st_ino, status.st_ctime_ns


@lru_cache(maxsize=64)
def _real_directory(directory: str, identity: tuple[int, int, int]) -> str:
    # Resolving a path asks for every one of its parts. The identity is part of the key so that a
    # link that has been turned to another directory is noticed.
    return os.path.realpath(directory)


if hasattr(os, "pread"):

    def _read_at(fd: int, size: int, position: int) -> bytes:
        return os.pread(fd, size, position)

else:  # pragma: no cover - Windows

    def _read_at(fd: int, size: int, position: int) -> bytes:
        os.lseek(fd, position, os.SEEK_SET)
        return os.read(fd, size)
