"""The limit: an asyncio.Protocol that sends a prepared answer for each head that ends."""

import asyncio
import sys


def answer(content_type, body):
    """Return a response."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


HELLO = answer("text/plain", b"Hello, world")
JSON = answer("application/json", b'{"message": "Hello, world"}')


class Bare(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport):
        """Remember the transport."""
        self.transport = transport

    def data_received(self, data):
        """Answer."""
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(JSON if data.startswith(b"GET /json") else HELLO)


async def main():
    """Serve."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Bare, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


asyncio.run(main())
