"""Answers whose body comes with their head are the same as those whose body follows it."""

import asyncio
import contextlib
import itertools
import socket

import pytest

from tornado._http1.reader import MAX_LEADING_EMPTY_LINES
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPOutputError, ResponseStartLine
from tornado.iostream import IOStream

REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
    b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab",
]
LINES = [
    ResponseStartLine("", 200, "OK"),
    ResponseStartLine("HTTP/1.1", 404, "Not Found"),
    ResponseStartLine("HTTP/1.1", 200, "Fine"),
    ResponseStartLine("", 299, "Own"),
    ResponseStartLine("", 101, "Switching Protocols"),
    ResponseStartLine("", 103, "Early Hints"),
    ResponseStartLine("", 204, "No Content"),
    ResponseStartLine("", 304, "Not Modified"),
]
FIELDS = [
    {"Content-Length": "3"},
    {"Content-Length": "03"},
    {"Content-Length": "4"},
    {"Content-Length": "2"},
    {"Content-Length": "x"},
    {},
    {"Content-Length": "3", "Connection": "close"},
    {"Content-Length": "3", "Connection": "keep-alive"},
    {"Content-Length": "3", "Transfer-Encoding": "chunked"},
    {"Transfer-Encoding": "chunked"},
]


class Wire(IOStream):
    """Keeps what is sent."""

    def __init__(self, sock):
        super().__init__(sock)
        self.sent = b""

    def send(self, data):
        self.sent += data
        return True


def exchange(requests, answer):
    """Give requests to a server; what it has sent, what writing has raised, whether it closes."""

    async def run():
        near, far = socket.socketpair()
        errors = []

        def callback(request):
            try:
                answer(request.connection)
                request.connection.finish()
            except HTTPOutputError as error:
                errors.append(str(error))
                raise

        wire = Wire(near)
        server = HTTPServer(callback)
        server.handle_stream(wire, ("127.0.0.1", 1))
        connection = next(iter(server._connections)).connection
        for request in requests:
            connection.data_received(request)
        stays = connection.is_reusable()
        with contextlib.closing(wire), far:
            return wire.sent, errors, stays

    return asyncio.run(run())


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_a_body_may_come_with_the_head_or_after_it(request_):
    for line, fields in itertools.product(LINES, FIELDS):

        def at_once(connection, line=line, fields=fields):
            connection.write_headers(line, HTTPHeaders(fields), b"abc")

        def after(connection, line=line, fields=fields):
            connection.write_headers(line, HTTPHeaders(fields))
            connection.write(b"abc")

        if line.code == 103:
            # An interim response has no body, so it's not the same.
            sent, errors, _ = exchange([request_], at_once)
            assert not errors
            assert b"abc" not in sent
            continue
        sent, errors, stays = exchange([request_], at_once)
        sent_after, errors_after, stays_after = exchange([request_], after)
        assert (errors, stays) == (errors_after, stays_after), (line, fields)
        # Of an answer that fails, a head that was written alone has left.
        assert sent == sent_after or (errors and sent == b""), (line, fields)


@pytest.mark.parametrize("first", range(len(LINES)))
def test_an_answer_is_none_the_worse_for_the_one_before(first):
    request = REQUESTS[0]
    plain = LINES[0], {"Content-Length": "3"}

    def write(connection, line, fields):
        connection.write_headers(line, HTTPHeaders(fields), b"abc")

    alone, _, _ = exchange([request], lambda connection: write(connection, *plain))
    for before, fields in itertools.product((REQUESTS[0], REQUESTS[1], REQUESTS[6]), FIELDS):
        answers = iter([(LINES[first], fields), plain])

        def answer(connection, answers=answers):
            write(connection, *next(answers))

        own = (LINES[first], fields)
        sent_before, errors, stays = exchange(
            [before], lambda connection, own=own: write(connection, *own)
        )
        if not stays:
            continue
        sent, errors, stays = exchange([before, request], answer)
        assert sent == sent_before + alone
        assert not errors
        assert stays


def test_no_more_can_follow_a_body_that_came_with_its_head():
    for before in ([], [REQUESTS[1]]):
        refused = []

        def answer(connection, refused=refused):
            headers = HTTPHeaders({"Content-Length": "3"})
            connection.write_headers(LINES[0], headers, b"abc")
            with pytest.raises(HTTPOutputError, match="more was written"):
                refused.append(connection.write(b"d"))

        if before:
            # To HEAD nothing of it is sent.
            def answer(connection, answer=answer):
                if connection.current_request.method == "HEAD":
                    connection.write_headers(LINES[0], HTTPHeaders({"Content-Length": "3"}))
                else:
                    answer(connection)

        sent, errors, stays = exchange([*before, REQUESTS[0]], answer)
        assert sent.endswith(b"\r\n\r\nabc")
        assert stays
        assert not errors


def test_the_head_of_an_answer_is_written_once():
    def answer(connection):
        headers = HTTPHeaders({"Content-Length": "3"})
        connection.write_headers(LINES[0], headers, b"abc")
        with pytest.raises(HTTPOutputError, match="written already"):
            connection.write_headers(LINES[0], headers, b"abc")

    sent, errors, stays = exchange([REQUESTS[0]], answer)
    assert sent.count(b"HTTP/1.1") == 1
    assert stays
    assert not errors


@pytest.mark.parametrize(
    ("request_", "written", "sent"),
    [
        (REQUESTS[2], "keep-alive", "close"),
        (REQUESTS[3], "Keep-Alive", "close"),
        (REQUESTS[3], "X-Own, keep-alive", "x-own, close"),
        (REQUESTS[2], "X-Own, close", "X-Own, close"),
        (REQUESTS[0], "keep-alive", "keep-alive"),
    ],
)
def test_an_answer_never_promises_what_the_connection_does_not_hold(request_, written, sent):
    """Proxies that rely on it send the next request into a connection that closes."""
    fields = {"Content-Length": "0", "Connection": written}

    def answer(connection):
        headers = HTTPHeaders(fields)
        connection.write_headers(LINES[0], headers)
        assert dict(headers.items()) == fields

    data, errors, _ = exchange([request_], answer)
    assert f"\r\nConnection: {sent}\r\n".encode() in data
    assert data.count(b"Connection") == 1
    assert not errors


def test_empty_lines_are_counted_before_each_request_anew():
    """Some clients send one after each request (RFC 9112 section 2.2)."""

    def answer(connection):
        connection.write_headers(LINES[0], HTTPHeaders({"Content-Length": "3"}), b"abc")

    data, _, stays = exchange([REQUESTS[0], b"\r\n"] * 2 * MAX_LEADING_EMPTY_LINES, answer)
    assert data.count(b"HTTP/1.1 200 OK") == 2 * MAX_LEADING_EMPTY_LINES
    assert stays


@pytest.mark.parametrize("code", [200, 403])
def test_a_tunnel_that_connect_asked_for_has_no_framing(code):
    """RFC 9110 section 9.3.6."""

    def answer(connection):
        connection.write_headers(ResponseStartLine("", code, "Answer"), HTTPHeaders())
        connection.write(b"abc")

    data, errors, stays = exchange([b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"], answer)
    assert not errors
    if code == 200:
        assert data == b"HTTP/1.1 200 Answer\r\n\r\nabc"
    else:
        assert data.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert stays is (code != 200)
