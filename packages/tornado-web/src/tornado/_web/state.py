"""What a handler knows of its request and response; the methods of handlers are in classes built on this one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest

if TYPE_CHECKING:
    from tornado._web.application import Application
    from tornado._web.transforms import OutputTransform


class HandlerState:
    """Attributes of handlers. Most have defaults in the class, so that a request costs only what it changes."""

    # Request.
    application: Application
    request: HTTPServerRequest
    path_args: Sequence[str] = ()
    path_kwargs: dict[str, str] = {}  # noqa: RUF012  # replaced, never changed
    _current_user: Any = None
    _prepared_future: asyncio.Future[None] | None = None

    # Response.
    _headers: HTTPHeaders
    _status_code = 200
    _reason = "OK"
    _write_buffer: list[bytes]
    _transforms: Sequence[OutputTransform] = ()
    _headers_written = False
    _finished = False
    _auto_finish = True

    def __init__(self) -> None:
        self._write_buffer = []

    @property
    def settings(self) -> dict[str, Any]:
        """The application's settings."""
        return self.application.settings

    def require_setting(self, name: str, feature: str = "this feature") -> None:
        """Raise an error that names ``feature`` if the application has no setting ``name``.

        :raises Exception: it has none.
        """
        if not self.settings.get(name):
            raise Exception(f"You must define the {name!r} setting in your application to use {feature}")
