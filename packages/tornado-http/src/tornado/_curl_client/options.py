"""A request in the terms of libcurl: options to be set on a handle.

Everything that could be read as more than it's meant to be (line ends in fields and methods, other
schemes, hosts without an address) is refused here, before libcurl sees it. Nothing is left to the
environment: libcurl's own looks at variables for proxies are turned off.
"""

from __future__ import annotations

import math
import os
import re
from typing import Any

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado._curl_client.errors import CurlError
from tornado._curl_client.feed import OneReading
from tornado._curl_client.tls import set_proxy_tls, set_tls
from tornado._http1 import grammar
from tornado._httpclient.request import IDEMPOTENT, EffectiveRequest
from tornado._simple_client.credentials import credentials_for
from tornado._simple_client.target import METHODS_WITH_BODY, Target, request_headers
from tornado.escape import utf8
from tornado.httputil import HTTPHeaders

RECEIVED_AT_ONCE = 131072  # bytes at most
LONGEST_TIME = 2**31 - 1  # milliseconds
# libcurl has it since 7.54, pycurl has no name for it.
SUPPRESS_CONNECT_HEADERS = 265

# Before that version a proxy's tunnel served those with other credentials, or none
# (CVE-2026-3784).
TUNNELS_HAVE_USERS = 0x081300

_PROXY_AUTH_MODES: dict[str | None, int] = {
    None: pycurl.HTTPAUTH_BASIC,
    "basic": pycurl.HTTPAUTH_BASIC,
    "digest": pycurl.HTTPAUTH_DIGEST,
}

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Control characters, and lines without a value.
_ODD = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]|: *(?:\n|\Z)")
_join_field = ": ".join
_CONTROL_OCTETS = re.compile(rb"[\x00-\x1f\x7f]")
_NO_HOST = re.compile(r"[\x00-\x20\x7f]")

# What few requests ask for, and by which attribute.
_ORDINARY = (None, None, None, None, None)
_SPECIAL = frozenset(("proxy_host", "network_interface", "unix_socket", "allow_ipv6", "auth_mode"))


def set_options(curl: Any, request: EffectiveRequest, target: Target) -> None:
    """Tell a handle on which nothing is set what to do, callbacks and times left aside.

    :arg curl: the handle.
    :arg request: what to fetch.
    :arg target: where from.
    :raises ValueError: the request holds something that can't be sent, or contradicts itself.
    :raises KeyError: the method is unknown.
    """
    # Looked up where they are: `EffectiveRequest` is too slow for what every request needs.
    asked = request.request
    defaults = request._defaults
    setopt = curl.setopt
    headers = request_headers(request, target)
    setopt(pycurl.NOSIGNAL, 1)
    setopt(pycurl.URL, target.local_form)
    setopt(pycurl.PATH_AS_IS, 1)
    setopt(pycurl.BUFFERSIZE, RECEIVED_AT_ONCE)
    # A program may choose a proxy by itself.
    setopt(SUPPRESS_CONNECT_HEADERS, 1)
    setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    special = (
        asked.proxy_host,
        asked.network_interface,
        asked.unix_socket,
        asked.allow_ipv6,
        asked.auth_mode,
    )
    if special == _ORDINARY and _SPECIAL.isdisjoint(defaults):
        setopt(pycurl.PROXY, "")
    else:
        _set_way(curl, request, target, headers)
        _set_digest(curl, request, target, headers)
    if target.secure:
        set_tls(curl, request)
    decompress = asked.decompress_response
    if defaults["decompress_response"] if decompress is None else decompress:
        # `Reception` does it: libcurl takes a body whose coded data is cut for whole, and knows
        # neither several gzip members nor, in some builds, all of the codings.
        setopt(pycurl.HTTP_CONTENT_DECODING, 0)
    if "Connection" in headers._values and "close" in grammar.connection_options(
        headers["Connection"]
    ):
        # RFC 9112 section 9.6: nothing is sent after that, which libcurl doesn't heed.
        setopt(pycurl.FORBID_REUSE, 1)
    withheld = _set_method(curl, request, headers)
    setopt(pycurl.HTTPHEADER, field_lines(headers) + withheld)


def set_times(curl: Any, connect_timeout: float | None, time_left: float) -> None:
    """Limit the time that a transfer may take.

    :arg connect_timeout: seconds until there is a connection; 0 or `None` for no limit.
    :arg time_left: seconds until the end, or infinity.
    """
    if time_left != math.inf:
        curl.setopt(pycurl.TIMEOUT_MS, _milliseconds(time_left))
    # Its 0 is a limit of its own.
    limit = _milliseconds(connect_timeout) if connect_timeout else LONGEST_TIME
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, limit)


def _milliseconds(seconds: float) -> int:
    return min(max(math.ceil(seconds * 1000), 1), LONGEST_TIME)


def field_lines(headers: HTTPHeaders) -> list[bytes]:
    """Return fields as libcurl takes them.

    :raises ValueError: one holds a control character.
    """
    values = headers._values
    try:
        text = "\n".join(map(_join_field, values.items()))  # type: ignore[arg-type]
    except TypeError:
        # Some field has several values.
        text = _careful_lines(headers)
    else:
        if _ODD.search(text) is not None or text.count("\n") != len(values) - 1:
            text = _careful_lines(headers)
    try:
        return text.encode("latin-1").split(b"\n")
    except UnicodeEncodeError:
        return text.encode("utf-8").split(b"\n")


def _careful_lines(headers: HTTPHeaders) -> str:
    # A line without a value would take a field of libcurl's own away.
    lines = [
        f"{name}: {value}" if value.strip(" \t") else f"{name};"
        for name, value in headers.get_all()
    ]
    text = "\n".join(lines)
    if _CONTROL.search(text) is not None or text.count("\n") >= max(len(lines), 1):
        raise ValueError("control character in a header")
    return text


def _set_method(curl: Any, request: EffectiveRequest, headers: HTTPHeaders) -> list[bytes]:
    """Set method and body; return lines that keep libcurl from adding fields of its own."""
    asked = request.request
    method = asked.method
    body = asked.body
    producer = asked.body_producer
    if method == "GET" and body is None and producer is None:
        return []
    _forbid_repetition(curl, request)
    if body is None and producer is None:
        if method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
            return []
        if method not in METHODS_WITH_BODY:
            curl.setopt(pycurl.CUSTOMREQUEST, method)
            return []
        # RFC 9110 section 8.6: where a body could be, its absence is said.
        body = b""
    if method == "HEAD":
        raise ValueError("libcurl sends no body with HEAD")
    length = content_length(headers)
    headers.pop("Content-Length", None)
    if body is None:
        # `Feed` has the callback.
        curl.setopt(pycurl.UPLOAD, 1)
        if length is not None:
            curl.setopt(pycurl.INFILESIZE_LARGE, length)
    elif method in IDEMPOTENT or not body or _is_challenged(request):
        curl.setopt(pycurl.POSTFIELDS, body)
    else:
        # libcurl sends nothing twice that it can't rewind.
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.INFILESIZE_LARGE, len(body))
        curl.setopt(pycurl.READFUNCTION, OneReading(body).read)
    curl.setopt(pycurl.CUSTOMREQUEST, method)
    return [b"%b:" % name for name in (b"Content-Type", b"Expect") if name.decode() not in headers]


def _forbid_repetition(curl: Any, request: EffectiveRequest) -> None:
    """Keep libcurl from sending again what may have been done already.

    It does so, whatever the method, when a connection that has served before ends without a
    response: the server may have closed it just then, or after it has got the request. (Bodies that
    can't be rewound are no obstacle to some versions, which send what is left of them.)
    """
    asked = request.request
    if asked.body_producer is None and (
        asked.method in IDEMPOTENT or (asked.body and not _is_challenged(request))
    ):
        return
    curl.setopt(pycurl.FRESH_CONNECT, 1)


def _is_challenged(request: EffectiveRequest) -> bool:
    """Whether a body may have to be sent twice, because a challenge comes first."""
    return "digest" in (request.auth_mode, request.proxy_auth_mode)


def content_length(headers: HTTPHeaders) -> int | None:
    """Return the length that the fields promise.

    :raises ValueError: it's no number.
    """
    text = headers.get("Content-Length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"invalid Content-Length {text[:80]!r}")
    return int(text)


def _set_way(curl: Any, request: EffectiveRequest, target: Target, headers: HTTPHeaders) -> None:
    """Set how to get to the server."""
    if request.network_interface is not None:
        curl.setopt(pycurl.INTERFACE, request.network_interface)
    if request.allow_ipv6 is False:
        if ":" in target.host:
            # libcurl looks at names alone.
            raise CurlError(pycurl.E_COULDNT_RESOLVE_HOST, f"{target.host} is an IPv6 address")
        curl.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V4)
    unix_socket = request.unix_socket
    if not request.proxy_host:
        curl.setopt(pycurl.PROXY, "")
        if unix_socket is not None:
            curl.setopt(pycurl.UNIX_SOCKET_PATH, os.fspath(unix_socket))
        return
    if unix_socket is not None:
        raise ValueError("a request can't go both to unix_socket and by proxy_host")
    _set_proxy(curl, request, target, headers)


def _set_proxy(curl: Any, request: EffectiveRequest, target: Target, headers: HTTPHeaders) -> None:
    host = request.proxy_host
    if not request.proxy_port:
        raise ValueError("proxy_port has to be set where proxy_host is")
    if _NO_HOST.search(host) is not None:
        raise ValueError(f"invalid proxy_host {host!r}")
    if request.proxy_auth_mode not in _PROXY_AUTH_MODES:
        raise ValueError(f"unsupported proxy_auth_mode {request.proxy_auth_mode!r}")
    bare_ipv6 = host.count(":") > 1 and set("[@/").isdisjoint(host)
    curl.setopt(pycurl.PROXY, f"[{host}]" if bare_ipv6 else host)
    curl.setopt(pycurl.PROXYPORT, int(request.proxy_port))
    if host[:8].lower() == "https://":
        set_proxy_tls(curl)
    # The list of exceptions that the environment may hold isn't for explicit proxies.
    curl.setopt(pycurl.NOPROXY, "")
    knows_user = request.proxy_username is not None or "@" in host
    if request.proxy_username is not None:
        curl.setopt(pycurl.PROXYUSERNAME, _user(request.proxy_username))
        curl.setopt(pycurl.PROXYPASSWORD, utf8(request.proxy_password or ""))
        curl.setopt(pycurl.PROXYAUTH, _PROXY_AUTH_MODES[request.proxy_auth_mode])
    if target.secure and "Proxy-Authorization" in headers:
        # It's for the proxy alone, which sees no more of a tunnel than its head.
        own = HTTPHeaders({"Proxy-Authorization": headers.pop("Proxy-Authorization")})
        curl.setopt(pycurl.PROXYHEADER, field_lines(own))
        _keep_apart(curl)
    elif target.secure and knows_user and pycurl.version_info()[2] < TUNNELS_HAVE_USERS:
        _keep_apart(curl)


def _keep_apart(curl: Any) -> None:
    """Share the connection with no other request: libcurl doesn't know whose it is."""
    curl.setopt(pycurl.FRESH_CONNECT, 1)
    curl.setopt(pycurl.FORBID_REUSE, 1)


def _set_digest(curl: Any, request: EffectiveRequest, target: Target, headers: HTTPHeaders) -> None:
    """Let libcurl answer a challenge; basic credentials are a field already."""
    if request.auth_mode != "digest" or "Authorization" in headers:
        return
    credentials = credentials_for(request, target)
    if credentials is not None:
        username, password = credentials
        curl.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_DIGEST)
        curl.setopt(pycurl.USERNAME, _user(username))
        curl.setopt(pycurl.PASSWORD, utf8(password))


def _user(name: str | bytes) -> bytes:
    """Return a user name, which libcurl writes as it is into a quoted string."""
    octets = utf8(name)
    if _CONTROL_OCTETS.search(octets) is not None:
        raise ValueError(f"control character in user name {name!r:.80}")
    return octets
