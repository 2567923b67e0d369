"""Serialisation of HTTP/1.1 heads and chunks (RFC 9112)."""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPOutputError

# Between lines a lone LF stands until the whole head was checked; then each becomes CRLF.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def serialize_head(first_line: str, headers: HTTPHeaders, extra: str = "") -> bytes:
    """Return a head with the empty line that ends it.

    :arg first_line: request line or status line, without line end.
    :arg headers: the fields; repeated ones get a line for each value.
    :arg extra: further field lines, each preceded by ``"\\n"``, that the connection adds.
    :raises HTTPOutputError: a line holds a control character, so that it
        could be read as more lines than were meant.
    """
    lines = [first_line]
    for name, value in headers._values.items():
        if type(value) is str:
            lines.append(f"{name}: {value}")
        else:
            lines += [f"{name}: {item}" for item in value]
    text = "\n".join(lines)
    if _FORBIDDEN.search(text) is not None or text.count("\n") != len(lines) - 1:
        bad = next(line for line in lines if "\n" in line or _FORBIDDEN.search(line))
        raise HTTPOutputError(f"control character in {bad[:80]!r}")
    text = (text + extra).replace("\n", "\r\n") + "\r\n\r\n"
    try:
        # Header values hold bytes as characters, as they do when they have been read.
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def format_chunk(data: bytes) -> bytes:
    """Return ``data`` as one chunk of the chunked transfer coding (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
