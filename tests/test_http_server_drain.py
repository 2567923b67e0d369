"""Draining a server with all sorts of work under way, with and without TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme
from http_serving import run

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, stream_request_body
from tornado.websocket import WebSocketHandler


class Work:
    """What the handlers have come to."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.go_on = asyncio.Event()
        self.detached: list[IOStream] = []


class Handler(RequestHandler):
    def initialize(self) -> None:
        self.work: Work = self.settings["work"]


class Download(Handler):
    async def get(self) -> None:
        self.write("begin ")
        await self.flush()
        self.work.begun.put_nowait("down")
        await self.work.go_on.wait()
        self.write("end")


@stream_request_body
class Upload(Handler):
    def prepare(self) -> None:
        self.size = 0
        self.work.begun.put_nowait("up")

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)

    def post(self) -> None:
        self.write(f"got {self.size}")


@stream_request_body
class Refuse(Handler):
    def prepare(self) -> None:
        self.set_status(403)
        self.finish("no")
        self.work.begun.put_nowait("refused")

    def data_received(self, chunk: bytes) -> None:
        pass


class Detach(Handler):
    def get(self) -> None:
        stream = self.detach()
        self.work.detached.append(stream)
        stream.write(b"detached")


class Echo(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


HANDSHAKE = (
    "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def until(self, end: bytes) -> bytes:
        return await self.reader.readuntil(end)

    async def rest(self) -> bytes:
        data = await self.reader.read()
        self.writer.close()
        return data


class Site:
    def __init__(self, tls: bool) -> None:
        authority = trustme.CA()
        self.server_tls = self.client_tls = None
        if tls:
            self.server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert("127.0.0.1").configure_cert(self.server_tls)
            self.client_tls = ssl.create_default_context()
            authority.configure_trust(self.client_tls)
        self.work = Work()
        paths = {"/down": Download, "/up": Upload, "/no": Refuse, "/raw": Detach, "/socket": Echo}
        handlers: list[Any] = list(paths.items())
        application = Application(handlers, work=self.work)
        self.server = HTTPServer(application, ssl_options=self.server_tls)
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]

    async def connect(self, sent: str = "", *, tls: bool = True) -> Client:
        context = self.client_tls if tls else None
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, ssl=context))
        client.writer.write(sent.encode())
        return client


@contextlib.asynccontextmanager
async def busy(tls: bool) -> AsyncIterator[tuple[Site, dict[str, Client]]]:
    """A server that has a client of each kind."""
    site = Site(tls)
    begin = "HTTP/1.1\r\nHost: a\r\n"
    length = "Content-Length: 10\r\n\r\nabc"
    clients = {
        "idle": await site.connect(),
        # In a TLS server its handshake stalls.
        "silent": await site.connect(tls=False),
        "served": await site.connect(f"GET /none {begin}\r\n"),
        "down": await site.connect(f"GET /down {begin}\r\nGET /none {begin}\r\n"),
        "up": await site.connect(f"POST /up {begin}{length}"),
        "refused": await site.connect(f"POST /no {begin}{length}"),
        "raw": await site.connect(f"GET /raw {begin}\r\n"),
        "socket": await site.connect(HANDSHAKE),
        "part": await site.connect("GET /none HT"),
    }
    assert {await site.work.begun.get() for _ in range(3)} == {"down", "up", "refused"}
    await clients["served"].until(b"</html>")
    await clients["refused"].until(b"no")
    await clients["raw"].until(b"detached")
    await clients["socket"].until(b"\r\n\r\n")
    # The detached stream and the websocket's are not the server's any more.
    while True:
        begun = [c.connection._reader.has_begun for c in site.server._connections]
        if (len(begun), sum(begun)) == (7, 4):
            break
        await asyncio.sleep(0)
    yield site, clients
    for stream in site.work.detached:
        stream.close()
    for client in clients.values():
        client.writer.close()


async def still_open(site: Site, clients: dict[str, Client]) -> None:
    """What isn't the server's any more goes on."""
    clients["socket"].writer.write(b"\x81\x85\0\0\0\0hello")
    assert await clients["socket"].until(b"hello")
    (stream,) = site.work.detached
    await stream.write(b" still")
    assert await clients["raw"].until(b" still")


CLOSED_AT_ONCE = ("idle", "silent", "served", "refused")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_what_is_under_way_is_answered(tls: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with busy(tls) as (site, clients):
            draining = asyncio.ensure_future(site.server.drain(30))
            for name in CLOSED_AT_ONCE:
                if name == "refused" and tls:
                    # It lingers, as TLS has no way to end one side only.
                    clients[name].writer.close()
                else:
                    assert await clients[name].rest() == b"", name
            with pytest.raises(ConnectionRefusedError):
                await site.connect(tls=False)
            assert not draining.done()
            clients["up"].writer.write(b"defghij")
            clients["part"].writer.write(b"TP/1.1\r\nHost: a\r\n\r\n")
            for name, status, end in (("up", b"200", b"got 10"), ("part", b"404", b"</html>")):
                answer = await clients[name].rest()
                assert answer.startswith(b"HTTP/1.1 " + status)
                assert b"\r\nConnection: close\r\n" in answer
                assert answer.endswith(end)
            site.work.go_on.set()
            # What was pipelined behind it isn't served any more.
            assert (await clients["down"].rest()).endswith(b"\r\n3\r\nend\r\n0\r\n\r\n")
            assert await draining == []
            await still_open(site, clients)

    with caplog.at_level("WARNING", "tornado.general"):
        run(main())
    assert [record for record in caplog.records if record.name == "tornado.general"] == []


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_what_is_cut_off_is_reported(tls: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with busy(tls) as (site, clients):
            cut = await site.server.drain(0)
            assert sorted(cut) == [
                "GET /down from 127.0.0.1",
                "POST /up from 127.0.0.1",
                "the beginning of a request from 127.0.0.1",
            ]
            assert not site.server._connections
            for name in (*CLOSED_AT_ONCE, "up", "part"):
                assert await clients[name].rest() == b"", name
            down = await clients["down"].rest()
            assert down.endswith(b"\r\n6\r\nbegin \r\n")
            await still_open(site, clients)
            site.work.go_on.set()

    with caplog.at_level("WARNING", "tornado.general"):
        run(main())
    logged = [r.getMessage() for r in caplog.records if r.name == "tornado.general"]
    assert len(logged) == 3
    assert all(line.startswith("Cut off: ") for line in logged)
