"""The protocol before RFC 6455, where a handler allows it."""

import asyncio

import pytest

from tornado._websocket.draft76 import Draft76Reader
from tornado._websocket.errors import ProtocolViolation
from tornado.web import Application
from tornado.websocket import WebSocketHandler

# The example of the draft's section 1.2.
KEY_1 = "4 @1  46546xW%0l 1 5"
KEY_2 = "12998 5 Y3 1  .P00"
KEY_3 = b"^n:ds[4U"
ANSWER = b"8jKS'y:G*Co,Wxa-"


class Chat(WebSocketHandler):
    def initialize(self, allowed, closed):
        self.allowed = allowed
        self.closed = closed

    def allow_draft76(self):
        return self.allowed

    def select_subprotocol(self, subprotocols):
        return "sample" if "sample" in subprotocols else None

    def open(self):
        self.write_message("welcome")

    def on_message(self, message):
        if message == "json":
            self.write_message({"a": 1})
        elif message == "binary":
            with pytest.raises(ValueError, match="binary"):
                self.write_message(b"x", binary=True)
            with pytest.raises(ValueError, match="binary"):
                self.write_message(b"\xff")
            with pytest.raises(ValueError, match="pings"):
                self.ping()
            self.write_message("refused")
        elif message == "close":
            self.close(1000, "bye")
        else:
            self.write_message(message)

    def on_close(self):
        self.closed.set()


class OwnScheme(Chat):
    def get_websocket_scheme(self):
        return "wss"


def request(port, **changed):
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key2": KEY_2,
        "Sec-WebSocket-Protocol": "sample",
        "Upgrade": "WebSocket",
        "Sec-WebSocket-Key1": KEY_1,
        "Origin": f"http://127.0.0.1:{port}",
    }
    path = changed.pop("path", "/chat")
    fields.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def converse(script, *, allowed=True):
    """Run a coroutine of reader, writer, port and an event that is set by ``on_close``."""

    async def main():
        closed = asyncio.Event()
        options = {"allowed": allowed, "closed": closed}
        application = Application([("/chat", Chat, options), ("/own", OwnScheme, options)])
        server = application.listen(0, "127.0.0.1")
        port = next(iter(server._sockets.values())).getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.wait_for(script(reader, writer, port, closed), 10)
        finally:
            writer.close()
            server.stop()
            await server.close_all_connections()

    asyncio.run(main())


async def open_chat(reader, writer, port, **changed):
    writer.write(request(port, **changed) + KEY_3)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert await reader.readexactly(16) == ANSWER
    return head


async def receive(reader):
    assert await reader.readexactly(1) == b"\0"
    return (await reader.readuntil(b"\xff"))[:-1].decode()


def test_wsk_8_9_messages_where_it_is_allowed():
    async def script(reader, writer, port, closed):
        head = await open_chat(reader, writer, port)
        assert head.startswith("http/1.1 101 ")
        assert f"sec-websocket-location: ws://127.0.0.1:{port}/chat\r\n" in head
        assert f"sec-websocket-origin: http://127.0.0.1:{port}\r\n" in head
        assert "sec-websocket-protocol: sample\r\n" in head
        assert await receive(reader) == "welcome"
        for message, answer in [
            ("h\u00e9llo", "h\u00e9llo"),
            ("", ""),
            ("json", '{"a": 1}'),
            ("binary", "refused"),
        ]:
            writer.write(b"\0" + message.encode() + b"\xff")
            assert await receive(reader) == answer
        writer.write(b"\xff\0")
        assert await reader.read() == b"\xff\0"
        await closed.wait()

    converse(script)


def test_wsk_8_it_is_refused_by_default():
    assert WebSocketHandler.allow_draft76(None) is False

    async def script(reader, writer, port, closed):
        writer.write(request(port) + KEY_3)
        assert (await reader.readline()).split()[1] == b"426"

    converse(script, allowed=False)


def test_wsk_10_the_scheme_may_be_overridden():
    async def script(reader, writer, port, closed):
        head = await open_chat(reader, writer, port, path="/own")
        assert f"sec-websocket-location: wss://127.0.0.1:{port}/own\r\n" in head

    converse(script)


def test_the_key_may_come_late_and_messages_with_it():
    async def script(reader, writer, port, closed):
        writer.write(request(port) + KEY_3[:3])
        writer.write(KEY_3[3:] + b"\0early\xff")
        await reader.readuntil(b"\r\n\r\n" + ANSWER)
        assert [await receive(reader), await receive(reader)] == ["welcome", "early"]

    converse(script)


def test_closing_by_the_server():
    async def script(reader, writer, port, closed):
        await open_chat(reader, writer, port)
        writer.write(b"\0close\xff")
        assert await receive(reader) == "welcome"
        assert await reader.readexactly(2) == b"\xff\0"
        writer.write(b"\xff\0")
        assert await reader.read() == b""
        await closed.wait()

    converse(script)


@pytest.mark.parametrize("data", [b"\0\xc3\xff", b"\x80\xff\xff\xff\xff\xff\x01"])
def test_what_breaks_the_protocol_ends_the_connection(data):
    async def script(reader, writer, port, closed):
        await open_chat(reader, writer, port)
        assert await receive(reader) == "welcome"
        writer.write(data)
        await reader.read()
        await closed.wait()

    converse(script)


@pytest.mark.parametrize(
    "changed",
    [
        {"Sec_WebSocket_Key1": None},
        {"Sec_WebSocket_Key1": "12345"},  # no spaces
        {"Sec_WebSocket_Key1": "1 2 3"},  # no multiple of their number
        {"Sec_WebSocket_Key2": "a b"},  # no digits
        {"Sec_WebSocket_Key2": "99999 99999"},  # too large
        {"Sec_WebSocket_Key2": None},
        {"Origin": None},
    ],
)
def test_handshakes_that_are_invalid(changed):
    async def script(reader, writer, port, closed):
        writer.write(request(port, **changed) + KEY_3)
        assert (await reader.readline()).split()[1] in (b"400", b"426")

    converse(script)


def test_pages_of_others_are_refused():
    async def script(reader, writer, port, closed):
        writer.write(request(port, Origin="http://evil.example") + KEY_3)
        assert (await reader.readline()).split()[1] == b"403"

    converse(script)


class Recorder:
    def __init__(self, limit=10):
        self.events = []
        self.reader = Draft76Reader(self, limit)

    def on_key(self, key):
        self.events.append(key)

    def on_data(self, message):
        self.events.append(message)

    def on_close_frame(self, code, reason):
        self.events.append((code, reason))


def test_any_split_gives_the_same_events():
    stream = KEY_3 + b"\0abc\xff\0\xff\x01other\xff\x80\x03xyz\x81\0\0\xc3\xa9\xff\xff\0"
    expected = [KEY_3, "abc", "", "\u00e9", (None, None)]
    for step in range(1, len(stream)):
        recorder = Recorder()
        for start in range(0, len(stream), step):
            recorder.reader.feed(stream[start : start + step])
        assert recorder.events == expected


@pytest.mark.parametrize(
    "data",
    [b"\0" + b"x" * 11, b"\0" + b"x" * 11 + b"\xff", b"\x80\x0b", b"\x80\x80\x80\x80\x80\x80"],
)
def test_limits(data):
    recorder = Recorder()
    recorder.reader.feed(KEY_3)
    with pytest.raises(ProtocolViolation):
        recorder.reader.feed(data)


def test_tiny_frames_are_read_in_steps():
    recorder = Recorder()
    is_behind = recorder.reader.feed(KEY_3 + b"\0\xff" * 1000)
    assert is_behind
    assert len(recorder.events) < 1000
    while is_behind:
        is_behind = recorder.reader.feed(b"")
    assert len(recorder.events) == 1001


def test_nothing_is_read_while_paused_or_stopped():
    recorder = Recorder()
    recorder.reader.pause()
    recorder.reader.feed(KEY_3)
    assert recorder.events == []
    recorder.reader.resume()
    recorder.reader.feed(b"\0a\xff")
    assert recorder.events == [KEY_3, "a"]
    recorder.reader.stop()
    recorder.reader.feed(b"\0b\xff")
    assert len(recorder.events) == 2
