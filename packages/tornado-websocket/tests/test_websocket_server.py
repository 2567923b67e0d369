"""Websockets of a server, over real sockets."""

import asyncio
import base64
import contextlib
import tracemalloc

import pytest

from tornado import websocket
from tornado._websocket.frames import make_close_payload, make_frame
from tornado._websocket.reader import FrameReader
from tornado.ioloop import IOLoop
from tornado.web import Application, HTTPError
from tornado.websocket import (
    WebSocketClosedError,
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
)

KEY = base64.b64encode(b"0123456789abcdef").decode()


class Echo(WebSocketHandler):
    closed: asyncio.Queue

    def initialize(self, closed=None):
        self.closed = closed

    def select_subprotocol(self, subprotocols):
        return "two" if "two" in subprotocols else None

    def open(self, name="nobody"):
        self.name = name

    def on_message(self, message):
        if message == "json":
            self.write_message({"name": self.name})
        elif message == "raise":
            raise KeyError("in a handler")
        elif message == "close":
            self.close(3001, "enough")
        else:
            self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self):
        if self.closed is not None:
            self.closed.put_nowait((self.close_code, self.close_reason))


class Slow(WebSocketHandler):
    active = 0

    async def open(self):
        await asyncio.sleep(0)
        await self.write_message("open")

    async def on_message(self, message):
        Slow.active += 1
        assert Slow.active == 1
        await asyncio.sleep(0)
        await self.write_message(message)
        Slow.active -= 1


class Client:
    """A websocket client that says what it's told to."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.events = []
        self.frames = FrameReader(self, expects_mask=False, max_message_size=1 << 24)

    def on_data(self, message):
        self.events.append(message)

    def on_control(self, opcode, payload):
        self.events.append((opcode.name, payload))

    def on_close_frame(self, code, reason):
        self.events.append(("close", code, reason))

    def send(self, opcode, payload, **options):
        self.writer.write(make_frame(opcode, payload, **{"masked": True, **options}))

    async def receive(self):
        while not self.events:
            data = await asyncio.wait_for(self.reader.read(65536), 5)
            if not data:
                return None
            self.frames.feed(data)
        return self.events.pop(0)


class Server:
    def __init__(self, application=None):
        self.closed = asyncio.Queue()
        application = application or Application(
            [
                (r"/echo/?(\w+)?", Echo, {"closed": self.closed}),
                (r"/slow", Slow),
            ],
            websocket_max_message_size=100_000,
        )
        self.server = application.listen(0, "127.0.0.1")
        self.port = next(iter(self.server._sockets.values())).getsockname()[1]
        self.writers = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        for writer in self.writers:
            writer.close()
        self.server.stop()
        await self.server.close_all_connections()

    async def request(self, path, **headers):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        fields = {
            "Host": f"127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": KEY,
            "Sec-WebSocket-Version": "13",
        }
        for name, value in headers.items():
            fields[name.replace("_", "-")] = value
        lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        writer.write("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        return head.decode(), Client(reader, writer)


@contextlib.asynccontextmanager
async def serving(handlers, **settings):
    """Serve handlers by their paths; gives what opens a connection."""
    async with Server(Application(list(handlers.items()), **settings)) as server:
        yield server.request


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 20))


def test_wsk_1_2_4_5_echo_and_route_arguments():
    async def main():
        async with Server() as server:
            head, client = await server.request("/echo/me")
            assert head.startswith("HTTP/1.1 101 ")
            assert "Sec-Websocket-Accept: " in head
            client.send(1, "h\u00e9".encode())
            assert await client.receive() == "h\u00e9"
            client.send(2, b"\x00\xff" * 30000)
            assert await client.receive() == b"\x00\xff" * 30000
            client.send(1, b"json")
            assert await client.receive() == '{"name": "me"}'

    run(main())


def test_frames_that_come_with_the_handshake_are_not_lost():
    async def main():
        async with Server() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            server.writers.append(writer)
            head = (
                f"GET /echo HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n"
            )
            writer.write(head.encode() + make_frame(1, b"early", masked=True))
            await reader.readuntil(b"\r\n\r\n")
            assert await Client(reader, writer).receive() == "early"

    run(main())


def test_messages_of_one_connection_never_overlap():
    async def main():
        async with Server() as server:
            _, client = await server.request("/slow")
            for number in range(20):
                client.send(1, str(number).encode())
            received = [await client.receive() for _ in range(21)]
            assert received == ["open", *map(str, range(20))]

    run(main())


@pytest.mark.parametrize(
    ("sent", "answer", "code", "reason"),
    [
        (make_close_payload(1000, "bye"), ("close", 1000, ""), 1000, "bye"),
        (b"", ("close", None, ""), None, None),
        (make_close_payload(4000, None), ("close", 4000, ""), 4000, None),
    ],
)
def test_wsk_3_6_closing_by_the_client(sent, answer, code, reason):
    async def main():
        async with Server() as server:
            _, client = await server.request("/echo")
            client.send(8, sent)
            assert await client.receive() == answer
            assert await client.receive() is None
            assert await server.closed.get() == (code, reason)

    run(main())


def test_wsk_6_closing_by_the_server():
    async def main():
        async with Server() as server:
            _, client = await server.request("/echo")
            client.send(1, b"close")
            assert await client.receive() == ("close", 3001, "enough")
            client.send(8, make_close_payload(3001, None))
            assert await client.receive() is None
            assert await server.closed.get() == (3001, None)

    run(main())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (make_frame(1, b"x", masked=False), 1002),
        (make_frame(1, b"\xff", masked=True), 1007),
        (make_frame(2, b"x" * 100_001, masked=True), 1009),
    ],
)
def test_violations_close_the_connection_with_their_code(data, code):
    async def main():
        async with Server() as server:
            _, client = await server.request("/echo")
            client.writer.write(data)
            assert (await client.receive())[:2] == ("close", code)
            assert await client.receive() is None
            client.writer.close()
            assert await server.closed.get() == (code, None)

    run(main())


def test_w3_of_many_pings_the_latest_is_answered():
    async def main():
        async with Server() as server:
            _, client = await server.request("/echo")
            client.writer.write(b"".join(make_frame(9, b"%d" % n, masked=True) for n in range(50)))
            answers = [await client.receive()]
            while answers[-1] != ("PONG", b"49"):
                answers.append(await client.receive())
            assert len(answers) < 50

    run(main())


def test_wsk_11_an_exception_closes_the_socket(caplog):
    async def main():
        async with Server() as server:
            _, client = await server.request("/echo")
            client.send(1, b"raise")
            assert await client.receive() == ("close", 1011, "")
            assert await client.receive() is None
            client.writer.close()
            assert await server.closed.get() == (None, None)

    run(main())
    assert "KeyError" in caplog.text


def test_a_client_that_vanishes_is_noticed():
    async def main():
        async with Server() as server:
            _, client = await server.request("/echo")
            client.writer.transport.abort()
            assert await server.closed.get() == (None, None)

    run(main())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": None}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": "keep-alive"}, 400),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": None}, 426),
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec_WebSocket_Origin": "http://evil.example"}, 403),
        ({"Content_Length": "5"}, 400),
    ],
)
def test_w1_p7_bad_handshakes_are_refused(headers, status, caplog):
    async def main():
        async with Server() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            server.writers.append(writer)
            fields = {
                "Host": f"127.0.0.1:{server.port}",
                "Upgrade": "websocket",
                "Connection": "keep-alive, Upgrade",
                "Sec-WebSocket-Key": KEY,
                "Sec-WebSocket-Version": "13",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            }
            lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
            writer.write("\r\n".join(["GET /echo HTTP/1.1", *lines, "", ""]).encode() + b"hello")
            head = await reader.readuntil(b"\r\n\r\n")
            assert int(head.split()[1]) == status

    run(main())
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("part", "changed", "status"),
    [
        ("HTTP/1.1", "HTTP/1.0", 400),
        ("GET", "HEAD", 405),
        (
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13",
            426,
        ),
        (
            f"Sec-WebSocket-Key: {KEY}",
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Key: {KEY}",
            400,
        ),
    ],
)
def test_w1_other_handshakes_are_refused_too(part, changed, status):
    request = (
        "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )

    async def main():
        async with Server() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            server.writers.append(writer)
            writer.write(request.replace(part, changed).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert int(head.split()[1]) == status

    run(main())


def test_same_origin_and_subprotocol():
    async def main():
        async with Server() as server:
            head, _ = await server.request(
                "/echo",
                Origin=f"http://127.0.0.1:{server.port}",
                Sec_WebSocket_Protocol="one, two",
            )
            assert head.startswith("HTTP/1.1 101 ")
            assert "Sec-Websocket-Protocol: two" in head

    run(main())


def test_writing_after_the_close_raises():
    handler = object.__new__(Echo)
    with pytest.raises(WebSocketClosedError):
        handler.write_message("x")
    with pytest.raises(WebSocketClosedError):
        handler.ping()


@pytest.mark.parametrize(("offered", "chosen"), [("one, two", "two"), ("one", None), (None, None)])
def test_wsk_7_the_subprotocol_is_announced_and_none_is_fine(offered, chosen):
    async def main():
        async with Server() as server:
            head, client = await server.request("/echo", Sec_WebSocket_Protocol=offered)
            assert head.startswith("HTTP/1.1 101 ")
            assert ("Sec-Websocket-Protocol: two" in head) is (chosen is not None)
            client.send(1, b"x")
            assert await client.receive() == "x"

    run(main())


def test_wsk_2_a_class_without_on_message_cannot_handle_messages(caplog):
    async def main():
        async with serving({"/": WebSocketHandler}) as connect:
            _, client = await connect("/")
            client.send(1, b"x")
            assert await client.receive() == ("close", 1011, "")

    run(main())
    assert "NotImplementedError" in caplog.text


HTTP_METHODS = {
    "write": ("x",),
    "flush": (),
    "finish": (),
    "redirect": ("/",),
    "set_status": (200,),
    "set_header": ("A", "b"),
    "add_header": ("A", "b"),
    "set_cookie": ("a", "b"),
}


def test_wsk_12_methods_of_responses_are_gone_after_the_handshake():
    class Output(WebSocketHandler):
        def prepare(self):
            self.set_header("X-Before", "fine")

        def open(self):
            for name, args in HTTP_METHODS.items():
                with pytest.raises(RuntimeError, match=name):
                    getattr(self, name)(*args)
            self.write_message("open")

        def on_message(self, message):
            self.send_error(500)

    async def main():
        async with serving({"/": Output}) as connect:
            _, client = await connect("/")
            assert await client.receive() == "open"
            client.send(1, b"x")
            assert await client.receive() is None

    run(main())


def test_errors_and_redirects_before_the_handshake():
    class Guarded(WebSocketHandler):
        def prepare(self):
            if self.get_argument("to", None):
                self.redirect(self.get_argument("to"))
            else:
                raise HTTPError(403)

    async def main():
        async with serving({"/": Guarded}) as connect:
            head, _ = await connect("/")
            assert head.startswith("HTTP/1.1 403 ")
            head, _ = await connect("/?to=/elsewhere")
            assert head.startswith("HTTP/1.1 302 ")

    run(main())


def test_wsk_11_async_callback_closes_the_socket(caplog):
    class Later(WebSocketHandler):
        def on_message(self, message):
            assert self.async_callback(None) is None
            IOLoop.current().add_callback(self.async_callback(self.fail, "wrapped"), once="more")

        def fail(self, *args, **kwargs):
            raise KeyError(args, kwargs)

    async def main():
        async with serving({"/": Later}) as connect:
            _, client = await connect("/")
            client.send(1, b"x")
            assert await client.receive() == ("close", 1011, "")

    run(main())
    assert "KeyError: (('wrapped',), {'once': 'more'})" in caplog.text


def test_an_exception_in_open_closes_the_socket(caplog):
    class Failing(WebSocketHandler):
        def open(self):
            raise KeyError("open")

    async def main():
        async with serving({"/": Failing}) as connect:
            _, client = await connect("/")
            assert await client.receive() == ("close", 1011, "")

    run(main())
    assert "KeyError" in caplog.text


def test_a_client_that_does_not_read_is_cut_off():
    done = asyncio.Queue()

    class Flood(WebSocketHandler):
        async def open(self):
            try:
                while True:
                    self.write_message(bytes(60_000), binary=True)
                    await asyncio.sleep(0)
            except WebSocketClosedError:
                await done.put("refused")

        def on_close(self):
            done.put_nowait(self.close_code)

    async def main():
        settings = {"websocket_max_write_buffer_size": 500_000}
        async with serving({"/": Flood}, **settings) as connect:
            _, client = await connect("/")
            client.writer.transport.pause_reading()
            assert {await done.get(), await done.get()} == {"refused", 1008}

    run(main())


def test_waiting_for_writes_keeps_pace_with_the_client():
    class Flood(WebSocketHandler):
        async def open(self):
            for _ in range(200):
                await self.write_message(bytes(100_000), binary=True)
                kept.append(self.ws_connection.stream.write_buffer_size)
            self.close()

    kept = []

    async def main():
        async with serving({"/": Flood}) as connect:
            _, client = await connect("/")
            for _ in range(200):
                assert await client.receive() == bytes(100_000)
            assert max(kept) == 0

    run(main())


def test_several_writers():
    class Writers(WebSocketHandler):
        async def open(self):
            await asyncio.gather(*(self.count(name) for name in "abc"))
            self.close()

        async def count(self, name):
            for number in range(50):
                await self.write_message(f"{name}{number}" + "x" * 5000)

    async def main():
        async with serving({"/": Writers}) as connect:
            _, client = await connect("/")
            seen = {name: [] for name in "abc"}
            for _ in range(150):
                message = (await client.receive()).rstrip("x")
                seen[message[0]].append(int(message[1:]))
            assert all(numbers == list(range(50)) for numbers in seen.values())

    run(main())


def test_settings_and_what_they_are_by_default():
    seen = {}
    names = ("ping_interval", "ping_timeout", "max_message_size", "max_write_buffer_size")

    class Settings(WebSocketHandler):
        def open(self):
            seen.update({name: getattr(self, name) for name in (*names, "slow_reader")})
            seen["connection"] = self.ws_connection.ping_interval
            seen["subprotocol"] = self.selected_subprotocol
            self.set_nodelay(False)
            self.close()

    async def main(**settings):
        async with serving({"/": Settings}, **settings) as connect:
            _, client = await connect("/")
            await client.receive()
        return tuple(seen.values())

    mib = 1 << 20
    assert asyncio.run(main()) == (None, None, 10 * mib, 16 * mib, "close", 0, None)
    changed = asyncio.run(
        main(
            websocket_ping_interval=30,
            websocket_ping_timeout=20,
            websocket_max_message_size=5,
            websocket_max_write_buffer_size=None,
            websocket_slow_reader="wait",
        )
    )
    assert changed == (30, 20, 5, None, "wait", 30, None)


def test_the_default_limit_may_be_assigned(monkeypatch):
    monkeypatch.setattr(websocket, "_default_max_message_size", 7)
    seen = []

    class Limit(WebSocketHandler):
        def open(self):
            seen.append(self.max_message_size)
            self.close()

    async def main():
        async with serving({"/": Limit}) as connect:
            _, client = await connect("/")
            await client.receive()

    run(main())
    assert seen == [7]


def test_pings_both_ways():
    class Pinging(WebSocketHandler):
        def open(self):
            self.ping("hello")

        def on_pong(self, data):
            self.write_message({"pong": data.decode()})

        def on_ping(self, data):
            self.write_message({"ping": data.decode()})

    async def main():
        async with serving({"/": Pinging}) as connect:
            _, client = await connect("/")
            assert await client.receive() == ("PING", b"hello")
            client.send(10, b"hello")
            assert await client.receive() == '{"pong": "hello"}'
            client.send(9, b"x")
            assert await client.receive() == ("PONG", b"x")
            assert await client.receive() == '{"ping": "x"}'

    run(main())


def test_a_protocol_of_the_programs_own():
    class Loud(WebSocketProtocol13):
        def write_message(self, message, binary=False):
            return super().write_message(message.upper(), binary)

    class Handler(WebSocketHandler):
        def get_websocket_protocol(self):
            protocol = super().get_websocket_protocol()
            assert isinstance(protocol, WebSocketProtocol13)
            assert isinstance(protocol, WebSocketProtocol)
            return Loud(self, False, protocol.params)

        def on_message(self, message):
            self.write_message(message)

    async def main():
        async with serving({"/": Handler}) as connect:
            _, client = await connect("/")
            client.send(1, b"loud")
            assert await client.receive() == "LOUD"

    run(main())


def test_idle_connections_are_small():
    """What a connection that does nothing costs beside its request."""
    handlers = []

    class Idle(WebSocketHandler):
        def open(self):
            handlers.append(self)

    async def main():
        async with serving({"/": Idle}) as connect:
            for _ in range(20):
                await connect("/")
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            protocols = [
                WebSocketProtocol13(handler, False, handler.ws_connection.params)
                for handler in handlers
            ]
            for protocol, handler in zip(protocols, handlers, strict=True):
                protocol.open_on(handler.ws_connection.stream)
            size = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            assert size / len(handlers) < 1500

    run(main())


def test_a_client_that_sends_too_much_learns_why():
    """What it's still sending is read, so that no reset overtakes the close frame."""

    async def main():
        async with Server() as server:
            _, client = await server.request("/echo")
            client.send(2, bytes(200_000))
            for _ in range(50):
                client.writer.write(bytes(100_000))
                await asyncio.sleep(0)
            await client.writer.drain()
            assert await client.receive() == ("close", 1009, "message too large")
            assert await client.receive() is None
            client.writer.close()
            assert await server.closed.get() == (1009, None)

    run(main())


def test_who_asks_for_another_version_learns_of_the_right_one():
    async def main():
        async with Server() as server:
            head, _ = await server.request("/echo", Sec_WebSocket_Version="8")
            lines = head.lower().splitlines()
            assert lines[0].startswith("http/1.1 426 ")
            assert {"sec-websocket-version: 13", "upgrade: websocket"} <= set(lines)
            assert "connection: upgrade" in lines

    run(main())


def test_a_subprotocol_that_was_not_offered_is_a_mistake(caplog):
    class Wrong(WebSocketHandler):
        def select_subprotocol(self, subprotocols):
            return "other"

    async def main():
        async with serving({"/": Wrong}) as connect:
            head, _ = await connect("/", Sec_WebSocket_Protocol="one")
            assert head.startswith("HTTP/1.1 500 ")

    run(main())
    assert "'other' is not among the offered ['one']" in caplog.text
