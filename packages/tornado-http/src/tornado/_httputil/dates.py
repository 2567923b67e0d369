"""Dates in the form of HTTP (RFC 9110 section 5.6.7)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tornado._late import LateModule

if TYPE_CHECKING:
    import datetime
else:
    datetime = LateModule("datetime")

# The names are those of RFC 5322 whatever the locale, so `time.strftime` can't write them.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# The form has four digits for the year: the years 1 to 9999, in seconds since the epoch.
_FIRST = -62_135_596_800
_END = 253_402_300_800


def format_timestamp(ts: float | tuple[Any, ...] | time.struct_time | datetime.datetime) -> str:
    """Return a time as HTTP writes it.

    >>> format_timestamp(1359312200)
    'Sun, 27 Jan 2013 18:43:20 GMT'

    :arg ts: seconds since the epoch, a time tuple in UTC, or a datetime; one without time zone is
        in UTC.
    :raises TypeError: it's something else.
    :raises ValueError: it's outside of the years 1 to 9999.
    """
    if isinstance(ts, (int, float)):
        return _format_seconds(ts)
    if isinstance(ts, datetime.datetime):
        return _format_seconds(_seconds_of(ts.utctimetuple()))
    if isinstance(ts, (tuple, time.struct_time)):
        return _format_seconds(_seconds_of(ts))
    raise TypeError(f"{ts!r} is no time in seconds, time tuple or datetime")


def _seconds_of(parts: tuple[Any, ...] | time.struct_time) -> int:
    """Return the seconds since the epoch; a day, hour, minute or second may be beyond its range."""
    year, month, day, hour, minute, second = parts[:6]
    days = datetime.date(year, month, 1).toordinal() - 719_163 + day - 1
    seconds: int = ((days * 24 + hour) * 60 + minute) * 60 + second
    return seconds


def _format_seconds(seconds: float) -> str:
    if not _FIRST <= seconds < _END:
        raise ValueError(f"time {seconds!r} is outside of the years 1 to 9999")
    t = time.gmtime(seconds)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04} "
        f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} GMT"
    )


_current = (0, "")


def current_date() -> str:
    """Return the current time for a ``Date`` field; it's formatted once a second."""
    global _current
    # One tuple is swapped whole, so that threads see a second and its text together.
    second, text = _current
    now = int(time.time())
    if now != second:
        text = _format_seconds(now)
        _current = (now, text)
    return text
