"""The exceptions by which a handler ends a request."""

from __future__ import annotations

from asyncio import CancelledError
from functools import lru_cache
from typing import Any

from tornado._late import late_regex

#: What can go wrong in code that runs without waiting: nobody cancels that, so a CancelledError
#: there is the outcome of something that was.
HANDLER_ERRORS = (Exception, CancelledError)

# RFC 9112 section 4: reason-phrase = 1*( HTAB / SP / VCHAR / obs-text ). Text beyond Latin-1 has no
# octet of its own.
_NOT_IN_REASON = late_regex(r"[^\t\x20-\x7e\x80-\xff]")


class HTTPError(Exception):
    """Raised in a handler to answer the request with an error status.

    .. code-block:: python

       raise HTTPError(404, "no room %r", name)

    :arg status_code: the response's status.
    :arg log_message: goes to the log, never to the client unless the application serves tracebacks.
       With ``args`` it is a ``%`` format.
    :arg args: values for ``log_message``.
    :arg reason: as keyword only; replaces the standard reason phrase of the status.

    .. attribute:: status_code

       The response's status.

    .. attribute:: reason

       Reason phrase, or `None` for the standard one.

    .. versionchanged:: 6.5
       ``reason`` is checked and, if it cannot be sent, not used.
    """

    reason: str | None

    def __init__(
        self, status_code: int = 500, log_message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        self.status_code = status_code
        self.reason = kwargs.get("reason")
        self.args = args
        self._text = log_message

    @property
    def log_message(self) -> str | None:
        """The message as a ``%`` format for `args`; percent signs of one without args are
        doubled."""
        if self._text is None or self.args:
            return self._text
        return self._text.replace("%", "%%")

    def get_message(self) -> str | None:
        """Return the message with `args` filled in, or `None` if there is no message.

        .. versionadded:: 6.6
        """
        if self._text is None or not self.args:
            return self._text
        return self._text % self.args

    def __str__(self) -> str:
        phrase = self.reason or standard_reason(self.status_code)
        message = self.get_message()
        detail = f" ({message})" if message else ""
        return f"HTTP {self.status_code}: {phrase}{detail}"


class MissingArgumentError(HTTPError):
    """An argument without a default is not in the request; answered with 400.

    :arg arg_name: its name.

    .. attribute:: arg_name

       Name of the argument.

    .. versionadded:: 3.1
    """

    def __init__(self, arg_name: str) -> None:
        super().__init__(400, f"Missing argument {arg_name}")
        self.arg_name = arg_name


class Finish(Exception):
    """Raised in a handler to end the request at once, without the error page or a log entry.

    What was written so far is the response; headers and status stand. An argument is passed to
    `RequestHandler.finish`.

    .. code-block:: python

       self.set_status(401)
       self.set_header("WWW-Authenticate", 'Basic realm="files"')
       raise Finish()

    .. versionchanged:: 4.3
       Arguments are passed to ``finish``.
    """


@lru_cache(maxsize=1000)
def standard_reason(status_code: int) -> str:
    """Return the reason phrase that belongs to a status, ``Unknown`` if none does."""
    # Responses that nobody has given another status than 200 come without.
    from http import HTTPStatus

    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "Unknown"


def is_sendable_reason(reason: str) -> bool:
    """Tell whether a reason phrase may stand in a status line."""
    return _NOT_IN_REASON.search(reason) is None
