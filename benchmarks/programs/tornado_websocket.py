"""Websocket servers on tornado: the same program for this project and for upstream.

Arguments: the port, and the application (``echo`` answers, ``all`` sends to everyone).
"""

import asyncio
import logging
import sys

from tornado import websocket
from tornado.httpserver import HTTPServer
from tornado.web import Application

EVERYONE = set()


class Echo(websocket.WebSocketHandler):
    """Sends messages back."""

    def on_message(self, message):
        """Answer."""
        self.write_message(message, isinstance(message, bytes))


class All(websocket.WebSocketHandler):
    """Sends messages to everyone."""

    def open(self):
        """Come in."""
        EVERYONE.add(self)

    def on_close(self):
        """Go."""
        EVERYONE.discard(self)

    def on_message(self, message):
        """Pass a message on."""
        if hasattr(websocket, "broadcast"):
            websocket.broadcast(EVERYONE, message, binary=True)
        else:
            for handler in EVERYONE:
                handler.write_message(message, binary=True)


async def main():
    """Serve."""
    port, application = sys.argv[1:]
    # Connections that end without a closing handshake are no errors here.
    logging.disable()
    routes = [("/ws", {"echo": Echo, "web": Echo, "all": All}[application])]
    HTTPServer(Application(routes)).listen(int(port), "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
