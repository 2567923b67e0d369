"""Conditional and partial requests for files that have an entity tag, a date or both (RFC 9110
sections 13 and 14)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import NamedTuple

from tornado._late import late_regex
from tornado.httputil import _parse_request_range

# RFC 9110 section 8.8.3
_ENTITY_TAG = late_regex(r'(?P<weak>W/)?(?P<opaque>"[^\x00-\x20\x22\x7f]*")')

# RFC 9110 section 5.6.7: the preferred form, that of RFC 850, and that of C's asctime.
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATE_FORMS = tuple(
    late_regex(form, re.ASCII)
    for form in (
        rf"\w{{3}}, (?P<day>\d\d) (?P<month>\w{{3}}) (?P<year>\d{{4}}) {_TIME} GMT",
        rf"\w{{6,9}}, (?P<day>\d\d)-(?P<month>\w{{3}})-(?P<year>\d\d) {_TIME} GMT",
        rf"\w{{3}} (?P<month>\w{{3}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",
    )
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Span(NamedTuple):
    """The bytes from ``start`` up to, not including, ``stop``."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The range has no byte in common with the file; RFC 9110 section 15.5.17."""


def select_span(header: str, size: int) -> Span | None:
    """Find the bytes that a ``Range`` header selects.

    :arg header: the header's value.
    :arg size: length of the whole in bytes.
    :returns: the part to send, or ``None`` if all is to be sent: the header is not valid, it asks
        for all, or for several ranges, which a server need not serve (RFC 9110 section 14.2).
    :raises Unsatisfiable: the range is outside the file or turned around.
    """
    wanted = _parse_request_range(header)
    if wanted is None:
        return None
    start, stop, _ = slice(*wanted).indices(size)
    if start >= stop:
        raise Unsatisfiable(header)
    return None if stop - start == size else Span(start, stop)


def parse_http_date(text: str) -> datetime.datetime | None:
    """Read a date in one of the three forms of HTTP.

    :returns: the date in UTC, or ``None`` if it is not one.
    """
    for form in _DATE_FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return _date_from(match.groupdict())
    return None


def _date_from(parts: Mapping[str, str]) -> datetime.datetime | None:
    try:
        return datetime.datetime(
            _full_year(parts["year"]),
            _MONTHS.index(parts["month"]) + 1,
            int(parts["day"]),
            int(parts["hour"]),
            int(parts["minute"]),
            # A leap second has no place in a datetime.
            min(int(parts["second"]), 59),
            tzinfo=datetime.UTC,
        )
    except ValueError:
        return None


def _full_year(year: str) -> int:
    if len(year) == 4:
        return int(year)
    # RFC 9110 section 5.6.7: a year that seems more than 50 years ahead is one of the past.
    this_year = datetime.datetime.now(datetime.UTC).year
    full = this_year // 100 * 100 + int(year)
    return full - 100 if full > this_year + 50 else full


def unchanged_since(header: str, modified: datetime.datetime) -> bool:
    """Tell whether something is not younger than a date from a header; a bad date is no date."""
    date = parse_http_date(header)
    return date is not None and _seconds(modified) <= date


def precondition_fails(
    headers: Mapping[str, str], etag: str | None, modified: datetime.datetime | None
) -> bool:
    """Tell whether ``If-Match`` or ``If-Unmodified-Since`` forbids to answer with the file.

    :arg headers: those of the request.
    :arg etag: the file's present entity tag with its quotes.
    :arg modified: when it last changed.
    """
    # RFC 9110 section 13.2.2: the date counts only if there is no If-Match.
    wanted = headers.get("If-Match")
    if wanted is not None:
        return wanted.strip() != "*" and not _lists_strongly(wanted, etag)
    since = headers.get("If-Unmodified-Since")
    if since is None or modified is None:
        return False
    date = parse_http_date(since)
    return date is not None and _seconds(modified) > date


def range_still_applies(
    if_range: str, etag: str | None, modified: datetime.datetime | None
) -> bool:
    """Tell whether ``If-Range`` names the file as it is now, so that a part of it is of use."""
    # RFC 9110 section 13.1.5: the tag by strong comparison, the date exactly.
    if if_range.startswith(('"', "W/")):
        return if_range == etag and not if_range.startswith("W/")
    return modified is not None and parse_http_date(if_range) == _seconds(modified)


def _lists_strongly(header: str, etag: str | None) -> bool:
    if etag is None or etag.startswith("W/"):
        return False
    return any(
        match["opaque"] == etag for match in _ENTITY_TAG.finditer(header) if not match["weak"]
    )


def _seconds(moment: datetime.datetime) -> datetime.datetime:
    """Bring a time to the precision and the zone of HTTP's dates; a naive one is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.replace(microsecond=0)
