"""Output transforms: what changes a response on its way from the handler to the connection."""

from __future__ import annotations

import zlib
from typing import ClassVar

from tornado._web.codings import accepts, vary_by_coding
from tornado._web.etags import weaken
from tornado.httputil import HTTPHeaders, HTTPServerRequest

# zlib writes gzip's frame (RFC 1952) if 16 is added to the window size.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class OutputTransform:
    """Changes a response; the base class changes nothing.

    One is made for each request, for each class in the application's ``transforms``.

    :arg request: the request that is answered.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        # Nothing here depends on the request; subclasses may.
        pass

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Change the head and the first piece of content.

        :arg status_code: the status.
        :arg headers: the header fields; may be changed in place.
        :arg chunk: the content so far.
        :arg finishing: that is all of it.
        :returns: status, headers and content to go on with.
        """
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Change a later piece of content.

        :arg chunk: the piece.
        :arg finishing: it is the last one.
        :returns: what to send in its place.
        """
        return chunk


class GZipContentEncoding(OutputTransform):
    """Compresses content of types that profit from it, for clients that accept gzip.

    The setting ``compress_response`` (formerly ``gzip``) puts it to use.

    :arg request: the request that is answered.
    """

    #: Content types that are compressed, besides all ``text/...``.
    CONTENT_TYPES: ClassVar[set[str]] = {
        "application/atom+xml",
        "application/javascript",
        "application/json",
        "application/wasm",
        "application/x-javascript",
        "application/xhtml+xml",
        "application/xml",
        "image/svg+xml",
    }
    #: From 1 (fast) to 9 (small).
    GZIP_LEVEL = 6
    #: Bytes below which a complete response stays as it is: one network packet more or less is what
    #: counts.
    MIN_LENGTH = 1024

    def __init__(self, request: HTTPServerRequest) -> None:
        self._accepted = accepts(request.headers.get("Accept-Encoding", ""), "gzip")
        self._compressor: zlib._Compress | None = None

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Decide whether to compress, and begin."""
        vary_by_coding(headers)
        if not (self._accepted and self._is_worth_it(headers, chunk, finishing)):
            return status_code, headers, chunk
        self._compressor = zlib.compressobj(self.GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        chunk = self.transform_chunk(chunk, finishing)
        headers["Content-Encoding"] = "gzip"
        if "Etag" in headers:
            # RFC 9110 section 8.8.3.3: other octets, so no longer the same strong tag.
            headers["Etag"] = weaken(headers["Etag"])
        if finishing:
            headers["Content-Length"] = str(len(chunk))
        else:
            headers.pop("Content-Length", None)
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress a piece, so that the client can decode all of it at once."""
        if self._compressor is None:
            return chunk
        mode = zlib.Z_FINISH if finishing else zlib.Z_SYNC_FLUSH
        return self._compressor.compress(chunk) + self._compressor.flush(mode)

    def _is_worth_it(self, headers: HTTPHeaders, chunk: bytes, finishing: bool) -> bool:
        if "Content-Encoding" in headers or "Content-Range" in headers:
            return False
        if finishing and len(chunk) < self.MIN_LENGTH:
            return False
        media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not (media_type.startswith("text/") or media_type in self.CONTENT_TYPES):
            return False
        # A handler that announces a length and streams it counts its own bytes.
        return finishing or "Content-Length" not in headers
