"""Websockets that a test has opened, and that are closed when it's over."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from tornado._testing.timeouts import GRACE
from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders


class Websockets:
    """Opens websockets, and closes them.

    :raises ModuleNotFoundError: the distribution tornado-websocket isn't there.
    """

    def __init__(self) -> None:
        # The distribution does without it unless this is used.
        self._connect = importlib.import_module("tornado.websocket").websocket_connect
        self._opened: list[tuple[Any, asyncio.Event | None]] = []

    async def open(
        self,
        url: str | HTTPRequest,
        *args: Any,
        headers: dict[str, str] | HTTPHeaders | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open a websocket.

        :arg url: a URL or a request; the other arguments too are those of
            `tornado.websocket.websocket_connect`.
        :arg headers: for the request, if it's a URL.
        """
        if headers is not None:
            url = HTTPRequest(str(url), headers=headers)
        ended: asyncio.Event | None = None
        callback = kwargs.get("on_message_callback")
        if callback is not None:
            ended = asyncio.Event()
            kwargs["on_message_callback"] = _noting_the_end(callback, ended)
        connection = await self._connect(url, *args, **kwargs)
        self._opened.append((connection, ended))
        return connection

    async def close(self) -> None:
        """Close what was opened, and give the servers a moment to agree."""
        opened, self._opened = self._opened, []
        for connection, _ in opened:
            connection.close()
        try:
            async with asyncio.timeout(GRACE):
                for connection, ended in opened:
                    await _end_of(connection, ended)
        except TimeoutError:
            for connection, _ in opened:
                connection.stream.close()


async def _end_of(connection: Any, ended: asyncio.Event | None) -> None:
    if ended is not None:
        await ended.wait()
        return
    while await connection.read_message() is not None:
        pass  # A message that the test wasn't interested in.


def _noting_the_end(callback: Callable[[Any], Any], ended: asyncio.Event) -> Callable[[Any], Any]:
    def pass_on(message: Any) -> Any:
        if message is None:
            ended.set()
        return callback(message)

    return pass_on
