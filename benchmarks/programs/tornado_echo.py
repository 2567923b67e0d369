"""TCP servers that send back what comes, on tornado: for this project and for upstream.

Arguments: the port, the application (``echo`` awaits reads and writes, ``push`` is called with what
comes), and for TLS the files of certificate and key.
"""

import asyncio
import ssl
import sys

from tornado.iostream import StreamClosedError
from tornado.tcpserver import TCPServer


class Echo(TCPServer):
    """Reads and writes are awaited."""

    async def handle_stream(self, stream, address):
        """Serve a connection."""
        stream.set_nodelay(True)
        try:
            while True:
                await stream.write(await stream.read_bytes(1 << 16, partial=True))
        except StreamClosedError:
            return


class Receiver:
    """What one connection sends is sent back."""

    def __init__(self, stream):
        self.data_received = stream.send
        self.eof_received = self.connection_lost = self.ignore
        self.pause_writing = stream.pause_reading
        self.resume_writing = stream.resume_reading

    def ignore(self, *args):
        """Nothing has to be done."""


class Push(TCPServer):
    """The stream calls a receiver."""

    def handle_stream(self, stream, address):
        """Serve a connection."""
        stream.set_nodelay(True)
        stream.start_receiving(Receiver(stream))


async def main():
    """Serve."""
    port, application, *pem = sys.argv[1:]
    options = {}
    if pem:
        options["ssl_options"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        options["ssl_options"].load_cert_chain(*pem)
    {"echo": Echo, "push": Push}[application](**options).listen(
        int(port), "127.0.0.1", backlog=4096
    )
    await asyncio.Event().wait()


asyncio.run(main())
