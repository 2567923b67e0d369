"""WebSocket (RFC 6455).

.. code-block:: python

   from tornado.websocket import WebSocketHandler

   class EchoWebSocket(WebSocketHandler):
       def open(self):
           print("WebSocket opened")

       def on_message(self, message):
           self.write_message("You said: " + message)

       def on_close(self):
           print("WebSocket closed")

A page reaches it with ``new WebSocket("ws://localhost:8888/websocket")``. Pages of other origins
are refused; see `WebSocketHandler.check_origin`. Other programs reach it with `websocket_connect`.
`broadcast` sends one message to many websockets.
"""

from tornado._websocket.base import WebSocketProtocol
from tornado._websocket.broadcast import broadcast
from tornado._websocket.client import WebSocketClientConnection, websocket_connect
from tornado._websocket.errors import WebSocketClosedError, WebSocketError
from tornado._websocket.params import DEFAULT_MAX_MESSAGE_SIZE
from tornado._websocket.protocol import WebSocketProtocol13
from tornado._websocket.server import WebSocketHandler

# Programs that want another default for all of their websockets assign it.
_default_max_message_size = DEFAULT_MAX_MESSAGE_SIZE

__all__ = [
    "WebSocketClientConnection",
    "WebSocketClosedError",
    "WebSocketError",
    "WebSocketHandler",
    "WebSocketProtocol",
    "WebSocketProtocol13",
    "broadcast",
    "websocket_connect",
]
