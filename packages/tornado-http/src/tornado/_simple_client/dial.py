"""Makes connections: by name or Unix socket, through proxies, with TLS."""

from __future__ import annotations

import asyncio
import contextvars
import re
import socket
import time
from typing import Any, Protocol

from tornado._http1 import grammar
from tornado._http1.connection import MAX_INTERIM_RESPONSES
from tornado._http1.writer import serialize_head
from tornado._httpclient.digest import DigestStore
from tornado._httpclient.request import EffectiveRequest
from tornado._httpclient.response import HTTPClientError
from tornado._simple_client.credentials import Challenges, proxy_credentials
from tornado._simple_client.interfaces import source_address
from tornado._simple_client.phases import CONNECT, HANDSHAKE, LOOKUP, PROXY, Phase
from tornado._simple_client.pool import Route
from tornado._simple_client.target import Target
from tornado._simple_client.tls import TLSContexts
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError
from tornado.netutil import Resolver
from tornado.tcpclient import TCPClient

MAX_PROXY_HEAD = 65536  # bytes of a proxy's answer
MAX_PROXY_BODY = 65536  # bytes of a proxy's explanation that are read to go on on its connection

_HEAD_END = re.compile(rb"\r?\n\r?\n")


class Progress(Protocol):
    """Is told how far a connection is."""

    phase: Phase

    def note(self, name: str, moment: float) -> None:
        """Something is done, at a moment of the monotonic clock."""


_current: contextvars.ContextVar[Progress | None] = contextvars.ContextVar("dialing", default=None)


class NotingResolver(Resolver):
    """Has another resolver do its work, and tells whoever connects when it's done.

    :arg resolver: the other one.
    """

    @classmethod
    def configurable_base(cls) -> type[NotingResolver]:
        """Return this class: which resolver is used has been decided already."""
        return NotingResolver

    @classmethod
    def configurable_default(cls) -> type[NotingResolver]:
        """Return this class."""
        return NotingResolver

    def initialize(self, resolver: Resolver) -> None:  # type: ignore[override]
        """Take the constructor's arguments."""
        self.resolver = resolver

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        """Look a host up; see `tornado.netutil.Resolver.resolve`."""
        found: list[tuple[int, Any]] = await self.resolver.resolve(host, port, family)
        progress = _current.get()
        if progress is not None:
            progress.phase = CONNECT
            progress.note("namelookup", time.monotonic())
        return found


class Dialer:
    """Makes the connections of a client.

    :arg tcp_client: connects to hosts.
    :arg params: for the connections.
    :arg max_buffer_size: limit in bytes of a stream's input buffer.
    :arg digests: what is known of servers that want digest authentication.
    """

    def __init__(
        self,
        tcp_client: TCPClient,
        params: HTTP1ConnectionParameters,
        max_buffer_size: int,
        digests: DigestStore,
    ) -> None:
        self.tcp_client = tcp_client
        self._params = params
        self._max_buffer_size = max_buffer_size
        self._digests = digests
        self._contexts = TLSContexts()

    async def dial(
        self,
        route: Route,
        request: EffectiveRequest,
        target: Target,
        progress: Progress,
        *,
        tunnels: bool = False,
    ) -> HTTP1Connection:
        """Connect.

        Cancelling it closes what was opened.

        :arg route: where to, and how.
        :arg request: has the credentials and certificates.
        :arg target: has the server's name.
        :arg progress: is told of each step.
        :arg tunnels: have a proxy pass bytes on even if they aren't TLS.
        :returns: a connection on which a request can be sent.
        :raises OSError: nothing can be connected to.
        :raises ssl.SSLError: the handshake failed.
        :raises HTTPClientError: a proxy doesn't want to connect.
        """
        # It can fail, and does so soonest before anything is connected.
        context = self._contexts.get(route.tls, request) if target.secure else None
        stream = await self._open(route, progress)
        try:
            progress.note("connect", time.monotonic())
            stream.set_nodelay(True)
            if route.proxy is not None and (tunnels or context is not None):
                progress.phase = PROXY
                stream = await self._tunnel(stream, route, request, target)
            if context is not None:
                progress.phase = HANDSHAKE
                stream = await _outcome(
                    stream.start_tls(False, ssl_options=context, server_hostname=target.server_name)
                )
                progress.note("appconnect", time.monotonic())
        except BaseException:
            stream.close()
            raise
        return HTTP1Connection(stream, True, self._params, target.host_header)

    async def _open(self, route: Route, progress: Progress) -> IOStream:
        if route.unix_socket is not None:
            progress.phase = CONNECT
            return await self._open_unix(route.unix_socket)
        progress.phase = LOOKUP
        host, port = (route.host, route.port) if route.proxy is None else route.proxy[:2]
        family = socket.AF_UNSPEC if route.ipv6 else socket.AF_INET
        source = None
        if route.source is not None:
            source, family = source_address(route.source, family)
        token = _current.set(progress)
        try:
            return await self.tcp_client.connect(
                host, port, af=family, max_buffer_size=self._max_buffer_size, source_ip=source
            )
        finally:
            _current.reset(token)

    async def _open_unix(self, path: str) -> IOStream:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream = IOStream(sock, max_buffer_size=self._max_buffer_size)
        try:
            return await _outcome(stream.connect(path))
        except BaseException:
            # A path may be none that there can be.
            stream.close()
            raise

    # -- proxies

    async def _tunnel(
        self, stream: IOStream, route: Route, request: EffectiveRequest, target: Target
    ) -> IOStream:
        """Have a proxy pass bytes on to the server (RFC 9110 section 9.3.6).

        :returns: the stream that is left, which is closed if it fails.
        """
        challenges = Challenges(self._digests)
        while True:
            try:
                again = await self._ask_to_connect(stream, request, target, challenges)
            except BaseException:
                stream.close()
                raise
            if again is None:
                return stream
            if not again:
                stream.close()
                stream = await self._open(route, _Unheard())

    async def _ask_to_connect(
        self, stream: IOStream, request: EffectiveRequest, target: Target, challenges: Challenges
    ) -> bool | None:
        """Ask a proxy once.

        :returns: `None` if the stream leads to the server now. Otherwise the proxy is to be asked
            again, with other credentials: whether that is possible on the same stream.
        :raises HTTPClientError: the proxy doesn't want to.
        """
        head = self._connect_head(request, target)
        try:
            await stream.write(head)
            start_line, headers = await _read_head(stream)
        except (HTTPInputError, UnsatisfiableReadError) as error:
            raise _refused(target, f"its answer can't be read: {error}") from error
        except StreamClosedError as error:
            raise _refused(
                target, f"the connection ended: {error.real_error or 'closed'}"
            ) from error
        if 200 <= start_line.code < 300:
            return None
        if start_line.code != 407 or not challenges.takes_up_for_proxy(request, headers):
            raise _refused(target, f"{start_line.code} {start_line.reason}")
        return await _skip_body(stream, start_line, headers)

    def _connect_head(self, request: EffectiveRequest, target: Target) -> bytes:
        authority = target.authority
        line = f"CONNECT {authority} HTTP/1.1"
        grammar.parse_request_line(line)
        fields = HTTPHeaders({"Host": authority})
        agent = request.headers.get("User-Agent") or request.user_agent
        if agent is not None:
            fields["User-Agent"] = agent
        credentials = request.headers.get("Proxy-Authorization")
        if credentials is None:
            credentials = proxy_credentials(request, "CONNECT", authority, self._digests)
        if credentials is not None:
            fields["Proxy-Authorization"] = credentials
        return serialize_head(line, fields)


def _refused(target: Target, reason: str) -> HTTPClientError:
    return HTTPClientError(599, f"the proxy doesn't connect to {target.authority}: {reason}")


async def _outcome(future: asyncio.Future[Any]) -> IOStream:
    """Wait for a stream, which is closed if the wait is cancelled, even at the last moment."""
    try:
        stream: IOStream = await future
    except asyncio.CancelledError:
        if not future.cancelled() and future.exception() is None:
            future.result().close()
        raise
    return stream


class _Unheard:
    """Progress that nobody follows: a connection that is made again has been counted before."""

    phase = CONNECT

    def note(self, name: str, moment: float) -> None:
        return None


async def _read_head(stream: IOStream) -> tuple[ResponseStartLine, HTTPHeaders]:
    for _ in range(MAX_INTERIM_RESPONSES + 1):
        data = await stream.read_until_regex(_HEAD_END, max_bytes=MAX_PROXY_HEAD)
        # RFC 9112 section 2.2: a line may end in LF alone.
        text = data.decode("latin-1").replace("\r\n", "\n")[:-1].replace("\n", "\r\n")
        line, _, block = text.partition("\r\n")
        start_line = grammar.parse_status_line(line)
        headers = grammar.parse_fields(block)
        if start_line.code >= 200:
            return start_line, headers
    raise HTTPInputError(f"more than {MAX_INTERIM_RESPONSES} interim responses")


async def _skip_body(stream: IOStream, start_line: ResponseStartLine, headers: HTTPHeaders) -> bool:
    """Read past a refusal's body, if what follows it can be used.

    :returns: whether another request can be sent.
    """
    options = grammar.connection_options(headers.get("Connection"))
    # No standard has the other name, but proxies do.
    options |= grammar.connection_options(headers.get("Proxy-Connection"))
    kept = "close" not in options and start_line.version == "HTTP/1.1"
    if not kept or "Transfer-Encoding" in headers or "Content-Length" not in headers:
        return False
    try:
        length = grammar.parse_content_length(headers["Content-Length"])
    except HTTPInputError:
        return False
    if length > MAX_PROXY_BODY:
        return False
    try:
        await stream.read_bytes(length)
    except StreamClosedError:
        return False
    return True
