"""Requests that came before: clients send the same bytes again and again."""

from __future__ import annotations

from typing import TypeAlias

from tornado._httputil.headers import FieldValues
from tornado.httputil import RequestStartLine

LONGEST_HEAD = 1024  # bytes
MOST_HEADS = 256

# What a request means: its start line, and the values of its headers. These aren't to be changed.
Meaning: TypeAlias = tuple[RequestStartLine, FieldValues]

_heads: dict[bytes, Meaning] = {}

#: Return what a whole request means that was remembered; `None` if it wasn't.
find_known = _heads.get


def remember(data: bytes, start_line: RequestStartLine, values: FieldValues) -> None:
    """Keep what an ordinary request means that came alone, as many more will come that are like
    it."""
    if list in map(type, values.values()):
        # A copy would have the same list.
        return
    if len(_heads) >= MOST_HEADS:
        _heads.clear()
    _heads[data] = start_line, values
