"""What is done to responses on their way out."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import ClassVar

from tornado.httputil import HTTPHeaders, HTTPServerRequest


class OutputTransform:
    """A change of responses; an application has classes of them, and makes one for each request.

    :arg request: the request that is answered.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        self.request = request

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Change status, headers and the first piece of the content.

        :arg finishing: it's the only piece.
        """
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Change a further piece of the content.

        :arg finishing: it's the last piece.
        """
        return chunk


class GZipContentEncoding(OutputTransform):
    """Compress content where the client takes it, the type is worth it, and there is enough of it."""

    CONTENT_TYPES: ClassVar[frozenset[str]] = frozenset(
        (
            "application/javascript",
            "application/x-javascript",
            "application/xml",
            "application/atom+xml",
            "application/json",
            "application/xhtml+xml",
            "image/svg+xml",
        )
    )
    GZIP_LEVEL = 6
    MIN_LENGTH = 1024  # bytes

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._accepted = _accepts_gzip(request.headers.get("Accept-Encoding", ""))
        self._target: BytesIO | None = None
        self._file: gzip.GzipFile | None = None

    def _compressible_type(self, content_type: str) -> bool:
        return content_type.startswith("text/") or content_type in self.CONTENT_TYPES

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Decide, and compress the first piece; see `OutputTransform`."""
        # What is sent depends on this header of the request, also where it is sent plain.
        if "Vary" in headers:
            headers["Vary"] += ", Accept-Encoding"
        else:
            headers["Vary"] = "Accept-Encoding"
        content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        worth_it = (
            self._accepted
            and self._compressible_type(content_type)
            and (not finishing or len(chunk) >= self.MIN_LENGTH)
            and "Content-Encoding" not in headers
            and "Content-Range" not in headers
        )
        if not worth_it:
            return status_code, headers, chunk
        headers["Content-Encoding"] = "gzip"
        self._target = BytesIO()
        self._file = gzip.GzipFile(
            mode="wb", fileobj=self._target, compresslevel=self.GZIP_LEVEL, mtime=0
        )
        etag = headers.get("Etag")
        if etag is not None and not etag.startswith("W/"):
            # RFC 9110 section 8.8.1: other bytes than those the strong tag was made of.
            headers["Etag"] = "W/" + etag
        compressed = self.transform_chunk(chunk, finishing)
        if "Content-Length" in headers:
            if finishing:
                headers["Content-Length"] = str(len(compressed))
            else:
                del headers["Content-Length"]
        return status_code, headers, compressed

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress a piece; see `OutputTransform`."""
        if self._file is None or self._target is None:
            return chunk
        self._file.write(chunk)
        if finishing:
            self._file.close()
        else:
            self._file.flush()
        compressed = self._target.getvalue()
        self._target.truncate(0)
        self._target.seek(0)
        return compressed


def _accepts_gzip(value: str) -> bool:
    """RFC 9110 section 12.5.3: a coding with the weight 0 is refused."""
    for item in value.split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() in ("gzip", "x-gzip"):
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000")
    return False
