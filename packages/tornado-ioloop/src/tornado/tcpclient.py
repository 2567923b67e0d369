"""`TCPClient`: connects to a host by name, whichever of its addresses answers."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import Resolver

if TYPE_CHECKING:
    import ssl

__all__ = ["TCPClient"]

Target: TypeAlias = tuple[int, Any]

# What connects in place of the network, for the code that runs in a context; tests set it. It gets
# host, port and the TLS options, and sees to TLS itself.
_connector: contextvars.ContextVar[Callable[[str, int, Any], Awaitable[IOStream]] | None]
_connector = contextvars.ContextVar("connector", default=None)

# RFC 8305 section 5, "Connection Attempt Delay": seconds until the next address is tried alongside
# those that haven't answered.
ATTEMPT_DELAY = 0.25


class TCPClient:
    """Makes connections, and gives a stream for each.

    .. code-block:: python

        stream = await TCPClient().connect("localhost", 8888, timeout=5)

    :arg resolver: looks up the names; by default the client has one of its own.
    :arg io_loop: as programs of the callback era give it; the loop that runs is used.

    .. versionchanged:: 5.0
       The loop isn't needed any more.
    """

    def __init__(self, resolver: Resolver | None = None, io_loop: IOLoop | None = None) -> None:
        self._owns_resolver = resolver is None
        self.resolver = resolver if resolver is not None else Resolver()

    def close(self) -> None:
        """Free the resolver, if it is the client's own. Streams stay open."""
        if self._owns_resolver:
            self.resolver.close()

    async def connect(
        self,
        host: str,
        port: int,
        af: socket.AddressFamily = socket.AF_UNSPEC,
        ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
        max_buffer_size: int | None = None,
        source_ip: str | None = None,
        source_port: int | None = None,
        timeout: float | datetime.timedelta | None = None,
    ) -> IOStream:
        """Connect to ``host``.

        If it has several addresses they're tried one after another, of either family by turns. One
        that doesn't answer soon is left waiting while the next is tried, and the first that is
        connected wins (RFC 8305, "Happy Eyeballs").

        :arg host: a name or an IP address.
        :arg port: the TCP port there.
        :arg af: `socket.AF_INET` or `socket.AF_INET6` to restrict it to one family.
        :arg ssl_options: do a TLS handshake then; as for `.IOStream.start_tls`. The certificate
            must be for ``host``.
        :arg max_buffer_size: for the stream; see `.BaseIOStream`.
        :arg source_ip: the local address to connect from. Addresses of the other family fail.
        :arg source_port: the local port to connect from.
        :arg timeout: seconds, or a `datetime.timedelta`, for all of it. Like cancelling it closes
            what was begun.
        :returns: the stream; with ``ssl_options`` an `.SSLIOStream`.
        :raises OSError: the name isn't known, or the source isn't an address of this machine.
        :raises StreamClosedError: no address could be connected to; it tells of the last.
        :raises ssl.SSLError: the handshake failed.
        :raises tornado.gen.TimeoutError: it took longer than ``timeout``.

        .. versionchanged:: 4.5
           Added ``source_ip`` and ``source_port``.
        .. versionchanged:: 5.0
           Added ``timeout``.
        """
        connector = _connector.get()
        if connector is not None:
            return await connector(host, port, ssl_options)
        seconds = timeout.total_seconds() if isinstance(timeout, datetime.timedelta) else timeout
        source = (
            None
            if source_ip is None and source_port is None
            else (source_ip or "", source_port or 0)
        )
        async with asyncio.timeout(seconds):
            targets = await self.resolver.resolve(host, port, af)
            stream = await _Race(targets, source, max_buffer_size).run()
            if ssl_options is None:
                return stream
            try:
                return await stream.start_tls(False, ssl_options=ssl_options, server_hostname=host)
            except BaseException:
                # Bad options are found before the socket has passed to the other stream.
                stream.close()
                raise


class _Race:
    """Attempts to connect to several addresses, of which one is to win."""

    def __init__(
        self,
        targets: Sequence[Target],
        source: tuple[str, int] | None,
        max_buffer_size: int | None,
    ) -> None:
        # Reversed, to be popped from the end.
        self._targets = by_turns(targets)[::-1]
        self._source = source
        self._max_buffer_size = max_buffer_size
        self._attempts: dict[asyncio.Future[IOStream], IOStream] = {}
        # One at most: what became of the address that was tried last.
        self._errors: list[Exception] = [OSError("the host has no address")]

    async def run(self) -> IOStream:
        """Return the stream that is connected first; all others are closed."""
        winner: IOStream | None = None
        try:
            while winner is None and (self._targets or self._attempts):
                if self._targets:
                    self._begin(self._targets.pop())
                winner = await self._wait()
        finally:
            for stream in self._attempts.values():
                if stream is not winner:
                    stream.close()
        if winner is None:
            # Its traceback leads to the race, which must not lead back to it.
            raise self._errors.pop()
        return winner

    async def _wait(self) -> IOStream | None:
        """Wait until an attempt is decided, or it's time to begin another."""
        if not self._attempts:
            return None
        delay = ATTEMPT_DELAY if self._targets else None
        done, _ = await asyncio.wait(
            self._attempts, timeout=delay, return_when=asyncio.FIRST_COMPLETED
        )
        for attempt in done:
            error = attempt.exception()
            if error is None:
                return self._attempts[attempt]
            del self._attempts[attempt]
            if isinstance(error, Exception):
                self._errors[:] = [error]
        return None

    def _begin(self, target: Target) -> None:
        family, address = target
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._errors[:] = [StreamClosedError(error)]
            return
        try:
            if self._source is not None:
                sock.bind(self._source)
        except OSError as error:
            sock.close()
            self._errors[:] = [error]
            return
        stream = IOStream(sock, max_buffer_size=self._max_buffer_size)
        self._attempts[stream.connect(address)] = stream


def by_turns(targets: Sequence[Target]) -> list[Target]:
    """Sort addresses so that the families take turns, beginning with the first one's (RFC 8305
    section 4).
    """
    if not targets:
        return []
    preferred = [target for target in targets if target[0] == targets[0][0]]
    others = [target for target in targets if target[0] != targets[0][0]]
    mixed: list[Target] = []
    for index in range(max(len(preferred), len(others))):
        mixed += preferred[index : index + 1]
        mixed += others[index : index + 1]
    return mixed
