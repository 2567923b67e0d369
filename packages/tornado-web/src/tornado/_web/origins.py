"""Whether a request was made by a page of another site, by what browsers say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado._late import LateModule
from tornado.httputil import HTTPServerRequest

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = LateModule("urllib.parse")

# RFC 9110 section 9.2.1, of the methods that browsers use.
SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])

# Fetch Metadata: the page itself asked, or the user did (address bar, bookmark).
_OWN_SITES = ("same-origin", "none")


def is_same_origin(request: HTTPServerRequest) -> bool | None:
    """Tell whether a request comes from a page of the same origin.

    ``Sec-Fetch-Site`` decides if it is there, for scripts cannot forge it; otherwise ``Origin`` is
    compared with ``Host``. The scheme is left out of the comparison: behind a proxy that speaks TLS
    it is not known here.

    :returns: `None` if neither header is there; then it is no request of a browser's script or form
       of today.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site.strip().lower() in _OWN_SITES
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    try:
        authority = parse.urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(authority) and authority.lower() == request.host.lower()
