"""Field values with parameters: ``form-data; name="file"; filename="a.txt"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tornado._httputil.errors import HTTPInputError
from tornado._late import LateModule, late_regex

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = LateModule("urllib.parse")

# All quantifiers are possessive: nothing is looked at twice.
_SEPARATORS = late_regex(r"[ \t;]*+")
_PARAMETER = late_regex(
    r"""([^\s;="]++)[ \t]*+            # name
    (?:=[ \t]*+
      (?:"((?:[^"\\]|\\.)*+)"[ \t]*+   # quoted value
       |([^;"]*+)                      # plain value
      )
    )?+
    (?=;|\Z)""",
    re.DOTALL | re.VERBOSE,
)
# Some browsers wrote paths with single backslashes, so only those two characters can be escaped.
_ESCAPED = late_regex(r'\\(["\\])')
_NEEDS_QUOTES = late_regex(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")


def parse_parameters(value: str, *, prefer_extended: bool = False) -> tuple[str, dict[str, str]]:
    """Return the first part of a field's value, and its parameters.

    Names are in lower case. A parameter in the extended form of RFC 8187 (``name*=utf-8''...``)
    has its plain name here. Parameters without a value are left out.

    :arg value: the field's value.
    :arg prefer_extended: where a parameter has both forms, the extended one counts, as RFC 6266
        section 4.3 says for responses, and not the plain one, the only one that RFC 7578 section
        4.2 has for forms.
    :raises HTTPInputError: a parameter is malformed, or stands there twice in the same form.
    """
    first, _, rest = value.partition(";")
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    position = _skip_separators(rest, 0)
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None:
            raise HTTPInputError(f"malformed parameter {rest[position : position + 80]!r}")
        _collect(match, plain, extended)
        position = _skip_separators(rest, match.end())
    merged = {**plain, **extended} if prefer_extended else {**extended, **plain}
    return first.strip(), merged


def _skip_separators(text: str, position: int) -> int:
    match = _SEPARATORS.match(text, position)
    return match.end() if match else position


def _collect(match: re.Match[str], plain: dict[str, str], extended: dict[str, str]) -> None:
    name, quoted, token = match.groups()
    if quoted is None and token is None:
        return
    text = token.strip(" \t") if quoted is None else _ESCAPED.sub(r"\1", quoted)
    name = name.lower()
    target = plain
    if name.endswith("*"):
        name, text, target = name[:-1], _decode_extended(text), extended
    # Whoever looked at this value before may have taken the other one.
    if name in target:
        raise HTTPInputError(f"repeated parameter {name[:80]!r}")
    target[name] = text


def _decode_extended(text: str) -> str:
    """RFC 8187 section 3.2.1: charset, language and percent-encoded value between apostrophes."""
    parts = text.split("'", 2)
    charset = parts[0].lower()
    if len(parts) != 3 or charset not in ("utf-8", "iso-8859-1"):
        raise HTTPInputError(f"malformed extended parameter {text[:80]!r}")
    try:
        return parse.unquote_to_bytes(parts[2]).decode(charset)
    except UnicodeDecodeError as error:
        raise HTTPInputError(f"malformed extended parameter {text[:80]!r}") from error


def _parse_header(line: str) -> tuple[str, dict[str, str]]:
    """Return the first part of a field's value, and its parameters.

    >>> _parse_header("attachment; filename=\\"a b.txt\\"; size=3")
    ('attachment', {'filename': 'a b.txt', 'size': '3'})

    :raises HTTPInputError: it's malformed.
    """
    return parse_parameters(line, prefer_extended=True)


def _encode_header(key: str, pdict: Mapping[str, object]) -> str:
    """Return a field's value with parameters; it's what `_parse_header` undoes.

    >>> _encode_header("permessage-deflate", {"server_no_context_takeover": None, "bits": 15})
    'permessage-deflate; bits=15; server_no_context_takeover'

    :arg key: the first part.
    :arg pdict: the parameters; one that is `None` is written without a value.
    """
    pieces = [key]
    for name in sorted(pdict):
        value = pdict[name]
        pieces.append(name if value is None else f"{name}={_quoted(str(value))}")
    return "; ".join(pieces)


def _quoted(value: str) -> str:
    if value and _NEEDS_QUOTES.search(value) is None:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
