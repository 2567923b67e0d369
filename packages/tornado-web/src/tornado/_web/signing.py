"""Values that are signed, so that they can be given to a client and trusted when they come back.

Version 2 is written: ``2|1:0|10:1378827450|4:name|8:dmFsdWU=|signature``, each field with its length, then an HMAC-SHA256 of all that
stands before it. The first field is the number of the key. Version 1, ``value|timestamp|signature`` with HMAC-SHA1, can be read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tornado.escape import utf8

DEFAULT_SIGNED_VALUE_VERSION = 2
DEFAULT_SIGNED_VALUE_MIN_VERSION = 1
DAY = 86400  # seconds
MAX_CLOCK_LEAD = 31 * DAY  # how far in the future a version 1 timestamp may lie

Secret = str | bytes | Mapping[int, str | bytes]


class _Fields(NamedTuple):
    """The fields of a value of version 2."""

    key_version: int
    timestamp: bytes
    name: bytes
    value: bytes
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
    """Return ``value`` with a time stamp and a signature.

    :arg secret: the key, or a dictionary of keys by number.
    :arg name: what the value is for; it's no use under another name.
    :arg version: format, 1 or 2; 2 by default.
    :arg clock: gives the time in seconds since the epoch.
    :arg key_version: which key of a dictionary.
    :raises ValueError: there is no such format, or no key is chosen.
    """
    version = DEFAULT_SIGNED_VALUE_VERSION if version is None else version
    timestamp = str(int((clock or time.time)())).encode()
    encoded = base64.b64encode(utf8(value))
    if version == 1:
        if isinstance(secret, Mapping):
            raise ValueError("version 1 of signed values has no key versions")
        signature = _sign_v1(secret, name, encoded, timestamp)
        return b"|".join((encoded, timestamp, signature))
    if version != 2:
        raise ValueError(f"Unsupported version {version}")
    if isinstance(secret, Mapping):
        if key_version is None:
            raise ValueError("Must specify key version for a dictionary of keys")
        secret = secret[key_version]
    fields = (str(key_version or 0).encode(), timestamp, utf8(name), encoded)
    signed = b"2|" + b"".join(b"%d:%b|" % (len(field), field) for field in fields)
    return signed + _sign_v2(secret, signed)


def decode_signed_value(
    secret: Secret,
    name: str,
    value: str | bytes | None,
    max_age_days: float = 31,
    clock: Callable[[], float] | None = None,
    min_version: int | None = None,
) -> bytes | None:
    """Return what `create_signed_value` has signed, or `None` if the signature is wrong or the value too old.

    :arg secret: the key, or a dictionary of keys by number.
    :arg name: what the value is for.
    :arg value: the signed value.
    :arg max_age_days: how old it may be.
    :arg clock: gives the time in seconds since the epoch.
    :arg min_version: oldest format to accept; 1 by default.
    :raises ValueError: ``min_version`` is none.
    """
    min_version = DEFAULT_SIGNED_VALUE_MIN_VERSION if min_version is None else min_version
    if min_version > 2:
        raise ValueError(f"Unsupported min_version {min_version}")
    if not value:
        return None
    data = utf8(value)
    now = (clock or time.time)()
    if _version_of(data) == 2:
        return _decode_v2(secret, name, data, now - max_age_days * DAY)
    if min_version > 1 or _version_of(data) != 1 or isinstance(secret, Mapping):
        return None
    return _decode_v1(secret, name, data, now, max_age_days * DAY)


def get_signature_key_version(value: str | bytes) -> int | None:
    """Return the number of the key that a value of version 2 is signed with, `None` for other values."""
    data = utf8(value)
    if _version_of(data) < 2:
        return None
    fields = _split_v2(data)
    return None if fields is None else fields.key_version


def _version_of(data: bytes) -> int:
    """Version 1 begins with base64, in which a single digit before the first bar isn't possible."""
    number, bar, _ = data.partition(b"|")
    if not bar or len(number) > 3 or not number.isdigit():
        return 1
    return int(number)


def _sign_v1(secret: str | bytes, *parts: str | bytes) -> bytes:
    mac = hmac.new(utf8(secret), digestmod=hashlib.sha1)
    for part in parts:
        mac.update(utf8(part))
    return mac.hexdigest().encode()


def _sign_v2(secret: str | bytes, signed: bytes) -> bytes:
    return hmac.new(utf8(secret), signed, hashlib.sha256).hexdigest().encode()


def _decode_v1(
    secret: str | bytes, name: str, data: bytes, now: float, max_age: float
) -> bytes | None:
    parts = data.split(b"|")
    if len(parts) != 3:
        return None
    encoded, stamp, signature = parts
    if not hmac.compare_digest(signature, _sign_v1(secret, name, encoded, stamp)):
        return None
    # The signature runs over the fields put together, so digits could have moved from the value to the time stamp; such a time lies
    # far in the future, or begins with a zero.
    if not stamp.isdigit() or stamp.startswith(b"0"):
        return None
    timestamp = int(stamp)
    if timestamp < now - max_age or timestamp > now + MAX_CLOCK_LEAD:
        return None
    return _decode_base64(encoded)


def _decode_v2(secret: Secret, name: str, data: bytes, oldest: float) -> bytes | None:
    fields = _split_v2(data)
    if fields is None:
        return None
    if isinstance(secret, Mapping):
        if fields.key_version not in secret:
            return None
        secret = secret[fields.key_version]
    if not hmac.compare_digest(fields.signature, _sign_v2(secret, fields.signed)):
        return None
    if fields.name != utf8(name) or not fields.timestamp.isdigit():
        return None
    if int(fields.timestamp) < oldest:
        return None
    return _decode_base64(fields.value)


def _split_v2(data: bytes) -> _Fields | None:
    position = data.index(b"|") + 1
    fields = []
    for _ in range(4):
        colon = data.find(b":", position, position + 11)
        if colon < 0 or not data[position:colon].isdigit():
            return None
        end = colon + 1 + int(data[position:colon])
        if data[end : end + 1] != b"|":
            return None
        fields.append(data[colon + 1 : end])
        position = end + 1
    if not fields[0].isdigit() or len(fields[0]) > 9:
        return None
    return _Fields(int(fields[0]), *fields[1:], data[:position], data[position:])  # type: ignore[arg-type,call-arg]  # four fields


def _decode_base64(encoded: bytes) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None
