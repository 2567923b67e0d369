"""What both servers have in common: to say where they listen, and to end when they are told to."""

from __future__ import annotations

import asyncio
import signal

from tornado.netutil import bind_sockets
from tornado.tcpserver import TCPServer


async def serve(server: TCPServer, port: int, address: str, backlog: int = 1024) -> None:
    """Serve until SIGINT or SIGTERM comes.

    :arg port: 0 for one that the system chooses; it's printed.
    """
    sockets = bind_sockets(port, address, backlog=backlog)
    server.add_sockets(sockets)
    host, number = sockets[0].getsockname()[:2]
    print(f"{type(server).__name__} listens at {host} port {number}", flush=True)
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, told.set)
    await told.wait()
    server.stop()
