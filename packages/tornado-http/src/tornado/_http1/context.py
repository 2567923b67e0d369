"""What a server knows of the peer of a connection, and what a trusted proxy says about it."""

from __future__ import annotations

import copy
import socket
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, SSLIOStream
from tornado.netutil import is_valid_ip


class RequestContext:
    """The peer of a server connection.

    :arg stream: the connection's stream.
    :arg address: the peer's socket address.
    :arg protocol: ``http`` or ``https``; `None` means what the stream speaks.
    :arg trusted_downstream: addresses of proxies to pass over in ``X-Forwarded-For``.
    """

    __slots__ = (
        "_orig_protocol",
        "_orig_remote_ip",
        "address",
        "protocol",
        "remote_ip",
        "trusted_downstream",
    )

    def __init__(
        self,
        stream: IOStream,
        address: Any,
        protocol: str | None = None,
        trusted_downstream: frozenset[str] = frozenset(),
    ) -> None:
        self.address = address
        # Unix sockets have no address that would say anything; the documents promise something
        # shaped like an IP address.
        is_ip = (
            stream.socket is not None
            and stream.socket.family in (socket.AF_INET, socket.AF_INET6)
            and bool(address)
        )
        self.remote_ip: str = address[0] if is_ip else "0.0.0.0"
        self.protocol = protocol or ("https" if isinstance(stream, SSLIOStream) else "http")
        self._orig_remote_ip = self.remote_ip
        self._orig_protocol = self.protocol
        self.trusted_downstream = trusted_downstream

    def __str__(self) -> str:
        if self.remote_ip != "0.0.0.0":
            return self.remote_ip
        # Most clients of unix sockets have no name.
        return str(self.address or "a local client")

    def with_xheaders(self, headers: HTTPHeaders) -> RequestContext:
        """Return the context of one request, believing the headers by which a proxy describes its
        client.

        ``X-Real-Ip`` beats the last address of ``X-Forwarded-For`` that is no trusted proxy's; what
        isn't an IP address is not used. ``X-Scheme`` beats ``X-Forwarded-Proto``.
        """
        proxied = copy.copy(self)
        ip = self._forwarded_for(headers.get("X-Forwarded-For", ""))
        ip = headers.get("X-Real-Ip", ip)
        if is_valid_ip(ip):
            proxied.remote_ip = ip
        # With several proxies the last value comes from the nearest one.
        protocol = headers.get("X-Scheme", headers.get("X-Forwarded-Proto", ""))
        protocol = protocol.rpartition(",")[2].strip()
        if protocol in ("http", "https"):
            proxied.protocol = protocol
        return proxied

    def _forwarded_for(self, value: str) -> str:
        """Return the last address that is no trusted proxy's, or else the first: then one of the
        proxies asks for itself."""
        client = self.remote_ip
        for candidate in reversed(value.split(",")):
            candidate = candidate.strip()
            if candidate:
                client = candidate
                if candidate not in self.trusted_downstream:
                    break
        return client
