"""What the tests of the clients share: coroutines as tests, and a server that follows a script."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme

from tornado.simple_httpclient import SimpleAsyncHTTPClient

LIMIT = 20  # seconds after which a test that waits for something fails


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    async def run() -> None:
        async with asyncio.timeout(LIMIT):
            await pyfuncitem.obj(**arguments)

    asyncio.run(run())
    return True


class Request:
    """What a scripted server has read."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target, _ = self.line.split(" ")
        parts = [line.partition(":") for line in lines[1:] if line]
        self.fields = [(name, value.strip()) for name, _, value in parts]
        self.headers = {name.lower(): value for name, value in self.fields}
        self.body = b""


class Peer:
    """One connection, from the server's side."""

    def __init__(
        self, server: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.number = server.connections
        self.reader = reader
        self.writer = writer
        self.requests = 0

    async def head(self) -> Request | None:
        """Read the head of a request; `None` when the client closes instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        request = Request(head)
        self.requests += 1
        self.server.requests.append(request)
        return request

    async def request(self) -> Request | None:
        """Read a request with its body; `None` when the client closes instead."""
        request = await self.head()
        if request is not None:
            await self.body(request)
        return request

    async def body(self, request: Request) -> None:
        if "content-length" in request.headers:
            request.body = await self.reader.readexactly(int(request.headers["content-length"]))
        elif "transfer-encoding" in request.headers:
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                request.body += (await self.reader.readexactly(size + 2))[:-2]
            assert await self.reader.readexactly(2) == b"\r\n"

    async def send(self, data: bytes) -> None:
        """Send; a client that has left ends the script."""
        self.writer.write(data)
        await self.writer.drain()

    async def closed(self) -> None:
        """Wait until the client has closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def reset(self) -> None:
        """Close so that the client gets an error."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class Scripted:
    """A server on loopback that does what a test's script says, and counts."""

    def __init__(
        self,
        script: Script | Callable[[Request], bytes],
        *,
        tls: ssl.SSLContext | None = None,
        path: str | None = None,
        **client_options: Any,
    ) -> None:
        self._script = script
        self._tls = tls
        self._path = path
        self._client_options = client_options
        self._peers: list[Peer] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: list[SimpleAsyncHTTPClient] = []
        self.connections = 0
        self.requests: list[Request] = []

    async def __aenter__(self) -> Scripted:
        if self._path is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
            self.port = self._server.sockets[0].getsockname()[1]
        else:
            self._server = await asyncio.start_unix_server(self._accept, self._path, ssl=self._tls)
            self.port = 80
        host = "127.0.0.1" if self._tls is None else "localhost"
        self.url = f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"
        self.client = self.new_client(**self._client_options)
        return self

    async def __aexit__(self, *args: object) -> None:
        for client in self._clients:
            client.close()
        self._server.close()
        for peer in self._peers:
            # One that is closed has lost its loop.
            if not peer.writer.transport.is_closing():
                peer.writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        expected = (ConnectionError, EOFError, ssl.SSLError)
        if args[0] is None:
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, expected):
                    raise result

    def new_client(self, **options: Any) -> SimpleAsyncHTTPClient:
        client = SimpleAsyncHTTPClient(force_instance=True, **options)
        self._clients.append(client)
        return client

    async def fetch(self, path: str = "/", **arguments: Any) -> Any:
        return await self.client.fetch(self.url + path, **arguments)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = Peer(self, reader, writer)
        self._peers.append(peer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if inspect.iscoroutinefunction(self._script):
                await self._script(peer)
            else:
                while (request := await peer.request()) is not None:
                    await peer.send(self._script(request))
        except (asyncio.CancelledError, ConnectionError):
            pass  # The test is over, or the client has left.
        finally:
            writer.close()


def reply(body: bytes | str = b"", *fields: str, code: int = 200) -> bytes:
    """Return the bytes of a response."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {code} Reason", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def curled() -> type[Scripted]:
    """The same for the curl client."""
    pytest.importorskip("pycurl", reason="an optional package")
    from tornado.curl_httpclient import CurlAsyncHTTPClient

    class CurlScripted(Scripted):
        def new_client(self, **options: Any) -> Any:
            client: Any = CurlAsyncHTTPClient(force_instance=True, **options)
            self._clients.append(client)
            return client

    return CurlScripted


@pytest.fixture(name="reply")
def _reply() -> Callable[..., bytes]:
    return reply


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority for certificates."""
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """What a server for ``localhost`` and the loopback addresses needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    return context
