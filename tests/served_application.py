"""The application that `test_end_to_end.py` asks; run as a program, it prints its port."""

from __future__ import annotations

import asyncio
import os
import sys

from tornado.iostream import StreamClosedError
from tornado.log import enable_pretty_logging
from tornado.options import options
from tornado.web import Application, RequestHandler

PIECE = b"x" * 65536


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("Hello, world")


class Echo(RequestHandler):
    async def post(self) -> None:
        await asyncio.sleep(0)
        self.write(self.request.body)


class Endless(RequestHandler):
    """Writes as long as the client takes it, and says so."""

    async def get(self) -> None:
        try:
            while True:
                self.write(PIECE)
                await self.flush()
                self.settings["pieces"] += 1
        except StreamClosedError:
            self.settings["left"] += 1


class Status(RequestHandler):
    def get(self) -> None:
        # One of the descriptors is that of the listing itself.
        descriptors = len(os.listdir("/proc/self/fd")) - 1
        counts = {name: self.settings[name] for name in ("pieces", "left")}
        self.write({"descriptors": descriptors, "tasks": len(asyncio.all_tasks()), **counts})


async def main() -> None:
    options.logging = "info"
    enable_pretty_logging()
    handlers = [("/", Hello), ("/echo", Echo), ("/endless", Endless), ("/status", Status)]
    application = Application(handlers, pieces=0, left=0)
    server = application.listen(0, "127.0.0.1", backlog=1024)
    (sock,) = server._sockets.values()
    print(sock.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
