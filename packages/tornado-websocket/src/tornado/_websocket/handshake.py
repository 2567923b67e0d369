"""The opening handshake of a server (RFC 6455 section 4.2)."""

from __future__ import annotations

import base64
import binascii
import hashlib

from tornado.httputil import HTTPServerRequest

VERSION = "13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeError(Exception):
    """A request that's no valid handshake.

    :arg status_code: the status to answer with.
    """

    def __init__(self, message: str, status_code: int = 400) -> None:
        super().__init__(message)
        self.status_code = status_code


def accept_value(key: str | bytes) -> str:
    """Return the ``Sec-WebSocket-Accept`` value for a key."""
    data = key.encode("latin-1") if isinstance(key, str) else key
    digest = hashlib.sha1(data + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def check_upgrade(request: HTTPServerRequest) -> None:
    """Check what all versions of the protocol have in common.

    :raises HandshakeError: it's no request for a websocket.
    """
    headers = request.headers
    if request.method != "GET" or request.version != "HTTP/1.1":
        raise HandshakeError("websockets begin with GET and HTTP/1.1")
    if headers.get("Upgrade", "").lower() != "websocket":
        raise HandshakeError('Can "Upgrade" only to "WebSocket".')
    options = [option.strip().lower() for option in headers.get("Connection", "").split(",")]
    if "upgrade" not in options:
        raise HandshakeError('"Connection" must be "Upgrade".')
    if request.body or "Transfer-Encoding" in headers:
        raise HandshakeError("a handshake has no body")


def check_handshake(request: HTTPServerRequest) -> None:
    """Check the rest by the letter of RFC 6455 section 4.2.1.

    :raises HandshakeError: it's no valid handshake.
    """
    headers = request.headers
    if headers.get_list("Sec-Websocket-Version") != [VERSION]:
        raise HandshakeError(f"websocket version {VERSION} is needed", 426)
    keys = headers.get_list("Sec-Websocket-Key")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise HandshakeError("missing or invalid Sec-WebSocket-Key")


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
