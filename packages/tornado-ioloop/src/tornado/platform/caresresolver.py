"""Looking up host names with the c-ares library, which needs no threads.

It takes the package ``pycares``, which isn't a requirement of this distribution.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pycares  # type: ignore[import-not-found, unused-ignore]  # optional

from tornado.ioloop import IOLoop
from tornado.netutil import Address, Resolver, _check_port, is_valid_ip

__all__ = ["CaresResolver"]

# Seconds between looks for queries that are overdue, where c-ares doesn't say when to look.
LONGEST_PAUSE = 1.0


class CaresResolver(Resolver):
    """Resolves with c-ares: hosts files and name servers as the system has them, but none of its
    other sources of names.

    Chosen by ``Resolver.configure("tornado.platform.caresresolver.CaresResolver")``.

    .. deprecated:: 6.2
       The default resolver does as well for nearly all programs.
    """

    io_loop: IOLoop
    channel: Any
    #: The sockets of c-ares, each with the events that it is watched for.
    fds: dict[int, int]

    def initialize(self, io_loop: IOLoop | None = None) -> None:
        """Take the constructor's arguments.

        :arg io_loop: as programs of the callback era give it; by default the current one.
        """
        self.io_loop = io_loop or IOLoop.current()
        self.fds = {}
        self._pending: set[asyncio.Future[Any]] = set()
        self._check: object | None = None
        self.channel = pycares.Channel(sock_state_cb=self._on_state)

    def close(self) -> None:
        """Give up all queries and close the sockets of c-ares."""
        for future in self._pending:
            future.cancel()
        self._pending.clear()
        self._stop_checking()
        for fd in list(self.fds):
            self._on_state(fd, False, False)
        self.channel.close()

    async def resolve(
        self, host: str, port: int, family: int = socket.AF_UNSPEC
    ) -> list[tuple[int, Address]]:
        """See `Resolver.resolve`.

        :raises OSError: c-ares found nothing, or failed.
        """
        _check_port(port)
        if is_valid_ip(host):
            # c-ares would ask no server either, but would drop the zone of an address.
            found = socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
            return [(item[0], item[4]) for item in found]
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: Any, error: int | None) -> None:
            if future.done():
                return
            if error:
                text = pycares.errno.strerror(error)
                if isinstance(text, bytes):
                    text = text.decode()
                future.set_exception(OSError(f"looking up {host!r} failed: {text}"))
            else:
                future.set_result(result)

        self._pending.add(future)
        try:
            self.channel.getaddrinfo(
                host, port, family=family, type=socket.SOCK_STREAM, callback=done
            )
            self._check_later()
            result = await future
        finally:
            self._pending.discard(future)
            if not self._pending:
                self._stop_checking()
        return [(node.family, _address(node.addr)) for node in result.nodes]

    # -- events

    def _on_state(self, fd: int, readable: bool, writable: bool) -> None:
        """Watch a socket of c-ares for what it says that it waits for."""
        events = (IOLoop.READ if readable else 0) | (IOLoop.WRITE if writable else 0)
        known = self.fds.pop(fd, None)
        if events:
            self.fds[fd] = events
            if known is None:
                self.io_loop.add_handler(fd, self._on_events, events)
            else:
                self.io_loop.update_handler(fd, events)
        elif known is not None:
            self.io_loop.remove_handler(fd)

    def _on_events(self, fd: int, events: int) -> None:
        nothing = pycares.ARES_SOCKET_BAD
        self.channel.process_fd(
            fd if events & IOLoop.READ else nothing, fd if events & IOLoop.WRITE else nothing
        )

    def _check_later(self) -> None:
        if self._check is None:
            pause = self.channel.timeout(LONGEST_PAUSE)
            self._check = self.io_loop.call_later(pause or LONGEST_PAUSE, self._check_overdue)

    def _check_overdue(self) -> None:
        self._check = None
        self.channel.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        if self._pending:
            self._check_later()

    def _stop_checking(self) -> None:
        if self._check is not None:
            self.io_loop.remove_timeout(self._check)
            self._check = None


def _address(given: tuple[Any, ...]) -> Address:
    """Return an address as sockets take it; versions of pycares differ in the type of the host."""
    host, *rest = given
    return (host.decode() if isinstance(host, bytes) else host, *rest)
