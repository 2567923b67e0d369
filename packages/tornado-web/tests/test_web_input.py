"""Arguments, forms and uploads of requests."""

from __future__ import annotations

import pytest

from tornado.web import _ARG_DEFAULT, MissingArgumentError, RequestHandler

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Echo(RequestHandler):
    """Evaluates the expression that is its argument of that name."""

    def get(self):
        self.write(repr(eval(self.settings["expression"], {"self": self})))

    post = put = get


@pytest.fixture
def evaluate(ask):
    """Return a function that evaluates an expression in a handler, and returns its text."""

    def evaluate(expression, method="GET", uri="/", **options):
        conn = ask(Echo, method, uri, settings={"expression": expression}, **options)
        return conn.text if conn.code == 200 else conn.code

    return evaluate


@pytest.mark.parametrize(
    ("uri", "expression", "expected"),
    [
        ("/?a=1", "self.get_argument('a')", "'1'"),
        ("/?a=1&a=2", "self.get_argument('a')", "'2'"),  # WEB-35
        ("/?a=1&a=2", "self.get_arguments('a')", "['1', '2']"),  # WEB-38
        ("/", "self.get_arguments('a')", "[]"),  # WEB-38
        ("/", "self.get_argument('a', 'd')", "'d'"),  # WEB-34
        ("/", "self.get_argument('a', None)", "None"),  # WEB-34
        ("/", "self.get_argument('a', '')", "''"),
        ("/?a=", "self.get_argument('a', 'd')", "''"),
        ("/?a=+%20x+", "self.get_argument('a')", "'x'"),  # WEB-37
        ("/?a=+x+", "self.get_argument('a', strip=False)", "' x '"),  # WEB-37
        ("/?a=+x+", "self.get_arguments('a', strip=False)", "[' x ']"),
        ("/?a=%C3%A9", "self.get_argument('a')", "'é'"),  # WEB-36
        ("/?a=%00%01x%0A%1F%7Fy", "self.get_argument('a')", r"'x\n \x7fy'"),
        ("/?a=1", "self.get_query_argument('a')", "'1'"),
        ("/?a=1", "self.get_query_arguments('a')", "['1']"),
        ("/?a=1", "self.get_body_argument('a', 'd')", "'d'"),
        ("/?a=1", "self.get_body_arguments('a')", "[]"),
        ("/?a=1;b=2", "self.request.arguments", "{'a': [b'1;b=2']}"),  # P22
    ],
)
def test_query(evaluate, uri, expression, expected):
    assert evaluate(expression, "GET", uri) == expected


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_query_and_form(evaluate, method):
    """WEB-39, WEB-40: both are seen together, the body last; and each on its own."""
    names = "argument", "query_argument", "body_argument"
    expression = ", ".join(f"self.get_{name}s('a')" for name in names)
    text = evaluate(expression, method, "/?a=1", body=b"a=2&a=%203+", headers=FORM)
    assert text == "(['1', '2', '3'], ['1'], ['2', '3'])"


def test_missing_argument(evaluate, caplog):
    """WEB-33: without a default it is a 400."""
    assert evaluate("self.get_argument('absent')") == 400
    assert "Missing argument absent" in caplog.text


def test_missing_argument_error():
    error = MissingArgumentError("100%")
    assert (error.status_code, error.arg_name) == (400, "100%")
    assert str(error) == "HTTP 400: Bad Request (Missing argument 100%)"


def test_marker_of_required_arguments(evaluate):
    """The default that stands for none is a name of the module (relied-upon internals, 9)."""
    assert repr(_ARG_DEFAULT) == "<required>"


def test_strip_is_not_a_default(evaluate, caplog):
    assert evaluate("self.get_arguments('a', None)") == 500
    assert "strip is true or false" in caplog.text


def test_argument_that_is_not_utf_8(evaluate, caplog):
    assert evaluate("self.get_argument('a')", "GET", "/?a=%ff") == 400
    assert r"a is not UTF-8: b'\xff'" in caplog.text


def test_decode_argument(ask):
    """WEB-41: an override may use another encoding, or return another type."""

    class Latin(RequestHandler):
        def decode_argument(self, value, name=None):
            return value.decode("latin-1") if name == "a" else 5

        def get(self):
            self.write(repr([self.get_argument("a"), self.get_argument("b")]))

    assert ask(Latin, "GET", "/?a=%E9&b=x").text == "['é', '5']"


def test_uploads(evaluate):
    """WEB-42."""
    body = (
        b"--x\r\n"
        b'Content-Disposition: form-data; name="f"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhello\r\n"
        b"--x\r\n"
        b'Content-Disposition: form-data; name="n"\r\n\r\n5\r\n'
        b"--x--\r\n"
    )
    expression = (
        "[(f.filename, f['body'], f.content_type) for f in self.request.files['f']],"
        " self.get_argument('n')"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    text = evaluate(expression, "POST", body=body, headers=headers)
    assert text == "([('a.txt', b'hello', 'text/plain')], '5')"


def test_malformed_form_never_reaches_the_handler(evaluate, caplog):
    """S11: it is a 400, logged once."""
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert evaluate("0", "POST", body=b"xxxxx", headers=headers) == 400
    assert len([r for r in caplog.records if r.name == "tornado.general"]) == 1
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize(("count", "expected"), [(999, "0"), (1000, "0"), (1001, 400)])
def test_number_of_form_arguments(evaluate, count, expected):
    """S15: at most 1000 in a body."""
    body = b"&".join([b"a=1"] * count)
    assert evaluate("0", "POST", body=body, headers=FORM) == expected


@pytest.mark.parametrize(("count", "expected"), [(1000, "'1'"), (1001, 400)])
def test_number_of_query_arguments(evaluate, count, expected):
    """S15: at most 1000 in a query string."""
    query = "&".join(["a=1"] * count)
    assert evaluate("self.get_argument('a')", "GET", "/?" + query) == expected


@pytest.mark.parametrize(("count", "expected"), [(100, "0"), (101, 400)])
def test_number_of_parts(evaluate, count, expected):
    """S13: at most 100 by default."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = part * count + b"--x--\r\n"
    assert evaluate("0", "POST", body=body, headers=headers) == expected
