"""A websocket server that sends messages back, on aiohttp. Argument: the port."""

import logging
import sys

from aiohttp import WSMsgType, web


async def echo(request):
    """Serve a connection."""
    connection = web.WebSocketResponse(compress=False)
    await connection.prepare(request)
    async for message in connection:
        if message.type == WSMsgType.BINARY:
            await connection.send_bytes(message.data)
        elif message.type == WSMsgType.TEXT:
            await connection.send_str(message.data)
    return connection


# Connections that end without a closing handshake are no errors here.
logging.disable()
app = web.Application()
app.router.add_get("/ws", echo)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
