"""Server and client of tornado.websocket with the implementations of others."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager

import aiohttp
import aiohttp.web
import pytest
import websockets.asyncio.client
import websockets.asyncio.server
import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

MESSAGES = [
    "",
    "text",
    "\u00e9\u4e16\U0001f600" * 50,
    b"",
    bytes(range(256)),
    "a long text, which compresses. " * 5000,
    os.urandom(100_000),
]
SUBPROTOCOLS = ["first.example", "second.example"]


class Echo(WebSocketHandler):
    """Sends back what comes, compressed if the other side likes; ends with a code when asked."""

    def initialize(self, compression):
        self._compression = compression

    def get_compression_options(self):
        return self._compression

    def select_subprotocol(self, subprotocols):
        return SUBPROTOCOLS[1] if SUBPROTOCOLS[1] in subprotocols else None

    def on_message(self, message):
        if message == "end":
            self.close(4321, "as you like")
        else:
            self.write_message(message, isinstance(message, bytes))


@asynccontextmanager
async def our_server(compression):
    """Serve `Echo`; gives the port."""
    server = HTTPServer(Application([("/", Echo, {"compression": compression})]))
    (sock,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([sock])
    try:
        yield sock.getsockname()[1]
    finally:
        server.stop()
        await server.close_all_connections()


COMPRESSIONS = pytest.mark.parametrize("compression", [None, {}], ids=["plain", "deflate"])


@COMPRESSIONS
def test_client_of_websockets(compression):
    async def talk():
        options = {"compression": "deflate" if compression is not None else None}
        options["subprotocols"] = SUBPROTOCOLS
        async with (
            our_server(compression) as port,
            websockets.asyncio.client.connect(f"ws://127.0.0.1:{port}/", **options) as peer,
        ):
            assert peer.subprotocol == SUBPROTOCOLS[1]
            assert bool(peer.protocol.extensions) == (compression is not None)
            for message in MESSAGES:
                await peer.send(message)
                assert await peer.recv() == message
            # In fragments, with a ping in between.
            await peer.send(["frag", "men", "ted"])
            await (await peer.ping())
            assert await peer.recv() == "fragmented"
            await peer.send("end")
            with pytest.raises(websockets.ConnectionClosedError):
                await peer.recv()
            assert (peer.close_code, peer.close_reason) == (4321, "as you like")

    asyncio.run(talk())


@COMPRESSIONS
def test_client_of_aiohttp(compression):
    async def talk():
        async with (
            our_server(compression) as port,
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"http://127.0.0.1:{port}/",
                protocols=SUBPROTOCOLS,
                compress=15 if compression is not None else 0,
            ) as peer,
        ):
            assert peer.protocol == SUBPROTOCOLS[1]
            assert bool(peer.compress) == (compression is not None)
            for message in MESSAGES:
                send = peer.send_str if isinstance(message, str) else peer.send_bytes
                await send(message)
                assert (await peer.receive()).data == message
            await peer.send_str("end")
            assert (await peer.receive()).type is aiohttp.WSMsgType.CLOSE
            assert peer.close_code == 4321

    asyncio.run(talk())


def test_client_on_wsproto():
    async def talk():
        async with our_server(None) as port, asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            peer = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)

            async def receive():
                while (event := next(peer.events(), None)) is None:
                    peer.receive_data(await reader.read(65536) or None)
                return event

            def send(event):
                writer.write(peer.send(event))

            send(Request(host="localhost", target="/"))
            assert isinstance(await receive(), AcceptConnection)
            send(TextMessage("in ", message_finished=False))
            send(Ping(b"between"))
            send(TextMessage("parts"))
            send(BytesMessage(b"bytes"))
            assert (await receive()).payload == b"between"
            assert (await receive()).data == "in parts"
            assert (await receive()).data == b"bytes"
            send(CloseConnection(1001, "leaving"))
            assert (await receive()).code == 1001
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    asyncio.run(talk())


async def check_our_client(url, compression, agreed):
    """Talk to someone's server."""
    connection = await websocket_connect(
        url, compression_options=compression, subprotocols=SUBPROTOCOLS
    )
    extensions = connection.headers.get("Sec-WebSocket-Extensions", "")
    assert ("permessage-deflate" in extensions) == agreed
    assert connection.selected_subprotocol == SUBPROTOCOLS[1]
    for message in MESSAGES:
        await connection.write_message(message, isinstance(message, bytes))
        assert await connection.read_message() == message
    connection.ping(b"are you there?")
    await connection.write_message("end")
    assert await connection.read_message() is None
    assert connection.close_code == 4321


@COMPRESSIONS
def test_server_of_websockets(compression):
    async def serve(peer):
        async for message in peer:
            if message == "end":
                await peer.close(4321, "as you like")
            else:
                await peer.send(message)

    async def talk():
        options = {"compression": "deflate", "subprotocols": SUBPROTOCOLS[1:]}
        async with websockets.asyncio.server.serve(serve, "127.0.0.1", 0, **options) as server:
            port = server.sockets[0].getsockname()[1]
            agreed = compression is not None
            await check_our_client(f"ws://127.0.0.1:{port}/", compression, agreed)

    asyncio.run(talk())


@COMPRESSIONS
def test_server_of_aiohttp(compression):
    async def serve(request):
        peer = aiohttp.web.WebSocketResponse(protocols=SUBPROTOCOLS[1:])
        await peer.prepare(request)
        async for message in peer:
            if message.data == "end":
                await peer.close(code=4321, message=b"as you like")
            elif isinstance(message.data, str):
                await peer.send_str(message.data)
            else:
                await peer.send_bytes(message.data)
        return peer

    async def talk():
        application = aiohttp.web.Application()
        application.router.add_get("/", serve)
        runner = aiohttp.web.AppRunner(application)
        await runner.setup()
        (sock,) = bind_sockets(0, "127.0.0.1")
        await aiohttp.web.SockSite(runner, sock).start()
        try:
            url = f"ws://127.0.0.1:{sock.getsockname()[1]}/"
            await check_our_client(url, compression, compression is not None)
        finally:
            await runner.cleanup()

    asyncio.run(talk())


NODE_CLIENT = """
const WebSocket = require("ws");
const peer = new WebSocket(process.argv[1], ["second.example"], {perMessageDeflate: true});
const sent = ["", "text", "long ".repeat(50000), Buffer.from([0, 255, 128]), Buffer.alloc(70000, 7)];
let next = 0;
peer.on("open", () => { peer.ping("are you there?"); });
peer.on("pong", data => { console.log("pong", data.toString()); peer.send(sent[0]); });
peer.on("message", (data, isBinary) => {
  const expected = sent[next++];
  const same = isBinary ? data.equals(expected) : data.toString() === expected;
  console.log(same && isBinary === (typeof expected !== "string"));
  peer.send(next < sent.length ? sent[next] : "end");
});
peer.on("close", (code, reason) => {
  console.log(code, reason.toString(), peer.protocol, peer.extensions.split(";")[0]);
});
"""

NODE_SERVER = """
const {WebSocketServer} = require("ws");
const server = new WebSocketServer({host: "127.0.0.1", port: 0, perMessageDeflate: true,
  handleProtocols: () => "second.example"}, () => console.log(server.address().port));
server.on("connection", peer => peer.on("message", (data, isBinary) => {
  if (data.toString() === "end") { peer.close(4321, "as you like"); server.close(); }
  else peer.send(data, {binary: isBinary});
}));
"""


async def start_node(script, *arguments):
    """Run a script on Node.js, where Debian puts its modules."""
    assert shutil.which("node"), "Node.js is missing (Debian: node-ws)"
    return await asyncio.create_subprocess_exec(
        "node",
        "-e",
        script,
        *arguments,
        env={**os.environ, "NODE_PATH": "/usr/share/nodejs"},
        stdout=asyncio.subprocess.PIPE,
    )


def test_client_of_node():
    async def talk():
        async with our_server({}) as port, asyncio.timeout(30):
            process = await start_node(NODE_CLIENT, f"ws://127.0.0.1:{port}/")
            output, _ = await process.communicate()
        return output.decode().splitlines()

    expected = ["pong are you there?", *["true"] * 5]
    expected.append("4321 as you like second.example permessage-deflate")
    assert asyncio.run(talk()) == expected


@COMPRESSIONS
def test_server_of_node(compression):
    async def talk():
        process = await start_node(NODE_SERVER)
        async with asyncio.timeout(30):
            port = int(await process.stdout.readline())
            agreed = compression is not None
            await check_our_client(f"ws://127.0.0.1:{port}/", compression, agreed)
            assert await process.wait() == 0

    asyncio.run(talk())
