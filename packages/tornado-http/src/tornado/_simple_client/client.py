"""`SimpleAsyncHTTPClient`: limits, queue and pool of the client's fetches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from tornado._httpclient.client import AsyncHTTPClient
from tornado._httpclient.digest import DigestStore
from tornado._httpclient.places import Places
from tornado._httpclient.request import EffectiveRequest, HTTPRequest
from tornado._httpclient.response import HTTPResponse
from tornado._simple_client.deadlines import Deadlines
from tornado._simple_client.dial import Dialer, NotingResolver
from tornado._simple_client.errors import HTTPStreamClosedError
from tornado._simple_client.exchange import Exchange
from tornado._simple_client.pool import ConnectionPool
from tornado.http1connection import HTTP1ConnectionParameters
from tornado.netutil import OverrideResolver, Resolver
from tornado.tcpclient import TCPClient

DEFAULT_MAX_BUFFER_SIZE = 104857600  # bytes
DEFAULT_MAX_IDLE = 100  # connections
DEFAULT_IDLE_TIME = 30.0  # seconds


class SimpleAsyncHTTPClient(AsyncHTTPClient):
    """An HTTP client without further libraries.

    Connections are kept and used again for requests to the same server. A request that finds its
    kept connection closed by the server is sent again on a new one, if its method is idempotent
    (RFC 9110 section 9.2.2) and its body can be repeated.

    Timeouts are `HTTPTimeoutError`, whose message names the phase in which they struck.

    .. versionchanged:: 6.100
       Connections are kept. Proxies, digest authentication, network interfaces and Unix sockets
       are supported. Responses may be compressed with ``deflate`` too, and with ``br`` and
       ``zstd`` if the packages ``brotli`` (1.2 or later) and ``backports.zstd`` (part of Python
       since 3.14) or ``zstandard`` are installed.
    """

    def initialize(  # type: ignore[override]  # Configurable leaves the parameters to each class
        self,
        max_clients: int = 10,
        hostname_mapping: dict[str, str] | None = None,
        max_buffer_size: int = DEFAULT_MAX_BUFFER_SIZE,
        resolver: Resolver | None = None,
        defaults: dict[str, Any] | None = None,
        max_header_size: int | None = None,
        max_body_size: int | None = None,
        *,
        keep_alive: bool = True,
        max_idle_per_host: int | None = None,
        max_idle: int = DEFAULT_MAX_IDLE,
        idle_timeout: float = DEFAULT_IDLE_TIME,
    ) -> None:
        """Take the constructor's arguments.

        :arg max_clients: how many fetches go on at once; further ones wait, and their waiting
            counts against ``request_timeout``.
        :arg hostname_mapping: addresses for host names, in place of what a resolver would find.
        :arg max_buffer_size: limit in bytes of a stream's input buffer, and of bodies that aren't
            streamed.
        :arg resolver: how names are resolved.
        :arg defaults: values for attributes that requests leave `None`.
        :arg max_header_size: limit of a response's headers in bytes; 65536 by default.
        :arg max_body_size: limit of a response's body in bytes, decoded; ``max_buffer_size`` by
            default.
        :arg keep_alive: whether connections are kept; if not, servers are told to close them.
        :arg max_idle_per_host: how many unused connections are kept for one server;
            ``max_clients`` by default.
        :arg max_idle: how many unused connections are kept in all.
        :arg idle_timeout: seconds after which an unused connection is closed; sooner, if the
            server has announced that it will do so.

        .. versionchanged:: 6.100
           Added the arguments from ``keep_alive`` on.
        """
        super().initialize(defaults=defaults)
        self.max_clients = max_clients
        self.max_buffer_size = max_buffer_size
        self.max_header_size = max_header_size
        self.max_body_size = max_body_size or max_buffer_size
        self.max_buffered_size = min(self.max_body_size, max_buffer_size)
        self.keep_alive = keep_alive
        self.own_resolver = resolver is None
        self.resolver: Any = resolver or Resolver()
        if hostname_mapping is not None:
            self.resolver = OverrideResolver(resolver=self.resolver, mapping=hostname_mapping)
        self.tcp_client = TCPClient(resolver=NotingResolver(self.resolver))
        self.digests = DigestStore()
        self.pool = ConnectionPool(
            (max_clients if max_idle_per_host is None else max_idle_per_host) if keep_alive else 0,
            max_idle,
            idle_timeout,
        )
        #: How many connections were opened so far.
        self.connections_opened = 0
        self._places: Places[Exchange] = Places(self)
        self.active = self._places.active
        self.queue = self.waiting = self._places.queue
        self._deadlines = Deadlines(self._places.all, self)
        self._params = HTTP1ConnectionParameters(
            no_keep_alive=not keep_alive,
            max_header_size=max_header_size,
            max_body_size=self.max_body_size,
            decompress=False,
        )

    def _leave_loop(self) -> None:
        super()._leave_loop()
        self._places.check_unused()
        self._deadlines.cancel()
        self.pool.clear()
        guard, self._guard = self._guard, None
        if guard is not None:
            # If it were forgotten, it would close the next loop's connections when this one runs
            # again.
            _run_at_once(guard.aclose())

    @property
    def dialer(self) -> Dialer:
        """What makes connections; programs may replace ``tcp_client``."""
        dialer = self._dialer
        if dialer is None or dialer.tcp_client is not self.tcp_client:
            self._dialer = dialer = Dialer(
                self.tcp_client, self._params, self.max_buffer_size, self.digests
            )
        return dialer

    _dialer: Dialer | None = None

    def close(self) -> None:
        """Free connections and resolver; see `AsyncHTTPClient.close`.

        Fetches that are under way fail.
        """
        if self._closed:
            return
        super().close()
        self._deadlines.cancel()
        for exchange in self._places.all():
            exchange.fail(HTTPStreamClosedError("the client was closed"))
        self.pool.close()
        if self.own_resolver:
            self.resolver.close()
        self.tcp_client.close()

    def end_with_loop(self) -> None:
        """Have connections closed at the end of the loop that runs, whoever ends it."""
        if self._guard is None:
            # Asynchronous generators are closed with their loop.
            self._guard = _close_at_the_end(self.pool, self._places)
            _run_at_once(self._guard.__anext__())

    _guard: AsyncGenerator[None, None] | None = None

    def _on_loop_close(self) -> None:
        _close_connections(self.pool, self._places)

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], Any]) -> None:
        """Fetch; see `AsyncHTTPClient.fetch_impl`."""
        effective = EffectiveRequest.of(request, self.defaults)
        exchange = Exchange(self, effective, callback)
        # If it fails at once, the error's traceback leads to this frame.
        del callback
        effective.abandon = exchange.abandon
        self._deadlines.expect(exchange.deadline)
        self._places.take(exchange)

    def release(self, exchange: Exchange) -> None:
        """Take note that an exchange has ended: its place is for the next one."""
        self._places.give_back(exchange)

    @property
    def asyncio_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the client works on."""
        loop: asyncio.AbstractEventLoop = self.io_loop.asyncio_loop
        return loop


def _run_at_once(step: Awaitable[None]) -> None:
    """Run a step of an asynchronous generator that waits for nothing."""
    try:
        step.__await__().send(None)
    except StopIteration:
        pass  # It has come to its ``yield``, or to its end.


# The client isn't needed for it, and may be gone before its connections are.
async def _close_at_the_end(
    pool: ConnectionPool, places: Places[Exchange]
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        _close_connections(pool, places)


def _close_connections(pool: ConnectionPool, places: Places[Exchange]) -> None:
    """Close all of them, without a word to those who fetch: there is no loop to hear it in."""
    # Those that wait come first, so that they don't begin.
    for exchange in reversed(places.all()):
        exchange.abandon()
    pool.clear()
