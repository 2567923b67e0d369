"""Media types of static files by their names."""

from __future__ import annotations

import mimetypes
import os

_UNKNOWN = "application/octet-stream"

# Added in Python 3.13; guess_type takes URLs too and is slower for it.
_guess = getattr(mimetypes, "guess_file_type", mimetypes.guess_type)


def media_type(path: str) -> str:
    """Return the type that ``Content-Type`` gives to a file.

    A compressed file is described as what it is, not as what it holds: no ``Content-Encoding`` says
    that it should be unpacked.
    """
    if not mimetypes.inited:
        mimetypes.init()
    suffix = os.path.splitext(path)[1]
    if suffix not in mimetypes.suffix_map and suffix not in mimetypes.encodings_map:
        known = mimetypes.types_map.get(suffix)
        if known is not None:
            return known
    kind, encoding = _guess(path)
    if encoding is not None:
        return "application/gzip" if encoding == "gzip" else _UNKNOWN
    return kind or _UNKNOWN
