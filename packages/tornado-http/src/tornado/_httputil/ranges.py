"""The fields ``Range`` and ``Content-Range`` (RFC 9110 section 14), for one range of bytes."""

from __future__ import annotations

from tornado._late import late_regex

# RFC 9110 sections 14.1 (the case of units means nothing) and 14.1.2. No size has more digits, and
# longer numbers take quadratic time.
_ONE_RANGE = late_regex(r"(?i:bytes)=[ \t]*+([0-9]{0,30}+)-([0-9]{0,30}+)[ \t]*+")


def _parse_request_range(range_header: str) -> tuple[int | None, int | None] | None:
    """Return what a ``Range`` field asks for, as the two ends of a slice.

    >>> _parse_request_range("bytes=1-2")
    (1, 3)
    >>> _parse_request_range("bytes=6-")
    (6, None)
    >>> _parse_request_range("bytes=-6")
    (-6, None)
    >>> _parse_request_range("bytes=-0")
    (None, 0)

    :arg range_header: the field's value.
    :returns: ``(start, end)``, where ``end`` isn't part of the range and `None` is the end of the
        whole; they may lie beyond it or have nothing between them. `None` for a field that is to
        be ignored: it's malformed, has another unit, or several ranges.
    """
    match = _ONE_RANGE.fullmatch(range_header)
    if match is None:
        return None
    first, last = match.groups()
    if first:
        return int(first), int(last) + 1 if last else None
    if not last:
        return None
    # The last so many bytes; there is no negative number for "the last none".
    suffix = int(last)
    return (-suffix, None) if suffix else (None, 0)


def _get_content_range(start: int | None, end: int | None, total: int) -> str:
    """Return a ``Content-Range`` field.

    >>> _get_content_range(None, None, 4)
    'bytes 0-3/4'
    >>> _get_content_range(1, 4, 10)
    'bytes 1-3/10'

    :arg start: first byte; `None` for the beginning.
    :arg end: the byte behind the last one; `None` for the end.
    :arg total: size of the whole in bytes.
    """
    last = (total if end is None else end) - 1
    return f"bytes {start or 0}-{last}/{total}"
