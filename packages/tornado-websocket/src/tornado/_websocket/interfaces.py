"""What a protocol has to do with: endpoints, readers, and how far closing is."""

from __future__ import annotations

import enum
from collections.abc import Awaitable
from types import TracebackType
from typing import Protocol


class Endpoint(Protocol):
    """What a protocol calls."""

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """A message has come; the next one waits for an awaitable that is returned."""

    def on_ping(self, data: bytes) -> Awaitable[None] | None:
        """A ping has come; it's answered already. Nothing waits for an awaitable."""

    def on_pong(self, data: bytes) -> Awaitable[None] | None:
        """A pong has come; likewise."""

    def on_ws_connection_close(
        self, close_code: int | None = None, close_reason: str | None = None
    ) -> None:
        """The connection is closed."""

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """One of these methods has failed, and the connection is closed for it."""


class Reader(Protocol):
    """Bytes in, calls out; see `tornado._websocket.reader.FrameReader`."""

    def feed(self, data: bytes) -> bool:
        """Use some bytes; return whether something is left to do, although nothing stands in its
        way."""

    def pause(self) -> None:
        """Make no further calls before `resume`."""

    def resume(self) -> None:
        """End a `pause`; the caller feeds afterwards."""

    def stop(self) -> None:
        """Use nothing any more."""


class Phase(enum.IntEnum):
    """How far the closing handshake is (RFC 6455 section 7)."""

    OPEN = 0
    CLOSE_SENT = 1
    CLOSE_RECEIVED = 2
    CLOSED = 3
