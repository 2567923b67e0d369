"""A client for an application in the same process, for coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

from tornado._testing.cookies import CookieJar
from tornado._testing.journey import Journey
from tornado._testing.memory import MemoryStream
from tornado._testing.timeouts import get_async_test_timeout
from tornado._testing.transport import MemoryConnection, MemoryTransport
from tornado._testing.verbs import Verbs
from tornado._testing.websockets import Websockets
from tornado.httpclient import HTTPResponse, StreamedResponse
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.tcpclient import _connector


class AsyncTestClient(Verbs[Awaitable[HTTPResponse]]):
    """Sends requests to an application in the same process, without sockets.

    .. code-block:: python

       async with AsyncTestClient(application) as client:
           response = await client.get("/")
           assert response.body == b"Hello"

    Requests go through a `tornado.httpserver.HTTPServer` and `tornado.simple_httpclient`, over
    streams in memory. Whatever host a URL has, it's the application.

    An exception in a handler is raised by the request that has led to it. If there's none any more,
    or it was a websocket's, it's raised by what is done next with the client, at the latest when
    that is closed. An exception that `ExpectLog` waits for is answered with status 500.

    :arg app: the application, or whatever else an `~tornado.httpserver.HTTPServer` takes.
    :arg base_url: what paths belong to. With ``https`` the application is told that it's reached
        through TLS.
    :arg raise_errors: raise exceptions of handlers. Otherwise they're logged, and answered with
        status 500.
    :arg follow_redirects: what requests do that don't say it themselves.
    :arg headers: for all requests.
    :arg cookies: to begin with.
    :arg server_options: arguments for the server.

    .. attribute:: cookies

       The cookies, a mapping of names to values; those that responses set are kept.

    .. versionadded:: 6.100
    """

    #: For pytest, which takes classes of such names for tests.
    __test__ = False

    def __init__(
        self,
        app: Any,
        *,
        base_url: str = "http://testserver",
        raise_errors: bool = True,
        follow_redirects: bool = True,
        headers: dict[str, str] | HTTPHeaders | None = None,
        cookies: dict[str, str] | None = None,
        server_options: dict[str, Any] | None = None,
    ) -> None:
        self.base_url = base_url
        self.follow_redirects = follow_redirects
        self.headers = HTTPHeaders(headers or {})
        self.cookies = CookieJar()
        self.cookies.update(cookies or {})
        self._app = app
        self._server_options = server_options or {}
        self._raise_errors = raise_errors
        self._context = contextvars.copy_context()
        # While it's open.
        self._transport: MemoryTransport | None = None
        self._client: SimpleAsyncHTTPClient | None = None
        self._websockets: Websockets | None = None
        #: Exceptions that no request waits for.
        self._errors: list[Exception] = []

    # -- opening and closing

    async def __aenter__(self) -> AsyncTestClient:
        self._open()
        return self

    async def __aexit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._close()
        if value is None:
            self._raise_error()

    async def close(self) -> None:
        """Close all connections; ``async with`` does it too."""
        await self._close()
        self._raise_error()

    def _open(self) -> tuple[SimpleAsyncHTTPClient, MemoryTransport]:
        if self._client is None or self._transport is None:
            self._transport = MemoryTransport(
                self._app,
                self._server_options,
                self._on_error if self._raise_errors else None,
                self._context,
            )
            defaults = {"request_timeout": get_async_test_timeout()}
            client: SimpleAsyncHTTPClient = SimpleAsyncHTTPClient(
                force_instance=True, defaults=defaults
            )
            client.tcp_client.close()
            client.tcp_client = self._transport  # type: ignore[assignment]  # it connects like one
            self._client = client
        return self._client, self._transport

    async def _close(self) -> None:
        websockets, self._websockets = self._websockets, None
        if websockets is not None:
            await websockets.close()
        client, self._client = self._client, None
        transport, self._transport = self._transport, None
        if client is not None:
            client.close()
        if transport is not None:
            # Whoever goes on because of the end goes on now, and is heard.
            await asyncio.sleep(0)
            await transport.end()

    # -- requests

    async def fetch(self, path: str, raise_error: bool = False, **kwargs: Any) -> HTTPResponse:
        """Send a request, and return the response.

        :arg path: path, or a whole URL.
        :arg raise_error: raise an error for responses that aren't 2xx.
        :arg kwargs: arguments of `~tornado.httpclient.HTTPRequest`; ``json``, a value to be sent as
            JSON; ``form``, a dictionary to be sent as a form is.
        :raises Exception: whatever the handler has let out.
        """
        client, _ = self._open()
        journey = self._begin(path, kwargs)
        while True:
            response = await client.fetch(journey.request, raise_error=False)
            if not journey.goes_on(response.code, response.headers):
                break
        if raise_error:
            response.rethrow()
        return response

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, raise_error: bool = False, **kwargs: Any
    ) -> AsyncIterator[StreamedResponse]:
        """Send a request, and read the response's body while it comes.

        .. code-block:: python

           async with client.stream("/numbers") as response:
               async for chunk in response:
                   print(chunk)

        :arg path: path, or a whole URL.
        :arg raise_error: raise an error for responses that aren't 2xx.
        :arg kwargs: as for `fetch`.
        :returns: an asynchronous context manager, which gives a
            `~tornado.httpclient.StreamedResponse`.
        """
        client, _ = self._open()
        journey = self._begin(path, kwargs)
        goes_on = True
        while goes_on:
            async with client.stream(journey.request, raise_error=False) as response:
                goes_on = journey.goes_on(response.code, response.headers)
                if not goes_on:
                    if raise_error:
                        response.rethrow()
                    yield response

    def _begin(self, path: str, kwargs: dict[str, Any]) -> Journey:
        self._raise_error()
        headers = self._headers_with(kwargs)
        url = urljoin(self.base_url, path)
        return Journey(url, headers, self.cookies, self.follow_redirects, kwargs)

    def _headers_with(self, kwargs: dict[str, Any]) -> HTTPHeaders:
        headers = self.headers.copy()
        headers.update(HTTPHeaders(kwargs.pop("headers", None) or {}))
        return headers

    # -- websockets

    async def websocket(self, path: str = "/", **kwargs: Any) -> Any:
        """Open a websocket, which needs the distribution tornado-websocket.

        It's closed with the client at the latest.

        :arg path: path, or a whole URL.
        :arg kwargs: arguments of `tornado.websocket.websocket_connect`; ``headers`` are for its
            request.
        :returns: a `tornado.websocket.WebSocketClientConnection`.
        """
        if self._websockets is None:
            self._websockets = Websockets()
        _, transport = self._open()
        self._raise_error()
        url = urljoin(self.base_url, path)
        headers = self._headers_with(kwargs)
        self.cookies.add_to(headers, url)
        if url.startswith("http"):
            url = "ws" + url.removeprefix("http")
        token = _connector.set(transport.connect)
        try:
            return await self._websockets.open(url, headers=headers, **kwargs)
        finally:
            _connector.reset(token)
            self._raise_error()

    # -- exceptions of handlers

    def _on_error(self, connection: MemoryConnection, error: Exception) -> None:
        # The handler goes on to answer; the client isn't there for it any more.
        asyncio.get_running_loop().call_soon(self._fail, connection.stream, error)

    def _fail(self, stream: MemoryStream, error: Exception) -> None:
        """Let the request fail that has led to an error."""
        for exchange in list(self._client.active) if self._client is not None else ():
            attempt = exchange._attempt
            if attempt is not None and attempt.connection.stream is stream:
                exchange.fail(error)
                return
        self._errors.append(error)

    def _raise_error(self) -> None:
        errors, self._errors = self._errors, []
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("exceptions in handlers", errors)
