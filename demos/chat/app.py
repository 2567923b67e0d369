"""The chat's application, and how it's started."""

from __future__ import annotations

import argparse
import asyncio
import secrets
from pathlib import Path
from typing import Any

from demos.chat import handlers
from demos.chat.rooms import Rooms
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

HERE = Path(__file__).parent


class Chat(Application):
    """The application.

    :arg settings: further settings.
    """

    def __init__(self, **settings: Any) -> None:
        self.rooms = Rooms()
        room = r"/rooms/([\w-]{1,40})"
        super().__init__(
            [
                (r"/", handlers.Home),
                (r"/login", handlers.Login),
                (r"/logout", handlers.Logout),
                (room, handlers.RoomPage),
                (room + "/messages", handlers.Messages),
                (room + "/socket", handlers.Socket),
            ],
            **{
                "template_path": str(HERE / "templates"),
                "static_path": str(HERE / "static"),
                "login_url": "/login",
                "xsrf_cookies": True,
                # Visitors have to log in again when the server starts anew.
                "cookie_secret": secrets.token_hex(32),
                "websocket_ping_interval": 20,
                "websocket_max_message_size": 4096,
                **settings,
            },
        )


async def serve(port: int, address: str) -> None:
    """Serve until the program is interrupted."""
    (sock,) = bind_sockets(port, address)
    port = sock.getsockname()[1]
    HTTPServer(Chat()).add_socket(sock)
    print(f"The chat is at http://{address}:{port}/ (Ctrl-C stops it)", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Run the chat from the command line."""
    parser = argparse.ArgumentParser(prog="demos.chat", description=__doc__)
    parser.add_argument("--port", type=int, default=8888, help="port, 0 for a free one")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.port, options.address))
    except KeyboardInterrupt:
        print("stopped")
