"""The fixtures of the pytest plugin. Each imports what it needs when it's used."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urljoin

import pytest

from tornado._testing.hosting import Host, adopt, hosted

if TYPE_CHECKING:
    import asyncio

    from tornado._testing.client import AsyncTestClient
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest
    from tornado.httpserver import HTTPServer
    from tornado.ioloop import IOLoop

_ADDRESS = "127.0.0.1"


# -- the loop


@pytest.fixture
def io_loop(request: pytest.FixtureRequest) -> Iterator[IOLoop]:
    """The event loop of the test, a `tornado.ioloop.IOLoop`.

    The test, if it's a coroutine, and its fixtures run on it. It's a new one for each test, or that
    of the plugin that the test is marked for.
    """
    with hosted(request) as host:
        yield host.io_loop


@pytest.fixture
async def _loop_that_runs_fixtures() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        # Another library's loop runs.
        return None


def _host(request: pytest.FixtureRequest, io_loop: Any) -> Host:
    return adopt(request.node, io_loop, request.addfinalizer)


# -- servers


@pytest.fixture
def app() -> NoReturn:
    """What the servers serve: a `tornado.web.Application`, or whatever else an HTTPServer takes.

    Each project has its own fixture of this name.
    """
    pytest.fail(
        "define a fixture named app, which returns the application that is to be served",
        pytrace=False,
    )


@pytest.fixture
def http_server(request: pytest.FixtureRequest, io_loop: IOLoop, app: Any) -> Iterator[HTTPServer]:
    """A server for ``app``, on a free port of this machine; a `tornado.httpserver.HTTPServer`."""
    with _serving(_host(request, io_loop), app, {}) as server:
        yield server


@pytest.fixture
def https_server(request: pytest.FixtureRequest, io_loop: IOLoop, app: Any) -> Iterator[HTTPServer]:
    """A server for ``app`` that speaks TLS, with a certificate for tests that ``http_client``
    trusts."""
    from tornado._testing.https import AsyncHTTPSTestCase

    options = {"ssl_options": AsyncHTTPSTestCase.default_ssl_options()}
    with _serving(_host(request, io_loop), app, options) as server:
        yield server


@contextlib.contextmanager
def _serving(host: Host, app: Any, options: dict[str, Any]) -> Iterator[HTTPServer]:
    from tornado._testing.ports import bind_unused_port
    from tornado.httpserver import HTTPServer

    sock, _ = bind_unused_port(address=_ADDRESS)
    server: HTTPServer | None = None

    async def start() -> HTTPServer:
        server: HTTPServer = HTTPServer(app, **options)
        server.add_sockets([sock])
        return server

    async def end(server: HTTPServer) -> None:
        server.stop()
        await server.close_all_connections()

    try:
        server = host.run(start, "the server")
        yield server
    finally:
        if server is not None:
            host.run(lambda: end(server), "the end of the server")
        sock.close()


def _port_of(server: HTTPServer) -> int:
    port: int = next(iter(server._sockets.values())).getsockname()[1]
    return port


@pytest.fixture
def http_port(http_server: HTTPServer) -> int:
    """The port of ``http_server``."""
    return _port_of(http_server)


@pytest.fixture
def https_port(https_server: HTTPServer) -> int:
    """The port of ``https_server``."""
    return _port_of(https_server)


@pytest.fixture
def http_url(http_port: int) -> str:
    """The URL of ``http_server``, without a slash at the end."""
    return f"http://{_ADDRESS}:{http_port}"


@pytest.fixture
def https_url(https_port: int) -> str:
    """The URL of ``https_server``, without a slash at the end."""
    return f"https://{_ADDRESS}:{https_port}"


class BaseURL:
    """A plugin with the fixture ``base_url``, for when no other has one of that name."""

    @pytest.fixture
    def base_url(self, http_url: str) -> str:
        """The URL of ``http_server``, without a slash at the end."""
        return http_url


def adopt_base_url(item: pytest.Function) -> None:
    """Where pytest-base-url has the fixture, and nobody has set it: let the test see the server's.

    :arg item: a test, its fixtures being set up.
    """
    values = item.funcargs
    server: Any = values.get("http_server")
    if server is not None and "base_url" in values and not values["base_url"]:
        values["base_url"] = f"http://{_ADDRESS}:{_port_of(server)}"


# -- clients


@pytest.fixture
def http_client(request: pytest.FixtureRequest, io_loop: IOLoop) -> Iterator[AsyncHTTPClient]:
    """A client of the test's own; a `tornado.httpclient.AsyncHTTPClient`."""
    from tornado.httpclient import AsyncHTTPClient

    defaults = {}
    if "https_server" in request.fixturenames:
        from tornado._testing.https import LOCALHOST

        defaults["ca_certs"] = str(LOCALHOST)

    async def make() -> AsyncHTTPClient:
        client: AsyncHTTPClient = AsyncHTTPClient(force_instance=True, defaults=defaults)
        return client

    client = _host(request, io_loop).run(make, "the client")
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def ws_client(
    request: pytest.FixtureRequest, io_loop: IOLoop, http_url: str
) -> Iterator[Callable[..., Awaitable[Any]]]:
    """A coroutine function that opens websockets: ``await ws_client("/chat")``.

    It takes a path on ``http_server``, a whole URL or a request, ``headers`` beside a path or a
    URL, and otherwise what `tornado.websocket.websocket_connect` takes. What it has opened is
    closed in the end. It needs the distribution tornado-websocket.
    """
    from tornado._testing.websockets import Websockets

    websockets = Websockets()
    base = "ws" + http_url.removeprefix("http")

    async def connect(url: str | HTTPRequest = "/", *args: Any, **kwargs: Any) -> Any:
        if isinstance(url, str):
            url = urljoin(base, url)
        return await websockets.open(url, *args, **kwargs)

    yield connect
    _host(request, io_loop).run(websockets.close, "the end of the websockets")


@pytest.fixture
def memory_client(
    request: pytest.FixtureRequest, io_loop: IOLoop, app: Any
) -> Iterator[AsyncTestClient]:
    """A client for ``app`` without sockets; a `tornado.testing.AsyncTestClient`."""
    from tornado._testing.client import AsyncTestClient

    client = AsyncTestClient(app)
    yield client
    _host(request, io_loop).run(client.close, "the end of the client")
