"""Watching libcurl's sockets.

libcurl takes up and drops its sockets with every request, so this has to be cheap. Where there is
epoll, the sockets are in a set of their own, and the loop watches that set alone: changes are one
system call each, and what is ready comes in one list. Elsewhere the loop watches the sockets.
"""

from __future__ import annotations

import asyncio
import contextvars
import select
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

#: Takes what is ready: descriptors with bits.
Ready = Callable[[list[tuple[int, int]]], None]

# Parts of libcurl's binary interface: CURL_POLL_IN and CURL_CSELECT_IN, CURL_POLL_OUT and
# CURL_CSELECT_OUT; CURL_POLL_REMOVE and CURL_CSELECT_ERR.
READ = 1
WRITE = 2
REMOVE = ERROR = 4


class Watcher(ABC):
    """Tells when sockets are ready.

    :arg loop: any asyncio loop that has readers and writers.
    :arg ready: a method that is told. Its object isn't kept alive: with pycurl 7.45, the garbage
        collector doesn't see through what libcurl is given.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: Ready) -> None:
        self._loop = loop
        self._ready = weakref.WeakMethod(ready)
        # Sockets that libcurl doesn't wait for. It may have closed them.
        self._resting: set[int] = set()

    def on_socket(self, interest: int, fd: int, multi: Any, data: Any) -> None:
        """Do what libcurl wants to be done about a socket (CURLMOPT_SOCKETFUNCTION)."""
        if interest == REMOVE:
            self.forget(fd)
            self._resting.add(fd)
        else:
            self._resting.discard(fd)
            self.watch(fd, interest)

    def has_ended_socket(self) -> bool:
        """Whether the peer has ended one of the sockets that libcurl has put aside."""
        if not self._resting:
            return False
        if not hasattr(select, "poll"):
            return True
        poll = select.poll()
        for fd in self._resting:
            poll.register(fd, _ENDED)
        found = poll.poll(0)
        closed = {fd for fd, mask in found if mask & select.POLLNVAL}
        self._resting -= closed
        return len(found) > len(closed)

    @abstractmethod
    def watch(self, fd: int, interest: int) -> None:
        """Watch a socket from now on, also one that is watched already.

        :arg fd: its descriptor.
        :arg interest: of the bits `READ` and `WRITE`.
        """

    @abstractmethod
    def forget(self, fd: int) -> None:
        """Watch a socket no more."""

    @abstractmethod
    def close(self) -> None:
        """Watch nothing any more."""

    def _tell(self, ready: list[tuple[int, int]]) -> None:
        method = self._ready()
        if method is None:
            # Its owner is gone, and so is libcurl.
            self.close()
        else:
            method(ready)


class EpollWatcher(Watcher):
    """A set of sockets that is one socket for the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: Ready) -> None:
        super().__init__(loop, ready)
        self._set = select.epoll()
        self._known: set[int] = set()
        # The loop would keep the context of whoever came first.
        contextvars.Context().run(loop.add_reader, self._set.fileno(), self._poll)

    def watch(self, fd: int, interest: int) -> None:
        """See `Watcher.watch`."""
        if fd in self._known:
            try:
                self._set.modify(fd, _MASKS[interest])
                return
            except FileNotFoundError:
                # It was closed without a word, and is another socket by now.
                self._known.remove(fd)
        self._set.register(fd, _MASKS[interest])
        self._known.add(fd)

    def forget(self, fd: int) -> None:
        """See `Watcher.forget`."""
        if fd not in self._known:
            return
        self._known.remove(fd)
        try:
            self._set.unregister(fd)
        except OSError:
            # A socket that was closed has left the set by itself.
            return

    def close(self) -> None:
        """See `Watcher.close`."""
        if self._set.closed:
            return
        if not self._loop.is_closed():
            self._loop.remove_reader(self._set.fileno())
        self._set.close()
        self._known.clear()

    def _poll(self) -> None:
        self._tell([(fd, _BITS[mask & 31]) for fd, mask in self._set.poll(0)])


class LoopWatcher(Watcher):
    """Sockets that the loop watches one by one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: Ready) -> None:
        super().__init__(loop, ready)
        self._known: dict[int, int] = {}
        self._context = contextvars.Context()

    def watch(self, fd: int, interest: int) -> None:
        """See `Watcher.watch`."""
        self._context.run(self._change, fd, interest)

    def forget(self, fd: int) -> None:
        """See `Watcher.forget`."""
        self._change(fd, 0)
        self._known.pop(fd, None)

    def close(self) -> None:
        """See `Watcher.close`."""
        if not self._loop.is_closed():
            for fd in list(self._known):
                self.forget(fd)
        self._known.clear()

    def _change(self, fd: int, interest: int) -> None:
        change = self._known.get(fd, 0) ^ interest
        self._known[fd] = interest
        if change & READ:
            if interest & READ:
                self._loop.add_reader(fd, self._tell, [(fd, READ)])
            else:
                self._loop.remove_reader(fd)
        if change & WRITE:
            if interest & WRITE:
                self._loop.add_writer(fd, self._tell, [(fd, WRITE)])
            else:
                self._loop.remove_writer(fd)


def make_watcher(loop: asyncio.AbstractEventLoop, ready: Ready) -> Watcher:
    """Return the best watcher that there is on this system."""
    if hasattr(select, "epoll"):
        return EpollWatcher(loop, ready)
    return LoopWatcher(loop, ready)


def _bits(mask: int) -> int:
    """Translate what epoll reports."""
    bits = READ if mask & 0x1 else 0
    if mask & 0x4:
        bits |= WRITE
    if mask & 0x18:
        # EPOLLERR and EPOLLHUP: libcurl finds out what it is when it reads.
        bits |= READ | ERROR
    return bits


# Where the system doesn't know ends of sockets from input, any input will do.
_ENDED = getattr(select, "POLLRDHUP", getattr(select, "POLLIN", 0))
# EPOLLIN is 1, EPOLLOUT is 4, EPOLLERR is 8 and EPOLLHUP is 16 on every system that has them.
_MASKS = {0: 0, READ: 0x1, WRITE: 0x4, READ | WRITE: 0x5}
_BITS = [_bits(mask) for mask in range(32)]
