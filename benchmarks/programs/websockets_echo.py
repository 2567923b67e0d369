"""A websocket server that sends messages back, on websockets. Argument: the port."""

import asyncio
import logging
import sys

from websockets.asyncio.server import serve


async def echo(connection):
    """Serve a connection."""
    async for message in connection:
        await connection.send(message)


async def main():
    """Serve."""
    # Connections that end without a closing handshake are no errors here.
    logging.disable()
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), compression=None) as server:
        await server.serve_forever()


asyncio.run(main())
