"""What a websocket's connection is configured with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

DEFAULT_MAX_MESSAGE_SIZE = 10 * 1024 * 1024  # bytes
DEFAULT_MAX_WRITE_BUFFER_SIZE = 16 * 1024 * 1024  # bytes

SlowReaderPolicy = Literal["wait", "drop", "close"]
POLICIES: tuple[SlowReaderPolicy, ...] = ("wait", "drop", "close")


@dataclass(slots=True)
class ConnectionParams:
    """Settings of one connection.

    :arg ping_interval: seconds between pings; `None` or 0 for no pings.
    :arg ping_timeout: seconds to wait for a pong; the interval at most, and by default.
    :arg max_message_size: limit of a message that comes, in bytes, decompressed.
    :arg compression_options: see `WebSocketHandler.get_compression_options`.
    :arg max_write_buffer_size: bytes that are kept for a peer that doesn't read; `None` for no
        limit.
    :arg slow_reader: what happens to a message beyond that limit.
    """

    ping_interval: float | None = None
    ping_timeout: float | None = None
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE
    compression_options: dict[str, Any] | None = None
    max_write_buffer_size: int | None = DEFAULT_MAX_WRITE_BUFFER_SIZE
    slow_reader: SlowReaderPolicy = "close"

    def __post_init__(self) -> None:
        if self.slow_reader not in POLICIES:
            raise ValueError(
                f"what to do about slow readers is one of {', '.join(POLICIES)},"
                f" not {self.slow_reader!r}"
            )
