"""The ``Cookie`` field (RFC 6265), read as browsers write it."""

from __future__ import annotations

import re

from tornado._late import late_regex

# What `http.cookies` writes for characters that a cookie can't hold: \ooo and a backslash before
# any other character.
_QUOTED = late_regex(r"\\(?:([0-3][0-7]{2})|(.))", re.DOTALL)


def parse_cookie(cookie: str) -> dict[str, str]:
    """Return names and values of a ``Cookie`` field.

    Pairs are told apart by semicolons alone (RFC 6265 section 4.2.1), so that no quoting can hide
    or make a pair. A later pair of the same name wins. A pair without ``=`` has the empty name, as
    it has in browsers.

    >>> parse_cookie("a=b; c=\\"d e\\"; f")
    {'a': 'b', 'c': 'd e', '': 'f'}

    .. versionadded:: 4.4.2
    """
    cookies = {}
    for pair in cookie.split(";"):
        name, equals, value = pair.partition("=")
        if not equals:
            name, value = "", name
        # RFC 6265 section 5.2: other kinds of white space may be bytes of UTF-8 text.
        name = name.strip(" \t")
        value = value.strip(" \t")
        if name or value:
            cookies[name] = unquote_cookie(value) if value[:1] == '"' else value
    return cookies


def unquote_cookie(value: str) -> str:
    """Undo the quoting that `http.cookies` applies to values with special characters.

    It takes linear time, whatever the value holds.
    """
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _QUOTED.sub(_unquote_match, value[1:-1])


def _unquote_match(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if match[1] else match[2]
