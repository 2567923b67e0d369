"""Test cases with a server and a client."""

from __future__ import annotations

import contextlib
from typing import Any

from tornado._testing.cases import AsyncTestCase
from tornado._testing.ports import bind_unused_port
from tornado._testing.timeouts import get_async_test_timeout
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer


class AsyncHTTPTestCase(AsyncTestCase):
    """A test case with a server for an application, and a client.

    .. code-block:: python

       class HelloTest(AsyncHTTPTestCase):
           def get_app(self):
               return Application([("/", HelloHandler)])

           def test_hello(self):
               response = self.fetch("/")
               self.assertEqual(response.code, 200)

    Both run on the test's loop, so a test must not block it: it uses `fetch`, or `gen_test` and
    the client.

    .. attribute:: http_client

       The client.

    .. attribute:: http_server

       The server, on a port of its own for each test.
    """

    http_client: AsyncHTTPClient
    http_server: HTTPServer
    _app: Any

    def setUp(self) -> None:
        """Start the server."""
        super().setUp()
        self._http = contextlib.ExitStack()
        # For tests whose setUp fails later on, or whose tearDown does.
        self.addCleanup(self._http.close)
        sock, self._port = bind_unused_port()
        self._http.callback(sock.close)
        self.http_client = self.get_http_client()
        self._http.callback(self.http_client.close)
        self._app = self.get_app()
        self.http_server = self.get_http_server()
        self._http.callback(self._end_server)
        self.http_server.add_sockets([sock])

    def tearDown(self) -> None:
        """Stop the server, and close its connections and the client's."""
        self._http.close()
        super().tearDown()

    def _end_server(self) -> None:
        server = self.http_server
        server.stop()
        limit = get_async_test_timeout()
        self._run(server.close_all_connections, limit, "closing the server's connections")
        del self.http_server
        del self._app

    def get_http_client(self) -> AsyncHTTPClient:
        """Return the client; subclasses may take another."""
        client: AsyncHTTPClient = AsyncHTTPClient()
        return client

    def get_http_server(self) -> HTTPServer:
        """Return the server, not listening yet."""
        server: HTTPServer = HTTPServer(self._app, **self.get_httpserver_options())
        return server

    def get_app(self) -> Any:
        """Return what answers the requests: a `tornado.web.Application`, or whatever else an
        `~tornado.httpserver.HTTPServer` takes. Subclasses have to define it."""
        raise NotImplementedError(f"{type(self).__qualname__} has no get_app")

    def get_httpserver_options(self) -> dict[str, Any]:
        """Return arguments for the server; subclasses may define some."""
        return {}

    def fetch(self, path: str, raise_error: bool = False, **kwargs: Any) -> HTTPResponse:
        """Fetch something from the server, and return the response.

        :arg path: path, or a whole URL.
        :arg raise_error: raise an error for responses that aren't 2xx. Without a response there is
            one anyway.
        :arg kwargs: arguments of `~tornado.httpclient.HTTPRequest`.

        .. versionchanged:: 5.0
           Added support for whole URLs.
        .. versionchanged:: 5.1
           Added ``raise_error``.
        """
        url = path if path.lower().startswith(("http://", "https://")) else self.get_url(path)
        response: HTTPResponse = self._run(
            lambda: self.http_client.fetch(url, raise_error=raise_error, **kwargs),
            get_async_test_timeout(),
            f"the fetch of {path}",
        )
        return response

    def get_http_port(self) -> int:
        """Return the server's port."""
        return self._port

    def get_protocol(self) -> str:
        """Return ``http``."""
        return "http"

    def get_url(self, path: str) -> str:
        """Return the URL of a path.

        :arg path: begins with a slash, and may have a query.
        """
        return f"{self.get_protocol()}://127.0.0.1:{self.get_http_port()}{path}"
