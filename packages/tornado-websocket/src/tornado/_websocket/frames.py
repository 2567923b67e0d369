"""Frames (RFC 6455 section 5): bytes in, messages out, without I/O; and messages in, bytes out.

One engine for both roles. A text message is checked to be UTF-8 as its pieces arrive, and no more
of a message is held than the limit allows.
"""

from __future__ import annotations

import codecs
import enum
import os
import struct
from typing import Protocol

from tornado._websocket.deflate import Decompressor
from tornado._websocket.errors import ProtocolViolation

MAX_CONTROL_PAYLOAD = 125  # bytes
COMPRESSED = 0x40  # RFC 7692 section 6: the first of the reserved bits
# Opcodes with meanings in RFC 6455 section 7.4, and ranges for libraries and applications.
_CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))

_new_utf8_decoder = codecs.getincrementaldecoder("utf-8")


class Opcode(enum.IntEnum):
    """Kinds of frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameSink(Protocol):
    """What a `FrameReader` calls."""

    def on_data(self, message: str | bytes) -> None:
        """A message is complete."""

    def on_control(self, opcode: Opcode, payload: bytes) -> None:
        """A ping or pong has come."""

    def on_close_frame(self, code: int | None, reason: str) -> None:
        """The peer closes; the code is `None` if it gave none."""


def apply_mask(mask: bytes, data: bytes) -> bytes:
    """Return ``data`` combined with a mask of four bytes (RFC 6455 section 5.3).

    :raises ValueError: the mask has another length.
    """
    size = len(data)
    if len(mask) != 4:
        raise ValueError(f"a mask has four bytes, not {len(mask)}")
    repeated = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")
    return number.to_bytes(size, "little")


def make_frame(
    opcode: int, payload: bytes, *, masked: bool, fin: bool = True, compressed: bool = False
) -> bytes:
    """Return a frame.

    :arg masked: mask it, as clients have to.
    :arg fin: it's the last of its message.
    :arg compressed: the payload is compressed (RFC 7692 section 6).
    """
    size = len(payload)
    first = opcode | (0x80 if fin else 0) | (COMPRESSED if compressed else 0)
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, size | bit))
    elif size < 65536:
        head = struct.pack("!BBH", first, 126 | bit, size)
    else:
        head = struct.pack("!BBQ", first, 127 | bit, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + apply_mask(mask, payload)


def make_close_payload(code: int | None, reason: str | None) -> bytes:
    """Return the payload of a close frame.

    :raises ValueError: the code may not be sent, or the reason is too long.
    """
    if code is None:
        return b""
    if not is_valid_close_code(code):
        raise ValueError(f"invalid close code {code!r}")
    payload = struct.pack("!H", code) + (reason or "").encode()
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError("close reason too long")
    return payload


def is_valid_close_code(code: int) -> bool:
    """Whether a code may stand in a close frame (RFC 6455 section 7.4)."""
    return code in _CLOSE_CODES or 3000 <= code <= 4999


class FrameReader:
    """Read frames.

    :arg sink: what is called with messages and control frames.
    :arg expects_mask: frames have to be masked (on a server) or must not be (on a client).
    :arg max_message_size: limit of a message in bytes, decompressed.
    :arg decompressor: for compressed messages, if that was agreed upon.
    """

    __slots__ = (
        "_compressed",
        "_decoder",
        "_decompressor",
        "_expects_mask",
        "_held",
        "_max_message_size",
        "_opcode",
        "_parts",
        "_paused",
        "_sink",
        "_size",
    )

    def __init__(
        self,
        sink: FrameSink,
        *,
        expects_mask: bool,
        max_message_size: int,
        decompressor: Decompressor | None = None,
    ) -> None:
        self._sink: FrameSink | None = sink
        self._decompressor = decompressor
        self._expects_mask = expects_mask
        self._max_message_size = max_message_size
        self._held: bytearray | None = None
        self._paused = False
        # Message in several frames.
        self._opcode: int | None = None
        self._parts: list[bytes] | list[str] | None = None
        self._size = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        self._compressed = False

    @property
    def held_size(self) -> int:
        """How many bytes came that were not used yet."""
        return 0 if self._held is None else len(self._held)

    def pause(self) -> None:
        """Make no further calls before `resume`."""
        self._paused = True

    def resume(self) -> None:
        """End a `pause`. The caller feeds afterwards."""
        self._paused = False

    def stop(self) -> None:
        """Use nothing any more."""
        self._sink = None
        self._held = None

    def feed(self, data: bytes) -> None:
        """Use some bytes.

        :raises ProtocolViolation: they break the protocol. Nothing can be read afterwards.
        """
        if self._held is not None:
            self._held += data
            if self._paused:
                return
            data = bytes(self._held) if self._may_advance(self._held) else b""
            if not data:
                return
            self._held = None
        position = 0
        while not self._paused and self._sink is not None:
            consumed = self._read_frame(data, position)
            if consumed == position:
                break
            position = consumed
        if position < len(data) and self._sink is not None:
            self._held = bytearray(data[position:])

    def _may_advance(self, held: bytearray) -> bool:
        """Whether a whole frame is there, judged without copying a large one with each piece."""
        if len(held) < 2:
            return False
        size = held[1] & 0x7F
        if size < 126:
            return True
        if size == 126:
            return len(held) >= 4 + int.from_bytes(held[2:4], "big")
        if len(held) < 10:
            return False
        size = int.from_bytes(held[2:10], "big")
        return size > self._max_message_size or len(held) >= 10 + size

    def _read_frame(self, data: bytes, position: int) -> int:
        """Read one frame; return where it ends, or ``position`` if it's not complete."""
        available = len(data) - position
        if available < 2:
            return position
        first, second = data[position], data[position + 1]
        opcode = first & 0x0F
        size = second & 0x7F
        self._check_head(first, second, opcode, size)
        start = position + 2
        if size == 126:
            if available < 4:
                return position
            size = int.from_bytes(data[start : start + 2], "big")
            start += 2
        elif size == 127:
            if available < 10:
                return position
            size = int.from_bytes(data[start : start + 8], "big")
            start += 8
        if size + self._size > self._max_message_size and opcode < 8:
            raise ProtocolViolation("message too large", 1009)
        end = start + size
        if self._expects_mask:
            end += 4
            if end > len(data):
                return position
            payload = apply_mask(data[start : start + 4], data[start + 4 : end])
        else:
            if end > len(data):
                return position
            payload = data[start:end]
        self._take_frame(opcode, first, payload)
        return end

    def _check_head(self, first: int, second: int, opcode: int, size: int) -> None:
        # RFC 7692 section 6.1: the bit stands in the first frame of a message.
        may_be = COMPRESSED if self._decompressor is not None and opcode in (1, 2) else 0
        if first & 0x70 & ~may_be:
            raise ProtocolViolation("reserved bits set without an extension")
        if opcode > 10 or 2 < opcode < 8:
            raise ProtocolViolation(f"unknown opcode {opcode}")
        if (second & 0x80 != 0) is not self._expects_mask:
            raise ProtocolViolation("frame is masked or unmasked against the rules")
        if opcode >= 8:
            if not first & 0x80:
                raise ProtocolViolation("fragmented control frame")
            if size > MAX_CONTROL_PAYLOAD:
                raise ProtocolViolation("control frame too large")
        elif opcode == 0:
            if self._opcode is None:
                raise ProtocolViolation("continuation of nothing")
        elif self._opcode is not None:
            raise ProtocolViolation("a message begins before the last one has ended")

    def _take_frame(self, opcode: int, first: int, payload: bytes) -> None:
        fin = first & 0x80 != 0
        sink = self._sink
        if sink is None:
            return
        if opcode >= 8:
            if opcode == 8:
                code, reason = _parse_close_payload(payload)
                sink.on_close_frame(code, reason)
            else:
                sink.on_control(Opcode(opcode), payload)
            return
        if opcode:
            self._compressed = first & COMPRESSED != 0
        if fin and opcode:
            if self._compressed:
                payload = self._decompress(payload)
            sink.on_data(_decode(payload) if opcode == 1 else payload)
            return
        self._take_fragment(opcode, fin, payload, sink)

    def _take_fragment(self, opcode: int, fin: bool, payload: bytes, sink: FrameSink) -> None:
        if opcode:
            self._opcode = opcode
            self._parts = []
            as_it_comes = opcode == 1 and not self._compressed
            self._decoder = _new_utf8_decoder() if as_it_comes else None
        # An empty fragment costs as much as some bytes, so that endless ones come to an end.
        self._size += max(len(payload), 1)
        if self._size > self._max_message_size:
            raise ProtocolViolation("message too large", 1009)
        parts: list[str] | list[bytes] | None = self._parts
        assert parts is not None
        if self._decoder is None:
            parts.append(payload)  # type: ignore[arg-type]  # a binary message has a list of bytes
        else:
            try:
                parts.append(self._decoder.decode(payload, fin))  # type: ignore[arg-type]  # a text message has a list of str
            except UnicodeDecodeError as error:
                raise ProtocolViolation("text is not UTF-8", 1007) from error
        if not fin:
            return
        is_text = self._opcode == 1
        self._opcode = self._parts = None
        self._size = 0
        if self._compressed:
            data = self._decompress(b"".join(parts))  # type: ignore[arg-type]  # as above
            sink.on_data(_decode(data) if is_text else data)
        elif self._decoder is None:
            sink.on_data(b"".join(parts))  # type: ignore[arg-type]  # as above
        else:
            self._decoder = None
            sink.on_data("".join(parts))  # type: ignore[arg-type]  # as above

    def _decompress(self, payload: bytes) -> bytes:
        if self._decompressor is None:
            raise ProtocolViolation("compressed message without an extension")
        return self._decompressor.decompress(payload, self._max_message_size)


def _decode(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolViolation("text is not UTF-8", 1007) from error


def _parse_close_payload(payload: bytes) -> tuple[int | None, str]:
    if not payload:
        return None, ""
    if len(payload) < 2:
        raise ProtocolViolation("close frame with half a code")
    code = int.from_bytes(payload[:2], "big")
    if not is_valid_close_code(code):
        raise ProtocolViolation(f"invalid close code {code}")
    return code, _decode(payload[2:])
