"""Routers: from a request to the delegate that handles it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tornado._routing.around import hooks_of, note_hooks, restore_hooks
from tornado._routing.delegates import BufferedMessage, RoutedMessage
from tornado._routing.index import RuleIndex
from tornado._routing.rules import Rule, RuleList, make_rule
from tornado.httputil import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
)
from tornado.log import app_log


class Router(HTTPServerConnectionDelegate):
    """Finds a handler for each request; a server can be given a router in place of an application.

    .. versionadded:: 4.5
    """

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Find the delegate that is to handle a request.

        :arg request: the request; its body has not come yet.
        :arg kwargs: what the matcher of a router above has found.
        :returns: the delegate, or ``None`` to decline the request.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define find_handler()")

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Begin a request on a connection; a request that nobody takes is answered with 404."""
        return RoutedMessage(self, server_conn, request_conn)


class ReversibleRouter(Router):
    """A router that can also make the URL of a named route."""

    def reverse_url(self, name: str, *args: Any) -> str | None:
        """Make the URL of a route.

        :arg name: the route's name.
        :arg args: values for the groups of its pattern.
        :returns: the URL, or ``None`` if there is no such route here.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define reverse_url()")


class RuleRouter(Router):
    """Finds handlers by an ordered list of rules; the first rule that matches is the one.

    If a rule matches but its target declines the request, the rules after it are asked.

    :arg rules: :class:`Rule` objects, or tuples of their arguments, with a regex for the path in
        place of a :class:`PathMatches` if so wished.

    Example::

        router = RuleRouter([
            ("/status", show_status),
            (HostMatches("api.example.com"), api_application),
            (PathMatches("/files/.*"), files_application),
        ])
        HTTPServer(router).listen(8888)
    """

    def __init__(self, rules: RuleList | None = None) -> None:
        #: The rules in order; the list may be changed at any time.
        self.rules: list[Rule] = []
        self._index: RuleIndex | None = None
        if rules:
            self.add_rules(rules)

    def add_rules(self, rules: RuleList) -> None:
        """Append rules.

        :arg rules: as for the constructor.
        :raises ValueError: a tuple that is no rule.
        """
        for spec in rules:
            self.rules.append(self.process_rule(make_rule(spec)))

    def process_rule(self, rule: Rule) -> Rule:
        """Prepare a rule before it is appended; subclasses may replace it or refuse it.

        :arg rule: the rule as it was given.
        :returns: the rule to append.
        """
        if isinstance(rule.target, (list, tuple)):
            rule.target = _NestedRules(self, rule.target)
        return rule

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Return the delegate of the first rule that matches and whose target takes the request."""
        for rule in self._candidates(request.path):
            found = rule.matcher.match(request)
            if found is None:
                continue
            if rule.target_kwargs:
                found = {**found, "target_kwargs": rule.target_kwargs}
            if rule.around_request:
                delegate = self._surrounded_delegate(rule, request, found)
            else:
                delegate = self.get_target_delegate(rule.target, request, **found)
            if delegate is not None:
                return delegate
        return None

    def _surrounded_delegate(
        self, rule: Rule, request: HTTPServerRequest, found: dict[str, Any]
    ) -> HTTPMessageDelegate | None:
        """Make the delegate for the target of a rule that has hooks."""
        before = hooks_of(request)
        note_hooks(request, rule.around_request)
        delegate = self.get_target_delegate(rule.target, request, **found)
        if delegate is None:
            restore_hooks(request, before)
        return delegate

    def get_target_delegate(
        self, target: Any, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        """Make the delegate for a rule's target; subclasses extend this to know further targets.

        :arg target: the target of the rule that matched.
        :arg request: the request.
        :arg target_params: what the matcher found, and the rule's ``target_kwargs`` if it has any.
        :returns: the delegate, or ``None`` if the target declines or is of an unknown kind.
        """
        if isinstance(target, Router):
            return target.find_handler(request, **target_params)
        if isinstance(target, HTTPServerConnectionDelegate):
            return target.start_request(request.server_connection, request.connection)
        if callable(target):
            return BufferedMessage(request, target)
        return None

    def _candidates(self, path: str) -> Sequence[Rule]:
        return self._current_index().candidates(path)

    def _current_index(self) -> RuleIndex:
        index = self._index
        # The list is public and changed in place; comparing identities is cheap next to matching.
        if index is None or index.rules != self.rules:
            index = self._index = RuleIndex(self.rules)
        return index


class ReversibleRuleRouter(ReversibleRouter, RuleRouter):
    """A rule router whose rules may have names, for ``reverse_url``.

    :arg rules: as for :class:`RuleRouter`.
    """

    def __init__(self, rules: RuleList | None = None) -> None:
        self.named_rules: dict[str, Rule] = {}
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        """Note the rule's name; a name that is given twice means the later rule."""
        rule = super().process_rule(rule)
        if rule.name:
            if rule.name in self.named_rules:
                app_log.warning("the later of two rules named %r is used", rule.name)
            self.named_rules[rule.name] = rule
        return rule

    def reverse_url(self, name: str, *args: Any) -> str | None:
        """Make the URL of a rule of this router, or of the first router below that knows the name.

        :raises ValueError: the rule's pattern has no way back, or takes another number of
            arguments.
        """
        rule = self.named_rules.get(name)
        if rule is not None:
            return rule.reverse(*args)
        for below in self.rules:
            if isinstance(below.target, ReversibleRouter):
                url = below.target.reverse_url(name, *args)
                if url is not None:
                    return url
        return None


class _NestedRules(RuleRouter):
    """Rules below a rule; targets and names are the business of the router that they were given to.

    :arg owner: that router.
    :arg rules: the rules.
    """

    def __init__(self, owner: RuleRouter, rules: RuleList) -> None:
        self._owner = owner
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        return self._owner.process_rule(rule)

    def get_target_delegate(
        self, target: Any, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        return self._owner.get_target_delegate(target, request, **target_params)
