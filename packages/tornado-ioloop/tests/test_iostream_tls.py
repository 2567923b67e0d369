"""Streams that speak TLS."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import pathlib
import socket
import ssl
import threading
import weakref
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.netutil import ssl_wrap_socket

# A key and a self-signed certificate for localhost and 127.0.0.1.
CERTIFICATE = str(pathlib.Path(__file__).with_name("tls_localhost.pem"))


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(limited())


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def client_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATE)


def server_stream(sock: socket.socket, **options: Any) -> SSLIOStream:
    wrapped = ssl_wrap_socket(
        sock, server_context(), server_side=True, do_handshake_on_connect=False
    )
    return SSLIOStream(wrapped, **options)


@contextlib.asynccontextmanager
async def tls_pair(**options: Any) -> AsyncIterator[tuple[SSLIOStream, SSLIOStream]]:
    """A server's and a client's stream, with the handshake done."""
    ours, theirs = socket.socketpair()
    server = server_stream(ours, **options)
    client_future = IOStream(theirs, **options).start_tls(
        False, client_context(), server_hostname="localhost"
    )
    server_future = server.wait_for_handshake()
    client = await client_future
    assert await server_future is server
    try:
        yield server, client
    finally:
        server.close()
        client.close()
        await asyncio.sleep(0)


@contextlib.contextmanager
def accepting() -> Any:
    """A listening socket whose connections get a server's stream."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        streams: list[SSLIOStream] = []
        loop = asyncio.get_running_loop()

        def accept() -> None:
            connection, _ = listening.accept()
            streams.append(server_stream(connection))

        loop.add_reader(listening, accept)
        try:
            yield listening.getsockname(), streams
        finally:
            loop.remove_reader(listening)
            for stream in streams:
                stream.close()


@pytest.mark.parametrize("size", [1, 1000, 16384, 16385, 65536, 2_000_000])
def test_bytes_pass_both_ways(size: int) -> None:
    async def main() -> None:
        async with tls_pair() as (server, client):
            data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
            sending = client.write(data)
            assert await server.read_bytes(size) == data
            await sending
            both = [server.write(data), client.write(data)]
            assert await client.read_bytes(size) == data
            assert await server.read_bytes(size) == data
            await asyncio.gather(*both)

    run(main())


def test_large_output_is_taken_piece_by_piece() -> None:
    """What the peer has taken is not kept, and a quick peer doesn't get all of it at once."""

    async def main() -> None:
        async with tls_pair() as (server, client):
            size = 10_000_000
            sending = server.write(b"x" * size)
            before = server.write_buffer_size
            assert 0 < before < size
            await client.read_bytes(size // 2)
            assert server.write_buffer_size < before - size // 4
            await client.read_bytes(size - size // 2)
            await sending
            assert server.write_buffer_size == 0

    run(main())


def test_nothing_stays_behind_in_the_tls_layer() -> None:
    """What one record holds is read, however small the chunks of the stream are."""

    async def main() -> None:
        async with tls_pair(read_chunk_size=100) as (server, client):
            await client.write(b"x" * 16384 + b"end\n")
            assert await server.read_bytes(10) == b"x" * 10
            assert len(await server.read_until(b"end\n")) == 16384 + 4 - 10

    run(main())


class Collector:
    def __init__(self) -> None:
        self.data = bytearray()
        self.events: list[Any] = []
        self.changed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.changed.set()

    def eof_received(self) -> None:
        self.events.append("eof")

    def connection_lost(self, exc: BaseException | None) -> None:
        self.events.append(exc)
        self.changed.set()

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    async def until(self, condition: Any) -> None:
        while not condition(self):
            self.changed.clear()
            await self.changed.wait()


def test_the_push_interface_is_the_same() -> None:
    async def main() -> None:
        async with tls_pair() as (server, client):
            receiver = Collector()
            server.start_receiving(receiver)
            assert client.send(b"x" * 1000)
            await receiver.until(lambda r: len(r.data) == 1000)
            server.pause_reading()
            client.send(b"y" * 100_000)
            client.send(b"")
            server.resume_reading()
            await receiver.until(lambda r: len(r.data) == 101_000)
            client.close()
            await receiver.until(lambda r: r.events)
            assert receiver.events == ["eof", None]

    run(main())


def test_a_receiver_attached_before_the_handshake() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        server = server_stream(ours)
        receiver = Collector()
        server.start_receiving(receiver)
        server.send(b"greeting")
        client = await IOStream(theirs).start_tls(
            False, client_context(), server_hostname="localhost"
        )
        assert await client.read_bytes(8) == b"greeting"
        await client.write(b"hello")
        await receiver.until(lambda r: r.data == b"hello")
        client.close()
        await receiver.until(lambda r: r.events)
        assert receiver.events == ["eof", None]

    run(main())


def test_watermarks_of_big_output() -> None:
    async def main() -> None:
        async with tls_pair() as (server, client):
            receiver = Collector()
            server.start_receiving(receiver)
            size = 4_000_000
            assert server.send(b"z" * size) is False
            assert receiver.events == ["pause"]
            assert await client.read_bytes(size) == b"z" * size
            assert receiver.events == ["pause", "resume"]

    run(main())


@pytest.mark.parametrize("options", ["context", "dictionary"])
def test_ios20_an_unconnected_socket_is_wrapped_when_it_is_connected(options: str) -> None:
    """IOS-20: TLS begins when ``connect`` completes."""

    async def main() -> None:
        with accepting() as (address, streams):
            stream = SSLIOStream(
                socket.socket(),
                ssl_options=client_context()
                if options == "context"
                else {"ca_certs": CERTIFICATE, "cert_reqs": ssl.CERT_REQUIRED},
            )
            writing = stream.write(b"early")
            assert await stream.connect(address, server_hostname="localhost") is stream
            await writing
            assert isinstance(stream.socket, ssl.SSLSocket)
            assert await streams[0].read_bytes(5) == b"early"
            stream.close()

    run(main())


def test_ios20_with_callbacks_the_name_is_that_of_the_address() -> None:
    async def main() -> None:
        with accepting() as (address, streams):
            seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            stream = SSLIOStream(socket.socket(), ssl_options={"ca_certs": CERTIFICATE})

            def on_connect() -> None:
                stream.read_bytes(2, seen.set_result)
                streams[0].write(b"ok")

            assert stream.connect(address, on_connect) is None
            assert await seen == b"ok"
            assert stream.socket.getpeercert()["subjectAltName"]
            stream.close()

    run(main())


def test_an_unconnected_wrapped_socket() -> None:
    async def main() -> None:
        with accepting() as (address, _):
            wrapped = client_context().wrap_socket(
                socket.socket(), server_hostname="localhost", do_handshake_on_connect=False
            )
            stream = SSLIOStream(wrapped)
            await stream.connect(address)
            assert stream.socket.server_hostname == "localhost"
            stream.close()

    run(main())


@pytest.mark.parametrize(
    "version", ["PROTOCOL_TLS", "PROTOCOL_TLS_CLIENT", "PROTOCOL_TLSv1_2", "PROTOCOL_SSLv23"]
)
def test_ios21_any_permitted_version(version: str) -> None:
    """IOS-21: the constants of old may be given, and no one warns."""

    async def main() -> None:
        with accepting() as (address, _):
            options = {"ca_certs": CERTIFICATE, "ssl_version": getattr(ssl, version)}
            stream = SSLIOStream(socket.socket(), ssl_options=options)
            await stream.connect(address, server_hostname="localhost")
            if version == "PROTOCOL_TLSv1_2":
                assert stream.socket.version() == "TLSv1.2"
            stream.close()

    run(main())


@pytest.mark.parametrize(
    "options, hostname",
    [
        (None, "localhost"),  # nobody vouches for the certificate
        ({}, "localhost"),
        ("ca", "example.com"),  # it's for another name
        ("ca", None),  # the name is that of the address, and the address isn't the certificate's
    ],
)
def test_c8_clients_verify_chain_and_name(options: Any, hostname: str | None) -> None:
    """C8: by default, with and without options."""

    async def main() -> None:
        with accepting() as (address, _):
            chosen = {"ca_certs": CERTIFICATE} if options == "ca" else options
            stream = SSLIOStream(socket.socket(), ssl_options=chosen)
            host = "127.0.0.2" if hostname is None else "127.0.0.1"
            if host == "127.0.0.2":
                with socket.create_server((host, 0)) as other:
                    other.setblocking(False)
                    connecting = stream.connect(other.getsockname())
                    peer, _ = await asyncio.get_running_loop().sock_accept(other)
                    serving = server_stream(peer)
                    with pytest.raises(ssl.SSLCertVerificationError):
                        await connecting
                    serving.close()
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    await stream.connect(address, server_hostname=hostname)
            assert stream.closed()
            assert isinstance(stream.error, ssl.SSLCertVerificationError)

    run(main())


def test_verification_can_be_turned_off() -> None:
    async def main() -> None:
        with accepting() as (address, _):
            stream = SSLIOStream(socket.socket(), ssl_options={"cert_reqs": ssl.CERT_NONE})
            await stream.connect(address)
            stream.close()

    run(main())


def test_start_tls_on_both_sides() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        server, client = IOStream(ours), IOStream(theirs)
        closed: list[str] = []
        server.set_close_callback(lambda: closed.append("server"))
        await client.write(b"STARTTLS\n")
        await server.read_until(b"\n")
        await server.write(b"OK\n")
        await client.read_until(b"\n")
        secured = server.start_tls(True, {"certfile": CERTIFICATE})
        protected = await client.start_tls(
            False, {"ca_certs": CERTIFICATE}, server_hostname="localhost"
        )
        other = await secured
        assert isinstance(other, SSLIOStream)
        assert client.closed()
        with pytest.raises(StreamClosedError):
            client.write(b"x")
        await protected.write(b"secret")
        assert await other.read_bytes(6) == b"secret"
        protected.close()
        with pytest.raises(StreamClosedError):
            await other.read_bytes(1)
        await asyncio.sleep(0)
        assert closed == ["server"]

    run(main())


def test_a_read_that_was_cancelled_does_not_stand_in_the_way_of_start_tls() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        server, client = IOStream(ours), IOStream(theirs)
        server.read_bytes(1).cancel()
        secured = server.start_tls(True, {"certfile": CERTIFICATE})
        protected = await client.start_tls(
            False, {"ca_certs": CERTIFICATE}, server_hostname="localhost"
        )
        other = await secured
        await protected.write(b"secret")
        assert await other.read_bytes(6) == b"secret"
        other.close()
        protected.close()
        await asyncio.sleep(0)

    run(main())


@pytest.mark.parametrize("use", ["read", "write", "receiver", "unread", "cancelled", "closed"])
def test_start_tls_wants_a_stream_at_rest(use: str) -> None:
    """Bytes that came unprotected are never taken for protected ones."""

    async def main() -> None:
        ours, theirs = socket.socketpair()
        stream = IOStream(ours)
        error: type[Exception] = ValueError
        if use == "read":
            stream.read_bytes(1)
        elif use == "write":
            stream.write(b"x" * 5_000_000)
        elif use == "receiver":
            stream.start_receiving(Collector())
        elif use == "unread":
            theirs.send(b"STARTTLS\ninjected")
            await stream.read_until(b"\n")
        elif use == "cancelled":
            theirs.send(b"inj")
            pending = stream.read_bytes(8)
            for _ in range(3):
                await asyncio.sleep(0)
            pending.cancel()
        else:
            stream.close()
            error = StreamClosedError
        with pytest.raises(error):
            stream.start_tls(True, server_context())
        stream.close()
        theirs.close()
        await asyncio.sleep(0)

    run(main())


def test_wait_for_handshake_gives_the_clients_certificate() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        demanding = server_context()
        demanding.verify_mode = ssl.CERT_REQUIRED
        demanding.load_verify_locations(CERTIFICATE)
        server = SSLIOStream(
            ssl_wrap_socket(theirs, demanding, server_side=True, do_handshake_on_connect=False)
        )
        presenting = client_context()
        presenting.load_cert_chain(CERTIFICATE)
        connecting = IOStream(ours).start_tls(False, presenting, server_hostname="localhost")
        first, second = server.wait_for_handshake(), server.wait_for_handshake()
        assert await first is await second is server
        assert server.socket.getpeercert()["subject"] == ((("commonName", "localhost"),),)
        assert await server.wait_for_handshake() is server
        client = await connecting
        assert await client.wait_for_handshake() is client
        client.close()
        server.close()
        with pytest.raises(StreamClosedError):
            client.write(b"x")

    run(main())


@pytest.mark.parametrize("end", ["garbage", "silence then close", "reset"])
def test_a_client_that_does_not_speak_tls(end: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        server = server_stream(ours)
        reading = server.read_bytes(1)
        waiting = server.wait_for_handshake()
        if end == "garbage":
            theirs.send(b"GET / HTTP/1.0\r\n\r\n")
        else:
            theirs.close()
        with pytest.raises(StreamClosedError) as caught:
            await reading
        assert caught.value.real_error is server.error
        with pytest.raises((ssl.SSLError, StreamClosedError)):
            await waiting
        with pytest.raises((ssl.SSLError, StreamClosedError)):
            await server.wait_for_handshake()
        assert server.closed()
        theirs.close()

    run(main())


def test_failed_handshakes_are_logged_in_one_line_and_lost_peers_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(garbage: bool) -> None:
        ours, theirs = socket.socketpair()
        server = server_stream(ours)
        closed = asyncio.Event()
        server.set_close_callback(closed.set)
        if garbage:
            theirs.send(b"GET / HTTP/1.0\r\n\r\n")
        else:
            theirs.close()
        await closed.wait()
        theirs.close()

    run(main(garbage=False))
    assert not caplog.records
    run(main(garbage=True))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None


def test_a_failed_handshake_is_logged_with_who_it_was(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with accepting() as (address, streams):
            with socket.create_connection(address) as client:
                client.send(b"GET / HTTP/1.0\r\n\r\n")
                while not (streams and streams[0].closed()):
                    await asyncio.sleep(0)

    run(main())
    (record,) = caplog.records
    assert record.getMessage().startswith("TLS handshake with 127.0.0.1 failed: ")


def test_c9_a_stalled_handshake_ends() -> None:
    """C9: the handshake has a time limit, and cancelling closes the socket."""

    async def main() -> None:
        ours, theirs = socket.socketpair()

        class Impatient(SSLIOStream):
            handshake_timeout = 0.02

        wrapped = ssl_wrap_socket(
            ours, server_context(), server_side=True, do_handshake_on_connect=False
        )
        stream = Impatient(wrapped)
        with pytest.raises(StreamClosedError) as caught:
            await stream.wait_for_handshake()
        assert isinstance(caught.value.real_error, TimeoutError)
        assert stream.closed()
        theirs.close()

        for cancelled in ("wait", "start"):
            ours, theirs = socket.socketpair()
            if cancelled == "wait":
                stalled = server_stream(ours)
                waiting = stalled.wait_for_handshake()
            else:
                waiting = IOStream(ours).start_tls(False, client_context(), "localhost")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting, 0.01)
            await asyncio.sleep(0)
            theirs.setblocking(False)
            received = b"x"
            while received:
                received = await asyncio.get_running_loop().sock_recv(theirs, 100_000)
            theirs.close()

    run(main())


def test_c9_cancelling_connect_during_the_handshake_closes() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            stream = SSLIOStream(socket.socket(), ssl_options=client_context())
            connecting = stream.connect(listening.getsockname(), server_hostname="localhost")
            peer, _ = await asyncio.get_running_loop().sock_accept(listening)
            with peer:
                assert await asyncio.get_running_loop().sock_recv(peer, 1)
                connecting.cancel()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert stream.closed()

    run(main())


def test_a_refused_connection() -> None:
    async def main() -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            address = sock.getsockname()
        stream = SSLIOStream(socket.socket())
        with pytest.raises(StreamClosedError) as caught:
            await stream.connect(address, server_hostname="localhost")
        assert isinstance(caught.value.real_error, ConnectionRefusedError)

    run(main())


def test_bad_options_fail_the_connect() -> None:
    async def main() -> None:
        with accepting() as (address, _):
            stream = SSLIOStream(socket.socket(), ssl_options={"certfile": "/nonexistent"})
            with pytest.raises(StreamClosedError) as caught:
                await stream.connect(address)
            assert isinstance(caught.value.real_error, FileNotFoundError)
            stream = SSLIOStream(socket.socket(), ssl_options={"colour": "red"})
            with pytest.raises(ValueError, match="colour"):
                await stream.connect(address)

    run(main())


@pytest.mark.parametrize("lost", [False, True])
def test_an_orderly_end_is_announced(lost: bool) -> None:
    """A strict peer is told of the end (close_notify), but not when output was lost."""

    async def main() -> None:
        ours, theirs = socket.socketpair()
        context = client_context()
        strict = ssl_wrap_socket(
            theirs,
            context,
            server_hostname="localhost",
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )
        result: list[Any] = []

        def blocking_client() -> None:
            strict.settimeout(10)
            strict.do_handshake()
            try:
                while data := strict.recv(1000):
                    result.append(data)
                result.append("end")
            except ssl.SSLError as error:
                result.append(error)
            strict.close()

        thread = threading.Thread(target=blocking_client)
        thread.start()
        server = server_stream(ours)
        await server.write(b"all of it")
        if lost:
            server.write(b"x" * 50_000_000)
        server.close()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        if lost:
            assert isinstance(result[-1], ssl.SSLError)
        else:
            assert result == [b"all of it", "end"]

    run(main())


class RawClient:
    """A client in memory, whose records the test hands over as it likes."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context().wrap_bio(
            self.incoming, self.outgoing, server_hostname="localhost"
        )

    async def handshake(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        sock.setblocking(False)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await loop.sock_sendall(sock, self.outgoing.read())
                self.incoming.write(await loop.sock_recv(sock, 65536))
        await loop.sock_sendall(sock, self.outgoing.read())

    def records(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.outgoing.read()

    def close_notify(self) -> bytes:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.outgoing.read()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("end", ["announced", "garbage", "later", "cut"])
@pytest.mark.parametrize("way", ["exact", "partial", "until close", "push", "paused", "idle"])
def test_the_end_behind_full_records(count: int, end: str, way: str) -> None:
    """Full records are read together with what follows; an end or an error among that is told
    after their bytes, even if the socket has nothing more to tell."""

    async def use(server: SSLIOStream, size: int) -> Any:
        if way == "exact":
            assert await server.read_bytes(size) == b"d" * size
        elif way == "partial":
            while size:
                size -= len(await server.read_bytes(7000, partial=True))
        elif way == "until close":
            reading = server.read_until_close()
            if end == "garbage":
                with pytest.raises(StreamClosedError) as caught:
                    await reading
                return caught.value.real_error
            assert await reading == b"d" * size
            return None
        else:
            receiver = Collector()
            server.start_receiving(receiver)
            if way == "paused":
                server.pause_reading()
                await asyncio.sleep(0)
                server.resume_reading()
            elif way == "idle":
                await receiver.until(lambda r: r.data)
                server.pause_reading()
                await asyncio.sleep(0)
                server.resume_reading()
            await receiver.until(lambda r: r.events and r.events[-1] != "eof")
            assert receiver.data == b"d" * size
            return receiver.events[-1]
        with pytest.raises(StreamClosedError) as caught:
            await server.read_bytes(1)
        return caught.value.real_error

    async def main() -> None:
        ours, theirs = socket.socketpair()
        server = SSLIOStream(
            ssl_wrap_socket(
                ours,
                server_context(),
                server_side=True,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        )
        client = RawClient()
        await asyncio.gather(server.wait_for_handshake(), client.handshake(theirs))
        size = 16384 * count
        flight = client.records(b"d" * size)
        if end == "announced":
            flight += client.close_notify()
        elif end == "garbage":
            flight += b"\x17\x03\x03\x00\x20" + b"no such record" * 3
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        await asyncio.get_running_loop().sock_sendall(theirs, flight)
        if end == "cut":
            theirs.shutdown(socket.SHUT_WR)
        elif end == "later":
            asyncio.get_running_loop().call_later(0.01, theirs.shutdown, socket.SHUT_WR)
        error = await use(server, size)
        assert isinstance(error, ssl.SSLError) if end == "garbage" else error is None
        assert server.closed()
        # An end that the peer hasn't announced is an end all the same, which protocols may doubt.
        assert server.input_was_cut is (end in ("later", "cut"))
        theirs.close()

    run(main())


def test_has_unread_input_knows_of_an_end_that_was_read_with_bytes() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        server = server_stream(ours)
        client = RawClient()
        await asyncio.gather(server.wait_for_handshake(), client.handshake(theirs))
        flight = client.records(b"d" * 16384) + client.close_notify()
        await asyncio.get_running_loop().sock_sendall(theirs, flight)
        await server.read_bytes(16384)
        assert server.has_unread_input()
        server.close()
        theirs.close()

    run(main())


class Grudging:
    """A TLS socket that asks for the other direction first, as renegotiating peers make it do."""

    def __init__(self, inner: ssl.SSLSocket) -> None:
        self.inner = inner
        self.before_send = 2
        self.before_recv = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, data: Any) -> int:
        if self.before_send:
            self.before_send -= 1
            raise ssl.SSLWantReadError
        return self.inner.send(data)

    def recv(self, size: int) -> bytes:
        if self.before_recv:
            self.before_recv -= 1
            raise ssl.SSLWantWriteError
        return self.inner.recv(size)


def test_reads_that_need_output_and_writes_that_need_input() -> None:
    async def main() -> None:
        async with tls_pair() as (server, client):
            server.socket = grudging = Grudging(server.socket)
            reading = server.read_bytes(1000)
            await client.write(b"a" * 500)
            await client.write(b"b" * 500)
            assert await reading == b"a" * 500 + b"b" * 500
            assert grudging.before_recv == 0
            writing = server.write(b"answer")
            assert not writing.done()
            # Each byte that comes lets the write be tried again.
            reading = server.read_bytes(2)
            await client.write(b"1")
            for _ in range(10):
                await asyncio.sleep(0)
            await client.write(b"2")
            assert await client.read_bytes(6) == b"answer"
            await writing
            assert await reading == b"12"

    run(main())


class Turning(Grudging):
    """A TLS socket that, asked for something, asks for the opposite so many times; what it has read
    from the network before stays in it."""

    def __init__(self, inner: ssl.SSLSocket, *, reads: int = 0, writes: int = 0) -> None:
        super().__init__(inner)
        self.before_recv = reads
        self.before_send = writes
        self.taken = bytearray()

    def recv(self, size: int) -> bytes:
        if self.before_recv:
            self.before_recv -= 1
            with contextlib.suppress(ssl.SSLWantReadError):
                self.taken += self.inner.recv(size)
            raise ssl.SSLWantWriteError
        if self.taken:
            data, self.taken = bytes(self.taken), bytearray()
            return data
        return self.inner.recv(size)


def test_a_write_that_got_its_input_goes_on_when_there_is_room() -> None:
    """Input lets a big write begin at last; the rest of it waits for room as any other's."""

    async def main() -> None:
        async with tls_pair() as (server, client):
            server.socket = Turning(server.socket, writes=1)
            size = 8_000_000
            writing = server.write(b"w" * size)
            await client.write(b"x")
            assert await client.read_bytes(size) == b"w" * size
            await writing
            assert await server.read_bytes(1) == b"x"

    run(main())


def test_a_write_that_needs_input_twice_gets_it_though_nobody_reads() -> None:
    async def main() -> None:
        async with tls_pair() as (server, client):
            server.socket = turning = Turning(server.socket, writes=3)
            receiver = Collector()
            server.start_receiving(receiver)
            server.pause_reading()
            writing = server.write(b"answer")
            await client.write(b"x")
            await writing
            assert turning.before_send == 0
            assert await client.read_bytes(6) == b"answer"
            assert not receiver.data
            server.resume_reading()
            await receiver.until(lambda r: r.data == b"x")

    run(main())


def test_a_read_that_needs_room_twice_gets_it() -> None:
    """What the TLS layer has taken in doesn't make the socket readable again."""

    async def main() -> None:
        async with tls_pair() as (server, client):
            server.socket = Turning(server.socket, reads=3)
            reading = server.read_bytes(5)
            await client.write(b"hello")
            assert await reading == b"hello"

    run(main())


def test_a_closed_stream_dies_by_reference_count() -> None:
    async def main() -> None:
        gc.collect()
        gc.disable()
        try:
            async with tls_pair() as (server, client):
                await client.write(b"x")
                await server.read_bytes(1)
                server.close()
                client.close()
                watched = weakref.ref(server), weakref.ref(client)
                del server, client
        finally:
            gc.enable()
        return watched

    first, second = run(main())
    assert first() is None
    assert second() is None
