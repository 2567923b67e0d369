"""Handlers for frequent purposes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tornado._web.errors import HTTPError
from tornado._web.handler import RequestHandler
from tornado.httputil import HTTPServerRequest, qs_to_qsl, url_concat

# What browsers drop or turn round before they look at a URL.
_DECEPTIVE = re.compile(r"[\x00-\x20\x7f\\]")


class ErrorHandler(RequestHandler):
    """Answers every request with an error.

    :arg status_code: the status.
    """

    def initialize(self, status_code: int) -> None:  # type: ignore[override]  # routes pass arguments by keyword
        """Take the route's arguments."""
        self.set_status(status_code)

    def prepare(self) -> None:
        """Raise the error."""
        raise HTTPError(self._status_code)

    def check_xsrf_cookie(self) -> None:
        """Check nothing: no request succeeds here."""

    def check_trusted_origin(self, origin: str) -> bool:
        """Accept all: no request succeeds here."""
        return True


class RedirectHandler(RequestHandler):
    """Redirects all GET requests.

    :arg url: where to; ``{0}`` or ``{name}`` stand for groups of the route.
    :arg permanent: 301 instead of 302.
    """

    def initialize(self, url: str, permanent: bool = True) -> None:  # type: ignore[override]  # as above
        """Take the route's arguments."""
        self._url = url
        self._permanent = permanent

    def get(self, *args: Any, **kwargs: Any) -> None:
        """Redirect.

        :raises HTTPError: 400 if what stands for a group would lead to another site.
        """
        url = self._url.format(*args, **kwargs)
        if args or kwargs:
            self._check_target(url)
        if self.request.query_arguments:
            url = url_concat(url, list(qs_to_qsl(self.request.query_arguments)))
        self.redirect(url, permanent=self._permanent)

    def _check_target(self, url: str) -> None:
        """Compare scheme and authority with those that the pattern has by itself."""
        intended = urlsplit(re.sub(r"\{[^{}]*\}", "x", self._url))
        if not intended.scheme and not intended.netloc and not self._url.startswith("{"):
            # A path: what browsers take for the beginning of an authority must not come about.
            if _DECEPTIVE.search(url[:2]) or url.startswith("//"):
                raise HTTPError(400, "invalid redirect target %r", url)
            return
        if self._url.startswith("{"):
            # The route's group is the whole URL: it has to be a path of this site.
            if not url.startswith("/") or url.startswith("//") or _DECEPTIVE.search(url[:2]):
                raise HTTPError(400, "invalid redirect target %r", url)
            return
        actual = urlsplit(url)
        fixed_authority = "{" not in self._authority_part()
        if actual.scheme != intended.scheme or _DECEPTIVE.search(actual.netloc):
            raise HTTPError(400, "invalid redirect target %r", url)
        if fixed_authority and actual.netloc != intended.netloc:
            raise HTTPError(400, "invalid redirect target %r", url)

    def _authority_part(self) -> str:
        _, _, rest = self._url.partition("//")
        return re.split(r"[/?#]", rest, maxsplit=1)[0]


class FallbackHandler(RequestHandler):
    """Hands requests to something else: a WSGI container, or another application.

    :arg fallback: called with the request.
    """

    def initialize(self, fallback: Callable[[HTTPServerRequest], Any]) -> None:  # type: ignore[override]  # as above
        """Take the route's arguments."""
        self.fallback = fallback

    def prepare(self) -> None:
        """Hand the request over."""
        self.fallback(self.request)
        self._finished = True
