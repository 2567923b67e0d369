"""`FrameReader`: bytes in, messages out, without I/O (RFC 6455 section 5).

One engine for both roles. How it works:

- The payload of a data frame is used as it comes, not when the frame is complete: text is checked
  to be UTF-8, and compressed data is inflated, piece by piece. Only heads and control frames wait
  until they are whole.
- The usual frame, a message that has come as a whole, has a way of its own.
- A call of `FrameReader.feed` does only so much. What is left then is held, and the next call goes
  on with it.
"""

from __future__ import annotations

import codecs
from typing import Any, Protocol

from tornado._websocket.deflate import Inflater
from tornado._websocket.errors import ProtocolViolation
from tornado._websocket.frames import (
    COMPRESSED,
    FINAL,
    MASKED,
    MAX_CONTROL_PAYLOAD,
    RESERVED,
    Opcode,
    is_valid_close_code,
)
from tornado._websocket.masks import IS_NATIVE, PADDING, REPEATED, apply_mask, unmask

FRAMES_AT_ONCE = 256  # of one call, so that many tiny frames leave time for others
INFLATED_AT_ONCE = 1 << 20  # bytes of one call, for the same reason
MAX_PIECES = 512  # of a message, before they are joined

# What a longer length is at least, and how many bytes it has, by what stands in its place.
_LONGER = {126: (126, 2), 127: (65536, 8)}

_TEXT = FINAL | Opcode.TEXT
_BINARY = FINAL | Opcode.BINARY


class FrameSink(Protocol):
    """What a `FrameReader` calls."""

    def on_data(self, message: str | bytes) -> None:
        """A message is complete."""

    def on_control(self, opcode: Opcode, payload: bytes) -> None:
        """A ping or pong has come."""

    def on_close_frame(self, code: int | None, reason: str | None) -> None:
        """The peer closes; the code is `None` if it gave none."""


class FrameReader:
    """Read frames.

    :arg sink: what is called with messages and control frames.
    :arg expects_mask: frames have to be masked (on a server) or must not be (on a client).
    :arg max_message_size: limit of a message in bytes, decompressed.
    :arg inflater: for compressed messages, if that was agreed upon.
    """

    __slots__ = (
        "_backlog",
        "_carry",
        "_empty",
        "_expects_mask",
        "_final",
        "_halted",
        "_held",
        "_idle",
        "_in_frame",
        "_inflated",
        "_inflater",
        "_is_deflated",
        "_left",
        "_mask",
        "_max_message_size",
        "_opcode",
        "_parts",
        "_quick_end",
        "_room",
        "_sink",
        "_size",
        "_span",
    )

    def __init__(
        self,
        sink: FrameSink,
        *,
        expects_mask: bool,
        max_message_size: int,
        inflater: Inflater | None = None,
    ) -> None:
        self._sink: FrameSink | None = sink
        self._inflater = inflater
        self._expects_mask = expects_mask
        self._max_message_size = max_message_size
        # What the second byte of a short frame lacks to the frame's length.
        self._span = 6 - MASKED if expects_mask else 2
        # How long a frame may be for the quick ways.
        self._quick_end = min(max_message_size, 125) + (6 if expects_mask else 2)
        self._held = b""
        self._halted = False
        # Nothing is held or under way, and nothing stands in the way.
        self._idle = True
        self._inflated = 0  # by this call
        # Frame.
        self._in_frame = False
        self._final = False
        self._left = 0
        self._mask = b""
        self._backlog = False
        # Message: the opcode is 0 while none is under way.
        self._opcode = 0
        self._is_deflated = False
        self._size = 0
        self._empty = 0
        self._room = 0
        self._carry = b""
        self._parts: list[str | bytes] | None = None

    @property
    def held_size(self) -> int:
        """How many bytes came that were not used yet."""
        return len(self._held)

    def pause(self) -> None:
        """Make no further calls before `resume`."""
        self._halted = True
        self._idle = False

    def resume(self) -> None:
        """End a `pause`. The caller feeds afterwards."""
        self._halted = self._sink is None

    def stop(self) -> None:
        """Use nothing any more."""
        self._halted = True
        self._idle = False
        self._sink = None
        self._held = b""
        self._parts = None
        self._inflater = None

    def feed(self, data: bytes) -> bool:
        """Use some bytes.

        :returns: whether there is something left to do, although nothing stands in its way; then
            feed again, with nothing if need be.
        :raises ProtocolViolation: they break the protocol. Nothing can be read afterwards.
        """
        end = len(data)
        # No masked frame is shorter than six bytes.
        if self._idle and 5 < end <= self._quick_end and data[1] + self._span == end:
            first = data[0]
            if _TEXT <= first <= _BINARY:
                # One short message, and nothing else.
                if not self._expects_mask:
                    payload = data[2:]
                elif IS_NATIVE:
                    payload = unmask(data, 2, end)
                else:
                    # The same as in `unmask_in_python`: this is where programs spend their time.
                    size = end - 6
                    number = int.from_bytes(data[2:])
                    mask = (number >> 8 * size) * REPEATED[size] >> PADDING[size]
                    payload = (number ^ mask).to_bytes(size)
                # There is one as long as it's idle.
                sink: Any = self._sink
                if first == _BINARY:
                    sink.on_data(payload)
                    return False
                try:
                    text = payload.decode()
                except UnicodeDecodeError as error:
                    raise ProtocolViolation("text is not UTF-8", 1007) from error
                sink.on_data(text)
                return False
        return self._feed(data)

    def _feed(self, data: bytes) -> bool:
        sink = self._sink
        if sink is None:
            return False
        if self._held:
            data = self._held + data
            self._held = b""
        end = len(data)
        position = 0
        frames = FRAMES_AT_ONCE
        limit = self._max_message_size
        self._inflated = 0
        if self._expects_mask:
            mask_size, bit = 4, MASKED
        else:
            mask_size = bit = 0
        while not self._halted and frames:
            frames -= 1
            if self._in_frame:
                if position == end and self._left and not self._backlog:
                    break
                position = self._take_payload(data, position, end)
                if self._inflated > INFLATED_AT_ONCE:
                    break
                continue
            if end - position < 2:
                break
            first = data[position]
            if _TEXT <= first <= _BINARY and not self._opcode:
                size = data[position + 1] - bit
                start = position + 2
                if size > 125:
                    # Lengths that could be shorter, and masks against the rules, are refused below.
                    least, digits = _LONGER.get(size, (0, 0))
                    size = int.from_bytes(data[start : start + digits])
                    start += digits
                    if size < least or not digits:
                        size = -1
                stop = start + mask_size + size
                if 0 <= size <= limit and stop <= end:
                    payload = unmask(data, start, stop) if bit else data[start:stop]
                    position = stop
                    sink.on_data(payload if first == _BINARY else _decode(payload))
                    continue
            used = self._read_head(data, position, end)
            if used == position:
                break
            position = used
        if self._sink is None:
            return False
        if position < end:
            self._held = data[position:] if position else data
            self._idle = False
        else:
            self._idle = not (self._opcode or self._in_frame or self._halted)
        spent = not frames or self._inflated > INFLATED_AT_ONCE
        return spent and (position < end or self._backlog)

    # -- heads

    def _read_head(self, data: bytes, position: int, end: int) -> int:
        """Read a frame's head, or a whole control frame; return where it ends, or ``position`` if
        it's not complete.
        """
        first, second = data[position], data[position + 1]
        opcode = first & 0x0F
        size = second & 0x7F
        self._check_head(first, second, opcode, size)
        start = position + 2
        if size > 125:
            digits = 2 if size == 126 else 8
            if end - start < digits:
                return position
            size = int.from_bytes(data[start : start + digits])
            _check_length(size, digits)
            start += digits
        if opcode < 8:
            self._check_room(size, first)
        if self._expects_mask:
            if end - start < 4:
                return position
            start += 4
        if opcode >= 8:
            if end - start < size:
                return position
            payload = data[start : start + size]
            if self._expects_mask:
                payload = apply_mask(data[start - 4 : start], payload)
            self._take_control(opcode, payload)
            return start + size
        if opcode:
            self._opcode = opcode
            self._is_deflated = first & COMPRESSED != 0
            self._room = self._max_message_size
        self._size += size
        self._empty += not size
        self._in_frame = True
        self._final = first & FINAL != 0
        self._left = size
        self._mask = data[start - 4 : start] if self._expects_mask else b""
        return start

    def _check_head(self, first: int, second: int, opcode: int, size: int) -> None:
        # RFC 7692 section 6.1: the bit stands in the first frame of a message.
        may_be = COMPRESSED if self._inflater is not None and opcode in (1, 2) else 0
        if first & RESERVED & ~may_be:
            raise ProtocolViolation("reserved bits set without an extension")
        if opcode > 10 or 2 < opcode < 8:
            raise ProtocolViolation(f"unknown opcode {opcode}")
        if (second & MASKED != 0) is not self._expects_mask:
            raise ProtocolViolation("frame is masked or unmasked against the rules")
        if opcode >= 8:
            if not first & FINAL:
                raise ProtocolViolation("fragmented control frame")
            if size > MAX_CONTROL_PAYLOAD:
                raise ProtocolViolation("control frame too large")
        elif opcode == 0:
            if not self._opcode:
                raise ProtocolViolation("continuation of nothing")
        elif self._opcode:
            raise ProtocolViolation("a message begins before the last one has ended")

    def _check_room(self, size: int, first: int) -> None:
        """Refuse what is too large as soon as its length is known."""
        limit = self._max_message_size
        if self._is_deflated if not first & 0x0F else first & COMPRESSED:
            # What can't be compressed becomes a little longer.
            limit += (limit >> 5) + 64
        # Empty frames count too, so that endless ones come to an end.
        if self._size + size > limit or self._empty + (not size) > limit:
            raise ProtocolViolation("message too large", 1009)

    def _take_control(self, opcode: int, payload: bytes) -> None:
        sink = self._sink
        if sink is None:
            return
        if opcode == Opcode.CLOSE:
            code, reason = _parse_close_payload(payload)
            sink.on_close_frame(code, reason)
        else:
            sink.on_control(Opcode(opcode), payload)

    # -- payloads

    def _take_payload(self, data: bytes, position: int, end: int) -> int:
        """Use what has come of the current frame's payload; return where that ends."""
        inflater = self._inflater
        if self._backlog and inflater is not None:
            self._inflate(inflater, b"", False)
            return position
        stop = min(position + self._left, end)
        size = stop - position
        piece = self._unmask_piece(data, position, stop) if self._mask else data[position:stop]
        self._left -= size
        ends = self._final and not self._left
        if self._is_deflated and inflater is not None:
            self._inflate(inflater, piece, ends)
        else:
            if not self._left:
                self._in_frame = False
            self._take_piece(piece, ends)
        return stop

    def _unmask_piece(self, data: bytes, position: int, stop: int) -> bytes:
        mask = self._mask
        if position >= 4 and data[position - 4 : position] == mask:
            piece = unmask(data, position - 4, stop)
        else:
            piece = apply_mask(mask, data[position:stop])
        # RFC 6455 section 5.3: what comes next begins within the mask.
        turn = (stop - position) % 4
        if turn:
            self._mask = mask[turn:] + mask[:turn]
        return piece

    def _inflate(self, inflater: Inflater, piece: bytes, ends: bool) -> None:
        """Inflate one step; the frame isn't done with before nothing is left of it."""
        # RFC 7692 section 7.2.3.6 has another payload for empty messages, but an empty one can't be
        # mistaken for anything else.
        data = inflater.inflate(piece, self._room, ends) if self._size else b""
        self._room -= len(data)
        self._inflated += len(data)
        self._backlog = inflater.has_more
        if self._backlog:
            self._take_piece(data, False)
            return
        if not self._left:
            self._in_frame = False
            ends = self._final
        if ends:
            inflater.end_message()
        self._take_piece(data, ends)

    def _take_piece(self, piece: bytes, ends: bool) -> None:
        """Add to the message, and deliver it when it is complete."""
        parts = self._parts
        collected: str | bytes = piece
        if self._opcode == Opcode.TEXT:
            collected = (
                _decode(piece) if ends and not self._carry else self._decode_some(piece, ends)
            )
        if not ends:
            self._keep(collected)
            return
        if parts is not None:
            parts.append(collected)
            collected = "".join(parts) if self._opcode == 1 else b"".join(parts)  # type: ignore[arg-type]  # all are of one kind
            self._parts = None
        self._opcode = self._size = self._empty = 0
        if self._sink is not None:
            self._sink.on_data(collected)

    def _decode_some(self, piece: bytes, ends: bool) -> str:
        """Decode what is whole; keep the beginning of a character."""
        piece = self._carry + piece
        try:
            text, used = codecs.utf_8_decode(piece, "strict", ends)
        except UnicodeDecodeError as error:
            raise ProtocolViolation("text is not UTF-8", 1007) from error
        self._carry = piece[used:]
        return text

    def _keep(self, piece: str | bytes) -> None:
        """Keep a part of a message; many small ones become one."""
        if not piece:
            return
        if self._parts is None:
            self._parts = [piece]
            return
        self._parts.append(piece)
        if len(self._parts) > MAX_PIECES:
            self._parts = _joined(self._parts)


def _joined(parts: list[str | bytes]) -> list[str | bytes]:
    """Join what came last, as far as it's shorter than what stands before it.

    So a message of n bytes is copied no more often than the logarithm of n.
    """
    tail: list[str | bytes] = []
    size = 0
    while parts and (len(parts[-1]) <= size or len(tail) < MAX_PIECES // 2):
        tail.append(parts.pop())
        size += len(tail[-1])
    tail.reverse()
    joined = "".join(tail) if isinstance(tail[0], str) else b"".join(tail)  # type: ignore[arg-type]  # all are of one kind
    parts.append(joined)
    return parts


def _check_length(size: int, digits: int) -> None:
    """RFC 6455 section 5.2: the top bit is 0, and the shortest form is the only one."""
    if size >> 63:
        raise ProtocolViolation("length with its top bit set")
    if size < (126 if digits == 2 else 65536):
        raise ProtocolViolation("length in a longer form than it needs")


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
    code = int.from_bytes(payload[:2])
    if not is_valid_close_code(code):
        raise ProtocolViolation(f"invalid close code {code}")
    return code, _decode(payload[2:])
