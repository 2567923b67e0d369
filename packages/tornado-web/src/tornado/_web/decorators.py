"""Decorators of handlers and their methods."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from tornado._web.errors import HTTPError
from tornado._web.handler import RequestHandler

Handler = TypeVar("Handler", bound=type[RequestHandler])
Method = Callable[..., Any]


def stream_request_body(cls: Handler) -> Handler:
    """Make a handler class take the request's body as it comes.

    `RequestHandler.data_received` is called with each piece, after ``prepare`` and before the method of the request. Limits can be set in
    ``prepare`` with ``self.request.connection.set_max_body_size`` and ``set_body_timeout``.

    :raises TypeError: it's no handler class.

    .. versionadded:: 4.0
    """
    if not (isinstance(cls, type) and issubclass(cls, RequestHandler)):
        raise TypeError(f"expected subclass of RequestHandler, got {cls!r}")
    cls._has_stream_request_body = True
    return cls


def asynchronous(method: Method) -> Method:
    """Keep the request open when the method has returned, until ``finish`` is called (documented API versions 2.x to 5.x)."""

    @functools.wraps(method)
    def wrapper(self: RequestHandler, *args: Any, **kwargs: Any) -> Any:
        self._auto_finish = False
        return method(self, *args, **kwargs)

    return wrapper


def authenticated(method: Method) -> Method:
    """Require a user: without one, GET and HEAD requests are sent to the login URL, others are refused with 403."""

    @functools.wraps(method)
    def wrapper(self: RequestHandler, *args: Any, **kwargs: Any) -> Any:
        if self.current_user:
            return method(self, *args, **kwargs)
        if self.request.method not in ("GET", "HEAD"):
            raise HTTPError(403)
        url = self.get_login_url()
        if "?" not in url:
            # A login page on another host needs to know where to come back to.
            absolute = bool(urlsplit(url).scheme)
            back = self.request.full_url() if absolute else self.request.uri
            url += "?" + urlencode({"next": back})
        self.redirect(url)
        return None

    return wrapper


def addslash(method: Method) -> Method:
    """Redirect requests whose path has no slash at its end to the path with one."""

    @functools.wraps(method)
    def wrapper(self: RequestHandler, *args: Any, **kwargs: Any) -> Any:
        if self.request.path.endswith("/"):
            return method(self, *args, **kwargs)
        _redirect_to_path(self, self.request.path + "/")
        return None

    return wrapper


def removeslash(method: Method) -> Method:
    """Redirect requests whose path has slashes at its end to the path without them."""

    @functools.wraps(method)
    def wrapper(self: RequestHandler, *args: Any, **kwargs: Any) -> Any:
        path = self.request.path
        if not path.endswith("/"):
            return method(self, *args, **kwargs)
        shorter = path.rstrip("/")
        if not shorter:
            # The root has nothing but its slash.
            return method(self, *args, **kwargs)
        _redirect_to_path(self, shorter)
        return None

    return wrapper


def _redirect_to_path(handler: RequestHandler, path: str) -> None:
    if handler.request.method not in ("GET", "HEAD"):
        raise HTTPError(404)
    # Browsers take two slashes, or a slash and a backslash, for the beginning of a host name.
    uri = "/" + path.lstrip("/\\")
    if handler.request.query:
        uri += "?" + handler.request.query
    handler.redirect(uri, permanent=True)
