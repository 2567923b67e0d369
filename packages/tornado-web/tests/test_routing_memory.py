"""What an index of routes remembers of the paths that were asked for, and what it does not."""

from __future__ import annotations

import json

from tornado._routing.index import RuleIndex
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, PathMatches, Rule, URLSpec
from tornado.web import Application, ErrorHandler, RequestHandler


class Showing(RequestHandler):
    def initialize(self, **kwargs):
        self.kwargs = kwargs

    def get(self, *args, **kwargs):
        self.write({"args": args, "kwargs": kwargs, "given": self.kwargs})
        self.path_args.append("spoilt")
        self.path_kwargs["spoilt"] = True


def test_a_path_that_is_asked_for_again_has_the_same_answer(fetch):
    app = Application(
        [
            (r"/a/(\w+)(/x)?", Showing, {"k": 1}),
            (r"/b/(?P<name>\w+)", Showing),
            (r"/c/\d+", Showing),
            ("/d", Showing),
        ]
    )
    for uri, args, kwargs in [
        ("/a/1", ["1", None], {}),
        ("/a/1/x", ["1", "/x"], {}),
        ("/b/n", [], {"name": "n"}),
        ("/c/7", [], {}),
        ("/d", [], {}),
    ]:
        given = {"k": 1} if uri.startswith("/a") else {}
        for _ in range(3):
            answer = json.loads(fetch(app, uri=uri).text)
            assert answer == {"args": args, "kwargs": kwargs, "given": given}
    for _ in range(2):
        assert fetch(app, uri="/c/x").code == 404


def test_routes_that_are_added_later_are_found(fetch):
    app = Application([(r"/(\w+)", Showing)])
    assert fetch(app, uri="/a").code == 200
    app.wildcard_router.rules.insert(0, URLSpec(r"/a", ErrorHandler, {"status_code": 418}))
    assert fetch(app, uri="/a").code == 418
    assert fetch(app, uri="/b").code == 200


def test_matchers_that_look_at_more_than_the_path_are_always_asked(fetch):
    """And what they find for the target's initialize reaches it."""

    class Method(Matcher):
        def match(self, request):
            if request.method != "GET":
                return None
            return {"target_kwargs": {"found": request.query}}

    class Own(PathMatches):
        def match(self, request):
            return super().match(request) if "X-Own" in request.headers else None

    app = Application(
        [
            Rule(Own(r"/(\w+)"), ErrorHandler, {"status_code": 418}),
            Rule(Method(), Showing),
            (r"/(\w+)", ErrorHandler, {"status_code": 409}),
        ]
    )
    for _ in range(2):
        for query in ("a", "b"):
            answer = json.loads(fetch(app, uri="/x?" + query).text)
            assert answer["given"] == {"found": query}
        assert fetch(app, "POST", uri="/x").code == 409
        assert fetch(app, uri="/x", headers={"X-Own": "1"}).code == 418


def test_what_is_remembered_has_limits():
    index = RuleIndex([URLSpec(r"/(.*)", Showing), URLSpec("/", Showing)])
    before = len(index.known)
    for number in range(3000):
        found = index.find(HTTPServerRequest("GET", f"/{number}"))
        assert found[1]["path_args"] == [str(number).encode()]
    assert len(index.known) <= before + 512
    for length in (127, 128, 129):
        path = "/" + "x" * (length - 1)
        assert index.find(HTTPServerRequest("GET", path)) is not None
        assert (path in index.known) is (length <= 128)
