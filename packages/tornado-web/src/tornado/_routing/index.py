"""An index over the rules of a router: which of them can match a path at all.

A URL regex begins with literal text most of the time. The distinct beginnings are kept sorted.
Among them, let *q* be the greatest that is not greater than the path. Each beginning *p* of the
path with ``p <= q`` is also a beginning of *q*, for everything between *p* and the path starts with
*p*. So the longest one that fits is *q* itself or found on the way from *q* to ever shorter
beginnings of it; that way is stored. Rules of which nothing is known (hosts, own matchers) have the
empty beginning.

Where many rules remain, they are narrowed down further by the segments of the path.

For paths that stand in the rules as they are, without any expression, the choice is made
beforehand.

The index only narrows the choice. It returns rules in their order, and their matchers decide.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from tornado._routing.matchers import PathMatches
from tornado._routing.patterns import literal_path, literal_prefix
from tornado._routing.rules import Rule
from tornado._routing.segments import SegmentIndex

# Up to so many rules, matching each is as fast as looking at the segments of the path.
_MANY = 6


class RuleIndex:
    """Narrows a list of rules down to those that may match a path.

    It is made for one state of a list and never changes. A rule whose matcher is replaced is not
    noticed.

    :arg rules: the rules in the order in which they apply.

    .. attribute:: rules

       The state that the index was made for, to be compared with the list's present one.

    .. attribute:: sure

       Paths that stand in rules as they are -> the rule that matches first, without any argument.
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
        self.sure = {
            path: chosen[0] for path, chosen in self._by_path.items() if _path_of(chosen[0]) == path
        }

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
