"""Errors that are answers."""

from __future__ import annotations

import re
from typing import Any

_REASON_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f<>]|[^\x00-\xff]")


class HTTPError(Exception):
    """Raised in a handler to answer with an error.

    :arg status_code: the status.
    :arg log_message: what to log; it isn't sent unless in debug mode. It's formatted with ``args`` if there are any.
    :arg args: values for ``log_message``.
    :arg reason: reason phrase, as a keyword; the code's usual one if not given.

    .. code-block:: python

       raise HTTPError(404, "no such room: %r", name)
    """

    def __init__(
        self, status_code: int = 500, log_message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        self.status_code = status_code
        self._log_message = log_message
        self.args = args
        self.reason: str | None = kwargs.get("reason")

    @property
    def log_message(self) -> str | None:
        """The message to log, ready to be formatted with ``args``."""
        if self._log_message and not self.args:
            # Without arguments, logging must not take a percent sign for a place to fill.
            return self._log_message.replace("%", "%%")
        return self._log_message

    def get_message(self) -> str | None:
        """Return the message to log, formatted.

        .. versionadded:: 6.5
        """
        if self._log_message and self.args:
            return self._log_message % self.args
        return self._log_message

    def __str__(self) -> str:
        from http.client import responses

        text = f"HTTP {self.status_code}: {self.reason or responses.get(self.status_code, 'Unknown')}"
        message = self.get_message()
        return f"{text} ({message})" if message else text


class Finish(Exception):
    """Raised in a handler to end the request without an error.

    :arg args: at most one; it's passed to ``finish``.
    """


class MissingArgumentError(HTTPError):
    """An argument that has no default is missing: status 400.

    :arg arg_name: name of the argument.

    .. versionadded:: 3.1
    """

    def __init__(self, arg_name: str) -> None:
        super().__init__(400, "Missing argument %s", arg_name)
        self.arg_name = arg_name


def check_reason(reason: str) -> str:
    """Return a reason phrase that may be sent and shown.

    :raises ValueError: it holds control characters or markup.
    """
    if _REASON_FORBIDDEN.search(reason):
        raise ValueError(f"invalid reason phrase {reason[:80]!r}")
    return reason
