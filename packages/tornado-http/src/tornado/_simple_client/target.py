"""Where a request goes, and the header fields that follow from it."""

from __future__ import annotations

import base64
import ssl
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import tornado
from tornado._httpclient.request import EffectiveRequest
from tornado.httputil import HTTPHeaders, encode_username_password, split_host_and_port
from tornado.netutil import ssl_options_to_context

DEFAULT_PORTS = {"http": 80, "https": 443}
STANDARD_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
METHODS_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class Target:
    """A URL, taken apart.

    :arg url: the URL, ``http`` or ``https``.
    :raises ValueError: it's neither, or has no host, or holds characters that no URL has.
    """

    __slots__ = ("host", "parts", "port")

    def __init__(self, url: str) -> None:
        if any(character <= " " or character == "\x7f" for character in url):
            raise ValueError(f"invalid character in URL {url!r}")
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError(f"Unsupported url scheme: {url!r}")
        if not parts.hostname:
            raise ValueError(f"no host in URL {url!r}")
        _, _, netloc = parts.netloc.rpartition("@")
        host, port = split_host_and_port(netloc)
        self.parts: SplitResult = parts
        self.host = host[1:-1] if host.startswith("[") else host
        self.port = DEFAULT_PORTS[parts.scheme] if port is None else port

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what has to stay the same for credentials to be sent again."""
        return self.parts.scheme, self.host.lower(), self.port

    @property
    def request_target(self) -> str:
        """What stands in the request line (RFC 9112 section 3.2.1)."""
        target = self.parts.path or "/"
        return f"{target}?{self.parts.query}" if self.parts.query else target

    @property
    def host_header(self) -> str:
        """The ``Host`` field: as in the URL, without credentials."""
        return self.parts.netloc.rpartition("@")[2]


def request_headers(request: EffectiveRequest, target: Target) -> HTTPHeaders:
    """Return the header fields to send for ``request``; the caller's are left alone.

    :raises ValueError: there is a body where the method has none, or none where it has one.
    """
    headers: HTTPHeaders = request.headers.copy()
    if "Host" not in headers:
        headers["Host"] = target.host_header
    credentials = _credentials(request, target)
    if credentials is not None and "Authorization" not in headers:
        encoded = base64.b64encode(encode_username_password(*credentials))
        headers["Authorization"] = "Basic " + encoded.decode("ascii")
    if "User-Agent" not in headers:
        headers["User-Agent"] = request.user_agent or f"Tornado/{tornado.version}"
    if request.decompress_response and "Accept-Encoding" not in headers:
        headers["Accept-Encoding"] = "gzip"
    if request.expect_100_continue:
        headers["Expect"] = "100-continue"
    _check_body(request)
    body = request.body
    if body is not None:
        headers["Content-Length"] = str(len(body))
    if request.method == "POST" and "Content-Type" not in headers:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return headers


def _credentials(request: EffectiveRequest, target: Target) -> tuple[str, str] | None:
    if request.auth_username is not None:
        if request.auth_mode not in (None, "basic"):
            raise ValueError(f"unsupported auth_mode {request.auth_mode!r}")
        return request.auth_username, request.auth_password or ""
    if target.parts.username is not None:
        return unquote(target.parts.username), unquote(target.parts.password or "")
    return None


def _check_body(request: EffectiveRequest) -> None:
    if request.allow_nonstandard_methods:
        return
    if request.method not in STANDARD_METHODS:
        raise KeyError(f"unknown method {request.method}")
    has_body = request.body is not None or request.body_producer is not None
    wants_body = request.method in METHODS_WITH_BODY
    if has_body != wants_body and request.method not in ("OPTIONS", "DELETE"):
        raise ValueError(
            f"Body must {'not be' if wants_body else 'be'} None for method {request.method}"
            " (unless allow_nonstandard_methods is true)"
        )


def tls_options(request: EffectiveRequest) -> ssl.SSLContext | None:
    """Return the context that a request asks for, `None` for the clients' shared one.

    :raises OSError: a certificate can't be read.
    """
    if request.ssl_options is not None:
        return ssl_options_to_context(request.ssl_options, server_side=False)
    special = (request.ca_certs, request.client_cert, request.client_key)
    if request.validate_cert and special == (None, None, None):
        return None
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=request.ca_certs)
    if not request.validate_cert:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if request.client_cert is not None:
        context.load_cert_chain(request.client_cert, request.client_key)
    return context


def tls_key(request: EffectiveRequest) -> Any:
    """Return what has to be equal for two requests to share a TLS connection."""
    return (
        request.ssl_options
        if not isinstance(request.ssl_options, dict)
        else id(request.ssl_options),
        request.validate_cert,
        request.ca_certs,
        request.client_cert,
        request.client_key,
    )
