"""Statements of the documented API (WSK), one test each where no other test is about that alone."""

import asyncio
import base64
import contextlib
import hashlib

import pytest

from tornado.web import Application
from tornado.websocket import WebSocketHandler

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = b"\x01\x02\x03\x04"

# The example of the draft's section 1.2.
DRAFT_76 = {
    "Sec-WebSocket-Key1": "4 @1  46546xW%0l 1 5",
    "Sec-WebSocket-Key2": "12998 5 Y3 1  .P00",
}
DRAFT_76_BODY, DRAFT_76_ANSWER = b"^n:ds[4U", b"8jKS'y:G*Co,Wxa-"


class Recording(WebSocketHandler):
    def initialize(self, events):
        self.events = events

    def open(self, *args, **kwargs):
        self.events.append(("open", args, kwargs))

    def on_message(self, message):
        self.events.append(message)
        self.write_message("seen")


class Old(Recording):
    def allow_draft76(self):
        return True


class Binary(WebSocketHandler):
    async def open(self):
        await self.write_message(b"\x00\xff", binary=True)
        await self.write_message("text", binary=True)
        await self.write_message(b"bytes of text")


@contextlib.asynccontextmanager
async def connecting(handlers):
    """Serve handlers; gives what sends a request and returns the answer's head and the streams."""
    server = Application(handlers).listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    writers = []

    async def request(path, fields, body=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        fields = {"Host": "a.test", "Upgrade": "websocket", "Connection": "Upgrade", **fields}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        return head, reader, writer

    try:
        yield request
    finally:
        for writer in writers:
            writer.close()
        server.stop()
        await server.close_all_connections()


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 10))


def frame(text):
    """Return a masked frame with text of up to 125 bytes."""
    payload = text.encode()
    masked = bytes(byte ^ MASK[place % 4] for place, byte in enumerate(payload))
    return bytes((0x81, 0x80 | len(payload))) + MASK + masked


RFC_6455 = {"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize(
    ("path", "args", "kwargs"),
    [
        ("/plain", (), {}),
        ("/places/one/t%20wo", ("one", "t wo"), {}),
        ("/names/one/two", (), {"first": "one", "second": "two"}),
        ("/maybe/", (None,), {}),
    ],
)
def test_wsk_1_the_handshake_of_rfc_6455_and_then_open_with_the_routes_groups(path, args, kwargs):
    events = []
    options = {"events": events}

    async def main():
        handlers = [
            ("/plain", Recording, options),
            (r"/places/(\w+)/([^/]+)", Recording, options),
            (r"/names/(?P<first>\w+)/(?P<second>\w+)", Recording, options),
            (r"/maybe/(\w+)?", Recording, options),
        ]
        async with connecting(handlers) as request:
            head, reader, writer = await request(path, RFC_6455)
            assert head.startswith("http/1.1 101 ")
            lines = head.splitlines()
            assert {"upgrade: websocket", "connection: upgrade"} <= set(lines)
            digest = hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            assert base64.b64encode(digest).decode() == ACCEPT
            assert f"sec-websocket-accept: {ACCEPT.lower()}" in lines
            writer.write(frame("hello"))
            assert await reader.readexactly(6) == b"\x81\x04seen"

    run(main())
    assert events == [("open", args, kwargs), "hello"]


def test_wsk_2_each_message_arrives_at_on_message():
    events = []

    async def main():
        async with connecting([("/", Recording, {"events": events})]) as request:
            _, reader, writer = await request("/", RFC_6455)
            # Two at once, and one in two fragments.
            writer.write(frame("one") + frame(""))
            writer.write(b"\x01\x83" + MASK + b"\x01\x02\x03" + b"\x80\x80" + MASK)
            assert await reader.readexactly(18) == b"\x81\x04seen" * 3

    run(main())
    assert events[1:] == ["one", "", "\0\0\0"]


def test_wsk_5_what_is_sent_as_binary():
    async def main():
        async with connecting([("/", Binary)]) as request:
            _, reader, _ = await request("/", RFC_6455)
            assert await reader.readexactly(4) == b"\x82\x02\x00\xff"
            assert await reader.readexactly(6) == b"\x82\x04text"
            assert await reader.readexactly(15) == b"\x81\x0dbytes of text"

    run(main())


@pytest.mark.parametrize("handler", [Recording, Old])
def test_wsk_9_draft_76_is_known_by_its_keys_and_off_by_default(handler):
    """Both readings of the documents: it's recognised where it's allowed, beside RFC 6455, and it
    is not allowed by default. It has text only."""
    events = []

    async def main():
        async with connecting([("/", handler, {"events": events})]) as request:
            fields = {**DRAFT_76, "Origin": "http://a.test"}
            head, reader, writer = await request("/", fields, DRAFT_76_BODY)
            if handler is Old:
                assert head.startswith("http/1.1 101 ")
                assert await reader.readexactly(16) == DRAFT_76_ANSWER
                writer.write(b"\x00text\xff")
                assert await reader.readexactly(6) == b"\x00seen\xff"
            else:
                assert not head.startswith("http/1.1 101 ")
                assert events == []
            head, reader, writer = await request("/", RFC_6455)
            assert head.startswith("http/1.1 101 ")
            writer.write(frame("text"))
            assert await reader.readexactly(6) == b"\x81\x04seen"

    run(main())
    opened = ("open", (), {})
    assert events == ([opened, "text"] * 2 if handler is Old else [opened, "text"])
