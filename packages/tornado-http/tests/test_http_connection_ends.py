"""Which ends of a server's connection are its client's fault, and what the client still gets."""

import asyncio
import itertools
import socket

import pytest

from tornado.http1connection import (
    HTTP1Connection,
    HTTP1ConnectionParameters,
    HTTP1ServerConnection,
)
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream

OK = ResponseStartLine("HTTP/1.1", 200, "OK")
BIG = b"z" * 4_000_000


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def respond(connection, body, length=None):
    fields = {"Content-Length": str(len(body) if length is None else length)}
    connection.write_headers(OK, HTTPHeaders(fields), body)
    connection.finish()


class Site(HTTPServerConnectionDelegate):
    """Answers by address; some addresses fail."""

    def __init__(self):
        self.go_on = asyncio.Event()
        self.arrived = asyncio.Event()
        self.closed = asyncio.Event()
        self.answered = 0
        self.paths = []

    def start_request(self, server_conn, request_conn):
        return Message(self, request_conn)

    def on_close(self, server_conn):
        self.closed.set()


class Message(HTTPMessageDelegate):
    def __init__(self, site, connection):
        self.site, self.connection = site, connection

    def headers_received(self, start_line, headers):
        self.path = start_line.path
        if self.path.startswith("/echo"):
            self.connection.write_headers(OK, HTTPHeaders())
        if self.path == "/begin":
            self.connection.write_headers(OK, HTTPHeaders())
            self.connection.write(b"begun")
        if self.path == "/begin/big/and/fail":
            self.connection.write_headers(OK, HTTPHeaders({"Content-Length": str(len(BIG))}), BIG)
            raise LookupError(self.path)
        if self.path == "/big/early":
            respond(self.connection, BIG)
        if self.path == "/fail/at/once":
            raise LookupError(self.path)
        if self.path.startswith("/wait"):
            return self.wait()
        return None

    async def wait(self):
        self.site.arrived.set()
        await self.site.go_on.wait()
        if self.path == "/wait/and/fail":
            raise LookupError(self.path)
        if self.path == "/wait/and/refuse":
            raise HTTPInputError("no", status_code=413)
        if self.path == "/wait/and/cancel":
            raise asyncio.CancelledError()

    def data_received(self, chunk):
        if self.path == "/early":
            respond(self.connection, b"answer")
        if self.path == "/echo":
            self.connection.write(chunk)
        if self.path == "/echo/loudly":
            self.connection.write(chunk * 20)
        if self.path == "/early/slowly":
            return self.answer_slowly(b"answer")
        return self.answer_slowly(BIG) if self.path == "/big/slowly" else None

    async def answer_slowly(self, body):
        self.site.arrived.set()
        await self.site.go_on.wait()
        respond(self.connection, body)

    def finish(self):
        if self.path == "/fail":
            raise LookupError(self.path)
        if self.path == "/cancelled":
            # As the result of a future is that somebody else has cancelled.
            raise asyncio.CancelledError()
        if self.path == "/answer/and/refuse":
            respond(self.connection, b"answer")
            raise HTTPInputError("too late")
        if self.path == "/refuse/oddly":
            raise HTTPInputError("no", status_code=499)
        if self.path == "/short":
            respond(self.connection, b"abc", length=4)
        elif self.path.startswith("/echo"):
            self.connection.finish()
        elif self.path == "/big":
            respond(self.connection, BIG)
        else:
            self.site.answered += 1
            self.site.paths.append(self.path)
            respond(self.connection, b"answer")


class Served:
    """A connection that is served, and the socket at its other end."""

    def __init__(self, **params):
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.theirs = theirs
        self.stream = IOStream(ours)
        self.site = Site()
        server = HTTP1ServerConnection(self.stream, HTTP1ConnectionParameters(**params))
        server.start_serving(self.site)
        self.connection = server.connection

    async def send(self, data):
        await asyncio.get_running_loop().sock_sendall(self.theirs, data)

    async def read(self, size=None):
        """Read so many bytes, or up to the end."""
        received = bytearray()
        while size is None or len(received) < size:
            data = await asyncio.get_running_loop().sock_recv(self.theirs, 1_000_000)
            if not data:
                break
            received += data
        return bytes(received)

    def time_is_up(self):
        """Let the deadline for what the client has to send strike."""
        self.connection._sweep.clock = self.connection.deadline + 1
        self.connection.on_deadline()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        self.theirs.close()
        if not self.stream.closed():
            self.stream.close()
        await self.site.closed.wait()


@pytest.mark.parametrize("path", ["/fail", "/fail/at/once", "/cancelled", "/short"])
async def test_p9_an_answer_is_not_lost_by_an_error_in_the_next_request(path, caplog):
    async with Served() as served:
        await served.send(get("/") + get(path) + get("/"))
        answer = await served.read()
        assert answer.count(b"HTTP/1.1 200 OK") == (2 if path == "/short" else 1)
        assert b"\r\n\r\nanswer" in answer
        assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("path", "levels"),
    [("/wait/and/fail", ["ERROR"]), ("/wait/and/cancel", []), ("/wait/and/refuse", ["INFO"])],
)
async def test_p9_an_answer_that_waits_is_not_lost_by_a_later_error(path, levels, caplog):
    caplog.set_level("INFO")
    async with Served() as served:
        await served.send(get("/big") + get(path))
        while served.connection._holds:
            await asyncio.sleep(0)
        first = await served.read(1000)
        served.site.go_on.set()
        answer = first + await served.read()
        assert answer.count(b"z") >= len(BIG)
        assert [record.levelname for record in caplog.records] == levels
        assert answer.count(b" 413 ") == len(levels) - levels.count("ERROR")


async def test_p9_an_answer_is_not_lost_by_a_broken_body_after_it(caplog):
    caplog.set_level("INFO")
    async with Served() as served:
        begin = b"POST /begin HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        await served.send(get("/") + begin + b"no chunk\r\n")
        answer = await served.read()
        assert b"\r\n\r\nanswer" in answer
        # The one that has begun is broken off: its last chunk is missing.
        assert answer.endswith(b"5\r\nbegun\r\n")
        assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize("ends", [False, True], ids=["stays", "ends its side"])
async def test_s24_requests_that_come_together_let_others_have_their_turn(ends, monkeypatch):
    monkeypatch.setattr("tornado._http1.flow.LONGEST_TURN", 0)
    turns = []

    def count():
        turns.append(served.site.answered)
        if served.site.answered < 500:
            asyncio.get_running_loop().call_soon(count)

    async with Served() as served:
        await served.send(b"".join(get(f"/{n}") for n in range(500)))
        if ends:
            served.theirs.shutdown(socket.SHUT_WR)
        count()
        received = b""
        while received.count(b"\r\n\r\nanswer") < 500:
            received += await served.read(1)
        assert max(b - a for a, b in itertools.pairwise(turns)) <= 8
        assert served.site.paths == [f"/{n}" for n in range(500)]
        if ends:
            assert await served.read() == b""


async def test_s24_requests_that_wait_for_their_turn_are_under_way(monkeypatch):
    monkeypatch.setattr("tornado._http1.flow.LONGEST_TURN", 0)
    async with Served() as served:
        await served.send(b"".join(get(f"/{n}") for n in range(500)))
        while not served.site.answered:
            await asyncio.sleep(0)
        served.connection.end_soon()
        answer = await served.read()
        assert served.site.answered < 500
        assert answer.count(b"\r\n\r\nanswer") == served.site.answered
        assert answer.count(b"Connection: close") == 1


@pytest.mark.parametrize("fields", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("path", [b"/big/early", b"/begin/big/and/fail"])
async def test_p8_a_client_may_send_all_before_it_reads_an_early_answer(path, fields, caplog):
    """Both would wait for each other otherwise."""
    head = b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: 4000000\r\n\r\n" % (path, fields)
    async with Served() as served:
        await served.send(head)
        await served.send(BIG)
        answer = await served.read(len(BIG))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        if path == b"/big/early" and not fields:
            answer += await served.read(len(BIG) - answer.count(b"z"))
            await served.send(get("/"))
            assert (await served.read(44)).endswith(b"\r\n\r\nanswer")
        else:
            answer += await served.read()
            assert answer.endswith(b"z")
        assert answer.count(b"z") == len(BIG)


async def test_p8_a_client_may_send_all_also_if_it_had_to_wait():
    head = b"POST /big/slowly HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    async with Served() as served:
        sending = asyncio.ensure_future(
            served.send(head + b"Content-Length: 4000000\r\n\r\n" + BIG)
        )
        while not served.connection._input_paused:
            await asyncio.sleep(0)
        served.site.go_on.set()
        await sending
        assert (await served.read()).count(b"z") == len(BIG)


async def test_a_client_may_send_all_of_a_body_that_is_answered_piece_by_piece():
    async with Served() as served:
        await served.send(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" + BIG
        )
        await served.send(get("/"))
        answer = await served.read(len(BIG))
        while not answer.endswith(b"\r\n\r\nanswer"):
            answer += await served.read(1)
        assert answer.count(b"z") == len(BIG)


async def test_a_body_waits_when_very_much_of_its_answer_does():
    """Other clients need memory too."""
    piece, limit = b"z" * 10_000, 100_000
    async with Served(max_body_size=limit) as served:
        served.connection.data_received(
            b"POST /echo/loudly HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        )
        for _ in range(10):
            served.connection.data_received(piece)
        waiting = served.stream.write_buffer_size
        assert limit < waiting < limit + 60 * len(piece)
        answer = b""
        while not answer.endswith(b"0\r\n\r\n"):
            answer += await served.read(1)
        assert answer.count(b"z") == 20 * limit


async def test_early_answers_that_nobody_takes_do_not_heap_up():
    one = b"POST /big/early HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
    async with Served() as served:
        for part in (one, one, one[:-1], one[-1:] + one, one):
            served.connection.data_received(part)
            assert served.stream.write_buffer_size < 1.5 * len(BIG)
        received = 0
        while received < 5 * len(BIG):
            received += (await served.read(1)).count(b"z")


async def test_p9_a_request_that_was_answered_gets_no_refusal_as_well(caplog):
    """Behind a proxy it would be the answer to somebody else's request."""
    caplog.set_level("INFO")
    async with Served() as served:
        await served.send(get("/answer/and/refuse"))
        answer = await served.read()
        assert answer.endswith(b"\r\n\r\nanswer")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert [record.getMessage() for record in caplog.records] == [
            "Malformed HTTP message from None: too late"
        ]


@pytest.mark.parametrize("cut", [None, -4])
async def test_p9_a_body_that_was_answered_and_goes_wrong_gets_no_refusal_as_well(cut, caplog):
    """It's the same whether the mistake comes with what was answered or after it."""
    caplog.set_level("INFO")
    data = b"POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nZZ\r\n"
    async with Served() as served:
        served.connection.data_received(data[:cut])
        if cut is not None:
            served.connection.data_received(data[cut:])
        answer = await served.read()
        assert answer.endswith(b"\r\n\r\nanswer")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert [record.getMessage() for record in caplog.records] == [
            "Malformed HTTP message from None: invalid chunk size b'ZZ'"
        ]


@pytest.mark.parametrize("mistake", [b"ZZ\r\n", b"1\r\naZZ", b"fffffff\r\n"])
async def test_p9_a_mistake_is_found_when_what_came_before_it_is_done(mistake, caplog):
    """A slow delegate must not find its request refused while it answers."""
    caplog.set_level("INFO")
    data = b"POST /early/slowly HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    async with Served(max_body_size=100) as served:
        served.connection.data_received(data + mistake)
        await served.site.arrived.wait()
        served.site.go_on.set()
        answer = await served.read()
        assert answer.endswith(b"\r\n\r\nanswer")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_a_request_may_be_refused_with_any_status():
    async with Served() as served:
        await served.send(get("/refuse/oddly"))
        assert (await served.read()).startswith(b"HTTP/1.1 499 Refused\r\n")


async def test_h1c_7_time_in_which_the_client_takes_an_answer_is_not_idle():
    async with Served(header_timeout=1000) as served:
        await served.send(get("/big"))
        answer = await served.read(1000)
        assert served.stream.write_buffer_size
        served.time_is_up()
        assert not served.stream.closed()
        head_size = answer.index(b"\r\n\r\n") + 4
        await served.read(head_size + len(BIG) - len(answer))
        while served.stream.write_buffer_size:
            await asyncio.sleep(0)
        assert not served.stream.closed()
        served.time_is_up()
        assert served.stream.closed()


@pytest.mark.parametrize("body", [b"", b"ab", b"abcd"], ids=["none", "a part", "all"])
async def test_h1c_7_time_that_the_server_takes_is_not_the_clients(body):
    length = 4 if body else 0
    head = f"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()
    async with Served(header_timeout=1000, body_timeout=1000) as served:
        await served.send(head + body)
        await served.site.arrived.wait()
        served.time_is_up()
        assert not served.stream.closed()
        served.site.go_on.set()
        await asyncio.sleep(0)
        if len(body) < length:
            # The rest has its time.
            while served.connection._holds:
                await asyncio.sleep(0)
            await served.send(b"cd")
        assert (await served.read(1)).startswith(b"HTTP/1.1 200 OK")


async def test_h1c_7_who_is_waited_for_holds_up_no_end():
    async with Served(header_timeout=1000, body_timeout=1000) as served:
        await served.send(b"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        await served.site.arrived.wait()
        # The answer comes early, and the client neither sends the rest nor goes.
        served.connection.no_keep_alive = True
        served.connection._keep_alive = False
        respond(served.connection, b"early")
        assert (await served.read()).endswith(b"early")
        assert served.connection.is_lingering
        served.time_is_up()
        assert served.stream.closed()
        served.site.go_on.set()


async def test_h1c_7_after_the_wait_the_client_has_its_time_again(caplog):
    caplog.set_level("INFO")
    async with Served(body_timeout=1000) as served:
        head = b"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"
        await served.send(head)
        await served.site.arrived.wait()
        served.time_is_up()
        served.site.go_on.set()
        while served.connection._holds:
            await asyncio.sleep(0)
        served.time_is_up()
        assert await served.read() == b""
        assert [record.getMessage() for record in caplog.records] == ["Timeout reading from None"]


class Noting(HTTPMessageDelegate):
    def __init__(self):
        self.ends = []

    def finish(self):
        self.ends.append("finish")

    def on_connection_close(self):
        self.ends.append("close")


@pytest.mark.parametrize("is_client", [False, True])
@pytest.mark.parametrize(
    "params", [{}, {"header_timeout": 3600}], ids=["alone", "beside a long one"]
)
async def test_h1c_7_a_body_timeout_holds_for_connections_on_their_own(is_client, params):
    ours, theirs = socket.socketpair()
    stream = IOStream(ours)
    parameters = HTTP1ConnectionParameters(body_timeout=0.01, **params)
    connection = HTTP1Connection(stream, is_client, parameters)
    if is_client:
        connection.write_headers(RequestStartLine("GET", "/", ""), HTTPHeaders({"Host": "a"}))
        connection.finish()
        theirs.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
    else:
        theirs.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
    delegate = Noting()
    await connection.read_response(delegate)
    assert delegate.ends == ["close"]
    theirs.close()
