"""Ports for servers of tests."""

from __future__ import annotations

import socket

from tornado.netutil import bind_sockets


def bind_unused_port(
    reuse_port: bool = False, address: str = "127.0.0.1"
) -> tuple[socket.socket, int]:
    """Return a listening socket on a free port, and the port.

    :arg reuse_port: let other sockets listen on it too.
    :arg address: address to listen on.
    """
    sock = bind_sockets(0, address, family=socket.AF_INET, flags=0, reuse_port=reuse_port)[0]
    return sock, sock.getsockname()[1]


def get_unused_port() -> int:
    """Return a port that was free a moment ago; `bind_unused_port` is safer (documented API
    versions 2.x)."""
    sock, port = bind_unused_port()
    sock.close()
    return port
