"""Finding the file that a request means, and making sure that it may be served.

What was opened to be looked at stays open, so that it is the same file that is read and sent.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import ClassVar

from tornado._web.errors import HTTPError
from tornado._web.handler import RequestHandler
from tornado._web.static_content import path_below
from tornado._web.static_memory import FileMemory, MemoryFile
from tornado._web.static_paths import OpenFile, Refused, file_status, require_below
from tornado._web.static_variants import siblings
from tornado._web.static_versions import fingerprint

# How many bytes of such files are kept in memory, in all.
_MEMORY = 4 << 20

# Browsers take a backslash for a slash, so that "/\\host/" is as bad as "//host/".
_AUTHORITY_STARTS = ("//", "/\\", "\\")


class LocatingHandler(RequestHandler):
    """The part of `StaticFileHandler` that knows where files are; see there for the parameters."""

    #: Default of the parameter of that name.
    allowed_symlink_directory: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = (
        None
    )

    #: Default of the parameter of that name.
    precompressed: bool | Sequence[str] = False

    _memory: ClassVar[FileMemory] = FileMemory(_MEMORY)

    # Per request. Defaults stand here, for subclasses need not call our initialize.
    default_filename: str | None = None
    path: str
    absolute_path: str | None = None
    _file: OpenFile | MemoryFile | None = None
    _keeps_file = False
    _memory_key: tuple[object, ...] = ()
    _coding: str | None = None
    _plain_path: str | None = None  # of what is in a compressed file

    def initialize(
        self,
        path: str,
        default_filename: str | None = None,
        allowed_symlink_directory: (
            str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None
        ) = None,
        precompressed: bool | Sequence[str] | None = None,
    ) -> None:
        """Take the parameters of the route; see the class."""
        self.root = path
        self.default_filename = default_filename
        if allowed_symlink_directory is not None:
            self.allowed_symlink_directory = allowed_symlink_directory
        if precompressed is not None:
            self.precompressed = precompressed

    def _locate(self, path: str) -> bool:
        """Find the file, and keep it open if it is to be read; false if the hook has answered."""
        self.path = self.parse_url_path(path)
        absolute_path = self.get_absolute_path(self.root, self.path)
        self._keeps_file = True
        try:
            self.absolute_path = self.validate_absolute_path(self.root, absolute_path)
            if self._negotiates() and self.absolute_path is not None:
                self._choose_coding(self.absolute_path)
        finally:
            self._keeps_file = False
        return self.absolute_path is not None

    def _negotiates(self) -> bool:
        """Tell whether a compressed file may stand for the one that was asked for."""
        return bool(self.precompressed)

    def _choose_coding(self, path: str) -> None:
        """Take a compressed file in the place of the one that was found, if the client has rather
        that."""
        accepted = self.request.headers.get("Accept-Encoding", "")
        for coding, sibling in siblings(path, self.precompressed, accepted):
            try:
                status = file_status(sibling)
                self._take_file(self._open_checked(self.root, sibling, status, coding))
            except (Refused, FileNotFoundError):
                # It is no other thing than one that is not there: the client has not asked for it.
                continue
            self._coding, self._plain_path, self.absolute_path = coding, path, sibling
            return

    def parse_url_path(self, url_path: str) -> str:
        """Turn a path from a URL into one of the file system.

        :arg url_path: with slashes, relative to the root.
        """
        return url_path if os.sep == "/" else url_path.replace("/", os.sep)

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Return the absolute path of a file; it need not exist.

        :arg root: the root directory.
        :arg path: relative to it.
        :raises HTTPError: 403 if the path leads out of the root.

        .. versionadded:: 3.1
        """
        return path_below(root, path)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Make sure that a file may be served, and find the default file of a directory.

        :arg root: the root directory.
        :arg absolute_path: from :meth:`get_absolute_path`.
        :returns: the path of the file to serve, or ``None`` after answering the request in another
            way, such as the redirect to a directory's URL with a slash at its end.
        :raises HTTPError: 403 or 404.

        .. versionadded:: 3.1
        """
        try:
            status = file_status(absolute_path)
            if self.default_filename is not None and stat.S_ISDIR(status.st_mode):
                if not self.request.path.endswith("/"):
                    self._redirect_to_directory()
                    return None
                absolute_path = os.path.join(absolute_path, self.default_filename)
                status = file_status(absolute_path)
            file = self._open_checked(root, absolute_path, status)
        except Refused as error:
            raise HTTPError(403, "%s", error) from error
        except FileNotFoundError as error:
            raise HTTPError(404) from error
        if self._keeps_file:
            self._take_file(file)
        else:
            file.close()
        return absolute_path

    def _take_file(self, file: OpenFile | MemoryFile) -> None:
        self._close_file()
        self._file = file

    def _open_checked(
        self, root: str, path: str, status: os.stat_result, coding: str | None = None
    ) -> OpenFile | MemoryFile:
        """Open a file that lies below the root; one in memory was found to do so before."""
        key = self._key_in_memory(root, path, coding)
        known = self._memory.find(key, fingerprint(status))
        if known is not None:
            return known
        file = OpenFile(path, status)
        try:
            # The path was made by a hook, so it is not known to lie below the root even as text.
            require_below(path, root)
            file.require_below(root, self._symlink_directories())
        except BaseException:
            file.close()
            raise
        self._memory_key = key
        return file

    def _key_in_memory(self, root: str, path: str, coding: str | None) -> tuple[object, ...]:
        # The coding belongs to it because what is said about the content depends on it.
        allowed = self.allowed_symlink_directory
        links = None if allowed is None else tuple(self._symlink_directories())
        return type(self), root, links, path, coding

    def _symlink_directories(self) -> list[str]:
        allowed = self.allowed_symlink_directory
        if allowed is None:
            return []
        if isinstance(allowed, (str, os.PathLike)):
            allowed = [allowed]
        # An empty path would mean the working directory.
        return [os.fspath(directory) for directory in allowed if os.fspath(directory)]

    def _redirect_to_directory(self) -> None:
        # RFC 3986 section 4.2: a reference with two slashes at its start names another host.
        if self.request.path.startswith(_AUTHORITY_STARTS):
            raise HTTPError(403, "%r cannot be the target of a redirect", self.request.path)
        self.redirect(self.request.path + "/", permanent=True)

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _status_of_file(self) -> os.stat_result:
        if self._file is not None and self._file.path == self.absolute_path:
            return self._file.stat
        return os.stat(str(self.absolute_path))
