"""What tells that a loop is blocked: an alarm that the loop itself keeps putting off."""

from __future__ import annotations

import asyncio
import os
import signal
import types
from collections.abc import Callable
from typing import Any

Action = Callable[[int, types.FrameType | None], Any]

# The alarm is put off so many times within the time that the loop may be blocked.
BEATS = 4


class Watchdog:
    """Calls a signal handler when callbacks keep a loop busy for too long.

    While it is on, the loop wakes up to put off the process's ``ITIMER_REAL``; a loop that is
    blocked can't. Python calls signal handlers in the main thread, so the loop has to run there.

    :arg loop: the loop to watch.
    :arg seconds: how long it may be blocked. The alarm comes after that time, and at most a quarter
        of it later.
    :arg action: the handler; `None` ends the process by the signal.
    :raises ValueError: ``seconds`` isn't positive, or this isn't the main thread.
    :raises RuntimeError: the system has no interval timers.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, action: Action | None
    ) -> None:
        if not hasattr(signal, "setitimer"):
            raise RuntimeError("this system can't send a signal after a time")
        if seconds <= 0:
            raise ValueError(f"a time to be blocked must be positive, not {seconds!r}")
        self._loop = loop
        self._period = seconds / BEATS
        self._limit = seconds + self._period
        self._action = action
        self._next: asyncio.TimerHandle | None = None
        self._earlier = signal.signal(signal.SIGALRM, self._bark)

    def prepare(self) -> None:
        """Watch when the loop runs, whoever it is that runs it."""
        self._next = self._loop.call_later(0, self._beat)

    def begin(self) -> None:
        """Watch at once: the loop runs, or is about to."""
        if self._next is not None:
            self._next.cancel()
        self._beat()

    def pause(self) -> None:
        """Don't watch while the loop doesn't run."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        signal.setitimer(signal.ITIMER_REAL, 0)

    def end(self) -> None:
        """Watch no more, and restore the handler of before."""
        self.pause()
        if signal.getsignal(signal.SIGALRM) == self._bark:
            # `None` stands for a handler that Python doesn't know.
            signal.signal(
                signal.SIGALRM, signal.SIG_DFL if self._earlier is None else self._earlier
            )

    def _beat(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._limit)
        self._next = self._loop.call_later(self._period, self._beat)

    def _bark(self, number: int, frame: types.FrameType | None) -> None:
        if not self._loop.is_running():
            # It has ended without our being told, as loops do that others run.
            return
        if self._action is not None:
            self._action(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
