"""Routers: order of rules, kinds of targets, the index, reversal of names."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado._routing.index import RuleIndex
from tornado._routing.segments import SegmentIndex
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.routing import (
    AnyMatches,
    HostMatches,
    Matcher,
    PathMatches,
    ReversibleRouter,
    ReversibleRuleRouter,
    Router,
    Rule,
    RuleRouter,
    URLSpec,
)


def request(uri: str = "/", host: str = "example.com") -> HTTPServerRequest:
    return HTTPServerRequest(
        start_line=RequestStartLine("GET", uri, "HTTP/1.1"),
        headers=HTTPHeaders({"Host": host}),
        connection=SimpleNamespace(context=None),
    )


class Reached(HTTPMessageDelegate):
    """Tells which target was reached, and with what."""

    def __init__(self, target: object, params: dict[str, Any]) -> None:
        self.target = target
        self.params = params


class NameRouter(RuleRouter):
    """Takes names for targets; the name "declined" declines."""

    def get_target_delegate(
        self, target: Any, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        if isinstance(target, (tuple, bytes, int)):
            return None if target == -1 else Reached(target, target_params)
        return super().get_target_delegate(target, request, **target_params)


def reached(router: Router, uri: str, host: str = "example.com") -> object:
    delegate = router.find_handler(request(uri, host))
    return delegate.target if isinstance(delegate, Reached) else delegate


def test_first_rule_wins() -> None:
    """WEB-1"""
    router = NameRouter([("/a", 1), ("/.*", 2), ("/a", 3), ("/b", 4)])
    assert reached(router, "/a") == 1
    assert reached(router, "/b") == 2
    assert reached(router, "*") is None


def test_target_parameters() -> None:
    router = NameRouter([(r"/(\d)", 1, {"x": 2}), (r"/(?P<k>.*)", 2)])
    delegate = router.find_handler(request("/5"))
    assert isinstance(delegate, Reached)
    assert delegate.params == {"path_args": [b"5"], "path_kwargs": {}, "target_kwargs": {"x": 2}}
    delegate = router.find_handler(request("/abc"))
    assert isinstance(delegate, Reached)
    assert delegate.params == {"path_args": [], "path_kwargs": {"k": b"abc"}}


def test_result_of_a_matcher_is_not_changed() -> None:
    shared: dict[str, Any] = {}

    class Always(Matcher):
        def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
            return shared

    router = NameRouter([Rule(Always(), 1, {"x": 1})])
    assert reached(router, "/") == 1
    assert shared == {}


def test_declined_request_goes_on() -> None:
    router = NameRouter([("/a", -1), ("/.*", RuleRouter()), ("/a", 3)])
    assert reached(router, "/a") == 3


def test_kinds_of_rules() -> None:
    router = NameRouter(
        [
            ["/list", 1],
            (HostMatches("api.*"), 2),
            Rule(PathMatches("/rule"), 3),
            ("/named", 4, {}, "name"),
        ]
    )
    assert [reached(router, uri) for uri in ("/list", "/rule", "/named")] == [1, 3, 4]
    assert reached(router, "/x", host="api.example.com") == 2
    assert router.rules[3].name == "name"


@pytest.mark.parametrize("bad", [("/a",), ("/a", 1, {}, "n", 5), []])
def test_tuples_that_are_no_rules(bad: Any) -> None:
    with pytest.raises(ValueError, match="a rule has"):
        RuleRouter([bad])


def test_routers_below_routers() -> None:
    inner = NameRouter([("/a/b", 1)])
    router = RuleRouter([("/a/.*", inner), (AnyMatches(), NameRouter([("/.*", 2)]))])
    assert reached(router, "/a/b") == 1
    assert reached(router, "/a/c") == 2


def test_rules_below_rules() -> None:
    """A list as target holds further rules, whose targets the router at hand knows."""
    router = NameRouter(
        [(HostMatches("a.com"), [("/x", 1), (HostMatches(".*"), [("/y", 2)])]), ("/.*", 3)]
    )
    assert reached(router, "/x", host="a.com") == 1
    assert reached(router, "/y", host="a.com") == 2
    assert reached(router, "/z", host="a.com") == 3
    assert reached(router, "/x", host="b.com") == 3


def test_delegate_as_target() -> None:
    class Application(HTTPServerConnectionDelegate):
        def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
            return Reached(server_conn, {"connection": request_conn})

    start_line = RequestStartLine("GET", "/", "HTTP/1.1")
    connection = SimpleNamespace(context=None)
    found = RuleRouter([("/", Application())]).find_handler(
        HTTPServerRequest(
            start_line=start_line,
            headers=HTTPHeaders({"Host": "h"}),
            connection=connection,
            server_connection="server",
        )
    )
    assert isinstance(found, Reached)
    assert found.target == "server"
    assert found.params["connection"] is connection


def test_function_as_target() -> None:
    """A callable gets the request when its body is complete."""
    seen: list[HTTPServerRequest] = []
    delegate = RuleRouter([("/", seen.append)]).find_handler(request("/"))
    assert delegate is not None
    delegate.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders())
    delegate.data_received(b"ab")
    delegate.data_received(b"cd")
    assert not seen
    delegate.finish()
    assert seen[0].body == b"abcd"


def test_function_is_not_called_for_a_lost_request() -> None:
    seen: list[HTTPServerRequest] = []
    delegate = RuleRouter([("/", seen.append)]).find_handler(request("/"))
    assert delegate is not None
    delegate.data_received(b"ab")
    delegate.on_connection_close()
    assert not seen


def test_unknown_target() -> None:
    assert RuleRouter([("/", object())]).find_handler(request("/")) is None


class Connection:
    """Records what is answered."""

    context = None

    def __init__(self) -> None:
        self.sent: list[object] = []

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> None:
        self.sent += [start_line.code, dict(headers.get_all())]

    def finish(self) -> None:
        self.sent.append("finished")


def test_message_is_forwarded() -> None:
    calls: list[object] = []

    class Recorder(HTTPMessageDelegate):
        def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
            calls.append((start_line.path, headers["Host"]))

        def data_received(self, chunk: bytes) -> None:
            calls.append(chunk)

        def finish(self) -> None:
            calls.append("finish")

        def on_connection_close(self) -> None:
            calls.append("close")

    class OnlyRouter(Router):
        def find_handler(
            self, request: HTTPServerRequest, **kwargs: Any
        ) -> HTTPMessageDelegate | None:
            calls.append((request.server_connection, request.connection is connection))
            return Recorder()

    connection: Any = Connection()
    delegate = OnlyRouter().start_request("server", connection)
    delegate.on_connection_close()
    delegate.headers_received(RequestStartLine("GET", "/p", "HTTP/1.1"), HTTPHeaders({"Host": "h"}))
    delegate.data_received(b"x")
    delegate.finish()
    delegate.on_connection_close()
    assert calls == [("server", True), ("/p", "h"), b"x", "finish", "close"]


def test_nobody_takes_the_message() -> None:
    connection: Any = Connection()
    delegate = RuleRouter([("/a", RuleRouter())]).start_request("server", connection)
    delegate.headers_received(RequestStartLine("GET", "/a", "HTTP/1.1"), HTTPHeaders({"Host": "h"}))
    delegate.data_received(b"x")
    delegate.finish()
    assert connection.sent == [404, {"Content-Length": "0"}, "finished"]


def test_routers_are_abstract() -> None:
    with pytest.raises(NotImplementedError):
        Router().find_handler(request())
    with pytest.raises(NotImplementedError):
        ReversibleRouter().reverse_url("x")


# The index.


def test_last_of_many_rules() -> None:
    router = NameRouter([(rf"/section{number}/(\d+)", number) for number in range(200)])
    assert reached(router, "/section199/5") == 199
    assert reached(router, "/section1/5") == 1
    assert reached(router, "/section200/5") is None


def test_index_looks_at_few_rules() -> None:
    rules = [Rule(PathMatches(rf"/s{number}/(\d+)"), number) for number in range(200)]
    index = RuleIndex([*rules, Rule(AnyMatches(), -1)])
    assert [rule.target for rule in index.candidates("/s199/1")] == [199, -1]
    assert [rule.target for rule in index.candidates("/nowhere")] == [-1]
    assert [rule.target for rule in index.candidates("")] == [-1]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (r"/(\w+)/item{}", "/x/item{}"),
        (r"/api/(v\d)/thing{}/(.*)", "/api/v1/thing{}/x/y"),
        (r"/([^/]+)/([^/]+)/{}/?", "/x/y/{}/"),
    ],
)
def test_index_looks_at_segments(pattern: str, path: str) -> None:
    rules = [Rule(PathMatches(pattern.format(number)), number) for number in range(200)]
    found = RuleIndex(rules).candidates(path.format(150))
    assert 150 in [rule.target for rule in found]
    assert len(found) <= (200 if "?" in pattern else 1)


def test_changed_rules_are_noticed() -> None:
    """The list of rules is public; programs append to it, insert and replace."""
    router = NameRouter([(f"/{number}", number) for number in range(20)])
    assert reached(router, "/new") is None
    router.rules.append(Rule(PathMatches("/new"), 100))
    assert reached(router, "/new") == 100
    router.rules.insert(0, Rule(PathMatches("/n.*"), 101))
    assert reached(router, "/new") == 101
    router.rules[0] = Rule(AnyMatches(), 102)
    assert reached(router, "/5") == 102
    del router.rules[0]
    assert reached(router, "/5") == 5
    router.rules = []
    assert reached(router, "/5") is None


def test_changed_target_is_noticed() -> None:
    router = NameRouter([(f"/{number}", number) for number in range(20)])
    assert reached(router, "/7") == 7
    router.rules[7].target = 70
    assert reached(router, "/7") == 70


def test_subclass_of_path_matches_is_always_asked() -> None:
    class Ignoring(PathMatches):
        def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
            return {} if self.regex.match(request.path.lower()) else None

    router = NameRouter([Rule(Ignoring(f"/x{number}"), number) for number in range(20)])
    assert reached(router, "/X7") == 7


PATTERNS = st.sampled_from(
    [
        *("/", "/a", "/a/", "/ab", "/a/b", "/a/b/c", "/b", "", ".*", "/.*", "/a.*", "/(a|b)/c"),
        *("/a|/b", r"/\w+", r"/(\w+)/b", r"/(\w+)/c", r"/a/(\d+)", r"/a/(.*)/c", "(?i)/A", "/ab?"),
        *(
            r"/[^/]+/b",
            r"/(\w+)/a/b",
            r"/([a-c.]+)/b/?",
            r"/(\w+)/(\w+)/c",
            r"/(?:a|b)/b",
            r"/a/(?P<x>\w+)",
            r"/a\.b",
            r"/\d/a",
            "/x?/b",
            "/a+b",
        ),
    ]
)
PATHS = st.text(alphabet="/abcAx.1\n", max_size=7)


@given(st.lists(PATTERNS, max_size=40), st.lists(PATHS, min_size=1))
def test_index_finds_what_a_scan_finds(patterns: list[str], paths: list[str]) -> None:
    rules = [Rule(PathMatches(pattern), number) for number, pattern in enumerate(patterns)]
    index = RuleIndex(rules)
    by_segments = SegmentIndex(rules)
    for path in paths:
        wanted = [rule.target for rule in rules if rule.matcher.regex.match(path)]
        for narrowed in (index, by_segments):
            found = [rule for rule in narrowed.candidates(path) if rule.matcher.regex.match(path)]
            assert [rule.target for rule in found] == wanted


# Reversal.


def test_reverse_url() -> None:
    """WEB-26"""
    router = ReversibleRuleRouter(
        [
            URLSpec("/a/(.*)", object(), name="first"),
            ("/b/(.*)/(.*)", object(), {}, "second"),
            ("/c", ReversibleRuleRouter([URLSpec("/c/(.*)", object(), name="inner")])),
            (AnyMatches(), [URLSpec("/d/(.*)", object(), name="listed")]),
        ]
    )
    assert router.reverse_url("first", "x") == "/a/x"
    assert router.reverse_url("second", 1, 2) == "/b/1/2"
    assert router.reverse_url("inner", "y") == "/c/y"
    assert router.reverse_url("listed", "z") == "/d/z"
    assert router.reverse_url("missing") is None


def test_later_of_two_names(caplog: pytest.LogCaptureFixture) -> None:
    router = ReversibleRuleRouter(
        [URLSpec("/a", object(), name="n"), URLSpec("/b", object(), name="n")]
    )
    assert router.reverse_url("n") == "/b"
    assert "'n'" in caplog.text


def test_compiled_patterns_in_rules() -> None:
    router = NameRouter([(PathMatches(re.compile("/a")), 1)])
    assert reached(router, "/abc") == 1
