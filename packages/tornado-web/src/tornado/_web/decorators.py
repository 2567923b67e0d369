"""Decorators for handlers and their methods."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from tornado._web.errors import HTTPError
from tornado._web.handler import RequestHandler
from tornado._web.urls import local_path
from tornado.stack_context import ExceptionStackContext

Method = Callable[..., Awaitable[None] | None]
HandlerClass = TypeVar("HandlerClass", bound=type[RequestHandler])


def asynchronous(method: Callable[..., Any]) -> Callable[..., Any]:
    """Leave the response open when a method returns: it ends with a call of ``finish()``, from a
    callback for example.

    .. code-block:: python

       class Proxy(RequestHandler):
           @asynchronous
           def get(self):
               AsyncHTTPClient().fetch("http://example.com/", self.on_response)

           def on_response(self, response):
               self.finish(response.body)

    An exception in a callback that was started by the method ends the request with an error.
    Coroutines do not need the decorator.

    :arg method: the method.
    """

    @functools.wraps(method)
    def left_open(self: RequestHandler, *args: Any, **kwargs: Any) -> Any:
        self._auto_finish = False
        with ExceptionStackContext(self._watch_callback):
            return method(self, *args, **kwargs)
        return None  # the exception was dealt with

    return left_open


def authenticated(method: Method) -> Method:
    """Let only users who are logged in call a method.

    Others are sent to the `RequestHandler.get_login_url`, with the present URL as argument
    ``next``; if they did not come by GET or HEAD, the answer is 403. The login page must not follow
    ``next`` to another site.

    :arg method: the method.
    """

    @functools.wraps(method)
    def for_users(self: RequestHandler, *args: Any, **kwargs: Any) -> Awaitable[None] | None:
        if self.current_user:
            return method(self, *args, **kwargs)
        if self.request.method not in ("GET", "HEAD"):
            raise HTTPError(403)
        self.redirect(_with_next(self, self.get_login_url()))
        return None

    return for_users


def _with_next(handler: RequestHandler, login_url: str) -> str:
    if "?" in login_url:
        return login_url
    # A login page on another site needs to know which site to come back to.
    elsewhere = urlsplit(login_url).scheme
    here = handler.request.full_url() if elsewhere else str(handler.request.uri)
    return login_url + "?" + urlencode({"next": here})


def addslash(method: Method) -> Method:
    """Redirect requests whose path does not end in a slash to the path that does.

    The route has to match both: ``r"/foo/?"``.

    :arg method: the method.
    """

    @functools.wraps(method)
    def with_slash(self: RequestHandler, *args: Any, **kwargs: Any) -> Awaitable[None] | None:
        path = self.request.path
        if path.endswith("/"):
            return method(self, *args, **kwargs)
        _move(self, path + "/")
        return None

    return with_slash


def removeslash(method: Method) -> Method:
    """Redirect requests whose path ends in slashes to the path without them.

    The route has to match both: ``r"/foo/*"``. The path ``/`` stays as it is.

    :arg method: the method.
    """

    @functools.wraps(method)
    def without_slash(self: RequestHandler, *args: Any, **kwargs: Any) -> Awaitable[None] | None:
        path = self.request.path
        shorter = path.rstrip("/")
        if shorter in (path, ""):
            return method(self, *args, **kwargs)
        _move(self, shorter)
        return None

    return without_slash


def _move(handler: RequestHandler, path: str) -> None:
    """Redirect to another path of this site, with the same query."""
    if handler.request.method not in ("GET", "HEAD"):
        raise HTTPError(404)
    # RFC 3986 section 4.2: what begins with two slashes is another host.
    target = local_path(path)
    if handler.request.query:
        target += "?" + handler.request.query
    handler.redirect(target, permanent=True)


def stream_request_body(cls: HandlerClass) -> HandlerClass:
    """Make a handler class get the body of requests piece by piece, in
    `RequestHandler.data_received`.

    ``prepare`` runs when the headers are there, the method when the whole body has come. Nothing is
    kept: ``request.body`` stays empty, and there are no arguments of forms. A body that takes long
    or is large needs ``self.request.connection.set_max_body_size`` and ``set_body_timeout`` in
    ``prepare``.

    :arg cls: the class.
    :raises TypeError: it is no subclass of `RequestHandler`.

    .. versionadded:: 4.0
    """
    if not (isinstance(cls, type) and issubclass(cls, RequestHandler)):
        raise TypeError(f"only handler classes can stream the body of requests, not {cls!r}")
    cls._streams_body = True
    return cls


def _has_stream_request_body(cls: type[RequestHandler]) -> bool:
    """Tell whether a class was decorated with `stream_request_body`, or a base of it."""
    if not (isinstance(cls, type) and issubclass(cls, RequestHandler)):
        raise TypeError(f"{cls!r} is no handler class")
    return cls._streams_body
