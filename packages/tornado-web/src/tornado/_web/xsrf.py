"""XSRF tokens: a secret of the browser's that pages of other sites cannot know.

The browser keeps the secret in a cookie; what forms and scripts send back has to name the same
secret. Each time it is written it is combined with another random mask, so that the compressed size
of pages tells nothing about it (BREACH). ``2|mask|masked secret|seconds since the epoch`` is the
format, numbers but the last in hexadecimal digits. A token of the older version 1 is the secret
itself in such digits.
"""

from __future__ import annotations

import os
import time
from binascii import a2b_hex
from typing import TYPE_CHECKING, NamedTuple

from tornado._late import LateModule
from tornado.escape import utf8

if TYPE_CHECKING:
    import hmac
else:
    hmac = LateModule("hmac")

_SECRET_SIZE = 16
_MASK_SIZE = 4


class Token(NamedTuple):
    """A token, unmasked."""

    secret: bytes
    timestamp: int


class TokenPair:
    """The token of the browser that made a request, or a new one for it.

    :arg cookie: value of the request's cookie, if it has one.
    """

    def __init__(self, cookie: str | None) -> None:
        known = parse_token(cookie) if cookie else None
        #: Whether the browser has no token yet.
        self.is_new = known is None
        self.token = known or Token(os.urandom(_SECRET_SIZE), int(time.time()))

    def equals(self, text: str) -> bool:
        """Compare with a token that was sent back, in a time that says nothing about the secret."""
        sent = parse_token(text)
        return sent is not None and hmac.compare_digest(sent.secret, self.token.secret)


def format_token(token: Token, version: int) -> bytes:
    """Write a token, masked afresh if the version has masks.

    :raises ValueError: there is no such version.
    """
    if version == 1:
        return token.secret.hex().encode("ascii")
    if version != 2:
        raise ValueError(f"XSRF cookies have no version {version!r}")
    mask = os.urandom(_MASK_SIZE)
    masked = combine(mask, token.secret)
    return f"2|{mask.hex()}|{masked.hex()}|{token.timestamp}".encode("ascii")


def parse_token(text: str | bytes) -> Token | None:
    """Read a token of any version; `None` if it is malformed."""
    data = utf8(text)
    if b"|" not in data:
        return _parse_bare(data)
    pieces = data.split(b"|")
    if len(pieces) != 4 or pieces[0] != b"2" or not pieces[3].isdigit():
        return None
    try:
        mask, masked = _unhex(pieces[1]), _unhex(pieces[2])
        timestamp = int(pieces[3])
    except ValueError:
        return None
    if len(mask) != _MASK_SIZE or not masked:
        return None
    return Token(combine(mask, masked), timestamp)


def _parse_bare(data: bytes) -> Token | None:
    if not data:
        return None
    try:
        secret = _unhex(data)
    except ValueError:
        # Programs that set the cookie themselves may have chosen any text.
        secret = data
    return Token(secret, int(time.time()))


def _unhex(digits: bytes) -> bytes:
    # Unlike bytes.fromhex, it takes no white space between digits.
    return a2b_hex(digits)


def combine(mask: bytes, data: bytes) -> bytes:
    """Combine data with a mask, repeated as often as needed, by exclusive or; its own inverse."""
    return bytes([octet ^ mask[i % len(mask)] for i, octet in enumerate(data)])
