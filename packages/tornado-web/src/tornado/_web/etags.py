"""Entity tags: the default one of a response, and comparison with those that a client has (RFC 9110
section 8.8.3).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tornado._late import LateModule, late_regex

if TYPE_CHECKING:
    import hashlib
else:
    hashlib = LateModule("hashlib")

_OPAQUE_TAG = late_regex(r'"[\x21\x23-\x7e\x80-\xff]*"')


def tag_of(content: bytes) -> str:
    """Return a strong entity tag for content."""
    # It tells versions of a page apart; nobody gains anything from a collision made on purpose.
    return f'"{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"'


# What is short is often the same again: an answer to whoever asks every few seconds.
tag_of_short = lru_cache(256)(tag_of)


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
