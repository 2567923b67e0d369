"""The text of a template, and the places in it."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from tornado._template.errors import ParseError


class Source:
    """A template's text, with what errors need to know of it.

    :arg name: name of the template.
    :arg text: its text.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None
        self._starts: list[int] = []

    @property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines

    def line_of(self, position: int) -> int:
        """Return the line of a position in the text, counted from 1."""
        if not self._starts:
            # Threads may ask at the same time: what they find has to be whole.
            lengths = accumulate((len(line) + 1 for line in self.lines[:-1]), initial=0)
            self._starts = list(lengths)
        return bisect_right(self._starts, position)

    def error(self, message: str, position: int) -> ParseError:
        """Return an error for a position in the text."""
        line = self.line_of(position)
        return ParseError(
            message,
            self.name,
            line,
            column=position - self._starts[line - 1] + 1,
            source_line=self.lines[line - 1],
        )
