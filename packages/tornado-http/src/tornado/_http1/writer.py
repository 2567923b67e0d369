"""Serialisation of HTTP/1.1 heads and chunks (RFC 9112)."""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPOutputError

_FORBIDDEN = re.compile(r"[\x00-\x08\n-\x1f\x7f]")


def serialize_head(first_line: str, headers: HTTPHeaders, extra: str = "") -> bytes:
    """Return a head with the empty line that ends it.

    :arg first_line: request line or status line, without line end.
    :arg headers: the fields; repeated ones get a line for each value.
    :arg extra: further field lines, each preceded by CRLF, that the connection adds.
    :raises HTTPOutputError: a line holds a control character, so that it
        could be read as more lines than were meant.
    """
    values = headers._values
    try:
        lines = [name + ": " + value for name, value in values.items()]  # type: ignore[operator]  # see below
    except TypeError:
        # Some field has several values.
        lines = [f"{name}: {value}" for name, value in headers.get_all()]
    lines.insert(0, first_line)
    # Nearly all heads are printable, which is much quicker to find out than what else may stand in
    # them.
    if not "".join(lines).isprintable():
        for line in lines:
            if _FORBIDDEN.search(line) is not None:
                raise HTTPOutputError(f"control character in {line[:80]!r}")
    text = "\r\n".join(lines) + extra + "\r\n\r\n"
    try:
        # Header values hold bytes as characters, as they do when they have been read.
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def format_chunk(data: bytes) -> bytes:
    """Return ``data`` as one chunk of the chunked transfer coding (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
