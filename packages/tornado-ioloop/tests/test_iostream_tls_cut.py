"""TLS handshakes that are cut, stall, or go on later: servers neither block nor keep anything."""

import asyncio
import contextlib
import gc
import logging
import os
import pathlib
import socket
import ssl
import struct
import weakref

import pytest

from tornado.iostream import SSLIOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.tcpserver import TCPServer

CERTIFICATE = str(pathlib.Path(__file__).with_name("tls_localhost.pem"))
LIMIT = 20


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


class Client:
    """A client in memory, whose bytes the test passes on as it likes."""

    def __init__(self):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=CERTIFICATE)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def hello(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()


class EchoServer(TCPServer):
    """Echoes lines, and remembers its streams weakly."""

    def __init__(self):
        super().__init__(ssl_options=server_context())
        self.seen = []
        self.ended = asyncio.Queue()

    async def handle_stream(self, stream, address):
        assert isinstance(stream, SSLIOStream)
        self.seen.append(weakref.ref(stream))
        try:
            while True:
                await stream.write(await stream.read_until(b"\n"))
        except (StreamClosedError, ssl.SSLError) as error:
            self.ended.put_nowait(type(error))


async def serving(use):
    server = EchoServer()
    [listening] = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    try:
        return await asyncio.wait_for(use(server, listening.getsockname()), LIMIT)
    finally:
        server.stop()


async def echo(address):
    """Have the server answer an ordinary client."""
    context = ssl.create_default_context(cafile=CERTIFICATE)
    reader, writer = await asyncio.open_connection(
        *address, ssl=context, server_hostname="localhost"
    )
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    writer.close()
    await writer.wait_closed()


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_handshakes_that_are_cut_anywhere_leave_nothing(how, caplog):
    hello = Client().hello()
    cuts = [0, 1, 5, 6, len(hello) // 2, len(hello) - 1, len(hello)]

    async def use(server, address):
        loop = asyncio.get_running_loop()
        for cut in cuts:
            sock = socket.socket()
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
            await loop.sock_sendall(sock, hello[:cut])
            if how == "reset":
                reset(sock)
            sock.close()
        for _ in cuts:
            await server.ended.get()
        await echo(address)
        await server.ended.get()
        return server.seen

    with caplog.at_level(logging.INFO):
        seen = asyncio.run(serving(use))
    gc.collect()
    assert len(seen) == len(cuts) + 1
    assert not any(reference() for reference in seen)
    # Whoever goes away is nothing to tell of.
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_handshake_that_stalls_holds_nobody_up():
    hello = Client().hello()

    async def use(server, address):
        loop = asyncio.get_running_loop()
        stalled = []
        for cut in (0, 10, len(hello)):
            sock = socket.socket()
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
            await loop.sock_sendall(sock, hello[:cut])
            stalled.append(sock)
        for _ in range(3):
            await echo(address)
        for sock in stalled:
            sock.close()
        for _ in range(6):
            await server.ended.get()

    asyncio.run(serving(use))


def test_a_handshake_that_comes_byte_by_byte():
    async def use(server, address):
        loop = asyncio.get_running_loop()
        client = Client()
        data = client.hello()
        sock = socket.socket()
        sock.setblocking(False)
        await loop.sock_connect(sock, address)
        done = False
        with sock:
            while not done:
                for byte in data:
                    await loop.sock_sendall(sock, bytes([byte]))
                client.incoming.write(await loop.sock_recv(sock, 65536))
                try:
                    client.tls.do_handshake()
                    done = True
                except ssl.SSLWantReadError:
                    pass
                data = client.outgoing.read()
            client.tls.write(b"hello\n")
            await loop.sock_sendall(sock, data + client.outgoing.read())
            answer = b""
            while not answer:
                client.incoming.write(await loop.sock_recv(sock, 65536))
                try:
                    answer = client.tls.read()
                except ssl.SSLWantReadError:
                    continue
            assert answer == b"hello\n"
        await server.ended.get()

    asyncio.run(serving(use))


@pytest.mark.skipif(not ssl.HAS_TLSv1_3, reason="it's a part of TLS 1.3 (RFC 8446, 4.6.2)")
def test_a_handshake_that_goes_on_after_the_first_bytes():
    """The server asks for the client's certificate later; reading answers that by itself."""

    async def main():
        server_tls = server_context()
        server_tls.load_verify_locations(CERTIFICATE)
        server_tls.post_handshake_auth = True
        server_tls.verify_mode = ssl.CERT_OPTIONAL
        client_tls = ssl.create_default_context(cafile=CERTIFICATE)
        client_tls.post_handshake_auth = True
        client_tls.load_cert_chain(CERTIFICATE)
        near, far = socket.socketpair()
        server = SSLIOStream(
            server_tls.wrap_socket(far, server_side=True, do_handshake_on_connect=False)
        )
        client = SSLIOStream(
            client_tls.wrap_socket(near, server_hostname="localhost", do_handshake_on_connect=False)
        )
        await asyncio.gather(server.wait_for_handshake(), client.wait_for_handshake())
        assert not server.socket.getpeercert()
        server.socket.verify_client_post_handshake()
        await server.write(b"who are you?\n")
        assert await client.read_until(b"\n") == b"who are you?\n"
        await client.write(b"me\n")
        assert await server.read_until(b"\n") == b"me\n"
        assert server.socket.getpeercert()["subject"]
        client.close()
        server.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT))


class Peer:
    """The other side of a stream's handshake, in memory; it may stop in the middle of a flight."""

    def __init__(self, side, version):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if side == "client":
            context = ssl.create_default_context(cafile=CERTIFICATE)
            options = {"server_hostname": "localhost"}
        else:
            context = server_context()
            options = {"server_side": True}
        context.minimum_version = context.maximum_version = version
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **options)

    async def send_flights(self, sock, last, part):
        """Send whole flights, and of the last one what ``part`` leaves of it."""
        loop = asyncio.get_running_loop()
        number = 0
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            flight = self.outgoing.read()
            if flight:
                await loop.sock_sendall(sock, part(flight) if number == last else flight)
                if number == last:
                    return
                number += 1
            data = await loop.sock_recv(sock, 65536)
            if not data:
                raise ConnectionResetError("the stream didn't wait for its next flight")
            self.incoming.write(data)


def nothing(flight):
    return b""


def a_header(flight):
    return flight[:5]


def half(flight):
    return flight[: len(flight) // 2]


def all_but_a_byte(flight):
    return flight[:-1]


def spoilt(flight):
    """Other lengths of records would make for waiting, not for failing."""
    return flight[:9] + bytes([flight[9] ^ 255]) + flight[10:]


async def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
    far.setblocking(False)
    return near, far


# Which flights a side has in a handshake; what a server says at last in TLS 1.3 comes after it.
FLIGHTS = [
    (side, version, flight)
    for side, version, count in (
        ("client", ssl.TLSVersion.TLSv1_2, 2),
        ("client", ssl.TLSVersion.TLSv1_3, 2),
        ("server", ssl.TLSVersion.TLSv1_2, 2),
        ("server", ssl.TLSVersion.TLSv1_3, 1),
    )
    for flight in range(count)
]


@pytest.mark.parametrize("end", ["closed", "reset", "cancelled", "overdue"])
@pytest.mark.parametrize("part", [nothing, a_header, half, all_but_a_byte, spoilt])
@pytest.mark.parametrize(("side", "version", "flight"), FLIGHTS)
def test_a_handshake_that_ends_in_any_flight(side, version, flight, part, end, caplog):
    """Whoever waits is told, the descriptor is freed, and the stream with it."""

    class Stream(SSLIOStream):
        handshake_timeout = 0.001 if end == "overdue" else LIMIT

    async def main():
        near, far = await tcp_pair()
        if side == "client":
            context, options = server_context(), {"server_side": True}
        else:
            context = ssl.create_default_context(cafile=CERTIFICATE)
            options = {"server_hostname": "localhost"}
        number = near.fileno()
        stream = Stream(context.wrap_socket(near, do_handshake_on_connect=False, **options))
        closed = asyncio.Event()
        stream.set_close_callback(closed.set)
        waiting = stream.wait_for_handshake()
        reading = stream.read_until(b"\n")
        writing = stream.write(b"early")
        sending = asyncio.ensure_future(Peer(side, version).send_flights(far, flight, part))
        if end != "overdue":
            await sending
        if end == "reset":
            reset(far)
        if end in ("closed", "reset"):
            far.close()
        elif end == "cancelled":
            waiting.cancel()
        with pytest.raises((ssl.SSLError, StreamClosedError, asyncio.CancelledError)):
            await waiting
        for future in (reading, writing):
            with pytest.raises(StreamClosedError):
                await future
        await closed.wait()
        assert stream.closed()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)
        sending.cancel()
        await asyncio.wait([sending])
        if not sending.cancelled():
            # With a short time limit the stream may be gone before everything was sent.
            assert sending.exception() is None or end == "overdue"
        far.close()
        return weakref.ref(stream)

    reference = asyncio.run(asyncio.wait_for(main(), LIMIT))
    gc.collect()
    assert reference() is None
    assert not caplog.records
