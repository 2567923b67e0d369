"""Cookies of handlers."""

from __future__ import annotations

import datetime
from http.cookies import CookieError, SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._web.set_cookies import quote
from tornado.web import RequestHandler

SECRET = {"cookie_secret": "s"}


@pytest.fixture
def run(ask):
    """Return a function that runs a function in a handler, and returns the connection."""

    def run(function, *, cookie=None, settings=None):
        headers = {} if cookie is None else {"Cookie": cookie}
        handler = type("Made", (RequestHandler,), {"get": lambda self: function(self)})
        conn = ask(handler, headers=headers, settings=settings)
        assert conn.code == 200
        return conn

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "n=v; Path=/"),  # WEB-84
        ({"path": "/a", "domain": "example.com"}, "n=v; Domain=example.com; Path=/a"),
        ({"path": None}, "n=v"),
        ({"max_age": 5}, "n=v; Max-Age=5; Path=/"),  # WEB-86
        ({"max_age": 0}, "n=v; Max-Age=0; Path=/"),
        ({"httponly": True, "secure": True}, "n=v; HttpOnly; Path=/; Secure"),  # WEB-85
        ({"httponly": False, "secure": False}, "n=v; Path=/"),
        ({"samesite": "Lax"}, "n=v; Path=/; SameSite=Lax"),
        ({"HttpOnly": True, "Max_Age": "7"}, "n=v; HttpOnly; Max-Age=7; Path=/"),
        ({"partitioned": True}, "n=v; Partitioned; Path=/"),
        (
            {"expires": datetime.datetime(2013, 1, 27, 18, 43, 20)},
            "n=v; expires=Sun, 27 Jan 2013 18:43:20 GMT; Path=/",
        ),
        ({"expires": 0}, "n=v; expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"),
        (
            {"expires": (2013, 1, 27, 18, 43, 20, 0, 0, 0)},
            "n=v; expires=Sun, 27 Jan 2013 18:43:20 GMT; Path=/",
        ),
    ],
)
def test_set_cookie(run, arguments, expected):
    conn = run(lambda self: self.set_cookie("n", "v", **arguments))
    assert conn.set_cookies == [expected]


def test_expires_days(run):
    """WEB-84."""
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    conn = run(lambda self: self.set_cookie("n", "v", expires_days=10))
    morsel = SimpleCookie(conn.set_cookies[0])["n"]
    expires = datetime.datetime.strptime(morsel["expires"], "%a, %d %b %Y %H:%M:%S GMT")
    lifetime = expires.replace(tzinfo=datetime.UTC) - before
    assert datetime.timedelta(days=10) <= lifetime <= datetime.timedelta(days=10, minutes=1)


def test_same_name_twice(run):
    """WEB-87: only the last one is sent."""

    def get(self):
        self.set_cookie("n", "1", path="/a")
        self.set_cookie("m", "2")
        self.set_cookie("n", "3")

    assert run(get).set_cookies == ["n=3; Path=/", "m=2; Path=/"]


def test_cookies_survive_errors(ask):
    """A page that says no may still end a session."""

    class Handler(RequestHandler):
        def get(self):
            self.clear_cookie("session")
            self.send_error(403)

    conn = ask(Handler)
    assert conn.code == 403
    assert len(conn.set_cookies) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "a=b"},
        {"name": "a;b"},
        {"name": "a\r\nb"},
        {"name": "é"},
        {"path": "/;x"},
        {"path": "/\r\nX: y"},
        {"domain": "a\r\n"},
        {"domain": "a;b"},
        {"domain": "a\0"},
        {"samesite": "Lax; Domain=x"},
        {"samesite": "x y"},
        {"Domain": "a;b"},
        {"DOMAIN": "a\nb"},
        {"Path": "/;"},
        {"SameSite": "x;"},
        {"comment": "a;b"},
        {"expires": "a;b"},
        {"colour": "red"},
    ],
)
def test_attributes_that_cannot_be_sent(run, arguments):
    """T5: names and attributes are checked, in whatever spelling."""

    def get(self):
        with pytest.raises(CookieError):
            self.set_cookie(**{"name": "n", "value": "v", **arguments})

    assert run(get).set_cookies == []


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0b", "a\x1fb", "☃"])
def test_values_that_cannot_be_sent(run, value):
    """T5."""

    def get(self):
        with pytest.raises(ValueError):
            self.set_cookie("n", value)
        with pytest.raises(ValueError):
            self.set_cookie("n", "v", max_age="5;")

    assert run(get).set_cookies == []


SENDABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF))


@given(SENDABLE)
def test_quoting_has_an_inverse(value):
    """WEB-88: what is set can be read, by us and by others."""
    quoted = quote(value)
    assert not set(quoted) & set("\r\n;,")
    assert quoted.isascii()
    parsed = SimpleCookie()
    parsed.load({"n": quoted})
    assert SimpleCookie().value_decode(quoted)[0] == value


@pytest.mark.parametrize("value", ["a b", 'a"b', "a\\b", "a;b", "a,b", "a=b", "é", ""])
def test_special_values(run, value):
    """WEB-88."""
    field = run(lambda self: self.set_cookie("n", value)).set_cookies[0]
    cookie = field.partition(";")[0]
    assert run(lambda self: self.write(repr(self.get_cookie("n"))), cookie=cookie).text == repr(
        value
    )


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("a=1; b=2", "1"),  # WEB-83
        ("b=2", None),
        ("a=1; a=3", "3"),
        ('a="x y"', "x y"),
        ("broken; a=1; =x; ;;", "1"),  # WEB-89, T3
        ('b="; a=1; c="', "1"),  # T3: only semicolons separate
        ("\x80=\x81; a=1", "1"),
    ],
)
def test_get_cookie(run, cookie, expected):
    def get(self):
        self.write(repr([self.get_cookie("a"), self.get_cookie("a", "default")]))

    assert run(get, cookie=cookie).text == repr([expected, expected or "default"])


def test_no_cookies(run):
    assert run(lambda self: self.write(repr(self.get_cookie("a", "d")))).text == "'d'"


def test_cookies_attribute(run):
    """WEB-91: the morsels of the request."""

    def get(self):
        assert self.cookies is self.request.cookies
        self.write(self.cookies["a"].value)

    assert run(get, cookie="a=1").text == "1"


def test_set_cookies_are_not_those_of_the_request(run):
    def get(self):
        self.set_cookie("a", "new")
        self.write(repr(self.get_cookie("a")))

    assert run(get).text == "None"


def is_expired(field):
    expires = SimpleCookie(field)
    (morsel,) = expires.values()
    moment = datetime.datetime.strptime(morsel["expires"], "%a, %d %b %Y %H:%M:%S GMT")
    return not morsel.value and moment < datetime.datetime(2030, 1, 1)


def test_clear_cookie(run):
    """WEB-90."""

    def get(self):
        self.clear_cookie("a")
        self.clear_cookie("b", "/b", "example.com")
        self.clear_cookie("c", secure=True, samesite="None")

    first, second, third = run(get).set_cookies
    assert all(map(is_expired, (first, second, third)))
    assert first.endswith("Path=/")
    assert second.startswith("b=; Domain=example.com;")
    assert second.endswith("Path=/b")
    assert third.endswith("Path=/; SameSite=None; Secure")


def test_clear_cookie_decides_when(run):
    def get(self):
        for argument in ("expires", "expires_days", "max_age"):
            with pytest.raises(TypeError):
                self.clear_cookie("a", **{argument: 5})

    assert run(get).set_cookies == []


def test_clear_all_cookies(run):
    """WEB-90."""
    conn = run(lambda self: self.clear_all_cookies(path="/x"), cookie="a=1; b=2")
    assert [field[:3] for field in conn.set_cookies] == ["a=;", "b=;"]
    assert all(field.endswith("Path=/x") for field in conn.set_cookies)


class TestSigned:
    def test_round_trip(self, run):
        """WEB-93, WEB-96: bytes survive; the browser keeps it for thirty days."""
        value = bytes(range(256))
        conn = run(lambda self: self.set_secure_cookie("n", value), settings=SECRET)
        (field,) = conn.set_cookies
        assert "expires=" in field

        def get(self):
            assert self.get_secure_cookie("n") == value
            assert self.get_signed_cookie("n") == value
            assert self.get_secure_cookie("m") is None
            assert self.get_secure_cookie("n", max_age_days=-1) is None  # WEB-94
            assert self.get_secure_cookie_key_version("n") == 0
            assert self.get_signed_cookie_key_version("m") is None

        run(get, cookie=field.partition(";")[0], settings=SECRET)

    def test_session_cookie(self, run):
        def get(self):
            self.set_signed_cookie("n", "v", expires_days=None, httponly=True)

        (field,) = run(get, settings=SECRET).set_cookies
        assert "expires=" not in field
        assert "HttpOnly" in field

    def test_value_from_elsewhere(self, run):
        """WEB-97."""

        def get(self):
            value = self.create_signed_value("n", "v").decode()
            assert self.get_secure_cookie("n", value) == b"v"
            assert self.get_secure_cookie("m", value) is None
            old = self.create_signed_value("n", "v", version=1)
            assert self.get_secure_cookie("n", old) == b"v"
            assert self.get_secure_cookie("n", old, min_version=2) is None

        assert run(get, settings=SECRET).set_cookies == []

    @pytest.mark.parametrize("settings", [{}, {"cookie_secret": {1: "a"}}])
    def test_missing_settings(self, run, settings):
        """WEB-92."""

        def get(self):
            with pytest.raises(Exception, match="cookie_secret"):
                self.set_secure_cookie("n", "v")
            if not settings:
                with pytest.raises(Exception, match="cookie_secret"):
                    self.get_secure_cookie("n")

        assert run(get, settings=settings).set_cookies == []

    def test_several_keys(self, run):
        settings = {"cookie_secret": {1: "a", 2: "b"}, "key_version": 2}

        def get(self):
            value = self.create_signed_value("n", "v")
            assert self.get_secure_cookie_key_version("n", value) == 2
            assert self.get_secure_cookie("n", value) == b"v"

        run(get, settings=settings)

    def test_no_include_name(self, run):
        """WEB-99: the parameter of version 1.0 is gone."""

        def get(self):
            with pytest.raises(TypeError):
                self.get_secure_cookie("n", include_name=False)

        run(get, settings=SECRET)
