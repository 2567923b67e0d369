"""How servers end, and how they let go of clients that don't read."""

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
import ssl
import sys

import pytest

from tornado.httpserver import HTTPServer, serve_until_signal
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    ResponseStartLine,
)


def respond(request, body=b"", **fields):
    headers = HTTPHeaders({"Content-Length": str(len(body)), **fields})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
    request.connection.finish()


class Holding:
    """Answers when it's told to."""

    def __init__(self):
        self.requests = asyncio.Queue()

    def __call__(self, request):
        if request.path == "/now":
            respond(request, b"now")
        else:
            self.requests.put_nowait(request)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


@contextlib.asynccontextmanager
async def serving(callback, **options):
    server = HTTPServer(callback, **options)
    server.listen(0, "127.0.0.1")
    (sock,) = server._sockets.values()
    server.port = sock.getsockname()[1]
    try:
        yield server
    finally:
        server.stop()
        await server.close_all_connections()


class Client:
    @classmethod
    async def connect(cls, server, sent=b""):
        self = cls()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", server.port)
        self.writer.write(sent)
        return self

    async def rest(self):
        data = await self.reader.read()
        self.writer.close()
        return data


def begun(server):
    """Return of how many requests the beginning has come."""
    return sum(c.connection._reader.has_begun for c in server._connections)


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def test_drain_closes_what_is_idle_and_answers_what_is_under_way():
    async def main():
        site = Holding()
        async with serving(site) as server:
            fresh = await Client.connect(server)
            used = await Client.connect(server, get("/now"))
            await used.reader.readuntil(b"now")
            waiting = await Client.connect(server, get("/hold"))
            held = await site.requests.get()
            halfway = await Client.connect(server, b"POST /hold HTTP/1.1\r\nHost: a\r\n")
            halfway.writer.write(b"Content-Length: 3\r\n\r\nab")
            while len(server._connections) < 4 or begun(server) < 2:
                await asyncio.sleep(0)

            draining = asyncio.ensure_future(server.drain())
            assert await fresh.rest() == b""
            assert await used.rest() == b""
            with pytest.raises(ConnectionRefusedError):
                await Client.connect(server)
            assert not draining.done()

            respond(held, b"late")
            answer = await waiting.rest()
            assert b"\r\nConnection: close\r\n" in answer
            assert answer.endswith(b"late")
            halfway.writer.write(b"c")
            respond(await site.requests.get(), b"later")
            assert (await halfway.rest()).endswith(b"later")
            assert await draining == []

    run(main())


def test_drain_serves_one_request_of_those_that_were_pipelined():
    async def main():
        site = Holding()
        async with serving(site) as server:
            client = await Client.connect(server, get("/one") + get("/two"))
            held = await site.requests.get()
            draining = asyncio.ensure_future(server.drain())
            await asyncio.sleep(0)
            respond(held, b"one")
            answer = await client.rest()
            assert answer.count(b"HTTP/1.1 200 OK") == 1
            assert await draining == []
            assert site.requests.empty()

    run(main())


def test_an_answer_arrives_although_more_was_sent_than_is_served():
    """A socket that is closed with unread input takes back what it has sent (a reset)."""
    closes = b"GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    async def main(follows, read_chunk_size):
        async with serving(Holding()) as server:
            handle_stream = server.handle_stream

            def reading_little(stream, address):
                stream.read_chunk_size = read_chunk_size
                handle_stream(stream, address)

            server.handle_stream = reading_little
            sock = socket.create_connection(("127.0.0.1", server.port))
            # All of it is there when the server looks for the first time.
            sock.sendall(closes + follows)
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            answer = await loop.sock_recv(sock, 1)
            await loop.sock_sendall(sock, b"more")
            while part := await loop.sock_recv(sock, 65536):
                answer += part
            assert answer.endswith(b"now")
            sock.close()
            while server._connections:
                await asyncio.sleep(0)

    for follows in (get("/two"), b"GET /", 3 * get("/two")):
        for read_chunk_size in (65536, len(closes), len(closes) + 3):
            run(main(follows, read_chunk_size))


def test_drain_reports_what_it_cuts_off(caplog):
    async def main():
        site = Holding()
        async with serving(site) as server:
            client = await Client.connect(server, get("/for/ever"))
            await site.requests.get()
            beginning = await Client.connect(server, b"GET /")
            while begun(server) < 2:
                await asyncio.sleep(0)
            cut = await server.drain(timeout=0.01)
            assert sorted(cut) == [
                "GET /for/ever from 127.0.0.1",
                "the beginning of a request from 127.0.0.1",
            ]
            assert await client.rest() == b""
            assert await beginning.rest() == b""

    with caplog.at_level(logging.WARNING, "tornado.general"):
        run(main())
    assert len(caplog.records) == 2
    assert all(record.getMessage().startswith("Cut off: ") for record in caplog.records)


def test_a_drained_server_has_nothing_left():
    async def main():
        async with serving(Holding()) as server:
            assert await server.drain() == []
            assert await server.drain() == []

    run(main())


def test_all_who_drain_a_server_wait_for_the_same_end():
    async def main():
        site = Holding()
        async with serving(site) as server:
            client = await Client.connect(server, get("/hold"))
            held = await site.requests.get()
            draining = [asyncio.ensure_future(server.drain()) for _ in range(3)]
            await asyncio.sleep(0)
            respond(held, b"held")
            assert await asyncio.gather(*draining) == [[], [], []]
            assert (await client.rest()).endswith(b"held")

    run(main())


class Refusing(HTTPServerConnectionDelegate, HTTPMessageDelegate):
    """Answers before the body has come."""

    def start_request(self, server_conn, request_conn):
        self.connection = request_conn
        return self

    def headers_received(self, start_line, headers):
        respond(self, b"no")


def test_drain_does_not_wait_for_bodies_of_requests_that_were_answered(caplog):
    async def main():
        async with serving(Refusing()) as server:
            head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
            client = await Client.connect(server, head + b"ab")
            await client.reader.readuntil(b"no")
            draining = asyncio.ensure_future(server.drain())
            assert await client.rest() == b""
            assert await draining == []

    with caplog.at_level(logging.INFO):
        run(main())
    assert caplog.records == []


def test_drain_reports_nobody_who_just_has_to_see_his_answer(caplog):
    async def main():
        async with serving(Holding()) as server:
            client = await Client.connect(server, b"bad\r\n\r\n")
            assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
            # He doesn't close, so the server still waits for that.
            assert len(server._connections) == 1
            assert await server.drain(timeout=0) == []
            client.writer.close()

    with caplog.at_level(logging.WARNING):
        run(main())
    assert caplog.records == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_servers(number):
    async def main():
        site = Holding()
        async with serving(site) as one, serving(site) as two:
            client = await Client.connect(one, get("/hold"))
            held = await site.requests.get()
            ending = asyncio.ensure_future(serve_until_signal(one, two))
            await asyncio.sleep(0)
            os.kill(os.getpid(), number)
            while not (one._stopped and two._stopped):
                await asyncio.sleep(0)
            respond(held, b"held")
            assert (await client.rest()).endswith(b"held")
            assert await ending == []

    run(main())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_second_signal_cuts_off():
    async def main():
        site = Holding()
        async with serving(site) as server:
            client = await Client.connect(server, get("/hold"))
            await site.requests.get()
            ending = asyncio.ensure_future(serve_until_signal(server, timeout=None))
            await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGTERM)
            while not server._stopped:
                await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGTERM)
            assert await ending == ["GET /hold from 127.0.0.1"]
            assert await client.rest() == b""

    run(main())


BIG = b"x" * 5_000_000


def small_buffers(server):
    """Let the system keep little of what is sent."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    sock.setblocking(False)
    return sock


@pytest.mark.parametrize("takes", [0, 1])
def test_clients_that_do_not_read_are_let_go(takes, caplog):
    async def main():
        def big(request):
            respond(request, BIG)

        async with serving(big, write_timeout=0.2) as server:
            loop = asyncio.get_running_loop()
            with small_buffers(server) as sock:
                await loop.sock_sendall(sock, get("/big"))
                while not server._connections:
                    await asyncio.sleep(0)
                while server._connections:
                    if takes:
                        with contextlib.suppress(BlockingIOError):
                            sock.recv(takes)
                    await asyncio.sleep(0.001)

    with caplog.at_level(logging.INFO, "tornado.general"):
        run(main())
    assert [record.getMessage() for record in caplog.records] == ["Timeout writing to 127.0.0.1"]


def test_nobody_waits_for_a_client_that_has_said_all(server_tls, authority, caplog, monkeypatch):
    """An error after the answer ends the connection at once, also over TLS."""
    monkeypatch.setattr("tornado._http1.closing.LINGER_TIME", 1000)

    def fails_late(request):
        respond(request, b"now")
        raise ZeroDivisionError

    async def main():
        context = ssl.create_default_context()
        authority.configure_trust(context)
        async with serving(fails_late, ssl_options=server_tls) as server:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", server.port, ssl=context, server_hostname="localhost"
            )
            writer.write(get("/"))
            assert (await reader.read()).endswith(b"now")
            writer.close()

    run(main())
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.skipif(
    sys.platform not in ("linux", "darwin"), reason="other systems don't tell what they hold"
)
@pytest.mark.parametrize("tls", [False, True])
def test_what_a_client_takes_from_the_system_counts_as_progress(tls, server_tls, authority, caplog):
    """The system has megabytes of the answer, and takes no more before a third of it has gone."""

    def take(sock, size):
        while size > 0:
            size -= len(sock.recv(min(size, 8192)))

    async def main():
        def big(request):
            respond(request, BIG * 3)

        options = {"ssl_options": server_tls} if tls else {}
        async with serving(big, write_timeout=1000, **options) as server:
            sock = small_buffers(server)
            sock.setblocking(True)
            if tls:
                context = ssl.create_default_context()
                authority.configure_trust(context)
                sock = await asyncio.to_thread(
                    context.wrap_socket, sock, server_hostname="localhost"
                )
            with sock:
                sock.sendall(get("/big"))
                await asyncio.to_thread(take, sock, 1000)
                (served,) = server._connections
                connection = served.connection
                for _ in range(3):
                    await asyncio.to_thread(take, sock, 300_000)
                    connection._sweep.clock = connection.write_deadline + 1
                    connection.on_deadline()
                    assert not connection.stream.closed()
                # Nothing is taken from now on, but for what is still on its way.
                for _ in range(1000):
                    if connection.stream.closed():
                        break
                    connection._sweep.clock = connection.write_deadline + 1
                    connection.on_deadline()
                assert connection.stream.closed()

    with caplog.at_level(logging.INFO, "tornado.general"):
        run(main())
    assert [record.getMessage() for record in caplog.records] == ["Timeout writing to 127.0.0.1"]


@pytest.mark.parametrize("write_timeout", [0.1, math.inf])
def test_clients_that_read_slowly_get_all(write_timeout):
    async def main():
        def big(request):
            respond(request, BIG)

        async with serving(big, write_timeout=write_timeout) as server:
            client = await Client.connect(server, get("/big"))
            size = 0
            while size < len(BIG):
                size += len(await client.reader.read(100_000))
                await asyncio.sleep(0.005)
            client.writer.close()

    run(main())
