"""One fetch, from its connection to its response, redirects included.

Nothing of it is a task while it isn't needed: a request whose connection is there already is
written at once, and the connection calls when the response is complete. Tasks make connections, and
write bodies that have to be waited for.

An exchange ends in exactly one of three ways: with a response (`complete`), with an error (`fail`),
or because nobody waits for it any more (`abandon`). Each gives its place and its connection back.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import os
import time
from collections.abc import Callable, Coroutine
from io import BytesIO
from typing import TYPE_CHECKING, Any

from tornado._http1 import grammar
from tornado._httpclient.request import IDEMPOTENT, EffectiveRequest
from tornado._httpclient.response import HTTPResponse
from tornado._simple_client.attempt import Attempt
from tornado._simple_client.credentials import Challenges, proxy_credentials
from tornado._simple_client.errors import (
    HTTPStreamClosedError,
    HTTPTimeoutError,
    cancelled_elsewhere,
)
from tornado._simple_client.phases import DONE, LOOKUP, QUEUED, SENDING, WAITING, Phase
from tornado._simple_client.pool import Route
from tornado._simple_client.redirect import next_request, without_expectation
from tornado._simple_client.target import Target, request_headers, target_of
from tornado._simple_client.tls import tls_key
from tornado._simple_client.upload import Upload
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine
from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from tornado._simple_client.client import SimpleAsyncHTTPClient

LARGE_BODY = 65536  # bytes of a body that a server which refuses it may leave unread


class Exchange:
    """A fetch of one request.

    :arg client: has the limits, the pool and the means to connect.
    :arg request: what to fetch, seen through the client's defaults.
    :arg callback: gets the response, also one that tells of an error.
    """

    __slots__ = (
        "_attempt",
        "_callback",
        "_client",
        "_context",
        "_created",
        "_delivery",
        "_known_challenges",
        "_moments",
        "_original",
        "_redirects",
        "_route",
        "_started",
        "_started_hop",
        "_target",
        "_task",
        "_wall_time",
        "body_limit",
        "deadline",
        "decompress",
        "has_listeners",
        "phase",
        "request",
        "url",
    )

    _route: Route
    _target: Target
    _started: float
    _started_hop: float

    def __init__(
        self,
        client: SimpleAsyncHTTPClient,
        request: EffectiveRequest,
        callback: Callable[[HTTPResponse], Any],
    ) -> None:
        asked = request.request
        defaults = request._defaults
        # Fetch.
        self._client = client
        self._original = self.request = request
        self._callback = callback
        self._wall_time = time.time()
        self._created = created = time.monotonic()
        timeout = asked.request_timeout
        if timeout is None:
            timeout = defaults["request_timeout"]
        self.deadline = created + timeout if timeout else math.inf
        self.phase: Phase = QUEUED
        self.url = asked.url
        decompress = asked.decompress_response
        self.decompress = defaults["decompress_response"] if decompress is None else decompress
        self._redirects = 0
        streams = asked.streaming_callback is not None or request.sink is not None
        self.body_limit = client.max_body_size if streams else client.max_buffered_size
        self.has_listeners = streams or asked.header_callback is not None
        # The callbacks' context is the caller's, whoever is the first to use a connection.
        self._context: contextvars.Context | None = None
        if self.has_listeners or asked.body_producer is not None:
            self._context = contextvars.copy_context()
        # Hop.
        self._attempt: Attempt | None = None
        self._task: asyncio.Task[None] | None = None
        # What a callback that is a coroutine function still does with a piece of the body.
        self._delivery: asyncio.Task[None] | None = None
        self._moments: dict[str, float] | None = None
        self._known_challenges: Challenges | None = None

    # -- for the client

    def start(self) -> None:
        """Begin: there is a place for it."""
        self._started = self._started_hop = now = time.monotonic()
        if self.deadline <= now:
            self.strike()
        else:
            self._next_hop()

    def strike(self) -> None:
        """The time for the request is over."""
        if self.phase is SENDING and self._has_sent():
            self.phase = WAITING
        self.fail(HTTPTimeoutError(f"Timeout {self.phase.value}"))

    def abandon(self) -> None:
        """Give up without a word: nobody waits for the response."""
        if self.phase is not DONE:
            self._end()

    # -- hops

    def _next_hop(self) -> None:
        try:
            request = self.request
            self._target = target = target_of(self.url)
            headers = request_headers(request, target)
            self._route = route = self._find_route(request, target)
            # What can't be sent again needs a connection that lives.
            connection = self._client.pool.take(route, surely=not self._may_repeat(request))
            if connection is None:
                self._connect(headers)
            else:
                self._send_or_close(connection, headers, reused=True)
        except Exception as error:
            self.fail(error)

    def _find_route(self, request: EffectiveRequest, target: Target) -> Route:
        asked = request.request
        defaults = request._defaults
        values = (
            asked.proxy_host,
            asked.network_interface,
            asked.unix_socket,
            asked.allow_ipv6,
        )
        if values == _ORDINARY and not target.secure and defaults.keys().isdisjoint(_ROUTING):
            return target.plain_route
        proxy = proxy_of(request)
        unix_socket = request.unix_socket
        if proxy is not None and unix_socket is not None:
            raise ValueError("unix_socket and proxy_host exclude each other")
        plain_proxy = proxy is not None and not target.secure
        return Route(
            target.parts.scheme,
            # A proxy's connection serves requests to all servers.
            "" if plain_proxy else target.host.lower(),
            0 if plain_proxy else target.port,
            tls_key(request) if target.secure else None,
            request.network_interface,
            request.allow_ipv6 is not False,
            proxy,
            None if unix_socket is None else os.fspath(unix_socket),
        )

    def _may_repeat(self, request: EffectiveRequest) -> bool:
        asked = request.request
        return asked.method in IDEMPOTENT and asked.body_producer is None

    def _connect(self, headers: HTTPHeaders) -> None:
        self.phase = LOOKUP
        self._moments = {}
        self._client.connections_opened += 1
        # Connections outlive the fetch that needed them first, so they don't keep its context.
        self._run(self._dial(headers), contextvars.Context())

    async def _dial(self, headers: HTTPHeaders) -> None:
        self._client.end_with_loop()
        request = self.request
        timeout = request.connect_timeout
        try:
            async with asyncio.timeout(timeout or None):
                connection = await self._client.dialer.dial(
                    self._route, request, self._target, self
                )
        except TimeoutError as error:
            # Systems have limits of their own, which are shorter where a timeout is long.
            self.fail(error if error.errno else HTTPTimeoutError(f"Timeout {self.phase.value}"))
        except asyncio.CancelledError as error:
            # If it wasn't the exchange that did it, something that connecting waits for was
            # cancelled.
            if self._task is not None:
                self.fail(cancelled_elsewhere("connecting", error))
            raise
        except Exception as error:
            self.fail(error)
        else:
            self._task = None
            if self.phase is DONE:
                connection.close()
                return
            try:
                self._send_or_close(connection, headers, reused=False)
            except Exception as error:
                self.fail(error)

    def note(self, name: str, moment: float) -> None:
        """A step of connecting is done (`tornado._simple_client.dial.Progress`)."""
        if self._moments is not None:
            self._moments[name] = moment

    def _send_or_close(
        self, connection: HTTP1Connection, headers: HTTPHeaders, *, reused: bool
    ) -> None:
        try:
            self._send(connection, headers, reused=reused)
        except Exception:
            connection.close()
            raise

    def _has_sent(self) -> bool:
        """Whether the system has taken all of the request."""
        if self._attempt is None:
            return False
        connection = self._attempt.connection
        return connection.has_finished and not connection.stream.write_buffer_size

    def _send(self, connection: HTTP1Connection, headers: HTTPHeaders, *, reused: bool) -> None:
        request = self.request
        asked = request.request
        target = self._target
        request_target = target.request_target
        if self._route.proxy is not None:
            if target.secure:
                # It's for the proxy alone, which was shown it when the tunnel was made.
                headers.pop("Proxy-Authorization", None)
            else:
                request_target = target.absolute_form
                self._authorize_with_proxy(headers, request_target)
        if request.auth_mode == "digest":
            self._challenges.authorize(request, target, headers)
        if not self._client.keep_alive:
            headers._values["Connection"] = "close"
        elif "Connection" in headers._values and _asks_to_close(headers):
            # RFC 9112 section 9.6: nothing is sent after that.
            connection.no_keep_alive = True
        self._attempt = attempt = Attempt(self, connection, reused)
        body = asked._body
        waits = asked.body_producer is not None or (bool(body) and asked.expect_100_continue)
        self.phase = SENDING
        connection.write_headers(
            RequestStartLine(asked.method, request_target, "HTTP/1.1"),
            headers,
            None if waits else body,
        )
        if not waits:
            attempt.body_begun = True
            connection.finish()
            if not connection.stream.write_buffer_size:
                self.phase = WAITING
        connection.read_response(attempt)
        if waits and self._attempt is attempt:
            self._run(Upload(self, attempt).run(), self._context)

    def _authorize_with_proxy(self, headers: HTTPHeaders, request_target: str) -> None:
        if "Proxy-Authorization" not in headers:
            value = proxy_credentials(
                self.request, self.request.method, request_target, self._client.digests
            )
            if value is not None:
                headers["Proxy-Authorization"] = value

    @property
    def _is_for_proxy(self) -> bool:
        """Whether a proxy sees the request and answers it, rather than pass bytes on."""
        return self._route.proxy is not None and not self._target.secure

    @property
    def _challenges(self) -> Challenges:
        if self._known_challenges is None:
            self._known_challenges = Challenges(self._client.digests)
        return self._known_challenges

    # -- what comes back

    def followup_of(self, attempt: Attempt) -> EffectiveRequest | None:
        """Return the request that has to follow a response, `None` if it's what was asked for."""
        start_line = attempt.start_line
        assert start_line is not None
        code = start_line.code
        request = self.request
        following = next_request(request, self.url, code, attempt.headers, self._redirects)
        if following is not None:
            self._redirects += 1
            self._known_challenges = None
            self.url = following.request.url
            return following
        if code == 401:
            again = self._challenges.takes_up(request, self._target, attempt.headers)
            return request if again else None
        if code == 407 and self._is_for_proxy:
            again = self._challenges.takes_up_for_proxy(request, attempt.headers)
            return request if again else None
        if code == 417 and request.expect_100_continue and not attempt.body_begun:
            return without_expectation(request)
        return None

    def complete(self, attempt: Attempt) -> None:
        """A response has come whole."""
        connection = attempt.connection
        task = self._task
        if task is not None and not connection.has_finished:
            self._task = None
            if connection.has_written_all:
                # The body has gone out; what its producer has left to do is its own business.
                connection.finish()
            else:
                # RFC 9112 section 9.5: the server has answered without wanting the rest.
                task.cancel()
        self._attempt = attempt.exchange = None
        self._give_back(connection, attempt)
        if attempt.followup is None:
            self._respond(attempt)
            return
        self.request = attempt.followup
        self._started_hop = time.monotonic()
        self._next_hop()

    def _give_back(self, connection: HTTP1Connection, attempt: Attempt) -> None:
        announced = None
        start_line = attempt.start_line
        if start_line is not None:
            code = start_line[1]
            # RFC 9110 section 15.2.2: after 101 another protocol is spoken there.
            if code == 101 or (code >= 400 and _may_be_unread(attempt)):
                connection.close()
                return
            if "Keep-Alive" in attempt.headers._values:
                announced = attempt.headers["Keep-Alive"]
        self._client.pool.give_back(self._route, connection, announced)

    def lost(self, attempt: Attempt) -> None:
        """The connection was closed before the response was whole."""
        connection = attempt.connection
        self._attempt = attempt.exchange = None
        if attempt.followup is not None and attempt.start_line is not None:
            # Nobody wants the rest.
            attempt.exchange = self
            self.complete(attempt)
        elif connection.input_error is not None:
            self.fail(connection.input_error)
        elif attempt.start_line is not None:
            self.fail(HTTPStreamClosedError("Connection closed before the response was complete"))
        elif attempt.reused and self._may_repeat(self.request):
            # The server closed the kept connection before it saw the request.
            self._cancel_task()
            try:
                self._connect(request_headers(self.request, self._target))
            except Exception as error:
                self.fail(error)
        else:
            self.fail(HTTPStreamClosedError("Stream closed before the response"))

    # -- the end

    def fail(self, error: BaseException) -> None:
        """End with an error."""
        if self.phase is DONE:
            return
        if isinstance(error, StreamClosedError):
            error = error.real_error or HTTPStreamClosedError("Stream closed")
        elif isinstance(error, HTTPInputError):
            error = HTTPStreamClosedError(str(error))
        now = time.monotonic()
        left_queue = now if self.phase is QUEUED else self._started
        self._end_with(
            HTTPResponse(
                self._original,
                599,
                error=error,
                effective_url=self.url,
                request_time=now - self._created,
                time_info={"queue": left_queue - self._created},
                start_time=self._wall_time,
            )
        )

    def _respond(self, attempt: Attempt) -> None:
        assert attempt.start_line is not None
        now = time.monotonic()
        _, code, reason = attempt.start_line
        body = b"".join(attempt.chunks or ())
        response = HTTPResponse(
            self._original,
            code,
            # Documented API version 2.x: whoever gets the lines has the headers already.
            HTTPHeaders()
            if self.has_listeners and self._original.header_callback is not None
            else attempt.headers,
            BytesIO(body),
            self.url,
            None,
            now - self._created,
            self._time_info(attempt.first_byte, now),
            reason or None,
            self._wall_time,
        )
        self._end_with(response)

    def _end_with(self, response: HTTPResponse) -> None:
        # The frames in an error's traceback lead to the exchange, which must not lead back to who
        # gets the error.
        callback, self._callback = self._callback, _nobody
        self._end()
        callback(response)

    def _time_info(self, first_byte: float, now: float) -> dict[str, float]:
        """Return how many seconds after its start the fetch came to each point."""
        started = self._started
        moments = self._moments or _NO_MOMENTS
        connected = moments.get("connect", 0.0)
        hop = self._started_hop
        return {
            "queue": started - self._created,
            "namelookup": moments.get("namelookup", hop) - started,
            "connect": (connected or hop) - started,
            "appconnect": moments["appconnect"] - started if "appconnect" in moments else 0.0,
            "pretransfer": max(connected, moments.get("appconnect", hop)) - started,
            "starttransfer": first_byte - started,
            "total": now - started,
            "redirect": hop - started,
        }

    def _end(self) -> None:
        """Give back what is in use."""
        self.phase = DONE
        self._cancel_task()
        delivery, self._delivery = self._delivery, None
        if delivery is not None and delivery is not asyncio.current_task(delivery.get_loop()):
            delivery.cancel()
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.exchange = None
            attempt.connection.close()
        # Nothing of it shall wait for the cycle collector.
        self._original.abandon = None
        self._client.release(self)

    def _cancel_task(self) -> None:
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task(task.get_loop()):
            task.cancel()

    # -- tools

    def call(self, function: Callable[..., Any], argument: Any) -> Any:
        """Call a callback of the request in its caller's context."""
        context = self._context
        # A coroutine's own callbacks are there already.
        if context is None:
            return function(argument)
        return context.run(IOLoop._call_surrounded, function, argument)

    def run_receiver(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let a callback of the request go on in its caller's context; the exchange's end ends
        it."""
        context = None if self._context is None else self._context.copy()
        loop = self._client.io_loop.asyncio_loop
        task: asyncio.Task[None] = loop.create_task(coroutine, context=context)
        self._delivery = task
        return task

    def _run(
        self, coroutine: Coroutine[Any, Any, None], context: contextvars.Context | None
    ) -> None:
        loop = self._client.io_loop.asyncio_loop
        self._task = loop.create_task(coroutine, context=context)


def _nobody(response: HTTPResponse) -> None:
    """Take the response of a fetch that has had its own."""


_NO_MOMENTS: dict[str, float] = {}
_ORDINARY = (None, None, None, None)
# The defaults of a client that change where connections go.
_ROUTING = frozenset(("proxy_host", "network_interface", "unix_socket", "allow_ipv6"))


def _asks_to_close(headers: HTTPHeaders) -> bool:
    return "close" in grammar.connection_options(headers["Connection"])


def _may_be_unread(attempt: Attempt) -> bool:
    """Whether a server that refuses a request may have left its body unread.

    It would have to read it before the next request, but some don't get so far (Squid 5 after more
    than 64 KiB), and for the others a new connection is hardly slower.
    """
    asked = attempt.request.request
    if asked.body_producer is not None:
        return attempt.body_begun
    return attempt.body_begun and len(asked._body or b"") > LARGE_BODY


def proxy_of(request: EffectiveRequest) -> tuple[Any, ...] | None:
    """Return the proxy that a request wants: host, port, and as whom.

    :raises ValueError: it has no port, or an impossible one.
    """
    host = request.proxy_host
    if not host:
        return None
    if not request.proxy_port:
        raise ValueError("proxy_host needs proxy_port beside it")
    port = int(request.proxy_port)
    if not 0 < port < 65536:
        # Some systems would take the rest of a division by 65536.
        raise ValueError(f"no such proxy_port: {port}")
    if host[:1] == "[" and host[-1:] == "]":
        # As in a URL; resolvers know such addresses without the brackets.
        host = host[1:-1]
    shown = request.headers.get("Proxy-Authorization")
    return host, port, request.proxy_username, request.proxy_password, shown
