"""Dates in words: which of the translatable patterns fits, and what goes into it."""

from __future__ import annotations

import datetime
from typing import Protocol

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_DAY = datetime.timedelta(days=1)

# A date this little ahead is the present: the clocks of two machines differ.
_SKEW = datetime.timedelta(minutes=1)

# Up to how many days a weekday, or a date without its year, is clear enough.
_WEEKDAY_DAYS = 5
_YEARLESS_DAYS = 334

# Up to how many seconds seconds are told, and up to how many minutes.
_TELL_SECONDS = 50
_TELL_MINUTES = 50 * 60

_CHINESE_HALVES = ("\u4e0a\u5348", "\u4e0b\u5348")


class Translator(Protocol):
    """What is needed of a locale here."""

    code: str

    def translate(
        self, message: str, plural_message: str | None = None, count: int | None = None
    ) -> str: ...


def to_utc(date: int | float | datetime.datetime) -> datetime.datetime:
    """Bring a POSIX time or a datetime to UTC; a naive one is UTC already."""
    if isinstance(date, (int, float)):
        return datetime.datetime.fromtimestamp(date, datetime.UTC)
    if date.tzinfo is None:
        return date.replace(tzinfo=datetime.UTC)
    return date.astimezone(datetime.UTC)


def date_in_words(
    locale: Translator,
    date: datetime.datetime,
    now: datetime.datetime,
    *,
    gmt_offset: int,
    relative: bool,
    shorter: bool,
    full: bool,
) -> str:
    """Format a date as seen at a moment; both are in UTC, the offset is minutes west of it."""
    age = now - date
    if relative and -_SKEW < age < datetime.timedelta():
        age = datetime.timedelta()
        date = now
    full = full or age < datetime.timedelta()
    if relative and not full and age < _DAY:
        return time_ago(locale, age.seconds)
    offset = datetime.timedelta(minutes=gmt_offset)
    local = date - offset
    if full:
        pattern = "%(month_name)s %(day)s, %(year)s"
    elif relative and age.days == 1 and local.date() == (now - offset - _DAY).date():
        pattern = "yesterday"
    else:
        pattern = _day_pattern(age.days)
    if not pattern:
        pattern = "%(time)s"
    elif not shorter:
        pattern += " at %(time)s"
    return locale.translate(pattern) % {
        "month_name": locale.translate(MONTHS[local.month - 1]),
        "weekday": locale.translate(WEEKDAYS[local.weekday()]),
        "day": str(local.day),
        "year": str(local.year),
        "time": time_of_day(locale.code, local),
    }


def _day_pattern(days: int) -> str:
    if days == 0:
        return ""
    if days < _WEEKDAY_DAYS:
        return "%(weekday)s"
    if days < _YEARLESS_DAYS:
        return "%(month_name)s %(day)s"
    return "%(month_name)s %(day)s, %(year)s"


def time_ago(locale: Translator, seconds: int) -> str:
    """Tell how long ago something was, in the largest unit that fits."""
    if seconds < _TELL_SECONDS:
        unit, count = "second", seconds
    elif seconds < _TELL_MINUTES:
        unit, count = "minute", round(seconds / 60)
    else:
        unit, count = "hour", round(seconds / 3600)
    text = locale.translate(f"1 {unit} ago", f"%({unit}s)d {unit}s ago", count)
    return text % {f"{unit}s": count}


def time_of_day(code: str, local: datetime.datetime) -> str:
    """Format the time: by twice twelve hours where that is the custom, else by twenty-four."""
    clock = f"{local.hour % 12 or 12}:{local.minute:02d}"
    if code in ("en", "en_US"):
        return f"{clock} {'am' if local.hour < 12 else 'pm'}"
    if code == "zh_CN":
        return _CHINESE_HALVES[local.hour >= 12] + clock
    return f"{local.hour}:{local.minute:02d}"


def day_in_words(locale: Translator, date: datetime.date, *, gmt_offset: int, weekday: bool) -> str:
    """Format a day; the offset is minutes west of UTC."""
    local = date - datetime.timedelta(minutes=gmt_offset)
    pattern = "%(month_name)s %(day)s"
    if weekday:
        pattern = "%(weekday)s, " + pattern
    return locale.translate(pattern) % {
        "month_name": locale.translate(MONTHS[local.month - 1]),
        "weekday": locale.translate(WEEKDAYS[local.weekday()]),
        "day": str(local.day),
    }
