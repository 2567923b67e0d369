"""What a program does to one request, also too much of it, is nothing to the next request."""

import asyncio
import contextlib
import weakref

import pytest

from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPOutputError,
    HTTPServerConnectionDelegate,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"


def answer(connection, body=b"answer"):
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
    connection.finish()


@contextlib.asynccontextmanager
async def talking(callback, **options):
    """A connection to a server: the server, and both directions."""
    server = HTTPServer(callback, **options)
    (sock,) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    try:
        yield server, reader, writer
    finally:
        writer.close()
        server.stop()
        await server.close_all_connections()


class Site(HTTPServerConnectionDelegate, HTTPMessageDelegate):
    """A server that has one request at a time."""

    def start_request(self, server_conn, request_conn):
        self.connection = request_conn
        return self

    def finish(self):
        answer(self.connection)


async def read_answer(reader, method=b"GET"):
    """Status and body of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(0 if method == b"HEAD" else length)
    return int(head.split(b" ")[1]), body


@pytest.mark.parametrize("first", [GET, POST, POST[:-1]], ids=str)
async def test_to_finish_twice_is_nothing_to_the_next_request(first):
    """What is wrong with the next request is still answered."""

    class Twice(Site):
        def headers_received(self, start_line, headers):
            # Before the body, if there is one.
            answer(self.connection)
            self.connection.finish()

        def finish(self):
            self.connection.finish()

    async with talking(Twice()) as (_, reader, writer):
        writer.write(first)
        assert await read_answer(reader) == (200, b"answer")
        writer.write(POST[len(first) :] if first in POST else b"")
        writer.write(b"BAD\r\n\r\n")
        assert await read_answer(reader) == (400, b"")


async def test_to_finish_twice_does_not_cut_off_the_next_request():
    requests = asyncio.Queue()

    def callback(request):
        requests.put_nowait(request)

    async with talking(callback) as (server, reader, writer):
        writer.write(GET)
        request = await requests.get()
        answer(request.connection)
        request.connection.finish()
        assert await read_answer(reader) == (200, b"answer")
        writer.write(GET)
        request = await requests.get()
        draining = asyncio.ensure_future(server.drain())
        await asyncio.sleep(0)
        answer(request.connection, b"second")
        assert await read_answer(reader) == (200, b"second")
        assert await draining == []


@pytest.mark.parametrize("first", [GET, POST], ids=str)
async def test_p9_nothing_is_written_between_two_requests(first):
    """It would be the beginning of the next one's answer."""

    class Late(Site):
        def headers_received(self, start_line, headers):
            answer(self.connection)

        def finish(self):
            raise AssertionError("the answer is there")

    site = Late()
    async with talking(site) as (_, reader, writer):
        for _ in range(2):
            writer.write(first)
            assert await read_answer(reader) == (200, b"answer")
            # Its answer may arrive before the server has done with it.
            while site.connection.current_request is not None:
                await asyncio.sleep(0)
            with pytest.raises(HTTPOutputError):
                site.connection.write(b"late")
            with pytest.raises(HTTPOutputError):
                answer(site.connection)


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
CLOSING = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("finishes", [False, True])
@pytest.mark.parametrize("request_", [GET, HEAD, POST, CHUNKED, CLOSING], ids=str)
async def test_h1c_10_what_follows_is_in_the_stream_when_detach_returns(request_, finishes):
    """So it can be read at once; to finish what is detached takes nothing from it."""

    def callback(request):
        stream = request.connection.detach()
        reading.append(stream.read_bytes(4))
        streams.append(stream)
        arrived.set()
        if finishes:
            request.connection.finish()

    reading, streams, arrived = [], [], asyncio.Event()
    async with talking(callback) as (_, _, writer):
        writer.write(request_ + b"rest" + b"more")
        await arrived.wait()
        assert await reading[0] == b"rest"
        assert await streams[0].read_bytes(4) == b"more"
        streams[0].close()


@pytest.mark.parametrize(
    ("part", "body"),
    [("headers_received", b""), ("finish", b""), ("data_received", b"ab"), ("finish", b"ab")],
)
async def test_h1c_10_a_delegate_may_detach_when_no_more_of_the_body_is_to_come(part, body):
    class Detaching(HTTPMessageDelegate):
        def headers_received(self, start_line, headers):
            self.detach("headers_received")

        def data_received(self, chunk):
            self.detach("data_received")

        def finish(self):
            self.detach("finish")

        def detach(self, now):
            if now == part:
                stream = connections[0].detach()
                detached.set_result((stream, stream.read_bytes(4)))

    class Detached(HTTPServerConnectionDelegate):
        def start_request(self, server_conn, request_conn):
            connections.append(request_conn)
            return Detaching()

    connections, detached = [], asyncio.get_running_loop().create_future()
    async with talking(Detached()) as (_, _, writer):
        fields = b"Content-Length: %d\r\n" % len(body)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n%s\r\n%srest" % (fields, body))
        stream, reading = await detached
        assert await reading == b"rest"
        stream.close()


async def test_a_connection_that_was_detached_keeps_no_close_callback():
    class Callback:
        def __call__(self):
            raise AssertionError("the connection was given away")

    def callback(request):
        before, after = Callback(), Callback()
        request.connection.set_close_callback(before)
        stream = request.connection.detach()
        request.connection.set_close_callback(after)
        kept.append((weakref.ref(before), weakref.ref(after), stream, request.connection))
        arrived.set()

    kept, arrived = [], asyncio.Event()
    async with talking(callback) as (_, _, writer):
        writer.write(GET)
        await arrived.wait()
        before, after, stream, connection = kept[0]
        assert before() is None
        assert after() is None
        assert connection.current_request is None
        stream.close()


@pytest.mark.parametrize("first", [GET, HEAD, POST], ids=str)
async def test_a_close_callback_that_comes_too_late_is_not_the_next_requests(first):
    """Nor does it keep anything alive."""
    gone, arrived = [], asyncio.Event()

    class Late:
        def __call__(self):
            gone.append(self)

    def callback(request):
        if kept:
            arrived.set()
            return
        late = Late()
        kept.append(weakref.ref(late))
        answer(request.connection)
        request.connection.set_close_callback(late)

    kept = []
    async with talking(callback) as (server, reader, writer):
        writer.write(first)
        await read_answer(reader, first.partition(b" ")[0])
        assert kept[0]() is None
        writer.write(GET)
        await arrived.wait()
        writer.close()
        while server._connections:
            await asyncio.sleep(0)
        assert gone == []


class Limiting(Site):
    """Lets a body have one byte after a GET, and others what the server allows."""

    def __init__(self, waits):
        self.waits = waits

    def headers_received(self, start_line, headers):
        if start_line.method == "POST":
            return None
        return self.limit() if self.waits else self.connection.set_max_body_size(1)

    async def limit(self):
        await asyncio.sleep(0)
        self.connection.set_max_body_size(1)


@pytest.mark.parametrize("decompress", [False, True])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("first", [GET, HEAD], ids=str)
async def test_h1c_9_a_limit_for_a_request_without_a_body_is_none_for_the_next(
    first, waits, decompress
):
    async with talking(Limiting(waits), decompress_request=decompress) as (_, reader, writer):
        writer.write(first)
        await read_answer(reader, first.partition(b" ")[0])
        writer.write(POST)
        assert await read_answer(reader) == (200, b"answer")


class Late(Site):
    """Sets limits when the request has been answered; with a path of its own, while it comes."""

    def start_request(self, server_conn, request_conn):
        return super(Late, Late()).start_request(server_conn, request_conn)

    def headers_received(self, start_line, headers):
        if start_line.path == "/limited":
            self.limit()

    def finish(self):
        answer(self.connection)
        self.limit()

    def limit(self):
        self.connection.set_max_body_size(1)
        self.connection.set_body_timeout(0.05)


@pytest.mark.parametrize("first", [GET, HEAD, POST], ids=str)
async def test_h1c_9_limits_that_come_too_late_are_not_the_next_requests(first):
    async with talking(Late()) as (_, reader, writer):
        writer.write(first)
        await read_answer(reader, first.partition(b" ")[0])
        writer.write(POST[:-1])
        # As long as it takes until another request had its time.
        limited, other = await asyncio.open_connection(*writer.get_extra_info("peername"))
        other.write(b"POST /limited HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        assert await limited.read() == b""
        other.close()
        writer.write(POST[-1:])
        assert await read_answer(reader) == (200, b"answer")


class Changing(Site):
    """Changes the headers of each request, and answers with what they were."""

    def headers_received(self, start_line, headers):
        self.change(headers)

    def finish(self):
        answer(self.connection, self.seen)

    def change(self, headers):
        self.seen = str(headers).encode()
        headers.add("Host", "b")
        headers["A"] = "b"
        headers.add("B", "b")


@pytest.mark.parametrize("decompress", [False, True])
@pytest.mark.parametrize("kind", ["function", "delegate"])
@pytest.mark.parametrize("request_", [GET, POST], ids=str)
async def test_what_is_done_to_headers_is_nothing_to_the_next_request(request_, kind, decompress):
    site = target = Changing()
    if kind == "function":

        def target(request):
            site.change(request.headers)
            assert request.headers["Host"] == "a,b"
            answer(request.connection, site.seen)

    request_ = request_.replace(b"Host: a", b"Host: a\r\nA: a\r\nB: a\r\nB: c")
    async with talking(target, decompress_request=decompress) as (_, reader, writer):
        for _ in range(3):
            writer.write(request_)
            _, body = await read_answer(reader)
            assert body.startswith(b"Host: a\nA: a\nB: a\nB: c\n")
            assert b"b" not in body


@pytest.mark.parametrize("kind", ["function", "delegate"])
async def test_whoever_answers_can_be_replaced_for_all_kinds_of_requests(kind):
    """On connections that are open already, too."""

    class Named(Site):
        def __init__(self, name):
            self.name = name

        def finish(self):
            answer(self.connection, self.name)

    def named(name):
        if kind == "delegate":
            return Named(name)
        return lambda request: answer(request.connection, name)

    async with talking(named(b"first")) as (server, reader, writer):
        for request in (GET, POST, GET):
            writer.write(request)
            assert await read_answer(reader) == (200, b"first")
        server.request_callback = named(b"second")
        for request in (GET, POST, GET):
            writer.write(request)
            assert await read_answer(reader) == (200, b"second")


async def test_a_start_request_of_one_server_is_asked_for_all_kinds_of_requests():
    class Starting(HTTPServer):
        def initialize(self, *args, **kwargs):
            super().initialize(*args, **kwargs)
            usual = self.start_request

            def start_request(server_conn, request_conn):
                started.append(request_conn)
                return usual(server_conn, request_conn)

            self.start_request = start_request

    started = []
    server = Starting(lambda request: answer(request.connection))
    (sock,) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    for number, request in enumerate((GET, POST, GET), 1):
        writer.write(request)
        assert await read_answer(reader) == (200, b"answer")
        assert len(started) == number
    writer.close()
    server.stop()
    await server.close_all_connections()


async def test_whoever_fails_to_be_told_of_the_end_keeps_nobody_from_it(caplog):
    class Failing(HTTPMessageDelegate):
        def finish(self):
            arrived.set()

        def on_connection_close(self):
            told.append("delegate")
            raise ZeroDivisionError

    class Ending(HTTPServerConnectionDelegate):
        def start_request(self, server_conn, request_conn):
            request_conn.set_close_callback(self.on_client_gone)
            return Failing()

        def on_client_gone(self):
            told.append("callback")
            raise ZeroDivisionError

        def on_close(self, server_conn):
            told.append("server")
            raise ZeroDivisionError

    told, arrived = [], asyncio.Event()
    async with talking(Ending()) as (server, _, writer):
        writer.write(GET)
        await arrived.wait()
        writer.close()
        while server._connections:
            await asyncio.sleep(0)
        while "delegate" not in told:
            await asyncio.sleep(0)
    assert told == ["server", "callback", "delegate"]
    assert [record.name for record in caplog.records] == 3 * ["tornado.application"]


@pytest.mark.parametrize("error", [ZeroDivisionError, StreamClosedError])
async def test_an_error_is_logged_also_if_the_client_has_left(error, caplog):
    """But for that of writing to it."""

    class Waiting(HTTPMessageDelegate):
        async def headers_received(self, start_line, headers):
            arrived.set()
            await gone.wait()
            done.set()
            raise error

        def on_connection_close(self):
            gone.set()

    class Starting(HTTPServerConnectionDelegate):
        def start_request(self, server_conn, request_conn):
            return Waiting()

    arrived, gone, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with talking(Starting()) as (_, _, writer):
        writer.write(GET)
        await arrived.wait()
        writer.close()
        await done.wait()
        for _ in range(3):
            await asyncio.sleep(0)
    expected = [] if error is StreamClosedError else ["tornado.application"]
    assert [record.name for record in caplog.records] == expected


@pytest.mark.parametrize("request_", [GET, HEAD, POST], ids=str)
@pytest.mark.parametrize("decompress", [False, True])
async def test_a_request_for_which_there_is_no_delegate_is_an_error(request_, decompress, caplog):
    class Forgetful(HTTPServerConnectionDelegate):
        def start_request(self, server_conn, request_conn):
            return None

    async with talking(Forgetful(), decompress_request=decompress) as (_, reader, writer):
        writer.write(request_)
        assert await reader.read() == b""
    assert {record.levelname for record in caplog.records} == {"ERROR"}
