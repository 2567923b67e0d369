"""Errors of messages, by whose fault they are."""

from __future__ import annotations


class HTTPInputError(Exception):
    """The peer sent something that's not valid, or more than is allowed.

    :arg message: what is wrong with it.
    :arg status_code: the status with which a server answers it.

    .. versionadded:: 4.0
    """

    def __init__(self, message: str = "", status_code: int = 400) -> None:
        super().__init__(message)
        self.status_code = status_code


class HTTPOutputError(Exception):
    """The program tried to send something that's not valid.

    .. versionadded:: 4.0
    """
