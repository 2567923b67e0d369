"""Streams between two ends in one process, without the system.

A `MemoryStream` is an `IOStream` in all but where its bytes come from, so everything that works on
streams works on it: the same protocol engines, flow control, half-closed connections. What takes
the place of the socket is a `MemorySocket`, one end of a pair, and what takes the place of the
system's readiness events are callbacks of the loop. Bytes are never delivered from inside the call
that sends them, as they aren't over a network either.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
import socket
from collections import deque
from collections.abc import Iterable
from typing import Any

from tornado.iostream import IOStream

# Bytes that one end has sent and the other hasn't read, above which sending has to wait.
CAPACITY = 262144

Address = tuple[str, int]


class MemorySocket:
    """One end of a pair that is connected.

    It has what streams, and what lies above them, use of a `socket.socket`.

    :arg address: of this end.
    """

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = 0

    __slots__ = ("_address", "_chunks", "_closed", "_ended", "_size", "peer", "secure", "stream")

    def __init__(self, address: Address) -> None:
        self._address = address
        #: The other end; `None` when that is closed.
        self.peer: MemorySocket | None = None
        #: What is told of input and of room for output.
        self.stream: MemoryStream | None = None
        #: Whether the two speak as if through TLS.
        self.secure = False
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._closed = False

    # -- bytes

    @property
    def readable(self) -> bool:
        """Whether there are bytes, or the end of them."""
        return self._size > 0 or self._ended

    @property
    def writable(self) -> bool:
        """Whether something can be sent, or fails at once."""
        return self.peer is None or self.peer._size < CAPACITY

    def recv(self, size: int) -> bytes:
        """Return what has come, ``b""`` at the end.

        :arg size: the most bytes to return.
        :raises BlockingIOError: nothing has come.
        """
        chunks = self._chunks
        if not chunks:
            if self._ended:
                return b""
            raise BlockingIOError(errno.EAGAIN, "nothing has come")
        was_full = self._size >= CAPACITY
        if self._size <= size:
            data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            chunks.clear()
        else:
            data = chunks.popleft()
            if len(data) > size:
                chunks.appendleft(data[size:])
                data = data[:size]
        self._size -= len(data)
        if was_full and self.peer is not None:
            self.peer._tell_of_room()
        return data

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Give bytes to the other end; return how many it has taken.

        :raises BlockingIOError: it can't take any now.
        :raises BrokenPipeError: it's closed.
        """
        peer = self.peer
        if peer is None or peer._ended:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        room = CAPACITY - peer._size
        if room <= 0:
            raise BlockingIOError(errno.EAGAIN, "the other end has not read what was sent")
        taken = bytes(data[:room]) if len(data) > room else bytes(data)
        if taken:
            peer._chunks.append(taken)
            peer._size += len(taken)
            peer._tell_of_input()
        return len(taken)

    def sendmsg(self, pieces: Iterable[bytes]) -> int:
        """Do as `send` with all pieces together."""
        return self.send(b"".join(pieces))

    def shutdown(self, how: int) -> None:
        """Tell the other end that nothing more comes."""
        if how != socket.SHUT_RD and self.peer is not None:
            self.peer._end()

    def close(self) -> None:
        """Close this end: the other one reads to the end, and can't send any more."""
        if self._closed:
            return
        self._closed = True
        self.stream = None
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.peer = None
            peer._end()
            peer._tell_of_room()

    def _end(self) -> None:
        self._ended = True
        self._tell_of_input()

    def _tell_of_input(self) -> None:
        if self.stream is not None:
            self.stream.expect_input()

    def _tell_of_room(self) -> None:
        if self.stream is not None:
            self.stream.expect_room()

    # -- what else sockets are asked for

    def getsockname(self) -> Address:
        """Return this end's address."""
        return self._address

    def getpeername(self) -> Address:
        """Return the other end's address.

        :raises OSError: that end is closed.
        """
        if self.peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self.peer._address

    def getsockopt(self, level: int, option: int) -> int:
        """Return 0: there's nothing to be set, and no error to be told of."""
        return 0

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Do nothing."""

    def setblocking(self, flag: bool) -> None:
        """Do nothing: nothing blocks here."""

    def fileno(self) -> int:
        """Return -1: the system doesn't know of it."""
        return -1


def connected_pair(first: Address, second: Address) -> tuple[MemorySocket, MemorySocket]:
    """Return two ends that are connected with each other.

    :arg first: address of the first.
    :arg second: address of the second.
    """
    one, other = MemorySocket(first), MemorySocket(second)
    one.peer, other.peer = other, one
    return one, other


class MemoryStream(IOStream):
    """A stream over a `MemorySocket`. The other arguments are those of `IOStream`.

    What is called because of its input runs in the context in which the stream was made, as it does
    with a stream over a socket; unless it's given another.
    """

    sends_files = False

    def __init__(self, socket: MemorySocket, *args: Any, **kwargs: Any) -> None:
        self._end = socket
        super().__init__(socket, *args, **kwargs)  # type: ignore[arg-type]  # it has all that is used
        self._context = contextvars.copy_context()
        self._input_due = False
        self._room_due = False
        socket.stream = self

    def has_unread_input(self) -> bool:
        """Whether something has come that wasn't read yet, be it the end."""
        return self._end.readable

    def start_tls(self, server_side: bool, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Go on as if this were a stream through TLS; return a future with this stream."""
        self._end.secure = True
        peer = self._end.peer
        if peer is not None:
            peer.secure = True
        future: asyncio.Future[Any] = self._loop.create_future()
        future.set_result(self)
        return future

    # -- events

    def expect_input(self) -> None:
        """There is input, or the end of it."""
        if self._watching_input and not self._input_due:
            self._input_due = True
            self._loop.call_soon(self._input_event, context=self._context)

    def expect_room(self) -> None:
        """There is room for output, or nobody to take it."""
        if self._watching_output and not self._room_due:
            self._room_due = True
            self._loop.call_soon(self._room_event, context=self._context)

    def _input_event(self) -> None:
        self._input_due = False
        if self._watching_input:
            self._on_readable()
            if self._watching_input and self._end.readable:
                self.expect_input()

    def _room_event(self) -> None:
        self._room_due = False
        if self._watching_output:
            self._on_writable()
            if self._watching_output and self._end.writable:
                self.expect_room()

    def _add_reader(self) -> None:
        self._watching_input = True
        if self._end.readable:
            self.expect_input()

    def _unwatch_input(self) -> None:
        self._watching_input = False

    def _watch_output(self) -> None:
        self._watching_output = True
        if self._end.writable:
            self.expect_room()

    def _unwatch_output(self) -> None:
        self._watching_output = False
