"""HTTP1Connection and HTTP1ServerConnection on their own, two of them talking over a socket pair."""

import asyncio
import gzip
import itertools
import socket

import pytest

from tornado.http1connection import (
    HTTP1Connection,
    HTTP1ConnectionParameters,
    HTTP1ServerConnection,
)
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPOutputError,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError

GET = RequestStartLine("GET", "/", "HTTP/1.1")
POST = RequestStartLine("POST", "/up", "HTTP/1.1")
OK = ResponseStartLine("HTTP/1.1", 200, "OK")


def pair():
    """Two streams that are connected."""
    return [IOStream(sock) for sock in socket.socketpair()]


class Closing:
    """Takes what comes, and closes its stream at the end."""

    def __init__(self, stream):
        self.stream = stream

    def data_received(self, data):
        pass

    def eof_received(self):
        self.stream.close()

    def connection_lost(self, exc):
        pass


class Noting(HTTPMessageDelegate):
    """Notes what it is given."""

    def __init__(self):
        self.events = []
        self.body = b""
        self.pieces = []

    def headers_received(self, start_line, headers):
        self.start_line, self.headers = start_line, headers
        self.events.append("head")

    def data_received(self, chunk):
        self.body += chunk
        self.pieces.append(len(chunk))

    def finish(self):
        self.events.append("finish")

    def on_connection_close(self):
        self.events.append("close")


class Serving(HTTPServerConnectionDelegate):
    """Answers each request by what a test's function says."""

    def __init__(self, on_head=None, on_finish=None):
        self.messages, self.closed = [], asyncio.Event()
        self.arrived = asyncio.Event()
        self.on_head, self.on_finish = on_head, on_finish or answer

    def start_request(self, server_conn, request_conn):
        message = Asked(self, request_conn)
        self.messages.append(message)
        return message

    def on_close(self, server_conn):
        self.closed.set()


class Asked(Noting):
    def __init__(self, owner, connection):
        super().__init__()
        self.owner, self.connection = owner, connection

    def headers_received(self, start_line, headers):
        super().headers_received(start_line, headers)
        if self.owner.on_head is not None:
            return self.owner.on_head(self)

    def finish(self):
        super().finish()
        self.owner.arrived.set()
        self.owner.on_finish(self)


def answer(message, body=b"answer"):
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    message.connection.write_headers(OK, headers, body)
    message.connection.finish()


def hold(message):
    """Leave a request without an answer."""


async def ask(client, start_line=GET, body=b"", **fields):
    """Send a request and read the answer."""
    headers = HTTPHeaders({"Host": "a", **{n.replace("_", "-"): v for n, v in fields.items()}})
    if body:
        headers["Content-Length"] = str(len(body))
    client.write_headers(start_line, headers, body or None)
    client.finish()
    delegate = Noting()
    assert await client.read_response(delegate) is None
    return delegate


class Ends:
    """A served connection and a client of it."""

    def __init__(self, delegate, client_params=None, **params):
        far, near = pair()
        self.context = object()
        self.server = HTTP1ServerConnection(far, HTTP1ConnectionParameters(**params), self.context)
        self.delegate = delegate
        self.server.start_serving(delegate)
        self.client = HTTP1Connection(near, True, client_params)
        self.near = near

    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        self.client.close()
        await self.delegate.closed.wait()


# Parameters


def test_h1c_1_parameters_and_their_defaults():
    params = HTTP1ConnectionParameters()
    assert (params.no_keep_alive, params.decompress) == (False, False)
    assert (params.header_timeout, params.body_timeout) == (None, None)
    assert params.max_body_size is None
    given = HTTP1ConnectionParameters(True, 1, 2, 3.0, 4, 5.0, True)
    assert (given.no_keep_alive, given.chunk_size, given.max_header_size) == (True, 1, 2)
    assert (given.header_timeout, given.max_body_size, given.body_timeout) == (3.0, 4, 5.0)
    assert given.decompress is True


# A client


async def test_h1c_2_3_4_a_client_asks_and_reads():
    async with Ends(Serving()) as ends:
        assert ends.client.is_client
        for body in (b"", b"some body"):
            got = await ask(ends.client, POST if body else GET, body)
            assert got.events == ["head", "finish"]
            assert got.start_line == OK
            assert got.body == b"answer"
        seen = ends.delegate.messages
        assert [message.body for message in seen] == [b"", b"some body"]
        assert seen[0].start_line == GET
        # The context is what it was given; the connection is the same for both.
        assert seen[0].connection is seen[1].connection
        assert seen[0].connection.context is ends.context
        assert isinstance(seen[0].connection, HTTP1Connection)
        assert isinstance(seen[0].connection, HTTPConnection)


async def test_a_body_of_unknown_length_is_sent_in_chunks():
    async with Ends(Serving()) as ends:
        client = ends.client
        client.write_headers(POST, HTTPHeaders({"Host": "a"}))
        for piece in (b"one ", b"two ", b"three"):
            await client.write(piece)
        client.finish()
        await client.read_response(Noting())
        (message,) = ends.delegate.messages
        assert message.headers["Transfer-Encoding"] == "chunked"
        assert message.body == b"one two three"


HINTS = ResponseStartLine("HTTP/1.1", 103, "Early Hints")


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_interim_responses_go_to_those_who_know_them(version):
    """RFC 9110 section 15.2."""

    def on_finish(message):
        for link in ("</a>", "</b>"):
            message.connection.write_headers(HINTS, HTTPHeaders({"Link": link}))
        answer(message)
        with pytest.raises(HTTPOutputError):
            message.connection.write_headers(HINTS, HTTPHeaders())

    async with Ends(Serving(on_finish=on_finish)) as ends:
        await ends.near.write(f"GET / HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        got = await ends.near.read_until(b"answer")
        hints = b"".join(b"HTTP/1.1 103 Early Hints\r\nLink: </%c>\r\n\r\n" % c for c in b"ab")
        assert got.startswith((hints if version == "1.1" else b"") + b"HTTP/1.1 200 OK\r\n")
        assert got.count(b"HTTP/1.1 ") == (3 if version == "1.1" else 1)


async def test_h1c_14_callbacks_stand_beside_futures():
    async with Ends(Serving()) as ends:
        called = asyncio.Queue()
        client = ends.client
        headers = HTTPHeaders({"Host": "a", "Content-Length": "4"})
        client.write_headers(POST, headers, b"ab", callback=lambda: called.put_nowait("head"))
        client.write(b"cd", callback=lambda: called.put_nowait("body"))
        client.finish()
        client.read_response(Noting(), callback=called.put_nowait)
        assert [await called.get() for _ in range(3)] == ["head", "body", None]
        ends.server.close(callback=called.put_nowait)
        assert await called.get() is None


async def test_responses_end_with_the_connection_and_can_be_empty():
    far, near = pair()
    client = HTTP1Connection(near, True)
    client.write_headers(GET, HTTPHeaders({"Host": "a"}))
    client.finish()
    await far.read_until(b"\r\n\r\n")
    await far.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end")
    far.close()
    delegate = Noting()
    await client.read_response(delegate)
    assert (delegate.events, delegate.body) == (["head", "finish"], b"until the end")
    # Nothing more can be read on it.
    late = Noting()
    await client.read_response(late)
    assert late.events == ["close"]


async def test_a_head_request_has_no_body_in_its_answer():
    async with Ends(Serving()) as ends:
        got = await ask(ends.client, RequestStartLine("HEAD", "/", "HTTP/1.1"))
        assert (got.headers["Content-Length"], got.body) == ("6", b"")
        assert (await ask(ends.client)).body == b"answer"


@pytest.mark.parametrize("is_client", [False, True])
@pytest.mark.parametrize("error", [LookupError, HTTPInputError, asyncio.CancelledError, None])
async def test_who_waits_for_a_message_learns_of_its_delegates_failure(error, is_client, caplog):
    class Failing(Noting):
        def finish(self):
            super().finish()
            if error is not None:
                raise error("at the end")

    far, near = pair()
    client = HTTP1Connection(near, is_client, HTTP1ConnectionParameters(decompress=True))
    if is_client:
        client.write_headers(GET, HTTPHeaders({"Host": "a"}))
        client.finish()
        start = b"HTTP/1.1 200 OK\r\n"
    else:
        start = b"POST / HTTP/1.1\r\nHost: a\r\n"
    body = gzip.compress(b"body")
    if error is None:
        # What the decoder doesn't like is no better.
        body = body[:-1]
    await far.write(
        start + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    delegate = Failing()
    if not is_client:
        # A refusal waits for who has sent the request.
        far.start_receiving(Closing(far))
    await client.read_response(delegate)
    assert delegate.events == ["head", *(["finish"] if error else []), "close"]
    far.close()
    client.close()


async def connect(answer):
    """Ask a server for a tunnel, and read its answer: both ends, and what was noted of that."""
    far, near = pair()
    client = HTTP1Connection(near, True)
    client.write_headers(RequestStartLine("CONNECT", "a:1", ""), HTTPHeaders({"Host": "a:1"}))
    client.finish()
    await far.read_until(b"\r\n\r\n")
    await far.write(answer)
    delegate = Noting()
    await client.read_response(delegate)
    return far, client, delegate


async def test_after_an_answer_to_connect_the_stream_is_a_tunnel():
    """RFC 9112 section 6.3, rule 2."""
    far, client, delegate = await connect(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthrough the tunnel"
    )
    assert (delegate.events, delegate.body) == (["head", "finish"], b"")
    near = client.detach()
    assert await near.read_bytes(18) == b"through the tunnel"
    far.close()
    near.close()


async def test_a_refusal_of_connect_is_a_message_as_others():
    far, client, delegate = await connect(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    assert delegate.body == b"no"
    far.close()
    client.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"?\r\n\r\n",
    ],
)
async def test_a_broken_answer_ends_in_on_connection_close(data):
    far, near = pair()
    client = HTTP1Connection(near, True)
    client.write_headers(GET, HTTPHeaders({"Host": "a"}))
    client.finish()
    await far.read_until(b"\r\n\r\n")
    await far.write(data)
    if not data.endswith(b"\n"):
        far.close()
    delegate = Noting()
    await client.read_response(delegate)
    far.close()
    assert delegate.events[-1] == "close"
    assert near.closed()


async def test_only_one_message_is_read_at_a_time():
    far, near = pair()
    client = HTTP1Connection(near, True)
    first = client.read_response(Noting())
    with pytest.raises(RuntimeError):
        client.read_response(Noting())
    client.close()
    await first
    far.close()


async def test_a_client_says_what_it_can_not_write():
    far, near = pair()
    client = HTTP1Connection(near, True)
    with pytest.raises(HTTPOutputError):
        client.write_headers(RequestStartLine("GET", "/a b", ""), HTTPHeaders())
    client.write_headers(POST, HTTPHeaders({"Content-Length": "2"}))
    with pytest.raises(HTTPOutputError):
        client.write(b"abc")
    with pytest.raises(HTTPOutputError):
        client.finish()
    assert near.closed()
    with pytest.raises(StreamClosedError):
        await client.write(b"ab")
    far.close()


# A server


async def test_a_server_writes_no_requests():
    def ask_back(message):
        with pytest.raises(HTTPOutputError):
            message.connection.write_headers(GET, HTTPHeaders({"Content-Length": "0"}))
        answer(message)

    async with Ends(Serving(on_finish=ask_back)) as ends:
        assert (await ask(ends.client)).body == b"answer"


async def test_h1c_15_a_server_connection_serves_until_it_is_closed():
    far, near = pair()
    serving = Serving()
    server = HTTP1ServerConnection(far, None, "the context")
    assert (server.stream, server.context) == (far, "the context")
    server.start_serving(serving)
    client = HTTP1Connection(near, True)
    for _ in range(3):
        assert (await ask(client)).body == b"answer"
    assert not serving.closed.is_set()
    assert await server.close() is None
    assert serving.closed.is_set()
    assert far.closed()
    # Again it does nothing.
    await server.close()
    client.close()


async def test_closing_waits_for_the_end_also_while_a_request_is_held():
    async with Ends(Serving(on_finish=hold)) as ends:
        asked = asyncio.ensure_future(ask(ends.client))
        await ends.delegate.arrived.wait()
        await ends.server.close()
        assert ends.delegate.messages[0].events == ["head", "finish", "close"]
        assert (await asked).events == ["close"]


@pytest.mark.parametrize("no_keep_alive", [False, True])
async def test_h1c_5_no_keep_alive_closes_after_one_request(no_keep_alive):
    async with Ends(Serving(), no_keep_alive=no_keep_alive) as ends:
        got = await ask(ends.client)
        assert got.headers.get("Connection") == ("close" if no_keep_alive else None)
        assert ends.delegate.messages[0].connection.no_keep_alive is no_keep_alive
        again = await ask(ends.client) if not no_keep_alive else None
        if again is None:
            await ends.delegate.closed.wait()
        else:
            assert again.body == b"answer"


async def test_h1c_5_no_keep_alive_of_a_client():
    async with Ends(Serving(), HTTP1ConnectionParameters(no_keep_alive=True)) as ends:
        assert (await ask(ends.client)).body == b"answer"
        await ends.delegate.closed.wait()


@pytest.mark.parametrize(("size", "status"), [(999, 200), (1000, 200), (1001, 413)])
async def test_h1c_6_bodies_beyond_the_limit_are_not_accepted(size, status):
    async with Ends(Serving(), max_body_size=1000) as ends:
        got = await ask(ends.client, POST, b"x" * size)
        assert got.start_line.code == status


async def test_h1c_6_headers_beyond_the_limit_are_not_accepted():
    async with Ends(Serving(), max_header_size=200) as ends:
        assert (await ask(ends.client, A="x" * 100)).start_line.code == 200
        assert (await ask(ends.client, A="x" * 200)).start_line.code == 431
        assert len(ends.delegate.messages) == 1


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ({"header_timeout": 0.05}, b""),
        ({"header_timeout": 0.05}, b"GET / HTTP/1.1\r\nHost:"),
        ({"body_timeout": 0.05}, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"),
    ],
)
async def test_h1c_7_what_does_not_come_in_time_ends_the_connection(params, sent):
    async with Ends(Serving(), **params) as ends:
        if sent:
            await ends.near.write(sent)
        await ends.delegate.closed.wait()
        for message in ends.delegate.messages:
            assert message.events == ["head", "close"]


async def test_h1c_7_timeouts_of_a_client():
    far, near = pair()
    client = HTTP1Connection(near, True, HTTP1ConnectionParameters(header_timeout=0.05))
    client.write_headers(GET, HTTPHeaders({"Host": "a"}))
    client.finish()
    delegate = Noting()
    await client.read_response(delegate)
    assert delegate.events == ["close"]
    far.close()


@pytest.mark.parametrize("members", [1, 3])
async def test_h1c_8_s23_bodies_with_gzip_are_decoded(members):
    plain = b"some text " * 5000
    packed = b"".join(gzip.compress(plain) for _ in range(members))
    async with Ends(Serving(), decompress=True, chunk_size=1000) as ends:
        await ask(ends.client, POST, packed, Content_Encoding="gzip")
        (message,) = ends.delegate.messages
        assert message.body == plain * members
        assert max(message.pieces) <= 1000
        assert "Content-Encoding" not in message.headers
        assert message.headers["X-Consumed-Content-Encoding"] == "gzip"
        # What isn't packed is left alone.
        await ask(ends.client, POST, packed, Content_Encoding="other")
        assert ends.delegate.messages[1].body == packed


async def test_s24_decoding_lets_others_have_their_turn():
    size = 20_000_000
    turns = []

    def count():
        if ends.delegate.messages:
            turns.append(len(ends.delegate.messages[0].body))
        if not turns or turns[-1] < size:
            asyncio.get_running_loop().call_soon(count)

    async with Ends(Serving(), decompress=True) as ends:
        count()
        await ask(ends.client, POST, gzip.compress(bytes(size)), Content_Encoding="gzip")
        assert turns[-1] == size
        assert max(b - a for a, b in itertools.pairwise(turns)) < 1_200_000


async def test_h1c_8_without_decompress_bodies_come_as_they_are():
    packed = gzip.compress(b"text")
    async with Ends(Serving()) as ends:
        await ask(ends.client, POST, packed, Content_Encoding="gzip")
        assert ends.delegate.messages[0].body == packed


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        (lambda packed: packed[:-4], 400),
        (lambda packed: packed + b"garbage", 400),
        (lambda packed: b"garbage" + packed, 400),
        (lambda packed: packed[:20] + b"\xff" + packed[21:], 400),
        (lambda packed: gzip.compress(bytes(10**6)), 413),
    ],
)
async def test_s23_bad_gzip_bodies_are_refused(spoil, status):
    packed = spoil(gzip.compress(b"some text " * 50, mtime=0))
    async with Ends(Serving(), decompress=True, max_body_size=50_000) as ends:
        got = await ask(ends.client, POST, packed, Content_Encoding="gzip")
        assert got.start_line.code == status
        assert "finish" not in ends.delegate.messages[0].events


# One request


async def test_h1c_9_the_size_is_limited_for_one_request():
    def on_head(message):
        limit = message.headers.get("X-Limit")
        if limit is not None:
            message.connection.set_max_body_size(int(limit))

    async with Ends(Serving(on_head), max_body_size=1000) as ends:
        assert (await ask(ends.client, POST, b"x" * 5000, X_Limit="5000")).start_line.code == 200
        assert (await ask(ends.client, POST, b"x" * 1000)).start_line.code == 200
        # The larger limit was for the first request only.
        assert (await ask(ends.client, POST, b"x" * 1001)).start_line.code == 413

    async with Ends(Serving(on_head), max_body_size=1000) as ends:
        assert (await ask(ends.client, POST, b"x" * 500, X_Limit="499")).start_line.code == 413


@pytest.mark.parametrize("expects", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("limit", "size", "status"),
    [(5000, 5000, 200), (5000, 5001, 413), (10, 10, 200), (10, 11, 413)],
)
async def test_h1c_9_the_limit_may_be_found_out_slowly(limit, size, status, chunked, expects):
    async def on_head(message):
        await asyncio.sleep(0)
        message.connection.set_max_body_size(limit)

    fields = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    body = b"x" * size
    if chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
    if expects:
        fields += b"\r\nExpect: 100-continue"
    async with Ends(Serving(on_head), max_body_size=1000) as ends:
        await ends.near.write(b"POST / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n\r\n")
        if expects and (chunked or status == 200):
            await ends.near.read_until(b" 100 Continue\r\n\r\n")
        await ends.near.write(body)
        assert (await ends.near.read_until(b"\r\n\r\n")).split()[1] == b"%d" % status
        (message,) = ends.delegate.messages
        assert len(message.body) == (size if status == 200 else 0)


async def test_h1c_9_the_size_for_one_request_is_that_of_the_decoded_body():
    def on_head(message):
        message.connection.set_max_body_size(int(message.headers["X-Limit"]))

    packed = gzip.compress(bytes(5000))
    for limit, status in (("5000", 200), ("4999", 413)):
        async with Ends(Serving(on_head), max_body_size=1000, decompress=True) as ends:
            got = await ask(ends.client, POST, packed, X_Limit=limit, Content_Encoding="gzip")
            assert got.start_line.code == status


async def test_h1c_9_the_time_is_limited_for_one_request():
    def on_head(message):
        message.connection.set_body_timeout(0.05)

    async with Ends(Serving(on_head), body_timeout=3600) as ends:
        await ends.near.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        await ends.delegate.closed.wait()
        assert ends.delegate.messages[0].events == ["head", "close"]


async def test_bodies_come_in_pieces_of_the_chunk_size():
    async with Ends(Serving(), chunk_size=100) as ends:
        await ask(ends.client, POST, b"x" * 1050)
        (message,) = ends.delegate.messages
        assert sum(message.pieces) == 1050
        assert max(message.pieces) == 100


async def test_a_delegate_that_waits_gets_one_piece_after_the_other():
    class Slow(Asked):
        busy = False

        async def data_received(self, chunk):
            assert not self.busy
            self.busy = True
            await asyncio.sleep(0)
            self.body += chunk
            self.busy = False

        def finish(self):
            assert not self.busy
            super().finish()

    class Slowly(Serving):
        def start_request(self, server_conn, request_conn):
            self.messages.append(Slow(self, request_conn))
            return self.messages[-1]

    body = bytes(range(256)) * 2000
    async with Ends(Slowly(), chunk_size=1000) as ends:
        await ask(ends.client, POST, body)
        assert ends.delegate.messages[0].body == body


class Few(Serving):
    """Its delegates end the exchange in the middle of the body."""

    def __init__(self, how, waits):
        super().__init__()
        self.how, self.waits = how, waits
        self.go_on, self.arrived = asyncio.Event(), asyncio.Event()

    def start_request(self, server_conn, request_conn):
        class Taking(Asked):
            def data_received(self, chunk):
                super().data_received(chunk)
                if self.owner.waits:
                    return self.end()
                self.owner.how(self)

            async def end(self):
                self.owner.arrived.set()
                await self.owner.go_on.wait()
                self.owner.how(self)

        self.messages.append(Taking(self, request_conn))
        return self.messages[-1]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("coding", [bytes, gzip.compress])
async def test_who_has_answered_gets_no_more_of_the_body(coding, waits):
    serving = Few(answer, waits)
    serving.go_on.set()
    async with Ends(serving, chunk_size=100, decompress=True) as ends:
        encoding = {"Content-Encoding": "gzip"} if coding is gzip.compress else {}
        got = await ask(ends.client, POST, coding(bytes(range(256)) * 10), **encoding)
        assert got.body == b"answer"
        assert (await ask(ends.client)).body == b"answer"
        assert len(serving.messages[0].pieces) == 1
        assert serving.messages[0].events == ["head"]


@pytest.mark.parametrize("coding", [bytes, gzip.compress])
async def test_nothing_of_the_body_comes_after_on_connection_close(coding):
    serving = Few(hold, waits=True)
    ends = Ends(serving, chunk_size=100, decompress=True)
    body = coding(bytes(range(256)) * 10)
    fields = {"Host": "a", "Content-Length": str(len(body))}
    if coding is gzip.compress:
        fields["Content-Encoding"] = "gzip"
    ends.client.write_headers(POST, HTTPHeaders(fields), body)
    await serving.arrived.wait()
    ends.client.close()
    await serving.closed.wait()
    serving.go_on.set()
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)
    (message,) = serving.messages
    assert (message.events, len(message.pieces)) == (["head", "close"], 1)


# Raw heads, detaching, closing


async def test_h1c_11_a_head_that_the_caller_made():
    def raw(message):
        message.connection.write(b"HTTP/1.1 299 Mine\r\nX-A: b\r\nContent-Length: 4\r\n\r\n")
        message.connection.write(b"body")
        message.connection.finish()

    async with Ends(Serving(on_finish=raw)) as ends:
        for _ in range(2):
            got = await ask(ends.client)
            assert got.start_line == ResponseStartLine("HTTP/1.1", 299, "Mine")
            assert (got.headers["X-A"], got.body) == ("b", b"body")


async def test_h1c_10_detaching_gives_the_stream_with_what_follows():
    streams = []

    def on_head(message):
        connection = message.connection
        connection.write_headers(ResponseStartLine("", 101, "Go on"), HTTPHeaders({"Upgrade": "x"}))
        streams.append(connection.detach())
        assert connection.stream is None

    async with Ends(Serving(on_head)) as ends:
        await ends.near.write(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\nother words")
        head = await ends.near.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 Go on\r\n")
        # The server has nothing more to do with it.
        await ends.delegate.closed.wait()
        (stream,) = streams
        assert await stream.read_bytes(11) == b"other words"
        await stream.write(b"answer")
        assert await ends.near.read_bytes(6) == b"answer"
        stream.close()


async def test_h1c_10_a_connection_without_its_stream_says_so():
    far, near = pair()
    client = HTTP1Connection(near, True)
    assert client.detach() is near
    with pytest.raises(RuntimeError):
        client.detach()
    with pytest.raises(StreamClosedError):
        await client.write_headers(GET, HTTPHeaders({"Host": "a"}))
    with pytest.raises(StreamClosedError):
        await client.write(b"x")
    delegate = Noting()
    await client.read_response(delegate)
    assert delegate.events == ["close"]
    client.close()
    assert not near.closed()
    near.close()
    far.close()


async def test_h1c_10_not_while_a_body_is_to_come():
    def on_head(message):
        with pytest.raises(RuntimeError):
            message.connection.detach()

    async with Ends(Serving(on_head)) as ends:
        assert (await ask(ends.client, POST, b"body")).body == b"answer"


async def test_detaching_as_a_client():
    far, near = pair()
    client = HTTP1Connection(near, True)
    client.write_headers(RequestStartLine("GET", "/", ""), HTTPHeaders({"Upgrade": "x"}))
    client.finish()
    streams = []

    class Upgraded(Noting):
        def headers_received(self, start_line, headers):
            super().headers_received(start_line, headers)
            streams.append(client.detach())

    await far.write(b"HTTP/1.1 101 Go on\r\nUpgrade: x\r\n\r\nhello")
    await client.read_response(Upgraded())
    assert await streams[0].read_bytes(5) == b"hello"
    near.close()
    far.close()


async def test_h1c_12_both_ways_to_learn_that_the_client_has_gone():
    gone = []

    def on_finish(message):
        message.connection.set_close_callback(lambda: gone.append("callback"))

    async with Ends(Serving(on_finish=on_finish)) as ends:
        ends.client.write_headers(GET, HTTPHeaders({"Host": "a"}))
        ends.client.finish()
        await ends.delegate.arrived.wait()
        ends.client.close()
        await ends.delegate.closed.wait()
        assert gone == ["callback"]
        assert ends.delegate.messages[0].events == ["head", "finish", "close"]


async def test_an_answered_request_is_not_told_that_the_client_has_gone():
    gone = []

    def on_finish(message):
        message.connection.set_close_callback(lambda: gone.append("callback"))
        answer(message)

    async with Ends(Serving(on_finish=on_finish)) as ends:
        await ask(ends.client)
        ends.client.close()
        await ends.delegate.closed.wait()
        assert gone == []
        assert ends.delegate.messages[0].events == ["head", "finish"]


@pytest.mark.parametrize("bad", [b"xx\r\n", b"1\r\nabc", b"0\r\nContent-Length: 3\r\n\r\n"])
async def test_p9_a_request_that_was_answered_gets_no_other_answer(bad):
    """It would be taken for that of the next request."""
    async with Ends(Serving(on_head=answer, on_finish=hold)) as ends:
        await ends.near.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await ends.near.read_until(b"answer")
        await ends.near.write(bad + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await ends.near.read_until_close() == b""


async def test_p8_what_follows_the_body_of_an_early_answer_is_served():
    async with Ends(Serving(on_head=answer, on_finish=hold)) as ends:
        for body in (b"", b"some body"):
            assert (await ask(ends.client, POST, body)).body == b"answer"
        assert [message.body for message in ends.delegate.messages] == [b"", b""]


EXPECTING = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"


async def test_srv_39_a_body_is_asked_for_when_the_delegate_wants_it():
    decided = asyncio.Event()

    async def on_head(message):
        await decided.wait()

    async with Ends(Serving(on_head)) as ends:
        await ends.near.write(EXPECTING)
        asked = asyncio.ensure_future(ends.near.read_until(b"\r\n\r\n"))
        while not ends.delegate.messages:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not asked.done()
        decided.set()
        assert await asked == b"HTTP/1.1 100 Continue\r\n\r\n"
        await ends.near.write(b"hi")
        assert (await ends.near.read_until(b"answer")).startswith(b"HTTP/1.1 200 ")
        assert ends.delegate.messages[0].body == b"hi"


async def test_srv_39_a_body_is_not_asked_for_when_the_delegate_refuses_it():
    async def on_head(message):
        await asyncio.sleep(0)
        answer(message, b"no")

    async with Ends(Serving(on_head, on_finish=hold)) as ends:
        await ends.near.write(EXPECTING)
        text = await ends.near.read_until_close()
        assert text.startswith(b"HTTP/1.1 200 OK\r\n")
        assert text.endswith(b"\r\nConnection: close\r\n\r\nno")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (EXPECTING.replace(b"100-continue", b"more"), b"417"),
        (EXPECTING.replace(b"2", b"2000"), b"413"),
    ],
)
async def test_expectations_that_can_not_be_met(head, status):
    async def on_head(message):
        await asyncio.sleep(0)

    for thinking in (None, on_head):
        async with Ends(Serving(thinking), max_body_size=1000) as ends:
            await ends.near.write(head)
            assert (await ends.near.read_until_close()).split()[1] == status


# A server without a server connection


async def test_h1c_2_a_server_that_reads_one_message_after_the_other():
    far, near = pair()
    server, client = HTTP1Connection(far, False, None, "context"), HTTP1Connection(near, True)
    assert (server.context, server.is_client) == ("context", False)
    client.write_headers(POST, HTTPHeaders({"Host": "a", "Content-Length": "2"}), b"hi")
    client.finish()
    # The second request is on its way already, and waits until somebody reads it.
    await near.write(b"GET /two HTTP/1.1\r\nHost: a\r\n\r\n")
    first = Noting()
    await server.read_response(first)
    assert (first.start_line, first.body, first.events) == (POST, b"hi", ["head", "finish"])
    server.write_headers(OK, HTTPHeaders({"Content-Length": "3"}), b"one")
    server.finish()
    second = Noting()
    await server.read_response(second)
    assert second.start_line.path == "/two"
    server.write_headers(OK, HTTPHeaders())
    server.write(b"two")
    server.finish()
    answers = [Noting(), Noting()]
    for delegate in answers:
        await client.read_response(delegate)
    assert [delegate.body for delegate in answers] == [b"one", b"two"]
    client.close()
    last = Noting()
    await server.read_response(last)
    assert last.events == ["close"]


async def test_a_server_on_its_own_that_answers_while_it_reads():
    far, near = pair()
    server = HTTP1Connection(far, False)

    class Answering(Noting):
        def headers_received(self, start_line, headers):
            super().headers_received(start_line, headers)
            server.write_headers(OK, HTTPHeaders())

        def data_received(self, chunk):
            server.write(chunk)

        def finish(self):
            super().finish()
            server.finish()

    for close in (b"", b"Connection: close\r\n"):
        await near.write(
            b"POST / HTTP/1.1\r\nHost: a\r\n" + close + b"Content-Length: 4\r\n\r\nabcd"
        )
        await server.read_response(Answering())
        text = await near.read_until(b"0\r\n\r\n")
        assert text.endswith(b"\r\n\r\n4\r\nabcd\r\n0\r\n\r\n")
    # It was the last one.
    assert await near.read_until_close() == b""


async def test_a_server_on_its_own_closes_after_the_answer_and_not_before():
    far, near = pair()
    server = HTTP1Connection(far, False)
    await near.write(b"GET / HTTP/1.0\r\n\r\n")
    await server.read_response(Noting())
    await asyncio.sleep(0)
    await server.write_headers(OK, HTTPHeaders({"Content-Length": "6"}))
    await server.write(b"answer")
    server.finish()
    assert (await near.read_until_close()).endswith(b"\r\n\r\nanswer")


async def test_a_server_on_its_own_refuses_what_is_malformed():
    far, near = pair()
    server = HTTP1Connection(far, False)
    await near.write(b"nonsense\r\n\r\n")
    delegate = Noting()
    reading = server.read_response(delegate)
    assert (await near.read_until_close()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    await reading
    assert delegate.events == ["close"]


# What a server may send


@pytest.mark.parametrize("code", [204, 304])
async def test_s22_no_body_where_there_is_none(code):
    def on_finish(message):
        connection = message.connection
        connection.write_headers(ResponseStartLine("", code, "x"), HTTPHeaders())
        with pytest.raises(HTTPOutputError):
            connection.write(b"body")
        connection.finish()

    async with Ends(Serving(on_finish=on_finish)) as ends:
        for _ in range(2):
            got = await ask(ends.client)
            assert (got.start_line.code, got.body) == (code, b"")


@pytest.mark.parametrize("reason", ["a\r\nB: c", "a\nb", "a\0", "a\x7f"])
async def test_s1_a_reason_makes_no_lines(reason):
    def on_finish(message):
        with pytest.raises(HTTPOutputError):
            message.connection.write_headers(ResponseStartLine("", 200, reason), HTTPHeaders())
        answer(message)

    async with Ends(Serving(on_finish=on_finish)) as ends:
        assert (await ask(ends.client)).body == b"answer"


@pytest.mark.parametrize(("length", "written"), [("3", b"abcd"), ("5", b"abcd")])
async def test_bodies_that_are_not_as_long_as_announced_end_the_connection(length, written):
    def on_finish(message):
        connection = message.connection
        with pytest.raises(HTTPOutputError):
            connection.write_headers(OK, HTTPHeaders({"Content-Length": length}), written)
            connection.finish()
        connection.close()

    async with Ends(Serving(on_finish=on_finish)) as ends:
        assert (await ask(ends.client)).events[-1] == "close"


@pytest.mark.parametrize(
    "fields",
    [
        {"Content-Length": "x"},
        {"Content-Length": "-1"},
        {"Content-Length": "1, 2"},
        {"Content-Length": "\xb2"},
        {"Content-Length": "2", "Transfer-Encoding": "chunked"},
    ],
)
async def test_a_length_that_the_program_got_wrong_is_the_programs_fault(fields, caplog):
    def on_finish(message):
        with pytest.raises(HTTPOutputError):
            message.connection.write_headers(OK, HTTPHeaders(fields), b"ab")
        answer(message)

    async with Ends(Serving(on_finish=on_finish)) as ends:
        with pytest.raises(HTTPOutputError):
            ends.client.write_headers(POST, HTTPHeaders({"Host": "a", **fields}), b"ab")
        assert (await ask(ends.client)).body == b"answer"
    assert caplog.records == []


async def test_folded_lines_are_read_where_they_are_accepted():
    """SRV-37, S9: replaced by a space if the server is told to take them, refused otherwise."""
    data = (
        b"GET / HTTP/1.1\r\nHost: a\r\nX-A: one\r\n\ttwo  \r\n   three\r\nX-B:\r\n b\r\n"
        b"Connection: close\r\n\r\n"
    )
    for accepts, status in ((True, b"200"), (None, b"400"), (False, b"400")):
        async with Ends(Serving(), accept_folded_lines=accepts) as ends:
            await ends.near.write(data)
            text = await ends.near.read_until_close()
            assert text.split()[1] == status
            for message in ends.delegate.messages:
                assert (message.headers["X-A"], message.headers["X-B"]) == ("one two three", "b")


async def test_s9_a_first_line_that_is_folded_continues_nothing():
    async with Ends(Serving(), accept_folded_lines=True) as ends:
        await ends.near.write(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n")
        assert (await ends.near.read_until_close()).split()[1] == b"400"


async def test_a_client_reads_folded_lines():
    """RFC 9112 section 5.2: a user agent has to."""
    far, near = pair()
    client = HTTP1Connection(near, True)
    await far.write(b"HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nContent-Length: 0\r\n\r\n")
    delegate = Noting()
    await client.read_response(delegate)
    assert delegate.headers["X-A"] == "one two"
    client.close()
    far.close()
