"""Frames (RFC 6455 section 5): what they are made of, and making them."""

from __future__ import annotations

import enum
import os
import struct

from tornado._websocket.masks import apply_mask
from tornado.escape import utf8

MAX_CONTROL_PAYLOAD = 125  # bytes
FINAL = 0x80
COMPRESSED = 0x40  # RFC 7692 section 6: the first of the reserved bits
RESERVED = 0x70
MASKED = 0x80

# Codes with meanings in RFC 6455 section 7.4.1 and in IANA's registry, without those that are never
# sent; above them are ranges for libraries and applications.
_CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


class Opcode(enum.IntEnum):
    """Kinds of frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


# Heads of whole, unmasked messages with short payloads, by their length.
TEXT_HEADS = tuple(bytes((FINAL | Opcode.TEXT, size)) for size in range(126))
BINARY_HEADS = tuple(bytes((FINAL | Opcode.BINARY, size)) for size in range(126))


def make_frame(
    opcode: int, payload: bytes, *, masked: bool, fin: bool = True, compressed: bool = False
) -> bytes:
    """Return a frame.

    :arg masked: mask it, as clients have to.
    :arg fin: it's the last of its message.
    :arg compressed: the payload is compressed (RFC 7692 section 6).
    """
    first = opcode | (FINAL if fin else 0) | (COMPRESSED if compressed else 0)
    if not masked:
        return make_head(first, len(payload)) + payload
    mask = os.urandom(4)
    head = make_head(first, len(payload), MASKED)
    return b"".join((head, mask, apply_mask(mask, payload)))


def make_head(first: int, size: int, bit: int = 0) -> bytes:
    """Return what stands before a frame's mask, or before its payload if it has none.

    :arg first: the first byte.
    :arg size: length of the payload.
    :arg bit: `MASKED` for a mask.
    """
    if size < 126:
        return bytes((first, size | bit))
    if size < 65536:
        return struct.pack("!BBH", first, 126 | bit, size)
    return struct.pack("!BBQ", first, 127 | bit, size)


def make_close_payload(code: int | None, reason: str | bytes | None) -> bytes:
    """Return the payload of a close frame.

    :raises ValueError: the code may not be sent, or the reason is too long.
    """
    if code is None:
        return b""
    if not is_valid_close_code(code):
        raise ValueError(f"invalid close code {code!r}")
    payload = struct.pack("!H", code) + utf8(reason or b"")
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError("close reason too long")
    return payload


def is_valid_close_code(code: int) -> bool:
    """Whether a code may stand in a close frame (RFC 6455 section 7.4)."""
    return code in _CLOSE_CODES or 3000 <= code <= 4999
