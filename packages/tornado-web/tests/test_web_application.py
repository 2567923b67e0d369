"""Applications: settings, routes, delegates, the log, transforms."""

from __future__ import annotations

import logging
import zlib

import pytest

from tornado._web.messages import ApplicationMessage
from tornado.httputil import HTTPServerRequest
from tornado.routing import HostMatches, PathMatches, Router, Rule, RuleRouter
from tornado.web import (
    Application,
    GZipContentEncoding,
    OutputTransform,
    RequestHandler,
    StaticFileHandler,
    URLSpec,
    url,
)


class Named(RequestHandler):
    """Writes the name that its route gives it."""

    def initialize(self, name="-"):
        self.name = name

    def get(self, *args):
        self.write(" ".join([self.name, *args]))

    post = head = get


def route(pattern, name):
    return (pattern, Named, {"name": name})


class TestSettings:
    def test_settings(self):
        """WEB-24."""
        app = Application(None, colour="red")
        assert app.settings == {"colour": "red"}

    def test_debug(self):
        """WEB-156."""
        app = Application(debug=True, autoreload=False)
        assert app.settings == {
            "debug": True,
            "autoreload": False,
            "compiled_template_cache": False,
            "static_hash_cache": False,
            "serve_traceback": True,
        }

    def test_debug_settings_can_be_chosen(self):
        app = Application(debug=True, autoreload=False, serve_traceback=False)
        assert app.settings["serve_traceback"] is False

    @pytest.mark.parametrize("name", ["compress_response", "gzip"])
    def test_compression(self, name):
        assert Application(**{name: True}).transforms == [GZipContentEncoding]
        assert Application(**{name: True}, transforms=[]).transforms == []
        assert Application().transforms == []


class TestRoutes:
    def test_first_match(self, fetch):
        """WEB-1."""
        app = Application([route("/a.*", "first"), route("/ab", "second"), route("/.*", "third")])
        assert fetch(app, "GET", "/ab").text == "first"
        assert fetch(app, "GET", "/b").text == "third"

    def test_forms(self, fetch):
        """WEB-17, WEB-15: URLSpec, pairs, triples; classes by name."""
        assert url is URLSpec
        app = Application(
            [
                url("/1", Named, {"name": "spec"}),
                ("/2", Named),
                route("/3", "triple"),
                ("/4", "tornado.web.ErrorHandler", {"status_code": 418}),
                Rule(PathMatches("/5"), Named, {"name": "rule"}),
                (HostMatches("www.example.com"), [route("/6", "nested")]),
            ]
        )
        answers = [fetch(app, "GET", f"/{n}") for n in range(1, 8)]
        assert [conn.code for conn in answers] == [200, 200, 200, 418, 200, 200, 404]
        assert [answers[n].text for n in (0, 1, 2, 4, 5)] == [
            "spec",
            "-",
            "triple",
            "rule",
            "nested",
        ]

    def test_reverse_url(self, ask, fetch):
        """WEB-26, WEB-27, WEB-28: arguments become text and are escaped."""
        app = Application([url("/user/(.*)/(.*)", Named, name="user")])
        assert app.reverse_url("user", "a b", 5) == "/user/a%20b/5"
        assert app.reverse_url("user", "é", b"\xc3\xa9") == "/user/%C3%A9/%C3%A9"
        with pytest.raises(KeyError, match="nobody"):
            app.reverse_url("nobody")

        class Handler(RequestHandler):
            def get(self):
                self.write(self.reverse_url("self", "x"))

        app = Application([url("/h", Handler), url("/(.*)", Named, name="self")])
        assert fetch(app, "GET", "/h").text == "/x"

    def test_hosts(self, fetch):
        """WEB-21, WEB-22: in the order in which they were added, before the routes for all hosts.

        The older documents say that only the first pattern that matches counts; since version 4.5,
        what its routes leave is tried with the next ones.
        """
        app = Application([route("/a", "any"), route("/b", "any")])
        app.add_handlers(r"one\.com", [route("/a", "one")])
        app.add_handlers(r".*\.com", [route("/a", "two"), route("/c", "two")])

        def text(host, path):
            conn = fetch(app, "GET", path, headers={"Host": host})
            return conn.text if conn.code == 200 else conn.code

        assert text("one.com", "/a") == "one"
        assert text("one.com:80", "/a") == "one"
        assert text("two.com", "/a") == "two"
        assert text("other.org", "/a") == "any"
        assert text("other.org", "/c") == 404
        # The routes of a host come first, and what they leave is tried with those that follow.
        assert text("one.com", "/b") == "any"

    def test_default_host(self, fetch):
        """WEB-23: it stands in for hosts without routes of their own."""
        app = Application([route("/a", "any")], default_host="one.com")
        app.add_handlers(r"one\.com", [route("/b", "one")])
        for headers, code in [
            ({"Host": "one.com"}, 200),
            ({"Host": "192.0.2.1"}, 200),
            ({"Host": "192.0.2.1", "X-Real-Ip": "192.0.2.2"}, 404),
        ]:
            assert fetch(app, "GET", "/b", headers=headers).code == code

    def test_unknown_path(self, fetch):
        assert fetch(Application()).code == 404
        assert fetch(Application([route("/a", "a")]), "GET", "/b").code == 404

    def test_default_handler_class(self, fetch):
        app = Application(default_handler_class=Named, default_handler_args={"name": "default"})
        assert fetch(app).text == "default"

    def test_rules_may_change(self, fetch):
        """Relied-upon internals, 3: programs add to the lists of rules themselves."""
        app = Application([route("/a", "old")])
        assert fetch(app, "GET", "/b").code == 404
        app.wildcard_router.rules.append(url("/b", Named, {"name": "new"}))
        assert fetch(app, "GET", "/b").text == "new"
        app.default_router.rules.insert(0, Rule(PathMatches("/a"), Named, {"name": "before"}))
        assert fetch(app, "GET", "/a").text == "before"
        app.default_router.rules.pop()
        app.add_handlers(".*", [route("/c", "last")])
        assert fetch(app, "GET", "/c").text == "last"

    def test_many_routes(self, fetch):
        app = Application([route(f"/r{n}/(.*)", f"r{n}") for n in range(50)])
        assert fetch(app, "GET", "/r49/x").text == "r49 x"
        assert fetch(app, "GET", "/r50/x").code == 404

    def test_both_ways_to_a_handler_agree(self, fetch):
        """With rules for hosts, requests go through the routers; the answers are the same."""
        plain = Application([route("/(.*)", "name")])
        hosts = Application([route("/(.*)", "name")])
        hosts.add_handlers("nowhere", [])
        for options in ({"uri": "/x"}, {"method": "POST", "uri": "/x", "body": b"abc"}):
            first, second = fetch(plain, **options), fetch(hosts, **options)
            assert (first.code, first.text) == (second.code, second.text) == (200, "name x")


class TestDelegates:
    def test_find_handler_can_be_overridden(self, fetch):
        class Own(Application):
            def find_handler(self, request, **kwargs):
                if request.path == "/special":
                    return self.get_handler_delegate(request, Named, {"name": "special"})
                return super().find_handler(request, **kwargs)

        app = Own([route("/.*", "common")])
        assert fetch(app, "GET", "/special").text == "special"
        assert fetch(app, "GET", "/x").text == "common"

    def test_get_handler_delegate_can_be_overridden(self, fetch):
        class Own(Application):
            def get_handler_delegate(self, request, target_class, target_kwargs=None, *args, **kw):
                kwargs = {**(target_kwargs or {}), "name": "own"}
                return super().get_handler_delegate(request, target_class, kwargs, *args, **kw)

        assert fetch(Own([route("/(.*)", "name")]), "GET", "/x").text == "own x"

    def test_application_below_a_router(self, fetch):
        app = Application([route("/a", "below")])
        router = RuleRouter([(PathMatches("/.*"), app)])
        router._running = app._running
        assert fetch(router, "GET", "/a").text == "below"
        assert fetch(router, "GET", "/b").code == 404

    def test_router_below_an_application(self, fetch):
        class Everything(Router):
            def find_handler(self, request, **kwargs):
                return app.get_handler_delegate(request, Named, {"name": "router"})

        app = Application([("/.*", Everything())])
        assert fetch(app).text == "router"
        conn = fetch(app, "POST", body=b"x")
        assert conn.text == "router"

    def test_call(self):
        """WEB-19: a request that is complete can be passed to the application itself."""
        seen = []

        class Handler(RequestHandler):
            def post(self):
                seen.append((self.request.body, self.get_body_argument("a")))
                self._finished = True

        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = HTTPServerRequest("POST", "/", body=b"a=1", connection=object())
        for name, value in headers.items():
            request.headers[name] = value
        assert Application([("/", Handler)])(request) is None
        assert seen == [(b"a=1", "1")]

    def test_client_that_leaves_early(self):
        """A request whose body never comes is forgotten."""
        message = ApplicationMessage(Application([route("/", "x")]), None, None)
        message.on_connection_close()
        assert message.handler is None


class TestLog:
    @pytest.mark.parametrize(
        ("code", "level"), [(200, "INFO"), (304, "INFO"), (404, "WARNING"), (500, "ERROR")]
    )
    def test_levels(self, ask, caplog, code, level):
        """WEB-29."""

        class Handler(RequestHandler):
            def get(self):
                self.set_status(code)

        with caplog.at_level(logging.INFO, "tornado.access"):
            ask(Handler, uri="/path?query")
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("tornado.access", level)
        assert record.getMessage().startswith(f"{code} GET /path?query (192.0.2.1) ")
        assert record.getMessage().endswith("ms")

    def test_quiet_log_formats_nothing(self, ask):
        class Handler(RequestHandler):
            def get(self):
                pass

            def _request_summary(self):
                raise AssertionError

        logger = logging.getLogger("tornado.access")
        logger.setLevel(logging.ERROR)
        try:
            assert ask(Handler).code == 200
        finally:
            logger.setLevel(logging.NOTSET)

    def test_log_function(self, ask):
        """WEB-30."""
        seen = []
        assert ask(Named, settings={"log_function": seen.append}).code == 200
        assert [type(handler) for handler in seen] == [Named]

    def test_log_request_can_be_overridden(self, fetch):
        """WEB-30."""

        class Own(Application):
            def log_request(self, handler):
                seen.append(handler.get_status())

        seen = []
        fetch(Own())
        assert seen == [404]


class TestStaticRoutes:
    """The settings; the files themselves have tests of their own."""

    @pytest.fixture
    def root(self, tmp_path):
        for name in ("a.txt", "robots.txt", "favicon.ico"):
            (tmp_path / name).write_text(name)
        return str(tmp_path)

    @pytest.mark.parametrize("uri", ["/static/a.txt", "/robots.txt", "/favicon.ico"])
    def test_paths(self, fetch, root, uri):
        """WEB-115, WEB-116."""
        assert fetch(Application(static_path=root), "GET", uri).text == uri.rpartition("/")[2]

    def test_prefix(self, fetch, root):
        """WEB-117: of the files and of the URLs that are made for them."""

        class Page(RequestHandler):
            def get(self):
                self.write(self.static_url("a.txt", include_version=False))

        app = Application([("/", Page)], static_path=root, static_url_prefix="/s.t/")
        assert fetch(app).text == "/s.t/a.txt"
        assert fetch(app, "GET", "/s.t/a.txt").code == 200
        assert fetch(app, "GET", "/sxt/a.txt").code == 404
        assert fetch(app, "GET", "/static/a.txt").code == 404

    def test_class(self, ask, root):
        """WEB-118."""

        class Own(StaticFileHandler):
            @classmethod
            def make_static_url(cls, settings, path, include_version=True):
                return f"own:{path}"

        class Handler(RequestHandler):
            def get(self):
                self.write(self.static_url("a"))

        settings = {"static_path": root, "static_handler_class": Own}
        assert ask(Handler, settings=settings).text == "own:a"

    @pytest.mark.parametrize(
        ("attribute", "argument", "absolute"),
        [
            (None, None, False),
            (True, None, True),
            (True, False, False),
            (False, True, True),
        ],
    )
    def test_include_host(self, ask, root, attribute, argument, absolute):
        """WEB-122, WEB-123: relative by default; the argument decides, or else the attribute."""

        class Handler(RequestHandler):
            def get(self):
                self.write(self.static_url("a.txt", argument, include_version=False))

        if attribute is not None:
            Handler.include_host = attribute
        host = "http://www.example.com" if absolute else ""
        assert ask(Handler, settings={"static_path": root}).text == f"{host}/static/a.txt"

    def test_needs_the_setting(self, ask, caplog):
        """WEB-120."""

        class Handler(RequestHandler):
            def get(self):
                self.static_url("a.txt")

        assert ask(Handler).code == 500
        assert "static_path" in caplog.text


class Shouting(OutputTransform):
    def transform_first_chunk(self, status_code, headers, chunk, finishing):
        headers["X-Status"] = str(status_code)
        return 299, headers, self.transform_chunk(chunk, finishing)

    def transform_chunk(self, chunk, finishing):
        return chunk.upper()


class TestTransforms:
    class Handler(RequestHandler):
        def get(self):
            self.write("a")
            if self.get_argument("flush", None):
                self.flush()
            self.write("b")

    @pytest.mark.parametrize("uri", ["/", "/?flush=1"])
    def test_transform(self, fetch, uri):
        """WEB-31, WEB-32: later responses pass through it; it may change the status too."""
        app = Application([("/", self.Handler)])
        assert fetch(app, "GET", uri).text == "ab"
        app.add_transform(Shouting)
        conn = fetch(app, "GET", uri)
        assert (conn.code, conn.headers["X-Status"], conn.text) == (299, "200", "AB")

    def test_base_class_changes_nothing(self, fetch):
        app = Application([("/", self.Handler)], transforms=[OutputTransform])
        conn = fetch(app, "GET", "/?flush=1")
        assert (conn.code, conn.text) == (200, "ab")


def gunzip(data):
    return zlib.decompress(data, 16 + zlib.MAX_WBITS)


class TestGzip:
    class Handler(RequestHandler):
        def get(self):
            self.set_header("Content-Type", self.get_argument("type", "text/html"))
            for name in ("Vary", "Content-Encoding", "Content-Length"):
                if self.get_argument(name, None):
                    self.set_header(name, self.get_argument(name))
            for _ in range(int(self.get_argument("pieces", "1"))):
                self.write("x" * int(self.get_argument("size", "2000")))
                if self.get_argument("pieces", None):
                    self.flush()

        head = get

    def get(self, ask, uri="/", accept="gzip", method="GET"):
        headers = {} if accept is None else {"Accept-Encoding": accept}
        return ask(self.Handler, method, uri, headers=headers, settings={"gzip": True})

    @pytest.mark.parametrize(
        "media_type",
        ["text/plain", "text/css; charset=x", "application/json", "Application/JSON"]
        + ["application/javascript", "image/svg+xml"],
    )
    def test_compressed(self, ask, media_type):
        """WEB-65."""
        conn = self.get(ask, f"/?type={media_type.replace(';', '%3B').replace('+', '%2B')}")
        assert conn.headers["Content-Encoding"] == "gzip"
        assert conn.headers["Content-Length"] == str(len(conn.body))
        assert conn.headers["Vary"] == "Accept-Encoding"
        assert conn.headers["Etag"].startswith('W/"')
        assert len(conn.body) < 100
        assert gunzip(conn.body) == b"x" * 2000

    @pytest.mark.parametrize(
        ("uri", "accept"),
        [
            ("/", None),
            ("/", "br"),
            ("/", "gzip;q=0"),
            ("/?size=1023", "gzip"),
            ("/?type=image/png", "gzip"),
            ("/?Content-Encoding=x", "gzip"),
        ],
    )
    def test_left_as_it_is(self, ask, uri, accept):
        conn = self.get(ask, uri, accept)
        assert conn.headers.get("Content-Encoding") != "gzip"
        assert conn.headers["Vary"] == "Accept-Encoding"
        assert set(conn.body) == {ord("x")}

    def test_smallest(self, ask):
        assert self.get(ask, "/?size=1024").headers["Content-Encoding"] == "gzip"

    def test_pieces_can_be_read_as_they_come(self, ask):
        conn = self.get(ask, "/?pieces=3&size=5")
        assert "Content-Length" not in conn.headers
        decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert [decoder.decompress(piece) for piece in conn.pieces][:3] == [b"xxxxx"] * 3
        assert decoder.eof

    def test_announced_length_is_kept(self, ask):
        conn = self.get(ask, "/?pieces=2&size=5&Content-Length=10")
        assert conn.body == b"x" * 10
        assert conn.headers["Content-Length"] == "10"

    @pytest.mark.parametrize(
        ("vary", "expected"),
        [("Cookie", "Cookie, Accept-Encoding"), ("accept-encoding", "accept-encoding"), ("*", "*")],
    )
    def test_vary(self, ask, vary, expected):
        assert self.get(ask, f"/?Vary={vary}").headers["Vary"] == expected

    def test_head(self, ask):
        conn = self.get(ask, method="HEAD")
        assert conn.body == b""
        assert conn.headers["Content-Length"] == str(len(self.get(ask).body))

    def test_repeated_request(self, ask):
        etag = self.get(ask).headers["Etag"]
        headers = {"If-None-Match": etag, "Accept-Encoding": "gzip"}
        conn = ask(self.Handler, headers=headers, settings={"gzip": True})
        assert (conn.code, conn.body) == (304, b"")
