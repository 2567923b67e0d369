"""`Ending`: how a connection comes to its end (RFC 6455 section 7)."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod

from tornado._websocket.interfaces import Phase
from tornado.iostream import IOStream, SSLIOStream

CLOSE_TIMEOUT = 5.0  # seconds that a peer has to do its part in closing
CLOSING = 1  # the obstacle for writing that all this makes

# Whether to read on when all is sent: not at all, then, or already.
AT_ONCE, LATER, LINGERS = range(3)


class Ending(ABC):
    """The part of a protocol that has to do with its end."""

    __slots__ = ("_lingering", "_loop", "_obstacles", "_out", "_phase", "_timer", "stream")

    #: The stream below; there is none before the handshake.
    stream: IOStream
    _loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self._phase = Phase.OPEN
        self._timer: asyncio.TimerHandle | None = None
        self._lingering = AT_ONCE
        self._obstacles = 0
        self._out: list[bytes] | None = None

    @property
    def client_terminated(self) -> bool:
        """Whether the peer has closed its side."""
        return self._phase >= Phase.CLOSE_RECEIVED

    @property
    def server_terminated(self) -> bool:
        """Whether this side is closed."""
        return self._phase in (Phase.CLOSE_SENT, Phase.CLOSED)

    def is_closing(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self._obstacles & CLOSING != 0 or self.stream.closed()

    @abstractmethod
    def _release(self) -> None:
        """Let go what an open connection needs."""

    def _begin_closing(self) -> None:
        """Wait for the peer to close; messages that still come aren't wanted."""
        self._phase = Phase.CLOSE_SENT
        self._obstacles |= CLOSING
        self._disarm()
        self._arm(CLOSE_TIMEOUT)

    def _finish_closing(self) -> None:
        self._phase = Phase.CLOSED
        self._obstacles |= CLOSING
        self._disarm()
        # Otherwise that's done when what was collected is sent.
        if self._out is None:
            self._close_stream()

    def _close_stream(self) -> None:
        stream = self.stream
        if stream.closed() or self._lingering == LINGERS:
            return
        if not stream.write_buffer_size:
            if self._lingering == AT_ONCE or not self._linger(stream):
                stream.close()
        elif self._timer is None:
            # A peer that doesn't read what is left has the time of the handshake for it.
            self._arm(CLOSE_TIMEOUT)
            stream.write(b"").add_done_callback(lambda _: self._close_stream())

    def _linger(self, stream: IOStream) -> bool:
        """Wait for a peer that may still be sending to close its side.

        If the socket were closed, the system would answer what comes with a reset, and the peer
        might never read why the connection ends.

        :returns: false if that can't be done.
        """
        try:
            if isinstance(stream, SSLIOStream):
                # A TLS socket's own method would end reading, too.
                socket.socket.shutdown(stream.socket, socket.SHUT_WR)
            else:
                stream.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        self._lingering = LINGERS
        if self._timer is None:
            self._arm(CLOSE_TIMEOUT)
        stream.resume_reading()
        return True

    def _abort(self) -> None:
        """Close the connection without the closing handshake."""
        self._phase = Phase.CLOSED
        self._obstacles |= CLOSING
        self._release()
        self.stream.close()

    def _arm(self, delay: float) -> None:
        self._timer = self._loop.call_later(delay, self._abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _peer(self) -> object:
        """Return who is at the other end, for messages of the log."""
        try:
            return self.stream.socket.getpeername()
        except OSError:
            return "(gone)"
