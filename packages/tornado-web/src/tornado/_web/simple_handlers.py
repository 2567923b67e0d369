"""Handlers that routes can use as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado._late import late_regex
from tornado._web.errors import HTTPError
from tornado._web.handler import RequestHandler
from tornado._web.urls import origin_of
from tornado.httputil import HTTPServerRequest, qs_to_qsl, url_concat

_CONTROL = late_regex(r"[\x00-\x1f\x7f]")


class ErrorHandler(RequestHandler):
    """Answers every request with an error.

    :arg status_code: the status.
    """

    def initialize(self, status_code: int) -> None:
        """Take the route's arguments."""
        self.set_status(status_code)

    def prepare(self) -> None:
        """Answer.

        :raises HTTPError: always.
        """
        raise HTTPError(self._status_code)

    def check_xsrf_cookie(self) -> None:
        """Check nothing: there is nothing to be gained by a request."""

    def check_trusted_origin(self, origin: str) -> bool:
        """Accept all origins: there is nothing to be gained by a request."""
        return True


class RedirectHandler(RequestHandler):
    """Redirects GET requests to another URL; the arguments of their query come along.

    .. code-block:: python

       application = Application([
           (r"/old", RedirectHandler, {"url": "/new"}),
           (r"/(.*?)/(.*?)/feed", RedirectHandler, {"url": "https://feeds.example.com/{1}/{0}"}),
       ])

    :arg url: the URL, in which groups of the route are filled in by `str.format`.
    :arg permanent: answer 301, otherwise 302.

    .. versionchanged:: 4.5
       Fills in groups.
    .. versionchanged:: 6.6
       What is filled in cannot change scheme and host.
    """

    def initialize(self, url: str, permanent: bool = True) -> None:
        """Take the route's arguments."""
        self._url = url
        self._permanent = permanent

    def get(self, *args: Any, **kwargs: Any) -> None:
        """Redirect.

        :arg args: unnamed groups of the route.
        :arg kwargs: named groups of the route.
        :raises HTTPError: 400, the groups would lead to another site, or cannot stand in a URL.
        """
        target = self._url.format(*args, **kwargs)
        if args or kwargs:
            self._require_same_site(target, args, kwargs)
        arguments = self.request.query_arguments
        if arguments:
            target = url_concat(target, list(qs_to_qsl(arguments)))
        self.redirect(target, permanent=self._permanent)

    def _require_same_site(
        self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if _CONTROL.search(target) is not None:
            raise HTTPError(400, "redirect to %r: not a URL", target[:200])
        # The same URL with harmless text filled in shows which site is meant; with two different
        # texts, that they do not name it.
        meant = {origin_of(self._filled_with(text, args, kwargs)) for text in ("x", "y")}
        if meant != {origin_of(target)}:
            raise HTTPError(400, "redirect to %r: another site than in %r", target[:200], self._url)

    def _filled_with(self, text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Fill text of the same length as the groups have into the URL."""
        return self._url.format(
            *[_imitate(arg, text) for arg in args],
            **{name: _imitate(arg, text) for name, arg in kwargs.items()},
        )


def _imitate(value: Any, text: str) -> Any:
    if not isinstance(value, str):
        return value
    # A host that stands before it in the URL ends here, whatever follows (RFC 3986 section 3.2).
    start = value[:1] if value[:1] in ("/", "?", "#") else ""
    return start + text * (len(value) - 1) if start else text * max(len(value), 1)


class FallbackHandler(RequestHandler):
    """Hands requests to something that is no handler, such as a WSGI container.

    .. code-block:: python

       application = Application([
           (r"/native", MainHandler),
           (r".*", FallbackHandler, {"fallback": WSGIContainer(wsgi_app)}),
       ])

    :arg fallback: called with the request; it answers through ``request.connection``.
    """

    def initialize(self, fallback: Callable[[HTTPServerRequest], Any]) -> None:
        """Take the route's arguments."""
        self.fallback = fallback

    def prepare(self) -> None:
        """Hand the request over."""
        self.fallback(self.request)
        self._finished = True
        self.on_finish()
