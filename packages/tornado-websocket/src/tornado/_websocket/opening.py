"""Opening a websocket as a client: connecting, and the handshake (RFC 6455 section 4.1)."""

from __future__ import annotations

import base64
import os
from io import BytesIO

from tornado._httpclient.digest import DigestStore
from tornado._httpclient.request import DEFAULTS, EffectiveRequest
from tornado._simple_client.dial import Dialer
from tornado._simple_client.exchange import proxy_of
from tornado._simple_client.phases import LOOKUP, Phase
from tornado._simple_client.pool import Route
from tornado._simple_client.target import Target, request_headers
from tornado._simple_client.tls import tls_key
from tornado._websocket.deflate import Agreement, CompressionOptions, make_offer, read_answer
from tornado._websocket.errors import WebSocketError
from tornado._websocket.handshake import VERSION, accept_value
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import Resolver
from tornado.tcpclient import TCPClient

MAX_BUFFER_SIZE = 100 * 1024 * 1024  # bytes
MAX_REFUSAL_SIZE = 65536  # bytes of a page that comes in place of a websocket


class Opening:
    """One attempt to open a websocket.

    :arg request: where to, and with what.
    :arg subprotocols: those to offer.
    :arg compression: how to offer to compress; `None` for not at all.
    """

    def __init__(
        self,
        request: HTTPRequest,
        subprotocols: list[str],
        compression: CompressionOptions | None,
    ) -> None:
        if request.method != "GET":
            raise ValueError(f"a websocket is opened with GET, not {request.method!r}")
        self._request = EffectiveRequest(request, {**DEFAULTS, "decompress_response": False})
        self._target = Target(_http_url(request.url))
        self._subprotocols = subprotocols
        self.compression = compression
        self.key = base64.b64encode(os.urandom(16)).decode("ascii")
        # The answer.
        self._connection: HTTP1Connection | None = None
        self.start_line: ResponseStartLine | None = None
        self.headers = HTTPHeaders()
        self.agreement: Agreement | None = None
        self.stream: IOStream | None = None
        self._problem: str | None = None
        self._body = b""

    # -- the request

    async def run(self, resolver: Resolver | None, delegate: HTTPMessageDelegate) -> IOStream:
        """Connect, and do the handshake.

        :arg delegate: is given the answer, and gives it to this object.
        :returns: the stream.
        """
        headers = self._make_headers()
        progress = _Unwatched()
        tcp_client = TCPClient(resolver=resolver)
        params = HTTP1ConnectionParameters(max_body_size=1 << 30)
        dialer = Dialer(tcp_client, params, MAX_BUFFER_SIZE, DigestStore())
        try:
            # A proxy has to pass everything on, for "ws" too.
            connection = await dialer.dial(
                self._route(), self._request, self._target, progress, tunnels=True
            )
        except StreamClosedError as error:
            # The reason, if the system has told one.
            raise error.real_error or error from None
        finally:
            tcp_client.close()
        self._connection = connection
        try:
            start_line = RequestStartLine("GET", self._target.request_target, "HTTP/1.1")
            connection.write_headers(start_line, headers)
            reading = connection.read_response(delegate)
            connection.finish()
            await reading
        except BaseException:
            connection.stream.close()
            raise
        if self.stream is None:
            connection.stream.close()
            raise self._refusal()
        self._connection = None
        return self.stream

    def _make_headers(self) -> HTTPHeaders:
        headers = request_headers(self._request, self._target)
        if self._request.proxy_host:
            # It's for the proxy alone, which was shown it when the tunnel was made.
            headers.pop("Proxy-Authorization", None)
        headers["Upgrade"] = "websocket"
        headers["Connection"] = "Upgrade"
        headers["Sec-WebSocket-Key"] = self.key
        headers["Sec-WebSocket-Version"] = VERSION
        if self._subprotocols:
            headers["Sec-WebSocket-Protocol"] = ",".join(self._subprotocols)
        if self.compression is not None:
            headers["Sec-WebSocket-Extensions"] = make_offer(self.compression)
        return headers

    def _route(self) -> Route:
        request, target = self._request, self._target
        return Route(
            target.parts.scheme,
            target.host,
            target.port,
            tls_key(request) if target.secure else None,
            request.network_interface,
            request.allow_ipv6 is not False,
            proxy_of(request),
            request.unix_socket,
        )

    # -- the answer

    def headers_received(self, start_line: ResponseStartLine, headers: HTTPHeaders) -> None:
        """Look whether the server has agreed."""
        self.start_line = start_line
        self.headers = headers
        connection = self._connection
        if start_line.code != 101 or connection is None:
            return
        self._problem = self._find_problem(headers)
        if self._problem is None:
            self.stream = connection.detach()
        else:
            connection.close()

    def data_received(self, chunk: bytes) -> None:
        """Keep some of what comes in place of a websocket."""
        self._body = (self._body + chunk)[:MAX_REFUSAL_SIZE]

    def _find_problem(self, headers: HTTPHeaders) -> str | None:
        """Return what is wrong with an answer (RFC 6455 section 4.1)."""
        if headers.get("Upgrade", "").lower() != "websocket":
            return "no Upgrade to websocket"
        options = [option.strip().lower() for option in headers.get("Connection", "").split(",")]
        if "upgrade" not in options:
            return "no Connection: Upgrade"
        if headers.get_list("Sec-Websocket-Accept") != [accept_value(self.key)]:
            return "wrong Sec-WebSocket-Accept"
        extensions = headers.get("Sec-Websocket-Extensions")
        if extensions is not None:
            if self.compression is None:
                return "an extension that was not offered"
            try:
                self.agreement = read_answer(extensions, self.compression)
            except WebSocketError as error:
                return str(error)
        chosen = headers.get("Sec-Websocket-Protocol")
        if chosen is not None and chosen not in self._subprotocols:
            return "a subprotocol that was not offered"
        return None

    def _refusal(self) -> Exception:
        """Return the error for an answer that is no websocket."""
        if self._problem is not None:
            return WebSocketError(f"the server's handshake is invalid: {self._problem}")
        if self.start_line is None:
            input_error = self._connection.input_error if self._connection is not None else None
            return WebSocketError(f"no answer to the handshake: {input_error or 'closed'}")
        _, code, reason = self.start_line
        if 200 <= code < 300:
            return WebSocketError(f"the server answers with status {code} and no websocket")
        body = BytesIO(self._body)
        asked = self._request.request
        response = HTTPResponse(asked, code, headers=self.headers, buffer=body, reason=reason)
        return HTTPClientError(code, response=response)


class _Unwatched:
    """Progress that nobody follows."""

    phase: Phase = LOOKUP

    def note(self, name: str, moment: float) -> None:
        return None


def _http_url(url: str) -> str:
    scheme, separator, rest = url.partition(":")
    known = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
    if not separator or scheme.lower() not in known:
        raise ValueError(f"a websocket's URL begins with ws: or wss:, not {url!r}")
    return f"{known[scheme.lower()]}:{rest}"
