"""What is said in the rooms, and who is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

HISTORY = 50  # messages of a room that are kept
MAX_ROOMS = 1000

Event = dict[str, Any]
Listener = Callable[[Event], Any]


class Message(NamedTuple):
    """Something that was said.

    :arg number: counts the messages of a room, from 1.
    :arg author: who said it.
    """

    number: int
    author: str
    text: str


class Room:
    """A room."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=HISTORY)
        self._listeners: dict[Listener, str] = {}
        self._count = 0

    @property
    def names(self) -> list[str]:
        """Who is there."""
        return sorted(set(self._listeners.values()))

    @contextmanager
    def joined(self, name: str, listener: Listener) -> Iterator[None]:
        """Be in the room as long as the context lasts.

        :arg name: who comes.
        :arg listener: is called with what happens.
        """
        self._listeners[listener] = name
        self._tell({"type": "names", "names": self.names})
        try:
            yield
        finally:
            del self._listeners[listener]
            self._tell({"type": "names", "names": self.names})

    def say(self, author: str, text: str) -> Message:
        """Say something to everybody in the room."""
        self._count += 1
        message = Message(self._count, author, text)
        self._messages.append(message)
        self._tell({"type": "message", **message._asdict()})
        return message

    def after(self, number: int) -> list[Message]:
        """Return the messages that came after one, of those that are kept."""
        return [message for message in self._messages if message.number > number]

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners):
            listener(event)


class Rooms:
    """The rooms by their names."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def get(self, name: str) -> Room | None:
        """Return a room, which is made if it isn't there; `None` if there are too many."""
        room = self._rooms.get(name)
        if room is None and len(self._rooms) < MAX_ROOMS:
            room = self._rooms[name] = Room()
        return room
