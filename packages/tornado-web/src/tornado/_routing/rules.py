"""Rules: what to do with the requests that a matcher selects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from tornado._routing.around import AroundHook
from tornado._routing.matchers import Matcher, PathMatches
from tornado.util import import_object


class Rule:
    """Sends the requests that a matcher selects to a target.

    :arg matcher: the condition.
    :arg target: what is to handle the request: a router, an
        :class:`~tornado.httputil.HTTPServerConnectionDelegate`, a callable that takes the request,
        a list of further rules, whatever the router at hand knows besides, or the dotted name of
        one of these.
    :arg target_kwargs: parameters for the target; request handlers get them in ``initialize``.
    :arg name: for ``reverse_url``; unique in its router.
    :arg around_request: hooks around the requests that a request handler answers by way of this
        rule; see the setting of the same name.

    .. versionadded:: 4.5
    .. versionchanged:: 6.100
       Added ``around_request``.
    """

    around_request: tuple[AroundHook, ...] = ()

    def __init__(
        self,
        matcher: Matcher,
        target: Any,
        target_kwargs: dict[str, Any] | None = None,
        name: str | None = None,
        *,
        around_request: Sequence[AroundHook] = (),
    ) -> None:
        self.matcher = matcher
        self.target = import_object(target) if isinstance(target, str) else target
        self.target_kwargs = target_kwargs or {}
        self.name = name
        if around_request:
            self.around_request = tuple(around_request)

    def reverse(self, *args: Any) -> str | None:
        """Make a URL that this rule's matcher matches; see :meth:`Matcher.reverse`."""
        return self.matcher.reverse(*args)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.matcher!r}, {self.target!r}, "
            f"kwargs={self.target_kwargs!r}, name={self.name!r})"
        )


class URLSpec(Rule):
    """A rule that maps a URL pattern to a request handler; also known as ``tornado.web.url``.

    :arg pattern: regex for the whole path. Unnamed groups are passed to the handler's method by
        position, named ones by keyword.
    :arg handler: handler class, or its dotted name.
    :arg kwargs: keyword arguments for the handler's ``initialize``.
    :arg name: for ``reverse_url``.
    :arg around_request: hooks around the requests of this route; see `Rule`.

    .. versionchanged:: 6.100
       Added ``around_request``.
    """

    def __init__(
        self,
        pattern: str | re.Pattern[str],
        handler: Any,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
        *,
        around_request: Sequence[AroundHook] = (),
    ) -> None:
        matcher = PathMatches(pattern)
        super().__init__(matcher, handler, kwargs, name, around_request=around_request)
        self.regex = matcher.regex
        self.handler_class = self.target
        self.kwargs = kwargs

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.regex.pattern!r}, {self.handler_class!r}, "
            f"kwargs={self.kwargs!r}, name={self.name!r})"
        )


RuleLike: TypeAlias = (
    Rule
    | list[Any]
    | tuple[str | Matcher, Any]
    | tuple[str | Matcher, Any, dict[str, Any]]
    | tuple[str | Matcher, Any, dict[str, Any], str]
)
RuleList: TypeAlias = Sequence[RuleLike]


def make_rule(spec: RuleLike) -> Rule:
    """Make a rule from the tuple or list that may stand for it; rules are returned as they are.

    :raises ValueError: a tuple or list that has not two to four elements.
    """
    if not isinstance(spec, (tuple, list)):
        return spec
    if not 2 <= len(spec) <= 4:
        raise ValueError(f"a rule has a matcher, a target, arguments and a name, not {spec!r}")
    condition, *rest = spec
    matcher = PathMatches(condition) if isinstance(condition, str) else condition
    return Rule(matcher, *rest)
