"""Errors of fetches that got no response."""

from __future__ import annotations

from tornado._httpclient.response import HTTPClientError


class HTTPTimeoutError(HTTPClientError):
    """A fetch took too long; the message says in which phase.

    :arg message: what happened.

    .. versionadded:: 5.1
    """

    def __init__(self, message: str) -> None:
        super().__init__(599, message=message)

    def __str__(self) -> str:
        return self.message or "Timeout"


class HTTPStreamClosedError(HTTPClientError):
    """The server closed the connection before its response was complete.

    :arg message: what happened.

    .. versionadded:: 5.1
    """

    def __init__(self, message: str) -> None:
        super().__init__(599, message=message)

    def __str__(self) -> str:
        return self.message or "Stream closed"
