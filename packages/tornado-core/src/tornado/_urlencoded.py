"""Query strings and bodies of forms: names and values between ampersands."""

from __future__ import annotations

from binascii import a2b_qp
from typing import TYPE_CHECKING

from tornado._late import LateModule

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = LateModule("urllib.parse")


def parse_urlencoded(
    text: str, keep_blank_values: bool, strict_parsing: bool, max_num_fields: int | None
) -> dict[str, list[bytes]]:
    """Return the values of each name, as `urllib.parse.parse_qs` does for text.

    :arg text: the fields; each character stands for a byte.
    :raises ValueError: there are too many fields, one of them is malformed and that matters, or a
        character stands for no byte.
    """
    if max_num_fields is not None and text.count("&") >= max_num_fields:
        raise ValueError(f"more than {max_num_fields} fields")
    if "+" in text:
        text = text.replace("+", " ")
    plain = text.isascii()
    if not plain:
        text.encode("latin-1")
    elif "%" in text:
        plain = False
    found: dict[str, list[bytes]] = {}
    for field in text.split("&"):
        name, equals, value = field.partition("=")
        if not value:
            if strict_parsing and not equals:
                raise ValueError(f"malformed field {field[:80]!r}")
            if not (field and keep_blank_values):
                continue
        if plain:
            data = value.encode()
        else:
            data = percent_decode(value.encode("latin-1"))
            if "%" in name:
                name = percent_decode(name.encode("latin-1")).decode("latin-1")
        if name in found:
            found[name].append(data)
        else:
            found[name] = [data]
    return found


def percent_decode(data: bytes) -> bytes:
    """Return what `urllib.parse.unquote_to_bytes` returns, in a fraction of its time."""
    if b"%" not in data:
        return data
    # Quoted-printable is the same notation with another sign, and is decoded in C. There, a sign at
    # the end of a line takes the line's end with it, or all that follows a carriage return.
    if b"\n" not in data and b"\r" not in data:
        decoded = a2b_qp(data.replace(b"=", b"=3D").replace(b"%", b"="))
        # Each percent sign took two digits with it, unless it was none of an escape.
        if len(decoded) == len(data) - 2 * data.count(b"%"):
            return decoded
    return parse.unquote_to_bytes(data)
