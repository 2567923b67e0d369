"""What the documents say about the package as a whole, where it takes several distributions."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
import threading
import tomllib
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.log import LogFormatter
from tornado.netutil import bind_sockets
from tornado.template import Template
from tornado.web import Application, RequestHandler, asynchronous
from tornado.websocket import WebSocketHandler, websocket_connect

LIMIT = 10  # seconds after which a test has failed


async def _served(application, use):
    """Serve an application as long as a coroutine function uses its port."""
    sockets = bind_sockets(0, "127.0.0.1", socket.AF_INET)
    server = HTTPServer(application)
    server.add_sockets(sockets)
    try:
        async with asyncio.timeout(LIMIT):
            return await use(sockets[0].getsockname()[1])
    finally:
        server.stop()
        await server.close_all_connections()


def test_pkg_4_other_threads_hand_over_to_the_loop():
    """PKG-4: what a thread has found out is sent by the loop's own thread."""
    threads = []

    class Slow(RequestHandler):
        @asynchronous
        def get(self):
            loop = IOLoop.current()
            threads.append(threading.current_thread())
            threading.Thread(target=lambda: loop.add_callback(self.answer, "found")).start()

        def answer(self, text):
            threads.append(threading.current_thread())
            self.write(text)
            self.flush()
            self.finish()

    async def use(port):
        return await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")

    answer = asyncio.run(_served(Application([("/", Slow)]), use))
    assert answer.body == b"found"
    assert threads == [threading.current_thread()] * 2


def test_pkg_6_templates():
    """PKG-6: text and bytes of any language go through templates."""
    template = Template("{% for x in xs %}{{ x }}{% end %}{% raw y %}é", autoescape="xhtml_escape")
    assert template.generate(xs=["ü<", b"\xc3\xa4"], y="&").decode() == "ü&lt;ä&é"


def test_pkg_6_websocket():
    """PKG-6: text messages are text, binary ones bytes."""

    class Echo(WebSocketHandler):
        def on_message(self, message):
            self.write_message(message, binary=isinstance(message, bytes))

    async def use(port):
        conn = await websocket_connect(f"ws://127.0.0.1:{port}/")
        conn.write_message("grüß")
        conn.write_message(b"\xff\x00", binary=True)
        messages = [await conn.read_message(), await conn.read_message()]
        conn.close()
        return messages

    assert asyncio.run(_served(Application([("/", Echo)]), use)) == ["grüß", b"\xff\x00"]


def test_pkg_6_arguments():
    """PKG-6: arguments are text, whatever bytes they were sent as."""

    class Show(RequestHandler):
        def post(self):
            self.write({name: self.get_arguments(name) for name in self.request.arguments})

    answer = asyncio.run(_served(Application([("/", Show)]), _post_form))
    assert answer == b'{"a": ["\\u00e9 1", "\\u00e9"], "b": ["&"]}'


async def _post_form(port):
    answer = await AsyncHTTPClient().fetch(
        f"http://127.0.0.1:{port}/?a=%C3%A9+1",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body="a=%C3%A9&b=%26",
    )
    return answer.body


def test_pkg_6_coloured_logging(monkeypatch):
    """PKG-6: on a terminal, the prefix of a record is coloured, and text stays text."""

    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    record = logging.LogRecord("x", logging.ERROR, "m.py", 1, "grüß %s", (b"\xff",), None)
    line = LogFormatter().format(record)
    assert line.startswith("\x1b[31m[E ")
    assert line.endswith("\x1b[0m grüß b'\\xff'")


def test_pkg_6_100_continue():
    """PKG-6: a client that waits for leave to send its body gets it, and then the answer."""

    class Length(RequestHandler):
        def post(self):
            self.write(str(len(self.request.body)))

    async def use(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
            b"Connection: close\r\nExpect: 100-continue\r\n\r\n"
        )
        leave = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"abc")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return leave, answer

    leave, answer = asyncio.run(_served(Application([("/", Length)]), use))
    assert leave.startswith(b"HTTP/1.1 100 ")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n3")


def test_htc_47_the_extra_asks_for_a_pycurl_that_works():
    """HTC-47: versions before 7.18.2 didn't, and those before 7.21.1 were not recommended."""
    project = Path(__file__).parents[1] / "packages/tornado-http/pyproject.toml"
    wanted = tomllib.loads(project.read_text())["project"]["optional-dependencies"]["curl"]
    match = re.fullmatch(r"pycurl>=([0-9.]+)", wanted[0])
    assert match is not None
    assert tuple(map(int, match[1].split("."))) >= (7, 21, 1)
