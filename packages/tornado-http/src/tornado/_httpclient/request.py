"""What a client is asked to fetch."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from tornado.escape import utf8
from tornado.httputil import HTTPHeaders, format_timestamp

if TYPE_CHECKING:
    import datetime
    from ssl import SSLContext

# RFC 9110 section 9.2.2: these may be sent again when a kept connection turns out to be dead.
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))

#: What holds for attributes that neither the request nor the client's ``defaults`` set. Times are
#: seconds.
DEFAULTS: dict[str, Any] = {
    "connect_timeout": 20.0,
    "request_timeout": 20.0,
    "follow_redirects": True,
    "max_redirects": 5,
    "decompress_response": True,
    "proxy_password": "",
    "allow_nonstandard_methods": False,
    "validate_cert": True,
}


class HTTPRequest:
    """A request for an HTTP client.

    :arg url: the address, ``http`` or ``https``; programs of the documented API's time have it in
        UTF-8 too.
    :arg method: the request method.
    :arg headers: further header fields, an `~tornado.httputil.HTTPHeaders` or a dictionary; it is
        never changed.
    :arg body: the content, bytes or text to be sent as UTF-8.
    :arg auth_username: user name for the server.
    :arg auth_password: password for the server; it may be empty.
    :arg auth_mode: ``basic`` (default) or ``digest``.
    :arg connect_timeout: seconds for making the connection; 20 by default, 0 for no limit.
    :arg request_timeout: seconds for the whole request; 20 by default, 0 for no limit.
    :arg if_modified_since: a `datetime.datetime` or a timestamp for the header of that name.
    :arg follow_redirects: whether to go where a 301, 302, 303, 307 or 308 response points; true by
        default.
    :arg max_redirects: how often at most; 5 by default.
    :arg user_agent: text of the ``User-Agent`` header.
    :arg use_gzip: another name of ``decompress_response``.
    :arg network_interface: name or address of the network interface to use.
    :arg streaming_callback: called with each piece of the body as bytes; the response's body is
        empty then. It may be a coroutine function: the next piece waits.
    :arg header_callback: called with each line of the response's head, its line end included, as
        text: status line and empty line too. The response's headers are empty then.
    :arg prepare_curl_callback: called with the ``pycurl.Curl`` object (curl client only).
    :arg proxy_host: host of an HTTP proxy. ``proxy_port`` has to be set too.
    :arg proxy_port: port of the proxy.
    :arg proxy_username: user name for the proxy.
    :arg proxy_password: password for the proxy.
    :arg proxy_auth_mode: ``basic`` (default) or ``digest``.
    :arg allow_nonstandard_methods: permit unknown methods, and bodies where the method has none.
    :arg validate_cert: whether to check the server's certificate and its name; true by default.
    :arg ca_certs: file of certificates to trust in place of the system's.
    :arg allow_ipv6: whether to use IPv6; true by default.
    :arg client_key: file of the key of a client certificate.
    :arg client_cert: file of a client certificate.
    :arg body_producer: called with a ``write`` function to make the body; may be a coroutine
        function. Without a ``Content-Length`` the
        body is sent chunked. It excludes ``body``.
    :arg expect_100_continue: send ``Expect: 100-continue`` and wait for the server's word before
        the body.
    :arg decompress_response: ask for compression and decode the response; true by default. A
        request with a ``Range`` doesn't ask for it: a part can't be decoded by itself.
    :arg ssl_options: an `ssl.SSLContext`; it takes the place of ``validate_cert``, ``ca_certs``,
        ``client_key`` and ``client_cert``.
    :arg unix_socket: path of a Unix domain socket to connect to in place of the URL's host and
        port. It holds for that host alone: a redirect to another one goes by the network.
    :raises ValueError: arguments exclude each other, or ``url`` is no text.

    .. versionchanged:: 4.0
       Added ``body_producer``, ``expect_100_continue``, ``decompress_response``.
    .. versionchanged:: 4.2
       Added ``ssl_options``.
    .. versionchanged:: 6.100
       Added ``unix_socket``. The simple client takes ``proxy_*``, digest authentication and
       ``network_interface`` too.
    """

    # So many attributes are set quicker in slots; programs may still add their own.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_body",
        "_headers",
        "allow_ipv6",
        "allow_nonstandard_methods",
        "auth_mode",
        "auth_password",
        "auth_username",
        "body_producer",
        "ca_certs",
        "client_cert",
        "client_key",
        "connect_timeout",
        "decompress_response",
        "expect_100_continue",
        "follow_redirects",
        "header_callback",
        "max_redirects",
        "method",
        "network_interface",
        "prepare_curl_callback",
        "proxy_auth_mode",
        "proxy_host",
        "proxy_password",
        "proxy_port",
        "proxy_username",
        "request_timeout",
        "ssl_options",
        "start_time",
        "streaming_callback",
        "unix_socket",
        "url",
        "user_agent",
        "validate_cert",
    )

    _headers: HTTPHeaders
    _body: bytes | None

    def __init__(
        self,
        url: str | bytes,
        method: str = "GET",
        headers: dict[str, str] | HTTPHeaders | None = None,
        body: bytes | str | None = None,
        auth_username: str | None = None,
        auth_password: str | None = None,
        auth_mode: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        if_modified_since: float | datetime.datetime | None = None,
        follow_redirects: bool | None = None,
        max_redirects: int | None = None,
        user_agent: str | None = None,
        use_gzip: bool | None = None,
        network_interface: str | None = None,
        streaming_callback: Callable[[bytes], Awaitable[None] | None] | None = None,
        header_callback: Callable[[str], None] | None = None,
        prepare_curl_callback: Callable[[Any], None] | None = None,
        proxy_host: str | None = None,
        proxy_port: int | None = None,
        proxy_username: str | None = None,
        proxy_password: str | None = None,
        proxy_auth_mode: str | None = None,
        allow_nonstandard_methods: bool | None = None,
        validate_cert: bool | None = None,
        ca_certs: str | None = None,
        allow_ipv6: bool | None = None,
        client_key: str | None = None,
        client_cert: str | None = None,
        body_producer: Callable[[Callable[[bytes], Awaitable[None]]], Any] | None = None,
        expect_100_continue: bool = False,
        decompress_response: bool | None = None,
        ssl_options: dict[str, Any] | SSLContext | None = None,
        *,
        unix_socket: str | None = None,
    ) -> None:
        if body is not None and body_producer is not None:
            raise ValueError("body and body_producer exclude each other")
        self._headers = headers if isinstance(headers, HTTPHeaders) else HTTPHeaders(headers or {})
        if if_modified_since is not None:
            self.if_modified_since = if_modified_since
        self.url = _as_text(url)
        self.method = method
        self._body = utf8(body)
        self.body_producer = body_producer
        self.expect_100_continue = expect_100_continue
        self.auth_username = auth_username
        self.auth_password = auth_password
        self.auth_mode = auth_mode
        self.proxy_host = proxy_host
        self.proxy_port = proxy_port
        self.proxy_username = proxy_username
        self.proxy_password = proxy_password
        self.proxy_auth_mode = proxy_auth_mode
        self.connect_timeout = connect_timeout
        self.request_timeout = request_timeout
        self.follow_redirects = follow_redirects
        self.max_redirects = max_redirects
        self.user_agent = user_agent
        self.decompress_response = use_gzip if decompress_response is None else decompress_response
        self.network_interface = network_interface
        self.streaming_callback = streaming_callback
        self.header_callback = header_callback
        self.prepare_curl_callback = prepare_curl_callback
        self.allow_nonstandard_methods = allow_nonstandard_methods
        self.validate_cert = validate_cert
        self.ca_certs = ca_certs
        self.allow_ipv6 = allow_ipv6
        self.client_key = client_key
        self.client_cert = client_cert
        self.ssl_options = ssl_options
        self.unix_socket = unix_socket
        self.start_time = time.time()

    @property
    def headers(self) -> HTTPHeaders:
        """The header fields; they can be changed, and replaced by a dictionary."""
        return self._headers

    @headers.setter
    def headers(self, value: dict[str, str] | HTTPHeaders | None) -> None:
        if isinstance(value, HTTPHeaders):
            self._headers = value
        else:
            self._headers = HTTPHeaders(value or {})

    @property
    def use_gzip(self) -> bool | None:
        """Another name of ``decompress_response`` (documented API version 2.x)."""
        return self.decompress_response

    @use_gzip.setter
    def use_gzip(self, value: bool | None) -> None:
        self.decompress_response = value

    @property
    def if_modified_since(self) -> datetime.datetime | None:
        """The time in the header of that name, with its time zone; `None` if there is none. Seconds
        since the epoch can be assigned too."""
        text = self._headers.get("If-Modified-Since")
        if text is None:
            return None
        from email.utils import parsedate_to_datetime

        return parsedate_to_datetime(text)

    @if_modified_since.setter
    def if_modified_since(self, value: datetime.datetime | float | None) -> None:
        # The caller's own headers stay as they are.
        self._headers = headers = self._headers.copy()
        headers.pop("If-Modified-Since", None)
        if value is not None:
            headers["If-Modified-Since"] = format_timestamp(value)

    @property
    def body(self) -> bytes | None:
        """The content as bytes; text that is assigned is encoded as UTF-8."""
        return self._body

    @body.setter
    def body(self, value: bytes | str | None) -> None:
        self._body = utf8(value)


def _as_text(url: str | bytes) -> str:
    if isinstance(url, bytes):
        try:
            return url.decode()
        except UnicodeDecodeError:
            raise ValueError(f"the bytes of url are no UTF-8: {url!r}") from None
    if not isinstance(url, str):
        raise ValueError(f"url must be text, not {url!r}")
    return url


class BodySink(Protocol):
    """What takes a response piece by piece."""

    def on_head(self, code: int, reason: str, headers: HTTPHeaders, url: str) -> None:
        """The head has come, of the response that is not followed by another."""

    def on_data(self, data: bytes) -> Awaitable[None] | None:
        """Some of the body has come; what follows waits for an awaitable that is returned."""


class EffectiveRequest:
    """A request as it is seen through a client's defaults: attributes that are `None` have the
    default's value.

    :arg request: the request.
    :arg defaults: the values.
    """

    __slots__ = ("_defaults", "abandon", "request", "sink")

    def __init__(self, request: HTTPRequest, defaults: dict[str, Any]) -> None:
        self.request = request
        self._defaults = defaults
        #: Set by a client that can give a fetch up; called when nobody waits for it any more.
        self.abandon: Callable[[], None] | None = None
        #: Takes the response as it comes, in place of the request's callbacks.
        self.sink: BodySink | None = None

    @classmethod
    def of(
        cls, request: HTTPRequest | EffectiveRequest, defaults: dict[str, Any]
    ) -> EffectiveRequest:
        """Return a request seen through defaults, if it isn't one already."""
        return request if isinstance(request, EffectiveRequest) else cls(request, defaults)

    def with_request(
        self, request: HTTPRequest, *, without: frozenset[str] = frozenset()
    ) -> EffectiveRequest:
        """Return another request seen through the same defaults, for the same receiver.

        :arg without: names of defaults that don't hold for it.
        """
        defaults = self._defaults
        if not without.isdisjoint(defaults):
            defaults = {name: value for name, value in defaults.items() if name not in without}
        other = EffectiveRequest(request, defaults)
        other.sink = self.sink
        return other

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.request, name)
        return self._defaults.get(name) if value is None else value


def close_unbegun(waiting: object) -> None:
    """Close what is a coroutine and is not going to be awaited, so that Python doesn't warn of it;
    one that has begun comes to an end of its own.
    """
    if inspect.iscoroutine(waiting) and inspect.getcoroutinestate(waiting) == inspect.CORO_CREATED:
        waiting.close()
