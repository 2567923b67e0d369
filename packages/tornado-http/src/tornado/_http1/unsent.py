"""How much of what was written to a peer it has not taken."""

from __future__ import annotations

import socket
import sys

from tornado.iostream import IOStream


def count_unsent(stream: IOStream) -> int:
    """Return how many bytes wait in the stream and, where the system tells it, in its socket.

    The stream alone would not do: systems take nothing from a program until a good part of what
    they hold, which can be megabytes, has gone.
    """
    return stream.write_buffer_size + _held_by_system(stream.socket)


if sys.platform == "linux":
    import fcntl
    import struct
    import termios

    def _held_by_system(sock: socket.socket) -> int:
        try:
            held: tuple[int] = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))
        except (OSError, ValueError):  # It may have no descriptor, as in tests.
            return 0
        return held[0]

elif sys.platform == "darwin":
    _SO_NWRITE = 0x1024

    def _held_by_system(sock: socket.socket) -> int:
        try:
            return sock.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
        except OSError:
            return 0

else:

    def _held_by_system(sock: socket.socket) -> int:
        return 0
