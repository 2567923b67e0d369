"""Handlers behind a real server, over real connections."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
import threading
import weakref

import pytest

from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

LIMIT = 10


def head_of(answer):
    return answer.partition(b"\r\n\r\n")[0].split(b"\r\n")


def body_of(answer):
    return answer.partition(b"\r\n\r\n")[2]


def get(path, *headers, method="GET", body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_two_line_application(serve):
    """PKG-2, WEB-20: text from a handler arrives."""

    class Hello(RequestHandler):
        def get(self):
            self.write("Hello, world")

    with serve(Application([("/", Hello)])) as server:
        answer = server.request("GET", "/")
    assert (answer.code, answer.body) == (200, b"Hello, world")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"


def test_listen():
    """WEB-20: it makes a server that listens, with the server's own arguments."""

    class Hello(RequestHandler):
        def get(self):
            self.write(self.request.remote_ip)

    async def main():
        server = Application([("/", Hello)]).listen(0, "127.0.0.1", xheaders=True)
        (listener,) = server._sockets.values()
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(get("/", "X-Real-Ip: 192.0.2.7"))
        answer = await asyncio.wait_for(reader.read(), LIMIT)
        writer.close()
        await writer.wait_closed()
        server.stop()
        await server.close_all_connections()
        return answer

    assert body_of(asyncio.run(main())) == b"192.0.2.7"


class Shapes(RequestHandler):
    """Answers in the way that the path says."""

    def get(self, shape):
        getattr(self, shape)()

    post = head = get

    def lines(self):
        self.add_header("X-A", "1")
        self.add_header("X-A", "2")
        self.set_cookie("a", "1")
        self.set_cookie("b", "2")

    def nothing(self):
        raise HTTPError(204)

    def unmodified(self):
        self.set_status(304)

    def pieces(self):
        self.write("a")
        self.flush()
        self.write("b")

    def broken(self):
        self.write("a")
        self.flush()
        raise HTTPError(500)

    def text(self):
        self.set_header("X-Text", "é")
        self.write("é")

    def short(self):
        self.set_header("Content-Length", "5")
        self.write("abc")
        self.flush()


def test_lines_for_repeated_headers(serve):
    """WEB-48: two lines, not one with a comma."""
    with serve(Application([("/(.*)", Shapes)])) as server:
        head = head_of(server.raw(get("/lines")))
    assert [line for line in head if line.startswith(b"X-A")] == [b"X-A: 1", b"X-A: 2"]
    assert len([line for line in head if line.startswith(b"Set-Cookie")]) == 2


def test_framing(serve):
    """WEB-66, WEB-70, WEB-76: bodies end where their heads say, and connections stay usable."""
    paths = ["/nothing", "/unmodified", "/pieces", "/broken", "/text"]
    with serve(Application([("/(.*)", Shapes)])) as server, server.connect() as conn:
        for path in paths:
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            conn.sendall(request.encode())
        conn.sendall(get("/lines"))
        data = b""
        while piece := conn.recv(65536):
            data += piece
    assert data.count(b"HTTP/1.1 ") == 6
    assert b"HTTP/1.1 204 No Content\r\n" in data
    assert b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n" in data
    assert b"X-Text: \xc3\xa9\r\n" in data


def test_head_over_the_wire(serve):
    with serve(Application([("/(.*)", Shapes)])) as server:
        assert body_of(server.raw(get("/pieces", method="HEAD"))) == b""


def test_less_than_announced(serve, caplog):
    """The connection is closed, which tells the client that the response is not complete."""
    with serve(Application([("/(.*)", Shapes)])) as server, server.connect() as conn:
        conn.sendall(b"GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        while piece := conn.recv(65536):
            data += piece
    assert len(body_of(data)) < 5


@pytest.mark.parametrize("stays", [True, False])
def test_less_than_announced_is_an_error_only_if_the_client_stays(serve, caplog, stays):
    """on_finish is called all the same, so that a handler can clean up."""
    left, events = threading.Event(), []

    class Handler(RequestHandler):
        async def get(self):
            self.set_header("Content-Length", "10")
            self.write("12345")
            await self.flush()
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, left.wait, LIMIT)

        def on_connection_close(self):
            events.append("gone")
            left.set()

        def on_finish(self):
            events.append("on_finish")

    with serve(Application([("/", Handler)])) as server, server.connect() as conn:
        conn.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        while b"12345" not in data:
            data += conn.recv(65536)
        if stays:
            left.set()
            assert conn.recv(65536) == b""
        else:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.close()
    assert events == (["on_finish"] if stays else ["gone", "on_finish"])
    assert ("5 bytes less than Content-Length" in caplog.text) is stays


def test_pipelined_coroutines_answer_in_order(serve):
    """P9, at the level of handlers: the first may take longest."""

    class Handler(RequestHandler):
        async def get(self, turns):
            for _ in range(int(turns)):
                await asyncio.sleep(0)
            self.write(f"<{turns}>")

    with serve(Application([(r"/(\d+)", Handler)])) as server, server.connect() as conn:
        for turns in (20, 5, 0):
            conn.sendall(f"GET /{turns} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        data = b""
        while b"<0>" not in data:
            data += conn.recv(65536)
    assert data.index(b"<20>") < data.index(b"<5>") < data.index(b"<0>")


class Waiting(RequestHandler):
    """Waits until its client has gone."""

    async def get(self):
        self.settings["started"].set()
        self.gone = asyncio.Event()
        await self.gone.wait()

    async def post(self):
        self.settings["started"].set()
        self.write("x" * 100)
        try:
            while True:
                await self.flush()
                self.write("x" * 100)
                await asyncio.sleep(0)
        except StreamClosedError:
            self.settings["noticed"].append("flush")
            raise

    def put(self):
        self.finish("done")

    def on_connection_close(self):
        self.settings["noticed"].append("close")
        self.settings["closed"].set()
        if hasattr(self, "gone"):
            self.gone.set()


@pytest.fixture
def waiting():
    settings = {"noticed": [], "started": threading.Event(), "closed": threading.Event()}
    return Application([("/", Waiting)], **settings)


def reset(conn):
    """Close a connection with a reset."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def test_on_connection_close(serve, waiting):
    """WEB-149: called when the client disconnects while the request is open."""
    with serve(waiting) as server:
        conn = server.connect()
        conn.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert waiting.settings["started"].wait(LIMIT)
        conn.close()
        assert waiting.settings["closed"].wait(LIMIT)
    assert waiting.settings["noticed"] == ["close"]


def test_flush_to_a_client_that_has_gone(serve, waiting, caplog):
    """It raises StreamClosedError, which is not logged as an error of the program."""
    with serve(waiting) as server:
        conn = server.connect()
        conn.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        assert waiting.settings["started"].wait(LIMIT)
        reset(conn)
        assert waiting.settings["closed"].wait(LIMIT)
    assert sorted(waiting.settings["noticed"]) == ["close", "flush"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_close_after_the_response(serve, waiting):
    """WEB-149: not called for requests that have finished."""
    with serve(waiting) as server:
        assert server.request("PUT", "/", b"").body == b"done"
    assert waiting.settings["noticed"] == []


@stream_request_body
class Upload(RequestHandler):
    def prepare(self):
        self.size = 0
        self.request.connection.set_max_body_size(1 << 24)
        if self.request.path == "/refused":
            raise HTTPError(403)

    async def data_received(self, chunk):
        self.size += len(chunk)
        await asyncio.sleep(0)

    def post(self):
        self.write(str(self.size))

    def on_connection_close(self):
        self.settings["gone"].set()


@pytest.fixture
def upload():
    return Application([("/.*", Upload)], gone=threading.Event())


def test_upload(serve, upload):
    with serve(upload) as server:
        assert server.request("POST", "/", b"x" * 1_000_000).body == b"1000000"


def test_upload_with_a_limit_of_its_own(serve, upload):
    """A handler may allow more than the server does, in ``prepare``."""
    with serve(upload, max_body_size=1000) as server:
        answer = server.request("POST", "/", iter([b"x" * 5000] * 10))
    assert answer.body == b"50000"


def test_upload_that_breaks_off(serve, upload):
    with serve(upload) as server:
        conn = server.connect()
        conn.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
        conn.close()
        assert upload.settings["gone"].wait(LIMIT)


def test_upload_that_is_refused(serve, upload):
    """P8: the rest of the body is not taken for a request."""
    with serve(upload) as server:
        body = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
        data = server.raw(get("/refused", method="POST", body=body))
    assert data.count(b"HTTP/1.1 ") == 1
    assert data.startswith(b"HTTP/1.1 403 Forbidden")


def test_body_of_a_request_without_interest(serve):
    """P8: a handler that does not look at the body leaves the connection in order."""

    class Handler(RequestHandler):
        def post(self):
            self.write("ok")

    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30000
    with serve(Application([("/", Handler)])) as server:
        data = server.raw(request * 2 + get("/nowhere"))
    assert data.count(b"HTTP/1.1 200 OK") == 2
    assert data.count(b"HTTP/1.1 404 Not Found") == 1


def test_error_in_a_handler_keeps_the_connection(serve, caplog):
    class Handler(RequestHandler):
        def get(self):
            raise ZeroDivisionError

    with serve(Application([("/", Handler)])) as server:
        data = server.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/nowhere"))
    assert data.count(b"HTTP/1.1 500 ") == 1
    assert data.count(b"HTTP/1.1 404 ") == 1


def test_json_and_forms_over_the_wire(serve):
    class Handler(RequestHandler):
        def post(self):
            self.write({name: self.get_arguments(name) for name in self.request.arguments})

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with serve(Application([("/", Handler)])) as server:
        answer = server.request("POST", "/?a=1", b"a=2&b=%C3%A9", headers)
    assert json.loads(answer.body) == {"a": ["1", "2"], "b": ["é"]}


@pytest.mark.parametrize("waits", [False, True])
def test_a_handler_whose_client_left_in_the_middle_of_a_body_is_not_kept(waits):
    """Nor are its request and its connection; no collector is needed for that."""

    @stream_request_body
    class Upload(RequestHandler):
        def initialize(self):
            kept.extend(map(weakref.ref, (self, self.request, self.request.connection)))

        async def prepare(self):
            if waits:
                await asyncio.sleep(0)

        async def data_received(self, chunk):
            if waits:
                await asyncio.sleep(0)
            arrived.set()

        def post(self):
            raise AssertionError("the body has not come")

        def on_connection_close(self):
            left.set()

    async def main():
        server = Application([("/", Upload)]).listen(0, "127.0.0.1")
        (listener,) = server._sockets.values()
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(get("/", method="POST", body=b"body")[:-1])
        await asyncio.wait_for(arrived.wait(), LIMIT)
        writer.close()
        await asyncio.wait_for(left.wait(), LIMIT)
        server.stop()
        await server.close_all_connections()
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(kept) == 3
        assert [part() for part in kept] == [None, None, None]

    kept, arrived, left = [], asyncio.Event(), asyncio.Event()
    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()
