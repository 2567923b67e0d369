"""`SharedMessage`: a message on its way to many connections."""

from __future__ import annotations

from typing import Any

from tornado._websocket.deflate import Compressor
from tornado._websocket.frames import Opcode, make_frame
from tornado.escape import json_encode


class SharedMessage:
    """A message whose frames are made once.

    :arg message: text, bytes, or a dictionary, which is sent as JSON.
    :arg binary: it's sent as a binary message.
    """

    __slots__ = ("_compressed", "_opcode", "binary", "payload", "plain")

    def __init__(self, message: str | bytes | dict[str, Any], binary: bool) -> None:
        self.payload = payload_of(message)
        self.binary = binary
        self._opcode = Opcode.BINARY if binary else Opcode.TEXT
        #: The frame of an unmasked message that isn't compressed.
        self.plain = make_frame(self._opcode, self.payload, masked=False)
        self._compressed: dict[tuple[int, ...], bytes] = {}

    def compressed(self, compressor: Compressor) -> bytes:
        """Return the frame for connections that compress as one does."""
        frame = self._compressed.get(compressor.key)
        if frame is None:
            payload = compressor.fresh().compress(self.payload)
            frame = make_frame(self._opcode, payload, masked=False, compressed=True)
            self._compressed[compressor.key] = frame
        return frame


def payload_of(message: object) -> bytes:
    """Return what is sent for a message.

    :raises TypeError: it's nothing that can be sent.
    """
    if isinstance(message, str):
        return message.encode()
    if isinstance(message, bytes):
        return message
    if isinstance(message, dict):
        return json_encode(message).encode()
    if isinstance(message, (bytearray, memoryview)):
        return bytes(message)
    raise TypeError(f"a message is str, bytes or a dictionary, not {type(message).__name__}")
