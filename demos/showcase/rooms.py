"""Who is in which room, by websocket or by long polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from demos.showcase.store import Message

Listener = Callable[[Message], None]


class Rooms:
    """Listeners of rooms."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self._polls: dict[str, set[asyncio.Future[None]]] = {}

    def join(self, room: str, listener: Listener) -> None:
        """Call ``listener`` with each message of a room from now on."""
        self._listeners.setdefault(room, set()).add(listener)

    def leave(self, room: str, listener: Listener) -> None:
        """End `join`."""
        listeners = self._listeners.get(room, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(room, None)

    def publish(self, message: Message) -> None:
        """Give a message to everybody in its room."""
        for listener in list(self._listeners.get(message.room, ())):
            listener(message)
        for poll in self._polls.pop(message.room, ()):
            if not poll.done():
                poll.set_result(None)

    async def wait(self, room: str, timeout: float) -> None:
        """Wait until there is something new in a room, ``timeout`` seconds at most."""
        poll: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._polls.setdefault(room, set()).add(poll)
        try:
            await asyncio.wait([poll], timeout=timeout)
        finally:
            self._polls.get(room, set()).discard(poll)

    def wake_all(self) -> None:
        """End all waiting."""
        for polls in self._polls.values():
            for poll in polls:
                if not poll.done():
                    poll.set_result(None)

    @property
    def listening(self) -> int:
        """How many websockets are in rooms."""
        return sum(map(len, self._listeners.values()))
