"""TLS handshakes that are cut, stall, or go on later: servers neither block nor keep anything."""

import asyncio
import gc
import logging
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
