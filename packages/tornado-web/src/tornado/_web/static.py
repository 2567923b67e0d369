"""StaticFileHandler: files of a directory over HTTP.

The handler asks its hooks (documented methods that subclasses override) for everything: where the
file is, how long, how old, of what type and version, and what is in it. As long as the hook for the
content is the original, the file that was opened to be checked is the one that is read and sent: a
small one in one piece, a large one piece by piece, each after the one before has left. Small files
stay in memory; a later request only asks whether the file is still the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Generator, Iterable
from typing import Any, ClassVar

from tornado._iostream.errors import StreamClosedError
from tornado._web.codings import vary_by_coding
from tornado._web.done import DONE
from tornado._web.static_conditions import (
    Span,
    Unsatisfiable,
    precondition_fails,
    range_still_applies,
    select_span,
    unchanged_since,
)
from tornado._web.static_content import Versioner, pieces_of, version_of_content
from tornado._web.static_hooks import Hooks
from tornado._web.static_location import LocatingHandler
from tornado._web.static_memory import MemoryFile
from tornado._web.static_paths import OpenFile
from tornado._web.static_types import media_type
from tornado._web.static_versions import fingerprint, is_settled
from tornado.httputil import _get_content_range
from tornado.ioloop import IOLoop
from tornado.log import gen_log

# Files up to this size, in bytes, are read and sent in one piece.
_ONE_PIECE = 65536

# What a larger file is read in; also the most of it that is in memory per request.
_PIECE = 131072

# Files above this size, in bytes, are hashed by a thread, for that takes milliseconds.
_HASH_INLINE = 1 << 20

# A request without any of these is answered with the whole file.
_SELECTIVE = frozenset(
    (
        *("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"),
        *("Range", "If-Range"),
    )
)

# What is said about a file in memory, and remembered with it.
_DESCRIPTION = ("Accept-Ranges", "Etag", "Last-Modified", "Content-Type")


class StaticFileHandler(LocatingHandler):
    """Serves the files below a directory.

    An application that has the setting ``static_path`` makes such handlers by itself. To serve
    another directory, add a route whose one group is the path below it::

        application = web.Application([
            (r"/content/(.*)", web.StaticFileHandler, {"path": "/var/www"}),
        ])

    Conditional requests and single byte ranges are answered as RFC 9110 sections 13 and 14 say. A
    request with an argument ``v``, as :meth:`make_static_url` puts it there, may be cached for ten
    years.

    Subclasses change single steps. Those that serve something other than files override at least
    :meth:`get_content`, :meth:`get_content_size`, :meth:`get_modified_time` and
    :meth:`validate_absolute_path`. Class methods are also called without a request and are not to
    rely on one.

    :arg path: root directory of the files.
    :arg default_filename: served for a directory, such as ``index.html``.
    :arg allowed_symlink_directory: directory, or list of them, to which symbolic links below the
        root may lead; others than those and the root itself are refused.
    :arg precompressed: look for compressed files beside those that are asked for, and send them to
        clients that accept their coding: ``app.js.br`` and ``app.js.gz`` beside ``app.js``. A list
        of codings (``br``, ``gzip``) restricts it, and says which is better. They have to be made
        anew whenever the file changes, for nothing compares them. A subclass that overrides
        :meth:`get_content` has its content sent as it is.

    .. versionchanged:: 6.100
       Added ``precompressed``.
    """

    #: Seconds for which a versioned file may be cached: ten years.
    CACHE_MAX_AGE = 86400 * 365 * 10

    #: Largest file, in bytes, for which a version is computed.
    MAX_VERSION_CONTENT_SIZE = 64 * 1024 * 1024

    #: Number of versions that are kept.
    MAX_CACHED_VERSIONS = 10000

    _versioner: ClassVar[Versioner] = Versioner()

    # Per request.
    modified: datetime.datetime | None = None
    _version: str | None = None
    _version_for: str | None = None

    @classmethod
    def reset(cls) -> None:
        """Forget the versions and contents that have been kept so far."""
        StaticFileHandler._versioner.cache.clear()
        StaticFileHandler._memory.clear()

    # Answering a request.

    def head(self, path: str) -> Awaitable[None]:
        """Answer as :meth:`get` would, without the content."""
        return self.get(path, include_body=False)

    def get(self, path: str, include_body: bool = True) -> Awaitable[None]:
        """Answer a request for a file.

        :arg path: the path as in the URL, %-decoded, relative to the root.
        :arg include_body: false for ``HEAD``.
        :returns: something to await; small files have been written when it is returned.
        :raises HTTPError: 403 for what is no file or lies outside of the root, 404 for what is not
            there.
        """
        later: Awaitable[None] | None = None
        try:
            if self._locate(path):
                slow = self._needs_slow_hash()
                later = self._respond_slowly(include_body) if slow else self._respond(include_body)
        finally:
            if later is None:
                self._close_file()
        if later is not None:
            return later
        return DONE

    def _respond(self, include_body: bool) -> Awaitable[None] | None:
        """Set the head of the response and write the content; what takes longer is returned."""
        self.modified = self.get_modified_time()
        if self._coding is not None:
            self.set_header("Content-Encoding", self._coding)
        self.set_headers()
        if self._negotiates():
            vary_by_coding(self._headers)
        plain = _SELECTIVE.isdisjoint(self.request.headers._values)
        if not (plain and _CONDITION.kept_by(type(self))) and self._answered_by_condition():
            return None
        size = self.get_content_size()
        try:
            span = None if plain else self._requested_span(size)
        except Unsatisfiable:
            self.set_status(416)
            self.clear_header("Content-Encoding")
            self.set_header("Content-Type", "text/plain")
            self.set_header("Content-Range", f"bytes */{size}")
            return None
        if span is not None:
            self.set_status(206)
            self.set_header("Content-Range", _get_content_range(*span, size))
        start, stop = span or (0, size)
        self.set_header("Content-Length", str(stop - start))
        return self._send(start, stop, partial=span is not None) if include_body else None

    async def _respond_slowly(self, include_body: bool) -> None:
        """Respond after a thread has computed the version of a large file."""
        try:
            path = str(self.absolute_path)
            # The thread opens the file for itself: if this is cancelled, ours is closed meanwhile.
            loop = IOLoop.current()
            self._version = await loop.run_in_executor(None, self._compute_version, path)
            self._version_for = path
            later = self._respond(include_body)
            if later is not None:
                await later
        finally:
            self._close_file()

    def _answered_by_condition(self) -> bool:
        """Set the status that a condition calls for; true if it goes without the file."""
        headers = self.request.headers
        if precondition_fails(headers, self._headers.get("Etag"), self.modified):
            self.set_status(412)
            self.clear_header("Content-Encoding")
            return True
        if self.should_return_304():
            self.set_status(304)
            return True
        return False

    def _requested_span(self, size: int) -> Span | None:
        headers = self.request.headers
        wanted = headers.get("Range")
        if wanted is None:
            return None
        condition = headers.get("If-Range")
        if condition is not None and not range_still_applies(
            condition, self._headers.get("Etag"), self.modified
        ):
            return None
        return select_span(wanted, size)

    def _send(self, start: int, stop: int, *, partial: bool) -> Awaitable[None] | None:
        file = self._file
        if file is None or file.path != self.absolute_path or not _CONTENT.kept_by(type(self)):
            part = (start, stop) if partial else (None, None)
            content = self.get_content(str(self.absolute_path), *part)
            return self._send_pieces([content] if isinstance(content, bytes) else content)
        if stop - start > _ONE_PIECE:
            whole = not self._transforms and _OUTPUT.kept_by(type(self))
            if whole and isinstance(file, OpenFile):
                return self._send_file(file, start, stop)
            return self._send_pieces(file.chunks(start, stop, _PIECE))
        data = file.read(start, stop)
        if len(data) != stop - start:
            # The file was cut short since it was opened; the response is to be whole all the same.
            self.set_header("Content-Length", str(len(data)))
        elif isinstance(file, OpenFile) and len(data) == file.size and is_settled(file.stat):
            known = MemoryFile(file.path, file.stat, data)
            self._memory.keep(self._memory_key, fingerprint(file.stat), known)
        self.write(data)
        return None

    def _send_file(self, file: OpenFile, start: int, stop: int) -> Awaitable[None] | None:
        """Let the system send a part of a file, where it can; otherwise send pieces.

        :returns: what is to be waited for, if the socket did not take all at once.
        """
        connection = self.request.connection
        head = self.flush()
        if not getattr(connection, "can_write_files", False):
            return self._send_pieces(file.chunks(start, stop, _PIECE))
        content = connection.write_file(file.fd, start, stop - start)
        if head.done() and content.done() and content.exception() is None:
            return None
        return self._wait_until_sent(content, file, stop)

    async def _wait_until_sent(self, content: Awaitable[None], file: OpenFile, stop: int) -> None:
        try:
            await content
        except StreamClosedError:
            # The peer has left; or there was not enough to send, and the peer has to see that.
            if file.current_size() < stop:
                gen_log.warning("%r became shorter while it was sent", file.path)
        finally:
            self._close_file()

    async def _send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Write pieces, each once the one before has been taken; a peer that leaves ends it."""
        try:
            for piece in pieces:
                self.write(piece)
                await self.flush()
        except StreamClosedError:
            return
        finally:
            self._close_file()

    # What is said about the file.

    def _negotiates(self) -> bool:
        # Where a subclass says what the content is, files beside it have nothing to do with it.
        return bool(self.precompressed) and _CONTENT.kept_by(type(self))

    def set_headers(self) -> None:
        """Set the headers that describe the content and its caching.

        .. versionadded:: 3.1
        """
        content_type = self._describe()
        cache_time = self.get_cache_time(self.path, self.modified, content_type)
        if cache_time > 0:
            expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=cache_time)
            self.set_header("Expires", expires)
            self.set_header("Cache-Control", f"max-age={cache_time}")
        self.set_extra_headers(self.path)

    def _describe(self) -> str:
        """Set the headers about the content, and return its type."""
        file = self._file
        known = file if isinstance(file, MemoryFile) and _DESCRIBERS.kept_by(type(self)) else None
        if known is not None and known.headers is not None:
            self._headers._values.update(known.headers)
            return known.headers["Content-Type"]
        self.set_header("Accept-Ranges", "bytes")
        self.set_etag_header()
        if self.modified is not None:
            self.set_header("Last-Modified", self.modified)
        content_type = self.get_content_type()
        if content_type:
            self.set_header("Content-Type", content_type)
        if known is not None:
            known.headers = {
                name: self._headers[name] for name in _DESCRIPTION if name in self._headers
            }
        return content_type

    def set_extra_headers(self, path: str) -> None:
        """Add headers to the response; the default adds none.

        :arg path: the file's path relative to the root.
        """

    def should_return_304(self) -> bool:
        """Tell whether the client has the file already, by ``If-None-Match`` or its date.

        .. versionadded:: 3.1
        """
        headers = self.request.headers
        # RFC 9110 section 13.1.3: the date is ignored when there are entity tags.
        if headers.get("If-None-Match"):
            return bool(self.check_etag_header())
        since = headers.get("If-Modified-Since")
        if since is None or self.modified is None:
            return False
        return unchanged_since(since, self.modified)

    def compute_etag(self) -> str | None:
        """Return the file's version as an entity tag.

        .. versionadded:: 3.1
        """
        if self.absolute_path is None:
            return None
        # Asked again when the response ends, and then the file is closed.
        if self._version_for != self.absolute_path:
            self._version = self._compute_version(self.absolute_path, self._file)
            self._version_for = self.absolute_path
        return f'"{self._version}"' if self._version else None

    def get_content_size(self) -> int:
        """Return the length of the whole content in bytes.

        .. versionadded:: 3.1
        """
        return self._status_of_file().st_size

    def get_modified_time(self) -> datetime.datetime | None:
        """Return when the content last changed, or ``None`` if that is not known.

        .. versionadded:: 3.1
        """
        # Whole seconds, as HTTP's dates are (RFC 9110 section 5.6.7).
        return datetime.datetime.fromtimestamp(int(self._status_of_file().st_mtime), datetime.UTC)

    def get_content_type(self) -> str:
        """Return the ``Content-Type`` of the content.

        .. versionadded:: 3.1
        """
        return media_type(str(self._plain_path or self.absolute_path))

    def get_cache_time(self, path: str, modified: datetime.datetime | None, mime_type: str) -> int:
        """Return how long the file may be used without asking again.

        :arg path: relative to the root.
        :arg modified: when the file last changed.
        :arg mime_type: its content type.
        :returns: seconds; zero to leave it to the client's heuristics. The default is
            ``CACHE_MAX_AGE`` if the URL names a version.
        """
        if not self.request.query:
            return 0
        return self.CACHE_MAX_AGE if "v" in self.request.query_arguments else 0

    # The content.

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> bytes | Generator[bytes, None, None]:
        """Return the content, or a part of it, whole or in pieces.

        :arg abspath: absolute path of the file.
        :arg start: position of the first byte; ``None`` means zero.
        :arg end: position after the last byte; ``None`` means the end.
        :returns: bytes or an iterator over them.
        :raises HTTPError: 404 if the file cannot be opened, when the iterator is first asked.

        .. versionadded:: 3.1
        """
        return pieces_of(abspath, start, end)

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        """Return a version of the content: a string that changes when the content does.

        :arg abspath: absolute path of the file.

        .. versionadded:: 3.1
        """
        return version_of_content(cls.get_content(abspath))

    # Versioned URLs.

    @classmethod
    def make_static_url(
        cls, settings: dict[str, Any], path: str, include_version: bool = True
    ) -> str:
        """Make the URL of a file, without scheme and host.

        :arg settings: the application's settings; ``static_url_prefix`` and ``static_path`` are
            used.
        :arg path: relative to ``static_path``, with slashes.
        :arg include_version: add the version as argument ``v``, if the file has one.
        :raises HTTPError: 403 if the path leads out of the root.

        .. versionchanged:: 3.1
           Added ``include_version``.
        """
        url = str(settings.get("static_url_prefix", "/static/")) + path
        version = cls.get_version(settings, path) if include_version else None
        return f"{url}?v={version}" if version else url

    @classmethod
    def get_version(cls, settings: dict[str, Any], path: str) -> str | None:
        """Return the version for a file's URL.

        :arg settings: the application's settings; ``static_path`` is used.
        :arg path: relative to ``static_path``.
        :returns: the version, or ``None`` if there is none: the file is missing, too large or not a
            regular one.
        :raises HTTPError: 403 if the path leads out of the root.
        """
        return cls._compute_version(cls.get_absolute_path(settings["static_path"], path))

    @classmethod
    def _compute_version(
        cls, abspath: str, file: OpenFile | MemoryFile | None = None
    ) -> str | None:
        at_hand = file is not None and file.path == abspath
        return cls._versioner.version_of(
            cls,
            abspath,
            file=file if at_hand else None,
            from_file=_CONTENT.kept_by(cls),
            plain=_VERSION.kept_by(cls),
        )

    def _needs_slow_hash(self) -> bool:
        file = self._file
        if file is None or not _HASH_INLINE < file.size <= self.MAX_VERSION_CONTENT_SIZE:
            return False
        return _VERSION.kept_by(type(self)) and not self._versioner.knows(type(self), file)


_CONDITION = Hooks(StaticFileHandler, "should_return_304")
_CONTENT = Hooks(StaticFileHandler, "get_content.__func__")
_OUTPUT = Hooks(StaticFileHandler, "write", "flush")
_VERSION = Hooks(StaticFileHandler, "get_content.__func__", "get_content_version.__func__")
_DESCRIBERS = Hooks(
    StaticFileHandler,
    *("get_content.__func__", "get_content_version.__func__", "get_content_type"),
    *("get_modified_time", "compute_etag", "set_etag_header", "set_header"),
)
