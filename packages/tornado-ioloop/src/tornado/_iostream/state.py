"""Where a stream is in its life, and why it ends."""

from __future__ import annotations

import enum
import sys
from types import TracebackType
from typing import TypeAlias

ExcInfo: TypeAlias = (
    bool
    | BaseException
    | tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
)


class State(enum.Enum):
    """Where a stream is in its life."""

    OPEN = (
        "bytes flow; a new stream is taken to be here, and the system says so if it isn't connected"
    )
    CONNECTING = "output is queued, input waits"
    CLOSING = "the peer has ended its side; closed once the output is written"
    CLOSED = "the descriptor is gone"


# Names of a module are found quicker than members of a class.
OPEN, CONNECTING, CLOSING, CLOSED = State.OPEN, State.CONNECTING, State.CLOSING, State.CLOSED


def exception_of(exc_info: ExcInfo) -> BaseException | None:
    """Return the exception that the argument of ``close`` stands for."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info else None
