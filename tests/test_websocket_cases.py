"""Server and client of tornado.websocket, case by case of the Autobahn test suite."""

from __future__ import annotations

import asyncio

import pytest
from websocket_cases import CASES, CLEAN, CLOSE, ECHOED, Case, closing
from websocket_peer import PATIENCE, Peer, accept, as_client

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

LIMIT = 1 << 23  # bytes of a message


class Echo(WebSocketHandler):
    """Sends back what comes."""

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))

    def get_compression_options(self):
        return {}


async def go_through(peer: Peer, case: Case) -> None:
    """Do what the case says and compare what comes back."""
    sending = asyncio.ensure_future(peer.send(case.sent, case.chop))
    try:
        for expected in case.replies:
            assert await peer.receive() == expected
        if case.end is CLEAN:
            await sending
            await peer.send([closing(1000)], None)
        last = await peer.receive()
        assert last is not None, "the connection ends without a closing frame"
        assert last.opcode == CLOSE
        if case.end is ECHOED:
            (sent,) = {step for step in case.sent if step.opcode == CLOSE}
            assert last.payload[:2] == sent.payload[:2]
        else:
            assert int.from_bytes(last.payload[:2], "big") in case.end
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def check_the_server(case: Case) -> None:
    """The peer is the client."""
    server = HTTPServer(Application([("/", Echo)], websocket_max_message_size=LIMIT))
    (sock,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([sock])
    try:
        async with as_client(sock.getsockname()[1], case.offer) as peer:
            await go_through(peer, case)
            # RFC 6455 section 7.1.1: it's the server that closes the connection.
            assert await peer.receive() is None
    finally:
        server.stop()
        await server.close_all_connections()


async def check_the_client(case: Case) -> None:
    """The peer is the server."""
    outcome = asyncio.get_running_loop().create_future()

    async def serve(reader, writer):
        try:
            peer = await accept(reader, writer, _answer(case))
            await go_through(peer, case)
            await peer.close()
            outcome.set_result(None)
        except BaseException as error:
            outcome.set_exception(error)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
    async with server:
        port = server.sockets[0].getsockname()[1]
        closed = asyncio.Event()

        def echo(message):
            if message is None:
                closed.set()
            else:
                connection.write_message(message, isinstance(message, bytes))

        connection = await websocket_connect(
            f"ws://127.0.0.1:{port}/",
            on_message_callback=echo,
            compression_options={} if case.offer else None,
            max_message_size=LIMIT,
        )
        async with asyncio.timeout(PATIENCE):
            await outcome
            await closed.wait()


def _answer(case: Case) -> str | None:
    """What a server answers that grants what the case is about."""
    if case.offer is None:
        return None
    return case.offer.partition(",")[0].replace("client_max_window_bits;", "")


@pytest.mark.parametrize("role", [check_the_server, check_the_client])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_case(role, case):
    asyncio.run(role(case))
