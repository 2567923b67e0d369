"""What the function of a template calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tornado import escape

# Characters of a text that is worth a call, with a tag and without.
_LONG_MARKUP, _LONG = 60, 150

Put = Callable[[str], None]
PutAll = Callable[[tuple[str, ...]], None]


class RawText(str):
    """Bytes that aren't UTF-8, as text with surrogates in their places."""

    __slots__ = ()


def text_of(value: Any) -> str:
    """Return a value as text."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        # What it holds, whatever its __str__ says: members of enumerations are an example.
        return str.__str__(value)
    if isinstance(value, bytes):
        return _decode(value)
    return str(value)


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return RawText(value.decode("utf-8", "surrogateescape"))


def bytes_of(pieces: list[str]) -> bytes:
    """Return pieces of output as bytes.

    :raises UnicodeEncodeError: a piece has surrogates that don't come from bytes.
    """
    try:
        return "".join(pieces).encode()
    except UnicodeEncodeError:
        pass  # there are bytes that aren't UTF-8, or there is an error, which shall be the only one
    return b"".join([_encode(piece) for piece in pieces])


def _encode(piece: str) -> bytes:
    return piece.encode("utf-8", "surrogateescape" if type(piece) is RawText else "strict")


def escaped_text(value: Any) -> str:
    """Return a value as text, escaped for HTML.

    :raises UnicodeDecodeError: it's bytes that aren't UTF-8.
    """
    if type(value) is not str:
        if type(value) is int:
            # Nothing in it has a meaning in HTML.
            return str(value)
        value = value.decode() if isinstance(value, bytes) else text_of(value)
    # As `tornado.escape.xhtml_escape` does; a call more would cost as much as all of this.
    if "<" in value:
        if len(value) > _LONG_MARKUP:
            return escape.xhtml_escape(value)
        if "&" in value:
            value = value.replace("&", "&amp;")
        value = value.replace("<", "&lt;").replace(">", "&gt;")
        if '"' in value:
            value = value.replace('"', "&quot;")
        if "'" in value:
            value = value.replace("'", "&#x27;")
        return value  # type: ignore[no-any-return]  # it's text by now
    if "&" in value:
        if len(value) > _LONG:
            return escape.xhtml_escape(value)
        value = value.replace("&", "&amp;")
        if "'" in value:
            value = value.replace("'", "&#x27;")
    elif "'" in value:
        if len(value) > _LONG:
            return escape.xhtml_escape(value)
        value = value.replace("'", "&#x27;")
    if ">" in value:
        value = value.replace(">", "&gt;")
    if '"' in value:
        value = value.replace('"', "&quot;")
    return value  # type: ignore[no-any-return]  # it's text by now


def passed_through(function: Callable[[bytes], Any], value: Any) -> str:
    """Return what a function that escapes makes of a value."""
    return _result_of(function, function(_encode(text_of(value))))


def escaper(function: Any) -> Callable[[Any], str]:
    """Return what escapes expressions, given what a template's namespace calls ``xhtml_escape``."""
    if function is escape.xhtml_escape:
        return escaped_text
    return lambda value: passed_through(function, value)


def applied(function: Callable[[bytes], Any], body: Callable[[Put, PutAll], None]) -> str:
    """Return what a function makes of the output of an ``{% apply %}``."""
    pieces: list[str] = []
    body(pieces.append, pieces.extend)
    return _result_of(function, function(bytes_of(pieces)))


async def applied_async(
    function: Callable[[bytes], Any], body: Callable[[Put, PutAll], Awaitable[None]]
) -> str:
    """Do what `applied` does for a body that is a coroutine."""
    pieces: list[str] = []
    await body(pieces.append, pieces.extend)
    return _result_of(function, function(bytes_of(pieces)))


def _result_of(function: Any, result: Any) -> str:
    if isinstance(result, (str, bytes)):
        return text_of(result)
    name = getattr(function, "__name__", function)
    raise TypeError(f"{name} returned {type(result).__name__}, expected str or bytes")
