"""Which asyncio loop belongs to a thread."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any


def in_main_thread() -> bool:
    """Whether the main thread calls."""
    return threading.current_thread() is threading.main_thread()


def is_running_here() -> bool:
    """Whether a loop runs in this thread."""
    return asyncio._get_running_loop() is not None


def loop_that_is_set() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, or else the one that `asyncio.set_event_loop` has
    given to it.

    A loop that is closed counts for nothing. None is made.
    """
    try:
        loop = asyncio.get_running_loop() if is_running_here() else _set_loop()
    except RuntimeError:
        return None
    return None if loop is None or loop.is_closed() else loop


def _set_loop() -> asyncio.AbstractEventLoop | None:
    if sys.version_info >= (3, 14):
        return asyncio.get_event_loop()
    policy: Any = asyncio.get_event_loop_policy()
    own: Any = getattr(policy, "_local", None)
    if isinstance(policy, asyncio.events.BaseDefaultEventLoopPolicy) and hasattr(own, "_loop"):
        # `get_event_loop` makes a loop for the main thread, and the public interface has no
        # question that doesn't.
        known: asyncio.AbstractEventLoop | None = own._loop
        return known
    return asyncio.get_event_loop()
