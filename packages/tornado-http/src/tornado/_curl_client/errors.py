"""Errors of fetches in which libcurl failed."""

from __future__ import annotations

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado._httpclient.response import HTTPClientError


class CurlError(HTTPClientError):
    """A fetch to which libcurl found no response; its ``code`` is 599.

    :arg errno: libcurl's number for what happened, one of ``pycurl.E_*``.
    :arg message: libcurl's words for it; by default the number's name.
    """

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(599, message or _name_of(errno))
        self.errno = errno

    def __reduce__(self) -> tuple[type, tuple[int, str]]:
        # The constructor doesn't take what the base class keeps as its arguments.
        return type(self), (self.errno, self.message)


def _name_of(errno: int) -> str:
    if errno == 100:  # CURLE_TOO_LARGE, for which pycurl has no name
        return "a head of the response is too large"
    names = (name for name in vars(pycurl) if name.startswith("E_"))
    name = next((name for name in names if getattr(pycurl, name) == errno), str(errno))
    return f"libcurl's error {name.removeprefix('E_')}"
