"""`Readiness`: what tells streams and listening sockets that they can be read or written.

asyncio makes a handle of each event and runs it in an iteration of its own. For a busy server that
takes longer than reading the bytes. So, where the system has epoll, the sockets of a loop share an
epoll object of their own; the loop watches that as a single descriptor, and its one callback goes
through the events. As with asyncio, each callback runs in the context in which it was registered.

What callbacks leave to be sent can leave together, after the events of several descriptors. To send
often means to wake up a peer that has just gone to sleep, which costs more than the sending; the
peers of a busy server are awake as long as more comes.

Some programs make their loops so that these can be run inside of callbacks. Others are served then;
a callback whose context has been entered is put off, as the loop runs inside of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import operator
import select
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from tornado._ioloop.loop import IOLoop

#: Called when there's something to do; may return how many bytes it has taken in that wait to be
#: used.
Callback: TypeAlias = Callable[[], int | None]
#: Calls something in a context.
Runner: TypeAlias = Callable[..., int | None]
#: Sends what a callback has left to be sent.
Flush: TypeAlias = Callable[[], object]

# Events, and bytes taken in, after which the rest of the program has its turn. What was read waits
# in memory for the coroutines that asked for it; little of it fits the processor's cache.
MOST_EVENTS = 64
MOST_TAKEN = 131072

# Seconds after which nothing that is to be sent waits for other events any more.
LONGEST_WAIT = 0.0005

# Seconds until a descriptor is looked at again whose callback was put off.
PUT_OFF = 0.02

_HAS_EPOLL = hasattr(select, "epoll")
_IN, _OUT = (select.EPOLLIN, select.EPOLLOUT) if _HAS_EPOLL else (1, 4)


class Watcher(Protocol):
    """What watches descriptors."""

    #: How to call in the context of the callback that runs now, where others are to be called in
    #: the same go; `None` otherwise.
    present: Runner | None
    #: What these others don't have to wait for, but may: how to call, and what. It's called soon.
    late: list[tuple[Runner, Flush]]

    def add_reader(self, fd: Any, callback: Callback, context: Context | None = None) -> None:
        """Call ``callback`` whenever ``fd`` can be read.

        :arg fd: a descriptor, or an object with ``fileno``.
        :arg context: what it's called in; a copy of the present one by default.
        :raises OSError: the system can't watch it.
        """

    def remove_reader(self, fd: Any) -> None:
        """Undo that."""

    def add_writer(self, fd: Any, callback: Callback, context: Context | None = None) -> None:
        """Call ``callback`` whenever ``fd`` can be written; arguments and errors as of
        `add_reader`."""

    def remove_writer(self, fd: Any) -> None:
        """Undo that."""


def readiness_of(io_loop: IOLoop) -> Watcher:
    """Return what watches descriptors for the streams of a loop."""
    loop = io_loop.selector_loop
    if loop.is_closed():
        return LoopWatcher(loop)
    found = io_loop._readiness
    if found is None:
        nests = _HAS_EPOLL and isinstance(loop, asyncio.SelectorEventLoop)
        io_loop._readiness = found = Readiness(loop) if nests else LoopWatcher(loop)
    return found


class LoopWatcher:
    """The `Watcher` that leaves it to the loop, for systems without epoll and other loops than
    asyncio's own.

    :arg loop: the loop.
    """

    __slots__ = ("_loop", "late", "present")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.present: Runner | None = None
        self.late: list[tuple[Runner, Flush]] = []

    def add_reader(self, fd: Any, callback: Callback, context: Context | None = None) -> None:
        """See `Watcher.add_reader`."""
        self._loop.add_reader(fd, _run_in(context), callback)

    def remove_reader(self, fd: Any) -> None:
        """See `Watcher.remove_reader`."""
        self._loop.remove_reader(fd)

    def add_writer(self, fd: Any, callback: Callback, context: Context | None = None) -> None:
        """See `Watcher.add_writer`."""
        self._loop.add_writer(fd, _run_in(context), callback)

    def remove_writer(self, fd: Any) -> None:
        """See `Watcher.remove_writer`."""
        self._loop.remove_writer(fd)


_Entry: TypeAlias = tuple[Runner, Callback, float]
_NOBODY: _Entry = (lambda callback: callback(), lambda: None, math.inf)


class Readiness:
    """The `Watcher` on epoll.

    :arg loop: watches the epoll object, which is closed when the loop is.
    """

    __slots__ = (
        "_epoll",
        "_left",
        "_loop",
        "_readers",
        "_round",
        "_writers",
        "late",
        "present",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        # What stands for a descriptor: how to call in a context, what, and since which round.
        self._readers: dict[int, _Entry] = {}
        self._writers: dict[int, _Entry] = {}
        self._round = 0
        # What the latest round has left for the next turn.
        self._left: Iterator[tuple[int, int]] | None = None
        self.present: Runner | None = None
        self.late: list[tuple[Runner, Flush]] = []
        _add_reader_without_context(loop, self._epoll.fileno(), self._dispatch)
        close_loop = loop.close

        def close() -> None:
            close_loop()
            self._epoll.close()
            vars(loop).pop("close", None)

        loop.close = close  # type: ignore[method-assign]  # `asyncio.run` knows nothing of this one

    def add_reader(self, fd: Any, callback: Callback, context: Context | None = None) -> None:
        """See `Watcher.add_reader`."""
        number = _number(fd)
        self._watch(number, _IN | _OUT if number in self._writers else _IN)
        self._readers[number] = _run_in(context), callback, self._round

    def add_writer(self, fd: Any, callback: Callback, context: Context | None = None) -> None:
        """See `Watcher.add_writer`."""
        number = _number(fd)
        self._watch(number, _IN | _OUT if number in self._readers else _OUT)
        self._writers[number] = _run_in(context), callback, self._round

    def remove_reader(self, fd: Any) -> None:
        """See `Watcher.remove_reader`."""
        number = _number(fd)
        if self._readers.pop(number, None) is not None:
            self._watch_less(number, _OUT if number in self._writers else 0)

    def remove_writer(self, fd: Any) -> None:
        """See `Watcher.remove_writer`."""
        number = _number(fd)
        if self._writers.pop(number, None) is not None:
            self._watch_less(number, _IN if number in self._readers else 0)

    def _watch(self, number: int, events: int) -> None:
        """Watch a descriptor for ``events``, whatever it was watched for."""
        try:
            if number in self._readers or number in self._writers:
                self._epoll.modify(number, events)
            else:
                self._epoll.register(number, events)
        except FileNotFoundError:
            # The system forgets descriptors that are closed; this is another with the same number.
            self._epoll.register(number, events)
        except FileExistsError:
            self._epoll.modify(number, events)

    def _watch_less(self, number: int, events: int) -> None:
        """Watch a descriptor only for ``events`` from now on, if it's still open."""
        with contextlib.suppress(OSError):
            if events:
                self._epoll.modify(number, events)
            else:
                self._epoll.unregister(number)

    def _dispatch(self) -> None:
        """Call who waits for what has happened, and send what they leave to be sent."""
        happened = self._left
        gathers = True
        if happened is None:
            self._round += 1
            found = self._epoll.poll(0, MOST_EVENTS)
            gathers = len(found) > 1
            happened = iter(found)
        self._left = None
        outer, self.present = self.present, None
        try:
            self._call(happened, gathers)
        finally:
            self.present = outer
            self._flush()

    def _call(self, happened: Iterator[tuple[int, int]], gathers: bool) -> None:
        this = self._round
        reader_of, writer_of = self._readers.get, self._writers.get
        readable, writable, most_taken = _IN, _OUT, MOST_TAKEN
        taken = 0
        late = self.late
        began = monotonic()
        for number, events in happened:
            # An event may be that of a descriptor which has been closed since, and whose number
            # somebody else has got in this round. Errors are for both sides, as with asyncio.
            try:
                if events != writable:
                    run, callback, since = reader_of(number, _NOBODY)
                    if gathers:
                        self.present = run
                    if since < this and (size := run(callback)):
                        taken += size
                if events != readable:
                    run, callback, since = writer_of(number, _NOBODY)
                    if gathers:
                        self.present = run
                    if since < this:
                        run(callback)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                if not self._was_put_off(number, error):
                    _report(error)
            if late and (now := monotonic()) - began > LONGEST_WAIT:
                self._flush()
                began = now
            if taken > most_taken:
                # The system tells of the same descriptors first, as long as they are ready. So what
                # is left is kept, or a few busy streams would be all that is ever served. Only if
                # the loop was run inside of a callback that has had its time.
                if this == self._round:
                    self._left = happened
                break

    def _flush(self) -> None:
        """Call what may have waited."""
        late = self.late
        rest = iter(late.copy())
        late.clear()
        for run, flush in rest:
            try:
                run(flush)
            except Exception as error:
                if _is_entered(run):
                    flush()
                else:
                    _report(error)
            except BaseException:
                late.extend(rest)
                raise

    def _was_put_off(self, number: int, error: BaseException) -> bool:
        """Leave input alone for now if ``error`` comes from calling a callback inside of itself;
        returns whether it does.
        """
        entry = self._readers.get(number)
        if entry is None or not _is_entered(entry[0]):
            return False
        self._watch_less(number, _OUT if number in self._writers else 0)
        self._loop.call_later(PUT_OFF, self._take_up, number, entry)
        return True

    def _take_up(self, number: int, entry: _Entry) -> None:
        if self._readers.get(number) is entry:
            with contextlib.suppress(OSError):
                self._watch(number, _IN | _OUT if number in self._writers else _IN)


class _NoContext:
    """Takes the place of a context where there is none to enter."""

    run: Any = staticmethod(operator.call)


def _add_reader_without_context(
    loop: asyncio.AbstractEventLoop, fd: int, callback: Callable[[], None]
) -> None:
    """Call ``callback`` whenever ``fd`` can be read, also inside of itself: the public way gives it
    a context, which can't be entered twice. It has to see to contexts.
    """
    try:
        handle: Any = loop._add_reader(fd, callback)  # type: ignore[attr-defined]  # asyncio's own loops have it
        handle._context = _NoContext
    except AttributeError:
        # Not those of this version: then only runs inside of callbacks miss something.
        loop.add_reader(fd, callback)


def _is_entered(run: Runner) -> bool:
    """Whether a context can't be entered, because that was done already: by a callback inside of
    which the loop is run."""
    try:
        run(bool)
    except RuntimeError:
        return True
    return False


def _run_in(context: Context | None) -> Runner:
    return copy_context().run if context is None else context.run


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else fd.fileno()


def _report(error: BaseException) -> None:
    """Do with an exception from a callback as asyncio does."""
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Exception in a callback of a stream", "exception": error}
    )
