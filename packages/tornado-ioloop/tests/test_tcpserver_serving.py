"""`TCPServer` (NET statements)."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import socket
import ssl
from collections.abc import Coroutine
from typing import Any

import pytest

from tornado import gen
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.tcpserver import TCPServer

CERTIFICATE = str(pathlib.Path(__file__).with_name("tls_localhost.pem"))


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(limited())


class EchoServer(TCPServer):
    """Answers each line with itself."""

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        try:
            while True:
                await stream.write(await stream.read_until(b"\n"))
        except StreamClosedError:
            stream.close()


def ports_of(server: TCPServer) -> list[int]:
    return [sock.getsockname()[1] for sock in server._sockets.values()]


async def ask(port: int, line: bytes = b"hello\n", **tls: Any) -> bytes:
    stream = IOStream(socket.socket()) if not tls else SSLIOStream(socket.socket(), **tls)
    await stream.connect(("127.0.0.1", port))
    await stream.write(line)
    answer: bytes = await stream.read_until(b"\n")
    stream.close()
    # Let the server see it.
    for _ in range(5):
        await asyncio.sleep(0)
    return answer


def test_net1_a_stream_for_each_connection() -> None:
    """NET-1: ``handle_stream(stream, address)``."""

    async def main() -> None:
        given: asyncio.Queue[Any] = asyncio.Queue()

        class Server(TCPServer):
            def handle_stream(self, stream: IOStream, address: Any) -> None:
                given.put_nowait((stream, address))

        server = Server(max_buffer_size=1000, read_chunk_size=100)
        server.listen(0, "127.0.0.1")
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", ports_of(server)[0])) as client:
                stream, address = await given.get()
                assert type(stream) is IOStream
                assert (stream.max_buffer_size, stream.read_chunk_size) == (1000, 100)
                assert address == client.getsockname()
                stream.close()
        server.stop()

    run(main())


def test_net2_listen_accepts_at_once_on_several_ports() -> None:
    """NET-2: without ``start``, and more than once."""

    async def main() -> None:
        server = EchoServer()
        server.listen(0, "127.0.0.1")
        server.listen(0, address="127.0.0.1", backlog=10, reuse_port=True)
        assert len(ports_of(server)) == 2
        for port in ports_of(server):
            assert await ask(port) == b"hello\n"
        server.stop()

    run(main())


def test_net3_bind_then_start_in_this_process() -> None:
    """NET-3, NET-4: ``start(1)`` doesn't fork; several binds are served."""

    async def main() -> None:
        server = EchoServer()
        server.bind(0, "127.0.0.1")
        server.bind(0, "127.0.0.1")
        assert ports_of(server) == []
        server.start(1)
        assert len(ports_of(server)) == 2
        for port in ports_of(server):
            assert await ask(port) == b"hello\n"
        server.bind(0, "127.0.0.1")
        assert await ask(ports_of(server)[2]) == b"hello\n"
        with pytest.raises(RuntimeError):
            server.start()
        server.stop()

    run(main())


def test_net6_ready_made_sockets() -> None:
    """NET-6: ``add_sockets`` and ``add_socket``."""

    async def main() -> None:
        server = EchoServer()
        server.add_sockets(bind_sockets(0, "127.0.0.1"))
        server.add_socket(bind_sockets(0, "127.0.0.1")[0])
        for port in ports_of(server):
            assert await ask(port) == b"hello\n"
        server.stop()

    run(main())


@pytest.mark.parametrize("options", ["dictionary", "context"])
def test_net7_ssl_options_make_a_tls_server(options: str) -> None:
    """NET-7: with a dictionary as with a context."""

    async def main() -> None:
        chosen: Any = {"certfile": CERTIFICATE, "keyfile": CERTIFICATE}
        if options == "context":
            chosen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            chosen.load_cert_chain(CERTIFICATE)
        server = EchoServer(ssl_options=chosen)
        server.listen(0, "127.0.0.1")
        port = ports_of(server)[0]
        client = {"ssl_options": {"ca_certs": CERTIFICATE}}
        assert await ask(port, **client) == b"hello\n"
        first = server._context
        assert await ask(port, **client) == b"hello\n"
        assert server._context is first
        server.stop()

    run(main())


def test_a_client_that_leaves_a_tls_server_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        server = EchoServer(ssl_options={"certfile": CERTIFICATE})
        server.listen(0, "127.0.0.1")
        port = ports_of(server)[0]
        socket.create_connection(("127.0.0.1", port)).close()
        assert await ask(port, ssl_options={"ca_certs": CERTIFICATE}) == b"hello\n"
        server.stop()

    run(main())
    assert not caplog.records


@pytest.mark.parametrize(
    "options, error",
    [
        ({}, KeyError),
        ({"keyfile": CERTIFICATE}, KeyError),
        ({"certfile": "/nonexistent"}, ValueError),
        ({"certfile": CERTIFICATE, "keyfile": "/nonexistent"}, ValueError),
    ],
)
def test_a_tls_server_needs_its_certificate(
    options: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        TCPServer(ssl_options=options)


def test_net8_bind_and_start_use_the_current_loop() -> None:
    """NET-8: there's no loop to give to ``start``."""

    async def main() -> None:
        loops: list[IOLoop] = []

        class Server(EchoServer):
            def handle_stream(self, stream: IOStream, address: Any) -> Any:
                loops.append(stream.io_loop)
                return super().handle_stream(stream, address)

        server = Server()
        server.bind(0, "127.0.0.1")
        server.start()
        await ask(ports_of(server)[0])
        assert loops == [IOLoop.current()]
        server.stop()

    run(main())


@pytest.mark.parametrize("form", ["keyword", "first", "first with options", "none first"])
def test_the_loop_may_be_given_in_its_old_places(form: str) -> None:
    async def main() -> None:
        loop = IOLoop.current()
        options = {"certfile": CERTIFICATE}
        if form == "keyword":
            server = EchoServer(io_loop=loop)
        elif form == "first":
            server = EchoServer(loop)  # type: ignore[arg-type]
        elif form == "first with options":
            server = EchoServer(loop, options, 1000)  # type: ignore[arg-type]
            assert server.max_buffer_size == 1000
        else:
            server = EchoServer(None, options)  # type: ignore[arg-type]
        assert server.ssl_options == (options if "first" in form and form != "first" else None)
        server.listen(0, "127.0.0.1")
        server.stop()

    run(main())


def test_net9_stop_ends_accepting_but_not_what_is_accepted() -> None:
    """NET-9: it may be called twice, and before anything is served."""

    async def main() -> None:
        server = EchoServer()
        server.listen(0, "127.0.0.1")
        port = ports_of(server)[0]
        stream = IOStream(socket.socket())
        await stream.connect(("127.0.0.1", port))
        await stream.write(b"one\n")
        await stream.read_until(b"\n")
        server.stop()
        server.stop()
        with pytest.raises(StreamClosedError):
            await IOStream(socket.socket()).connect(("127.0.0.1", port))
        await stream.write(b"two\n")
        assert await stream.read_until(b"\n") == b"two\n"
        stream.close()
        unstarted = EchoServer()
        unstarted.bind(0, "127.0.0.1")
        unstarted.stop()
        for _ in range(5):
            await asyncio.sleep(0)

    run(main())


def test_stopping_from_a_connection_stops_the_others() -> None:
    async def main() -> None:
        served: list[Any] = []

        class Server(TCPServer):
            def handle_stream(self, stream: IOStream, address: Any) -> None:
                served.append(address)
                stream.close()
                self.stop()

        server = Server()
        server.listen(0, "127.0.0.1")
        address = ("127.0.0.1", ports_of(server)[0])
        clients = [socket.create_connection(address) for _ in range(3)]
        while not served:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(served) == 1
        for client in clients:
            client.close()

    run(main())


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator"])
def test_errors_of_a_handler_are_logged_once_and_close_the_stream(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        failed = asyncio.Event()

        class Function(TCPServer):
            def handle_stream(self, stream: IOStream, address: Any) -> None:
                stream.set_close_callback(failed.set)
                raise ValueError("bug")

        class Native(TCPServer):
            async def handle_stream(self, stream: IOStream, address: Any) -> None:
                stream.set_close_callback(failed.set)
                raise ValueError("bug")

        class Generator(TCPServer):
            @gen.coroutine
            def handle_stream(self, stream: IOStream, address: Any) -> Any:
                stream.set_close_callback(failed.set)
                yield gen.moment
                raise ValueError("bug")

        server = {"function": Function, "coroutine": Native, "generator": Generator}[kind]()
        server.listen(0, "127.0.0.1")
        with socket.create_connection(("127.0.0.1", ports_of(server)[0])):
            await failed.wait()
            for _ in range(5):
                await asyncio.sleep(0)
        server.stop()

    run(main())
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in errors] == ["tornado.application"]
    assert errors[0].exc_info


def test_a_server_must_say_what_it_does() -> None:
    with pytest.raises(NotImplementedError):
        TCPServer().handle_stream(None, None)  # type: ignore[arg-type]
