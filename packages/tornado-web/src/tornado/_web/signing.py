"""Signed values: what a client is given to keep and may not change.

Two formats exist. Version 1, ``value|time|signature``, is read unless `min_version` forbids it.
Version 2 is what is written::

    2|1:0|10:1300000000|4:user|8:am9obi1k|<64 hexadecimal digits>

Key number, time, name and value each stand behind their length. Thus no octet can be counted to
another field, which is the weakness of version 1.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from tornado._late import LateModule, late_regex
from tornado.escape import utf8

if TYPE_CHECKING:
    import hmac
else:
    hmac = LateModule("hmac")

Key = str | bytes
Secret = Key | Mapping[int, Key]

#: Format of new values.
DEFAULT_SIGNED_VALUE_VERSION = 2
#: Oldest format that is accepted.
DEFAULT_SIGNED_VALUE_MIN_VERSION = 1

_SECONDS_PER_DAY = 86400
# A version 1 time that lies further ahead than this was made of digits borrowed from the value.
_LARGEST_LEAD = 31 * _SECONDS_PER_DAY

_VERSION = late_regex(rb"([1-9][0-9]{0,2})\|")
_FIELD_HEAD = late_regex(rb"([0-9]{1,9}):")
_NUMBER = late_regex(rb"[0-9]{1,18}")


class _Parsed(NamedTuple):
    """A value of version 2, taken apart but not yet believed."""

    key_version: int
    timestamp: int
    name: bytes
    encoded: bytes
    signed: bytes
    signature: bytes


def create_signed_value(
    secret: Secret,
    name: str,
    value: str | bytes,
    version: int | None = None,
    clock: Callable[[], float] | None = None,
    key_version: int | None = None,
) -> bytes:
    """Sign a value for one purpose, together with the present time.

    :arg secret: key of the HMAC; or a dictionary of keys by number, so that keys can be replaced
       while values signed with older ones stay valid.
    :arg name: the purpose, such as a cookie's name; under another one the value is not accepted.
    :arg version: format; `None` for the newest.
    :arg clock: returns seconds since the epoch.
    :arg key_version: number of the key to sign with, if ``secret`` is a dictionary.
    :returns: text without spaces, commas or semicolons, as bytes.
    :raises ValueError: there is no such format, or no such key.

    .. versionchanged:: 3.2.1
       Added ``version`` and ``clock``.
    .. versionchanged:: 4.1
       Added ``key_version``.
    """
    if version is None:
        version = DEFAULT_SIGNED_VALUE_VERSION
    timestamp = b"%d" % int((clock or time.time)())
    encoded = b64encode(utf8(value))
    if version == 1:
        key = _only_key(secret)
        return b"|".join([encoded, timestamp, _old_signature(key, name, encoded, timestamp)])
    if version != 2:
        raise ValueError(f"signed values have no version {version!r}")
    key = _choose_key(secret, key_version)
    fields = [b"%d" % (key_version or 0), timestamp, utf8(name), encoded]
    signed = b"2|" + b"".join([b"%d:%b|" % (len(field), field) for field in fields])
    return signed + _signature(key, signed)


def decode_signed_value(
    secret: Secret,
    name: str,
    value: str | bytes | None,
    max_age_days: float = 31,
    clock: Callable[[], float] | None = None,
    min_version: int | None = None,
) -> bytes | None:
    """Return what was signed, or `None` for a value that is missing, malformed, forged or too old.

    :arg secret: the key or keys, as for `create_signed_value`.
    :arg name: the purpose it must have been signed for.
    :arg value: the signed value.
    :arg max_age_days: greatest age in days.
    :arg clock: returns seconds since the epoch.
    :arg min_version: oldest format to accept; `None` for the default, 1. Version 1 cannot tell
       ``name="user1", value="x"`` from ``name="user", value="1x"``; 2 refuses it.
    :raises ValueError: ``min_version`` is newer than any format.

    .. versionchanged:: 3.2.1
       Added ``clock`` and ``min_version``.
    """
    if min_version is None:
        min_version = DEFAULT_SIGNED_VALUE_MIN_VERSION
    if min_version > 2:
        raise ValueError(f"signed values have no version {min_version!r}")
    if not value:
        return None
    data = utf8(value)
    now = (clock or time.time)()
    oldest = now - max_age_days * _SECONDS_PER_DAY
    version = _version_of(data)
    if version < min_version:
        return None
    if version == 1:
        return None if isinstance(secret, Mapping) else _open_old(secret, name, data, oldest, now)
    return _open(secret, name, data, oldest) if version == 2 else None


def get_signature_key_version(value: str | bytes) -> int | None:
    """Return the number of the key that a value says it was signed with; the signature is not
    checked.

    :returns: `None` for values of version 1, which have no such number, and for malformed ones.

    .. versionadded:: 4.1
    """
    data = utf8(value)
    parsed = _parse(data) if _version_of(data) == 2 else None
    return None if parsed is None else parsed.key_version


def _version_of(data: bytes) -> int:
    # Version 1 begins with base64, whose length is a multiple of four: never one to three digits
    # alone.
    found = _VERSION.match(data)
    return int(found[1]) if found else 1


def _only_key(secret: Secret) -> Key:
    if isinstance(secret, Mapping):
        raise ValueError("version 1 of signed values does not know several keys")
    return secret


def _choose_key(secret: Secret, key_version: int | None) -> Key:
    if not isinstance(secret, Mapping):
        return secret
    if key_version is None or key_version not in secret:
        raise ValueError(f"there is no key number {key_version!r} to sign with")
    return secret[key_version]


def _signature(key: Key, signed: bytes) -> bytes:
    return hmac.new(utf8(key), signed, "sha256").hexdigest().encode("ascii")


def _old_signature(key: Key, name: str, encoded: bytes, timestamp: bytes) -> bytes:
    signed = utf8(name) + encoded + timestamp
    return hmac.new(utf8(key), signed, "sha1").hexdigest().encode("ascii")


def _open_old(key: Key, name: str, data: bytes, oldest: float, now: float) -> bytes | None:
    pieces = data.split(b"|")
    if len(pieces) != 3:
        return None
    encoded, timestamp, signature = pieces
    if not hmac.compare_digest(signature, _old_signature(key, name, encoded, timestamp)):
        return None
    # Digits at the border of value and time are covered by the signature whichever side they are
    # on. Moved to the time they make it huge; moved away from it they leave it tiny, or with a zero
    # in front.
    if _NUMBER.fullmatch(timestamp) is None or timestamp.startswith(b"0"):
        return None
    if not oldest <= int(timestamp) <= now + _LARGEST_LEAD:
        return None
    return _from_base64(encoded)


def _open(secret: Secret, name: str, data: bytes, oldest: float) -> bytes | None:
    parsed = _parse(data)
    if parsed is None:
        return None
    key = secret.get(parsed.key_version) if isinstance(secret, Mapping) else secret
    if key is None:
        return None
    if not hmac.compare_digest(parsed.signature, _signature(key, parsed.signed)):
        return None
    if parsed.name != utf8(name) or parsed.timestamp < oldest:
        return None
    return _from_base64(parsed.encoded)


def _parse(data: bytes) -> _Parsed | None:
    """Take a value of version 2 apart; `None` if it is malformed."""
    position = data.index(b"|") + 1
    fields = []
    for _ in range(4):
        head = _FIELD_HEAD.match(data, position)
        if head is None:
            return None
        end = head.end() + int(head[1])
        if data[end : end + 1] != b"|":
            return None
        fields.append(data[head.end() : end])
        position = end + 1
    number, timestamp, name, encoded = fields
    if not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(timestamp)):
        return None
    return _Parsed(int(number), int(timestamp), name, encoded, data[:position], data[position:])


def _from_base64(encoded: bytes) -> bytes | None:
    try:
        return b64decode(encoded, validate=True)
    except Base64Error:
        return None
