"""Opening a websocket as a client, where something stands in the way."""

import asyncio
import socket

import pytest

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect


class Peer:
    """A server that reads one head, says something, and waits for the end of the connection.

    :arg answer: what it says; `None` for closing at once.
    """

    def __init__(self, answer):
        self.answer = answer
        self.ended = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *args):
        self.server.close()

    async def serve(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            if self.answer is not None:
                writer.write(self.answer)
                # A client that gives up has to close.
                await reader.read()
        except asyncio.IncompleteReadError:
            # On a machine that is busy its time may be up before it has said anything.
            return
        finally:
            writer.close()
            self.ended.set()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


@pytest.fixture
def refusing_port():
    """A port on which nobody listens, and nobody else can."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("is_proxy", [False, True])
def test_who_is_refused_learns_of_it(scheme, is_proxy, refusing_port):
    request = HTTPRequest(f"{scheme}://127.0.0.1:{refusing_port}/")
    if is_proxy:
        request = HTTPRequest("ws://server.test/", proxy_host="127.0.0.1", proxy_port=refusing_port)

    async def main():
        with pytest.raises(ConnectionRefusedError):
            await websocket_connect(request)

    run(main())


@pytest.mark.parametrize(
    ("options", "connect_timeout"),
    [
        ({}, 0.05),
        ({"connect_timeout": 0.05}, None),
        ({"connect_timeout": 60}, 0.05),
        ({"request_timeout": 0.05}, None),
        ({"request_timeout": 0.05}, 60),
        ({"request_timeout": 0.05}, 0),
        ({"request_timeout": 60, "connect_timeout": 0.05}, None),
    ],
)
@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 101 "])
def test_the_shorter_of_all_limits_holds(options, connect_timeout, begins):
    """What was connected is closed then."""

    async def main():
        async with Peer(begins) as peer:
            request = HTTPRequest(f"ws://127.0.0.1:{peer.port}/", **options)
            with pytest.raises(TimeoutError, match=r"not open after 0\.05 seconds"):
                await websocket_connect(request, connect_timeout=connect_timeout)
            await peer.ended.wait()

    run(main())


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 "])
def test_proxies_that_stall_are_left(begins):
    async def main():
        async with Peer(begins) as peer:
            request = HTTPRequest("ws://server.test/", proxy_host="127.0.0.1", proxy_port=peer.port)
            with pytest.raises(TimeoutError, match="not open after"):
                await websocket_connect(request, connect_timeout=0.05)
            await peer.ended.wait()

    run(main())


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 407 Who Are You\r\nContent-Length: 2\r\n\r\n??", "407 Who Are You"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://other.test/\r\n\r\n", "302 Found"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "can't be read"),
        (None, "the connection ended"),
    ],
)
def test_proxies_that_do_not_connect(answer, problem):
    async def main():
        async with Peer(answer) as peer:
            request = HTTPRequest(
                "ws://server.test:81/", proxy_host="127.0.0.1", proxy_port=peer.port
            )
            with pytest.raises(HTTPClientError, match=f"connect to server.test:81: .*{problem}"):
                await websocket_connect(request)
            await peer.ended.wait()

    run(main())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"method": "POST", "body": b"x"}, "GET, not 'POST'"),
        ({"method": "HEAD"}, "GET, not 'HEAD'"),
        ({"body": b"x"}, "no body"),
    ],
)
def test_requests_that_open_no_websocket(options, problem):
    async def main():
        async with Peer(None) as peer:
            request = HTTPRequest(f"ws://127.0.0.1:{peer.port}/", **options)
            with pytest.raises(ValueError, match=problem):
                await websocket_connect(request)

    run(main())
