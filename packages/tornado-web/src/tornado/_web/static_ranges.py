"""Byte ranges (RFC 9110 section 14): which part of a file a request asks for."""

from __future__ import annotations

import re
from typing import NamedTuple

# RFC 9110 section 14.1.2; re.ASCII because "\d" would take the digits of all scripts.
_ONE_RANGE = re.compile(
    r"bytes[ \t]*=[ \t]*(?P<first>\d*)[ \t]*-[ \t]*(?P<last>\d*)", re.ASCII | re.IGNORECASE
)

# No file has a size of more digits; converting long digit strings takes quadratic time.
_MAX_DIGITS = 19
_BEYOND = 10**_MAX_DIGITS


class Span(NamedTuple):
    """The bytes from ``start`` up to, not including, ``stop``."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The range has no byte in common with the file; RFC 9110 section 15.5.17."""


def select_span(header: str, size: int) -> Span | None:
    """Find the bytes that a ``Range`` header selects.

    :arg header: the header's value.
    :arg size: length of the whole in bytes.
    :returns: the part to send, or ``None`` if all is to be sent: the header is not valid, it asks
        for all, or for several ranges, which a server need not serve (RFC 9110 section 14.2).
    :raises Unsatisfiable: the range is outside the file or turned around.
    """
    match = _ONE_RANGE.fullmatch(header)
    if match is None or match["first"] == match["last"] == "":
        return None
    if match["first"]:
        start = _number(match["first"])
        stop = min(_number(match["last"]) + 1, size) if match["last"] else size
    else:
        # RFC 9110 section 14.1.2: without a first position, the last so many bytes are meant.
        start = max(size - _number(match["last"]), 0)
        stop = size
    if start >= stop:
        raise Unsatisfiable(header)
    return None if stop - start == size else Span(start, stop)


def content_range(span: Span | None, size: int) -> str:
    """Format a ``Content-Range``; without a span, that of a 416 response."""
    part = "*" if span is None else f"{span.start}-{span.stop - 1}"
    return f"bytes {part}/{size}"


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _MAX_DIGITS else _BEYOND
