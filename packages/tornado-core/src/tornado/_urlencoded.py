"""Query strings and bodies of forms: names and values between ampersands."""

from __future__ import annotations

from binascii import a2b_qp
from urllib.parse import unquote_to_bytes


def parse_urlencoded(
    data: bytes, keep_blank_values: bool, strict_parsing: bool, max_num_fields: int | None
) -> dict[str, list[bytes]]:
    """Return the values of each name, as `urllib.parse.parse_qs` does for text.

    :raises ValueError: there are too many fields, or one of them is malformed and that matters.
    """
    if max_num_fields is not None and data.count(b"&") >= max_num_fields:
        raise ValueError(f"more than {max_num_fields} fields")
    if b"+" in data:
        data = data.replace(b"+", b" ")
    found: dict[str, list[bytes]] = {}
    for field in data.split(b"&"):
        name, equals, value = field.partition(b"=")
        if not equals:
            if strict_parsing:
                raise ValueError(f"malformed field {field[:80]!r}")
            if not field or not keep_blank_values:
                continue
        if not value and not keep_blank_values:
            continue
        if b"%" in value:
            value = percent_decode(value)
        if b"%" in name:
            name = percent_decode(name)
        key = name.decode("latin-1")
        if key in found:
            found[key].append(value)
        else:
            found[key] = [value]
    return found


def percent_decode(data: bytes) -> bytes:
    """Return what `urllib.parse.unquote_to_bytes` returns, in a fraction of its time."""
    if b"\n" not in data:
        # Quoted-printable is the same notation with another sign, and is decoded in C.
        decoded = a2b_qp(data.replace(b"=", b"=3D").replace(b"%", b"="))
        # Each percent sign took two digits with it, unless it was none of an escape.
        if len(decoded) == len(data) - 2 * data.count(b"%"):
            return decoded
    return unquote_to_bytes(data)
