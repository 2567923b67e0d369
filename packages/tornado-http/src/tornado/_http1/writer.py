"""Serialisation of HTTP/1.1 heads and chunks (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

from tornado.httputil import HTTPHeaders, HTTPOutputError

_join_field = ": ".join
_FORBIDDEN = re.compile(r"[\x00-\x08\n-\x1f\x7f]")


def status_line(code: int, reason: str) -> str:
    """Return the first line of a response, without line end.

    :raises HTTPOutputError: the reason holds a control character, so that it could be read as more
        lines than were meant.
    """
    line = f"HTTP/1.1 {code} {reason}"
    if not line.isprintable() and _FORBIDDEN.search(line) is not None:
        raise HTTPOutputError(f"control character in {line[:80]!r}")
    return line


#: The usual reasons, by code.
REASONS = {int(status): status.phrase for status in HTTPStatus}
#: The lines that most responses begin with, by code and reason.
STATUS_LINES = {(code, reason): status_line(code, reason) for code, reason in REASONS.items()}
#: Codes of responses that have no body, whatever the request (RFC 9112 section 6.3, rule 1); 101 is
#: the only one of the 1xx that is an answer.
WITHOUT_BODY = frozenset((101, 204, 304))
#: The lines of those that have one, by start line as applications write it.
BODY_LINES: dict[tuple[object, ...], str] = {
    (version, code, reason): line
    for (code, reason), line in STATUS_LINES.items()
    if code >= 200 and code not in WITHOUT_BODY
    for version in ("", "HTTP/1.1")
}


def serialize_head(first_line: str, headers: HTTPHeaders, extra: Iterable[str] = ()) -> bytes:
    """Return a head with the empty line that ends it.

    :arg first_line: request line or status line, without line end; it was checked when it was made.
    :arg headers: the fields; repeated ones get a line for each value.
    :arg extra: further field lines that the connection adds.
    """
    # Fields were checked when they were put into the headers.
    try:
        fields = map(_join_field, headers._values.items())  # type: ignore[arg-type]
        text = "\r\n".join([first_line, *fields, *extra, "", ""])
    except TypeError:
        # Some field has several values.
        lines = [f"{name}: {value}" for name, value in headers.get_all()]
        text = "\r\n".join([first_line, *lines, *extra, "", ""])
    if text.isascii():
        return text.encode()
    try:
        # Header values hold bytes as characters, as they do when they have been read.
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def format_chunk(data: bytes) -> bytes:
    """Return ``data`` as one chunk of the chunked transfer coding (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
