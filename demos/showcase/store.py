"""Messages and pictures of the chat rooms, in SQLite.

SQLite blocks, so everything runs in one thread of its own, one thing after another.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

HISTORY = 100  # messages that a newcomer sees

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pictures (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, room TEXT NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL,
    picture INTEGER REFERENCES pictures(id), sent REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_of_room ON messages (room, id);
"""


@dataclasses.dataclass(frozen=True)
class Message:
    """A message of a room; ``picture`` is the number of a picture that goes with it."""

    id: int
    room: str
    author: str
    text: str
    picture: int | None
    sent: float

    def as_dict(self) -> dict[str, Any]:
        """Return the message for JSON."""
        return dataclasses.asdict(self)


class Store:
    """The database.

    :arg path: its file, or ``":memory:"``.
    """

    def __init__(self, path: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the database, and make it if it isn't there."""

        def connect() -> None:
            self._connection = sqlite3.connect(self._path)
            self._connection.executescript(_SCHEMA)

        await self._run(connect)

    async def close(self) -> None:
        """Close the database."""
        await self._run(lambda: self._database.close())
        self._executor.shutdown()

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the store is not open")
        return self._connection

    async def _run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def add_message(
        self, room: str, author: str, text: str, sent: float, picture: int | None = None
    ) -> Message:
        """Keep a message, and return it with its number."""

        def insert() -> int:
            with self._database as database:
                cursor = database.execute(
                    "INSERT INTO messages (room, author, text, picture, sent) VALUES (?,?,?,?,?)",
                    (room, author, text, picture, sent),
                )
                return cursor.lastrowid or 0

        return Message(await self._run(insert), room, author, text, picture, sent)

    async def messages(self, room: str, after: int = 0) -> list[Message]:
        """Return the latest messages of a room, oldest first.

        :arg after: only those with a greater number.
        """

        def select() -> list[Message]:
            rows = self._database.execute(
                "SELECT id, room, author, text, picture, sent FROM messages"
                " WHERE room = ? AND id > ? ORDER BY id DESC LIMIT ?",
                (room, after, HISTORY),
            )
            return [Message(*row) for row in rows][::-1]

        return await self._run(select)

    async def rooms(self) -> list[tuple[str, int]]:
        """Return the names of all rooms with their numbers of messages."""

        def select() -> list[tuple[str, int]]:
            return self._database.execute(
                "SELECT room, count(*) FROM messages GROUP BY room ORDER BY max(id) DESC LIMIT 50"
            ).fetchall()

        return await self._run(select)

    async def add_picture(self, media_type: str, content: bytes) -> int:
        """Keep a picture, and return its number."""

        def insert() -> int:
            with self._database as database:
                cursor = database.execute(
                    "INSERT INTO pictures (type, content) VALUES (?, ?)", (media_type, content)
                )
                return cursor.lastrowid or 0

        return await self._run(insert)

    async def picture(self, number: int) -> tuple[str, bytes] | None:
        """Return type and content of a picture."""

        def select() -> tuple[str, bytes] | None:
            row: tuple[str, bytes] | None = self._database.execute(
                "SELECT type, content FROM pictures WHERE id = ?", (number,)
            ).fetchone()
            return row

        return await self._run(select)
