"""Status, headers and content of responses."""

from __future__ import annotations

import asyncio
import datetime
import enum
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tornado
from tornado._web.etags import is_among
from tornado._web.headers import header_text
from tornado.web import RequestHandler


class Kind(enum.StrEnum):
    """Text of another type."""

    TEXT = "text"


def answering(get, **attributes):
    """Make a handler class that answers GET and HEAD requests with a function."""
    return type("Made", (RequestHandler,), {"get": get, "head": get, "post": get, **attributes})


def test_plain_answer(ask):
    conn = ask(answering(lambda self: self.write("héllo")))
    assert (conn.code, conn.reason, conn.body) == (200, "OK", "héllo".encode())
    assert conn.headers["Server"] == f"TornadoServer/{tornado.version}"
    assert conn.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert conn.headers["Content-Length"] == "6"
    assert conn.headers["Date"].endswith(" GMT")


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [(201, None, "Created"), (299, None, "Unknown"), (404, "Gone Fishing", "Gone Fishing")],
)
def test_status(ask, code, reason, expected):
    """WEB-43, WEB-73."""

    def get(self):
        self.set_status(code, reason)
        assert self.get_status() == code
        self.write("body")

    conn = ask(answering(get))
    assert (conn.code, conn.reason, conn.text) == (code, expected, "body")


@pytest.mark.parametrize("reason", ["a\r\nX: y", "a\nb", "a\0", "\x7f", "☃"])
def test_reasons_that_cannot_be_sent(ask, reason):
    """S1, S2."""

    def get(self):
        with pytest.raises(ValueError):
            self.set_status(200, reason)
        self.write(self._reason)

    assert ask(answering(get)).text == "OK"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("text", "text"),
        (Kind.TEXT, "text"),
        ("a\tb", "a\tb"),
        (b"bytes", "bytes"),
        (5, "5"),
        (2.5, "2.5"),
        ("é", "Ã©"),  # its UTF-8 octets, as characters
        ("é".encode(), "Ã©"),
        (datetime.datetime(2013, 1, 27, 18, 43, 20), "Sun, 27 Jan 2013 18:43:20 GMT"),
    ],
)
def test_header_values(ask, value, sent):
    """WEB-45, WEB-46: dates, numbers and text become what HTTP writes."""

    def get(self):
        self.set_header("X-Test", value)
        self.add_header("X-Other", value)

    conn = ask(answering(get))
    assert conn.headers.get_list("X-Test") == conn.headers.get_list("X-Other") == [sent]


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\rb", "a\0b", b"a\nb", "\x7f", "\x1b["])
@pytest.mark.parametrize("method", ["set_header", "add_header"])
def test_header_injection(ask, caplog, method, value):
    """WEB-47, S1: control characters raise, and nothing of them is sent."""
    conn = ask(answering(lambda self: getattr(self, method)("X-Test", value)))
    assert conn.code == 500
    assert "X-Test" not in conn.headers


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\r\n", "a\0"])
@pytest.mark.parametrize("method", ["set_header", "add_header"])
def test_header_names_that_are_no_tokens(ask, caplog, method, name):
    """S1."""
    assert ask(answering(lambda self: getattr(self, method)(name, "x"))).code == 500


@pytest.mark.parametrize("value", [None, [], {}])
def test_values_that_are_no_header(value):
    with pytest.raises(TypeError):
        header_text(value)


@given(st.text(), st.text())
def test_header_text_is_safe(before, after):
    """Whatever text is given, a line end never comes through."""
    for end in ("\r", "\n", "\0"):
        with pytest.raises(ValueError):
            header_text(before + end + after)


def test_set_add_and_clear_header(ask):
    """WEB-44, WEB-48: setting replaces, adding adds, names have no case."""

    def get(self):
        self.set_header("X-A", "1")
        self.set_header("x-a", "2")
        self.add_header("X-B", "1")
        self.add_header("x-b", "2")
        self.set_header("X-C", "1")
        self.clear_header("x-c")
        self.clear_header("x-d")

    headers = ask(answering(get)).headers
    assert headers.get_list("X-A") == ["2"]
    assert headers.get_list("X-B") == ["1", "2"]
    assert "X-C" not in headers


def test_default_headers(ask, caplog):
    """WEB-49, WEB-50, WEB-51: set_default_headers survives clear() and errors, other headers do
    not.
    """

    class Handler(RequestHandler):
        def set_default_headers(self):
            self.set_header("Server", "own")

        def get(self):
            self.set_header("X-A", "1")
            self.write("dropped")
            self.set_status(201)
            self.clear()

        def post(self):
            self.set_header("X-A", "1")
            self.write("dropped")
            raise ValueError

    for method, code in [("GET", 200), ("POST", 500)]:
        conn = ask(Handler, method)
        assert conn.code == code
        assert conn.headers["Server"] == "own"
        assert "X-A" not in conn.headers
        assert "dropped" not in conn.text


def test_json(ask):
    """WEB-52, WEB-53: a dictionary is sent as JSON; a content type set later stands."""
    conn = ask(answering(lambda self: self.write({"a": "</script>"})))
    assert json.loads(conn.body) == {"a": "</script>"}
    assert b"</script>" not in conn.body
    assert conn.headers["Content-Type"] == "application/json; charset=UTF-8"

    def get(self):
        self.write({})
        self.set_header("Content-Type", "application/problem+json")

    assert ask(answering(get)).headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("chunk", [[1], 1, None, ()])
def test_other_types_are_refused(ask, chunk):
    """WEB-54."""

    def get(self):
        with pytest.raises(TypeError):
            self.write(chunk)

    assert ask(answering(get)).body == b""


def test_content_is_buffered(ask):
    """WEB-55, WEB-59: nothing is sent before flush or finish."""

    def get(self):
        self.write("a")
        self.write(b"b")
        assert self.request.connection.start_line is None
        self.finish("c")

    conn = ask(answering(get))
    assert conn.pieces == [b"abc"]


def test_flush(ask):
    def get(self):
        self.write("a")
        self.flush()
        self.write("b")
        self.flush()
        self.write("c")

    conn = ask(answering(get))
    assert conn.pieces == [b"a", b"b", b"c"]
    assert "Content-Length" not in conn.headers
    assert "Etag" not in conn.headers


def test_flush_can_be_awaited(ask):
    async def get(self):
        self.write("a")
        await self.flush()
        await self.finish("b")

    assert ask(answering(get)).pieces == [b"a", b"b"]


def test_flush_callbacks(ask):
    """WEB-56, WEB-57, WEB-58: called when all is written, also if that is nothing; a later one
    replaces an earlier.
    """
    called = []

    async def get(self):
        self.write("a")
        self.flush(callback=lambda: called.append("replaced"))
        self.flush(callback=lambda: called.append("first"))
        assert called == []
        while not called:
            await asyncio.sleep(0)
        self.flush(callback=lambda: called.append("empty"))
        while len(called) < 2:
            await asyncio.sleep(0)

    ask(answering(get))
    assert called == ["first", "empty"]


def test_after_finish(ask):
    def get(self):
        self.finish("x")
        with pytest.raises(RuntimeError):
            self.finish()
        with pytest.raises(RuntimeError):
            self.write("y")
        with pytest.raises(RuntimeError):
            self.render("t.html")
        with pytest.raises(RuntimeError):
            self.redirect("/")

    conn = ask(answering(get))
    assert (conn.text, conn.finished) == ("x", 1)


@pytest.mark.parametrize(
    ("options", "code"),
    [({}, 302), ({"permanent": True}, 301), ({"status": 307}, 307), ({"status": 303}, 303)],
)
@pytest.mark.parametrize("url", ["/a?b", "a", "../a", "http://example.com/"])
def test_redirect(ask, url, options, code):
    """WEB-62, WEB-63."""
    conn = ask(answering(lambda self: self.redirect(url, **options)))
    assert (conn.code, conn.headers["Location"], conn.body) == (code, url, b"")
    assert conn.headers["Content-Length"] == "0"


@pytest.mark.parametrize("url", ["/a\r\nX: y", "/a\nb", "/\0", "/\t/host", b"/\t/host"])
def test_redirect_injection(ask, caplog, url):
    """WEB-64, S1, P25."""
    conn = ask(answering(lambda self: self.redirect(url)))
    assert conn.code == 500
    assert "Location" not in conn.headers


@pytest.mark.parametrize("status", [200, 299, 400, "301"])
def test_status_of_no_redirect(ask, caplog, status):
    assert ask(answering(lambda self: self.redirect("/", status=status))).code == 500


@pytest.mark.parametrize("code", [204, 304])
def test_status_without_content(ask, code):
    """WEB-66: no header of it speaks of content."""

    def get(self):
        self.set_header("Content-Language", "de")
        self.set_header("Etag", '"x"')
        self.set_header("Last-Modified", "yesterday")
        self.set_status(code)

    conn = ask(answering(get))
    assert (conn.code, conn.body) == (code, b"")
    assert not [name for name in conn.headers if name.startswith("Content-")]
    assert (conn.headers["Etag"], conn.headers["Last-Modified"]) == ('"x"', "yesterday")


@pytest.mark.parametrize("code", [100, 101, 204, 304])
def test_content_with_a_status_without(ask, caplog, code):
    """S22, P14: it raises, however Python runs."""

    def get(self):
        self.set_status(code)
        self.write("x")

    assert ask(answering(get)).code == 500
    assert "RuntimeError" in caplog.text


def test_length_that_is_not_true(ask, caplog):
    def get(self):
        self.set_header("Content-Length", "5")
        self.write("x")

    assert ask(answering(get)).code == 500
    assert "Content-Length is set to '5'" in caplog.text


def test_head(ask):
    """WEB-70: headers as of GET, no content."""
    handler = answering(lambda self: self.write("abc"))
    get, head = ask(handler), ask(handler, "HEAD")
    assert head.body == b""
    assert head.headers["Content-Length"] == "3"
    assert head.headers["Etag"] == get.headers["Etag"]


class TestEtag:
    def test_repeated_request(self, ask):
        """WEB-67, WEB-68: the same tag gives a 304 with that tag."""
        handler = answering(lambda self: self.write("x"))
        etag = ask(handler).headers["Etag"]
        assert etag == '"11f6ad8ec52a2984abaafd7c3b516503785c2072"'
        for method in ("GET", "HEAD"):
            conn = ask(handler, method, headers={"If-None-Match": etag})
            assert (conn.code, conn.body, conn.headers["Etag"]) == (304, b"", etag)
            assert "Content-Length" not in conn.headers

    def test_not_for_other_methods_and_statuses(self, ask):
        assert "Etag" not in ask(answering(lambda self: self.write("x")), "POST").headers
        assert "Etag" not in ask(answering(lambda self: self.set_status(201))).headers

    def test_own_tag(self, ask):
        """WEB-69."""
        own = answering(lambda self: self.write("x"), compute_etag=lambda self: '"own"')
        assert ask(own).headers["Etag"] == '"own"'
        none = answering(lambda self: self.write("x"), compute_etag=lambda self: None)
        assert "Etag" not in ask(none).headers
        headers = {"If-None-Match": "*"}
        assert ask(none, headers=headers).code == 200

    def test_tag_that_was_set(self, ask):
        handler = answering(lambda self: self.set_header("Etag", '"set"'))
        assert ask(handler).headers["Etag"] == '"set"'
        assert ask(handler, headers={"If-None-Match": '"set"'}).code == 304

    @pytest.mark.parametrize(
        ("etag", "header", "expected"),
        [
            ('"a"', '"a"', True),
            ('"a"', 'W/"a"', True),
            ('W/"a"', '"a"', True),
            ('"a"', '"b", "a"', True),
            ('"a"', '"b","c"', False),
            ('"a"', "*", True),
            ('"a"', " * ", True),
            ('"a"', "a", False),
            ('"a"', '"a', False),
            ('"a"', '"*"', False),
            ('"a,b"', '"a,b"', True),
            ('"a"', "", False),
        ],
    )
    def test_comparison(self, etag, header, expected):
        """RFC 9110 sections 8.8.3.2 and 13.1.2."""
        assert is_among(etag, header) is expected
