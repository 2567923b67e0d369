"""`SimpleAsyncHTTPClient`: limits, queue and pool of the client's fetches."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tornado._httpclient.client import AsyncHTTPClient
from tornado._httpclient.request import EffectiveRequest, HTTPRequest
from tornado._httpclient.response import HTTPResponse
from tornado._simple_client.errors import HTTPTimeoutError
from tornado._simple_client.exchange import Exchange
from tornado._simple_client.pool import ConnectionPool
from tornado.netutil import OverrideResolver, Resolver
from tornado.tcpclient import TCPClient

DEFAULT_MAX_BUFFER_SIZE = 104857600  # bytes

_Entry = tuple[Exchange, EffectiveRequest, Callable[[HTTPResponse], Any], float]


class SimpleAsyncHTTPClient(AsyncHTTPClient):
    """An HTTP client without further libraries.

    Connections are kept and used again for requests to the same server.
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
    ) -> None:
        """Take the constructor's arguments.

        :arg max_clients: how many fetches go on at once; further ones wait, and their waiting
            counts against ``request_timeout``.
        :arg hostname_mapping: addresses for host names, in place of what a resolver would find.
        :arg max_buffer_size: limit of a stream's input buffer in bytes.
        :arg resolver: how names are resolved.
        :arg defaults: values for attributes that requests leave `None`.
        :arg max_header_size: limit of a response's headers in bytes; 65536 by default.
        :arg max_body_size: limit of a response's body in bytes, decoded; ``max_buffer_size`` by
            default.
        """
        super().initialize(defaults=defaults)
        self.max_clients = max_clients
        self.max_buffer_size = max_buffer_size
        self.max_header_size = max_header_size
        self.max_body_size = max_body_size or max_buffer_size
        self.own_resolver = resolver is None
        self.resolver: Any = resolver or Resolver()
        if hostname_mapping is not None:
            self.resolver = OverrideResolver(resolver=self.resolver, mapping=hostname_mapping)
        self.tcp_client = TCPClient(resolver=self.resolver)
        self.pool = ConnectionPool()
        self.connections_opened = 0
        self.queue: deque[_Entry] = deque()
        self.active: set[asyncio.Task[None]] = set()
        self.waiting: dict[Exchange, asyncio.TimerHandle] = {}

    def close(self) -> None:
        """Free connections and resolver; see `AsyncHTTPClient.close`."""
        if self._closed:
            return
        super().close()
        for task in self.active:
            task.cancel()
        for timer in self.waiting.values():
            timer.cancel()
        self.queue.clear()
        self.pool.close()
        if self.own_resolver:
            self.resolver.close()
        self.tcp_client.close()

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], Any]) -> None:
        """Fetch; see `AsyncHTTPClient.fetch_impl`."""
        effective = (
            request
            if isinstance(request, EffectiveRequest)
            else EffectiveRequest(request, self.defaults)
        )
        exchange = Exchange(self, effective)
        if len(self.active) < self.max_clients:
            self._start(exchange, callback)
            return
        entry = (exchange, effective, callback, time.monotonic())
        self.queue.append(entry)
        timeout = effective.request_timeout
        if timeout:
            self.waiting[exchange] = self._asyncio_loop.call_later(
                timeout, self._on_queue_timeout, entry
            )

    @property
    def _asyncio_loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = self.io_loop.asyncio_loop
        return loop

    def _start(self, exchange: Exchange, callback: Callable[[HTTPResponse], Any]) -> None:
        task = self._asyncio_loop.create_task(self._run(exchange, callback))
        self.active.add(task)
        task.add_done_callback(self._on_done)

    async def _run(self, exchange: Exchange, callback: Callable[[HTTPResponse], Any]) -> None:
        callback(await exchange.run())

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self.active.discard(task)
        while self.queue and len(self.active) < self.max_clients:
            exchange, _, callback, since = self.queue.popleft()
            timer = self.waiting.pop(exchange, None)
            if timer is not None:
                timer.cancel()
            exchange.queue_time = time.monotonic() - since
            self._start(exchange, callback)
        if not task.cancelled():
            task.result()

    def _on_queue_timeout(self, entry: _Entry) -> None:
        exchange, request, callback, since = entry
        self.queue.remove(entry)
        del self.waiting[exchange]
        waited = time.monotonic() - since
        callback(
            HTTPResponse(
                request,
                599,
                error=HTTPTimeoutError("Timeout in request queue"),
                request_time=waited,
                time_info={"queue": waited},
            )
        )
