"""The access log of an application with websockets: HTTP ends at the handshake, the id stays."""

from __future__ import annotations

import asyncio
import logging
import socket

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import AccessLog, Application
from tornado.websocket import WebSocketHandler, websocket_connect

LIMIT = 10  # seconds after which a test has failed


def test_messages_of_a_websocket_have_the_id_of_its_request(caplog):
    caplog.set_level(logging.INFO)

    class Echo(WebSocketHandler):
        def on_message(self, message):
            self.write_message(f"{message} {AccessLog.current_id()}")

    async def main():
        log = AccessLog(start_level=logging.INFO)
        app = Application([("/", Echo)], around_request=[log], log_function=log)
        sockets = bind_sockets(0, "127.0.0.1", socket.AF_INET)
        server = HTTPServer(app)
        server.add_sockets(sockets)
        url = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/"
        async with asyncio.timeout(LIMIT):
            conn = await websocket_connect(url)
            await conn.write_message("a")
            answer = await conn.read_message()
            conn.close()
            assert await conn.read_message() is None
            await server.drain()
        return answer

    word, request_id = asyncio.run(main()).split()
    assert word == "a"
    events = [record.access_event for record in caplog.records if hasattr(record, "access_event")]
    assert [(event.event, event.status, event.complete) for event in events] == [
        ("start", None, None),
        ("end", 101, True),
    ]
    assert {event.request_id for event in events} == {request_id}
