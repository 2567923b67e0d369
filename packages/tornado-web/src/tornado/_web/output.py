"""The part of a handler that makes the response."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import re
from collections.abc import Callable
from http.client import responses
from typing import Any

import tornado
from tornado import httputil
from tornado._callbacks import deliver_result
from tornado._httputil.dates import current_date
from tornado._web.errors import check_reason
from tornado._web.state import HandlerState
from tornado.escape import json_encode, utf8
from tornado.httputil import HTTPHeaders, ResponseStartLine

_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DEFAULT_HEADERS = {
    "Server": f"TornadoServer/{tornado.version}",
    "Content-Type": "text/html; charset=UTF-8",
    "Date": "",
}
# RFC 9110 section 15.4.5: a 304 has no headers that describe a content it doesn't carry.
_CONTENT_HEADERS = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Range",
    "Content-Type",
    "Last-Modified",
    "Allow",
)
_ETAG = re.compile(r'(?:W/)?"[^"]*"|\*')


def _header_text(value: str) -> str:
    """Return a value as it's kept: its UTF-8 bytes as characters."""
    if _FORBIDDEN_IN_VALUE.search(value):
        raise ValueError(f"Unsafe header value {value[:80]!r}")
    return value if value.isascii() else value.encode("utf-8").decode("latin-1")


class ResponseMaker(HandlerState):
    """Methods of handlers that make the response."""

    def clear(self) -> None:
        """Forget all headers and content set so far."""
        headers = dict(_DEFAULT_HEADERS)
        headers["Date"] = current_date()
        self._headers = HTTPHeaders._from_dict(headers)  # type: ignore[arg-type]  # str is one of its value types
        self._write_buffer = []
        if self._status_code != 200:
            self._status_code = 200
        self._reason = "OK"
        self.set_default_headers()

    def set_default_headers(self) -> None:
        """Set headers that every response is to have, error pages included; subclasses define it."""

    # -- status and headers

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Set the status of the response.

        :arg reason: reason phrase; the code's usual one if not given.
        :raises ValueError: the reason phrase can't be sent.
        """
        self._status_code = status_code
        if reason is not None:
            self._reason = check_reason(reason)
        else:
            self._reason = responses.get(status_code, "Unknown")

    def get_status(self) -> int:
        """Return the status of the response."""
        return self._status_code

    def set_header(self, name: str, value: Any) -> None:
        """Set a header, in place of those of that name.

        :arg value: text, bytes, an integer, or a datetime, which is written as HTTP writes dates.
        :raises ValueError: it holds control characters.
        :raises TypeError: it's something else.
        """
        self._headers[name] = self._convert_header_value(value)

    def add_header(self, name: str, value: Any) -> None:
        """Add a header beside those of that name; see `set_header`."""
        self._headers.add(name, self._convert_header_value(value))

    def clear_header(self, name: str) -> None:
        """Remove the headers of a name, if there are any."""
        self._headers.pop(name, None)

    def _convert_header_value(self, value: Any) -> str:
        if isinstance(value, str):
            return _header_text(value)
        if isinstance(value, bytes):
            return _header_text(value.decode("latin-1")) if value.isascii() else _checked(value)
        if isinstance(value, int):
            return str(value)
        if isinstance(value, datetime.datetime):
            return httputil.format_timestamp(value)
        raise TypeError(f"Unsupported header value {value!r}")

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """Answer with a redirect, and end the request.

        :arg url: where to, absolute or relative to the request's.
        :arg permanent: 301 instead of 302.
        :arg status: another status.
        :raises ValueError: ``url`` holds control characters.
        :raises RuntimeError: headers were sent already.
        """
        if self._headers_written:
            raise RuntimeError("Cannot redirect after headers have been written")
        if status is None:
            status = 301 if permanent else 302
        elif not 300 <= status <= 399:
            raise ValueError(f"{status!r} is no status of a redirect")
        self.set_status(status)
        self.set_header("Location", url)
        self.finish()

    # -- content

    def write(self, chunk: str | bytes | dict[Any, Any]) -> None:
        """Add to the content of the response; it's sent by `flush` or `finish`.

        :arg chunk: bytes, text (sent as UTF-8) or a dictionary (sent as JSON, with that content type). Lists are refused: old
            browsers ran them as scripts.
        :raises RuntimeError: the response is finished.
        :raises TypeError: it's something else.
        """
        if self._finished:
            raise RuntimeError("Cannot write() after finish()")
        if isinstance(chunk, str):
            chunk = chunk.encode("utf-8")
        elif isinstance(chunk, dict):
            chunk = utf8(json_encode(chunk))
            self._headers["Content-Type"] = "application/json; charset=UTF-8"
        elif not isinstance(chunk, bytes):
            text = "write() only accepts bytes, unicode, and dict objects"
            if isinstance(chunk, list):
                text += ". Lists not accepted for security reasons; wrap it in a dictionary"
            raise TypeError(text)
        self._write_buffer.append(chunk)

    def flush(
        self, include_footers: bool = False, callback: Callable[[], Any] | None = None
    ) -> asyncio.Future[None]:
        """Send what was written so far.

        :arg include_footers: it's the last piece.
        :arg callback: called when it has been given to the system; a later call's callback takes its place.
        :returns: a future that resolves at that time.
        """
        buffer = self._write_buffer
        chunk = b"".join(buffer) if len(buffer) != 1 else buffer[0]
        self._write_buffer = []
        connection = self.request.connection
        if self._headers_written:
            for transform in self._transforms:
                chunk = transform.transform_chunk(chunk, include_footers)
            if chunk and self.request.method != "HEAD":
                future = connection.write(chunk)
            else:
                future = asyncio.get_running_loop().create_future()
                future.set_result(None)
        else:
            self._headers_written = True
            code, headers = self._status_code, self._headers
            for transform in self._transforms:
                code, headers, chunk = transform.transform_first_chunk(
                    code, headers, chunk, include_footers
                )
            if self._transforms:
                self._status_code, self._headers = code, headers
            if self._new_cookies is not None:
                for cookie in self._new_cookies.values():
                    headers.add("Set-Cookie", cookie.OutputString(None))
            if self.request.method == "HEAD":
                chunk = b""
            future = connection.write_headers(
                ResponseStartLine("", code, self._reason), headers, chunk
            )
        if callback is not None:
            self._replace_flush_callback(future, callback)
        done: asyncio.Future[None] = future
        return done

    _new_cookies: Any = None
    _flush_callback: Callable[[], Any] | None = None

    def _replace_flush_callback(
        self, future: asyncio.Future[None], callback: Callable[[], Any]
    ) -> None:
        self._flush_callback = callback

        def flushed() -> None:
            if self._flush_callback is callback:
                self._flush_callback = None
                callback()

        deliver_result(future, flushed, with_result=False)

    def finish(self, chunk: str | bytes | dict[Any, Any] | None = None) -> asyncio.Future[None]:
        """End the response.

        :arg chunk: a last piece of content, as for `write`.
        :returns: a future that resolves when all has been given to the system.
        :raises RuntimeError: it was finished before, or a status without content has some.
        """
        if self._finished:
            raise RuntimeError("finish() called twice")
        if chunk is not None:
            self.write(chunk)
        request = self.request
        if not self._headers_written:
            if self._status_code == 200 and (request.method == "GET" or request.method == "HEAD"):
                self.set_etag_header()
                if self.check_etag_header():
                    self._write_buffer = []
                    self.set_status(304)
            self._settle_content()
        future = self.flush(include_footers=True)
        request.connection.finish()
        self._end()
        return future

    def _settle_content(self) -> None:
        code = self._status_code
        headers = self._headers
        if code in (204, 304) or 100 <= code < 200:
            if self._write_buffer:
                raise RuntimeError(f"Cannot send body with {code} status")
            for name in _CONTENT_HEADERS:
                headers._values.pop(name, None)
        elif "Content-Length" not in headers._values:
            headers._values["Content-Length"] = str(sum(map(len, self._write_buffer)))

    def _end(self) -> None:
        """The response is finished."""
        self._finished = True

    # -- entity tags (RFC 9110 section 8.8.3)

    def compute_etag(self) -> str | None:
        """Return the entity tag of the content written so far, `None` for none; subclasses may have better ones."""
        buffer = self._write_buffer
        digest = hashlib.sha1(
            buffer[0] if len(buffer) == 1 else b"".join(buffer), usedforsecurity=False
        )
        return f'"{digest.hexdigest()}"'

    def set_etag_header(self) -> None:
        """Set the ``Etag`` header to `compute_etag`."""
        etag = self.compute_etag()
        if etag is not None:
            self.set_header("Etag", etag)

    def check_etag_header(self) -> bool:
        """Whether the ``Etag`` header is among those of the request's ``If-None-Match`` (RFC 9110 section 13.1.2)."""
        expected = self.request.headers._values.get("If-None-Match")
        if expected is None:
            return False
        current = self._headers.get("Etag")
        if current is None:
            return False
        current = current.removeprefix("W/")
        text = expected if isinstance(expected, str) else ",".join(expected)
        return any(
            tag == "*" or tag.removeprefix("W/") == current for tag in _ETAG.findall(text)
        )


def _checked(value: bytes) -> str:
    text = value.decode("latin-1")
    if _FORBIDDEN_IN_VALUE.search(text):
        raise ValueError(f"Unsafe header value {value[:80]!r}")
    return text
