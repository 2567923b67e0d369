"""A chat server for telnet and nc: each line goes to all others in the same room.

::

    python -m demos.tcp.chat --port 8888
    nc 127.0.0.1 8888

Lines that begin with a slash are commands: ``/nick NAME``, ``/join ROOM``, ``/who``, ``/quit``.

It shows the awaiting interface of `tornado.iostream`: one coroutine for each guest, which reads
lines. Nobody waits for a guest who doesn't read: what is written to a stream stays in its buffer,
whose size is limited, and who lets it fill is put out.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from typing import Any

from demos.tcp.running import serve
from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError
from tornado.tcpserver import TCPServer

LOBBY = "lobby"

# Bytes of the longest line, and of what may wait for a guest who is slow to read.
LONGEST_LINE = 1000
LARGEST_BACKLOG = 256 * 1024
LONGEST_NAME = 30


class Guest:
    """One connection: a name, a room, and a stream.

    :arg stream: the connection.
    :arg name: what the guest is called at first.
    """

    def __init__(self, stream: IOStream, name: str) -> None:
        self.stream = stream
        self.name = name
        self.room = LOBBY

    def tell(self, line: str) -> None:
        """Write a line. A guest who has gone, or doesn't read, is told nothing more."""
        try:
            self.stream.write(line.encode() + b"\r\n")
        except StreamBufferFullError:
            self.stream.close()
        except StreamClosedError:
            pass  # The guest's own coroutine finds that out too, and tidies up.


class ChatServer(TCPServer):
    """Knows who is there, and passes on what they say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rooms: dict[str, set[Guest]] = {}
        self._numbers = itertools.count(1)

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve one guest until the end of the connection."""
        stream.max_write_buffer_size = LARGEST_BACKLOG
        stream.set_nodelay(True)
        guest = Guest(stream, f"guest{next(self._numbers)}")
        self.enter(guest, LOBBY)
        guest.tell(f"* Welcome, {guest.name}. /nick NAME, /join ROOM, /who, /quit")
        try:
            while not stream.closed():
                line = await stream.read_until(b"\n", max_bytes=LONGEST_LINE)
                self.hear(guest, line.decode(errors="replace").strip())
        except StreamClosedError:
            pass  # That's how most guests leave, or the line was too long.
        finally:
            self.leave(guest)
            stream.close()

    def hear(self, guest: Guest, line: str) -> None:
        """Deal with one line of a guest."""
        if not line.startswith("/"):
            if line:
                self.say(guest, f"{guest.name}: {line}")
            return
        command, _, argument = line.partition(" ")
        match command:
            case "/nick" if argument:
                self.rename(guest, argument.strip()[:LONGEST_NAME])
            case "/join" if argument:
                self.leave(guest)
                self.enter(guest, argument.strip()[:LONGEST_NAME])
                guest.tell(f"* You are in {guest.room}")
            case "/who":
                names = sorted(other.name for other in self.rooms[guest.room])
                guest.tell(f"* In {guest.room}: {', '.join(names)}")
            case "/quit":
                guest.tell("* Good bye")
                guest.stream.close()
            case _:
                guest.tell("* That is no command")

    def say(self, speaker: Guest, line: str) -> None:
        """Tell all in a guest's room, the guest too."""
        for guest in tuple(self.rooms[speaker.room]):
            guest.tell(line)

    def rename(self, guest: Guest, name: str) -> None:
        """Give a guest another name, and tell the room."""
        earlier, guest.name = guest.name, name
        self.say(guest, f"* {earlier} is {name} now")

    def enter(self, guest: Guest, room: str) -> None:
        """Put a guest into a room."""
        guest.room = room
        self.rooms.setdefault(room, set()).add(guest)

    def leave(self, guest: Guest) -> None:
        """Take a guest out of the room; one that is empty is gone."""
        room = self.rooms[guest.room]
        room.discard(guest)
        if not room:
            del self.rooms[guest.room]


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description="A chat server.")
    parser.add_argument("--port", type=int, default=8888)
    parser.add_argument("--address", default="127.0.0.1")
    options = parser.parse_args()
    asyncio.run(serve(ChatServer(), options.port, options.address))


if __name__ == "__main__":
    main()
