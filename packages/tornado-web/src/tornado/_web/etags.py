"""Entity tags: the default one of a response, and comparison with those that a client has (RFC 9110
section 8.8.3).
"""

from __future__ import annotations

import re

_OPAQUE_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


def weaken(etag: str) -> str:
    """Return the weak form of an entity tag."""
    return etag if etag.startswith("W/") else "W/" + etag


def is_among(etag: str, if_none_match: str) -> bool:
    """Tell whether ``If-None-Match`` names an entity tag or is ``*``.

    RFC 9110 section 13.1.2: the comparison is the weak one.

    :arg etag: the response's own.
    :arg if_none_match: the request's header field.
    """
    if if_none_match.strip(" \t") == "*":
        return True
    return etag.removeprefix("W/") in _OPAQUE_TAG.findall(if_none_match)
