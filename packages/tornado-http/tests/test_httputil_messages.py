"""Start lines, dates, errors, delegates and ranges."""

import datetime
import time
from email.utils import formatdate, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado import httputil
from tornado._httputil import dates
from tornado.httputil import (
    HTTPInputError,
    RequestStartLine,
    ResponseStartLine,
    format_timestamp,
    parse_request_start_line,
    parse_response_start_line,
)


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("GET /foo HTTP/1.1", ("GET", "/foo", "HTTP/1.1")),
        ("OPTIONS * HTTP/1.0", ("OPTIONS", "*", "HTTP/1.0")),
        ("M-SEARCH http://a/?b#c HTTP/1.1", ("M-SEARCH", "http://a/?b#c", "HTTP/1.1")),
    ],
)
def test_request_start_lines(line, parsed):
    result = parse_request_start_line(line)
    assert result == parsed
    assert isinstance(result, RequestStartLine)
    assert (result.method, result.path, result.version) == parsed


@pytest.mark.parametrize(
    "line",
    [
        "",
        "GET /",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.1\r\n",
        " GET / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /a\x01 HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET / HTTP/2.0",
        "GET / HTTP/1.12",
        "GET / HTTP/1.\u0661",
        "get / http/1.1",
    ],
)
def test_s7_p5_malformed_request_start_lines(line):
    with pytest.raises(HTTPInputError) as caught:
        parse_request_start_line(line)
    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("HTTP/1.1 200 OK", ("HTTP/1.1", 200, "OK")),
        ("HTTP/1.0 404 Not Found", ("HTTP/1.0", 404, "Not Found")),
        ("HTTP/1.1 200 ", ("HTTP/1.1", 200, "")),
        ("HTTP/1.1 200", ("HTTP/1.1", 200, "")),
        ("HTTP/1.1 200 \xe9", ("HTTP/1.1", 200, "\xe9")),
    ],
)
def test_response_start_lines(line, parsed):
    result = parse_response_start_line(line)
    assert result == parsed
    assert isinstance(result, ResponseStartLine)
    assert (result.version, result.code, result.reason) == parsed


@pytest.mark.parametrize(
    "line",
    [
        "",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 020 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1 \u0662\u0660\u0660 OK",
        "HTTP/2 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 OK\n",
    ],
)
def test_malformed_response_start_lines(line):
    with pytest.raises(HTTPInputError):
        parse_response_start_line(line)


HOUR_EAST = datetime.timezone(datetime.timedelta(hours=1))
TEXT = "Sun, 27 Jan 2013 18:43:20 GMT"


@pytest.mark.parametrize(
    "ts",
    [
        1359312200,
        1359312200.5,
        datetime.datetime(2013, 1, 27, 18, 43, 20),
        datetime.datetime(2013, 1, 27, 18, 43, 20, tzinfo=datetime.UTC),
        datetime.datetime(2013, 1, 27, 19, 43, 20, 999999, tzinfo=HOUR_EAST),
        time.gmtime(1359312200),
        (2013, 1, 27, 18, 43, 20),
        (2013, 1, 27, 18, 43, 20, 0, 0, 0),
        (2013, 1, 27, 18, 42, 80),
        (2013, 1, 26, 42, 43, 20),
    ],
)
def test_format_timestamp_takes_every_kind_of_time(ts):
    assert format_timestamp(ts) == TEXT


@pytest.mark.parametrize("ts", ["2013", None, datetime.date(2013, 1, 1), b"1"])
def test_format_timestamp_refuses_other_types(ts):
    with pytest.raises(TypeError):
        format_timestamp(ts)


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        (-62135596800, "Mon, 01 Jan 0001 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ],
)
def test_years_have_four_digits(ts, text):
    assert format_timestamp(ts) == text


@pytest.mark.parametrize("ts", [-62135596801, 253402300800, 1e300, float("nan"), float("inf")])
def test_times_that_have_no_such_form_are_refused(ts):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        format_timestamp(ts)


@given(st.integers(0, 4_000_000_000))
def test_dates_are_those_of_email_utils(seconds):
    text = format_timestamp(seconds)
    assert text == formatdate(seconds, usegmt=True)
    assert parsedate_to_datetime(text).timestamp() == seconds


def test_the_current_date_is_formatted_once_a_second(monkeypatch):
    now = [1359312200.0]
    monkeypatch.setattr(dates.time, "time", lambda: now[0])
    first = dates.current_date()
    assert first == TEXT
    now[0] += 0.9
    assert dates.current_date() is first
    now[0] += 0.1
    assert dates.current_date() == "Sun, 27 Jan 2013 18:43:21 GMT"
    now[0] -= 1  # the clock was set back
    assert dates.current_date() == TEXT


def test_input_errors_carry_a_status():
    assert HTTPInputError("x").status_code == 400
    assert HTTPInputError("x", status_code=413).status_code == 413
    assert str(HTTPInputError("x")) == "x"
    assert not issubclass(httputil.HTTPOutputError, HTTPInputError)


def test_interfaces_do_nothing_where_nothing_is_required():
    delegate = httputil.HTTPMessageDelegate()
    start_line = RequestStartLine("GET", "/", "HTTP/1.1")
    assert delegate.headers_received(start_line, httputil.HTTPHeaders()) is None
    assert delegate.data_received(b"") is None
    assert delegate.finish() is None
    assert delegate.on_connection_close() is None
    assert httputil.HTTPServerConnectionDelegate().on_close(object()) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: httputil.HTTPServerConnectionDelegate().start_request(object(), None),
        lambda: httputil.HTTPConnection().write_headers(None, httputil.HTTPHeaders()),
        lambda: httputil.HTTPConnection().write(b""),
        lambda: httputil.HTTPConnection().finish(),
    ],
)
def test_interfaces_say_what_has_to_be_implemented(call):
    with pytest.raises(NotImplementedError):
        call()


@pytest.mark.parametrize(
    ("header", "parsed"),
    [
        ("bytes=1-2", (1, 3)),
        ("bytes=0-0", (0, 1)),
        ("bytes=6-", (6, None)),
        ("bytes=-6", (-6, None)),
        ("bytes=-0", (None, 0)),
        ("bytes= 1-2 ", (1, 3)),
        ("bytes=2-1", (2, 2)),
        ("bytes=007-8", (7, 9)),
        ("Bytes=1-2", (1, 3)),
        ("bytes=0-" + "9" * 20, (0, 10**20)),
        # P5, P15: what is malformed, has another unit or several ranges is ignored
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5", None),
        ("lines=1-2", None),
        ("bytes=+1-2", None),
        ("bytes=-1-2", None),
        ("bytes=--1", None),
        ("bytes=1_0-20", None),
        ("bytes=\u0661-2", None),
        ("bytes=a-b", None),
        ("bytes=1-2\n", None),
        ("bytes=1-2,", None),
        ("bytes=1-2,3-4", None),
        ("bytes=" + "0-1," * 100_000 + "0-1", None),
        ("bytes=" + "9" * 1_000_000 + "-", None),
    ],
)
def test_request_ranges(header, parsed):
    assert httputil._parse_request_range(header) == parsed


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ((None, None, 4), "bytes 0-3/4"),
        ((1, 4, 10), "bytes 1-3/10"),
        ((0, None, 10), "bytes 0-9/10"),
        ((None, 5, 10), "bytes 0-4/10"),
    ],
)
def test_content_ranges(arguments, header):
    assert httputil._get_content_range(*arguments) == header


def test_examples_in_docstrings_are_true():
    import unittest

    suite = httputil.doctests()
    assert suite.countTestCases() >= 10
    result = unittest.TestResult()
    suite.run(result)
    assert (result.failures, result.errors) == ([], [])
