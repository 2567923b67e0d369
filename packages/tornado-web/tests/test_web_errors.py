"""Errors of handlers: what is sent, and what is logged."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler


def raising(error, **attributes):
    def get(self):
        self.set_header("X-Dropped", "1")
        self.write("dropped")
        raise error

    return type("Made", (RequestHandler,), {"get": get, **attributes})


@pytest.mark.parametrize(
    ("error", "code", "title"),
    [
        (HTTPError(403), 403, "403: Forbidden"),  # WEB-71
        (HTTPError(404, "of %s", "old"), 404, "404: Not Found"),
        (HTTPError(599), 599, "599: Unknown"),
        (HTTPError(403, reason="<i>No</i>"), 403, "403: &lt;i&gt;No&lt;/i&gt;"),  # S2
        (HTTPError(403, reason="a\r\nX: y"), 403, "403: Unknown"),  # S1, S2
        (ZeroDivisionError(), 500, "500: Internal Server Error"),  # WEB-72, WEB-77
    ],
)
def test_error_page(ask, caplog, error, code, title):
    conn = ask(raising(error))
    assert conn.code == code
    assert conn.text == f"<html><title>{title}</title><body>{title}</body></html>"
    assert "X-Dropped" not in conn.headers
    assert "Traceback" not in conn.text  # T12


@pytest.mark.parametrize("code", [204, 304])
def test_errors_without_content(ask, code):
    """``raise HTTPError(204)`` sends no body, whatever the error page would be."""
    plain = ask(raising(HTTPError(code)))
    own = ask(raising(HTTPError(code), write_error=lambda self, code, **kw: self.write("page")))
    for conn in (plain, own):
        assert (conn.code, conn.body) == (code, b"")
        assert "Content-Length" not in conn.headers


@pytest.mark.parametrize("setting", ["debug", "serve_traceback"])
@pytest.mark.parametrize("error", [ZeroDivisionError("message"), HTTPError(403, "message")])
def test_traceback(ask, caplog, setting, error):
    """WEB-78, T12: shown in debug mode and under serve_traceback only."""
    conn = ask(raising(error), settings={setting: True, "autoreload": False})
    assert conn.headers["Content-Type"].startswith("text/plain")
    assert conn.text.startswith("Traceback (most recent call last):")
    assert "message" in conn.text


def test_send_error(ask):
    """WEB-74, WEB-75: unflushed output is dropped; 500 is the default; keywords reach write_error."""

    class Handler(RequestHandler):
        def get(self):
            self.write("dropped")
            self.send_error(**self.settings["arguments"])

        def write_error(self, status_code, **kwargs):
            self.write(f"{status_code} {self._reason} {sorted(kwargs)}")

    def text(**arguments):
        return ask(Handler, settings={"arguments": arguments}).text

    assert text() == "500 Internal Server Error []"
    assert text(status_code=418, colour="red") == "418 I'm a Teapot ['colour']"
    assert text(status_code=400, reason="Bad Hair Day") == "400 Bad Hair Day ['reason']"
    assert text(status_code=400, reason="a\nb") == "400 Unknown ['reason']"


def test_send_error_after_flush(ask, caplog):
    """WEB-76: the response just ends."""

    class Handler(RequestHandler):
        def get(self):
            self.write("sent")
            self.flush()
            self.write(" and more")
            raise HTTPError(403)

    conn = ask(Handler)
    assert (conn.code, conn.finished) == (200, 1)
    assert conn.text.startswith("sent")
    assert "an error cannot be shown" in caplog.text


@pytest.mark.parametrize("by_keyword", [False, True])
def test_write_error_gets_the_exception(ask, caplog, by_keyword):
    """WEB-79, WEB-80: as a triple, whichever way the override takes it."""
    if by_keyword:

        def write_error(self, status_code, exc_info=None, **kwargs):
            self.show(exc_info)
    else:

        def write_error(self, status_code, **kwargs):
            self.show(kwargs["exc_info"])

    def show(self, exc_info):
        self.set_header("X-Error", exc_info[0].__name__)
        assert exc_info[1].__traceback__ is exc_info[2]
        self.write("own page")

    conn = ask(raising(ZeroDivisionError(), write_error=write_error, show=show))
    assert (conn.code, conn.text) == (500, "own page")
    assert conn.headers["X-Error"] == "ZeroDivisionError"


def test_get_error_html(ask, caplog):
    """WEB-81: the older hook returns the page and gets the exception."""

    def get_error_html(self, status_code, exception=None, **kwargs):
        return f"{status_code} {exception!r} {kwargs}"

    handler = raising(ZeroDivisionError(), get_error_html=get_error_html)
    assert ask(handler).text == "500 ZeroDivisionError() {}"
    handler.get = lambda self: self.send_error(403)
    assert ask(handler).text == "403 None {}"


@pytest.mark.parametrize("error", [KeyError, asyncio.CancelledError])
def test_write_error_that_fails(ask, caplog, error):
    def write_error(self, status_code, **kwargs):
        self.write("half a page")
        raise error

    conn = ask(raising(HTTPError(403), write_error=write_error))
    assert (conn.code, conn.text) == (403, "half a page")
    assert "Uncaught exception in write_error" in caplog.text


def test_response_that_cannot_be_finished(ask, caplog):
    """Then the connection is closed, for the client would wait for ever."""

    def finish(self, chunk=None):
        raise KeyError

    conn = ask(raising(HTTPError(403), finish=finish))
    assert conn.closed
    assert "the response cannot be finished" in caplog.text


def test_error_after_finish(ask, caplog):
    def get(self):
        self.finish("done")
        raise ZeroDivisionError

    conn = ask(type("Made", (RequestHandler,), {"get": get}))
    assert (conn.code, conn.text, conn.finished) == (200, "done", 1)
    assert "Uncaught exception GET /" in caplog.text


def test_error_in_on_finish(ask, caplog):
    class Handler(RequestHandler):
        def get(self):
            self.write("done")

        def on_finish(self):
            raise ZeroDivisionError

    assert ask(Handler).text == "done"
    assert "ZeroDivisionError" in caplog.text


def test_on_finish_is_called_though_the_log_fails(ask, caplog):
    seen = []

    class Handler(RequestHandler):
        def get(self):
            self.write("done")

        def on_finish(self):
            seen.append("on_finish")

    def log_function(handler):
        raise ZeroDivisionError

    assert ask(Handler, settings={"log_function": log_function}).text == "done"
    assert seen == ["on_finish"]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("code", [0, 99, 100, 101, 1000, "404", 404.0, None])
def test_statuses_that_no_response_has(ask, caplog, code):
    """Of the wrong type, or such that the client would wait for another response."""
    conn = ask(raising(HTTPError(code)))
    assert conn.code == 500
    assert conn.text.endswith("<body>500: Internal Server Error</body></html>")
    assert f"no response has the status {code!r}" in caplog.text


@pytest.mark.parametrize("code", [0, 99, 1000, "404", 404.0, None])
def test_set_status_wants_three_digits(ask, caplog, code):
    seen = []

    def get(self):
        with pytest.raises(ValueError, match="three digits"):
            self.set_status(code)
        seen.append(self.get_status())

    assert ask(type("Made", (RequestHandler,), {"get": get})).code == 200
    assert seen == [200]


@pytest.mark.parametrize("code", [100, 101, 199])
def test_no_response_ends_with_an_informational_status(ask, caplog, code):
    """RFC 9110 section 15.2: the client would go on waiting for the final one."""
    conn = ask(type("Made", (RequestHandler,), {"get": lambda self: self.set_status(code)}))
    assert conn.code == 500
    assert f"no response ends with status {code}" in caplog.text


def test_set_default_headers_that_fails_on_the_error_page(ask, caplog):
    """Nothing can be sent then; the client must not wait for it, also if the handler waited."""

    def set_default_headers(self):
        if hasattr(self, "_begun"):
            raise KeyError
        self._begun = True

    async def get(self):
        await asyncio.sleep(0)
        raise ZeroDivisionError

    attributes = {"get": get, "set_default_headers": set_default_headers}
    conn = ask(type("Made", (RequestHandler,), attributes))
    assert conn.closed
    assert conn.start_line is None
    assert "an exception cannot be answered" in caplog.text


class TestLog:
    def levels(self, caplog):
        return [(record.name, record.levelname) for record in caplog.records]

    def test_http_error_with_a_message(self, ask, caplog):
        ask(raising(HTTPError(403, "no %s for you", "soup")))
        assert self.levels(caplog) == [
            ("tornado.general", "WARNING"),
            ("tornado.access", "WARNING"),
        ]
        assert caplog.messages[0] == "403 GET / (192.0.2.1): no soup for you"
        assert caplog.records[0].exc_info is None

    def test_http_error_without_a_message(self, ask, caplog):
        ask(raising(HTTPError(403)))
        assert self.levels(caplog) == [("tornado.access", "WARNING")]

    def test_percent_sign_without_arguments(self, ask, caplog):
        ask(raising(HTTPError(403, "100%")))
        assert caplog.messages[0].endswith(": 100%")

    def test_other_exceptions(self, ask, caplog):
        """PKG-5: whatever the exception is, it is reported as itself, once."""
        error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")
        ask(raising(error))
        assert self.levels(caplog) == [
            ("tornado.application", "ERROR"),
            ("tornado.access", "ERROR"),
        ]
        assert caplog.records[0].exc_info[1] is error

    def test_log_exception(self, ask, caplog):
        """An override replaces the entry; one that fails does not stop the answer."""
        seen = []

        def log_exception(self, typ, value, tb):
            seen.append((typ, value.status_code, tb is not None))
            raise KeyError

        conn = ask(raising(HTTPError(403, "x"), log_exception=log_exception))
        assert conn.code == 403
        assert seen == [(HTTPError, 403, True)]
        assert "Uncaught exception in log_exception" in caplog.text


class TestHTTPError:
    def test_attributes(self):
        error = HTTPError(404, "no %s", "room", reason="Lost")
        assert (error.status_code, error.log_message, error.args, error.reason) == (
            404,
            "no %s",
            ("room",),
            "Lost",
        )
        assert error.get_message() == "no room"
        assert str(error) == "HTTP 404: Lost (no room)"

    def test_defaults(self):
        error = HTTPError()
        assert (error.status_code, error.log_message, error.args) == (500, None, ())
        assert error.get_message() is None
        assert str(error) == "HTTP 500: Internal Server Error"
        assert str(HTTPError(799)) == "HTTP 799: Unknown"

    def test_percent_signs(self):
        """As a format the message is safe without arguments; as text it is what was given."""
        error = HTTPError(400, "100%")
        assert error.log_message % error.args == "100%"
        assert error.get_message() == "100%"


def test_client_that_has_gone_is_no_error(fetch, caplog):
    """A handler that finds its client gone ends without a log entry."""

    class Handler(RequestHandler):
        async def get(self):
            self.request.connection.close_callback()
            self.request.connection.close()
            raise StreamClosedError

        def on_connection_close(self):
            closed.append(self)

    from tornado.web import Application

    closed = []
    with caplog.at_level(logging.INFO):
        # The handler runs in a task, so that its connection knows the callback by then.
        fetch(Application([("/", Handler)]))
    assert len(closed) == 1
    assert not caplog.records


def test_errors_are_not_kept_alive(ask):
    """PKG-4's loop thread need not collect garbage for errors: nothing keeps the handler."""
    import gc
    import weakref

    references = []

    class Handler(RequestHandler):
        def get(self):
            references.append(weakref.ref(self))
            raise HTTPError(403)

        async def post(self):
            references.append(weakref.ref(self))
            await asyncio.sleep(0)

    gc.disable()
    try:
        for method in ("GET", "POST"):
            conn = ask(Handler, method)
            conn.close_callback = None
    finally:
        gc.enable()
    assert [reference() for reference in references] == [None, None]
