"""URLs and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tornado._late import LateModule

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = LateModule("urllib.parse")

_MAX_PORT_DIGITS = 10


def url_concat(url: str, args: Mapping[str, Any] | Iterable[tuple[str, Any]] | None) -> str:
    """Return ``url`` with arguments added to its query.

    >>> url_concat("http://example.com/foo", {"c": "d"})
    'http://example.com/foo?c=d'
    >>> url_concat("http://example.com/foo?a=b", [("c", "d"), ("c", "d2")])
    'http://example.com/foo?a=b&c=d&c=d2'

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
    parts = parse.urlsplit(url)
    # What the URL has already may be text in any encoding.
    has = parse.parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    query = parse.urlencode(has + pairs, errors="surrogateescape")
    return parse.urlunsplit(parts._replace(query=query))


def split_host_and_port(netloc: str) -> tuple[str, int | None]:
    """Return host and port of ``host`` or ``host:port``; the port is `None` if there is none.

    >>> split_host_and_port("example.com:80")
    ('example.com', 80)
    >>> split_host_and_port("[::1]")
    ('[::1]', None)

    .. versionadded:: 4.1
    """
    host, _, port = netloc.rpartition(":")
    # int() alone takes signs, underscores and digits of other scripts.
    if host and port.isascii() and port.isdigit() and len(port) <= _MAX_PORT_DIGITS:
        return host, int(port)
    return netloc, None


def qs_to_qsl(qs: Mapping[str, Iterable[Any]]) -> Iterable[tuple[str, Any]]:
    """Return the pairs of a dictionary of lists.

    >>> list(qs_to_qsl({"a": ["1", "2"]}))
    [('a', '1'), ('a', '2')]

    .. versionadded:: 5.0
    """
    for name, values in qs.items():
        for value in values:
            yield name, value
