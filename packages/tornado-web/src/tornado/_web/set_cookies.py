"""Cookies that a response sets: their attributes, their quoting, their header fields."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tornado._late import LateModule, late_regex
from tornado.httputil import format_timestamp

if TYPE_CHECKING:
    import datetime
else:
    datetime = LateModule("datetime")

# RFC 6265 section 4.1.1 calls a cookie's name a token.
_NAME = late_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# A space, a control character or a semicolon would end the attribute or begin another.
_UNSAFE = late_regex(r"[\x00-\x20;\x7f]|[^\x00-\xff]")
_UNSAFE_IN_VALUE = late_regex(r"[\x00-\x1f]|[^\x00-\xff]")

# Values made of these are sent as they are, others as quoted strings.
_PLAIN = late_regex(r"[!#$%&'*+.^_`|~:0-9A-Za-z-]*")
# In a quoted string, commas, semicolons and what is not ASCII are written as octal numbers: the
# older grammars of cookies and some proxies take them for separators.
_ESCAPED = late_regex(r'["\\,;]|[^\x20-\x7e]')

_ATTRIBUTES = {
    "comment": "Comment",
    "domain": "Domain",
    "expires": "expires",
    "httponly": "HttpOnly",
    "max-age": "Max-Age",
    "partitioned": "Partitioned",
    "path": "Path",
    "samesite": "SameSite",
    "secure": "Secure",
    "version": "Version",
}
_FLAGS = frozenset(["httponly", "partitioned", "secure"])


class SetCookies:
    """The cookies that one response sets; a name that is set twice is sent with the later value
    only.
    """

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def set(self, name: str, value: str, attributes: Mapping[str, Any]) -> None:
        """Set a cookie.

        :arg name: its name.
        :arg value: its value.
        :arg attributes: in any spelling, with ``_`` for ``-`` if so wished; `None` and false flags
           are left out.
        :raises ValueError: the value cannot be sent.
        :raises CookieError: the name or an attribute cannot be sent, or there is no such attribute.
        """
        if _NAME.fullmatch(name) is None:
            raise _refusal(f"{name!r} is no name for a cookie")
        if _UNSAFE_IN_VALUE.search(value) is not None:
            raise ValueError(
                f"{value[:80]!r} cannot be the value of cookie {name!r}: encode it first, for"
                " example with url_escape"
            )
        texts = dict(_attribute_texts(name, attributes))
        ordered = [texts[key] for key in sorted(texts)]
        self._fields[name] = "; ".join([f"{name}={quote(value)}", *ordered])

    def fields(self) -> list[str]:
        """Return the values of the ``Set-Cookie`` fields to send."""
        return list(self._fields.values())


def expiry(expires: Any, expires_days: float | None) -> str | None:
    """Return the text for the attribute ``expires``.

    :arg expires: datetime, time tuple or seconds since the epoch; it has precedence.
    :arg expires_days: days from now.
    """
    if expires is None or expires == "":
        if expires_days is None:
            return None
        expires = time.time() + expires_days * 86400
    if isinstance(expires, str):
        return expires
    if isinstance(expires, datetime.datetime) and expires.tzinfo is not None:
        expires = expires.astimezone(datetime.UTC)
    return format_timestamp(expires)


def quote(value: str) -> str:
    """Return a cookie's value as it stands in the header."""
    if _PLAIN.fullmatch(value) is not None:
        return value
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return "\\" + (character if character in '"\\' else f"{ord(character):03o}")


def _attribute_texts(name: str, attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for spelling, value in attributes.items():
        key = spelling.lower().replace("_", "-")
        if key not in _ATTRIBUTES:
            raise _refusal(f"cookies have no attribute {spelling!r}")
        if key in _FLAGS:
            if value:
                yield key, _ATTRIBUTES[key]
            continue
        if value is None or value == "":
            continue
        text = str(int(value)) if key == "max-age" else str(value)
        # The space inside a date is the one exception.
        if _UNSAFE.search(text.replace(" ", "") if key == "expires" else text) is not None:
            raise _refusal(f"attribute {spelling}={text!r} of cookie {name!r} cannot be sent")
        yield key, f"{_ATTRIBUTES[key]}={text}"


def _refusal(message: str) -> Exception:
    # Programs that never make such a mistake need not load the module.
    from http.cookies import CookieError

    return CookieError(message)
