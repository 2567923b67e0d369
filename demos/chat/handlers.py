"""Pages, interface and websockets of the chat."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from demos.chat.rooms import Event, Room
from tornado.escape import json_decode
from tornado.web import HTTPError, RequestHandler, authenticated
from tornado.websocket import WebSocketClosedError, WebSocketHandler

if TYPE_CHECKING:
    from demos.chat.app import Chat

MAX_NAME = 20  # characters
MAX_TEXT = 500  # characters


class ChatHandler(RequestHandler):
    """What all handlers have in common."""

    application: Chat

    def get_current_user(self) -> str | None:
        """Return the visitor's name."""
        name = self.get_signed_cookie("name")
        return None if name is None else name.decode()

    def room(self, name: str) -> Room:
        """Return a room."""
        room = self.application.rooms.get(name)
        if room is None:
            raise HTTPError(503, reason="Too many rooms")
        return room


class Login(ChatHandler):
    """Asks for a name."""

    def get(self) -> None:
        """Show the form."""
        self.render("login.html", next=self.get_query_argument("next", "/"))

    def post(self) -> None:
        """Take the name."""
        name = self.get_body_argument("name").strip()
        if not 0 < len(name) <= MAX_NAME:
            raise HTTPError(400, reason=f"A name has 1 to {MAX_NAME} characters")
        self.set_signed_cookie("name", name, httponly=True, samesite="lax")
        target = self.get_body_argument("next", "/")
        # Other sites have no business here, and "//" begins the name of one. Browsers read
        # backslashes as slashes, and leave tabs out.
        seen = target.replace("\\", "/").replace("\t", "")
        local = seen.startswith("/") and not seen.startswith("//")
        self.redirect(seen if local else "/")


class Logout(ChatHandler):
    """Forgets the name."""

    def post(self) -> None:
        """Forget it."""
        self.clear_cookie("name")
        self.redirect("/login")


class Home(ChatHandler):
    """Leads to a room."""

    @authenticated
    def get(self) -> None:
        """Go there."""
        self.redirect("/rooms/lobby")


class RoomPage(ChatHandler):
    """The page of a room."""

    @authenticated
    def get(self, name: str) -> None:
        """Show it."""
        self.render("room.html", room=name, name=self.current_user)


class Messages(ChatHandler):
    """The messages of a room, for programs."""

    def check_xsrf_cookie(self) -> None:
        """Do nothing: pages of other sites can't send JSON here unasked."""

    def get(self, name: str) -> None:
        """Answer with those after number ``after``."""
        try:
            after = int(self.get_query_argument("after", "0"))
        except ValueError:
            raise HTTPError(400, reason="after is a number") from None
        messages = self.room(name).after(after)
        self.write({"messages": [message._asdict() for message in messages]})

    @authenticated
    def post(self, name: str) -> None:
        """Say something."""
        if self.request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            raise HTTPError(415)
        message = self.room(name).say(self.current_user, _text_of(self.request.body))
        self.set_status(201)
        self.write(message._asdict())


class Socket(ChatHandler, WebSocketHandler):
    """A visitor in a room."""

    def prepare(self) -> None:
        """Let nobody in without a name."""
        if self.current_user is None:
            raise HTTPError(403)

    def open(self, name: str) -> None:
        """Tell what was said before, and stay."""
        self.stay = ExitStack()
        self.here = room = self.room(name)
        for message in room.after(0):
            self.tell({"type": "message", **message._asdict()})
        self.stay.enter_context(room.joined(self.current_user, self.tell))

    def on_message(self, message: str | bytes) -> None:
        """Say something."""
        try:
            self.here.say(self.current_user, _text_of(message))
        except HTTPError as error:
            self.tell({"type": "error", "reason": error.reason})

    def on_close(self) -> None:
        """Leave."""
        self.stay.close()

    def tell(self, event: Event) -> None:
        """Send an event to the visitor."""
        try:
            self.write_message(event)
        except WebSocketClosedError:
            pass  # On the way out; `on_close` is still to come.


def _text_of(data: str | bytes) -> str:
    try:
        value: Any = json_decode(data)
        text = value["text"].strip()
    except (ValueError, TypeError, KeyError, AttributeError):
        raise HTTPError(400, reason="A message is an object with a text") from None
    if not 0 < len(text) <= MAX_TEXT:
        raise HTTPError(400, reason=f"A text has 1 to {MAX_TEXT} characters")
    return str(text)
