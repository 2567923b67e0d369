"""Errors of fetches that got no response."""

from __future__ import annotations

import asyncio

from tornado._httpclient.response import HTTPClientError


class _NoResponseError(HTTPClientError):
    """An error whose message is all there is to it.

    :arg message: what happened.
    """

    def __init__(self, message: str) -> None:
        super().__init__(599, message=message)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        # The constructor doesn't take what the base class keeps as its arguments.
        return type(self), (self.message,)


class HTTPTimeoutError(_NoResponseError):
    """A fetch took too long; the message says in which phase.

    :arg message: what happened.

    .. versionadded:: 5.1
    """

    def __str__(self) -> str:
        return self.message or "Timeout"


class HTTPStreamClosedError(_NoResponseError):
    """The server closed the connection before its response was complete.

    :arg message: what happened.

    .. versionadded:: 5.1
    """

    def __str__(self) -> str:
        return self.message or "Stream closed"


def cancelled_elsewhere(what: str, cancellation: asyncio.CancelledError) -> HTTPStreamClosedError:
    """Return the error of a fetch of which something was cancelled, but not by who waits for it.

    :arg what: the part of the fetch.
    :arg cancellation: becomes the error's cause.
    """
    error = HTTPStreamClosedError(f"{what} was cancelled")
    error.__cause__ = cancellation
    return error
