"""What the function of a template calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tornado import escape

_MARKUP = re.compile("[&<>\"']")
_search = _MARKUP.search
_xhtml_escape = escape.xhtml_escape


def text_of(value: Any) -> str:
    """Return a value as text; bytes that aren't UTF-8 survive the way to the output."""
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def bytes_of(text: str) -> bytes:
    """Return text as it's output."""
    return text.encode("utf-8", "surrogateescape")


def escaped_text(value: Any) -> str:
    """Return a value as text, escaped for HTML."""
    kind = type(value)
    if kind is not str:
        if kind is int:
            return str(value)
        value = text_of(value)
    return value if _search(value) is None else _xhtml_escape(value)


def escaper(function: Any) -> Callable[[Any], str]:
    """Return what escapes expressions, given what a template's namespace calls ``xhtml_escape``."""
    if function is escape.xhtml_escape:
        return escaped_text

    def escaped(value: Any) -> str:
        return text_of(function(bytes_of(text_of(value))))

    return escaped
