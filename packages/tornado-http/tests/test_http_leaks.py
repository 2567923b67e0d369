"""What a request needs dies with it, by reference count, also where something went wrong."""

import asyncio
import contextlib
import gc
import weakref

import pytest

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine
from tornado.netutil import bind_sockets

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"


def answer(connection):
    headers = HTTPHeaders({"Content-Length": "6"})
    connection.write_headers(ResponseStartLine("", 200, "OK"), headers, b"answer")
    connection.finish()


def reply(request):
    answer(request.connection)


async def reply_later(request):
    await asyncio.sleep(0)
    answer(request.connection)


def refuse(request):
    try:
        raise ValueError
    except ValueError as error:
        raise HTTPInputError("refused") from error


async def refuse_later(request):
    await asyncio.sleep(0)
    refuse(request)


def fail(request):
    raise ZeroDivisionError


async def fail_later(request):
    answer(request.connection)
    await asyncio.sleep(0)
    raise ZeroDivisionError


def close(request):
    """The next request that has come writes to what is closed."""
    answer(request.connection)
    request.connection.stream.close()


def close_and_wait(request):
    request.connection.set_close_callback(lambda: request)
    request.connection.close()
    request.connection.set_close_callback(lambda: request)


def detach(request):
    request.connection.set_close_callback(lambda: request)
    request.stream = request.connection.detach()
    asyncio.get_running_loop().call_soon(request.stream.close)


async def detach_and_fail(request):
    request.stream = request.connection.detach()
    request.stream.close()
    raise ZeroDivisionError


ANSWERS = [
    reply,
    reply_later,
    refuse,
    refuse_later,
    fail,
    fail_later,
    close,
    close_and_wait,
    detach,
    detach_and_fail,
]
INPUTS = [
    GET,
    GET + GET,
    POST + POST,
    GET + b"BAD\r\n\r\n",
    b"BAD\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    POST.replace(b"Host", b"Content-Encoding: gzip\r\nHost"),
]


class Watched(HTTPServer):
    """Keeps weak references to what belongs to a connection."""

    def handle_stream(self, stream, address):
        super().handle_stream(stream, address)
        (server_connection,) = self._connections
        parts = (stream, server_connection, server_connection.connection)
        self.watched.extend(map(weakref.ref, parts))


@pytest.fixture(autouse=True)
def without_collector():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("decompress", [False, True])
@pytest.mark.parametrize("callback", ANSWERS, ids=lambda it: it.__name__)
def test_nothing_of_a_request_is_left_for_the_collector(callback, decompress, caplog):
    async def exchange(data):
        def watching(request):
            watched.append(weakref.ref(request))
            return callback(request)

        server = Watched(watching, decompress_request=decompress)
        server.watched = watched
        (sock,) = sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(data)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        while server._connections:
            await asyncio.sleep(0)
        server.stop()
        for _ in range(5):
            await asyncio.sleep(0)

    # A log record that is kept has a traceback.
    caplog.set_level("CRITICAL", "tornado.application")
    for data in INPUTS:
        watched = []
        asyncio.run(exchange(data))
        assert watched
        assert [part() for part in watched if part() is not None] == [], data
