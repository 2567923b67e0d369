"""Start lines of messages."""

from __future__ import annotations

from typing import NamedTuple

from tornado._httputil.errors import HTTPInputError
from tornado._late import late_regex

_REQUEST = late_regex(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^\x00-\x20\x7f]+) (HTTP/1\.[0-9])")
# Some servers leave out the space before an empty reason phrase; it makes nothing ambiguous.
_RESPONSE = late_regex(r"(HTTP/1\.[0-9]) ([1-9][0-9]{2})(?: ([^\x00-\x08\x0a-\x1f\x7f]*))?")


class RequestStartLine(NamedTuple):
    """``method``, ``path`` (the request target) and ``version`` of a request, all text."""

    method: str
    path: str
    version: str


class ResponseStartLine(NamedTuple):
    """``version``, ``code`` (an int) and ``reason`` of a response."""

    version: str
    code: int
    reason: str


def parse_request_start_line(line: str) -> RequestStartLine:
    """Parse the first line of a request (RFC 9112 section 3).

    :raises HTTPInputError: it's malformed.
    """
    match = _REQUEST.fullmatch(line)
    if match is None:
        raise HTTPInputError(f"malformed request line {line[:80]!r}")
    return RequestStartLine(*match.groups())


def parse_response_start_line(line: str) -> ResponseStartLine:
    """Parse the first line of a response (RFC 9112 section 4).

    :raises HTTPInputError: it's malformed.
    """
    match = _RESPONSE.fullmatch(line)
    if match is None:
        raise HTTPInputError(f"malformed status line {line[:80]!r}")
    version, code, reason = match.groups()
    return ResponseStartLine(version, int(code), reason or "")
