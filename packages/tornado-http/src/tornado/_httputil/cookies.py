"""The ``Cookie`` field (RFC 6265), read as browsers write it."""

from __future__ import annotations

import re

# What http.cookies writes for characters that a cookie can't hold: \ooo and backslash with any
# character.
_QUOTED = re.compile(r"\\(?:([0-3][0-7]{2})|(.))", re.DOTALL)


def parse_cookie(cookie: str) -> dict[str, str]:
    """Return names and values of a ``Cookie`` field.

    Pairs are told apart by semicolons alone (RFC 6265 section 4.2.1), so that no quoting can hide
    or make a pair. A later pair of the same
    name wins; a pair without a name is left out.

    .. versionadded:: 4.4.2
    """
    cookies = {}
    for pair in cookie.split(";"):
        name, equals, value = pair.partition("=")
        name = name.strip()
        if equals and name:
            cookies[name] = unquote_cookie(value.strip())
    return cookies


def unquote_cookie(value: str) -> str:
    """Undo the quoting that `http.cookies` applies to values with special characters."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _QUOTED.sub(_unquote_match, value[1:-1])


def _unquote_match(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if match[1] else match[2]
