"""The chat's tests: each fixture of the pytest plugin, and the clients in memory."""

from __future__ import annotations

import ast
import asyncio
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from demos.chat.app import Chat
from demos.chat.handlers import MAX_TEXT
from demos.chat.rooms import HISTORY, Room

from tornado._testing import fixtures
from tornado.escape import json_decode
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.testing import AsyncHTTPSTestCase, TestClient
from tornado.websocket import websocket_connect


@pytest.fixture
def app():
    return Chat(cookie_secret="a secret for tests")


# -- rooms, without anything around them


def test_a_room_keeps_what_was_said_last():
    room = Room()
    for number in range(HISTORY + 5):
        room.say("ann", str(number))
    assert [message.text for message in room.after(HISTORY + 2)] == ["52", "53", "54"]
    assert len(room.after(0)) == HISTORY


def test_who_is_in_a_room():
    room, events = Room(), []
    with room.joined("bob", events.append), room.joined("ann", list):
        assert room.names == ["ann", "bob"]
    assert room.names == []
    assert events[-1]["names"] == ["bob"]


# -- pages, in memory


@pytest.fixture
def visitor(app):
    """A client that has a name."""
    with TestClient(app) as client:
        log_in(client, "ann")
        yield client


def log_in(client, name, **fields):
    page = client.get("/login")
    token = re.search(rb'name="_xsrf" value="([^"]+)"', page.body)[1].decode()
    return client.post("/login", form={"name": name, "_xsrf": token, **fields})


def test_a_name_is_asked_for(app):
    with TestClient(app) as client:
        assert "/login?next=%2F" in client.get("/").effective_url
        assert log_in(client, "ann", next="/rooms/tea").effective_url.endswith("/rooms/tea")
        assert b"You are ann." in client.get("/").body
        assert client.post("/logout").code == 403


@pytest.mark.parametrize(
    "target",
    [
        *("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example"),
        *("/\t/evil.example", "\t//evil.example", "/\t\\evil.example", "javascript:alert(1)"),
    ],
)
def test_t11_the_way_back_stays_here(app, target):
    """T11: what stands in a link cannot lead elsewhere after the login."""
    with TestClient(app) as client:
        assert log_in(client, "ann", next=target).effective_url == "http://testserver/rooms/lobby"


@pytest.mark.parametrize("name", ["", "  ", "x" * 21])
def test_names_that_are_none(app, name):
    with TestClient(app) as client:
        assert log_in(client, name).code == 400
        assert "name" not in client.cookies


def test_names_are_shown_as_text(app):
    with TestClient(app) as client:
        assert b"You are &lt;b&gt;." in log_in(client, "<b>").body


def test_leaving(visitor):
    page = visitor.get("/rooms/lobby")
    token = re.search(rb'name="_xsrf" value="([^"]+)"', page.body)[1].decode()
    assert visitor.post("/logout", form={"_xsrf": token}).effective_url.endswith("/login")
    assert "name" not in visitor.cookies


# -- the interface for programs


def test_messages(visitor):
    answer = visitor.post("/rooms/tea/messages", json={"text": " hello "})
    assert (answer.code, json_decode(answer.body)["text"]) == (201, "hello")
    visitor.post("/rooms/tea/messages", json={"text": "again"})
    messages = json_decode(visitor.get("/rooms/tea/messages?after=1").body)["messages"]
    assert messages == [{"number": 2, "author": "ann", "text": "again"}]
    assert json_decode(visitor.get("/rooms/other/messages").body) == {"messages": []}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"text": 1}',
        b'{"text": " "}',
        b'{"text": "%s"}' % (b"x" * (MAX_TEXT + 1)),
    ],
)
def test_messages_that_are_none(visitor, body):
    headers = {"Content-Type": "application/json"}
    assert visitor.post("/rooms/tea/messages", body=body, headers=headers).code == 400
    assert json_decode(visitor.get("/rooms/tea/messages").body) == {"messages": []}


def test_other_refusals(visitor):
    assert visitor.post("/rooms/tea/messages", form={"text": "hello"}).code == 415
    assert visitor.get("/rooms/tea/messages?after=x").code == 400
    visitor.cookies.clear()
    assert visitor.post("/rooms/tea/messages", json={"text": "hello"}).code == 403


# -- websockets


def events(websocket, count):
    return [json_decode(websocket.read_message()) for _ in range(count)]


def test_a_conversation_in_memory(visitor):
    visitor.post("/rooms/tea/messages", json={"text": "earlier"})
    with visitor.websocket("/rooms/tea/socket") as websocket:
        before, names = events(websocket, 2)
        assert (before["text"], names["names"]) == ("earlier", ["ann"])
        websocket.write_message({"text": "now"})
        assert events(websocket, 1)[0]["text"] == "now"
        websocket.write_message("nonsense")
        assert events(websocket, 1) == [
            {"type": "error", "reason": "A message is an object with a text"}
        ]
        websocket.write_message("x" * 5000)
        assert websocket.read_message() is None
        assert websocket.close_code == 1009


async def test_two_visitors_in_memory(app, memory_client):
    memory_client.cookies["name"] = signed(app, "bob")
    bob = await memory_client.websocket("/rooms/tea/socket")
    assert json_decode(await bob.read_message())["names"] == ["bob"]
    memory_client.cookies["name"] = signed(app, "eve")
    eve = await memory_client.websocket("/rooms/tea/socket")
    for websocket in (bob, eve):
        assert json_decode(await websocket.read_message())["names"] == ["bob", "eve"]
    await eve.write_message({"text": "hello bob"})
    heard = json_decode(await bob.read_message())
    assert (heard["author"], heard["text"]) == ("eve", "hello bob")
    eve.close()
    assert json_decode(await bob.read_message())["names"] == ["bob"]
    assert (await memory_client.get("/rooms/tea/messages")).code == 200


def signed(app, name):
    """Return what the cookie of somebody who has logged in holds."""
    from tornado.web import create_signed_value

    return create_signed_value(app.settings["cookie_secret"], "name", name).decode()


# -- over sockets


@pytest.fixture
def as_ann(app):
    return {"Cookie": f"name={signed(app, 'ann')}"}


@pytest.fixture
async def in_the_room(ws_client, as_ann):
    """Ann's websocket in the room "tea"."""
    websocket = await ws_client("/rooms/tea/socket", headers=as_ann)
    assert json_decode(await websocket.read_message())["names"] == ["ann"]
    return websocket


async def test_a_conversation(in_the_room, http_client, base_url, as_ann):
    url = f"{base_url}/rooms/tea/messages"
    headers = {**as_ann, "Content-Type": "application/json"}
    await http_client.fetch(url, method="POST", headers=headers, body='{"text": "by http"}')
    await in_the_room.write_message('{"text": "by websocket"}')
    texts = [json_decode(await in_the_room.read_message())["text"] for _ in range(2)]
    assert texts == ["by http", "by websocket"]


async def test_nobody_comes_in_without_a_name(ws_client):
    with pytest.raises(HTTPClientError, match="403"):
        await ws_client("/rooms/tea/socket")


async def test_nobody_comes_in_from_other_sites(ws_client, http_url, as_ann):
    headers = {**as_ann, "Origin": "https://evil.example"}
    url = http_url.replace("http", "ws", 1) + "/rooms/tea/socket"
    with pytest.raises(HTTPClientError, match="403"):
        await ws_client(HTTPRequest(url, headers=headers))


def test_a_form_is_sent_from_a_test_that_is_no_coroutine(
    io_loop, http_client, http_server, http_port, app
):
    def fetch(path, **kwargs):
        url = f"http://127.0.0.1:{http_port}{path}"
        return io_loop.run_sync(
            lambda: http_client.fetch(url, raise_error=False, follow_redirects=False, **kwargs)
        )

    cookie = fetch("/login").headers["Set-Cookie"].partition(";")[0]
    body = urlencode({"name": "ann", "_xsrf": cookie.partition("=")[2]})
    answer = fetch("/login", method="POST", headers={"Cookie": cookie}, body=body)
    assert (answer.code, answer.headers["Location"]) == (302, "/")
    assert http_server.request_callback is app


async def test_through_tls(app, https_server, https_url, https_port, http_client, as_ann):
    assert (
        b"You are ann." in (await http_client.fetch(https_url + "/rooms/tea", headers=as_ann)).body
    )
    context = ssl.create_default_context(
        cafile=AsyncHTTPSTestCase.default_ssl_options()["certfile"]
    )
    url = f"wss://localhost:{https_port}/rooms/tea/socket"
    websocket = await websocket_connect(HTTPRequest(url, headers=as_ann, ssl_options=context))
    assert json_decode(await websocket.read_message())["names"] == ["ann"]
    websocket.close()
    assert await websocket.read_message() is None


@pytest.mark.tornado(timeout=2)
async def test_many_visitors(app, memory_client):
    everybody = []
    for number in range(50):
        memory_client.cookies["name"] = signed(app, f"visitor {number}")
        everybody.append(await memory_client.websocket("/rooms/tea/socket"))
    await everybody[0].write_message({"text": "hello, all"})

    async def hear(websocket):
        while True:
            event = json_decode(await websocket.read_message())
            if event["type"] == "message":
                return event["text"]

    heard = await asyncio.gather(*map(hear, everybody))
    assert heard == ["hello, all"] * 50


async def test_the_program(http_client):
    program = subprocess.Popen(
        [sys.executable, "-m", "demos.chat", "--port", "0"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        try:
            url = re.search(r"http://[^ ]+", program.stdout.readline())[0]
            assert (await http_client.fetch(url)).effective_url == url + "login?next=%2F"
        finally:
            program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "stopped\n"
    assert program.returncode == 0


def test_each_fixture_is_used():
    available = {
        name
        for name, value in (vars(fixtures) | vars(fixtures.BaseURL)).items()
        if isinstance(value, type(fixtures.io_loop)) and not name.startswith("_")
    }
    tree = ast.parse(Path(__file__).read_text("utf-8"))
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    used = {argument.arg for function in functions for argument in function.args.args}
    assert len(available) == 12
    assert available <= used
