"""What a client has fetched, and the errors it meets."""

from __future__ import annotations

import time
from http import HTTPStatus
from io import BytesIO

from tornado._httpclient.request import EffectiveRequest, HTTPRequest
from tornado.httputil import HTTPHeaders


class HTTPClientError(Exception):
    """A fetch that didn't succeed.

    :arg code: the status code of the response, or 599 if there was none.
    :arg message: what happened; the code's usual reason phrase if not given.
    :arg response: the `HTTPResponse`, if there was one.

    .. versionchanged:: 5.1
       Renamed from ``HTTPError``, which stays as a second name.
    """

    def __init__(
        self, code: int, message: str | None = None, response: HTTPResponse | None = None
    ) -> None:
        self.code = code
        self.message = message or _usual_reason(code)
        self.response = response
        super().__init__(code, message, response)

    def __str__(self) -> str:
        return f"HTTP {self.code}: {self.message}"

    # The response refers back to its error, and a representation must not go round in circles.
    __repr__ = __str__


class HTTPResponse:
    """The response to an `HTTPRequest`.

    :arg request: the request that was asked for.
    :arg code: status code.
    :arg headers: header fields.
    :arg buffer: the body as a binary stream.
    :arg effective_url: the address of the response, after redirects.
    :arg error: what went wrong; by default an `HTTPClientError` for codes that aren't 2xx.
    :arg request_time: seconds from the start to the end of the request.
    :arg time_info: seconds of its parts; ``queue`` is the wait for a free slot.
    :arg reason: reason phrase; the code's usual one if not given.
    :arg start_time: when the request began, in seconds since the epoch.

    .. versionchanged:: 5.1
       Added ``start_time``.
    """

    #: What went wrong, `None` if nothing did.
    error: BaseException | None = None
    # Set when a status code is the only reason for ``error``.
    _error_is_response_code = False

    def __init__(
        self,
        request: HTTPRequest | EffectiveRequest,
        code: int,
        headers: HTTPHeaders | None = None,
        buffer: BytesIO | None = None,
        effective_url: str | None = None,
        error: BaseException | None = None,
        request_time: float | None = None,
        time_info: dict[str, float] | None = None,
        reason: str | None = None,
        start_time: float | None = None,
    ) -> None:
        self.request = request.request if isinstance(request, EffectiveRequest) else request
        self.code = code
        self.reason = reason or _usual_reason(code)
        self.headers = HTTPHeaders() if headers is None else headers
        self.buffer = buffer
        self.effective_url = self.request.url if effective_url is None else effective_url
        self.error = error
        if error is None and not 200 <= code < 300:
            self._error_is_response_code = True
            self.error = HTTPClientError(code, message=self.reason, response=self)
        self.start_time = start_time
        self.request_time = request_time
        self.time_info = time_info or {}
        self._body: bytes | None = None

    @property
    def body(self) -> bytes:
        """The body as bytes; empty if it was streamed."""
        if self._body is None:
            self._body = b"" if self.buffer is None else self.buffer.getvalue()
        return self._body

    def rethrow(self) -> None:
        """Raise the error, if there was one."""
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        age = "" if self.start_time is None else f", age={time.time() - self.start_time:.1f}s"
        return f"HTTPResponse(code={self.code}, effective_url={self.effective_url!r}{age})"


def _usual_reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Unknown"
