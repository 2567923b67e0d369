"""Field values with parameters: ``form-data; name="file"; filename="a.txt"``."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from tornado._httputil.errors import HTTPInputError

_PARAMETER = re.compile(
    r'[ \t]*+([^\s;="]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|([^;"]*+))[ \t]*+(?:;|$)', re.DOTALL
)
_EMPTY = re.compile(r"[ \t;]*+")
_ESCAPED = re.compile(r'\\(["\\])')


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return the first part of a field's value in lower case, and its parameters.

    A parameter in the extended form of RFC 8187 (``name*=utf-8''...``) has its plain name here, and
    takes part in the rule that no
    parameter may stand there twice.

    :raises HTTPInputError: a parameter is malformed, or stands there twice.
    """
    first, _, rest = value.partition(";")
    parameters: dict[str, str] = {}
    extended: dict[str, str] = {}
    position = _skip(rest, 0)
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None:
            raise HTTPInputError(f"malformed parameter {rest[position : position + 80]!r}")
        name, quoted, plain = match.groups()
        text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain.strip()
        target = parameters
        name = name.lower()
        if name.endswith("*"):
            name, text, target = name[:-1], _decode_extended(text), extended
        if name in target:
            raise HTTPInputError(f"repeated parameter {name[:80]!r}")
        target[name] = text
        position = _skip(rest, match.end())
    # RFC 8187 section 4.2: a recipient that knows the extended form prefers it.
    return first.strip().lower(), {**parameters, **extended}


def _skip(text: str, position: int) -> int:
    match = _EMPTY.match(text, position)
    return match.end() if match else position


def _decode_extended(text: str) -> str:
    charset, quote, rest = text.partition("'")
    _, quote, encoded = rest.partition("'")
    if not quote or charset.lower() not in ("utf-8", "iso-8859-1"):
        raise HTTPInputError(f"malformed extended parameter {text[:80]!r}")
    try:
        return unquote_to_bytes(encoded).decode(charset)
    except UnicodeDecodeError as error:
        raise HTTPInputError(f"malformed extended parameter {text[:80]!r}") from error
