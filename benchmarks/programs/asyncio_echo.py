"""TCP servers that send back what comes, on asyncio alone.

Arguments: the port, the application (``echo`` is on asyncio's streams, ``push`` a protocol), and
for TLS the files of certificate and key.
"""

import asyncio
import ssl
import sys


async def echo(reader, writer):
    """Serve a connection with streams."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


class Push(asyncio.Protocol):
    """Serve a connection as a protocol."""

    def connection_made(self, transport):
        """Remember the transport."""
        self.data_received = transport.write


async def main():
    """Serve."""
    port, application, *pem = sys.argv[1:]
    context = None
    if pem:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pem)
    options = {"host": "127.0.0.1", "port": int(port), "backlog": 4096, "ssl": context}
    if application == "push":
        server = await asyncio.get_running_loop().create_server(Push, **options)
    else:
        server = await asyncio.start_server(echo, **options)
    await server.serve_forever()


asyncio.run(main())
