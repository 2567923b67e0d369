"""Header fields of responses: from what a program passes to what may be sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from time import time
from typing import TYPE_CHECKING

import tornado
from tornado._httputil.headers import FieldValues
from tornado._late import LateModule, late_regex
from tornado.httputil import HTTPHeaders, ResponseStartLine, format_timestamp

if TYPE_CHECKING:
    import datetime

    HeaderValue = str | bytes | float | datetime.datetime
else:
    datetime = LateModule("datetime")

# RFC 9110 section 5.6.2
_TOKEN = late_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 section 5.5: control characters other than tab have no place in a value.
_find_control: Callable[[str], object] = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search

_new_headers = HTTPHeaders.__new__

# What responses begin with, and the second for which its Date is right.
_defaults: FieldValues = {
    "Server": f"TornadoServer/{tornado.version}",
    "Content-Type": "text/html; charset=UTF-8",
    "Date": "",
}
_defaults_second = 0

# RFC 9110 sections 8 and 15.3.5, 15.4.5: what describes content has no meaning without it. The
# validators (ETag, Last-Modified) and Content-Location are not among these: a 304 is to repeat
# them.
_ABOUT_CONTENT = (
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Content-Language",
    "Content-Range",
)


def default_headers() -> HTTPHeaders:
    """Return the header fields that a response begins with."""
    global _defaults, _defaults_second
    second = int(time())
    if second != _defaults_second:
        # A new dictionary, because another thread may be copying the old one.
        _defaults = {**_defaults, "Date": format_timestamp(second)}
        _defaults_second = second
    headers = _new_headers(HTTPHeaders)
    headers._values = _defaults.copy()
    return headers


@lru_cache(maxsize=1000)
def header_key(name: str | bytes) -> str:
    """Return a field name in the form that is used as key.

    :raises ValueError: it is no token, so that it could be read as more than a name.
    """
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    if _TOKEN.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is no name for a header")
    return "-".join(part.capitalize() for part in text.split("-"))


def header_text(value: HeaderValue) -> str:
    """Return a value as text in which each character stands for one octet.

    Text is sent as UTF-8, bytes as they are, a datetime as an HTTP date.

    :raises ValueError: there is a control character in it.
    :raises TypeError: it is `None` or a container.
    """
    if isinstance(value, str):
        if type(value) is not str:
            # What it holds, whatever its type.
            value = str.__str__(value)
        text = value if value.isascii() else value.encode("utf-8").decode("latin-1")
    elif isinstance(value, bytes):
        text = value.decode("latin-1")
    elif isinstance(value, datetime.datetime):
        return format_timestamp(value)
    elif isinstance(value, (int, float)):
        return str(value)
    else:
        raise TypeError(f"a header's value cannot be made of {value!r}")
    if _find_control(text) is not None:
        raise ValueError(f"unsafe header value {text[:80]!r}: it holds a control character")
    return text


def drop_content_headers(headers: HTTPHeaders) -> None:
    """Remove the fields that describe content, from the head of a response that has none."""
    for name in _ABOUT_CONTENT:
        headers._values.pop(name, None)


@lru_cache(maxsize=256)
def status_line(status_code: int, reason: str) -> ResponseStartLine:
    """Return the start line for a status; the connection fills in the version."""
    return ResponseStartLine("", status_code, reason)


def is_final_status(status_code: object) -> bool:
    """Tell whether a response that ends a request may have this status (RFC 9110 section 15)."""
    return isinstance(status_code, int) and 200 <= status_code <= 999


def allows_content(status_code: int) -> bool:
    """Tell whether a response with this status may have content (RFC 9110 section 6.4.1)."""
    return status_code >= 200 and status_code != 204 and status_code != 304
