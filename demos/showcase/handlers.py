"""Pages and sockets of the showcase."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from demos.showcase.store import Message
from tornado.escape import json_decode, json_encode
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

if TYPE_CHECKING:
    from demos.showcase.app import Showcase

MAX_TEXT = 2000  # characters of a message
MAX_NAME = 40  # characters of a name
MAX_PICTURE = 4 * 1024 * 1024  # bytes
MAX_URLS = 12
POLL_TIME = 25.0  # seconds

# How pictures begin; what a browser would show in another way isn't taken for one.
PICTURE_TYPES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


class Page(RequestHandler):
    """What all pages have in common."""

    application: Showcase

    def set_default_headers(self) -> None:
        """Tell browsers to run nothing but this site's own scripts."""
        self.set_header("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        """Count the request as under way."""
        self.application.numbers.active += 1

    def on_finish(self) -> None:
        """Count the request as done."""
        self.application.numbers.active -= 1

    def on_connection_close(self) -> None:
        """The visitor has gone before the answer was there."""
        self.application.rooms.wake_all()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Show an error in the look of the site."""
        self.render("error.html", code=status_code, reason=self._reason)

    @property
    def author(self) -> str:
        """The visitor's name."""
        return self.get_argument("author", "")[:MAX_NAME] or "somebody"


class Home(Page):
    """The page that explains the site."""

    async def get(self) -> None:
        """Show it."""
        self.render("home.html", rooms=await self.application.store.rooms())


class Room(Page):
    """The page of a chat room."""

    async def get(self, room: str) -> None:
        """Show it with its latest messages."""
        messages = await self.application.store.messages(room)
        self.render("room.html", room=room, messages=messages)


class RoomMessages(Page):
    """Messages of a room for browsers without websockets."""

    async def get(self, room: str) -> None:
        """Return what is new, and wait for it if nothing is."""
        after = int(self.get_argument("after", "0"))
        store = self.application.store
        messages = await store.messages(room, after)
        if not messages and not self.application.stopping:
            await self.application.rooms.wait(room, POLL_TIME)
            messages = await store.messages(room, after)
        self.write({"messages": [message.as_dict() for message in messages]})

    async def post(self, room: str) -> None:
        """Take a message."""
        text = self.get_argument("text", "").strip()
        if not text or len(text) > MAX_TEXT:
            raise HTTPError(400, "a message has 1 to %d characters", MAX_TEXT)
        message = await self.application.say(room, self.author, text)
        self.write(message.as_dict())


class RoomPictures(Page):
    """Pictures for a room."""

    async def post(self, room: str) -> None:
        """Take a picture, and say so in the room."""
        files = self.request.files.get("picture", [])
        if len(files) != 1 or len(files[0].body) > MAX_PICTURE:
            raise HTTPError(400, "one picture of at most %d bytes is needed", MAX_PICTURE)
        content = files[0].body
        media_type = _picture_type(content)
        number = await self.application.store.add_picture(media_type, content)
        message = await self.application.say(
            room, self.author, self.get_argument("text", "")[:MAX_TEXT], picture=number
        )
        self.write(message.as_dict())


class Picture(Page):
    """A picture."""

    async def get(self, number: str) -> None:
        """Return it; it never changes."""
        found = await self.application.store.picture(int(number))
        if found is None:
            raise HTTPError(404)
        media_type, content = found
        self.set_header("Content-Type", media_type)
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.finish(content)


class RoomSocket(WebSocketHandler):
    """A visitor in a room."""

    application: Showcase
    room = ""

    def open(self, room: str) -> None:
        """Join."""
        self.room = room
        self.application.rooms.join(room, self.deliver)
        self.application.sockets.add(self)

    def deliver(self, message: Message) -> None:
        """Pass a message on to the browser."""
        try:
            self.write_message(message.as_dict())
        except WebSocketClosedError:
            self.application.rooms.leave(self.room, self.deliver)

    async def on_message(self, message: str | bytes) -> None:
        """Take a message from the browser."""
        try:
            said = json_decode(message)
            author, text = str(said["author"])[:MAX_NAME], str(said["text"]).strip()[:MAX_TEXT]
        except (ValueError, KeyError, TypeError):
            self.close(1003, "a JSON object with author and text is needed")
            return
        if text:
            await self.application.say(self.room, author or "somebody", text)

    def on_close(self) -> None:
        """Leave."""
        self.application.rooms.leave(self.room, self.deliver)
        self.application.sockets.discard(self)


class Fetch(Page):
    """The page that fetches several addresses at once."""

    def get(self) -> None:
        """Show it, with addresses of this server as a suggestion."""
        base = f"{self.request.protocol}://{self.request.host}"
        suggestions = [f"{base}/slow/{ms}" for ms in (900, 100, 500, 300)] + [f"{base}/status.json"]
        self.render("fetch.html", suggestions=suggestions)


class FetchResults(Page):
    """Results of fetches, one JSON object a line, each as soon as it's there."""

    async def get(self) -> None:
        """Fetch all addresses in parallel."""
        urls = self.get_arguments("url")[:MAX_URLS]
        self.set_header("Content-Type", "application/x-ndjson")
        for done in asyncio.as_completed([self._fetch(url) for url in urls]):
            self.write(json_encode(await done) + "\n")
            await self.flush()

    async def _fetch(self, url: str) -> dict[str, Any]:
        started = time.monotonic()
        result: dict[str, Any] = {"url": url}
        try:
            request = HTTPRequest(url, request_timeout=10, connect_timeout=5)
            response = await AsyncHTTPClient().fetch(request, raise_error=False)
            result.update(code=response.code, size=len(response.body))
            if response.error is not None and response.code == 599:
                result["error"] = str(response.error)
        except (OSError, ValueError) as error:
            result["error"] = str(error)
        except Exception as error:  # whatever a server far away does, its line says so
            result["error"] = f"{type(error).__name__}: {error}"
        result["milliseconds"] = round((time.monotonic() - started) * 1000)
        return result


class Slow(Page):
    """An answer that takes its time."""

    async def get(self, milliseconds: str) -> None:
        """Answer later."""
        await asyncio.sleep(min(int(milliseconds), 5000) / 1000)
        self.write(f"This took {milliseconds} ms.\n")


class Status(Page):
    """The page with live numbers."""

    def get(self) -> None:
        """Show it."""
        self.render("status.html", numbers=self.application.snapshot())


class StatusNumbers(Page):
    """Live numbers as JSON."""

    def get(self) -> None:
        """Return them."""
        self.set_header("Cache-Control", "no-store")
        self.write(self.application.snapshot())


def _picture_type(content: bytes) -> str:
    for beginning, media_type in PICTURE_TYPES.items():
        if content.startswith(beginning):
            return media_type
    raise HTTPError(415, "PNG, JPEG, GIF or WebP is needed")
