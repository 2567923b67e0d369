"""What tests leave behind: sockets and loops that nobody closed, coroutines that nobody awaited.

Python tells of them by warnings when they're freed. A `LeakWatch` collects those while a test runs,
and makes sure that what only a cycle of references keeps alive, or the list that Tornado has of its
loops, is freed before it looks. Objects
from before the test are set aside meanwhile (`gc.freeze`), so that looking is quick, and nobody is
blamed for the test before.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import re
import socket
import tracemalloc
import warnings
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from tornado.ioloop import IOLoop
from tornado.iostream import BaseIOStream

_UNCLOSED = r"unclosed (<socket|<ssl|<StreamWriter|event loop|transport)|loop is closed"
_NEVER_AWAITED = r"coroutine .* was never awaited"

# Python 3.12 begins with a few hundred frozen objects. Freezing takes all there are, which are
# several thousand in the barest program: with fewer, nobody has asked for it.
_FROZEN_BY_PYTHON = 1000


class LeakWatch:
    """Watch for leaks from `start` to `stop`."""

    def __init__(self) -> None:
        self._catcher: warnings.catch_warnings[list[warnings.WarningMessage]] | None = None
        self._caught: list[warnings.WarningMessage] = []
        self._frozen = False
        self._known_loops: set[asyncio.AbstractEventLoop] = set()

    def start(self) -> None:
        """Begin to watch."""
        self._known_loops = set(IOLoop._ioloop_for_asyncio)
        if gc.get_freeze_count() < _FROZEN_BY_PYTHON:
            gc.freeze()
            self._frozen = True
        self._catcher = warnings.catch_warnings(record=True)
        self._caught = self._catcher.__enter__()
        warnings.filterwarnings("always", _UNCLOSED, ResourceWarning)
        warnings.filterwarnings("always", _NEVER_AWAITED, RuntimeWarning)

    def stop(self) -> list[str]:
        """End watching; other warnings that were held up meanwhile are shown now.

        :returns: a line for each leak; nothing if it isn't the first call.
        """
        if self._catcher is None:
            return []
        forgotten = _forget_loops(self._known_loops)
        self._known_loops.clear()
        gc.collect()
        _remember_loops(forgotten)
        self._catcher.__exit__(None, None, None)
        self._catcher = None
        if self._frozen:
            gc.unfreeze()
        caught, self._caught = self._caught, []
        leaks = []
        for warning in caught:
            if _is_leak(warning):
                leaks.append(_describe(warning))
            else:
                warnings.showwarning(
                    warning.message, warning.category, warning.filename, warning.lineno
                )
        return leaks


def report(leaks: Iterable[str]) -> str:
    """Return what to say of leaks.

    :arg leaks: a line for each.
    """
    lines = ["the test leaves behind:", *leaks]
    if not tracemalloc.is_tracing():
        lines.append("(python -X tracemalloc=20 shows where it was made)")
    return "\n  ".join(lines)


def held_open(values: Iterable[Any]) -> Iterator[str]:
    """Look for what is still open among values that the test has set as attributes.

    :arg values: the values.
    :returns: a line for each that is open and was made since the watch began.
    """
    found = [value for value in values if _is_open(value)]
    if not found:
        return
    # Frozen objects, those from before the test, aren't among them.
    recent = {id(value) for value in gc.get_objects()}
    for value in found:
        if id(value) in recent:
            yield f"unclosed {value!r}, an attribute of the test"


def _forget_loops(known: set[asyncio.AbstractEventLoop]) -> list[weakref.ref[IOLoop]]:
    """Take new loops out of the list of all, which would keep them alive.

    :arg known: those that stay on it.
    """
    faces = IOLoop._ioloop_for_asyncio
    # One that runs is another thread's.
    new = [
        loop
        for loop in list(faces)
        if loop not in known and not loop.is_closed() and not loop.is_running()
    ]
    return [weakref.ref(faces.pop(loop)) for loop in new]


def _remember_loops(forgotten: list[weakref.ref[IOLoop]]) -> None:
    """Put those back that somebody still has."""
    for reference in forgotten:
        io_loop = reference()
        if io_loop is not None:
            IOLoop._ioloop_for_asyncio[io_loop.asyncio_loop] = io_loop


def _is_open(value: Any) -> bool:
    if isinstance(value, socket.socket):
        return value.fileno() != -1
    if isinstance(value, IOLoop):
        return not value.asyncio_loop.is_closed()
    if isinstance(value, asyncio.AbstractEventLoop):
        return not value.is_closed()
    if isinstance(value, BaseIOStream):
        return not value.closed()
    return inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED


def _is_leak(warning: warnings.WarningMessage) -> bool:
    text = str(warning.message)
    if issubclass(warning.category, ResourceWarning):
        return re.match(_UNCLOSED, text) is not None
    return (
        issubclass(warning.category, RuntimeWarning) and re.match(_NEVER_AWAITED, text) is not None
    )


def _describe(warning: warnings.WarningMessage) -> str:
    text = str(warning.message).splitlines()[0]
    trace = tracemalloc.get_object_traceback(warning.source) if warning.source is not None else None
    return "\n  ".join([text, *(trace.format() if trace is not None else ())])
