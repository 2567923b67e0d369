"""A peer of websockets that does exactly what a case says, good or bad."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from websocket_cases import CLOSE, CONTINUATION, Cut, Frame

KEY = base64.b64encode(b"0123456789abcdef")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = b"\x9a\x01\xfe\x55"
TAIL = b"\x00\x00\xff\xff"
COMPRESSED = 4  # the first of the reserved bits
PATIENCE = 20  # seconds until something that has to come is missed


def accept_of(key: bytes) -> bytes:
    """Return the answer to a key (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def masked(payload: bytes) -> bytes:
    """Return a payload under the mask."""
    pattern = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")
    return number.to_bytes(len(payload), "big")


class Deflate:
    """What was agreed upon for compression, from the peer's side.

    :arg agreed: the extension as the server's answer names it.
    :arg is_client: the peer is the client.
    """

    def __init__(self, agreed: str, is_client: bool) -> None:
        parameters = dict((part.strip().split("=") + [""])[:2] for part in agreed.split(";")[1:])
        mine, theirs = ("client", "server") if is_client else ("server", "client")
        self._bits = int(parameters.get(f"{mine}_max_window_bits") or 15)
        self._their_bits = int(parameters.get(f"{theirs}_max_window_bits") or 15)
        self._forgets = f"{mine}_no_context_takeover" in parameters
        self._they_forget = f"{theirs}_no_context_takeover" in parameters
        self._compressor = self._decompressor = None

    def compress(self, payload: bytes) -> bytes:
        """Return a message as it's sent."""
        if self._compressor is None or self._forgets:
            self._compressor = zlib.compressobj(wbits=-self._bits)
        data = self._compressor.compress(payload) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(TAIL)

    def decompress(self, payload: bytes) -> bytes:
        """Return a message that was received."""
        if self._decompressor is None or self._they_forget:
            # A window that is larger than agreed upon would be an error here.
            self._decompressor = zlib.decompressobj(wbits=-self._their_bits)
        return self._decompressor.decompress(payload + TAIL)


class Peer:
    """One side of a connection, frame by frame.

    :arg is_client: it masks what it sends, and what comes mustn't be masked; or the opposite.
    :arg deflate: compresses messages, if that was agreed upon.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_client: bool,
        deflate: Deflate | None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._is_client = is_client
        self._deflate = deflate

    async def send(self, steps: Iterable[Frame | Cut], chop: int | None) -> None:
        """Send frames; an end of the connection is no error."""
        stream = b"".join(self._bytes_of(steps))
        size = chop or len(stream)
        try:
            for start in range(0, len(stream), size):
                self._writer.write(stream[start : start + size])
                await self._writer.drain()
                if chop:
                    # The other side is in this loop: it reads before more is written.
                    await asyncio.sleep(0)
        except ConnectionError:
            return

    def _bytes_of(self, steps: Iterable[Frame | Cut]) -> Iterable[bytes]:
        message: list[Frame] = []
        for step in steps:
            if isinstance(step, Cut):
                whole = self._frame(step.frame)
                yield whole[: len(whole) - len(step.frame.payload) + step.size]
            elif self._deflate is None or step.opcode >= CLOSE:
                yield self._frame(step)
            else:
                message.append(step)
                if step.fin:
                    yield from self._compressed(message)
                    message = []

    def _compressed(self, message: list[Frame]) -> Iterable[bytes]:
        """Compress a message as a whole; cut what comes out like what goes in."""
        assert self._deflate is not None
        rest = self._deflate.compress(b"".join(frame.payload for frame in message))
        for index, frame in enumerate(message):
            size = len(rest) if frame.fin else min(len(rest), len(frame.payload))
            piece, rest = rest[:size], rest[size:]
            rsv = frame.rsv if index else COMPRESSED
            yield self._frame(Frame(frame.opcode, piece, frame.fin, rsv))

    def _frame(self, frame: Frame) -> bytes:
        size = len(frame.payload)
        head = bytes((frame.fin << 7 | frame.rsv << 4 | frame.opcode,))
        flag = 0x80 if self._is_client else 0
        if size < 126:
            head += bytes((flag | size,))
        elif size < 1 << 16:
            head += bytes((flag | 126,)) + size.to_bytes(2, "big")
        else:
            head += bytes((flag | 127,)) + size.to_bytes(8, "big")
        if self._is_client:
            return head + MASK + masked(frame.payload)
        return head + frame.payload

    async def receive(self) -> Frame | None:
        """Return the next message, whatever its fragments, or control frame; `None` at the end."""
        parts: list[Frame] = []
        while True:
            frame = await self._receive_frame()
            if frame is None or frame.opcode >= CLOSE:
                return frame
            assert (frame.opcode == CONTINUATION) == bool(parts)
            parts.append(frame)
            if frame.fin:
                break
        payload = b"".join(part.payload for part in parts)
        if parts[0].rsv:
            assert self._deflate is not None
            payload = self._deflate.decompress(payload)
        return Frame(parts[0].opcode, payload)

    async def _receive_frame(self) -> Frame | None:
        async with asyncio.timeout(PATIENCE):
            try:
                first, second = await self._reader.readexactly(2)
                size = second & 0x7F
                if size >= 126:
                    size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
                is_masked = bool(second & 0x80)
                assert is_masked is not self._is_client
                mask = await self._reader.readexactly(4) if is_masked else b""
                payload = await self._reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
        if mask:
            pattern = (mask * (size // 4 + 1))[:size]
            number = int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")
            payload = number.to_bytes(size, "big")
        return Frame(first & 15, payload, bool(first & 0x80), first >> 4 & 7)

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return


def fields_of(head: bytes) -> dict[str, str]:
    """Return the header fields of a request or response."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.lower(): value.strip() for name, _, value in pairs}


@asynccontextmanager
async def as_client(port: int, offer: str | None) -> AsyncIterator[Peer]:
    """Open a websocket to a server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
    lines = [b"GET / HTTP/1.1", b"Host: 127.0.0.1", b"Upgrade: websocket", b"Connection: Upgrade"]
    lines += [b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + KEY]
    if offer:
        lines.append(b"Sec-WebSocket-Extensions: " + offer.encode())
    writer.write(b"\r\n".join([*lines, b"", b""]))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    fields = fields_of(head)
    assert fields["sec-websocket-accept"] == accept_of(KEY).decode()
    agreed = fields.get("sec-websocket-extensions")
    assert bool(agreed) == bool(offer)
    peer = Peer(reader, writer, True, Deflate(agreed, True) if agreed else None)
    try:
        yield peer
    finally:
        await peer.close()


async def accept(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: str | None
) -> Peer:
    """Take a client's opening handshake.

    :arg answer: the extension as it's agreed upon.
    """
    fields = fields_of(await reader.readuntil(b"\r\n\r\n"))
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    lines.append(b"Sec-WebSocket-Accept: " + accept_of(fields["sec-websocket-key"].encode()))
    if answer:
        assert "permessage-deflate" in fields["sec-websocket-extensions"]
        lines.append(b"Sec-WebSocket-Extensions: " + answer.encode())
    writer.write(b"\r\n".join([*lines, b"", b""]))
    return Peer(reader, writer, False, Deflate(answer, False) if answer else None)
