"""`TCPClient`: names, families, races, time limits."""

from __future__ import annotations

import asyncio
import datetime
import errno
import pathlib
import socket
import ssl
from collections.abc import Coroutine
from typing import Any

import pytest

from tornado import tcpclient
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.netutil import Resolver
from tornado.tcpclient import TCPClient, by_turns
from tornado.tcpserver import TCPServer

CERTIFICATE = str(pathlib.Path(__file__).with_name("tls_localhost.pem"))


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(limited())


class Server(TCPServer):
    """Keeps the streams that it gets."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.streams: asyncio.Queue[tuple[IOStream, Any]] = asyncio.Queue()
        self.listen(0, "127.0.0.1")
        self.port = next(iter(self._sockets.values())).getsockname()[1]

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        self.streams.put_nowait((stream, address))


class Fixed(Resolver):
    """Answers with what it is told."""

    answer: list[Any] = []
    closed = False

    async def resolve(self, host: str, port: int, family: Any = socket.AF_UNSPEC) -> Any:
        return self.answer

    def close(self) -> None:
        self.closed = True


def fixed(*answer: Any) -> TCPClient:
    resolver = Fixed()
    resolver.answer = list(answer)
    return TCPClient(resolver=resolver)


def refusing() -> Any:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return (socket.AF_INET, sock.getsockname())


class Silent:
    """An address that doesn't answer: its backlog is full."""

    def __enter__(self) -> Any:
        self.sockets = [socket.socket()]
        self.sockets[0].bind(("127.0.0.1", 0))
        self.sockets[0].listen(0)
        address = self.sockets[0].getsockname()
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            self.sockets.append(client)
        return (socket.AF_INET, address)

    def __exit__(self, *args: object) -> None:
        for sock in self.sockets:
            sock.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connecting(host: str) -> None:
    async def main() -> None:
        server = Server()
        client = TCPClient(io_loop=None)
        stream = await client.connect(host, server.port, max_buffer_size=1234)
        assert type(stream) is IOStream
        assert stream.max_buffer_size == 1234
        other, address = await server.streams.get()
        assert address == stream.socket.getsockname()
        await stream.write(b"hello")
        assert await other.read_bytes(5) == b"hello"
        client.close()
        stream.close()
        other.close()
        server.stop()

    run(main())


def test_tls() -> None:
    async def main() -> None:
        server = Server(ssl_options={"certfile": CERTIFICATE})
        trusting = ssl.create_default_context(cafile=CERTIFICATE)
        stream = await TCPClient().connect("localhost", server.port, ssl_options=trusting)
        assert isinstance(stream, SSLIOStream)
        other, _ = await server.streams.get()
        await other.write(b"x")
        assert await stream.read_bytes(1) == b"x"
        stream.close()
        other.close()
        # C8: the name is checked.
        client = fixed((socket.AF_INET, ("127.0.0.1", server.port)))
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.connect("example.com", server.port, ssl_options=trusting)
        (await server.streams.get())[0].close()
        server.stop()

    run(main())


def test_bad_tls_options_leave_nothing_open() -> None:
    async def main() -> None:
        server = Server()
        with pytest.raises(ValueError, match="colour"):
            await TCPClient().connect("127.0.0.1", server.port, ssl_options={"colour": "red"})
        other, _ = await server.streams.get()
        assert await other.read_until_close() == b""
        server.stop()

    run(main())


def test_all_addresses_fail() -> None:
    async def main() -> None:
        with pytest.raises(StreamClosedError) as caught:
            await fixed(refusing(), refusing()).connect("host", 1)
        assert isinstance(caught.value.real_error, ConnectionRefusedError)
        with pytest.raises(OSError):
            await fixed().connect("host", 1)
        with pytest.raises(StreamClosedError):
            await fixed((12345, ("no such family", 1))).connect("host", 1)

    run(main())


def test_a_refusing_address_is_passed_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcpclient, "ATTEMPT_DELAY", 1000)

    async def main() -> None:
        server = Server()
        good = (socket.AF_INET, ("127.0.0.1", server.port))
        stream = await fixed(refusing(), refusing(), good).connect("host", 1)
        assert stream.socket.getpeername() == good[1]
        stream.close()
        (await server.streams.get())[0].close()
        server.stop()

    run(main())


def test_an_address_that_does_not_answer_is_raced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcpclient, "ATTEMPT_DELAY", 0.01)

    async def main() -> None:
        server = Server()
        good = (socket.AF_INET, ("127.0.0.1", server.port))
        with Silent() as silent:
            stream = await fixed(silent, silent, good).connect("host", 1)
            assert stream.socket.getpeername() == good[1]
        stream.close()
        (await server.streams.get())[0].close()
        server.stop()

    run(main())


@pytest.mark.parametrize("limit", [0.02, datetime.timedelta(milliseconds=20)])
def test_c9_a_time_limit_closes_what_was_begun(limit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """C9: while connecting, and during the handshake."""
    made: list[IOStream] = []

    class Noted(IOStream):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(tcpclient, "IOStream", Noted)

    async def main() -> None:
        with Silent() as silent:
            with pytest.raises(TimeoutError):
                await fixed(silent).connect("host", 1, timeout=limit)
        server = Server()
        with pytest.raises(TimeoutError):
            await TCPClient().connect("127.0.0.1", server.port, ssl_options={}, timeout=limit)
        other, _ = await server.streams.get()
        # The client's first message, and then the end.
        assert await other.read_until_close()
        server.stop()

    run(main())
    assert len(made) == 2
    assert all(stream.closed() for stream in made)


def test_the_source_can_be_chosen() -> None:
    async def main() -> None:
        server = Server()
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        for source in ({"source_ip": "127.0.0.1"}, {"source_port": port}):
            stream = await TCPClient().connect("127.0.0.1", server.port, **source)
            other, address = await server.streams.get()
            if "source_port" in source:
                assert address[1] == port
            stream.close()
            other.close()
        with pytest.raises(OSError) as caught:
            await TCPClient().connect("127.0.0.1", server.port, source_ip="192.0.2.1")
        assert caught.value.errno == errno.EADDRNOTAVAIL
        server.stop()

    run(main())


def test_only_its_own_resolver_is_closed() -> None:
    resolver = Fixed()
    TCPClient(resolver=resolver).close()
    assert not resolver.closed
    client = TCPClient()
    client.resolver = resolver
    client.close()
    assert resolver.closed


FOUR, SIX = socket.AF_INET, socket.AF_INET6


@pytest.mark.parametrize(
    "given, tried",
    [
        ([], []),
        ([(FOUR, 1)], [(FOUR, 1)]),
        ([(SIX, 1), (SIX, 2), (FOUR, 3)], [(SIX, 1), (FOUR, 3), (SIX, 2)]),
        ([(FOUR, 1), (SIX, 2), (FOUR, 3), (SIX, 4)], [(FOUR, 1), (SIX, 2), (FOUR, 3), (SIX, 4)]),
        ([(FOUR, 1), (SIX, 2), (SIX, 3)], [(FOUR, 1), (SIX, 2), (SIX, 3)]),
    ],
)
def test_families_take_turns(given: list[Any], tried: list[Any]) -> None:
    assert by_turns(given) == tried
