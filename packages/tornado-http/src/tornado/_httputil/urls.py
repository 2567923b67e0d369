"""URLs, host names and credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tornado.escape import to_unicode

_PORT = re.compile(r"^(.+):(\d+)$")


def url_concat(url: str, args: Mapping[str, Any] | Iterable[tuple[str, Any]] | None) -> str:
    """Return ``url`` with arguments added to its query.

    :arg args: a dictionary or a list of pairs; `None` for none.
    :raises TypeError: ``args`` is something else.
    """
    if args is None:
        return url
    if isinstance(args, Mapping):
        pairs = list(args.items())
    elif isinstance(args, (list, tuple)):
        pairs = list(args)
    else:
        raise TypeError(f"'args' must be a dict, a list or tuple of pairs, or None, not {args!r}")
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True) + pairs
    return urlunsplit(parts._replace(query=urlencode(query)))


def split_host_and_port(netloc: str) -> tuple[str, int | None]:
    """Return host and port of ``host`` or ``host:port``; the port is `None` if there is none."""
    match = _PORT.match(netloc)
    return (match[1], int(match[2])) if match else (netloc, None)


def qs_to_qsl(qs: Mapping[str, Iterable[Any]]) -> Iterable[tuple[str, Any]]:
    """Return the pairs of a dictionary of lists.

    .. versionadded:: 5.0
    """
    for name, values in qs.items():
        for value in values:
            yield name, value


def encode_username_password(username: str | bytes, password: str | bytes) -> bytes:
    """Return ``username:password`` as UTF-8, the form that basic authentication encodes (RFC 7617).

    .. versionadded:: 5.1
    """
    return f"{to_unicode(username)}:{to_unicode(password)}".encode()
