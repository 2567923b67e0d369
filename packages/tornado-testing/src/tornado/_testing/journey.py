"""The way of one request through redirects, with the cookies that are picked up on it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tornado._httpclient.request import EffectiveRequest
from tornado._simple_client.redirect import REDIRECTS, location_in, redirect_url, redirected
from tornado._simple_client.target import target_of
from tornado._testing.cookies import CookieJar
from tornado.escape import json_encode
from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders

DEFAULT_MAX_REDIRECTS = 5
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class Journey:
    """A request that may be led elsewhere.

    :arg url: where it goes first.
    :arg headers: its header fields.
    :arg cookies: those that the client keeps.
    :arg follows: whether it follows redirects if it doesn't say so itself.
    :arg kwargs: further arguments for it; ``json`` and ``form`` beside those of `HTTPRequest`.

    .. attribute:: request

       The request as it has to be sent next.
    """

    def __init__(
        self,
        url: str,
        headers: HTTPHeaders,
        cookies: CookieJar,
        follows: bool,
        kwargs: dict[str, Any],
    ) -> None:
        self._cookies = cookies
        self._own_cookie = headers.get("Cookie")
        if "json" in kwargs:
            kwargs["body"] = json_encode(kwargs.pop("json"))
            headers.setdefault("Content-Type", "application/json; charset=UTF-8")
        elif "form" in kwargs:
            kwargs["body"] = urlencode(kwargs.pop("form"), doseq=True)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif kwargs.get("method") in _WITH_BODY and "body_producer" not in kwargs:
            kwargs.setdefault("body", b"")
        request = HTTPRequest(url, headers=headers, **kwargs)
        limit = request.max_redirects
        self._left = DEFAULT_MAX_REDIRECTS if limit is None else limit
        if not (follows if request.follow_redirects is None else request.follow_redirects):
            self._left = 0
        # It would do so without the cookies.
        request.follow_redirects = False
        self.request = request
        cookies.add_to(headers, url)

    def goes_on(self, code: int, headers: HTTPHeaders) -> bool:
        """Take a response; whether there has to be another request because of it.

        :arg code: its status code.
        :arg headers: its header fields.
        """
        request = self.request
        self._cookies.take(request.url, headers.get_list("Set-Cookie"))
        if self._left <= 0 or code not in REDIRECTS:
            return False
        location = location_in(headers)
        if not location:
            return False
        self._left -= 1
        url = redirect_url(request.url, location)
        source, target = target_of(request.url), target_of(url)
        following = redirected(EffectiveRequest(request, {}), code, source, target, url).request
        # It's gone where it belongs to another origin.
        if following.headers.pop("Cookie", None) is not None and self._own_cookie is not None:
            following.headers["Cookie"] = self._own_cookie
        self.request = following
        self._cookies.add_to(following.headers, url)
        return True
