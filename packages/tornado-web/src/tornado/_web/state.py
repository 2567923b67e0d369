"""What a request handler knows; the bases that give it methods, one theme each, stand on this one.

Bases and not separate objects, because all of these methods are public, may be overridden one by
one, and call each other through ``self``. What has a state of its own is an object that the handler
has, made when it is first needed: the cookies to set, the XSRF token, the UI modules of a page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest

if TYPE_CHECKING:
    from tornado._web.application import Application
    from tornado._web.around import Surrounded
    from tornado._web.set_cookies import SetCookies
    from tornado._web.transforms import OutputTransform
    from tornado._web.ui import PageParts
    from tornado._web.xsrf import TokenPair


class HandlerState:
    """The attributes of a handler. Defaults of what is rare stand here, so that a request pays for
    what it uses.
    """

    # Request.
    application: Application
    request: HTTPServerRequest
    path_args: list[Any]
    path_kwargs: dict[str, Any]
    _current_user: Any  # absent until asked for
    _locale: Any  # absent until asked for
    _tokens: TokenPair | None = None
    _xsrf_token: bytes | None = None
    _body_arrived: asyncio.Future[bool] | None  # false where the client left before
    _prepared: asyncio.Future[None] | None = None
    _client_gone = False
    _request_task: asyncio.Task[None] | None = None  # what runs the handler, once it had to wait
    _surrounded: Surrounded | None = None  # present while the request is between hooks

    # Response.
    _status_code = 200
    _reason = "OK"
    _headers: HTTPHeaders
    _lasting_headers: Mapping[str, str] | None = None  # set again when an error page replaces all
    _set_cookies: SetCookies | None
    _write_buffer: list[bytes]
    _transforms: Sequence[OutputTransform] = ()
    _parts: PageParts | None = None
    _headers_written: bool
    _auto_finish: bool
    _finished: bool

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the application; the same dictionary as `Application.settings`."""
        return self.application.settings

    def require_setting(self, name: str, feature: str = "this feature") -> None:
        """Make sure that the application has a setting.

        :arg name: name of the setting.
        :arg feature: what needs it, for the message.
        :raises Exception: the setting is missing or empty.
        """
        if not self.application.settings.get(name):
            raise Exception(f"{feature} needs the application setting {name!r}")
