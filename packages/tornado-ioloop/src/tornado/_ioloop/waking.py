"""Waking a loop that waits when a signal has come."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

from tornado._ioloop.belonging import in_main_thread, is_running_here
from tornado.platform.auto import Waker

NOBODY = -1


@contextlib.contextmanager
def woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have every signal that Python handles end the wait of a loop that is about to run.

    Handlers run in the middle of the wait, which goes on afterwards: what they pass to the loop, or
    that they have stopped it, would be noticed when something else happens.

    :arg loop: where descriptors are watched. It's left alone outside of the main thread, where no
        handlers run, and if somebody has asked to be told of signals already.
    """
    if not in_main_thread() or is_running_here() or _somebody_is_told():
        yield
        return
    waker = Waker()
    try:
        signal.set_wakeup_fd(waker.write_fileno(), warn_on_full_buffer=False)
        loop.add_reader(waker.fileno(), waker.consume)
        yield
    finally:
        theirs = signal.set_wakeup_fd(NOBODY)
        if theirs not in (waker.write_fileno(), NOBODY):
            # A handler of the loop's own was added meanwhile.
            signal.set_wakeup_fd(theirs)
        if not loop.is_closed():
            loop.remove_reader(waker.fileno())
        waker.close()


def _somebody_is_told() -> bool:
    try:
        known = signal.set_wakeup_fd(NOBODY)
    except ValueError:
        # An interpreter beside the main one: it handles no signals.
        return True
    if known != NOBODY:
        signal.set_wakeup_fd(known)
    return known != NOBODY
