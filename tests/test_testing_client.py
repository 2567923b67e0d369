"""Clients in memory with applications of `tornado.web`, and with websockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tornado.httpclient import HTTPClientError
from tornado.testing import AsyncTestCase, AsyncTestClient, ExpectLog, TestClient, gen_test
from tornado.web import (
    Application,
    HTTPError,
    RequestHandler,
    StaticFileHandler,
    authenticated,
    stream_request_body,
)
from tornado.websocket import WebSocketClosedError, WebSocketHandler

HERE = Path(__file__)


class Hello(RequestHandler):
    def get(self):
        self.write("Hello, " + self.get_argument("name", "you"))


class Broken(RequestHandler):
    def get(self, how):
        if how == "http":
            raise HTTPError(418)
        raise LookupError(how)

    async def post(self, how):
        await asyncio.sleep(0)
        if how == "late":
            self.finish("done")
        raise LookupError(how)


class Login(RequestHandler):
    def get_current_user(self):
        return self.get_signed_cookie("user")

    @authenticated
    def get(self):
        self.write(self.current_user)

    def post(self):
        self.set_signed_cookie("user", self.get_body_argument("name"), secure=True)
        self.redirect("/login")


@stream_request_body
class Count(RequestHandler):
    def prepare(self):
        self.size = 0

    def data_received(self, chunk):
        self.size += len(chunk)

    async def post(self):
        for _ in range(3):
            self.write(f"{self.size}\n")
            await self.flush()


class Echo(WebSocketHandler):
    def open(self):
        self.application.closed = asyncio.Event()

    def select_subprotocol(self, subprotocols):
        return subprotocols[-1]

    def get_compression_options(self):
        return {}

    def on_message(self, message):
        if message == "break":
            raise LookupError(message)
        if message == "close":
            self.close(4001, "as asked")
        elif message == "cookie":
            self.write_message(self.get_cookie("user", "none"))
        elif message == "protocol":
            self.write_message(self.request.protocol)
        elif message != "ignore":
            self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self):
        self.application.closed.set()


class Guarded(WebSocketHandler):
    def prepare(self):
        raise HTTPError(403)


class BrokenOpen(WebSocketHandler):
    def open(self):
        raise LookupError("open")


@pytest.fixture
def application():
    return Application(
        [
            ("/", Hello),
            ("/broken/(.*)", Broken),
            ("/login", Login),
            ("/count", Count),
            ("/static/(.*)", StaticFileHandler, {"path": str(HERE.parent)}),
            ("/echo", Echo),
            ("/guarded", Guarded),
            ("/broken-open", BrokenOpen),
        ],
        cookie_secret="secret",
        login_url="/elsewhere",
    )


@pytest.fixture
def client(application):
    with TestClient(application, base_url="https://testserver") as client:
        yield client


def test_an_application(client):
    assert client.get("/?name=me").body == b"Hello, me"
    assert client.get("/nowhere").code == 404
    assert client.get("/static/" + HERE.name).body == HERE.read_bytes()


def test_a_login(client):
    response = client.get("/login", follow_redirects=False)
    assert (response.code, response.headers["Location"]) == (302, "/elsewhere?next=%2Flogin")
    assert client.post("/login", form={"name": "me"}).body == b"me"
    assert client.get("/login").body == b"me"
    # The cookie is for https alone.
    assert client.get("http://testserver/login", follow_redirects=False).code == 302


def test_streams(client):
    async def produce(write):
        for _ in range(20):
            await write(b"x" * 50_000)

    got = []
    client.post("/count", body_producer=produce, streaming_callback=got.append)
    assert b"".join(got) == b"1000000\n" * 3


@pytest.mark.parametrize("method", ["get", "post"])
def test_exceptions_are_raised(client, method):
    with pytest.raises(LookupError, match="at-once"):
        client.fetch("/broken/at-once", method=method.upper())
    assert client.get("/").code == 200


def test_an_exception_after_the_answer_is_raised_by_what_comes_next(client):
    assert client.post("/broken/late").body == b"done"
    with pytest.raises(LookupError, match="late"):
        client.get("/")
    assert client.get("/").code == 200


def test_answers_that_are_errors_are_no_exceptions(client):
    assert client.get("/broken/http").code == 418


def test_exceptions_as_answers(application):
    with TestClient(application, raise_errors=False) as client:
        with ExpectLog("tornado.application", "Uncaught exception GET /broken/x"):
            assert client.get("/broken/x").code == 500
    with TestClient(application) as client:
        with ExpectLog("tornado.application", "Uncaught exception GET /broken/x"):
            assert client.get("/broken/x").code == 500


def test_a_websocket(client):
    with client.websocket("/echo", subprotocols=["a", "b"], compression_options={}) as websocket:
        assert websocket.selected_subprotocol == "b"
        websocket.write_message("text")
        assert websocket.read_message() == "text"
        websocket.write_message(b"\x00", binary=True)
        assert websocket.read_message() == b"\x00"
        websocket.write_message({"a": 1})
        assert websocket.read_message() == '{"a": 1}'
        large = "x" * 2_000_000
        websocket.write_message(large)
        assert websocket.read_message() == large
        websocket.write_message("ignore")
        with pytest.raises(TimeoutError):
            websocket.read_message(timeout=0.01)
        websocket.write_message("protocol")
        websocket.write_message("close")
        assert list(websocket) == ["https"]
        assert (websocket.close_code, websocket.close_reason) == (4001, "as asked")
        with pytest.raises(WebSocketClosedError):
            websocket.write_message("too late")
    assert client.get("/").code == 200


def test_cookies_of_websockets(client):
    client.cookies["user"] = "me"
    with client.websocket("/echo") as websocket:
        websocket.write_message("cookie")
        assert websocket.read_message() == "me"
    with client.websocket("/echo", headers={"Cookie": "other=1"}) as websocket:
        websocket.write_message("cookie")
        assert websocket.read_message() == "me"


def test_websockets_are_closed_with_their_client(application):
    with TestClient(application) as client:
        client.websocket("/echo").write_message("left unread")
        assert not application.closed.is_set()
    assert application.closed.is_set()


def test_websockets_that_are_refused(client):
    with pytest.raises(HTTPClientError, match="403"):
        client.websocket("/guarded")


def test_exceptions_in_websockets(client):
    websocket = client.websocket("/echo")
    websocket.write_message("break")
    with pytest.raises(LookupError, match="break"):
        websocket.read_message()
    with pytest.raises(LookupError, match="open"):
        client.websocket("/broken-open").read_message()


class InCoroutines(AsyncTestCase):
    @gen_test
    async def test_requests_and_websockets(self):
        application = Application([("/", Hello), ("/echo", Echo)])
        got = []
        async with AsyncTestClient(application) as client:
            responses = await asyncio.gather(*[client.get(f"/?name={n}") for n in range(20)])
            self.assertEqual(
                [response.body for response in responses],
                [f"Hello, {n}".encode() for n in range(20)],
            )
            first, second = await asyncio.gather(
                client.websocket("/echo"),
                client.websocket("ws://testserver/echo", on_message_callback=got.append),
            )
            await first.write_message("one")
            await second.write_message("two")
            self.assertEqual(await first.read_message(), "one")
            first.close()
            self.assertIsNone(await first.read_message())
        self.assertEqual(got, ["two", None])

    @gen_test
    async def test_an_exception_that_nobody_asked_for_is_raised_in_the_end(self):
        with self.assertRaisesRegex(LookupError, "break"):
            async with AsyncTestClient(Application([("/echo", Echo)])) as client:
                websocket = await client.websocket("/echo")
                await websocket.write_message("break")
                self.assertIsNone(await websocket.read_message())
