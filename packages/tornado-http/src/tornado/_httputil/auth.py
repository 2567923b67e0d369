"""Credentials as ``Authorization`` fields hold them."""

from __future__ import annotations


def encode_username_password(username: str | bytes, password: str | bytes) -> bytes:
    """Return ``username:password``, the form that basic authentication encodes in base64.

    :arg username: text, which becomes UTF-8 in normal form C (RFC 7617 section 2.1), or bytes,
        which are left as they are.
    :arg password: the same.

    .. versionadded:: 5.1
    """
    return _encoded(username) + b":" + _encoded(password)


def _encoded(text: str | bytes) -> bytes:
    import unicodedata

    return unicodedata.normalize("NFC", text).encode() if isinstance(text, str) else text
