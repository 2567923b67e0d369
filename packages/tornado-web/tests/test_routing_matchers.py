"""Matchers and rules: what they match, and the way back to a URL."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._routing.patterns import leading_segments, literal_prefix, reversal_parts
from tornado.escape import url_unescape
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.routing import (
    AnyMatches,
    DefaultHostMatches,
    HostMatches,
    Matcher,
    PathMatches,
    Rule,
    URLSpec,
)


def request(uri: str = "/", host: str = "example.com", **headers: str) -> HTTPServerRequest:
    return HTTPServerRequest(
        start_line=RequestStartLine("GET", uri, "HTTP/1.1"),
        headers=HTTPHeaders({"Host": host, **headers}),
        connection=SimpleNamespace(context=None),
    )


@pytest.mark.parametrize(
    ("pattern", "uri", "expected"),
    [
        ("/a", "/a", {}),
        ("/a", "/ab", None),
        ("/a", "/", None),
        ("/a", "/a?b=/c", {}),
        ("/a$", "/a", {}),
        (re.compile("/a"), "/ab", {}),
        (r"/a/(.*)", "/a/x/y", {"path_args": [b"x/y"], "path_kwargs": {}}),
        (r"/(\d+)/(\d+)?", "/1/", {"path_args": [b"1", None], "path_kwargs": {}}),
        (r"/(?P<k>.*)", "/x", {"path_args": [], "path_kwargs": {"k": b"x"}}),
        (r"/(?P<k>a)|/b", "/b", {"path_args": [], "path_kwargs": {"k": None}}),
    ],
)
def test_path(pattern: str, uri: str, expected: dict[str, object] | None) -> None:
    """WEB-3, WEB-4, WEB-18: groups become positional or keyword arguments."""
    assert PathMatches(pattern).match(request(uri)) == expected


def test_path_arguments_are_decoded() -> None:
    """WEB-5: arguments are %-decoded to bytes; a plus stays one."""
    found = PathMatches("/(.*)").match(request("/%C3%A9%20%2F+%ff"))
    assert found == {"path_args": [b"\xc3\xa9 /+\xff"], "path_kwargs": {}}


def test_mixed_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="mixes"):
        PathMatches(r"/(?P<x>a)/(b)")


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        (r".*", "example.com", True),
        (r"example\.com", "example.com", True),
        (r"example\.com", "example.com:8888", True),
        (r"example\.com", "www.example.com", False),
        (r"example\.co", "example.com", False),
        (re.compile(r"example"), "example.com", True),
    ],
)
def test_host(pattern: str, host: str, matches: bool) -> None:
    found = HostMatches(pattern).match(request(host=host))
    assert found == ({} if matches else None)


@pytest.mark.parametrize(
    ("default_host", "headers", "matches"),
    [
        ("www.example.com", {}, True),
        ("other.com", {}, False),
        (None, {}, False),
        ("www.example.com", {"X-Real-Ip": "1.2.3.4"}, False),
    ],
)
def test_default_host(default_host: str | None, headers: dict[str, str], matches: bool) -> None:
    """WEB-23: the default host stands in for the one that was asked for, but not behind a proxy."""
    application = SimpleNamespace(default_host=default_host)
    matcher = DefaultHostMatches(application, re.compile(r"www\.example\.com$"))
    assert matcher.match(request(host="127.0.0.1", **headers)) == ({} if matches else None)


def test_any() -> None:
    assert AnyMatches().match(request()) == {}
    assert AnyMatches().reverse() is None


def test_matcher_is_abstract() -> None:
    with pytest.raises(NotImplementedError, match="Matcher"):
        Matcher().match(request())


@pytest.mark.parametrize(
    ("pattern", "args", "url"),
    [
        ("/a", (), "/a"),
        ("^/a$", (), "/a"),
        ("/robots.txt", (), "/robots.txt"),
        (r"/robots\.txt", (), "/robots.txt"),
        (r"/a\-b/\(x\)/(.*)", ("c",), "/a-b/(x)/c"),
        (r"/(\d+)/x/(\w+)", (1, "b"), "/1/x/b"),
        (r"/(?P<a>.*)/(?P<b>.*)", ("x", "y"), "/x/y"),
        (r"/a/(\d+)?", (7,), "/a/7"),
        (r"/(.*)/?", ("x",), "/x"),
        (r"/a/+(x)", ("x",), "/a/x"),
        (r"/a%20b/(.*)", ("c",), "/a%20b/c"),
        (r"/([^()\]]+|\)(?:x))/b", ("q",), "/q/b"),
        (r"/(?#a (comment)x", (), None),
        (re.compile("/c/(.*)"), ("d",), "/c/d"),
        ("", (), ""),
    ],
)
def test_reverse(pattern: str, args: tuple[object, ...], url: str | None) -> None:
    """WEB-26: arguments are put in place of the groups."""
    matcher = PathMatches(pattern)
    if url is None:
        with pytest.raises(ValueError, match="no URL"):
            matcher.reverse(*args)
        return
    assert matcher.reverse(*args) == url
    assert matcher.regex.match(url)


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        ("x y", "x%20y"),
        ("é&?#", "%C3%A9%26%3F%23"),
        (b"\xff/", "%FF/"),
        (12, "12"),
        (None, "None"),
        ("//evil", "//evil"),
        ("%2e", "%252e"),
    ],
)
def test_reverse_escapes(arg: object, text: str) -> None:
    """WEB-27: arguments are made text, encoded and escaped."""
    assert PathMatches("/a/(.*)").reverse(arg) == "/a/" + text


@pytest.mark.parametrize(
    "pattern",
    [
        r"/(a(b))",
        r"/((a)|b)",
        r"/(?:a|b)",
        r"/a|b",
        r"/\d(x)",
        r"/[a-z](x)",
        r"/.*",
        r"/a{2}",
        r"/a(?=b)",
        r"/(?i:a)",
        "(?i)/a",
        "(?x)/a b",
    ],
)
def test_no_way_back(pattern: str) -> None:
    matcher = PathMatches(pattern)
    with pytest.raises(ValueError, match="no URL can be made"):
        matcher.reverse(*["x"] * matcher.regex.groups)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_wrong_number_of_arguments(count: int) -> None:
    with pytest.raises(ValueError, match="takes 2"):
        PathMatches("/(.*)/(.*)").reverse(*range(count))


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2))
def test_reversal_and_matching_are_inverse(args: list[str]) -> None:
    matcher = PathMatches(r"/a/([^?#]*)/b/([^?#/]*)")
    args[1] = args[1].replace("/", "") or "x"
    url = matcher.reverse(*args)
    assert url is not None
    found = matcher.match(request(url))
    assert found is not None
    assert [value.decode() for value in found["path_args"]] == args
    assert url_unescape(url, plus=False) == f"/a/{args[0]}/b/{args[1]}"


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("/abc", "/abc"),
        ("/abc/(.*)", "/abc/"),
        (r"/a\.b\-c/\d", "/a.b-c/"),
        ("^/abc$", "/abc"),
        ("/abc?", "/ab"),
        ("/abc*d", "/ab"),
        ("/abc{0}", "/ab"),
        ("/abc+", "/ab"),
        ("/a|/b", ""),
        ("/a(b|c)", "/a"),
        ("/a[|]b", "/a"),
        ("(?i)/a", ""),
        ("(?x)/a b", ""),
        ("/a(?#|)b|c", ""),
        (r"/a\|b", "/a|b"),
        (r"/(x)", "/"),
    ],
)
def test_literal_prefix(pattern: str, prefix: str) -> None:
    assert literal_prefix(re.compile(pattern)) == prefix


@given(st.text(alphabet=r"/ab.*?+(){}[]|\d^$,1:#-", max_size=12), st.text("/abd1.-:", max_size=8))
def test_literal_prefix_begins_every_match(pattern: str, path: str) -> None:
    try:
        regex = re.compile(pattern)
    except (re.error, OverflowError, FutureWarning):
        return
    if regex.match(path):
        assert path.startswith(literal_prefix(regex))
    parts = reversal_parts(regex)
    assert parts is None or len(parts) == regex.groups + 1


@pytest.mark.parametrize(
    ("pattern", "known", "complete"),
    [
        ("/a/b$", ("", "a", "b"), True),
        ("^/a/b$", ("", "a", "b"), True),
        ("/a/b", ("", "a"), False),
        (r"/(\d+)/b$", ("", None, "b"), True),
        (r"/x-(\d+)/(?P<n>[a-z0-9_-]+)/(?:b|c)$", ("", None, None, None), True),
        (r"/([^/]+)/([\w.-]*)?/$", ("", None, None, ""), True),
        (r"/[0-9a-f]{8}/\w/b$", ("", None, None, "b"), True),
        (r"/(.*)/b$", ("",), False),
        (r"/a/([^x]+)/b$", ("", "a"), False),
        (r"/a/([!-~]+)/b$", ("", "a"), False),
        (r"/a/(\D)/b$", ("", "a"), False),
        (r"/a/(x(y))/b$", ("", "a"), False),
        (r"/a/?$", ("",), False),
        (r"/a/(b)?/c$", ("", "a", None, "c"), True),
        (r"/ab?/c$", ("", None, "c"), True),
        (r"/a|/b$", (), False),
        ("(?i)/a$", (), False),
        (r"/a/(?=b)b$", ("", "a"), False),
    ],
)
def test_segments(pattern: str, known: tuple[str | None, ...], complete: bool) -> None:
    assert leading_segments(re.compile(pattern)) == (known, complete)


def test_rule() -> None:
    rule = Rule(PathMatches("/(.*)"), "os.path.join", {"a": 1}, "joined")
    assert rule.target.__name__ == "join"
    assert rule.target_kwargs == {"a": 1}
    assert rule.reverse("x") == "/x"
    assert "name='joined'" in repr(rule)
    assert Rule(AnyMatches(), object()).target_kwargs == {}


def test_url_spec() -> None:
    """WEB-15, WEB-17: the handler may be a dotted name."""
    spec = URLSpec(r"/x/(\d+)", "collections.OrderedDict", {"a": 1}, name="x")
    assert spec.regex.pattern == r"/x/(\d+)$"
    assert spec.handler_class is spec.target
    assert spec.handler_class.__name__ == "OrderedDict"
    assert spec.kwargs == spec.target_kwargs == {"a": 1}
    assert spec.reverse(5) == "/x/5"
    assert repr(spec) == (
        r"URLSpec('/x/(\\d+)$', <class 'collections.OrderedDict'>, kwargs={'a': 1}, name='x')"
    )


def test_unknown_target_name() -> None:
    with pytest.raises(ImportError):
        URLSpec("/", "no_such_module.Handler")
