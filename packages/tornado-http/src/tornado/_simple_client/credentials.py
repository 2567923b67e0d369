"""Who a fetch is from: what servers and proxies are told of that (RFC 9110 section 11)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tornado._httpclient.digest import DigestStore
from tornado._httpclient.request import EffectiveRequest
from tornado.httputil import HTTPHeaders, encode_username_password

if TYPE_CHECKING:
    from tornado._simple_client.target import Target


class Challenges:
    """What one request has been asked for, by servers and proxies that want digests.

    :arg digests: what the client knows of them.
    """

    __slots__ = ("_digests", "_seen")

    def __init__(self, digests: DigestStore) -> None:
        self._digests = digests
        # The nonces that were answered, by who asked.
        self._seen: dict[tuple[Any, ...], set[str]] = {}

    def authorize(self, request: EffectiveRequest, target: Target, headers: HTTPHeaders) -> None:
        """Add credentials for the server, if it's known to want any.

        :arg headers: what is to be sent.
        """
        credentials = credentials_for(request, target)
        if credentials is None or "Authorization" in headers:
            return
        value = self._digests.answer(
            server_space(request, target),
            *credentials,
            request.method,
            # RFC 7616 section 3.4.6: as the server sees it, also behind a proxy, which is asked
            # with the whole address.
            target.request_target,
        )
        if value is not None:
            headers["Authorization"] = value

    def takes_up(self, request: EffectiveRequest, target: Target, headers: HTTPHeaders) -> bool:
        """Take a server's 401; whether the request is worth repeating.

        :arg headers: of the response.
        """
        if request.auth_mode != "digest" or "Authorization" in request.headers:
            return False
        if credentials_for(request, target) is None:
            return False
        space = server_space(request, target)
        return self._learn(space, headers.get_list("Www-Authenticate"))

    def takes_up_for_proxy(self, request: EffectiveRequest, headers: HTTPHeaders) -> bool:
        """Take a proxy's 407; whether the request is worth repeating.

        :arg headers: of the response.
        """
        if request.proxy_auth_mode != "digest" or request.proxy_username is None:
            return False
        return self._learn(proxy_space(request), headers.get_list("Proxy-Authenticate"))

    def _learn(self, space: tuple[Any, ...], fields: list[str]) -> bool:
        return self._digests.learn(space, fields, self._seen.setdefault(space, set()))


def credentials_for(request: EffectiveRequest, target: Target) -> tuple[str, str] | None:
    """Return user name and password for the server, of the request or else of its URL.

    :raises ValueError: they're to be used in an unknown way.
    """
    if request.auth_mode not in (None, "basic", "digest"):
        raise ValueError(f"unsupported auth_mode {request.auth_mode!r}")
    if request.auth_username is not None:
        return request.auth_username, request.auth_password or ""
    username = target.username
    return None if username is None else (username, target.password)


def server_space(request: EffectiveRequest, target: Target) -> tuple[Any, ...]:
    """Return what stands for a server and who uses it."""
    return (*target.origin, credentials_for(request, target))


def proxy_space(request: EffectiveRequest) -> tuple[Any, ...]:
    """Return what stands for a proxy and who uses it."""
    return (
        "proxy",
        request.proxy_host,
        request.proxy_port,
        request.proxy_username,
        request.proxy_password,
    )


def proxy_credentials(
    request: EffectiveRequest, method: str, target: str, digests: DigestStore
) -> str | None:
    """Return the value of ``Proxy-Authorization``, `None` if there are no credentials.

    :raises ValueError: they're to be used in an unknown way.
    """
    username, password = request.proxy_username, request.proxy_password or ""
    if username is None:
        return None
    if request.proxy_auth_mode in (None, "basic"):
        return basic(username, password)
    if request.proxy_auth_mode != "digest":
        raise ValueError(f"unsupported proxy_auth_mode {request.proxy_auth_mode!r}")
    return digests.answer(proxy_space(request), username, password, method, target)


def basic(username: str, password: str) -> str:
    """Return the value of a field for basic authentication (RFC 7617)."""
    encoded = base64.b64encode(encode_username_password(username, password))
    return "Basic " + encoded.decode("ascii")
