"""Streams in memory, and the clients on top of them, with applications that are functions."""

import asyncio
import contextvars
import logging
import socket

import pytest

from tornado._testing.cookies import CookieJar
from tornado._testing.memory import CAPACITY, MemorySocket, MemoryStream, connected_pair
from tornado.httpclient import HTTPClientError
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamClosedError
from tornado.testing import AsyncTestCase, AsyncTestClient, ExpectLog, TestClient, gen_test

# -- streams


@pytest.fixture(params=["memory", "sockets"])
def pair(request):
    """Two streams that are connected, of memory and, as the measure, of sockets."""

    def make():
        if request.param == "memory":
            ends = connected_pair(("127.0.0.1", 1), ("127.0.0.1", 2))
            return [MemoryStream(end) for end in ends]
        return [IOStream(sock) for sock in socket.socketpair()]

    return make


def run(test):
    asyncio.run(asyncio.wait_for(test, 5))


def test_bytes_arrive_in_order(pair):
    async def check():
        one, other = pair()
        one.write(b"first ")
        one.write(memoryview(b"second\n"))
        assert await other.read_until(b"\n") == b"first second\n"
        reading = one.read_bytes(2)
        await asyncio.sleep(0)
        assert not reading.done()
        await other.write(b"backwards")
        assert await reading == b"ba"
        assert await one.read_bytes(7) == b"ckwards"
        one.close()
        other.close()

    run(check())


def test_nothing_is_delivered_from_inside_a_call(pair):
    async def check():
        one, other = pair()
        reading = other.read_bytes(1)
        one.send(b"x")
        assert not reading.done()
        assert await reading == b"x"
        one.close()
        other.close()

    run(check())


def test_a_reader_that_stops_holds_up_the_writer(pair):
    async def check():
        one, other = pair()
        data = bytes(range(256)) * (CAPACITY // 64)
        writing = one.write(data)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not writing.done()
        assert one.writing()
        assert await other.read_bytes(len(data)) == data
        await writing
        assert not one.writing()
        one.close()
        other.close()

    run(check())


class Receiver:
    def __init__(self):
        self.got = b""
        self.events = []
        self.over = asyncio.Event()

    def data_received(self, data):
        self.got += data
        self.over.set()

    def eof_received(self):
        self.events.append("eof")
        self.over.set()
        return True

    def connection_lost(self, exc):
        self.events.append(exc)
        self.over.set()

    def pause_writing(self):
        self.events.append("pause")

    def resume_writing(self):
        self.events.append("resume")


def test_receivers_and_flow_control(pair):
    async def check():
        one, other = pair()
        receiver = Receiver()
        other.start_receiving(receiver)
        one.send(b"a")
        await receiver.over.wait()
        assert receiver.got == b"a"
        other.pause_reading()
        one.send(b"b")
        for _ in range(3):
            await asyncio.sleep(0)
        assert receiver.got == b"a"
        assert other.has_unread_input()
        receiver.over.clear()
        other.resume_reading()
        await receiver.over.wait()
        assert receiver.got == b"ab"
        writer = Receiver()
        one.start_receiving(writer)
        one.send(bytes(8 * CAPACITY))
        assert writer.events == ["pause"]
        while len(receiver.got) < 8 * CAPACITY + 2:
            receiver.over.clear()
            await receiver.over.wait()
        await one.write(b"")
        assert writer.events == ["pause", "resume"]
        one.close()
        other.close()
        await asyncio.sleep(0)

    run(check())


def test_the_end(pair):
    async def check():
        one, other = pair()
        one.write(b"last words")
        one.close()
        assert await other.read_until_close() == b"last words"
        assert other.closed()
        with pytest.raises(StreamClosedError):
            other.write(b"too late")

    run(check())


def test_half_an_end(pair):
    async def check():
        one, other = pair()
        receiver = Receiver()
        other.start_receiving(receiver)
        one.socket.shutdown(socket.SHUT_WR)
        await receiver.over.wait()
        assert receiver.events == ["eof"]
        other.send(b"still here")
        assert await one.read_bytes(10) == b"still here"
        one.close()
        other.close()

    run(check())


def test_writing_to_nobody(pair):
    async def check():
        one, other = pair()
        writing = one.write(bytes(8 * CAPACITY))
        other.close()
        with pytest.raises(StreamClosedError):
            await writing
        assert isinstance(one.error, BrokenPipeError | ConnectionResetError)

    run(check())


def test_the_close_callback(pair):
    async def check():
        one, other = pair()
        closed = asyncio.Event()
        one.set_close_callback(closed.set)
        other.close()
        await closed.wait()
        assert one.closed()

    run(check())


def test_input_is_dealt_with_in_the_context_of_the_stream():
    async def check():
        var = contextvars.ContextVar("var", default="none")
        var.set("one")
        one, far = connected_pair(("127.0.0.1", 1), ("127.0.0.1", 2))
        stream = MemoryStream(one)
        seen = asyncio.get_running_loop().create_future()

        class Looking(Receiver):
            def data_received(self, data):
                seen.set_result(var.get())

        stream.start_receiving(Looking())
        var.set("two")
        MemoryStream(far).send(b"x")
        assert await seen == "one"
        stream.close()

    run(check())


def test_a_socket_is_asked_for_this_and_that():
    one, other = connected_pair(("127.0.0.1", 1), ("127.0.0.1", 2))
    assert (one.getsockname(), one.getpeername()) == (("127.0.0.1", 1), ("127.0.0.1", 2))
    assert one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    assert one.family is socket.AF_INET
    with pytest.raises(BlockingIOError):
        one.recv(1)
    assert one.send(bytes(CAPACITY + 1)) == CAPACITY
    with pytest.raises(BlockingIOError):
        one.send(b"x")
    assert len(other.recv(10)) == 10
    assert one.send(bytes(11)) == 10
    other.close()
    other.close()
    with pytest.raises(BrokenPipeError):
        one.send(b"x")
    assert one.recv(1) == b""
    with pytest.raises(OSError):
        one.getpeername()
    one.close()
    alone = MemorySocket(("127.0.0.1", 1))
    with pytest.raises(BrokenPipeError):
        alone.send(b"")


# -- clients

var = contextvars.ContextVar("var", default="unset")


def answer(request, body=b"", code=200, **headers):
    head = HTTPHeaders({"Content-Length": str(len(body))})
    for name, value in headers.items():
        head[name.replace("_", "-")] = value
    connection = request.connection
    connection.write_headers(ResponseStartLine("HTTP/1.1", code, "Some reason"), head, body)
    connection.finish()


def application(request):
    path = request.path
    if path == "/broken":
        raise LookupError("in the application")
    if path == "/answered":
        answer(request, b"answered")
        raise LookupError("after the answer")
    if path == "/redirect":
        answer(request, code=302, Location="/echo?redirected", Set_Cookie="hop=1")
    elif path == "/elsewhere":
        answer(request, code=307, Location="https://other.example/echo")
    elif path == "/round":
        answer(request, code=302, Location="/round")
    elif path == "/login":
        answer(request, code=303, Location="/echo", Set_Cookie="user=me; Path=/; HttpOnly")
    elif path == "/logout":
        answer(request, Set_Cookie="user=; Path=/; Max-Age=0")
    elif path == "/context":
        before = var.get()
        var.set("set by the application")
        answer(request, before.encode())
    else:
        lines = [
            f"{request.method} {request.protocol}://{request.host}{request.uri}",
            request.headers.get("Cookie", ""),
            request.headers.get("Content-Type", ""),
            request.body.decode("latin-1"),
            request.headers.get("X-Test", ""),
            request.remote_ip,
        ]
        answer(request, "\n".join(lines).encode("latin-1"))


def lines(response):
    return response.body.decode("latin-1").split("\n")


@pytest.fixture
def client():
    with TestClient(application) as client:
        yield client


@pytest.mark.parametrize("method", ["get", "delete", "options"])
def test_methods_without_a_body(client, method):
    assert (
        lines(getattr(client, method)("/x?y=1"))[0] == f"{method.upper()} http://testserver/x?y=1"
    )


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_methods_with_a_body(client, method):
    response = getattr(client, method)("/", body="content")
    assert lines(response)[0].startswith(method.upper())
    assert lines(response)[3] == "content"
    assert lines(getattr(client, method)("/"))[3] == ""


def test_head(client):
    response = client.head("/")
    assert (response.code, response.body) == (200, b"")


def test_json_and_forms(client):
    assert lines(client.post("/", json={"a": [1]}))[2:4] == [
        "application/json; charset=UTF-8",
        '{"a": [1]}',
    ]
    assert lines(client.post("/", form={"a": "b c", "d": ["1", "2"]}))[2:4] == [
        "application/x-www-form-urlencoded",
        "a=b+c&d=1&d=2",
    ]


def test_headers_and_addresses():
    with TestClient(
        application, base_url="https://secure.example/base/", headers={"X-Test": "all"}
    ) as client:
        got = lines(client.get("page"))
        assert got[0] == "GET https://secure.example/base/page"
        assert got[4:] == ["all", "127.0.0.1"]
        assert lines(client.get("/", headers={"X-Test": "one"}))[4] == "one"
        assert lines(client.get("http://any.example:81/"))[0] == "GET http://any.example:81/"


def test_server_options():
    with TestClient(application, server_options={"xheaders": True, "max_body_size": 3}) as client:
        assert lines(client.get("/", headers={"X-Real-Ip": "1.2.3.4"}))[5] == "1.2.3.4"
        assert client.post("/", body=b"four").code == 413


def test_redirects(client):
    response = client.get("/redirect")
    assert (response.code, response.effective_url) == (200, "http://testserver/echo?redirected")
    assert lines(response)[:2] == ["GET http://testserver/echo?redirected", "hop=1"]
    response = client.get("/redirect", follow_redirects=False)
    assert (response.code, response.headers["Location"]) == (302, "/echo?redirected")
    assert lines(client.post("/redirect", body=b"x"))[3] == ""
    assert lines(client.post("/elsewhere", body=b"x"))[0] == "POST https://other.example/echo"
    assert lines(client.post("/elsewhere", body=b"x"))[3] == "x"
    assert client.get("/round", max_redirects=3).code == 302
    assert client.get("/round", max_redirects=-1).code == 302
    with TestClient(application, follow_redirects=False) as client:
        assert client.get("/redirect").code == 302
        assert client.get("/redirect", follow_redirects=True).code == 200


def test_cookies():
    with TestClient(application, cookies={"first": "1"}) as client:
        assert lines(client.post("/login"))[:2] == [
            "GET http://testserver/echo",
            "first=1; user=me",
        ]
        assert client.cookies == {"first": "1", "user": "me"}
        client.cookies["user"] = "you"
        assert lines(client.get("/", headers={"Cookie": "own=2"}))[1] == "first=1; user=you; own=2"
        del client.cookies["user"]
        client.post("/login")
        client.get("/logout")
        assert dict(client.cookies) == {"first": "1"}
        client.post("/login", follow_redirects=False)
        # It's for one host.
        assert lines(client.get("http://other.example/"))[1] == "first=1"


@pytest.mark.parametrize(
    "field, url, sent",
    [
        ("a=1", "http://h/x/z", "a=1"),
        ("a=1", "http://h/xy", ""),
        ("a=1", "http://other/x/z", ""),
        ("a=1; Path=/", "http://h/", "a=1"),
        ("a=1; Path=/x", "http://h/x", "a=1"),
        ("a=1; Path=/x/", "http://h/x", ""),
        ("a=1; Path=x", "http://h/x/z", "a=1"),
        ("a=1; Domain=h; Path=/", "http://sub.h/", "a=1"),
        ("a=1; Domain=.h; Path=/", "http://sub.h/", "a=1"),
        ("a=1; Path=/", "http://sub.h/", ""),
        ("a=1; Domain=other; Path=/", "http://other/", ""),
        ("a=1; Secure; Path=/", "http://h/", ""),
        ("a=1; Secure; Path=/", "https://h/", "a=1"),
        ("a=1; Secure; Path=/", "wss://h/", "a=1"),
        ("a=1; Max-Age=100; Path=/", "http://h/", "a=1"),
        ("a=1; Max-Age=0; Path=/", "http://h/", ""),
        ("a=1; Max-Age=soon; Path=/", "http://h/", "a=1"),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/", "http://h/", ""),
        ("a=1; Expires=Thu, 01 Jan 2970 00:00:00 GMT; Path=/", "http://h/", "a=1"),
        ("a=1; Expires=never; Path=/", "http://h/", "a=1"),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9; Path=/", "http://h/", "a=1"),
        ("a=b=c; Path=/", "http://h/", "a=b=c"),
        ("a", "http://h/x/", ""),
        ("=a", "http://h/x/", ""),
    ],
)
def test_cookies_are_for_where_they_are_for(field, url, sent):
    jar = CookieJar()
    jar.take("http://h/x/y", [field])
    assert jar.field_for(url) == sent


def test_the_longest_path_comes_first():
    jar = CookieJar()
    jar.take("http://h/", ["a=1; Path=/", "a=2; Path=/x", "b=3; Path=/x"])
    assert jar.field_for("http://h/x/y") == "a=2; b=3; a=1"
    assert (len(jar), set(jar)) == (2, {"a", "b"})
    with pytest.raises(KeyError):
        jar["c"]
    with pytest.raises(KeyError):
        del jar["c"]


def test_errors_of_responses(client):
    client = client
    assert client.get("/redirect", follow_redirects=False).code == 302
    with pytest.raises(HTTPClientError, match="302"):
        client.fetch("/redirect", raise_error=True, follow_redirects=False)


def test_exceptions_of_the_application_are_raised(client):
    with pytest.raises(LookupError, match="in the application"):
        client.get("/broken")
    assert client.get("/echo").code == 200


def test_exceptions_that_come_too_late_are_raised_later():
    client = TestClient(application)
    with pytest.raises(LookupError, match="after the answer"):
        client.get("/answered")
        client.close()
    client.close()
    with pytest.raises(LookupError, match="after the answer"), TestClient(application) as client:
        client.run(lambda: send_and_leave(client))
    # What a test itself raises tells more.
    with pytest.raises(ZeroDivisionError), TestClient(application) as client:
        client.run(lambda: send_and_leave(client))
        1 / 0


async def send_and_leave(client):
    fetching = asyncio.ensure_future(client._client.get("/answered"))
    try:
        await fetching
    except LookupError as error:
        client._client._errors.append(error)


def test_exceptions_may_be_left_to_the_log():
    with TestClient(application, raise_errors=False) as client:
        with ExpectLog("tornado.application", "") as log:
            with pytest.raises(HTTPClientError, match="closed"):
                client.get("/broken")
        assert log.logged_stack


def test_exceptions_that_a_log_is_expected_to_have_stay_there(client):
    with ExpectLog("tornado.application", "") as log:
        with pytest.raises(HTTPClientError, match="closed"):
            client.get("/broken")
    assert log.matched == 1


def test_other_exceptions_are_still_logged(client):
    with ExpectLog("tornado.application", "of the test") as log:
        logging.getLogger("tornado.application").error("of the test", exc_info=KeyError())
    assert log.matched == 1


def test_contexts_are_kept_apart(client):
    var.set("set by the test")
    assert client.get("/context").body == b"unset"
    assert var.get() == "set by the test"


def test_streams_of_both_kinds(client):
    got = []

    async def produce(write):
        for _ in range(5):
            await write(b"x" * 100_000)

    response = client.post("/", body_producer=produce, streaming_callback=got.append)
    assert response.body == b""
    assert len(got) > 1
    assert b"x" * 500_000 in b"".join(got)


def counting(request):
    """Sends a line whenever it is let, and notes that it has sent it."""

    async def count():
        connection = request.connection
        connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders())
        for number in range(3):
            await connection.write(b"%d\n" % number)
            await asyncio.sleep(0)
        connection.finish()

    request.task = asyncio.ensure_future(count())


def test_a_response_that_is_read_while_it_comes():
    with TestClient(counting) as client:
        with client.stream("/") as response:
            assert (response.code, response.headers["Transfer-Encoding"]) == (200, "chunked")
            pieces = iter(response)
            assert next(pieces) == b"0\n"
            assert b"".join(pieces) == b"1\n2\n"
        with client.stream("/") as response:
            assert response.read() == b"0\n1\n2\n"
        with client.stream("/") as response:
            pass  # It may be left early.


def test_streams_follow_redirects_too(client):
    with client.stream("/redirect") as response:
        assert response.response.effective_url == "http://testserver/echo?redirected"
        assert b"hop=1" in response.read()
    with pytest.raises(HTTPClientError, match="302"):
        with client.stream("/redirect", raise_error=True, follow_redirects=False):
            pass
    with pytest.raises(LookupError, match="in the application"):
        with client.stream("/broken"):
            pass


def test_cookies_of_a_request_go_on_with_it_to_the_same_origin(client):
    response = client.get("/redirect", headers={"Cookie": "own=2"})
    assert lines(response)[1] == "hop=1; own=2"
    assert lines(client.get("/elsewhere", headers={"Cookie": "own=2"}))[1] == ""


def test_a_loop_of_its_own(client):
    assert client.run(lambda: 1) == 1

    async def current():
        return IOLoop.current()

    assert client.run(current) is client.io_loop

    async def inside():
        with pytest.raises(RuntimeError, match="AsyncTestClient"):
            client.get("/")

    asyncio.run(inside())


def test_what_the_application_has_begun_ends_with_the_client():
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    def begin(request):
        request.task = asyncio.ensure_future(work())
        answer(request)

    with TestClient(begin) as client:
        client.get("/")
        client.run(lambda: asyncio.sleep(0))
    assert ended == [True]
    client.close()


class InCoroutines(AsyncTestCase):
    @gen_test
    async def test_many_at_once(self):
        gates = {name: asyncio.Event() for name in "ab"}

        async def wait_and_answer(request):
            await gates[request.path[1]].wait()
            if request.path == "/a-broken":
                raise LookupError(request.path)
            answer(request, request.path.encode())

        tasks = []

        def waiting(request):
            tasks.append(asyncio.ensure_future(wait_and_answer(request)))

        async with AsyncTestClient(waiting) as client:
            first = asyncio.ensure_future(client.get("/a"))
            second = asyncio.ensure_future(client.get("/b"))
            while len(tasks) < 2:
                await asyncio.sleep(0)
            gates["b"].set()
            self.assertEqual((await second).body, b"/b")
            self.assertFalse(first.done())
            gates["a"].set()
            self.assertEqual((await first).body, b"/a")

    @gen_test
    async def test_a_response_that_is_read_while_it_comes(self):
        async with AsyncTestClient(counting) as client:
            async with client.stream("/") as response:
                pieces = [piece async for piece in response]
        self.assertEqual(b"".join(pieces), b"0\n1\n2\n")

    @gen_test
    async def test_opened_when_it_is_used(self):
        client = AsyncTestClient(application)
        self.assertEqual((await client.get("/")).code, 200)
        await client.close()
        await client.close()

    @gen_test
    async def test_an_exception_is_its_own_request_s(self):
        async with AsyncTestClient(application) as client:
            results = await asyncio.gather(
                client.get("/1"), client.get("/broken"), client.get("/2"), return_exceptions=True
            )
        self.assertEqual([type(result).__name__ for result in results][1], "LookupError")
        self.assertEqual([results[0].code, results[2].code], [200, 200])
