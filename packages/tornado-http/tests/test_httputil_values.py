"""Cookies, parameters, URLs and credentials (HUT-6, SRV-14, T3, T4, S12, P21, P23)."""

import time
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado import httputil
from tornado.httputil import (
    HTTPInputError,
    encode_username_password,
    parse_cookie,
    qs_to_qsl,
    split_host_and_port,
    url_concat,
)


@pytest.mark.parametrize(
    ("cookie", "parsed"),
    [
        ("", {}),
        (" ; ;", {}),
        ("a=b", {"a": "b"}),
        ("a=b;c=d", {"a": "b", "c": "d"}),
        (" a = b ; c=d ", {"a": "b", "c": "d"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=", {"a": ""}),
        ("a=b; a=c", {"a": "c"}),
        ("a=b, c=d", {"a": "b, c=d"}),
        ("a=%20", {"a": "%20"}),
        # fields hold bytes, here of UTF-8: the last ones are no white space
        ("a=\xc3\xa0; \xc2\xa0b=\xc3\x85", {"a": "\xc3\xa0", "\xc2\xa0b": "\xc3\x85"}),
        ("\ta=b\t; c=\xa0", {"a": "b", "c": "\xa0"}),
        # T3: semicolons count everywhere, so quotes neither hide nor make a pair
        ('a="x; _xsrf=planted"; b=c', {"a": '"x', "_xsrf": 'planted"', "b": "c"}),
        ('a="; _xsrf=real', {"a": '"', "_xsrf": "real"}),
        ("bad name=1; good=2", {"bad name": "1", "good": "2"}),
        ("[]; good=2", {"": "[]", "good": "2"}),
        # P23: what has no name doesn't get one
        ("=v", {"": "v"}),
        ("=a=v", {"": "a=v"}),
        ("v", {"": "v"}),
        # quoting
        ('a="b c"', {"a": "b c"}),
        ('a=""', {"a": ""}),
        ('a="\\073"', {"a": ";"}),
        ('a="\\"\\\\"', {"a": '"\\'}),
        ('a="\\400\\18"', {"a": "40018"}),
        ('a="b', {"a": '"b'}),
        ('a="', {"a": '"'}),
    ],
)
def test_cookies_are_read_as_browsers_write_them(cookie, parsed):
    assert parse_cookie(cookie) == parsed


@given(
    st.dictionaries(
        st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")),
    )
)
def test_cookies_that_were_written_are_read(cookies):
    written = SimpleCookie()
    for number, value in enumerate(cookies.values()):
        written[f"c{number}"] = value
    text = "; ".join(morsel.OutputString() for morsel in written.values())
    assert parse_cookie(text) == {
        f"c{number}": value for number, value in enumerate(cookies.values())
    }


@given(st.lists(st.text(st.characters(exclude_characters=";="))), st.text())
def test_a_planted_pair_does_not_change_others(pairs, noise):
    text = ";".join([*(f"n{i}={pair}" for i, pair in enumerate(pairs)), noise.replace("n", "m")])
    parsed = parse_cookie(text)
    for i, pair in enumerate(pairs):
        assert parsed[f"n{i}"] == parse_cookie(f"a={pair}")["a"]


@pytest.mark.parametrize(
    "value", ["\\", '\\"', "\\\\", "\\1", '"', "\\073", "\\" * 3 + "\x00"], ids=repr
)
def test_t4_quoting_takes_linear_time(value):
    cookie = f'a="{value * (500_000 // len(value))}"'
    started = time.process_time()
    parse_cookie(cookie)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("", ("", {})),
        ("text/html", ("text/html", {})),
        ('Text/HTML ; Charset="utf-8"', ("Text/HTML", {"charset": "utf-8"})),
        ("a; b=c d ;e = f", ("a", {"b": "c d", "e": "f"})),
        ("a;;;; b=;", ("a", {"b": ""})),
        ("a; b; c=d", ("a", {"c": "d"})),
        ('a; b="c;d"; e=f', ("a", {"b": "c;d", "e": "f"})),
        ('a; b="c\\"d\\\\e"', ("a", {"b": 'c"d\\e'})),
        ('a; b="C:\\dir\\file"', ("a", {"b": "C:\\dir\\file"})),
        ("a; b*=utf-8''%e2%82%ac", ("a", {"b": "\u20ac"})),
        ("a; b*=UTF-8'en'it's", ("a", {"b": "it's"})),
        ("a; b*=iso-8859-1''%e9", ("a", {"b": "\xe9"})),
        ("a; b=plain; b*=utf-8''extended", ("a", {"b": "extended"})),
        ("a; b*0=x; b*1=y", ("a", {"b*0": "x", "b*1": "y"})),
    ],
)
def test_parameters(value, parsed):
    assert httputil._parse_header(value) == parsed


@pytest.mark.parametrize(
    "value",
    [
        "a; =b",
        'a; b="c',
        'a; b="c"d',
        'a; b=c"d"',
        'a; b c="d"',
        "a; b=1; B=2",
        "a; b*=utf-8''1; b*=utf-8''2",
        "a; b*=utf-8'1",
        "a; b*=plain",
        "a; b*=utf-7''x",
        "a; b*=utf-8''%ff",
    ],
)
def test_p21_parameters_that_could_be_read_in_two_ways_are_refused(value):
    with pytest.raises(HTTPInputError):
        httputil._parse_header(value)


@pytest.mark.parametrize(
    ("key", "parameters", "value"),
    [
        ("x", {}, "x"),
        ("x", {"b": "c", "a": "d"}, "x; a=d; b=c"),
        ("x", {"n": 15, "on": None}, "x; n=15; on"),
        ("x", {"a": "b c"}, 'x; a="b c"'),
        ("x", {"a": 'b"\\'}, 'x; a="b\\"\\\\"'),
        ("x", {"a": ""}, 'x; a=""'),
    ],
)
def test_encode_header(key, parameters, value):
    assert httputil._encode_header(key, parameters) == value


@given(st.dictionaries(st.text("abcxyz-", min_size=1), st.text()))
def test_parsing_undoes_encoding_of_parameters(parameters):
    encoded = httputil._encode_header("form-data", parameters)
    assert httputil._parse_header(encoded) == ("form-data", parameters)


@pytest.mark.parametrize(
    "value",
    [
        ";" * 500_000,
        "; " * 250_000,
        "; a" * 150_000,
        '; a="' + '\\"' * 250_000,
        "; a" + " " * 500_000 + "b",
        "; a=" + " " * 500_000 + '"',
        "; a=" + "b " * 250_000 + '"',
        "; a*=utf-8''" + "%e9" * 150_000,
        "; a*=" + "'" * 500_000,
    ],
    ids=lambda value: value[:12],
)
def test_s12_parameters_take_linear_time(value):
    started = time.process_time()
    try:
        httputil._parse_header("form-data" + value)
    except HTTPInputError:
        pass  # how long it takes is the question
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("url", "args", "result"),
    [
        ("http://e/f", {"c": "d"}, "http://e/f?c=d"),
        ("http://e/f?", {"c": "d"}, "http://e/f?c=d"),
        ("http://e/f?a=b", {"c": "d"}, "http://e/f?a=b&c=d"),
        ("http://e/f?a=b&", [("c", "d"), ("c", "e")], "http://e/f?a=b&c=d&c=e"),
        ("http://e/f?a=b#frag", (("c", "d"),), "http://e/f?a=b&c=d#frag"),
        ("/f?empty=", {"c": ""}, "/f?empty=&c="),
        ("/f?a=b", {}, "/f?a=b"),
        ("/f?a=b&&x y", None, "/f?a=b&&x y"),
        ("/f", {"a": "\u20ac &="}, "/f?a=%E2%82%AC+%26%3D"),
        ("/f", {"a": 5, "b": b"x"}, "/f?a=5&b=x"),
        # in whatever encoding
        ("/f?%E9=%ff%20", {"b": b"\xe9"}, "/f?%E9=%FF+&b=%E9"),
    ],
)
def test_hut_6_url_concat_adds_arguments(url, args, result):
    assert url_concat(url, args) == result


@pytest.mark.parametrize("args", ["a=b", 5, iter([("a", "b")])])
def test_url_concat_refuses_other_arguments(args):
    with pytest.raises(TypeError):
        url_concat("/", args)


pairs = st.lists(st.tuples(st.text("ab&=+% \u20ac"), st.text("ab&=+% \u20ac")), max_size=5)


@given(pairs, pairs)
def test_url_concat_keeps_all_arguments(before, after):
    url = url_concat(url_concat("http://e/f#x", before), after)
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == before + after
    assert url.endswith("#x")


@pytest.mark.parametrize(
    ("netloc", "host", "port"),
    [
        ("example.com", "example.com", None),
        ("example.com:80", "example.com", 80),
        ("[::1]:443", "[::1]", 443),
        ("[::1]", "[::1]", None),
        ("a:b:1", "a:b", 1),
        ("example.com:", "example.com:", None),
        (":80", ":80", None),
        ("", "", None),
        # P5
        ("h:+80", "h:+80", None),
        ("h:8_0", "h:8_0", None),
        ("h:\u0661", "h:\u0661", None),
        ("h:80\n", "h:80\n", None),
        ("h:" + "1" * 5000, "h:" + "1" * 5000, None),
    ],
)
def test_split_host_and_port(netloc, host, port):
    assert split_host_and_port(netloc) == (host, port)


def test_qs_to_qsl_gives_a_pair_for_each_value():
    assert list(qs_to_qsl({"a": [b"1", b"2"], "b": [], "c": ["3"]})) == [
        ("a", b"1"),
        ("a", b"2"),
        ("c", "3"),
    ]


@pytest.mark.parametrize(
    ("username", "password", "encoded"),
    [
        ("user", "pass", b"user:pass"),
        (b"user", b"p\xff", b"user:p\xff"),
        ("e\u0301", "\u20ac", b"\xc3\xa9:\xe2\x82\xac"),
        ("", "", b":"),
    ],
)
def test_encode_username_password(username, password, encoded):
    assert encode_username_password(username, password) == encoded
