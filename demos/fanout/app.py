"""The application, and how it's started."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from redis.exceptions import RedisError

from demos.fanout.hub import Hub
from tornado.httpserver import HTTPServer, serve_until_signal
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


class Socket(WebSocketHandler):
    """A member of a room."""

    room = ""
    # Who doesn't read for too long has to come again.
    slow_reader = "close"

    def initialize(self, hub: Hub) -> None:
        """Keep the hub."""
        self.hub = hub

    def open(self, room: str) -> None:
        """Come in."""
        self.room = room
        self.set_nodelay(True)
        self.hub.join(room, self)

    async def on_message(self, message: str | bytes) -> None:
        """Say something to everybody in the room, wherever they are connected."""
        if isinstance(message, bytes):
            self.close(1003, "text only")
            return
        try:
            await self.hub.publish(self.room, message)
        except RedisError:
            self.close(1013, "try again later")

    def on_close(self) -> None:
        """Go."""
        if self.room:
            self.hub.leave(self.room, self)


class Health(RequestHandler):
    """Whether this process should get visitors; for load balancers."""

    def initialize(self, hub: Hub) -> None:
        """Keep the hub."""
        self.hub = hub

    def get(self) -> None:
        """Answer 200, or 503."""
        if not self.hub.listening.is_set():
            self.set_status(503)
        self.write({"listening": self.hub.listening.is_set()})


def make_application(hub: Hub, **settings: Any) -> Application:
    """Return the application."""
    shared = {"hub": hub}
    return Application(
        [(r"/rooms/([\w-]{1,40})", Socket, shared), (r"/health", Health, shared)],
        websocket_ping_interval=20,
        websocket_max_message_size=4096,
        **settings,
    )


async def serve(port: int, address: str, redis_url: str) -> None:
    """Serve until a signal ends it."""
    hub = Hub(redis_url)
    (sock,) = bind_sockets(port, address)
    server = HTTPServer(make_application(hub), xheaders=True)
    server.add_socket(sock)
    listening = asyncio.create_task(hub.run())
    await hub.listening.wait()
    print(f"A process of the rooms is at http://{address}:{sock.getsockname()[1]}/", flush=True)
    try:
        await serve_until_signal(server)
        # Closing takes no longer than a websocket waits for its peer's part.
        await hub.dismiss()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await hub.close()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="demos.fanout", description=__doc__)
    parser.add_argument("--port", type=int, default=8001, help="0 takes any")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379", help="where Redis is")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.address, options.redis))
