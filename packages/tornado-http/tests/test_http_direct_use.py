"""Programs that use a connection's stream themselves, while the connection collects its output."""

import asyncio
import ssl

import pytest

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.netutil import bind_sockets

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
]


async def exchange(answer, request):
    """What a server sends for a request, until it closes."""
    server = HTTPServer(lambda request: answer(request))
    (sock,) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(request)
    sent = await reader.read()
    writer.close()
    server.stop()
    await server.close_all_connections()
    return sent


def begin(request, body):
    headers = HTTPHeaders({"Content-Length": "6"})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)


def close_stream(request):
    request.connection.stream.close()


def close_connection(request):
    request.connection.close()


@pytest.mark.parametrize("close", [close_stream, close_connection])
@pytest.mark.parametrize("request_", REQUESTS, ids=str)
async def test_what_was_written_before_the_end_is_sent(request_, close):
    def finish(request):
        begin(request, b"answer")
        request.connection.finish()
        close(request)

    def leave(request):
        begin(request, b"ans")
        close(request)

    def write_raw(request):
        request.write(HEAD + b"answer")
        close(request)

    assert await exchange(finish, request_) == HEAD + b"answer"
    assert await exchange(leave, request_) == HEAD + b"ans"
    assert await exchange(write_raw, request_) == HEAD + b"answer"


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
async def test_what_is_written_to_the_stream_comes_after_what_the_connection_has(request_):
    def answer(request):
        stream = request.connection.stream
        request.write(HEAD)
        stream.write(b"ans")
        request.write(b"wer")
        stream.close()

    assert await exchange(answer, request_) == HEAD + b"answer"


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
async def test_what_was_written_can_be_changed_afterwards(request_):
    def answer(request):
        head = bytearray(HEAD)
        request.write(head)
        head[:] = b"no " * len(head)
        body = bytearray(b"ans")
        request.write(body)
        body[:] = b"wer"
        request.write(memoryview(body))
        body[:] = b"no!"
        request.connection.stream.close()

    def view(request):
        with memoryview(HEAD + b"answer") as whole:
            request.write(whole)
        request.finish()
        request.connection.stream.close()

    assert await exchange(answer, request_) == HEAD + b"answer"
    assert await exchange(view, request_) == HEAD + b"answer"


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("size", [1, 100, 5000, 8192, 16384])
@pytest.mark.parametrize("times", [2, 3, 200])
async def test_many_pieces_come_as_they_were_written(size, times, secure, server_tls, authority):
    """Fewer or more than are collected."""

    def answer(request):
        headers = HTTPHeaders({"Content-Length": str(size * times)})
        request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers)
        for number in range(times):
            piece = bytearray(size)
            piece[0] = number
            request.connection.write(piece)
            piece[:] = b"x" * size
        request.connection.finish()

    client_tls = None
    if secure:
        client_tls = ssl.create_default_context()
        authority.configure_trust(client_tls)
    server = HTTPServer(answer, ssl_options=server_tls if secure else None)
    (sock,) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    reader, writer = await asyncio.open_connection(*sock.getsockname(), ssl=client_tls)
    for request in (REQUESTS[0], REQUESTS[0] + REQUESTS[1]):
        writer.write(request)
        for _ in range(request.count(b"HTTP")):
            await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(size * times)
            assert body[::size] == bytes(range(times))
            assert set(body) <= set(range(times))
    writer.close()
    server.stop()
    await server.close_all_connections()
