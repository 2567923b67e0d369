"""Answers of several connections leave together, each of them whole and in order."""

import asyncio
import contextlib
import select
import socket

import pytest

from tornado._ioloop import readiness
from tornado._ioloop.readiness import readiness_of
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="this system has no epoll")

OK = ResponseStartLine("", 200, "OK")
GET = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """How long something takes here shall make no difference."""
    monkeypatch.setattr(readiness, "LONGEST_WAIT", 3600.0)


def answer_with(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def begin(request, size, body):
    headers = HTTPHeaders({"Content-Length": str(size)})
    request.connection.write_headers(OK, headers, body)


def answer(request, body):
    begin(request, len(body), body)
    request.connection.finish()


class Client:
    """The client's side of a connection whose events the test has dealt with when it likes."""

    def __init__(self, server):
        here, self.socket = socket.socketpair()
        self.socket.setblocking(False)
        self.stream = IOStream(here)
        server.handle_stream(self.stream, ("127.0.0.1", 1))

    def ask(self, path=b"", request=GET):
        self.socket.send(request % path)

    def got(self):
        """What has come; `None` if nothing has, though the connection is open."""
        try:
            return self.socket.recv(100000)
        except BlockingIOError:
            return None


@contextlib.asynccontextmanager
async def clients(callback, number=2, **options):
    server = HTTPServer(callback, **options)
    made = [Client(server) for _ in range(number)]
    try:
        yield made
    finally:
        for client in made:
            client.socket.close()
        await server.close_all_connections()


def dispatch():
    readiness_of(IOLoop.current())._dispatch()


async def test_answers_leave_when_all_requests_are_answered():
    def callback(request):
        assert [client.got() for client in asking] == [None] * 3
        answer(request, request.path.encode())

    async with clients(callback, 3) as asking:
        for client, path in zip(asking, (b"a", b"b", b"c"), strict=True):
            client.ask(path)
        dispatch()
        assert [client.got() for client in asking] == [
            answer_with(b"/a"),
            answer_with(b"/b"),
            answer_with(b"/c"),
        ]


async def test_what_another_request_writes_to_a_connection_follows_what_waits_there():
    requests = []

    def callback(request):
        requests.append(request)
        if len(requests) == 1:
            begin(request, 9, b"first")
            return
        first = requests[0].connection
        first.write(b", la")
        answer(request, b"second")

    async with clients(callback) as asking:
        for client in asking:
            client.ask()
        dispatch()
        assert asking[0].got() == answer_with(b"first, la")
        assert asking[1].got() == answer_with(b"second")


def _close_stream(connection):
    connection.stream.close()


def _close(connection):
    connection._server.close()


def _end_soon(connection):
    connection._server.end_soon()


def _detach(connection):
    connection.detach().close()


def _write_past(connection):
    connection.stream.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.stream.close()


@pytest.mark.parametrize("end", [_close_stream, _close, _end_soon, _detach, _write_past])
async def test_an_answer_that_waits_is_not_lost_when_its_connection_is_ended(end):
    connections = []

    def callback(request):
        connections.append(request.connection)
        answer(request, b"answer")
        if len(connections) == 2:
            end(connections[0])

    async with clients(callback) as asking:
        for client in asking:
            client.ask()
        dispatch()
        dispatch()
        got = asking[0].got()
        if end is _write_past:
            assert got == answer_with(b"answer") + b"HTTP/1.1 400 Bad Request\r\n\r\n"
        else:
            assert got == answer_with(b"answer")
        assert asking[0].got() == b""
        assert asking[1].got() == answer_with(b"answer")


async def test_the_last_answer_of_a_connection_leaves_before_its_end():
    def callback(request):
        answer(request, b"answer")

    close = b"GET /%b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    async with clients(callback) as asking:
        for client in asking:
            client.ask(request=close)
        dispatch()
        for client in asking:
            assert client.got() == (
                b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nanswer"
            )
            assert client.got() == b""


async def test_refusals_leave_before_the_end_too():
    def callback(request):
        raise AssertionError("these are no requests")

    async with clients(callback) as asking:
        for client in asking:
            client.ask(request=b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n%b")
        dispatch()
        for client in asking:
            assert client.got().startswith(b"HTTP/1.1 400 ")
            assert client.got() == b""


async def test_who_has_left_before_the_answer_leaves_disturbs_nobody():
    def callback(request):
        answer(request, b"answer")
        asking[0].socket.close()

    async with clients(callback) as asking:
        for client in asking:
            client.ask()
        dispatch()
        assert asking[1].got() == answer_with(b"answer")
        asking[1].ask()
        dispatch()
        assert asking[1].got() == answer_with(b"answer")


async def test_a_client_that_takes_nothing_gets_its_answers_later():
    body = bytes(5000)

    def callback(request):
        answer(request, body)

    async with clients(callback) as asking:
        asked = 0
        while not asking[0].stream.writing():
            asked += 1
            for client in asking:
                client.ask()
            dispatch()
            assert asking[1].got() == answer_with(body)
        got = b""
        while len(got) < asked * len(answer_with(body)):
            got += asking[0].got() or b""
            await asyncio.sleep(0)
        assert got == answer_with(body) * asked
        assert not asking[0].stream.writing()
