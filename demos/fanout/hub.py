"""What connects the processes."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging

import redis.asyncio
from redis.exceptions import RedisError

from tornado.websocket import WebSocketHandler, broadcast

CHANNEL = "fanout:"
PAUSE = 1.0  # seconds before Redis is tried again

log = logging.getLogger(__name__)


class Hub:
    """The rooms of this process, and the way to those of the others.

    :arg url: where Redis is.
    """

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.from_url(url)
        self._members: dict[str, set[WebSocketHandler]] = collections.defaultdict(set)
        self._deserted = asyncio.Event()
        self._deserted.set()
        #: Set while this process hears of what is published.
        self.listening = asyncio.Event()

    def join(self, room: str, member: WebSocketHandler) -> None:
        """Have a websocket get what is said in a room."""
        self._members[room].add(member)
        self._deserted.clear()

    def leave(self, room: str, member: WebSocketHandler) -> None:
        """Take a websocket out of a room."""
        members = self._members[room]
        members.discard(member)
        if not members:
            del self._members[room]
        if not self._members:
            self._deserted.set()

    async def dismiss(self) -> None:
        """Send everybody away; they come again to another process."""
        for members in list(self._members.values()):
            for member in list(members):
                member.close(1001, "this process ends")
        await self._deserted.wait()

    async def publish(self, room: str, message: str) -> None:
        """Send a message to a room, in all processes.

        :raises RedisError: Redis can't be reached.
        """
        await self._redis.publish(CHANNEL + room, message)

    async def run(self) -> None:
        """Pass on what is published, until it's cancelled; a Redis that goes away is waited for."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                log.warning("Redis: %s", error)
            self.listening.clear()
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=False) as subscription:
            await subscription.psubscribe(CHANNEL + "*")
            async for event in subscription.listen():
                if event["type"] == "psubscribe":
                    self.listening.set()
                elif event["type"] == "pmessage":
                    room = event["channel"].decode().removeprefix(CHANNEL)
                    # One frame for all, and nobody waits for the slow.
                    broadcast(self._members.get(room, ()), event["data"].decode())

    async def close(self) -> None:
        """Give the connections back."""
        with contextlib.suppress(RedisError):
            await self._redis.aclose()
