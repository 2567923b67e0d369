"""Readiness of sockets for loops that can't watch any, such as Windows' default loop.

A thread waits for the sockets. What is ready is told to the loop and isn't watched again until the
loop has run its callbacks: each watch is good for one event. So the thread never spins while the
loop is busy, and nothing but two queues is shared between them.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

Watched: TypeAlias = Any  # a descriptor, or an object with ``fileno``

WAKE_READ_SIZE = 4096


class Watch:
    """One callback's interest in one descriptor."""

    __slots__ = ("args", "callback", "context", "event", "number")

    def __init__(
        self, number: int, event: int, callback: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self.number = number
        self.event = event
        self.callback = callback
        self.args = args
        self.context = contextvars.copy_context()


class SelectorThread:
    """Watches descriptors in a thread, and calls back in a loop.

    All methods are for the loop's thread.

    :arg real_loop: the loop; it needs no ``add_reader`` of its own.

    .. versionadded:: 6.4
    """

    def __init__(self, real_loop: asyncio.AbstractEventLoop) -> None:
        self._real_loop = real_loop
        self._watches: dict[tuple[int, int], Watch] = {}
        # For the thread: what to watch (true) or not to (false), in the order of the wishes.
        self._wishes: deque[tuple[bool, Watch]] = deque()
        self._thread: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self._closed = False

    def close(self) -> None:
        """End the thread. The second time is no error."""
        self._closed = True
        self._watches.clear()
        waker, self._waker = self._waker, None
        if waker is not None:
            # The thread takes its end of the pair closing for the end.
            waker.close()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def add_reader(self, fd: Watched, callback: Callable[..., Any], *args: Any) -> None:
        """Call ``callback(*args)`` as long as ``fd`` is readable; a later call replaces it."""
        self._add(fd, selectors.EVENT_READ, callback, args)

    def add_writer(self, fd: Watched, callback: Callable[..., Any], *args: Any) -> None:
        """Call ``callback(*args)`` as long as ``fd`` is writable; a later call replaces it."""
        self._add(fd, selectors.EVENT_WRITE, callback, args)

    def remove_reader(self, fd: Watched) -> bool:
        """Undo `add_reader`; returns whether there was something to undo."""
        return self._remove(fd, selectors.EVENT_READ)

    def remove_writer(self, fd: Watched) -> bool:
        """Undo `add_writer`; returns whether there was something to undo."""
        return self._remove(fd, selectors.EVENT_WRITE)

    # -- in the loop's thread

    def _add(
        self, fd: Watched, event: int, callback: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        if self._closed:
            raise RuntimeError("the thread that watches descriptors was ended")
        watch = Watch(_number(fd), event, callback, args)
        self._watches[watch.number, event] = watch
        self._wish(True, watch)

    def _remove(self, fd: Watched, event: int) -> bool:
        watch = self._watches.pop((_number(fd), event), None)
        if watch is None:
            return False
        self._wish(False, watch)
        return True

    def _wish(self, wanted: bool, watch: Watch) -> None:
        self._wishes.append((wanted, watch))
        if self._waker is None:
            sleeper, self._waker = socket.socketpair()
            sleeper.setblocking(False)
            self._waker.setblocking(False)
            self._thread = threading.Thread(
                target=_Sleeper(sleeper, self._wishes, self._tell).run,
                name="selector",
                daemon=True,
            )
            self._thread.start()
        # When the pair is full the thread will wake up anyway.
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"\0")

    def _deliver(self, ready: list[Watch]) -> None:
        for watch in ready:
            if self._watches.get((watch.number, watch.event)) is not watch:
                continue
            try:
                watch.context.run(watch.callback, *watch.args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self._real_loop.call_exception_handler(
                    {"message": "a callback of a descriptor failed", "exception": error}
                )
            if self._watches.get((watch.number, watch.event)) is watch:
                self._wish(True, watch)

    # -- in its own thread

    def _tell(self, ready: list[Watch]) -> bool:
        """Pass on what is ready; returns whether the loop is still there."""
        try:
            self._real_loop.call_soon_threadsafe(self._deliver, ready)
        except RuntimeError:
            return False
        return True


class _Sleeper:
    """What the thread does."""

    def __init__(
        self,
        sleeper: socket.socket,
        wishes: deque[tuple[bool, Watch]],
        tell: Callable[[list[Watch]], bool],
    ) -> None:
        self._sleeper = sleeper
        self._wishes = wishes
        self._tell = tell
        self._wanted: dict[int, dict[int, Watch]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(sleeper, selectors.EVENT_READ)

    def run(self) -> None:
        with self._sleeper, self._selector:
            while (ready := self._wait()) is not None:
                if ready and not self._tell(ready):
                    return

    def _wait(self) -> list[Watch] | None:
        """Wait once; returns what is ready, `None` at the end."""
        try:
            events = self._selector.select()
        except OSError:
            # Not all kinds of selectors put up with descriptors that were closed.
            return self._broken()
        ready: list[Watch] = []
        for key, mask in events:
            if key.fileobj is self._sleeper:
                if not self._woken():
                    return None
                continue
            watches = self._wanted.get(key.fd, {})
            ready += [watch for watch in watches.values() if watch.event & mask]
        for watch in ready:
            self._forget(watch)
        self._fulfil()
        return ready

    def _woken(self) -> bool:
        try:
            return bool(self._sleeper.recv(WAKE_READ_SIZE))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _fulfil(self) -> None:
        while self._wishes:
            wanted, watch = self._wishes.popleft()
            if wanted:
                self._wanted.setdefault(watch.number, {})[watch.event] = watch
                self._register(watch.number)
            else:
                self._forget(watch)

    def _forget(self, watch: Watch) -> None:
        watches = self._wanted.get(watch.number)
        if watches is not None and watches.get(watch.event) is watch:
            del watches[watch.event]
            self._register(watch.number)

    def _register(self, number: int) -> None:
        """Make the selector watch what is wanted of a descriptor."""
        mask = 0
        for event in self._wanted[number]:
            mask |= event
        with contextlib.suppress(KeyError, ValueError, OSError):
            self._selector.unregister(number)
        if not mask:
            del self._wanted[number]
            return
        try:
            self._selector.register(number, mask)
        except (ValueError, OSError):
            # It was closed before its turn came; nobody waits for it then.
            del self._wanted[number]

    def _broken(self) -> list[Watch]:
        """Take all descriptors for ready that can't be watched any more: their callbacks see the
        error."""
        bad: list[Watch] = []
        for number, watches in list(self._wanted.items()):
            with selectors.DefaultSelector() as probe:
                try:
                    probe.register(number, selectors.EVENT_READ)
                    probe.select(0)
                except (ValueError, OSError):
                    bad += watches.values()
        for watch in bad:
            self._forget(watch)
        self._fulfil()
        return bad


def _number(fd: Watched) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


class _Delegated:
    """A name of the interface of loops that the real loop answers for."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        return getattr(instance._real_loop, self._name)


class AddThreadSelectorEventLoop(asyncio.AbstractEventLoop):
    """A loop with ``add_reader`` and its kin, around one that has none.

    Everything else is the other loop's. The methods of its `SelectorThread` are for the loop's
    thread.

    :arg real_loop: the other loop.

    .. versionadded:: 6.1
    """

    #: What isn't passed on to the other loop.
    MY_ATTRIBUTES = frozenset(
        {
            "_real_loop",
            "_selector",
            "add_reader",
            "add_writer",
            "close",
            "end_watching",
            "remove_reader",
            "remove_writer",
        }
    )

    def __init__(self, real_loop: asyncio.AbstractEventLoop) -> None:
        self._real_loop = real_loop
        self._selector = SelectorThread(real_loop)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real_loop, name)

    def close(self) -> None:
        """End the thread and close the other loop."""
        self.end_watching()
        self._real_loop.close()

    def end_watching(self) -> None:
        """End the thread alone. The second time is no error."""
        self._selector.close()

    def add_reader(  # type: ignore[override]  # type variables would say no more here
        self, fd: Watched, callback: Callable[..., Any], *args: Any
    ) -> None:
        """See `SelectorThread.add_reader`."""
        self._selector.add_reader(fd, callback, *args)

    def add_writer(  # type: ignore[override]  # type variables would say no more here
        self, fd: Watched, callback: Callable[..., Any], *args: Any
    ) -> None:
        """See `SelectorThread.add_writer`."""
        self._selector.add_writer(fd, callback, *args)

    def remove_reader(self, fd: Watched) -> bool:
        """See `SelectorThread.remove_reader`."""
        return self._selector.remove_reader(fd)

    def remove_writer(self, fd: Watched) -> bool:
        """See `SelectorThread.remove_writer`."""
        return self._selector.remove_writer(fd)


def _delegate() -> None:
    """Give the class an attribute for each that its base class would answer with an error."""
    for name in vars(asyncio.AbstractEventLoop):
        if not name.startswith("__") and name not in AddThreadSelectorEventLoop.MY_ATTRIBUTES:
            attribute = _Delegated()
            attribute.__set_name__(AddThreadSelectorEventLoop, name)
            setattr(AddThreadSelectorEventLoop, name, attribute)


_delegate()
