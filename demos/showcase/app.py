"""The showcase: the application, and how it's started and stopped."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from demos.showcase import handlers
from demos.showcase.numbers import Numbers
from demos.showcase.rooms import Rooms
from demos.showcase.store import Message, Store
from tornado.httpserver import HTTPServer
from tornado.web import Application

HERE = Path(__file__).parent
STOP_TIME = 5.0  # seconds that requests under way have when the server stops


class Showcase(Application):
    """The application.

    :arg store: the database, open.
    :arg settings: further settings.
    """

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        self.rooms = Rooms()
        self.numbers = Numbers()
        self.sockets: set[handlers.RoomSocket] = set()
        self.server: HTTPServer | None = None
        self.stopping = False
        room = r"/room/([\w-]{1,40})"
        super().__init__(
            [
                (r"/", handlers.Home),
                (room, handlers.Room),
                (room + "/messages", handlers.RoomMessages),
                (room + "/pictures", handlers.RoomPictures),
                (room + "/socket", handlers.RoomSocket),
                (r"/pictures/([0-9]{1,9})", handlers.Picture),
                (r"/fetch", handlers.Fetch),
                (r"/fetch/results", handlers.FetchResults),
                (r"/slow/([0-9]{1,5})", handlers.Slow),
                (r"/status", handlers.Status),
                (r"/status\.json", handlers.StatusNumbers),
            ],
            template_path=str(HERE / "templates"),
            static_path=str(HERE / "static"),
            cookie_secret=secrets.token_hex(32),
            xsrf_cookies=True,
            websocket_ping_interval=20,
            log_function=self.numbers.count,
            **settings,
        )

    async def say(self, room: str, author: str, text: str, picture: int | None = None) -> Message:
        """Keep a message, and give it to everybody in the room."""
        message = await self.store.add_message(room, author, text, time.time(), picture)
        self.rooms.publish(message)
        return message

    def snapshot(self) -> dict[str, Any]:
        """Return live numbers."""
        return {
            **self.numbers.snapshot(),
            "connections": len(self.server._connections) if self.server else 0,
            "websockets": len(self.sockets),
        }

    def serve(self, port: int, address: str) -> int:
        """Listen, and return the port."""
        self.server = self.listen(port, address, max_body_size=8 * 1024 * 1024)
        bound = next(iter(self.server._sockets.values()))
        number: int = bound.getsockname()[1]
        return number

    async def stop(self) -> None:
        """Take nothing new, let what is under way finish, and close all connections."""
        if self.server is None:
            return
        self.stopping = True
        self.server.stop()
        self.rooms.wake_all()
        for socket in list(self.sockets):
            socket.close(1001, "the server stops")
        deadline = time.monotonic() + STOP_TIME
        while (self.numbers.active or self.sockets) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        await self.server.close_all_connections()


async def run(port: int, address: str, database: str) -> None:
    """Serve until SIGINT or SIGTERM comes."""
    store = Store(database)
    await store.open()
    application = Showcase(store)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    port = application.serve(port, address)
    print(f"The showcase is at http://{address}:{port}/ (Ctrl-C stops it)", flush=True)
    await stop.wait()
    await application.stop()
    await store.close()


def main() -> None:
    """Run the showcase from the command line."""
    parser = argparse.ArgumentParser(prog="demos.showcase", description=__doc__)
    parser.add_argument("--port", type=int, default=8888, help="port, 0 for a free one")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    default = os.path.join(tempfile.gettempdir(), f"tornado-showcase-{os.getuid()}.db")
    parser.add_argument("--database", default=default, help="SQLite file with the messages")
    options = parser.parse_args()
    try:
        asyncio.run(run(options.port, options.address, options.database))
    except OSError as error:
        sys.exit(f"demos.showcase: {error}")
