"""Matchers: the conditions under which a rule applies to a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tornado._late import LateModule
from tornado._routing.patterns import reversal_parts
from tornado.escape import url_escape, utf8
from tornado.httputil import HTTPServerRequest

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = LateModule("urllib.parse")


def compile_anchored(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """Compile a pattern so that it has to match to the end; a compiled one is taken as it is."""
    if isinstance(pattern, re.Pattern):
        return pattern
    return re.compile(pattern if pattern.endswith("$") else pattern + "$")


class Matcher:
    """The condition of a :class:`Rule`; subclasses say what is asked of a request.

    .. versionadded:: 4.5
    """

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Compare with a request.

        :arg request: the request, its body not yet read.
        :returns: ``None`` for no match; for a match a dict, perhaps empty, of keyword arguments for
            the rule's target. A request handler understands ``path_args`` (list of `bytes`),
            ``path_kwargs`` (dict of `bytes`) and ``target_kwargs``.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define match()")

    def reverse(self, *args: Any) -> str | None:
        """Make a URL that this matcher matches.

        :arg args: values to put into the URL.
        :returns: the URL, or ``None`` if the condition is not one about URLs.
        """
        return None


class AnyMatches(Matcher):
    """Matches every request."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match, whatever the request is."""
        return {}


class HostMatches(Matcher):
    """Matches requests for certain hosts.

    :arg host_pattern: regex, text or compiled, for the host name without the port. Text has to
        match the whole name.
    """

    def __init__(self, host_pattern: str | re.Pattern[str]) -> None:
        self.host_pattern = compile_anchored(host_pattern)

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match if the request's ``host_name`` fits the pattern."""
        return {} if self.host_pattern.match(request.host_name) else None


class DefaultHostMatches(Matcher):
    """Matches if the application's ``default_host`` fits, whatever host was asked for.

    Requests that came through a proxy (they have ``X-Real-Ip``) never match.

    :arg application: object with the attribute ``default_host``.
    :arg host_pattern: compiled regex for the host name.
    """

    def __init__(self, application: Any, host_pattern: re.Pattern[str]) -> None:
        self.application = application
        self.host_pattern = host_pattern

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match if the default host fits the pattern and no proxy is involved."""
        if "X-Real-Ip" in request.headers:
            return None
        default_host = self.application.default_host
        return {} if default_host and self.host_pattern.match(default_host) else None


class PathMatches(Matcher):
    """Matches requests by their path.

    :arg path_pattern: regex, text or compiled. Text has to match to the path's end. Its groups are
        either all named or all unnamed and become arguments of the target.
    :raises ValueError: named and unnamed groups are mixed.
    """

    def __init__(self, path_pattern: str | re.Pattern[str]) -> None:
        self.regex = compile_anchored(path_pattern)
        if self.regex.groupindex and len(self.regex.groupindex) != self.regex.groups:
            raise ValueError(
                f"URL pattern {self.regex.pattern!r} mixes named groups with unnamed ones"
            )
        # As long as it is still that one, its groups need not be asked for their names.
        self._nameless = None if self.regex.groupindex else self.regex

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match the path; the groups are returned %-decoded, as bytes.

        A group that took no part in the match is given as ``None``.
        """
        regex, path = self.regex, request.path
        found = regex.match(path)
        if found is None:
            return None
        groups = found.groups()
        if not groups:
            return {}
        if regex is not self._nameless and regex.groupindex:
            named = {name: _decoded(value) for name, value in found.groupdict().items()}
            return {"path_args": [], "path_kwargs": named}
        if len(groups) == 1 and groups[0] is not None and "%" not in path:
            return {"path_args": [groups[0].encode()], "path_kwargs": {}}
        return {"path_args": [_decoded(value) for value in groups], "path_kwargs": {}}

    def reverse(self, *args: Any) -> str | None:
        """Put arguments in place of the groups.

        :arg args: one per group, in order; what is not text or bytes is turned into text. All are
            encoded as UTF-8 and %-escaped, except for slashes.
        :raises ValueError: the pattern has no way back (alternatives, nested groups, character
            classes outside of groups), or the number of arguments is not that of its groups.
        """
        parts = reversal_parts(self.regex)
        if parts is None:
            raise ValueError(f"no URL can be made from the pattern {self.regex.pattern!r}")
        if len(args) != len(parts) - 1:
            raise ValueError(
                f"the URL pattern {self.regex.pattern!r} takes {len(parts) - 1} argument(s), "
                f"{len(args)} given"
            )
        escaped = (_escaped(arg) for arg in args)
        return parts[0] + "".join(
            value + part for value, part in zip(escaped, parts[1:], strict=True)
        )


def _decoded(group: str | None) -> bytes | None:
    # A plus is a plus in a path; only forms and queries write a space so.
    if group is None:
        return None
    return parse.unquote_to_bytes(group) if "%" in group else group.encode("utf-8")


def _escaped(arg: Any) -> str:
    return url_escape(utf8(arg if isinstance(arg, (str, bytes)) else str(arg)), plus=False)
