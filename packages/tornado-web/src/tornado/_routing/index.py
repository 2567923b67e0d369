"""An index over the rules of a router: which of them can match a path at all.

A URL regex begins with literal text most of the time. The distinct beginnings are kept sorted.
Among them, let *q* be the greatest that is not greater than the path. Each beginning *p* of the
path with ``p <= q`` is also a beginning of *q*, for everything between *p* and the path starts with
*p*. So the longest one that fits is *q* itself or found on the way from *q* to ever shorter
beginnings of it; that way is stored. Rules of which nothing is known (hosts, own matchers) have the
empty beginning.

Where many rules remain, they are narrowed down further by the segments of the path.

For paths that stand in the rules as they are, without any expression, the choice is made
beforehand. Other paths that were asked for are remembered with what was found, as far as paths are
all that the rules go by.

The index only narrows the choice. It returns rules in their order, and their matchers decide.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from tornado._routing.matchers import PathMatches
from tornado._routing.patterns import literal_path, literal_prefix
from tornado._routing.rules import Rule
from tornado._routing.segments import SegmentIndex
from tornado.httputil import HTTPServerRequest

# Up to so many rules, matching each is as fast as looking at the segments of the path.
_MANY = 6

# Paths come from peers, so what is remembered of them has limits.
_MAX_REMEMBERED = 512
_MAX_REMEMBERED_LENGTH = 128  # characters

#: A rule, and what its matcher has found in the path; shared by requests, so never changed.
Found = tuple[Rule, dict[str, Any]]


class RuleIndex:
    """Narrows a list of rules down to those that may match a path.

    It is made for one state of a list. A rule whose matcher is replaced or changed is not noticed.

    :arg rules: the rules in the order in which they apply.

    .. attribute:: rules

       The state that the index was made for, to be compared with the list's present one.

    .. attribute:: known

       Paths -> what `find` returns for them, as far as that is known already.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = list(rules)
        by_prefix: dict[str, list[int]] = {"": []}
        by_path: dict[str, list[int]] = {}
        for position, rule in enumerate(self.rules):
            path = _path_of(rule)
            if path is None:
                by_prefix.setdefault(_prefix_of(rule), []).append(position)
            else:
                by_path.setdefault(path, []).append(position)
        self._prefixes = sorted(by_prefix)
        self._parents: list[int] = []
        self._candidates: list[list[Rule]] = []
        # By the number of a beginning that leaves many rules; made when first needed.
        self._by_segments: dict[int, SegmentIndex] = {}
        positions: list[list[int]] = []
        for number, prefix in enumerate(self._prefixes):
            parent = self._longest_start(prefix, number - 1)
            inherited = positions[parent] if number else []
            positions.append(sorted(inherited + by_prefix[prefix]))
            self._parents.append(parent)
            self._candidates.append([self.rules[position] for position in positions[number]])
        # For paths that stand in rules as they are: the rules that match.
        self._by_path: dict[str, list[Rule]] = {}
        self._by_path = {path: self._choose(path, found) for path, found in by_path.items()}
        # Paths that stand in rules as they are, with the rules that match first.
        self._sure: dict[str, Found] = {
            path: (chosen[0], {})
            for path, chosen in self._by_path.items()
            if _path_of(chosen[0]) == path
        }
        self.known = self._sure.copy()

    def find(self, request: HTTPServerRequest) -> Found | None:
        """Return the first rule that matches a request, with what its matcher has found."""
        path = request.path
        by_path_alone = True
        for rule in self.candidates(path):
            matcher = rule.matcher
            # A subclass may look at other things than the path.
            by_path_alone = by_path_alone and type(matcher) is PathMatches
            found = matcher.match(request)
            if found is not None:
                if by_path_alone and len(path) <= _MAX_REMEMBERED_LENGTH:
                    self._remember(path, (rule, found))
                return rule, found
        return None

    def _remember(self, path: str, found: Found) -> None:
        if len(self.known) >= len(self._sure) + _MAX_REMEMBERED:
            self.known = self._sure.copy()
        self.known[path] = found

    def candidates(self, path: str) -> Sequence[Rule]:
        """Return the rules that can match the path, in order; all others cannot."""
        chosen = self._by_path.get(path)
        if chosen is not None:
            return chosen
        if path[-1:] == "\n":
            # "$" in a pattern matches before it, so that the path may be a literal one after all.
            return self.rules
        prefixes = self._prefixes
        number = bisect_right(prefixes, path) - 1
        if not path.startswith(prefixes[number]):
            number = self._longest_start(path, self._parents[number])
        candidates = self._candidates[number]
        if len(candidates) <= _MANY:
            return candidates
        index = self._by_segments.get(number)
        if index is None:
            index = self._by_segments[number] = SegmentIndex(candidates)
        return index.candidates(path)

    def _choose(self, path: str, positions: Sequence[int]) -> list[Rule]:
        """Put the rules of a literal path together with the others that match it, in order."""
        chosen = {position: self.rules[position] for position in positions}
        others = {id(rule) for rule in self.candidates(path) if _may_match(rule, path)}
        for position, rule in enumerate(self.rules):
            if id(rule) in others:
                chosen[position] = rule
        return [chosen[position] for position in sorted(chosen)]

    def _longest_start(self, text: str, number: int) -> int:
        """Find the longest stored beginning of a text, coming from a number that is not below."""
        while number > 0 and not text.startswith(self._prefixes[number]):
            number = self._parents[number]
        return max(number, 0)


def _path_of(rule: Rule) -> str | None:
    """Return the only path that the rule can match, if there is only one."""
    matcher = rule.matcher
    return literal_path(matcher.regex) if type(matcher) is PathMatches else None


def _may_match(rule: Rule, path: str) -> bool:
    matcher = rule.matcher
    return type(matcher) is not PathMatches or matcher.regex.match(path) is not None


def _prefix_of(rule: Rule) -> str:
    matcher = rule.matcher
    # A subclass may have ideas of its own about what it matches.
    if type(matcher) is not PathMatches:
        return ""
    return literal_prefix(matcher.regex)
