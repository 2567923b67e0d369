"""A port forwarder: what comes at one port goes to another one, and back.

::

    python -m demos.tcp.forward --port 8000 localhost:8888

It shows the pushing interface of `tornado.iostream`: no coroutine runs while bytes pass, and little
is kept for a side that is slow to read, as the other side isn't read meanwhile. An end of one
direction is passed on too; the other direction may go on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import socket
from typing import Any

from demos.tcp.running import serve
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpclient import TCPClient
from tornado.tcpserver import TCPServer

CONNECT_TIMEOUT = 10.0  # seconds


class Pump:
    """Takes what comes from one stream, and sends it to another one.

    It is the receiver of ``source``, and so is its twin of ``target``.

    :arg source: where the bytes come from.
    :arg target: where they go.
    """

    twin: Pump

    def __init__(self, source: IOStream, target: IOStream) -> None:
        self.source = source
        self.target = target
        self.ended = False

    def data_received(self, data: bytes) -> None:
        """Send what has come."""
        try:
            self.target.send(data)
        except StreamClosedError:
            self.source.close()

    def eof_received(self) -> bool:
        """Pass on that nothing more comes, once all that came has been sent."""
        self.ended = True
        if self.twin.ended:
            return False
        if not self.target.writing():
            self.end_target()
        else:
            self.target.write(b"").add_done_callback(lambda _: self.end_target())
        return True

    def end_target(self) -> None:
        """Tell the target's peer that nothing more comes."""
        if not self.target.closed():
            # It may have broken off a moment ago, of which the stream will learn next.
            with contextlib.suppress(OSError):
                self.target.socket.shutdown(socket.SHUT_WR)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Close the other side, after what it still has to be sent."""
        # Nothing is called after this; without each other, both are freed at once.
        del self.twin
        if self.target.closed():
            return
        if exc is not None or not self.target.writing():
            self.target.close()
        else:
            self.target.write(b"").add_done_callback(lambda _: self.target.close())

    def pause_writing(self) -> None:
        """The source's peer is slow to read: take nothing more from the target."""
        self.target.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.target.resume_reading()


class Forwarder(TCPServer):
    """Connects each client to one place.

    :arg host: name or address of the place.
    :arg port: its port.
    """

    def __init__(self, host: str, port: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host = host
        self.port = port
        self.client = TCPClient()

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Connect one client; afterwards, nothing runs for it but what its bytes bring about."""
        try:
            far = await self.client.connect(self.host, self.port, timeout=CONNECT_TIMEOUT)
        except OSError as error:
            # A timeout is an OSError too.
            logging.warning("Nobody answers at %s port %s: %s", self.host, self.port, error)
            stream.close()
            return
        there, back = Pump(stream, far), Pump(far, stream)
        there.twin, back.twin = back, there
        stream.start_receiving(there)
        far.start_receiving(back)


def main() -> None:
    """Run the forwarder."""
    parser = argparse.ArgumentParser(description="A port forwarder.")
    parser.add_argument("target", help="HOST:PORT")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--address", default="127.0.0.1")
    options = parser.parse_args()
    host, _, port = options.target.rpartition(":")
    asyncio.run(serve(Forwarder(host, int(port)), options.port, options.address))


if __name__ == "__main__":
    main()
