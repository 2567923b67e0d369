"""Dates, days, numbers and lists in words."""

from __future__ import annotations

import datetime

import pytest

from tornado import locale
from tornado._locale.dates import date_in_words, time_of_day, to_utc

NOW = datetime.datetime(2024, 3, 15, 14, 30, tzinfo=datetime.UTC)
ENGLISH = locale.Locale("en_US")
DAY = 86400


def words(
    seconds_ago: float,
    *,
    relative: bool = True,
    shorter: bool = False,
    full: bool = False,
    gmt_offset: int = 0,
) -> str:
    return date_in_words(
        ENGLISH,
        NOW - datetime.timedelta(seconds=seconds_ago),
        NOW,
        gmt_offset=gmt_offset,
        relative=relative,
        shorter=shorter,
        full=full,
    )


@pytest.mark.parametrize(
    ("seconds_ago", "expected"),
    [
        (0, "0 seconds ago"),
        (1, "1 second ago"),
        (49, "49 seconds ago"),
        (50, "1 minute ago"),
        (89, "1 minute ago"),
        (91, "2 minutes ago"),
        (49 * 60, "49 minutes ago"),
        (50 * 60, "1 hour ago"),
        (2 * 3600, "2 hours ago"),
        (DAY - 1, "24 hours ago"),
        (DAY, "yesterday at 2:30 pm"),
        (1.6 * DAY, "yesterday at 12:06 am"),
        (1.7 * DAY, "Wednesday at 9:42 pm"),
        (5 * DAY - 1, "Sunday at 2:30 pm"),
        (5 * DAY, "March 10 at 2:30 pm"),
        (334 * DAY - 1, "April 16 at 2:30 pm"),
        (334 * DAY, "April 16, 2023 at 2:30 pm"),
    ],
)
def test_relative_date(seconds_ago: float, expected: str) -> None:
    """LOC-14: by default, a date of the past is told by its distance."""
    assert words(seconds_ago) == expected


@pytest.mark.parametrize(
    ("seconds_ago", "expected"),
    [
        (10, "2:29 pm"),
        (DAY, "Thursday at 2:30 pm"),
        (10 * DAY, "March 5 at 2:30 pm"),
        (1000 * DAY, "June 19, 2021 at 2:30 pm"),
    ],
)
def test_absolute_date(seconds_ago: float, expected: str) -> None:
    """LOC-14: ``relative=False`` tells the date itself."""
    assert words(seconds_ago, relative=False) == expected


@pytest.mark.parametrize(
    ("seconds_ago", "expected"),
    [(DAY, "yesterday"), (3 * DAY, "Tuesday"), (10 * DAY, "March 5"), (10, "10 seconds ago")],
)
def test_shorter_date(seconds_ago: float, expected: str) -> None:
    assert words(seconds_ago, shorter=True) == expected


def test_full_format() -> None:
    """LOC-14: the full format always has the year."""
    assert words(10, full=True) == "March 15, 2024 at 2:29 pm"
    assert words(10, full=True, shorter=True) == "March 15, 2024"


@pytest.mark.parametrize(
    ("seconds_ahead", "expected"),
    [
        (59, "0 seconds ago"),
        (60, "March 15, 2024 at 2:31 pm"),
        (9.5 * 3600, "March 16, 2024 at 12:00 am"),
        (DAY, "March 16, 2024 at 2:30 pm"),
        (100 * DAY, "June 23, 2024 at 2:30 pm"),
    ],
)
def test_future_date(seconds_ahead: float, expected: str) -> None:
    """LOC-15: a future date is given in full, but for what skewed clocks explain."""
    assert words(-seconds_ahead) == expected


def test_future_date_is_full_when_absolute() -> None:
    assert words(-1, relative=False) == "March 15, 2024 at 2:30 pm"


@pytest.mark.parametrize(
    ("gmt_offset", "expected"),
    [(0, "yesterday at 2:30 pm"), (-600, "yesterday at 12:30 am"), (300, "yesterday at 9:30 am")],
)
def test_gmt_offset(gmt_offset: int, expected: str) -> None:
    """LOC-16: the date is in GMT and is shifted by the offset."""
    assert words(DAY, gmt_offset=gmt_offset) == expected


def test_dates_of_all_kinds() -> None:
    """LOC-16: numbers, naive and aware datetimes mean the same moment."""
    aware = datetime.datetime(
        2001, 9, 9, 3, 46, 40, tzinfo=datetime.timezone(datetime.timedelta(hours=2))
    )
    naive = datetime.datetime(2001, 9, 9, 1, 46, 40)
    assert {to_utc(1000000000), to_utc(1e9), to_utc(naive), to_utc(aware)} == {aware}
    for date in (1000000000, naive, aware):
        assert ENGLISH.format_date(date) == "September 9, 2001 at 1:46 am"


def test_format_date_asks_the_clock() -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert ENGLISH.format_date(now - datetime.timedelta(hours=3)) == "3 hours ago"


@pytest.mark.parametrize(
    ("code", "hour", "expected"),
    [
        ("en", 0, "12:05 am"),
        ("en_US", 12, "12:05 pm"),
        ("en_US", 23, "11:05 pm"),
        ("en_GB", 0, "0:05"),
        ("de_DE", 23, "23:05"),
        ("zh_CN", 0, "上午12:05"),
        ("zh_CN", 13, "下午1:05"),
    ],
)
def test_time_of_day(code: str, hour: int, expected: str) -> None:
    assert time_of_day(code, datetime.datetime(2024, 1, 1, hour, 5)) == expected


def test_format_day() -> None:
    """LOC-17"""
    date = datetime.datetime(2024, 1, 22, 0, 30)
    assert ENGLISH.format_day(date) == "Monday, January 22"
    assert ENGLISH.format_day(date, dow=False) == "January 22"
    assert ENGLISH.format_day(date, gmt_offset=60) == "Sunday, January 21"
    assert ENGLISH.format_day(date.date()) == "Monday, January 22"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], ""),
        (["A"], "A"),
        (["A", "B"], "A and B"),
        (["A", "B", "C"], "A, B and C"),
        (("A", "B", "C", "D"), "A, B, C and D"),
    ],
)
def test_list(parts: list[str], expected: str) -> None:
    """LOC-18"""
    assert ENGLISH.list(parts) == expected


def test_persian_list() -> None:
    assert locale.Locale("fa_IR").list(["A", "B", "C"]) == "A \u0648 B and C"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (999, "999"),
        (1234567, "1,234,567"),
        (-123456, "-123,456"),
        ("1234", "1,234"),
        (1234.5, "1,234.5"),
    ],
)
def test_friendly_number(number: int, expected: str) -> None:
    """LOC-19"""
    assert ENGLISH.friendly_number(number) == expected


def test_friendly_number_elsewhere() -> None:
    assert locale.Locale("de_DE").friendly_number(1234567) == "1234567"


def test_words_are_translated() -> None:
    """What the formats say goes through the locale's own translations."""
    german = locale.CSVLocale(
        "de_DE",
        {
            "singular": {"1 hour ago": "vor einer Stunde"},
            "plural": {"%(hours)d hours ago": "vor %(hours)d Stunden"},
            "unknown": {
                "January": "Januar",
                "Monday": "Montag",
                "%(weekday)s, %(month_name)s %(day)s": "%(weekday)s, %(day)s. %(month_name)s",
                "%(month_name)s %(day)s, %(year)s at %(time)s": (
                    "%(day)s. %(month_name)s %(year)s um %(time)s"
                ),
                "%(commas)s and %(last)s": "%(commas)s und %(last)s",
            },
        },
    )
    date = datetime.datetime(2024, 1, 22, 15, 5, tzinfo=datetime.UTC)
    hour = datetime.timedelta(hours=1)
    options = {"gmt_offset": 0, "relative": True, "shorter": False, "full": False}
    assert german.format_day(date) == "Montag, 22. Januar"
    assert german.format_date(date, full_format=True) == "22. Januar 2024 um 15:05"
    assert german.list(["A", "B", "C"]) == "A, B und C"
    assert date_in_words(german, date, date + hour, **options) == "vor einer Stunde"
    assert date_in_words(german, date, date + 3 * hour, **options) == "vor 3 Stunden"


@pytest.mark.parametrize(
    ("code", "name", "rtl"),
    [
        ("en_US", "English (US)", False),
        ("de_DE", "Deutsch", False),
        ("he_IL", "עברית", True),
        ("fa", "Unknown", True),
        ("ar_EG", "Unknown", True),
        ("arn_CL", "Unknown", False),
    ],
)
def test_name_and_direction(code: str, name: str, rtl: bool) -> None:
    """LOC-11, LOC-12: ``name`` is what the language calls itself, ``code`` is the code."""
    found = locale.Locale(code)
    assert (found.code, found.name, found.rtl) == (code, name, rtl)


def test_table_of_names() -> None:
    assert locale.LOCALE_NAMES["de_DE"] == {"name": "Deutsch", "name_en": "German"}
    assert len(locale.LOCALE_NAMES) > 60
    for entry in locale.LOCALE_NAMES.values():
        assert set(entry) == {"name", "name_en"}
        assert all(entry.values())
