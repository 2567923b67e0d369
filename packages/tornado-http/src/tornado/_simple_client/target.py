"""Where a request goes, and the header fields that follow from it."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urlsplit

import tornado
from tornado._httpclient.request import EffectiveRequest
from tornado._simple_client.codings import accepted_codings
from tornado._simple_client.credentials import basic, credentials_for
from tornado._simple_client.pool import Route
from tornado._simple_client.tls import tls_options
from tornado.httputil import (
    HTTPHeaders,
    HTTPOutputError,
    split_host_and_port,
)

__all__ = ["DEFAULT_PORTS", "Target", "request_headers", "target_of", "tls_options"]

DEFAULT_PORTS = {"http": 80, "https": 443}
STANDARD_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
METHODS_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))

# RFC 3986 section 2: what is written as it is; the rest, which means text beyond ASCII, becomes
# percent escapes.
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_NO_URL = re.compile(r"[\x00-\x20\x7f]")
# RFC 3986 section 3.2.2, with a port. Names in other scripts may become characters that it hasn't.
_HOST = re.compile(r"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]+")

# Other colons begin a port.
_IP_LITERAL = re.compile(r"\[[^\[\]]+\]")
# RFC 6874 section 2: the zone of an address; some write it without the escape.
_ZONE = re.compile(r"%(?:25)?+(?=.)")
_ZONE_ALONE = re.compile(r"%[^\[\]]++(?=\])")
# RFC 9110 section 9.1: a method is a token.
_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++")

_DEFAULT_AGENT = f"Tornado/{tornado.version}"


class Target:
    """A URL, taken apart.

    :arg url: the URL, ``http`` or ``https``.
    :raises ValueError: it's neither, or has no host, or holds characters that no URL has.
    """

    __slots__ = (
        "has_userinfo",
        "host",
        "host_header",
        "parts",
        "plain_route",
        "port",
        "request_target",
        "secure",
        "server_name",
    )

    def __init__(self, url: str) -> None:
        if _NO_URL.search(url) is not None:
            raise ValueError(f"invalid character in URL {url!r}")
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError(f"the scheme of {url!r} is neither http nor https")
        if not parts.hostname:
            raise ValueError(f"no host in URL {url!r}")
        netloc = _ascii_host(parts.netloc.rpartition("@")[2])
        if _HOST.fullmatch(netloc) is None:
            raise ValueError(f"invalid host in URL {url!r}")
        host, port = split_host_and_port(netloc)
        if port is None and host.endswith(":"):
            host = host[:-1]
        if (":" in host or host.startswith("[")) and not _IP_LITERAL.fullmatch(host):
            raise ValueError(f"invalid port in URL {url!r}")
        if "%" in host and not host.startswith("["):
            # No name has it, and those who check addresses wouldn't see what it may be decoded to.
            raise ValueError(f"escaped host in URL {url!r}")
        self.parts: SplitResult = parts
        self.secure = parts.scheme == "https"
        self.has_userinfo = "@" in parts.netloc
        #: The host without the brackets of an IPv6 address, with its zone.
        self.host = host = _ZONE.sub("%", host[1:-1], 1) if host.startswith("[") else host
        #: Whom a certificate has to name: RFC 6066 section 3 has no dot at the end of names, and
        #: others don't know this machine's zones.
        self.server_name = host.partition("%")[0] if ":" in host else host.removesuffix(".")
        self.port = DEFAULT_PORTS[parts.scheme] if port is None else port
        if not 0 < self.port < 65536:
            raise ValueError(f"no such port in URL {url!r}")
        #: The ``Host`` field: as in the URL, without credentials and zone.
        self.host_header = _ZONE_ALONE.sub("", netloc)
        #: What stands in the request line (RFC 9112 section 3.2.1).
        self.request_target = quote(parts.path, _VISIBLE) or "/"
        if parts.query:
            self.request_target += "?" + quote(parts.query, _VISIBLE)
        #: The way there, if the request wants nothing special.
        self.plain_route = Route(parts.scheme, self.host.lower(), self.port)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what has to stay the same for credentials to be sent again."""
        return self.parts.scheme, self.host.lower(), self.port

    @property
    def username(self) -> str | None:
        """The user name in the URL."""
        name = self.parts.username
        return None if name is None else unquote(name)

    @property
    def password(self) -> str:
        """The password in the URL, empty if there is none."""
        return unquote(self.parts.password or "")

    @property
    def absolute_form(self) -> str:
        """The request target for a proxy (RFC 9112 section 3.2.2)."""
        return f"{self.parts.scheme}://{self.host_header}{self.request_target}"

    @property
    def local_form(self) -> str:
        """The same for who connects: with the zone that an address may have."""
        if "%" not in self.host:
            return self.absolute_form
        # RFC 6874 section 2.
        host = self.host.replace("%", "%25", 1)
        return f"{self.parts.scheme}://[{host}]:{self.port}{self.request_target}"

    @property
    def authority(self) -> str:
        """Host and port as ``CONNECT`` names them (RFC 9112 section 3.2.3)."""
        host = f"[{self.server_name}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Return the target of a URL, quickly for URLs that are used again."""
    # Credentials shall not stay in memory for longer than they are needed.
    return Target(url) if "@" in url else _known_target(url)


@lru_cache(256)
def _known_target(url: str) -> Target:
    return Target(url)


def _ascii_host(netloc: str) -> str:
    """Return a host in the form that resolvers and servers know (RFC 5891)."""
    if netloc.isascii():
        return netloc
    try:
        return netloc.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"invalid host name {netloc!r}: {error}") from error


def request_headers(request: EffectiveRequest, target: Target) -> HTTPHeaders:
    """Return the header fields to send for ``request``; the caller's are left alone.

    :raises KeyError: the method is unknown.
    :raises ValueError: the method is malformed; or there is a body where it has none, or none where
        it has one.
    :raises HTTPOutputError: a ``Content-Length`` is there without a body.
    """
    asked = request.request
    defaults = request._defaults
    method = asked.method
    headers = asked._headers.copy()
    values = headers._values
    if "Host" not in values:
        # RFC 9110 section 7.2: it should come first.
        headers._values = values = {"Host": target.host_header, **values}
    elif type(values["Host"]) is not str:
        raise ValueError("more than one Host")
    if asked.auth_username is not None or target.has_userinfo or "auth_username" in defaults:
        _add_credentials(headers, request, target)
    if "User-Agent" not in values:
        agent = asked.user_agent or defaults.get("user_agent")
        if agent is None:
            values["User-Agent"] = _DEFAULT_AGENT
        else:
            headers["User-Agent"] = agent
    # RFC 9110 section 14.2: a range is one of the coded bytes, and can't be decoded by itself.
    if "Accept-Encoding" not in values and "Range" not in values and request.decompress_response:
        values["Accept-Encoding"] = accepted_codings()
    body = asked._body
    # RFC 9110 section 10.1.1: nothing is expected where there is no content.
    if asked.expect_100_continue and (body or asked.body_producer is not None):
        values["Expect"] = "100-continue"
    if not (asked.allow_nonstandard_methods or defaults["allow_nonstandard_methods"]):
        _check_body(method, body is not None or asked.body_producer is not None)
    elif _METHOD.fullmatch(method) is None:
        raise ValueError(f"invalid method {method[:80]!r}")
    if "Transfer-Encoding" in values:
        _check_coding(values["Transfer-Encoding"])
    elif body is not None:
        values["Content-Length"] = str(len(body))
    elif asked.body_producer is not None:
        if "Content-Length" not in values:
            values["Transfer-Encoding"] = "chunked"
        else:
            _check_length(values["Content-Length"])
    elif method in METHODS_WITH_BODY:
        # RFC 9110 section 8.6: where a body could be, its absence is said.
        values["Content-Length"] = "0"
    elif values.get("Content-Length", "0") != "0":
        raise HTTPOutputError("there is a Content-Length, but no body")
    if method == "POST" and "Content-Type" not in values:
        values["Content-Type"] = "application/x-www-form-urlencoded"
    return headers


def _add_credentials(headers: HTTPHeaders, request: EffectiveRequest, target: Target) -> None:
    credentials = credentials_for(request, target)
    if credentials is not None and request.auth_mode in (None, "basic"):
        if "Authorization" not in headers:
            headers["Authorization"] = basic(*credentials)


def _check_coding(coding: str | list[str]) -> None:
    if not isinstance(coding, str) or coding.lower() != "chunked":
        raise ValueError(f"unsupported Transfer-Encoding {coding!r} of a request")


def _check_length(length: str | list[str]) -> None:
    # RFC 9110 section 8.6: lists of equal numbers may be read, but not be sent.
    if not isinstance(length, str) or not (length.isascii() and length.isdecimal()):
        raise ValueError(f"invalid Content-Length {length!r} of a request")


def _check_body(method: str, has_body: bool) -> None:
    if method not in STANDARD_METHODS:
        raise KeyError(f"{method!r} is no standard method; allow_nonstandard_methods permits it")
    wants_body = method in METHODS_WITH_BODY
    if has_body != wants_body:
        raise ValueError(
            f"{method} {'needs a' if wants_body else 'has no'} body;"
            " allow_nonstandard_methods permits it otherwise"
        )
