"""The client, against our server and against servers that do it wrong."""

import asyncio
import contextlib
import gc
import re
import ssl
import weakref

import pytest
import trustme

from tornado._websocket.handshake import accept_value
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    WebSocketError,
    WebSocketHandler,
    websocket_connect,
)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 10))


class Echo(WebSocketHandler):
    def select_subprotocol(self, subprotocols):
        return "second" if "second" in subprotocols else None

    def on_message(self, message):
        if message == "headers":
            self.write_message(dict(self.request.headers.items()))
        elif message == "close":
            self.close(4001, "as asked")
        else:
            self.write_message(message, binary=isinstance(message, bytes))


class Greeting(WebSocketHandler):
    """Says something before anything is asked."""

    def open(self):
        for number in range(5):
            self.write_message(str(number))
        self.close()


class Redirecting(RequestHandler):
    def get(self):
        self.redirect("/echo")


class Page(RequestHandler):
    def get(self):
        self.write("a page")


@contextlib.asynccontextmanager
async def serving(scheme="ws", **options):
    handlers = [("/echo", Echo), ("/greeting", Greeting), ("/away", Redirecting), ("/page", Page)]
    server = HTTPServer(Application(handlers), **options)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        yield f"{scheme}://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.stop()
        await server.close_all_connections()


@contextlib.asynccontextmanager
async def raw_server(answer):
    """Serve one connection with a function of reader and writer."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


@pytest.mark.parametrize("message", ["text", "", "\u00fc\U0001f600", b"bytes\0", b"x" * 100_000])
def test_messages_come_back(message):
    async def main():
        async with serving() as url:
            connection = await websocket_connect(url + "/echo")
            await connection.write_message(message, binary=isinstance(message, bytes))
            assert await connection.read_message() == message
            connection.close()
            assert await connection.read_message() is None
            assert await connection.read_message() is None

    run(main())


def test_messages_are_iterated_over():
    async def main():
        async with serving() as url:
            connection = await websocket_connect(url + "/greeting")
            assert [message async for message in connection] == list("01234")
            with pytest.raises(WebSocketClosedError):
                connection.write_message("late")
            with pytest.raises(WebSocketClosedError):
                connection.ping()
            connection.close()

    run(main())


def test_messages_go_to_a_callback_one_after_the_other():
    async def main():
        async with serving() as url:
            seen = []
            busy = []
            done = asyncio.Event()

            async def on_message(message):
                assert not busy
                busy.append(message)
                await asyncio.sleep(0)
                busy.clear()
                seen.append(message)
                if message is None:
                    done.set()

            connection = await websocket_connect(url + "/greeting", on_message_callback=on_message)
            with pytest.raises(RuntimeError, match="on_message_callback"):
                connection.read_message()
            await done.wait()
            assert seen == [*"01234", None]

    run(main())


def test_the_callback_interface():
    async def main():
        async with serving() as url:
            opened = asyncio.get_running_loop().create_future()
            websocket_connect(url + "/echo", opened.set_result)
            connection = (await opened).result()
            connection.write_message("x")
            read = asyncio.get_running_loop().create_future()
            connection.read_message(read.set_result)
            assert (await read).result() == "x"
            connection.close()

    run(main())


def test_subprotocols_headers_and_credentials():
    async def main():
        async with serving() as url:
            request = HTTPRequest(
                url + "/echo", headers={"X-Own": "yes"}, auth_username="a", auth_password="b"
            )
            connection = await websocket_connect(request, subprotocols=["first", "second"])
            assert connection.selected_subprotocol == "second"
            await connection.write_message("headers")
            headers = await connection.read_message()
            assert '"X-Own": "yes"' in headers
            assert '"Authorization": "Basic YTpi"' in headers
            assert list(request.headers) == ["X-Own"]
            connection.close()

    run(main())


def test_closing_with_code_and_reason():
    async def main():
        async with serving() as url:
            connection = await websocket_connect(url + "/echo")
            connection.write_message("close")
            assert await connection.read_message() is None
            assert (connection.close_code, connection.close_reason) == (4001, "as asked")

    run(main())


def test_pings_are_answered():
    async def main():
        async with serving() as url:
            connection = await websocket_connect(url + "/echo", ping_interval=0.02)
            answered = asyncio.Event()
            connection.on_pong = lambda data: answered.set() if data == b"mine" else None
            connection.ping("mine")
            await answered.wait()
            connection.close()

    run(main())


def test_over_tls_the_certificate_is_checked():
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)

    async def main():
        async with serving("wss", ssl_options=server_context) as url:
            request = HTTPRequest(url + "/echo", ssl_options=client_context)
            connection = await websocket_connect(request)
            await connection.write_message("x")
            assert await connection.read_message() == "x"
            connection.close()
            with pytest.raises(ssl.SSLError):
                await websocket_connect(url + "/echo")

    run(main())


@pytest.mark.parametrize(("path", "code"), [("/nowhere", 404), ("/away", 302)])
def test_w7_errors_and_redirects_are_raised(path, code):
    async def main():
        async with serving() as url:
            with pytest.raises(HTTPClientError) as caught:
                await websocket_connect(url + path)
            assert caught.value.code == code
            assert caught.value.response.headers["Server"]

    run(main())


def test_a_page_is_no_websocket():
    async def main():
        async with serving() as url:
            with pytest.raises(WebSocketError, match="status 200"):
                await websocket_connect(url + "/page")

    run(main())


GOOD = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Accept": "",
}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"Upgrade": "h2c"}, "Upgrade"),
        ({"Connection": "close"}, "Connection"),
        ({"Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "Accept"),
        ({"Sec-WebSocket-Extensions": "permessage-deflate"}, "extension"),
        ({"Sec-WebSocket-Protocol": "another"}, "subprotocol"),
    ],
)
def test_handshakes_that_are_wrong(changed, problem):

    async def answer(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        (key,) = re.findall(r"Sec-Websocket-Key: (.*)\r", head)
        fields = {**GOOD, "Sec-WebSocket-Accept": accept_value(key), **changed}
        lines = ["HTTP/1.1 101 Switching", *[f"{n}: {v}" for n, v in fields.items()], "", ""]
        writer.write("\r\n".join(lines).encode())
        await reader.read()
        writer.close()

    async def main():
        async with raw_server(answer) as url:
            with pytest.raises(WebSocketError, match=problem):
                await websocket_connect(url)

    run(main())


def test_servers_that_say_nothing():
    async def close(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def stall(reader, writer):
        await reader.read()
        writer.close()

    async def main():
        async with raw_server(close) as url:
            with pytest.raises(WebSocketError, match="no answer"):
                await websocket_connect(url)
        async with raw_server(stall) as url:
            with pytest.raises(asyncio.TimeoutError):
                await websocket_connect(url, connect_timeout=0.05)
            opening = websocket_connect(url)
            await asyncio.sleep(0.01)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening

    run(main())


def test_a_peer_that_is_not_read_waits():
    """What nobody reads doesn't pile up in memory."""

    async def main():
        async with serving() as url:
            connection = await websocket_connect(url + "/echo")
            piece = b"x" * 100_000
            blocked = None
            for _ in range(500):
                blocked = connection.write_message(piece, binary=True)
                if not blocked.done():
                    break
                await asyncio.sleep(0)
            held = connection.protocol._reader.held_size
            assert held < 1_000_000
            count = 0
            connection.close()
            async for message in connection:
                assert message == piece
                count += 1
            assert count > 0

    run(main())


def test_urls_that_are_none():
    async def main():
        for url in ("ftp://a/", "//a", "ws:///", "ws://a b/"):
            with pytest.raises(ValueError, match="URL|host"):
                await websocket_connect(url)

    run(main())


def test_closing_while_the_loop_is_not_running():
    loop = IOLoop(make_current=True)
    stack = contextlib.AsyncExitStack()
    try:
        url = loop.run_sync(lambda: stack.enter_async_context(serving()))
        connection = loop.run_sync(lambda: websocket_connect(url + "/echo"))
        connection.write_message("x")
        connection.close()
        assert loop.run_sync(connection.read_message) is None
        loop.run_sync(stack.aclose)
    finally:
        IOLoop.clear_current()
        loop.close()


@contextlib.asynccontextmanager
async def proxy(status="200 OK"):
    """A proxy that passes bytes on after CONNECT, or refuses to."""
    heads = []
    tasks = set()

    async def pump(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        if not status.startswith("2"):
            writer.close()
            return
        host, _, port = head.split()[1].rpartition(":")
        to, fro = await asyncio.open_connection(host, int(port))
        pumps = (pump(reader, fro), pump(to, writer))
        tasks.update(asyncio.ensure_future(each) for each in pumps)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_wsk_13_through_a_proxy_and_tls(scheme):
    authority = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    options = {"ssl_options": server_context} if scheme == "wss" else {}

    async def main():
        async with serving(scheme, **options) as url, proxy() as (port, heads):
            request = HTTPRequest(
                url + "/echo",
                ssl_options=client_context,
                proxy_host="127.0.0.1",
                proxy_port=port,
                proxy_username="a",
                proxy_password="b",
            )
            connection = await websocket_connect(request)
            await connection.write_message("x")
            assert await connection.read_message() == "x"
            connection.close()
            assert await connection.read_message() is None
            (head,) = heads
            assert head.startswith(f"CONNECT {connection.parsed.netloc} HTTP/1.1\r\n")
            assert "Proxy-Authorization: Basic YTpi\r\n" in head

    run(main())


def test_credentials_in_a_field_are_for_the_proxy_alone():
    """RFC 9110 section 11.7.2."""

    async def main():
        async with proxy("403 Forbidden") as (port, refused), proxy() as (other, heads):
            async with serving() as url:
                arguments = {"headers": {"Proxy-Authorization": "Own x"}, "proxy_host": "127.0.0.1"}
                with pytest.raises(HTTPClientError, match="403"):
                    await websocket_connect(HTTPRequest(url, proxy_port=port, **arguments))
                request = HTTPRequest(url + "/echo", proxy_port=other, **arguments)
                connection = await websocket_connect(request)
                await connection.write_message("headers")
                assert "Proxy-Authorization" not in await connection.read_message()
                connection.close()
                assert await connection.read_message() is None
            for head in refused + heads:
                assert "Proxy-Authorization: Own x\r\n" in head

    run(main())


def test_a_proxy_that_refuses():
    async def main():
        async with proxy("403 Forbidden") as (port, _):
            request = HTTPRequest("ws://127.0.0.1:1/", proxy_host="127.0.0.1", proxy_port=port)
            with pytest.raises(HTTPClientError, match="403"):
                await websocket_connect(request)

    run(main())


def test_the_class_connects_by_itself():
    async def main():
        async with serving() as url:
            connection = WebSocketClientConnection(HTTPRequest(url + "/echo"))
            assert await connection.connect_future is connection
            assert await connection.connect_future is connection
            assert connection.ws_connection is connection.protocol
            connection.on_connection_close()
            assert await connection.read_message() is None
            assert connection.ws_connection is None

    run(main())


def test_an_exception_of_the_callback_is_logged_and_closes(caplog):
    async def main():
        async with serving() as url:
            ended = asyncio.Event()

            def on_message(message):
                if message is None:
                    ended.set()
                else:
                    raise KeyError(message)

            connection = await websocket_connect(url + "/echo", on_message_callback=on_message)
            connection.write_message("x")
            await ended.wait()

    run(main())
    assert "KeyError" in caplog.text


def test_messages_that_are_read_late_are_not_lost():
    async def main():
        async with serving() as url:
            connection = await websocket_connect(url + "/greeting")
            while not connection.stream.closed():
                await asyncio.sleep(0)
            assert [message async for message in connection] == list("01234")

    run(main())


def test_messages_beyond_the_limit_close_the_connection():
    async def main():
        async with serving() as url:
            connection = await websocket_connect(url + "/echo", max_message_size=100)
            connection.write_message("x" * 100)
            connection.write_message("x" * 101)
            assert await connection.read_message() == "x" * 100
            assert await connection.read_message() is None
            assert connection.close_code == 1009

    run(main())


def test_closed_connections_die_without_the_cycle_collector():
    references = []

    def remember(handler, protocol):
        references.extend(map(weakref.ref, (handler, protocol, protocol.stream)))

    class Remembered(WebSocketHandler):
        def get_compression_options(self):
            return {}

        def open(self):
            remember(self, self.ws_connection)

        async def on_message(self, message):
            await self.write_message(message)

    async def main():
        server = HTTPServer(Application([("/", Remembered)], websocket_ping_interval=10))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        url = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/"
        connection = await websocket_connect(url, compression_options={}, ping_interval=10)
        remember(connection, connection.protocol)
        for message in ("short", "long" * 1000):
            await connection.write_message(message)
            assert await connection.read_message() == message
        connection.close()
        assert await connection.read_message() is None
        server.stop()
        await server.close_all_connections()

    gc.collect()
    gc.disable()
    try:
        run(main())
        assert len(references) == 6
        assert [reference() for reference in references] == [None] * 6
    finally:
        gc.enable()


def test_giving_up_what_came_while_the_loop_is_not_running():
    loop = IOLoop(make_current=True)
    stack = contextlib.AsyncExitStack()
    seen = []

    async def on_message(message):
        seen.append(message)
        if message == "0":
            await asyncio.Event().wait()

    async def wait_for_the_end(connection):
        while not connection.stream.closed():
            await asyncio.sleep(0)

    try:
        url = loop.run_sync(lambda: stack.enter_async_context(serving()))
        opening = websocket_connect(url + "/greeting", on_message_callback=on_message)
        connection = loop.run_sync(lambda: opening)
        loop.run_sync(lambda: wait_for_the_end(connection))
        connection._running.cancel()
        connection.close()
        loop.run_sync(lambda: asyncio.wait((connection._last_call,)))
        assert seen == ["0", None]
        loop.run_sync(stack.aclose)
    finally:
        IOLoop.clear_current()
        loop.close()
