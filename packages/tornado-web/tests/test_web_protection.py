"""Protection against requests that other sites' pages make: tokens, and what browsers say of
origins.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._web.xsrf import Token, format_token, parse_token
from tornado.web import Application, ErrorHandler, RequestHandler, StaticFileHandler

XSRF = {"xsrf_cookies": True}
UNSAFE = ["POST", "PUT", "DELETE", "PATCH"]
SAFE = ["GET", "HEAD", "OPTIONS"]
TOKEN = "6162"
OTHER = "6163"


class Page(RequestHandler):
    def get(self):
        self.write(self.xsrf_token)

    head = post = put = delete = patch = options = get


def masked(secret):
    return format_token(Token(secret, 1300000000), 2).decode()


class TestFormats:
    @given(st.binary(min_size=1, max_size=64), st.sampled_from([1, 2]))
    def test_round_trip(self, secret, version):
        token = parse_token(format_token(Token(secret, 1300000000), version))
        assert token.secret == secret
        assert version == 1 or token.timestamp == 1300000000

    def test_mask_is_new_each_time(self):
        """T2: what is shown says nothing about the secret (BREACH)."""
        shown = {format_token(Token(b"secret", 0), 2) for _ in range(20)}
        assert len(shown) == 20
        assert not any(b"secret".hex().encode() in text for text in shown)

    def test_form(self):
        assert re.fullmatch(rb"2\|[0-9a-f]{8}\|[0-9a-f]{4}\|5", format_token(Token(b"ab", 5), 2))

    @given(st.text() | st.binary())
    def test_anything_else(self, text):
        token = parse_token(text)
        assert token is None or token.secret

    @pytest.mark.parametrize(
        "text",
        ["", "2|", "2|aabbccdd|", "2|aabbccdd||5", "2|aabb|6162|5", "2|aabbccdd|616|5", "3|a|b|5"]
        + ["2|aabbccdd|6162|x", "2|aabbccdd|6162", "2|aabbccdd|6162|5|6", "2|é|6162|5"],
    )
    def test_malformed(self, text):
        assert parse_token(text) is None

    @pytest.mark.parametrize("text", ["\t", " ", "61 62"])
    def test_white_space_is_no_hexadecimal_digit(self, text):
        """It would make a secret that is empty, or the same as another one."""
        assert parse_token(text).secret == text.encode()

    def test_unknown_version(self):
        with pytest.raises(ValueError):
            format_token(Token(b"a", 0), 3)


class TestCookie:
    def test_every_user_gets_one(self, ask):
        """WEB-105."""

        class Plain(RequestHandler):
            def get(self):
                self.write("no form")

        (field,) = ask(Plain, settings=XSRF).set_cookies
        assert re.fullmatch(r"_xsrf=2\|[0-9a-f]{8}\|[0-9a-f]{32}\|\d+; Path=/", field)
        assert ask(Plain, settings=XSRF, headers={"Cookie": f"_xsrf={TOKEN}"}).set_cookies == []
        assert ask(Plain).set_cookies == []

    @pytest.mark.parametrize("header", ["Cache-Control", "Expires", "Last-Modified"])
    def test_not_with_what_caches_keep(self, ask, header):
        """A cache would give the token of one user to others."""

        class Plain(RequestHandler):
            def get(self):
                self.set_header(header, "x")

        assert ask(Plain, settings=XSRF).set_cookies == []

    def test_not_with_static_files(self, fetch, tmp_path):
        (tmp_path / "a.txt").write_text("a")
        app = Application([("/(.*)", StaticFileHandler, {"path": str(tmp_path)})], **XSRF)
        conn = fetch(app, "GET", "/a.txt")
        assert (conn.code, conn.set_cookies) == (200, [])

    def test_settings(self, ask):
        settings = {
            "xsrf_cookie_name": "_own",
            "xsrf_cookie_version": 1,
            "xsrf_cookie_kwargs": {"httponly": True, "samesite": "Strict"},
        }
        (field,) = ask(Page, settings=settings).set_cookies
        assert re.fullmatch(r"_own=[0-9a-f]{32}; HttpOnly; Path=/; SameSite=Strict", field)

    def test_users_keep_it(self, ask):
        class Known(Page):
            def get_current_user(self):
                return "user"

        assert "expires=" in ask(Known, settings=XSRF).set_cookies[0]
        kwargs = {"xsrf_cookie_kwargs": {"expires_days": None}}
        assert "expires=" not in ask(Known, settings={**XSRF, **kwargs}).set_cookies[0]

    def test_same_secret_other_mask(self, ask):
        """T2: the token on the page is the cookie's, masked afresh for each response."""
        cookie = ask(Page, settings=XSRF).set_cookies[0].partition(";")[0]
        secret = parse_token(cookie.partition("=")[2]).secret
        shown = [ask(Page, settings=XSRF, headers={"Cookie": cookie}).text for _ in range(3)]
        assert {parse_token(text).secret for text in shown} == {secret}
        assert len(set(shown)) == 3


@pytest.mark.parametrize("method", UNSAFE)
class TestCheck:
    """WEB-106, WEB-107, T2."""

    def test_without_a_token(self, ask, caplog, method):
        assert ask(Page, method, settings=XSRF).code == 403
        conn = ask(Page, method, settings=XSRF, headers={"Cookie": f"_xsrf={TOKEN}"})
        assert conn.code == 403

    def test_ajax_is_no_excuse(self, ask, caplog, method):
        """WEB-110."""
        headers = {"Cookie": f"_xsrf={TOKEN}", "X-Requested-With": "XMLHttpRequest"}
        assert ask(Page, method, settings=XSRF, headers=headers).code == 403

    @pytest.mark.parametrize("header", ["X-XSRFToken", "X-CSRFToken", "x-xsrftoken"])
    @pytest.mark.parametrize("token", [TOKEN, masked(b"ab")])
    def test_header(self, ask, method, header, token):
        """WEB-109."""
        headers = {"Cookie": f"_xsrf={TOKEN}", header: token}
        assert ask(Page, method, settings=XSRF, headers=headers).code == 200

    def test_argument(self, ask, method):
        """WEB-109."""
        headers = {"Cookie": f"_xsrf={masked(b'ab')}"}
        uri = f"/?_xsrf={TOKEN}"
        assert ask(Page, method, uri, settings=XSRF, headers=headers).code == 200

    def test_form(self, ask, method):
        """WEB-109, in a body."""
        if method not in ("POST", "PUT", "PATCH"):
            return
        headers = {
            "Cookie": f"_xsrf={TOKEN}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = f"_xsrf={TOKEN}".encode()
        assert ask(Page, method, settings=XSRF, headers=headers, body=body).code == 200

    @pytest.mark.parametrize("cookie", [None, OTHER, masked(b"ac"), "", "2|broken"])
    def test_token_of_another_cookie(self, ask, caplog, method, cookie):
        """WEB-111."""
        headers = {"X-XSRFToken": TOKEN}
        if cookie is not None:
            headers["Cookie"] = f"_xsrf={cookie}"
        assert ask(Page, method, settings=XSRF, headers=headers).code == 403

    @pytest.mark.parametrize("token", ["2|x|y|z", "2|aabbccdd|6162", "é"])
    def test_malformed_token(self, ask, caplog, method, token):
        headers = {"X-XSRFToken": token, "Cookie": f"_xsrf={TOKEN}"}
        assert ask(Page, method, settings=XSRF, headers=headers).code == 403

    def test_switched_off(self, ask, method):
        """WEB-112; and such handlers give no cookies away."""

        class Api(RequestHandler):
            def check_xsrf_cookie(self):
                pass

            def post(self):
                self.write("done")

            put = delete = patch = post

        conn = ask(Api, method, settings=XSRF)
        assert (conn.code, conn.set_cookies) == (200, [])

    def test_runs_before_prepare(self, ask, caplog, method):
        class Handler(Page):
            def prepare(self):
                raise AssertionError

        assert ask(Handler, method, settings=XSRF).code == 403

    def test_planted_by_quoting(self, ask, caplog, method):
        """T3: a value of another cookie is not taken for the token's cookie."""
        headers = {"X-XSRFToken": OTHER, "Cookie": f'_xsrf={TOKEN}; a="_xsrf={OTHER}"'}
        assert ask(Page, method, settings=XSRF, headers=headers).code == 403


@pytest.mark.parametrize("method", SAFE)
def test_methods_without_a_check(ask, method):
    """WEB-107, WEB-108."""
    assert ask(Page, method, settings=XSRF).code == 200


def test_form_html(ask):
    """WEB-113: a hidden field whose value passes the check."""

    class Form(RequestHandler):
        def get(self):
            self.write(self.xsrf_form_html())

        def post(self):
            self.write("passed")

    conn = ask(Form, settings=XSRF)
    found = re.fullmatch(r'<input type="hidden" name="_xsrf" value="([^"]+)"/>', conn.text)
    cookie = conn.set_cookies[0].partition(";")[0]
    uri = f"/?_xsrf={found[1]}"
    assert ask(Form, "POST", uri, settings=XSRF, headers={"Cookie": cookie}).text == "passed"


def test_unknown_path(fetch, caplog):
    """Where there is nothing, the answer is 404 and no hint at tokens; as with ErrorHandler."""
    app = Application([("/e", ErrorHandler, {"status_code": 418})], **XSRF)
    assert fetch(app, "POST", "/e").code == 418
    assert fetch(app, "POST", "/nowhere").code == 404


ORIGIN = {"cross_origin_protection": True}


class TestOrigins:
    """T14."""

    @pytest.mark.parametrize("method", [*UNSAFE, "GET", "HEAD", "OPTIONS"])
    @pytest.mark.parametrize(
        ("headers", "allowed"),
        [
            ({}, True),
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "none"}, True),
            ({"Sec-Fetch-Site": "none", "Origin": "https://evil.com"}, True),
            ({"Sec-Fetch-Site": "same-site"}, False),
            ({"Sec-Fetch-Site": "cross-site"}, False),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "http://www.example.com"}, False),
            ({"Sec-Fetch-Site": "anything"}, False),
            ({"Origin": "http://www.example.com"}, True),
            ({"Origin": "https://www.example.com"}, True),
            ({"Origin": "http://WWW.example.com"}, True),
            ({"Origin": "http://www.example.com:81"}, False),
            ({"Origin": "http://example.com"}, False),
            ({"Origin": "http://evil.com"}, False),
            ({"Origin": "null"}, False),
            ({"Origin": ""}, False),
            ({"Origin": "http://[broken"}, False),
            ({"Origin": "http://trusted.com"}, True),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "http://trusted.com"}, True),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "https://trusted.com"}, False),
        ],
    )
    def test_requests(self, ask, caplog, method, headers, allowed):
        class Handler(Page):
            def prepare(self):
                prepared.append(self)

        prepared = []
        settings = {**ORIGIN, "trusted_origins": ["http://trusted.com"]}
        conn = ask(Handler, method, settings=settings, headers=headers)
        if method in SAFE or allowed:
            assert conn.code == 200
        else:
            assert (conn.code, prepared) == (403, [])

    def test_off_by_default(self, ask):
        assert ask(Page, "POST", headers={"Sec-Fetch-Site": "cross-site"}).code == 200

    @pytest.mark.parametrize(
        ("origin", "code"),
        [("https://trusted.com", 200), ("https://trusted.co", 403), ("h", 403), ("", 403)],
    )
    def test_a_single_trusted_origin_does_not_stand_for_its_parts(self, ask, caplog, origin, code):
        settings = {**ORIGIN, "trusted_origins": "https://trusted.com"}
        assert ask(Page, "POST", settings=settings, headers={"Origin": origin}).code == code

    def test_check_trusted_origin(self, ask, caplog):
        class Handler(Page):
            def check_trusted_origin(self, origin):
                return origin.endswith(".friend.com")

        for origin, code in [("http://a.friend.com", 200), ("http://foe.com", 403)]:
            conn = ask(Handler, "POST", settings=ORIGIN, headers={"Origin": origin})
            assert conn.code == code
