"""The log of requests as events: `AccessLog`, its formatters, and the ids of requests."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import logging.handlers
import queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._web.access_format import quoted, shown
from tornado.httputil import HTTPHeaders, RequestStartLine
from tornado.web import (
    AccessEvent,
    AccessLog,
    Application,
    HTTPError,
    JSONLinesFormatter,
    PlainFormatter,
    RequestHandler,
    RequestIdFilter,
    url,
)

LIMIT = 10  # seconds after which a test has failed

app_logger = logging.getLogger("an.application")


class Plain(RequestHandler):
    def get(self):
        app_logger.warning("plain works")
        self.write({"id": AccessLog.current_id()})


class Native(RequestHandler):
    async def get(self):
        await asyncio.sleep(0)
        app_logger.warning("native works")
        self.write({"id": AccessLog.current_id()})


class Failing(RequestHandler):
    def get(self):
        raise ZeroDivisionError


class Refusing(RequestHandler):
    def prepare(self):
        raise HTTPError(403)


ROUTES = [
    ("/plain", Plain),
    ("/native", Native),
    ("/failing", Failing),
    ("/refusing", Refusing),
]


@pytest.fixture
def events(caplog):
    """Return a function that gives the events that were logged."""
    caplog.set_level(logging.DEBUG)
    return lambda: [
        record.access_event for record in caplog.records if hasattr(record, "access_event")
    ]


def surrounded(log=None, routes=ROUTES, **settings):
    log = AccessLog() if log is None else log
    return Application(routes, around_request=[log], log_function=log, **settings)


@pytest.mark.parametrize("path", ["/plain", "/native"])
def test_a_request_is_two_events_with_one_id(fetch, events, path):
    conn = fetch(surrounded(), uri=path + "?a=b", headers={"User-Agent": "tests"})
    start, end = events()
    assert start.event == "start"
    assert end.event == "end"
    assert start.request_id == end.request_id == json.loads(conn.text)["id"]
    assert conn.headers["X-Request-Id"] == end.request_id
    assert start == AccessEvent(
        event="start",
        request_id=start.request_id,
        method="GET",
        target=path + "?a=b",
        host="www.example.com",
        remote_ip="192.0.2.1",
        protocol="http",
        version="HTTP/1.1",
        user_agent="tests",
    )
    assert end._replace(duration=None) == start._replace(
        event="end", status=200, length=len(conn.body), complete=True
    )
    assert 0 <= end.duration < LIMIT
    assert AccessLog.current_id() is None


@pytest.mark.parametrize(
    ("path", "code", "error", "level"),
    [
        ("/plain", 200, None, logging.INFO),
        ("/refusing", 403, "HTTPError", logging.WARNING),
        ("/nothing", 404, "HTTPError", logging.WARNING),
        ("/failing", 500, "ZeroDivisionError", logging.ERROR),
    ],
)
def test_the_end_says_how_it_came_to_it(fetch, caplog, events, path, code, error, level):
    conn = fetch(surrounded(), uri=path)
    end = events()[-1]
    assert (end.status, end.error, end.complete) == (code, error, True)
    assert end.length == len(conn.body)
    records = [record for record in caplog.records if hasattr(record, "access_event")]
    assert [record.levelno for record in records] == [logging.DEBUG, level]
    # Error pages say to which request they belong.
    assert conn.headers["X-Request-Id"] == end.request_id


def test_starts_are_logged_at_the_level_that_is_asked_for(fetch, caplog):
    caplog.set_level(logging.INFO)
    fetch(surrounded(), uri="/plain")
    fetch(surrounded(AccessLog(start_level=logging.INFO)), uri="/plain")
    said = [record.access_event for record in caplog.records if record.name == "tornado.access"]
    assert [event.event for event in said] == ["end", "start", "end"]


def test_as_a_log_function_alone_it_logs_the_ends(fetch, events):
    conn = fetch(Application(ROUTES, log_function=AccessLog()), uri="/plain")
    assert [event.event for event in events()] == ["end"]
    assert json.loads(conn.text)["id"] is None
    assert "X-Request-Id" not in conn.headers


def test_as_a_hook_alone_it_logs_starts_and_ends_beside_the_usual_line(fetch, caplog, events):
    fetch(Application(ROUTES, around_request=[AccessLog()]), uri="/plain")
    assert [event.event for event in events()] == ["start", "end"]
    usual = [record for record in caplog.records if record.name == "tornado.access"]
    assert len(usual) == 3


def test_a_route_may_have_a_log_of_its_own(fetch, events):
    app = Application([url("/a", Plain, around_request=[AccessLog()]), ("/b", Plain)])
    fetch(app, uri="/b")
    assert events() == []
    fetch(app, uri="/a")
    assert [event.event for event in events()] == ["start", "end"]


def test_logs_of_nested_applications_agree_on_the_id(fetch, events):
    inner = surrounded(AccessLog(respond=False))
    outer = surrounded(routes=[("/.*", inner)])
    fetch(outer, uri="/plain")
    start, end = events()
    assert (start.event, end.event) == ("start", "end")
    assert start.request_id == end.request_id


# Ids from headers.


@pytest.mark.parametrize(
    "sent",
    [
        "a",
        "7f3c9e0a-3b4d-4c55-9a53-0a8d5f1c2b3d",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Root=1:67891233/abc+def~.@_",
        "x" * 128,
    ],
)
def test_an_id_from_a_header_is_kept(fetch, events, sent):
    conn = fetch(surrounded(), uri="/plain", headers={"X-Request-ID": sent})
    assert {event.request_id for event in events()} == {sent}
    assert conn.headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent",
    ["", "x" * 129, "a b", "a,b", "a\tb", "é", "<script>", "a;b", "%0d%0a", "a\\b", '"a"'],
)
def test_an_id_that_could_do_harm_is_replaced(fetch, events, sent):
    conn = fetch(surrounded(), uri="/plain", headers={"X-Request-ID": sent})
    (made,) = {event.request_id for event in events()}
    assert made != sent
    assert len(made) == 32
    assert conn.headers["X-Request-Id"] == made


def test_two_headers_are_no_id(fetch, events):
    headers = [("X-Request-ID", "a"), ("X-Request-ID", "b")]
    fetch(surrounded(), uri="/plain", headers=headers)
    assert len(events()[0].request_id) == 32


def test_which_header_it_is_may_be_chosen(fetch, events):
    sent = {"X-Request-ID": "a", "Traceparent": "b"}
    other = fetch(surrounded(AccessLog("traceparent")), uri="/plain", headers=sent)
    assert other.headers["Traceparent"] == "b"
    quiet = fetch(surrounded(AccessLog(respond=False)), uri="/plain", headers=sent)
    assert "X-Request-Id" not in quiet.headers
    own = fetch(surrounded(AccessLog(None)), uri="/plain", headers=sent)
    assert "X-Request-Id" not in own.headers
    ids = [event.request_id for event in events()[1::2]]
    assert ids[:2] == ["b", "a"]
    assert len(ids[2]) == 32


def test_made_ids_differ(fetch, events):
    app = surrounded()
    for _ in range(5):
        fetch(app, uri="/plain")
    assert len({event.request_id for event in events()}) == 5


# The ends of requests that come to none.


async def _abandon(in_memory, app):
    conn = in_memory.connection(asyncio.get_running_loop())
    delegate = app.start_request(None, conn)
    delegate.headers_received(
        RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "example.com"})
    )
    delegate.finish()
    async with asyncio.timeout(LIMIT):
        while not app.began:
            await asyncio.sleep(0)
        conn.close_callback()
        await asyncio.wait(set(app._running))


def test_a_client_that_leaves_is_logged(in_memory, events):
    class Waiting(RequestHandler):
        async def get(self):
            self.application.began = True
            await asyncio.get_running_loop().create_future()

    app = surrounded(routes=[("/", Waiting)], cancel_on_disconnect=True)
    app.began = False
    asyncio.run(_abandon(in_memory, app))
    start, end = events()
    assert end.request_id == start.request_id
    assert (end.status, end.complete, end.error) == (None, False, "CancelledError")
    assert " incomplete " in str(end)


def test_a_response_that_is_broken_off_keeps_its_status(fetch, events):
    class Broken(RequestHandler):
        async def get(self):
            self.set_header("Content-Length", "10")
            self.write("1")
            await self.flush()
            asyncio.current_task().cancel()
            await asyncio.sleep(0)

    fetch(surrounded(routes=[("/", Broken)]))
    end = events()[-1]
    assert (end.status, end.complete) == (200, False)


# What the program adds.


def test_fields_of_the_program(fetch, events, caplog):
    def fields(handler):
        return {"user": 'J\x1b "Doe"', "status": 999, "time": "never", "route": type(handler)}

    caplog.set_level(logging.INFO)
    fetch(surrounded(AccessLog(fields=fields)), uri="/plain")
    end = events()[-1]
    assert end.as_dict()["status"] == 200
    assert ' user="J\\u001b \\"Doe\\"" ' in str(end)
    line = JSONLinesFormatter().format(caplog.records[-1])
    assert json.loads(line)["status"] == 200
    assert json.loads(line)["time"] != "never"
    assert json.loads(line)["route"] == str(Plain)


def test_the_level_is_asked_before_anything_is_computed(fetch, caplog):
    quiet = logging.getLogger("a.quiet.access")
    quiet.setLevel(logging.ERROR)

    def fields(handler):
        pytest.fail("nobody wants to know")

    conn = fetch(surrounded(AccessLog(fields=fields, logger=quiet)), uri="/plain")
    assert conn.code == 200


# Records of the program.


def test_records_of_the_program_have_the_id(fetch, caplog):
    caplog.handler.addFilter(RequestIdFilter())
    conn = fetch(surrounded(), uri="/native")
    (record,) = [record for record in caplog.records if record.name == "an.application"]
    assert record.request_id == json.loads(conn.text)["id"]


def test_records_outside_of_requests_have_none():
    record = logging.makeLogRecord({"msg": "x"})
    assert RequestIdFilter().filter(record) is True
    assert record.request_id == "-"
    noted = logging.makeLogRecord({"msg": "x", "request_id": "mine"})
    RequestIdFilter().filter(noted)
    assert noted.request_id == "mine"


def test_what_a_handler_starts_has_its_id(fetch):
    ids = []

    class Starting(RequestHandler):
        async def get(self):
            task = asyncio.create_task(self.work())
            asyncio.get_running_loop().call_soon(lambda: ids.append(AccessLog.current_id()))
            await task
            ids.append(AccessLog.current_id())

        async def work(self):
            ids.append(AccessLog.current_id())

    fetch(surrounded(routes=[("/", Starting)]), headers={"X-Request-ID": "abc"})
    assert ids == ["abc", "abc", "abc"]


def test_ids_of_requests_at_the_same_time_are_their_own(in_memory):
    class Meeting(RequestHandler):
        waiting = []

        async def get(self):
            first = AccessLog.current_id()
            future = asyncio.get_running_loop().create_future()
            self.waiting.append(future)
            if len(self.waiting) == 3:
                for other in self.waiting:
                    other.set_result(None)
            await future
            self.write(f"{first} {AccessLog.current_id()}")

    async def main():
        app = surrounded(routes=[("/", Meeting)])
        requests = [
            in_memory.exchange(app, headers={"X-Request-ID": name}) for name in ("a", "b", "c")
        ]
        return [conn.text for conn in await asyncio.gather(*requests)]

    assert asyncio.run(main()) == ["a a", "b b", "c c"]


# Formats.


def test_json_lines(fetch, caplog):
    caplog.set_level(logging.INFO)
    log = AccessLog(start_level=logging.INFO)
    fetch(surrounded(log), uri="/failing", headers={"X-Request-ID": "abc"})
    lines = [JSONLinesFormatter().format(record) for record in caplog.records]
    assert all("\n" not in line for line in lines)
    start, error, end = [json.loads(line) for line in lines]
    assert start["event"] == "start"
    assert list(start)[:5] == ["time", "level", "logger", "event", "request_id"]
    assert "status" not in start
    assert error["message"].startswith("Uncaught exception")
    assert error["exception"].rstrip().endswith("ZeroDivisionError")
    assert end["status"] == 500
    assert end["error"] == "ZeroDivisionError"
    assert end["level"] == "error"
    assert end["time"].endswith("Z")
    assert start["request_id"] == end["request_id"] == "abc"
    assert "more" not in end


def test_json_lines_within_and_without_a_request(fetch, caplog):
    collected = []

    class Collecting(logging.Handler):
        def emit(self, record):
            collected.append(json.loads(self.format(record)))

    handler = Collecting()
    handler.setFormatter(JSONLinesFormatter())
    app_logger.addHandler(handler)
    try:
        fetch(surrounded(), uri="/native", headers={"X-Request-ID": "abc"})
        app_logger.warning("outside of %s", "requests", stack_info=True)
    finally:
        app_logger.removeHandler(handler)
    inside, outside = collected
    assert (inside["message"], inside["request_id"]) == ("native works", "abc")
    assert outside["message"] == "outside of requests"
    assert "request_id" not in outside
    assert "test_web_access_log" in outside["stack"]


def test_a_plain_line(fetch, caplog):
    caplog.set_level(logging.INFO)
    fetch(surrounded(), uri="/plain?x", headers={"X-Request-ID": "abc"})
    line = PlainFormatter().format(caplog.records[-1])
    assert " INFO tornado.access [abc] 200 GET /plain?x (192.0.2.1) " in line
    assert line.endswith("ms request_id=abc")


def test_a_plain_line_in_other_formats():
    record = logging.makeLogRecord({"msg": "hello", "request_id": "abc"})
    assert PlainFormatter("%(request_id)s:%(message)s").format(record) == "abc:hello"
    assert PlainFormatter("{request_id}:{message}", style="{").format(record) == "abc:hello"


def test_tracebacks_are_indented_below_a_plain_line():
    try:
        raise ZeroDivisionError("a\nb")
    except ZeroDivisionError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 1, "went\nwrong", (), (type(error), error, error.__traceback__)
        )
    first, *rest = PlainFormatter("%(message)s").format(record).splitlines()
    assert first == r"went\nwrong"
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_events_pass_through_queues_of_logging(fetch, caplog):
    """A handler that prepares records for another thread or process leaves the event on them."""
    caplog.set_level(logging.INFO)
    records = queue.SimpleQueue()
    fetch(surrounded(AccessLog("X-Request-ID", fields=lambda handler: {"a": 1})), uri="/plain")
    handler = logging.handlers.QueueHandler(records)
    handler.emit(copy.copy(caplog.records[-1]))
    line = json.loads(JSONLinesFormatter().format(records.get_nowait()))
    assert (line["event"], line["a"]) == ("end", 1)


HOSTILE = [
    "a\r\nb",
    "\x1b[31mred",
    "a\x00b",
    "a\x85b",
    "a\u2028b",
    "a\u202eb",
    "a b",
    "caf\xe9",
    "a\\nb",
    "\x7f",
    "\x9b2J",
    "\ud800",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_p13_nothing_that_a_client_sends_breaks_a_line(hostile):
    """P13: log lines carry no raw ESC, CR or LF."""
    event = AccessEvent(
        *("end", "id", hostile, "/" + hostile, hostile, hostile, "http", "HTTP/1.1", hostile),
        status=200,
        duration=0.001,
        error=hostile,
        more={hostile: hostile},
    )
    text = str(event)
    assert text.isascii()
    assert text.isprintable()
    record = logging.makeLogRecord({"msg": event, "access_event": event})
    for formatter in (PlainFormatter(), JSONLinesFormatter()):
        line = formatter.format(record)
        assert line.isascii()
        assert line.isprintable()


def test_a_target_cannot_pass_for_the_next_field(serve, caplog):
    """What the server accepts in a target is in the line as it came, or escaped."""
    caplog.set_level(logging.INFO)
    with serve(surrounded()) as server:
        head = b"GET /plain?\"\\n'(1)%0d%0a HTTP/1.1\r\nHost: a\r\n"
        answer = server.raw(head + b"User-Agent: a\x9b\x85b\r\nConnection: close\r\n\r\n")
    lines = [
        PlainFormatter().format(record)
        for record in caplog.records
        if hasattr(record, "access_event")
    ]
    assert answer.startswith(b"HTTP/1.1 200")
    (line,) = lines
    assert line.isprintable()
    assert line.isascii()
    assert """ 200 GET /plain?"\\\\n'(1)%0d%0a (127.0.0.1) """ in line


@given(st.text())
def test_shown_is_one_printable_word(text):
    word = shown(text)
    assert word.isascii()
    assert word.isprintable()
    assert " " not in word
    assert word.encode().decode("unicode_escape") == text


@given(st.text() | st.integers() | st.none() | st.lists(st.text()))
def test_quoted_is_json_on_one_line(value):
    text = quoted(value)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == value


def test_requests_without_a_log_go_the_short_way(fetch):
    """Nothing of it is on the way of an application that doesn't use it."""
    app = Application(ROUTES)
    assert app._plain_routes() is not None
    logged = Application(ROUTES, log_function=AccessLog())
    assert logged._plain_routes() is not None
