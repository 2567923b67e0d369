"""One fetch, from its connection to its response, redirects included."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
import time
from collections.abc import Awaitable
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from tornado._http1.decompress import GunzipDelegate
from tornado._httpclient.request import EffectiveRequest, HTTPRequest
from tornado._httpclient.response import HTTPResponse
from tornado._simple_client.errors import HTTPStreamClosedError, HTTPTimeoutError
from tornado._simple_client.pool import Origin
from tornado._simple_client.target import Target, request_headers, tls_key, tls_options
from tornado.escape import to_unicode
from tornado.gen import convert_yielded
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from tornado._simple_client.client import SimpleAsyncHTTPClient

REDIRECTS = frozenset((301, 302, 303, 307, 308))
# RFC 9110 section 9.2.2: these may be sent again when a kept connection turns out to be dead.
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))


class _ResponseDelegate(HTTPMessageDelegate):
    """Collect a response, or hand it to the request's callbacks."""

    def __init__(self, request: EffectiveRequest, max_body_size: int) -> None:
        self._request = request
        self._room = max_body_size
        self.start_line: ResponseStartLine | None = None
        self.headers = HTTPHeaders()
        self.chunks: list[bytes] = []
        self.complete = False
        self.streams = True

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, ResponseStartLine)
        self.start_line = start_line
        self.headers = headers
        request = self._request
        # A redirect that is followed isn't the response that the callbacks wait for.
        self.streams = not (
            request.follow_redirects and start_line.code in REDIRECTS and "Location" in headers
        )
        if request.header_callback is not None and self.streams:
            version, code, reason = start_line
            request.header_callback(f"{version} {code} {reason}\r\n")
            for name, value in headers.get_all():
                request.header_callback(f"{name}: {value}\r\n")
            request.header_callback("\r\n")
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._room -= len(chunk)
        if self._room < 0:
            raise HTTPInputError("response body too large", status_code=413)
        callback = self._request.streaming_callback
        if callback is None:
            self.chunks.append(chunk)
            return None
        if not self.streams:
            return None
        result = callback(chunk)
        return result if inspect.isawaitable(result) else None

    def finish(self) -> None:
        self.complete = True

    def on_connection_close(self) -> None:
        return None


class Exchange:
    """A fetch of one request.

    :arg client: has the limits, the pool and the means to connect.
    :arg request: what to fetch, seen through the client's defaults.
    """

    def __init__(self, client: SimpleAsyncHTTPClient, request: EffectiveRequest) -> None:
        self._client = client
        self._request = request
        self._started = time.monotonic()
        self._start_time = time.time()
        self._phase = "while connecting"
        self._timed_out = False
        self._task: asyncio.Task[Any] | None = None
        self.queue_time = 0.0

    async def run(self) -> HTTPResponse:
        """Fetch, and return a response whatever happens."""
        self._task = asyncio.current_task()
        timer = self._arm(self._request.request_timeout)
        try:
            return await self._follow()
        except asyncio.CancelledError:
            if not self._timed_out:
                raise
            return self._failed(HTTPTimeoutError(f"Timeout {self._phase}"))
        except StreamClosedError as error:
            return self._failed(error.real_error or HTTPStreamClosedError("Stream closed"))
        except Exception as error:
            return self._failed(error)
        finally:
            if timer is not None:
                timer.cancel()

    def _arm(self, timeout: float | None) -> asyncio.TimerHandle | None:
        if not timeout:
            return None
        left = timeout - self.queue_time
        return asyncio.get_running_loop().call_later(left, self._strike)

    def _strike(self) -> None:
        if self._task is not None and not self._timed_out:
            self._timed_out = True
            self._task.cancel()

    async def _follow(self) -> HTTPResponse:
        request = self._request
        url = request.url
        redirects_left = request.max_redirects
        while True:
            target = Target(url)
            delegate = await self._fetch_once(request, target)
            start_line = delegate.start_line
            assert start_line is not None
            location = delegate.headers.get("Location")
            if not (request.follow_redirects and start_line.code in REDIRECTS and location):
                return self._respond(url, delegate)
            if redirects_left <= 0:
                return self._respond(url, delegate)
            redirects_left -= 1
            url = urljoin(url, location)
            request = _redirected(request, start_line.code, target, Target(url), url)

    async def _fetch_once(self, request: EffectiveRequest, target: Target) -> _ResponseDelegate:
        headers = request_headers(request, target)
        origin = Origin(
            target.parts.scheme,
            target.host,
            target.port,
            tls_key(request) if target.parts.scheme == "https" else None,
            request.network_interface,
            socket.AF_INET if request.allow_ipv6 is False else socket.AF_UNSPEC,
        )
        reused = self._client.pool.take(origin)
        if reused is not None:
            delegate = await self._talk(reused, origin, request, target, headers)
            if delegate.start_line is not None:
                return delegate
            # The server closed the kept connection before it saw the request.
            if request.method not in IDEMPOTENT or request.body_producer is not None:
                raise HTTPStreamClosedError("Stream closed")
        connection = await self._connect(origin, request, target)
        delegate = await self._talk(connection, origin, request, target, headers)
        if delegate.start_line is None:
            raise HTTPStreamClosedError("Stream closed")
        return delegate

    async def _connect(
        self, origin: Origin, request: EffectiveRequest, target: Target
    ) -> HTTP1Connection:
        self._phase = "while connecting"
        client = self._client
        client.connections_opened += 1
        secure = target.parts.scheme == "https"
        context: ssl.SSLContext | dict[str, Any] | None = None
        if secure:
            # An empty dictionary asks for the context that all clients share.
            context = tls_options(request) or {}
        timer = self._arm(request.connect_timeout)
        try:
            stream = await client.tcp_client.connect(
                target.host,
                target.port,
                af=socket.AddressFamily(origin.family),
                ssl_options=context,
                max_buffer_size=client.max_buffer_size,
                source_ip=request.network_interface,
            )
        finally:
            if timer is not None:
                timer.cancel()
        stream.set_nodelay(True)
        return HTTP1Connection(
            stream,
            True,
            HTTP1ConnectionParameters(
                max_header_size=client.max_header_size,
                max_body_size=client.max_body_size,
                decompress=False,
            ),
        )

    async def _talk(
        self,
        connection: HTTP1Connection,
        origin: Origin,
        request: EffectiveRequest,
        target: Target,
        headers: HTTPHeaders,
    ) -> _ResponseDelegate:
        """Send the request and read the response on one connection."""
        self._phase = "during request"
        delegate = _ResponseDelegate(request, self._client.max_body_size)
        receiver: HTTPMessageDelegate = delegate
        if request.decompress_response:
            receiver = GunzipDelegate(delegate, 65536, self._client.max_body_size)
        kept = False
        try:
            start_line = RequestStartLine(request.method, target.request_target, "HTTP/1.1")
            body = request.body
            at_once = body if body and not request.expect_100_continue else None
            connection.write_headers(start_line, headers, at_once)
            reading = connection.read_response(receiver)
            if at_once is None:
                await self._send_body(connection, request, reading)
            elif not reading.done():
                connection.finish()
            await reading
            if connection.input_error is not None:
                raise connection.input_error
            if delegate.start_line is not None and not delegate.complete:
                raise HTTPStreamClosedError("Connection closed")
            kept = delegate.complete
            return delegate
        finally:
            if kept:
                self._client.pool.give_back(origin, connection)
            else:
                connection.close()

    async def _send_body(
        self,
        connection: HTTP1Connection,
        request: EffectiveRequest,
        reading: asyncio.Future[None],
    ) -> None:
        if request.expect_100_continue:
            proceed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def go_on() -> None:
                if not proceed.done():
                    proceed.set_result(None)

            connection.continue_callback = go_on
            await asyncio.wait((proceed, reading), return_when=asyncio.FIRST_COMPLETED)
            connection.continue_callback = None
            if not proceed.done():
                # The server has answered without wanting the body, so the connection is of no
                # further use.
                connection.no_keep_alive = True
                return
            if request.body:
                connection.write(request.body)
        if request.body_producer is not None:
            produced = request.body_producer(connection.write)
            if produced is not None:
                await convert_yielded(produced)
        if not reading.done():
            connection.finish()

    def _respond(self, url: str, delegate: _ResponseDelegate) -> HTTPResponse:
        assert delegate.start_line is not None
        request = self._request
        streamed = request.streaming_callback is not None
        return HTTPResponse(
            request,
            delegate.start_line.code,
            reason=delegate.start_line.reason or None,
            headers=HTTPHeaders() if request.header_callback is not None else delegate.headers,
            buffer=BytesIO(b"" if streamed else b"".join(delegate.chunks)),
            effective_url=url,
            request_time=time.monotonic() - self._started + self.queue_time,
            time_info={"queue": self.queue_time},
            start_time=self._start_time,
        )

    def _failed(self, error: BaseException) -> HTTPResponse:
        if isinstance(error, HTTPInputError):
            error = HTTPStreamClosedError(to_unicode(str(error)))
        return HTTPResponse(
            self._request,
            599,
            error=error,
            request_time=time.monotonic() - self._started + self.queue_time,
            time_info={"queue": self.queue_time},
            start_time=self._start_time,
        )


def _redirected(
    request: EffectiveRequest, code: int, source: Target, target: Target, url: str
) -> EffectiveRequest:
    """Return the request that follows a redirect (RFC 9110 section 15.4)."""
    old = request.request
    new = HTTPRequest.__new__(HTTPRequest)
    new.__dict__.update(old.__dict__)
    new.headers = old.headers.copy()
    new.url = url
    to_get = (code == 303 and old.method != "HEAD") or (code in (301, 302) and old.method == "POST")
    if to_get:
        new.method = "GET"
        new.body = None
        new.body_producer = None
        new.expect_100_continue = False
        for name in ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding"):
            new.headers.pop(name, None)
    new.headers.pop("Host", None)
    if source.origin != target.origin:
        # Credentials are for the origin that they were given for.
        new.auth_username = new.auth_password = None
        for name in ("Authorization", "Cookie"):
            new.headers.pop(name, None)
    elif source.parts.username is not None and target.parts.username is None:
        new.auth_username = new.auth_username or source.parts.username
        new.auth_password = new.auth_password or source.parts.password
    return EffectiveRequest(new, request._defaults)
