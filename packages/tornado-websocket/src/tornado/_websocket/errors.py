"""Errors of websockets."""

from __future__ import annotations


class WebSocketError(Exception):
    """Base class of errors of websockets."""


class WebSocketClosedError(WebSocketError):
    """The connection is closed, or closing.

    .. versionadded:: 3.2
    """


class ProtocolViolation(WebSocketError):
    """The peer broke the protocol.

    :arg close_code: the code to close the connection with (RFC 6455 section 7.4.1).
    """

    def __init__(self, message: str, close_code: int = 1002) -> None:
        super().__init__(message)
        self.close_code = close_code
