"""Peers that renegotiate (RFC 5246, 7.4.1.1) while a stream is in use: OpenSSL's own programs, at
either end."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.tcpclient import TCPClient
from tornado.tcpserver import TCPServer

ROOT = pathlib.Path(__file__).parents[1]
CERTIFICATE = str(ROOT / "packages/tornado-ioloop/tests/tls_localhost.pem")
LIMIT = 30
SIZE = 5_000_000  # more than sockets keep

# From OpenSSL 3.0 on, servers allow it only if asked to; `ssl` has no name for that option.
ALLOW_CLIENT_RENEGOTIATION = 0x100


def run(main: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), LIMIT))


class Program:
    """OpenSSL's client or server, which obeys lines of input, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.input = process.stdin
        self.output = process.stdout

    def tell(self, text: bytes) -> None:
        self.input.write(text + b"\n")

    async def until(self, text: bytes) -> bytes:
        """Return what it says up to a text."""
        return await self.output.readuntil(text)


@contextlib.asynccontextmanager
async def openssl(*arguments: str) -> AsyncIterator[Program]:
    path = shutil.which("openssl")
    assert path is not None, "openssl is missing"
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2 * SIZE,
    )
    try:
        yield Program(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def connected_to_server() -> AsyncIterator[tuple[Program, IOStream]]:
    options = ("-cert", CERTIFICATE, "-tls1_2", "-naccept", "1", "-state")
    async with openssl("s_server", "-accept", "127.0.0.1:0", *options) as server:
        await server.until(b"ACCEPT 127.0.0.1:")
        port = int(await server.until(b"\n"))
        stream = await TCPClient().connect("localhost", port, ssl_options={"ca_certs": CERTIFICATE})
        await server.until(b"Secure Renegotiation IS supported\n")
        try:
            yield server, stream
        finally:
            stream.close()


# What the server says when it has asked.
ASKED = b"write hello request\n"


def test_a_server_asks_while_the_client_reads() -> None:
    async def main() -> None:
        async with connected_to_server() as (server, stream):
            for _ in range(3):
                reading = stream.read_until(b"\n")
                server.tell(b"r")
                await server.until(ASKED)
                server.tell(b"after it")
                assert await reading == b"after it\n"
                await stream.write(b"and back\n")
                await server.until(b"and back\n")
            assert stream.socket.version() == "TLSv1.2"

    run(main)


def test_a_server_asks_while_nobody_reads() -> None:
    """The client answers when it looks at its input again; until then output passes."""

    async def main() -> None:
        async with connected_to_server() as (server, stream):
            server.tell(b"r")
            await server.until(ASKED)
            await stream.write(b"unmoved\n")
            await server.until(b"unmoved\n")
            server.tell(b"go on")
            assert await stream.read_until(b"\n") == b"go on\n"
            await stream.write(b"still here\n")
            await server.until(b"still here\n")

    run(main)


@pytest.mark.parametrize("reading", [False, True])
def test_a_server_asks_while_output_is_under_way(reading: bool) -> None:
    async def main() -> None:
        async with connected_to_server() as (server, stream):
            answer = stream.read_until(b"\n") if reading else None
            writing = stream.write(b"~" * SIZE)
            assert not writing.done()
            # It takes no more than the pipe from it holds, until what it has is read.
            server.tell(b"r")
            end = stream.write(b"end\n")
            received = await server.until(b"end\n")
            assert ASKED in received
            assert received.count(b"~") == SIZE
            await writing
            await end
            server.tell(b"done")
            assert await (answer or stream.read_until(b"\n")) == b"done\n"

    run(main)


class Echo(TCPServer):
    """Answers lines, the one that says ``much`` with many bytes."""

    def __init__(self, allow: bool) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        if allow:
            context.options |= ALLOW_CLIENT_RENEGOTIATION
        super().__init__(ssl_options=context)
        self.ended: asyncio.Queue[Any] = asyncio.Queue()

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        assert isinstance(stream, SSLIOStream)
        try:
            while True:
                line = await stream.read_until(b"\n")
                if line == b"much\n":
                    await stream.write(b"~" * SIZE)
                await stream.write(b"<" + line)
        except StreamClosedError as error:
            self.ended.put_nowait(error.real_error)


@contextlib.asynccontextmanager
async def serving(*, allow: bool) -> AsyncIterator[tuple[Echo, Program]]:
    server = Echo(allow)
    [listening] = bind_sockets(0, "127.0.0.1", family=socket.AF_INET)
    server.add_socket(listening)
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with openssl("s_client", "-connect", address, "-tls1_2") as client:
            await client.until(b"Extended master secret")
            client.tell(b"first")
            await client.until(b"<first\n")
            yield server, client
    finally:
        server.stop()


async def answers_others(server: Echo) -> None:
    [listening] = server._sockets.values()
    port = listening.getsockname()[1]
    other = await TCPClient().connect("localhost", port, ssl_options={"ca_certs": CERTIFICATE})
    await other.write(b"another\n")
    assert await other.read_until(b"\n") == b"<another\n"
    other.close()
    await server.ended.get()


def test_a_client_renegotiates_with_a_server_that_allows_it() -> None:
    async def main() -> None:
        async with serving(allow=True) as (_, client):
            for _ in range(3):
                client.tell(b"R")
                await client.until(b"RENEGOTIATING\n")
                client.tell(b"after it")
                await client.until(b"<after it\n")

    run(main)


def test_a_client_that_gives_up_while_the_server_sends(caplog: pytest.LogCaptureFixture) -> None:
    """OpenSSL's client takes no data in the middle of a handshake: it ends with an alert."""

    async def main() -> None:
        async with serving(allow=True) as (server, client):
            client.tell(b"much")
            await client.until(b"~~~")
            client.tell(b"R")
            await client.until(b"unexpected record")
            await server.ended.get()
            await answers_others(server)

    run(main)
    assert not caplog.records


@pytest.mark.skipif(ssl.OPENSSL_VERSION_INFO < (3,), reason="older ones allow it")
def test_a_server_refuses_to_renegotiate_by_default(caplog: pytest.LogCaptureFixture) -> None:
    """Clients could let it work hard for little (CVE-2011-1473); others are served on."""

    async def main() -> None:
        async with serving(allow=False) as (server, client):
            client.tell(b"R")
            await client.until(b"no renegotiation")
            await server.ended.get()
            await answers_others(server)

    run(main)
    assert not caplog.records
