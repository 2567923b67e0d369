"""What the tests of the web framework share: a connection in memory, and a server in a thread."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from types import SimpleNamespace

import pytest

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, RequestStartLine
from tornado.netutil import bind_sockets
from tornado.web import Application

LIMIT = 10  # seconds after which a test has failed


class MemoryConnection:
    """An HTTP connection that remembers what is written to it."""

    def __init__(self, loop, *, protocol="http"):
        self._loop = loop
        self.done = loop.create_future()
        self.context = SimpleNamespace(remote_ip="192.0.2.1", protocol=protocol)
        self.start_line = None
        self.headers = None
        self.pieces = []
        self.finished = 0
        self.closed = False
        self.detached = False
        self.close_callback = None

    def _resolved(self):
        future = self._loop.create_future()
        future.set_result(None)
        return future

    def write_headers(self, start_line, headers, chunk=None):
        assert self.start_line is None
        self.start_line = start_line
        self.headers = headers.copy()
        if chunk:
            self.pieces.append(chunk)
        return self._resolved()

    def write(self, chunk):
        assert self.start_line is not None
        if chunk:
            self.pieces.append(chunk)
        return self._resolved()

    def finish(self):
        self.finished += 1
        if not self.done.done():
            self.done.set_result(None)

    def close(self):
        self.closed = True
        if not self.done.done():
            self.done.set_result(None)

    def detach(self):
        self.detached = True
        self.close()
        return "the stream"

    def set_close_callback(self, callback):
        self.close_callback = callback

    @property
    def code(self):
        return self.start_line.code

    @property
    def reason(self):
        return self.start_line.reason

    @property
    def body(self):
        return b"".join(self.pieces)

    @property
    def text(self):
        return self.body.decode()

    @property
    def set_cookies(self):
        return self.headers.get_list("Set-Cookie")


async def exchange(app, method="GET", uri="/", *, headers=(), body=b"", split=0, protocol="http"):
    """Give an application one request, and return the connection when the response is finished."""
    conn = MemoryConnection(asyncio.get_running_loop(), protocol=protocol)
    fields = HTTPHeaders({"Host": "www.example.com"})
    pairs = headers.items() if isinstance(headers, dict) else headers
    for name, value in pairs:
        if name == "Host":
            fields[name] = value
        else:
            fields.add(name, value)
    if body:
        fields["Content-Length"] = str(len(body))
    delegate = app.start_request(None, conn)
    waiting = delegate.headers_received(RequestStartLine(method, uri, "HTTP/1.1"), fields)
    if waiting is not None:
        await waiting
    step = split or len(body) or 1
    for start in range(0, len(body), step):
        waiting = delegate.data_received(body[start : start + step])
        if waiting is not None:
            await waiting
    delegate.finish()
    async with asyncio.timeout(LIMIT):
        await conn.done
        while app._running:
            await asyncio.wait(set(app._running))
    return conn


@pytest.fixture
def fetch():
    """Return a function that makes one request of an application in memory, and returns the
    connection.
    """

    def fetch(app, method="GET", uri="/", **options):
        return asyncio.run(exchange(app, method, uri, **options))

    return fetch


@pytest.fixture
def ask(fetch):
    """Return a function that makes one request of a single handler class, at any path."""

    def ask(handler, method="GET", uri="/", *, settings=None, **options):
        app = Application([("/.*", handler)], **(settings or {}))
        return fetch(app, method, uri, **options)

    return ask


class RunningServer:
    """An application on a port of its own, in a thread of its own."""

    def __init__(self, app, **options):
        self._app = app
        self._options = options
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(LIMIT)
        return self

    def __exit__(self, *exc_info):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = HTTPServer(self._app, **self._options)
        sockets = bind_sockets(0, "127.0.0.1", socket.AF_INET)
        self.port = sockets[0].getsockname()[1]
        server.add_sockets(sockets)
        self._ready.set()
        await self._stop.wait()
        server.stop()
        await server.close_all_connections()
        while self._app._running:
            await asyncio.wait(set(self._app._running))

    def connect(self):
        conn = socket.create_connection(("127.0.0.1", self.port), LIMIT)
        conn.settimeout(LIMIT)
        return conn

    def raw(self, data):
        """Send bytes, and return all that comes until the server closes."""
        with self.connect() as conn:
            conn.sendall(data)
            return receive_all(conn)

    def request(self, method, path, body=None, headers=None):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            conn.request(method, path, body, headers or {})
            response = conn.getresponse()
            return SimpleNamespace(
                code=response.status, headers=response.headers, body=response.read()
            )
        finally:
            conn.close()


def receive_all(conn):
    data = b""
    while True:
        try:
            piece = conn.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


@pytest.fixture
def serve():
    """Return a function that makes a context manager: the application on a real port."""
    return RunningServer


@pytest.fixture
def in_memory():
    """Return what tests need that run a loop of their own."""
    return SimpleNamespace(connection=MemoryConnection, exchange=exchange)
