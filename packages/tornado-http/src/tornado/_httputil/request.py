"""The request that a server's application is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from tornado._httputil.cookies import parse_cookie
from tornado._httputil.delegates import HTTPConnection
from tornado._httputil.errors import HTTPOutputError
from tornado._httputil.headers import FieldValues, HTTPHeaders
from tornado._httputil.query import parse_arguments
from tornado._httputil.startline import RequestStartLine, ResponseStartLine
from tornado._httputil.urls import split_host_and_port
from tornado._late import LateModule

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

    from tornado._httputil import forms
    from tornado._httputil.forms import HTTPFile
else:
    forms = LateModule("tornado._httputil.forms")

T = TypeVar("T")


class lazy(Generic[T]):  # it's used like `property`
    """An attribute that is computed when it's first asked for, and can be assigned."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> lazy[T] | T:
        if instance is None:
            return self
        value = self._compute(instance)
        # The descriptor has no __set__, so the instance's own attribute is found first from now on.
        instance.__dict__[self._name] = value
        return value


class HTTPServerRequest:
    """A request.

    Requests are made by servers. Everything that isn't in the start line and headers as such is
    computed when it's asked for.

    :arg method: request method.
    :arg uri: request target.
    :arg version: ``HTTP/1.0`` or ``HTTP/1.1``.
    :arg headers: header fields.
    :arg body: the content.
    :arg host: what `host` is to be, instead of the ``Host`` field.
    :arg files: what `files` is to be.
    :arg connection: to answer on.
    :arg start_line: method, target and version, instead of the three arguments.
    :arg server_connection: stands for the connection.

    .. attribute:: method

       Request method, for example ``GET``.

    .. attribute:: uri

       Request target as it stands in the request.

    .. attribute:: path

       The part of `uri` before ``?``.

    .. attribute:: query

       The part of `uri` after ``?``.

    .. attribute:: version

       ``HTTP/1.0`` or ``HTTP/1.1``.

    .. attribute:: body

       The content as bytes.

    .. attribute:: connection

       The `tornado.httputil.HTTPConnection` to answer on; the same for all requests of a
       connection.
    """

    # What few requests have stands here, so that a request pays for what it is.
    body: bytes = b""
    server_connection: object | None = None
    _finish_time: float | None = None
    # What the headers are made of; other requests may share it.
    _field_values: FieldValues

    def __init__(
        self,
        method: str | None = None,
        uri: str | None = None,
        version: str = "HTTP/1.0",
        headers: HTTPHeaders | None = None,
        body: bytes | None = None,
        host: str | None = None,
        files: dict[str, list[HTTPFile]] | None = None,
        connection: HTTPConnection | None = None,
        start_line: RequestStartLine | ResponseStartLine | None = None,
        server_connection: object | None = None,
        remote_ip: str | None = None,
        protocol: str | None = None,
    ) -> None:
        if start_line is not None:
            method, uri, version = start_line  # type: ignore[assignment]  # servers pass request lines
        self.method = method
        self.uri = uri
        self.version = version
        self.headers = HTTPHeaders() if headers is None else headers
        self.connection: Any = connection
        # A proxy's headers give the connection another context for each request.
        self._context: object = getattr(connection, "context", None)
        self._start_time = time.time()
        if body:
            self.body = body
        if server_connection is not None:
            self.server_connection = server_connection
        if host is not None:
            self.host = host
        if files is not None:
            self.files = files
        if remote_ip is not None:
            self.remote_ip = remote_ip
        if protocol is not None:
            self.protocol = protocol
        target = uri or ""
        if target[:1] not in "/*" and "://" in target:
            target = self._resolve_absolute_form(target)
        self.path, _, self.query = target.partition("?")

    def _resolve_absolute_form(self, uri: str) -> str:
        """RFC 9112 section 3.2.2: the host of an absolute-form target takes the place of the
        ``Host`` field."""
        location, mark, query = uri.partition("://")[2].partition("?")
        self.host, _, path = location.partition("/")
        return f"/{path}{mark}{query}"

    @lazy
    def headers(self) -> HTTPHeaders:
        """Header fields."""
        return HTTPHeaders._from_dict(self._field_values.copy())

    @lazy
    def host(self) -> str:
        """The ``Host`` field, ``127.0.0.1`` if there is none."""
        return self.headers.get("Host") or "127.0.0.1"

    @lazy
    def host_name(self) -> str:
        """`host` in lower case without a port."""
        # RFC 3986 section 3.2.3: a port may be empty.
        return split_host_and_port(self.host.lower().removesuffix(":"))[0]

    @lazy
    def remote_ip(self) -> str | None:
        """Address of the client; of what a trusted proxy says if the server believes
        ``xheaders``."""
        return getattr(self._context, "remote_ip", None)

    @lazy
    def protocol(self) -> str:
        """``http`` or ``https``."""
        return getattr(self._context, "protocol", None) or "http"

    @lazy
    def query_arguments(self) -> dict[str, list[bytes]]:
        """Arguments of the query string: lists of bytes."""
        return parse_arguments(self.query) if self.query else {}

    @lazy
    def body_arguments(self) -> dict[str, list[bytes]]:
        """Arguments of a form's body: lists of bytes."""
        self._parse_body()
        return self.body_arguments

    @lazy
    def files(self) -> dict[str, list[HTTPFile]]:
        """Uploaded files: lists of `HTTPFile`."""
        self._parse_body()
        return self.files

    @lazy
    def arguments(self) -> dict[str, list[bytes]]:
        """Arguments of query string and body together: lists of bytes."""
        if not self.body and self.__dict__.keys().isdisjoint(("query_arguments", "body_arguments")):
            return parse_arguments(self.query) if self.query else {}
        merged = {name: list(values) for name, values in self.query_arguments.items()}
        for name, values in self.body_arguments.items():
            merged.setdefault(name, []).extend(values)
        return merged

    def _parse_body(self) -> None:
        """Parse the body as its type says, unless that was done.

        :raises HTTPInputError: it's malformed.
        """
        if "body_arguments" in self.__dict__:
            return
        if not self.body:
            self.body_arguments = {}
            self.__dict__.setdefault("files", {})
            return
        arguments: dict[str, list[bytes]] = {}
        self.body_arguments = arguments
        files: dict[str, list[HTTPFile]] = self.__dict__.get("files", {})
        self.files = files
        content_type = self.headers.get("Content-Type")
        if content_type:
            forms.parse_body_arguments(content_type, self.body, arguments, files, self.headers)

    @lazy
    def _cookie_values(self) -> dict[str, str]:
        """The cookies as they came."""
        return parse_cookie(self.headers.get("Cookie", ""))

    @lazy
    def cookies(self) -> SimpleCookie:
        """Cookies of the request, a dictionary of `http.cookies.Morsel`."""
        from http.cookies import CookieError, SimpleCookie

        cookies: SimpleCookie = SimpleCookie()
        for name, value in self._cookie_values.items():
            try:
                cookies[name] = value
            except CookieError:
                # A morsel can't have every name that browsers send, for example not "expires".
                continue
        return cookies

    def supports_http_1_1(self) -> bool:
        """Whether the client speaks HTTP/1.1 (documented API version 2.x)."""
        return self.version == "HTTP/1.1"

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> None:
        """Write bytes to the connection as they are, status line and headers included (documented
        API version 2.x).

        :arg callback: called when they have been written.
        :raises HTTPOutputError: the response has ended.
        """
        self._check_open("write()")
        future = self.connection.write(chunk)
        if callback is not None:
            from tornado._callbacks import deliver_result

            deliver_result(future, callback, with_result=False)

    def finish(self) -> None:
        """End the response (documented API version 2.x).

        :raises HTTPOutputError: it has ended.
        """
        self._check_open("finish()")
        self.connection.finish()
        self._finish_time = time.time()

    def _check_open(self, call: str) -> None:
        if self._finish_time is not None:
            # The connection may have another request by now, whose answer that would disturb.
            raise HTTPOutputError(f"{call} after finish()")

    def full_url(self) -> str:
        """Return the URL of the request."""
        target = self.uri or ""
        if target[:1] != "/":
            # RFC 9112 section 3.3: the other forms of targets have no path, or one of their own.
            target = self.path if self.path[:1] == "/" else ""
            target += f"?{self.query}" if self.query else ""
        return f"{self.protocol}://{self.host}{target}"

    def request_time(self) -> float:
        """Return how long the request took, or has taken until now, in seconds."""
        end = time.time() if self._finish_time is None else self._finish_time
        return end - self._start_time

    def get_ssl_certificate(self, binary_form: bool = False) -> dict[str, Any] | bytes | None:
        """Return the client's certificate, if it sent one and the server asked for it.

        :arg binary_form: return it in DER form instead of a dictionary.
        """
        # A protocol that took the stream over has left the connection without it.
        stream = self.connection.stream or getattr(self.server_connection, "stream", None)
        getpeercert = getattr(getattr(stream, "socket", None), "getpeercert", None)
        if getpeercert is None:
            return None
        try:
            certificate: dict[str, Any] | bytes | None = getpeercert(binary_form=binary_form)
        except (OSError, ValueError):
            # The connection is closed, or its handshake isn't done.
            return None
        return certificate

    def __repr__(self) -> str:
        names = ("protocol", "host", "method", "uri", "version", "remote_ip")
        described = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({described})"


def received_request(
    connection: HTTPConnection | None,
    start_line: RequestStartLine | ResponseStartLine,
    server_connection: object,
) -> HTTPServerRequest:
    """Make the request that a connection has read, with less to decide than the constructor.

    The caller gives it its headers, or what they are made of.
    """
    request = _new_request(HTTPServerRequest)
    uri: str
    request.method, uri, request.version = start_line  # type: ignore[assignment]  # it's a request's
    request.uri = uri
    request.connection = connection
    try:
        request._context = connection.context  # type: ignore[union-attr]  # most have one
    except AttributeError:
        request._context = None
    request._start_time = time.time()
    request.server_connection = server_connection
    if "://" in uri and uri[0] != "/":
        uri = request._resolve_absolute_form(uri)
    if "?" in uri:
        request.path, _, request.query = uri.partition("?")
    else:
        request.path, request.query = uri, ""
    return request


_new_request = HTTPServerRequest.__new__
