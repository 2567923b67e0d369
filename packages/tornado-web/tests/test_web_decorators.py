"""Decorators of methods, and the handlers that routes use as they are."""

from __future__ import annotations

import asyncio

import pytest

from tornado import gen
from tornado._web.urls import local_path, origin_of
from tornado.ioloop import IOLoop
from tornado.web import (
    Application,
    FallbackHandler,
    HTTPError,
    RedirectHandler,
    RequestHandler,
    addslash,
    asynchronous,
    authenticated,
    is_absolute,
    removeslash,
)


class TestAuthenticated:
    class Handler(RequestHandler):
        def get_current_user(self):
            return self.get_argument("user", None)

        @authenticated
        def get(self, *args):
            self.write("in")

        @authenticated
        async def post(self, *args):
            self.write("in")

        head = get

    @pytest.mark.parametrize(
        ("login_url", "uri", "location"),
        [
            ("/login", "/a?b=c", "/login?next=%2Fa%3Fb%3Dc"),
            (
                "https://other.com/login",
                "/a",
                "https://other.com/login?next=http%3A%2F%2Fwww.example.com%2Fa",
            ),
            ("/login?from=here", "/a", "/login?from=here"),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_unknown_users_are_sent_to_log_in(self, ask, method, login_url, uri, location):
        """WEB-101."""
        conn = ask(self.Handler, method, uri, settings={"login_url": login_url})
        assert (conn.code, conn.headers["Location"]) == (302, location)

    def test_unknown_users_cannot_post(self, ask):
        """WEB-102."""
        assert ask(self.Handler, "POST", settings={"login_url": "/login"}).code == 403

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_known_users(self, ask, method):
        assert ask(self.Handler, method, "/?user=me").text == "in"

    def test_without_the_setting(self, ask, caplog):
        assert ask(self.Handler).code == 500
        assert "login_url" in caplog.text


class TestSlashes:
    class Adding(RequestHandler):
        @addslash
        def get(self):
            self.write("here")

        post = head = get

    class Removing(RequestHandler):
        @removeslash
        def get(self):
            self.write("here")

        post = head = get

    @pytest.mark.parametrize(
        ("uri", "location"),
        [
            ("/foo", "/foo/"),  # WEB-151
            ("/foo?a=b", "/foo/?a=b"),
            ("//evil.com", "/evil.com/"),  # T9, P25
            ("//evil.com/a?b", "/evil.com/a/?b"),
            ("///evil.com", "/evil.com/"),
            (r"/\evil.com", "/evil.com/"),
            (r"/\/evil.com", "/evil.com/"),
        ],
    )
    def test_addslash(self, ask, uri, location):
        for method in ("GET", "HEAD"):
            conn = ask(self.Adding, method, uri)
            assert (conn.code, conn.headers["Location"]) == (301, location)
        assert ask(self.Adding, "POST", uri).code == 404

    @pytest.mark.parametrize("uri", ["/", "/foo/", "/foo/?a"])
    def test_nothing_to_add(self, ask, uri):
        assert ask(self.Adding, "GET", uri).text == "here"

    @pytest.mark.parametrize(
        ("uri", "location"),
        [
            ("/foo/", "/foo"),  # WEB-152
            ("/foo//?a=b", "/foo?a=b"),
            ("//evil.com/", "/evil.com"),  # T9, P25
            (r"/\evil.com/", "/evil.com"),
        ],
    )
    def test_removeslash(self, ask, uri, location):
        for method in ("GET", "HEAD"):
            conn = ask(self.Removing, method, uri)
            assert (conn.code, conn.headers["Location"]) == (301, location)
        assert ask(self.Removing, "POST", uri).code == 404

    @pytest.mark.parametrize("uri", ["/", "//", "/foo", "/foo?a/"])
    def test_nothing_to_remove(self, ask, uri):
        """WEB-152: no loop at the root."""
        assert ask(self.Removing, "GET", uri).text == "here"


class TestAsynchronous:
    def test_open_until_finish(self, ask):
        """WEB-148."""

        class Handler(RequestHandler):
            @asynchronous
            def get(self):
                self.write("a")
                IOLoop.current().add_callback(self.later)

            def later(self):
                self.finish("b")

        assert ask(Handler).text == "ab"

    def test_with_a_coroutine(self, ask):
        class Handler(RequestHandler):
            @asynchronous
            @gen.coroutine
            def get(self):
                yield gen.sleep(0)
                self.finish("done")

            @asynchronous
            @gen.coroutine
            def post(self):
                yield gen.sleep(0)
                raise HTTPError(418)

        assert ask(Handler).text == "done"
        assert ask(Handler, "POST").code == 418

    def test_with_an_engine_inside(self, ask):
        """GEN-2: asynchronous outside, engine inside. GEN-11: errors are those of the request."""

        def later(value, callback):
            IOLoop.current().add_callback(callback, value)

        class Handler(RequestHandler):
            @asynchronous
            @gen.engine
            def get(self):
                first = yield gen.Task(later, "a")
                self.write(first)
                both = yield [gen.Task(later, "b"), gen.Task(later, "c")]
                self.finish("".join(both))

            @asynchronous
            @gen.engine
            def post(self):
                yield gen.Task(later, None)
                raise HTTPError(418)

        assert ask(Handler).text == "abc"
        assert ask(Handler, "POST").code == 418

    def test_error_in_the_method(self, ask):
        class Handler(RequestHandler):
            @asynchronous
            def get(self):
                raise HTTPError(418)

        assert ask(Handler).code == 418

    @pytest.mark.parametrize("depth", [1, 3])
    def test_error_in_a_callback(self, ask, depth):
        """WEB-82: it ends the request, however many callbacks later, without async_callback."""

        class Handler(RequestHandler):
            @asynchronous
            def get(self):
                self.again(depth)

            def again(self, left):
                if not left:
                    raise HTTPError(418)
                IOLoop.current().add_callback(self.again, left - 1)

        assert ask(Handler).code == 418


class TestRedirectHandler:
    @pytest.mark.parametrize(("options", "code"), [({}, 301), ({"permanent": False}, 302)])
    def test_status(self, fetch, options, code):
        """WEB-153."""
        app = Application([("/a", RedirectHandler, {"url": "/b", **options})])
        conn = fetch(app, "GET", "/a")
        assert (conn.code, conn.headers["Location"]) == (code, "/b")
        assert fetch(app, "POST", "/a").code == 405

    @pytest.mark.parametrize(
        ("pattern", "url", "uri", "location"),
        [
            ("/a", "/b?c=d", "/a?e=%20f&g=", "/b?c=d&e=+f"),
            ("/(.*)", "/x/{0}", "/a/b", "/x/a/b"),
            ("/(.*)", "/x/{0}", "//a", "/x//a"),
            ("/(.*)", "/x/{0}", "/http://evil.com", "/x/http://evil.com"),
            ("/(.*?)/(.*)", "http://example.com/{1}/{0}", "/a/b", "http://example.com/b/a"),
            ("/(?P<x>.*)", "https://example.com/?{x}", "/a", "https://example.com/?a"),
            ("/(.*)", "{0}", "/page", "page"),
            ("/(.*)", "/{0:>3}", "/a", "/  a"),
            ("/(a)?b", "/{0}", "/b", "/None"),
            ("/(.*)", "{{{0}}}", "/a", "{a}"),
            ("/(.*)", "//example.com/{0}", "/a", "//example.com/a"),
            # T8: a host ends where the group begins with a slash.
            ("(/.*)", "https://example.com{0}", "/a/b", "https://example.com/a/b"),
            ("(/.*)", "https://example.com{0}", "//a", "https://example.com//a"),
            ("(/.*)", "https://example.com:1{0}", "/@a", "https://example.com:1/@a"),
            ("(/.*)", "//example.com{0}", "/a", "//example.com/a"),
            ("(/.*)", "/new{0}", "//a", "/new//a"),
            ("(/.*)", "{0}", "/a//b", "/a//b"),
            ("/a(.*)", "http://example.com{0}", "/a%3Fb", "http://example.com?b"),
        ],
    )
    def test_target(self, fetch, pattern, url, uri, location):
        app = Application([(pattern, RedirectHandler, {"url": url})])
        conn = fetch(app, "GET", uri)
        assert conn.code == 301
        assert conn.headers["Location"].startswith(location)

    @pytest.mark.parametrize(
        ("url", "group"),
        [
            ("{0}", "http:%2F%2Fevil.com"),
            ("{0}", "//evil.com"),
            ("{0}", "%5C%5Cevil.com"),
            ("{0}", "/%5Cevil.com"),
            ("{0}", "%5C/evil.com"),
            ("{0}", "///evil.com"),
            ("{0}", "%20//evil.com"),
            ("{0}", "javascript:alert(1)"),
            ("{0}", "JavaScript:alert(1)"),
            ("{0}", "%09//evil.com"),
            ("{0}", "/%09/evil.com"),
            ("{0}", "/%0D%0AX:y"),
            ("{0}", "%00"),
            ("/{0}", "/evil.com"),
            ("/{0}", "%5Cevil.com"),
            ("/{0}/evil.com", ""),
            ("/{0}", "%0A/evil.com"),
            ("http:{0}", "//evil.com"),
            ("http://good.com{0}", ".evil.com"),
            ("http://good.com{0}", "@evil.com"),
            ("http://good.com{0}", "%5Cevil.com"),
            ("http://good.com{0}", "%09/evil.com"),
            ("http:{0}", "/evil.com"),
            ("http://good.com{0}", ":81"),
            ("http://good.com{0}", "%5C@evil.com"),
            ("http://good.com:8{0}", "x"),
            ("http://good.com:8{0}", "y"),
            ("http://{0}.good.com/", "evil.com%2F"),
            ("http://{0}.good.com/", "x"),
            ("//good.com{0}", ".evil.com"),
        ],
    )
    def test_other_sites(self, fetch, caplog, url, group):
        """T8, P25: what is filled in cannot change scheme, user, host or port, as browsers see
        them.
        """
        app = Application([("/go(.*)", RedirectHandler, {"url": url})])
        conn = fetch(app, "GET", "/go" + group)
        assert conn.code == 400
        assert "Location" not in conn.headers


class TestFallbackHandler:
    def test_function(self, fetch):
        """WEB-155: the request is handed over, with its body."""

        def fallback(request):
            seen.append((request.method, request.body))
            request.connection.finish()

        seen = []
        app = Application([(".*", FallbackHandler, {"fallback": fallback})])
        fetch(app, "POST", "/x", body=b"abc")
        assert seen == [("POST", b"abc")]

    def test_application(self, fetch):
        """WEB-155, WEB-19: another application is such a function too."""

        class Handler(RequestHandler):
            def post(self):
                self.write(self.request.body)

        inner = Application([("/x", Handler)])
        app = Application([(".*", FallbackHandler, {"fallback": inner})])
        assert fetch(app, "POST", "/x", body=b"abc").text == "abc"
        assert fetch(app, "POST", "/y", body=b"abc").code == 404


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/a", (None, None)),
        ("a", (None, None)),
        ("//a/b", (None, "a")),
        ("///a", (None, "a")),
        (r"\\a", (None, "a")),
        (r"/\A/b", (None, "a")),
        (" //a", (None, "a")),
        ("/\t/a", (None, "a")),
        ("http://A/b", ("http", "a")),
        ("HTTP:a/b", ("http", "a")),
        ("http:/\\/u@a:1?b", ("http", "u@a:1")),
        ("mailto:a@b", ("mailto", "a@b")),
        ("?a://b", (None, None)),
        ("", (None, None)),
    ],
)
def test_origin_of(url, expected):
    """What browsers take for scheme and host (the URL standard's section 4.4)."""
    assert origin_of(url) == expected


@pytest.mark.parametrize("path", ["/a", "//a", "///a", r"/\a", r"\\a", r"/\/\a", "a"])
def test_local_path(path):
    assert local_path(path) == "/a"


@pytest.mark.parametrize(
    ("url", "expected"),
    [("/a", True), ("http://a", True), ("https://a", True), ("a", False), ("a/http:", False)],
)
def test_is_absolute(url, expected):
    assert is_absolute(url) is expected


def test_decorators_keep_names():
    async def method(self):
        """Documentation."""

    for decorate in (asynchronous, authenticated, addslash, removeslash):
        assert decorate(method).__name__ == "method"
        assert decorate(method).__doc__ == "Documentation."
    assert asyncio.iscoroutinefunction(method)
