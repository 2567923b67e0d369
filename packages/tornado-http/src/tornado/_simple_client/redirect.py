"""Where a response sends its client, and what of the request goes there (RFC 9110 section 15.4)."""

from __future__ import annotations

import copy
from urllib.parse import quote, urldefrag, urljoin

from tornado._httpclient.request import EffectiveRequest
from tornado._simple_client.target import Target, target_of
from tornado.httputil import HTTPHeaders, HTTPInputError

REDIRECTS = frozenset((301, 302, 303, 307, 308))

# RFC 9110 section 15.4: fields that describe a body go with it.
_OF_BODIES = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Type",
    "Digest",
    "Expect",
    "Last-Modified",
    "Transfer-Encoding",
)
_OF_CREDENTIALS = ("Authorization", "Cookie", "Cookie2", "Proxy-Authorization")
# What a client's defaults hold for the origin that was asked for, and for no other.
_FOR_ONE_ORIGIN = frozenset(("auth_username", "auth_password", "unix_socket"))


def location_in(headers: HTTPHeaders) -> str | None:
    """Return the value of ``Location``, `None` if there is no such field.

    :raises HTTPInputError: there are several that differ.
    """
    locations = headers.get_list("Location")
    if len(set(locations)) > 1:
        raise HTTPInputError("several Location fields that differ")
    return locations[0] if locations else None


def redirect_url(url: str, location: str) -> str:
    """Return the URL that a ``Location`` stands for.

    :arg url: of the request; what the location leaves out is taken from it.
    :arg location: the field's value, which may hold UTF-8 as it's not supposed to.
    """
    octets = location.encode("latin-1", "surrogateescape")
    # RFC 3986 has no octets beyond ASCII; browsers escape them.
    ascii_location = "".join(
        chr(octet) if octet < 0x80 else quote(bytes((octet,))) for octet in octets
    )
    joined = urljoin(url, ascii_location.strip(" \t").replace(" ", "%20"))
    fragment = urldefrag(url).fragment
    # RFC 9110 section 10.2.2: a fragment is inherited.
    return f"{joined}#{fragment}" if fragment and "#" not in joined else joined


def next_request(
    request: EffectiveRequest, url: str, code: int, headers: HTTPHeaders, followed: int
) -> EffectiveRequest | None:
    """Return the request that a redirect leads to, `None` if the response is the one to give.

    :arg request: the one that was answered.
    :arg url: where it went.
    :arg code: the status code of the answer.
    :arg headers: its header fields.
    :arg followed: how many redirects were followed already.
    :raises HTTPInputError: it leads to several addresses.
    :raises ValueError: it leads to no address of HTTP.
    """
    if code not in REDIRECTS or not request.follow_redirects or followed >= request.max_redirects:
        return None
    location = location_in(headers)
    if not location:
        return None
    there = redirect_url(url, location)
    return redirected(request, code, target_of(url), target_of(there), there)


def without_expectation(request: EffectiveRequest) -> EffectiveRequest:
    """Return the same request for a server that doesn't know what is expected of it (RFC 9110
    section 10.1.1)."""
    new = copy.copy(request.request)
    new.expect_100_continue = False
    new.headers = new.headers.copy()
    new.headers.pop("Expect", None)
    return request.with_request(new)


def redirected(
    request: EffectiveRequest, code: int, source: Target, target: Target, url: str
) -> EffectiveRequest:
    """Return the request that follows a redirect.

    :arg request: the one that was answered.
    :arg code: the status code of the answer.
    :arg source: where ``request`` went.
    :arg target: where the new one goes.
    :arg url: the same, as text.
    """
    old = request.request
    new = copy.copy(old)
    new.headers = headers = old.headers.copy()
    new.url = url
    to_get = (code == 303 and old.method != "HEAD") or (code in (301, 302) and old.method == "POST")
    if to_get:
        new.method = "GET"
        new.body = None
        new.body_producer = None
        new.expect_100_continue = False
        for name in _OF_BODIES:
            headers.pop(name, None)
    headers.pop("Host", None)
    if source.origin != target.origin:
        # Credentials are for the origin that they were given for; so is the way to it.
        new.auth_username = new.auth_password = new.unix_socket = None
        for name in _OF_CREDENTIALS:
            headers.pop(name, None)
        return request.with_request(new, without=_FOR_ONE_ORIGIN)
    if source.parts.username is not None and target.parts.username is None:
        if new.auth_username is None:
            new.auth_username = source.username
            new.auth_password = source.password
    return request.with_request(new)
