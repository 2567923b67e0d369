"""Serialisation of HTTP/1.1 heads and chunks (RFC 9112)."""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPOutputError

_join_field = ": ".join
_FORBIDDEN = re.compile(r"[\x00-\x08\n-\x1f\x7f]")


def serialize_head(first_line: str, headers: HTTPHeaders, extra: str = "") -> bytes:
    """Return a head with the empty line that ends it.

    :arg first_line: request line or status line, without line end.
    :arg headers: the fields; repeated ones get a line for each value.
    :arg extra: further field lines, each preceded by CRLF, that the connection adds.
    :raises HTTPOutputError: the first line holds a control character, so that it could be read as
        more lines than were meant.
    """
    if not first_line.isprintable() and _FORBIDDEN.search(first_line) is not None:
        raise HTTPOutputError(f"control character in {first_line[:80]!r}")
    # Fields were checked when they were put into the headers.
    try:
        lines = "\r\n".join([first_line, *map(_join_field, headers._values.items())])  # type: ignore[arg-type]
    except TypeError:
        # Some field has several values.
        lines = "\r\n".join(
            [first_line, *[f"{name}: {value}" for name, value in headers.get_all()]]
        )
    text = f"{lines}{extra}\r\n\r\n"
    try:
        # Header values hold bytes as characters, as they do when they have been read.
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def format_chunk(data: bytes) -> bytes:
    """Return ``data`` as one chunk of the chunked transfer coding (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
