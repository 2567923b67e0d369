"""Routing: which object handles a request.

An :class:`~tornado.web.Application` is all that most programs need. The routers here are for those
who put several applications behind one server, choose by something other than the path, or handle
requests below the level of request handlers.

A *router* is asked for a handler once a request's headers are there. A :class:`RuleRouter` goes
through its *rules*; each has a *matcher* and a *target*, and the first that matches is used::

    from tornado import httpserver, routing, web

    app = web.Application([("/", MainPage)])
    admin = web.Application([("/admin/.*", AdminPage)])

    router = routing.RuleRouter([
        routing.Rule(routing.HostMatches("internal.example.com"), admin),
        routing.Rule(routing.AnyMatches(), app),
    ])
    httpserver.HTTPServer(router).listen(8888)

A router of one's own derives from :class:`Router` and defines ``find_handler``.
"""

from __future__ import annotations

from tornado._routing.matchers import (
    AnyMatches,
    DefaultHostMatches,
    HostMatches,
    Matcher,
    PathMatches,
)
from tornado._routing.routers import ReversibleRouter, ReversibleRuleRouter, Router, RuleRouter
from tornado._routing.rules import Rule, URLSpec
from tornado._routing.rules import RuleList as _RuleList

__all__ = [
    "AnyMatches",
    "DefaultHostMatches",
    "HostMatches",
    "Matcher",
    "PathMatches",
    "ReversibleRouter",
    "ReversibleRuleRouter",
    "Router",
    "Rule",
    "RuleRouter",
    "URLSpec",
    "_RuleList",
]
