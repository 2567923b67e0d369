"""Escaping and unescaping of HTML, JSON and URLs, and conversion between bytes and text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

from tornado._late import LateModule, late_regex
from tornado._urlencoded import parse_urlencoded

if TYPE_CHECKING:
    import json
    from urllib import parse

    from tornado import _json
else:
    json = LateModule("json")
    parse = LateModule("urllib.parse")
    _json = LateModule("tornado._json")

# Characters from which on the way through bytes is the shorter one; texts with a tag have several
# of the five.
_LONG_MARKUP, _LONG = 60, 150
_BLANKS = late_regex(r"[\x00-\x20]+")


@overload
def utf8(value: bytes) -> bytes: ...
@overload
def utf8(value: str) -> bytes: ...
@overload
def utf8(value: None) -> None: ...
def utf8(value: str | bytes | None) -> bytes | None:
    """Return text as UTF-8 bytes; bytes and `None` as they are.

    :raises TypeError: it's something else.
    """
    if isinstance(value, str):
        return value.encode("utf-8")
    if value is None or isinstance(value, bytes):
        return value
    raise TypeError(f"text or bytes are needed, not {type(value).__name__}")


@overload
def to_unicode(value: str) -> str: ...
@overload
def to_unicode(value: bytes) -> str: ...
@overload
def to_unicode(value: None) -> None: ...
def to_unicode(value: str | bytes | None) -> str | None:
    """Return UTF-8 bytes as text; text and `None` as they are.

    :raises TypeError: it's something else.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"text or bytes are needed, not {type(value).__name__}")


_unicode = to_unicode
native_str = to_unicode
to_basestring = to_unicode


def xhtml_escape(value: str | bytes) -> str:
    """Return text in which the characters that have a meaning in HTML are replaced by entities.

    The result may stand in elements and in quoted attributes: ``&``, ``<``, ``>`` and both quotes
    are replaced.

    :arg value: text, or UTF-8 bytes.
    :raises TypeError: it's something else.
    """
    text = value if type(value) is str else _text(value)
    # Asking for each of the five is cheap, and most texts have none or one. The ampersand has to be
    # replaced first. Each step is linear.
    if "<" in text:
        if len(text) > _LONG_MARKUP:
            return _escape_long(text)
        if "&" in text:
            text = text.replace("&", "&amp;")
        text = text.replace("<", "&lt;").replace(">", "&gt;")
        if '"' in text:
            text = text.replace('"', "&quot;")
        if "'" in text:
            text = text.replace("'", "&#x27;")
        return text
    if "&" in text:
        if len(text) > _LONG:
            return _escape_long(text)
        text = text.replace("&", "&amp;")
        if "'" in text:
            text = text.replace("'", "&#x27;")
    elif "'" in text:
        if len(text) > _LONG:
            return _escape_long(text)
        text = text.replace("'", "&#x27;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    return text


_xhtml_escape = xhtml_escape

if not TYPE_CHECKING:
    try:
        from tornado._speedups import xhtml_escape
    except ImportError:
        pass  # it's an extra


def _escape_long(text: str) -> str:
    """Escape a long text: bytes are searched and copied several times as fast as text is."""
    data = text.encode("utf-8", "surrogatepass").replace(b"&", b"&amp;")
    data = data.replace(b"<", b"&lt;").replace(b">", b"&gt;")
    data = data.replace(b'"', b"&quot;").replace(b"'", b"&#x27;")
    return data.decode("utf-8", "surrogatepass")


def xhtml_unescape(value: str | bytes) -> str:
    """Return text in which entities, named or numbered, are replaced by what they stand for.

    :arg value: text, or UTF-8 bytes.
    :raises TypeError: it's something else.
    """
    # Its table of names is large, and few programs need it.
    from html import unescape

    return unescape(_text(value))


def _text(value: str | bytes) -> str:
    """Return ``value``, which has to be there, as text of no class but `str`, whose methods may
    differ."""
    if value is None:
        raise TypeError("text or bytes are needed, not None")
    return str.__str__(to_unicode(value))


def json_encode(value: Any) -> str:
    """Return ``value`` as JSON that may stand in a ``<script>`` element.

    Nothing in it can end the element or begin a comment in it; to JSON it's the same value. All
    of it is ASCII.

    :raises TypeError: there is no JSON for it; bytes, for example.
    """
    text = _json.dump(value)
    if "<" in text:
        text = text.replace("</", "<\\/").replace("<!", "\\u003c!")
    return text


def json_decode(value: str | bytes) -> Any:
    """Return what a JSON text stands for.

    :arg value: text, or bytes in UTF-8, UTF-16 or UTF-32.
    :raises ValueError: it isn't JSON.
    """
    return json.loads(value)


def squeeze(value: str) -> str:
    """Return ``value`` with each run of ASCII white space and control characters replaced by one
    space, and none at its ends."""
    return _BLANKS.sub(" ", value).strip()


def url_escape(value: str | bytes, plus: bool = True) -> str:
    """Return ``value`` in a form for URLs, percent-encoded.

    :arg value: text, which is encoded as UTF-8, or bytes.
    :arg plus: spaces become ``+``, as in query strings and forms; otherwise ``%20``, and slashes
        are left alone, as paths need it.

    .. versionadded:: 3.1
       ``plus``.
    """
    return (parse.quote_plus if plus else parse.quote)(utf8(value))


def url_unescape(
    value: str | bytes, encoding: str | None = "utf-8", plus: bool = True
) -> str | bytes:
    """Undo `url_escape`.

    :arg value: text or bytes.
    :arg encoding: of the text that is returned, in which errors are replaced by U+FFFD; `None`
        for a result of bytes.
    :arg plus: ``+`` stands for a space.

    .. versionadded:: 3.1
       ``plus``.
    """
    if encoding is None:
        raw = utf8(value)
        return parse.unquote_to_bytes(raw.replace(b"+", b" ") if plus else raw)
    return (parse.unquote_plus if plus else parse.unquote)(to_basestring(value), encoding=encoding)


def parse_qs_bytes(
    qs: str | bytes,
    keep_blank_values: bool = False,
    strict_parsing: bool = False,
    *,
    max_num_fields: int | None = None,
) -> dict[str, list[bytes]]:
    """Parse a query string, or the body of a form.

    Names and values are separated by ``&`` alone. Names are text in which each character stands for
    a byte, values are bytes.

    :arg qs: the query string.
    :arg keep_blank_values: keep fields with an empty value.
    :arg strict_parsing: take fields without ``=`` for errors.
    :arg max_num_fields: how many fields there may be.
    :raises ValueError: there are more, or one is malformed where that is an error.
    """
    text = qs if isinstance(qs, str) else qs.decode("latin-1")
    return parse_urlencoded(text, keep_blank_values, strict_parsing, max_num_fields)


def recursive_unicode(obj: Any) -> Any:
    """Return ``obj`` with all bytes in it, down through lists, tuples and dictionaries, as text.

    :raises UnicodeDecodeError: some bytes are no UTF-8.
    """
    if isinstance(obj, dict):
        return {recursive_unicode(k): recursive_unicode(v) for k, v in obj.items()}
    if isinstance(obj, list):
        return [recursive_unicode(item) for item in obj]
    if isinstance(obj, tuple):
        return tuple(recursive_unicode(item) for item in obj)
    return to_unicode(obj) if isinstance(obj, bytes) else obj


def linkify(
    text: str | bytes,
    shorten: bool = False,
    extra_params: str | Callable[[str], str] = "",
    require_protocol: bool = False,
    permitted_protocols: Sequence[str] = ("http", "https"),
) -> str:
    """Return plain text as HTML in which URLs are links.

    All of the result is safe to be shown as HTML, and the cost is linear, whatever the text.

    :arg text: plain text; it's escaped.
    :arg shorten: shorten long link texts; the whole address becomes the link's ``title``.
    :arg extra_params: attributes for the tags, HTML, or a function that makes them of a link's
        address, which it's called with in its escaped form.
    :arg require_protocol: leave alone what has no protocol, such as ``www.example.com``.
    :arg permitted_protocols: protocols that become links, in lower case; never let users of a
        site choose them, for ``javascript`` would be one.
    """
    from tornado._linkify import link_text

    return link_text(
        xhtml_escape(text),
        shorten=shorten,
        extra_params=extra_params,
        require_protocol=require_protocol,
        permitted_protocols=permitted_protocols,
    )
