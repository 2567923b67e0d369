"""The response of a request: status, header fields, content, and when they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING, Any

from tornado._callbacks import deliver_result
from tornado._httputil.headers import DECIMALS, SMALL
from tornado._web import etags
from tornado._web.arguments import ArgumentMethods
from tornado._web.errors import is_sendable_reason, standard_reason
from tornado._web.headers import (
    allows_content,
    default_headers,
    drop_content_headers,
    header_key,
    header_text,
    status_line,
)
from tornado.escape import json_encode

if TYPE_CHECKING:
    from tornado._web.headers import HeaderValue

Chunk = str | bytes | dict[Any, Any]

_CONDITIONAL_METHODS = ("GET", "HEAD")
_JSON_TYPE = "application/json; charset=UTF-8"


class OutputMethods(ArgumentMethods):
    """Methods by which a handler makes its response."""

    _flush_callback: Callable[[], Any] | None = None

    def clear(self) -> None:
        """Forget status, headers and content as they were set so far; cookies stay set.

        `set_default_headers` is called, so what it sets is there again.
        """
        self._headers = default_headers()
        self._write_buffer = []
        self._status_code = 200
        self._reason = "OK"
        self.set_default_headers()

    def set_default_headers(self) -> None:
        """Called when the response begins, and again when an error page replaces it.

        Override it to set headers that each response of the handler is to have.
        """

    # Status and header fields.

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Set the status of the response.

        :arg status_code: the code, of three digits.
        :arg reason: reason phrase; `None` for the standard one, ``Unknown`` for codes without one.
        :raises ValueError: the code or the reason phrase cannot stand in a status line.

        .. versionchanged:: 5.0
           No exception for unknown codes.
        """
        if not isinstance(status_code, int) or not 100 <= status_code <= 999:
            raise ValueError(f"a status code is a number of three digits, not {status_code!r}")
        if reason is None:
            reason = standard_reason(status_code)
        elif not is_sendable_reason(reason):
            raise ValueError(f"a status line cannot hold the reason phrase {reason[:80]!r}")
        self._status_code = status_code
        self._reason = reason

    def get_status(self) -> int:
        """Return the status code of the response as it is set by now."""
        return self._status_code

    def set_header(self, name: str, value: HeaderValue) -> None:
        """Set a header field, in place of all fields of that name.

        :arg name: its name, in any case.
        :arg value: text (sent as UTF-8), bytes, a number, or a datetime, which becomes an HTTP
           date.
        :raises ValueError: the name is no token, or the value holds a control character.
        """
        self._headers._values[header_key(name)] = header_text(value)

    def add_header(self, name: str, value: HeaderValue) -> None:
        """Add a header field beside those of that name.

        :arg name: its name, in any case.
        :arg value: as for `set_header`.
        :raises ValueError: the name is no token, or the value holds a control character.
        """
        self._headers.add(header_key(name), header_text(value))

    def clear_header(self, name: str) -> None:
        """Remove the header fields of a name; none need be there. Fields of `add_header` go too.

        :arg name: the name, in any case.
        """
        self._headers._values.pop(header_key(name), None)

    def _set_lasting_header(self, name: str, value: str) -> None:
        """Set a header field that an error page is to have too."""
        self.set_header(name, value)
        self._lasting_headers = {**(self._lasting_headers or {}), name: value}

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """Answer with a redirect and finish the response.

        :arg url: where to; may be relative.
        :arg permanent: answer 301, not 302.
        :arg status: another status of the 3xx range.
        :raises ValueError: ``status`` is outside of that range, or ``url`` holds a control
           character.
        :raises RuntimeError: headers are on their way already.

        .. versionchanged:: 2.2
           Added ``status``.
        """
        if self._headers_written:
            raise RuntimeError("too late for redirect(): headers have been sent")
        if status is None:
            status = 301 if permanent else 302
        elif not isinstance(status, int) or status // 100 != 3:
            raise ValueError(f"redirects have a status from 300 to 399, not {status!r}")
        if (b"\t" if isinstance(url, bytes) else "\t") in url:
            # Browsers drop tabs, so that a path such as "/\t/host" would name another site.
            raise ValueError(f"a URL cannot hold the tab in {url[:80]!r}")
        self.set_header("Location", url)
        self.set_status(status)
        self.finish()

    # Content.

    def write(self, chunk: Chunk) -> None:
        """Add to the content. It is sent by `flush` or when the response is finished.

        :arg chunk: bytes; text, sent as UTF-8; or a dictionary, sent as JSON with the content type
           ``application/json`` (set another one after the call). A list is refused, for a page of
           another site could load it as a script in some old browsers: put it into a dictionary.
        :raises TypeError: it is of another type.
        :raises RuntimeError: the response is finished.
        """
        if self._finished:
            raise RuntimeError("write() after the response was finished")
        if isinstance(chunk, str):
            self._write_buffer.append(chunk.encode("utf-8"))
        elif isinstance(chunk, bytes):
            self._write_buffer.append(chunk)
        elif isinstance(chunk, dict):
            self._write_buffer.append(json_encode(chunk).encode("utf-8"))
            self._headers._values["Content-Type"] = _JSON_TYPE
        else:
            hint = "; put the list into a dictionary" if isinstance(chunk, list) else ""
            raise TypeError(f"write() takes bytes, text or a dictionary, not {chunk!r:.80}{hint}")

    def flush(
        self, include_footers: bool = False, callback: Callable[[], Any] | None = None
    ) -> asyncio.Future[None]:
        """Send what has been written so far; the first call sends status and headers too.

        :arg include_footers: nothing follows; `finish` says so.
        :arg callback: called when all is with the operating system. If the next flush with a
           callback comes earlier, this one is dropped.
        :returns: awaitable; done when all is with the operating system, so that awaiting it keeps a
           fast handler from filling the memory on behalf of a slow client. It raises
           `tornado.iostream.StreamClosedError` if the client has gone.

        .. versionchanged:: 4.0
           Returns something awaitable.
        """
        buffer = self._write_buffer
        chunk = buffer[0] if len(buffer) == 1 else b"".join(buffer)
        self._write_buffer = []
        if self._headers_written:
            for transform in self._transforms:
                chunk = transform.transform_chunk(chunk, include_footers)
            if self.request.method == "HEAD":
                chunk = b""
            future = self.request.connection.write(chunk)
        else:
            future = self._send_head(chunk, include_footers)
        if callback is not None:
            self._call_when_flushed(future, callback)
        return future  # type: ignore[no-any-return]  # connections are not typed

    def finish(self, chunk: Chunk | None = None) -> asyncio.Future[None]:
        """Finish the response.

        :arg chunk: written first, as by `write`.
        :returns: awaitable, as that of `flush`; waiting for it is optional.
        :raises RuntimeError: the response is finished already, its status is one of the 1xx range,
           or it has content although its status forbids it.

        .. versionchanged:: 5.1
           Returns something awaitable.
        """
        if self._finished:
            raise RuntimeError("finish() was called twice for one response")
        if chunk is not None:
            self.write(chunk)
        if not self._headers_written:
            self._complete_head()
        future = self.flush(include_footers=True)
        self._finished = True
        request = self.request
        try:
            request.connection.finish()
            request._finish_time = time()
        finally:
            self._after_finish()
        return future

    def _complete_head(self) -> None:
        """Set the headers that depend on the whole content, now that it is there."""
        buffer = self._write_buffer
        if len(buffer) > 1:
            self._write_buffer = buffer = [b"".join(buffer)]
        if self.application.settings.get("xsrf_cookies"):
            self._offer_xsrf_cookie()
        values = self._headers._values
        if self._status_code == 200 and self.request.method in _CONDITIONAL_METHODS:
            if "Etag" not in values:
                self.set_etag_header()
            if self.check_etag_header():
                buffer.clear()
                self.set_status(304)
        if self._status_code != 200 and not allows_content(self._status_code):
            if self._status_code < 200:
                # RFC 9110 section 15.2: the client would go on waiting for the final response.
                raise RuntimeError(f"no response ends with status {self._status_code}")
            if buffer and buffer[0]:
                # RFC 9112 section 6.3: the client would read it as its next response.
                raise RuntimeError(f"a response with status {self._status_code} has no content")
            drop_content_headers(self._headers)
        elif "Content-Length" not in values:
            size = len(buffer[0]) if buffer else 0
            values["Content-Length"] = DECIMALS[size] if size < SMALL else str(size)
        else:
            self._check_length(len(buffer[0]) if buffer else 0)

    def _offer_xsrf_cookie(self) -> None:
        """Called under the setting ``xsrf_cookies``, as long as cookies can be set."""
        raise NotImplementedError(f"{type(self).__name__} is not a complete handler")

    def _check_length(self, length: int) -> None:
        # Of a HEAD request the content may be left out, though its length is given.
        if self.request.method != "HEAD" and self._headers.get("Content-Length") != str(length):
            raise RuntimeError(
                f"Content-Length is set to {self._headers.get('Content-Length')!r},"
                f" but {length} bytes were written"
            )

    def _send_head(self, chunk: bytes, finishing: bool) -> Any:
        for transform in self._transforms:
            self._status_code, self._headers, chunk = transform.transform_first_chunk(
                self._status_code, self._headers, chunk, finishing
            )
        headers = self._headers
        if self._set_cookies is not None:
            for field in self._set_cookies.fields():
                headers.add("Set-Cookie", field)
        future = self.request.connection.write_headers(
            status_line(self._status_code, self._reason),
            headers,
            None if self.request.method == "HEAD" else chunk,
        )
        # Only now: if it raises, an error page can still be sent.
        self._headers_written = True
        return future

    def _call_when_flushed(self, future: asyncio.Future[None], callback: Callable[[], Any]) -> None:
        self._flush_callback = callback

        def call_unless_replaced() -> None:
            if self._flush_callback is callback:
                self._flush_callback = None
                callback()

        deliver_result(future, call_unless_replaced, with_result=False)

    def _after_finish(self) -> None:
        """Do what is due when the response is complete."""
        raise NotImplementedError(f"{type(self).__name__} is not a complete handler")

    # Entity tags.

    def compute_etag(self) -> str | None:
        """Return the entity tag of the response: by default a hash of what has been written.

        Override it for a cheaper one.

        :returns: the tag with its quotation marks; `None` to send none.
        """
        chunks = self._write_buffer
        content = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return etags.tag_of_short(content) if len(content) <= 1024 else etags.tag_of(content)

    def set_etag_header(self) -> None:
        """Set the header ``Etag`` to what `compute_etag` returns.

        `finish` calls it for answers to GET and HEAD with status 200 that have no ``Etag`` yet.
        """
        etag = self.compute_etag()
        if etag is not None:
            # Nearly all tags are like that, and then they need no further look.
            plain = type(etag) is str and etag.isascii() and etag.isprintable()
            self._headers._values["Etag"] = etag if plain else header_text(etag)

    def check_etag_header(self) -> bool:
        """Tell whether the client has the present version, by ``Etag`` and ``If-None-Match``.

        A handler that knows its tag before its content can call `set_etag_header` and this method
        first, and answer 304 without more ado.
        """
        expected = self.request.headers._values.get("If-None-Match")
        if expected is None:
            return False
        etag = self._headers.get("Etag")
        if etag is None:
            return False
        return etags.is_among(etag, self.request.headers["If-None-Match"])
