"""A second index, for rules that share their literal beginning and differ in later segments.

Patterns such as ``/api/(v1|v2)/users`` and ``/api/(v1|v2)/rooms`` begin alike, but what stands
between the same two slashes tells them apart. They are kept in a tree with one level per segment.
From each of its nodes two ways go on: with the very text of the path's segment, or with any text.
"""

from __future__ import annotations

from collections.abc import Sequence

from tornado._routing.matchers import PathMatches
from tornado._routing.patterns import Segments, leading_segments
from tornado._routing.rules import Rule


class _Node:
    """What is known after some segments.

    ``ends`` are the positions of rules that match no further segment, ``open`` those of rules of
    which nothing more is known.
    """

    __slots__ = ("any", "ends", "literal", "open")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.ends: list[int] = []
        self.open: list[int] = []

    def step(self, segment: str | None) -> _Node:
        """Return the node after a segment, and make it if need be."""
        if segment is not None:
            return self.literal.setdefault(segment, _Node())
        if self.any is None:
            self.any = _Node()
        return self.any


class SegmentIndex:
    """Narrows rules down by the segments of a path.

    :arg rules: the rules in the order in which they apply.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._root = _Node()
        self._depth = 0
        for position, rule in enumerate(rules):
            segments = _segments_of(rule)
            self._depth = max(self._depth, len(segments.known))
            node = self._root
            for segment in segments.known:
                node = node.step(segment)
            (node.ends if segments.complete else node.open).append(position)

    def candidates(self, path: str) -> Sequence[Rule]:
        """Return the rules that can match the path, in order."""
        # "$" also matches before a newline at the end, where a segment is longer than its literal.
        if "\n" in path:
            return self._rules
        found: list[int] = []
        nodes = [self._root]
        # Segments beyond the deepest rule stay in one piece.
        for segment in path.split("/", self._depth):
            after: list[_Node] = []
            for node in nodes:
                found += node.open
                literal = node.literal.get(segment)
                if literal is not None:
                    after.append(literal)
                if node.any is not None:
                    after.append(node.any)
            nodes = after
        for node in nodes:
            found += node.open
            found += node.ends
        found.sort()
        return [self._rules[position] for position in found]


def _segments_of(rule: Rule) -> Segments:
    matcher = rule.matcher
    if type(matcher) is not PathMatches:
        return Segments((), complete=False)
    return leading_segments(matcher.regex)
