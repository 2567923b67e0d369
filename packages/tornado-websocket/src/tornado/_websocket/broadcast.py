"""`broadcast`: one message to many connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tornado._websocket.client import WebSocketClientConnection
from tornado._websocket.server import WebSocketHandler
from tornado._websocket.shared import SharedMessage


def broadcast(
    connections: Iterable[WebSocketHandler | WebSocketClientConnection],
    message: str | bytes | dict[str, Any],
    binary: bool = False,
) -> None:
    """Send a message to many websockets.

    The message is put into a frame once, and compressed once for all connections that have agreed
    upon the same. Nothing is waited for. Connections that are closed or closing are passed over.
    One that doesn't read what it was sent before is treated as `WebSocketHandler.slow_reader` says;
    where that is ``wait``, the message is dropped for it.

    .. code-block:: python

       class Room(WebSocketHandler):
           members = set()

           def open(self):
               self.members.add(self)

           def on_message(self, message):
               broadcast(self.members, message)

           def on_close(self):
               self.members.discard(self)

    :arg connections: handlers, or connections of clients.
    :arg message: text, bytes, or a dictionary, which is sent as JSON.
    :arg binary: send it as a binary message.

    .. versionadded:: 6.100
    """
    shared = SharedMessage(message, binary)
    for connection in connections:
        protocol = connection.ws_connection
        if protocol is not None:
            protocol.write_shared(shared)
