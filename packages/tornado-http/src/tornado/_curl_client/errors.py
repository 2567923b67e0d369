"""Errors of fetches in which libcurl failed."""

from __future__ import annotations

from tornado._httpclient.response import HTTPClientError


class CurlError(HTTPClientError):
    """A fetch to which libcurl found no response; its ``code`` is 599.

    :arg errno: libcurl's number for what happened, one of ``pycurl.E_*``.
    :arg message: libcurl's words for it.
    """

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(599, message)
        self.errno = errno
