"""Dates in the form of HTTP (RFC 9110 section 5.6.7)."""

from __future__ import annotations

import calendar
import datetime
import time
from email.utils import formatdate
from typing import Any


def format_timestamp(ts: float | tuple[Any, ...] | time.struct_time | datetime.datetime) -> str:
    """Return a time as HTTP writes it: ``Sun, 27 Jan 2013 18:43:20 GMT``.

    :arg ts: seconds since the epoch, a time tuple in UTC, or a datetime; one without time zone is
        in UTC.
    :raises TypeError: it's something else.
    """
    if isinstance(ts, (int, float)):
        seconds = ts
    elif isinstance(ts, datetime.datetime):
        seconds = calendar.timegm(ts.utctimetuple())
    elif isinstance(ts, (tuple, time.struct_time)):
        seconds = calendar.timegm(ts)
    else:
        raise TypeError(f"unknown timestamp type: {ts!r}")
    return formatdate(seconds, usegmt=True)


_current = (0, "")


def current_date() -> str:
    """Return the current time for a ``Date`` field; it's formatted once a second."""
    global _current
    # One tuple is swapped whole, so that threads see a second and its text together.
    second, text = _current
    now = int(time.time())
    if now != second:
        text = formatdate(now, usegmt=True)
        _current = (now, text)
    return text
