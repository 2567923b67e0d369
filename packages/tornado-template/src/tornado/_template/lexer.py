"""From a template's text to tokens."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import NamedTuple

from tornado._template.errors import ParseError

_OPENING = re.compile(r"\{+(?=[{%#])[{%#]")


class Kind(enum.Enum):
    """What a token is."""

    TEXT = "text"
    EXPRESSION = "expression"
    STATEMENT = "statement"


class Token(NamedTuple):
    """A piece of a template: text as it is, or what stands between delimiters, without blanks
    around."""

    kind: Kind
    text: str
    line: int


class Source:
    """A template's text, with what errors need to know of it.

    :arg name: name of the template.
    :arg text: its text.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.lines = text.split("\n")

    def error(self, message: str, line: int, column: int = 0) -> ParseError:
        """Return an error for a place."""
        return ParseError(message, self.name, line, column=column, source_line=self.lines[line - 1])

    def error_at(self, message: str, position: int) -> ParseError:
        """Return an error for a position in the text."""
        line = self.text.count("\n", 0, position) + 1
        return self.error(message, line, position - self.text.rfind("\n", 0, position))


_ENDS = {"{": "}}", "%": "%}", "#": "#}"}
_NAMES = {"{": "expression", "%": "block", "#": "comment"}


def tokenize(source: Source) -> Iterator[Token]:
    """Yield the tokens of a template.

    ``{{!``, ``{%!`` and ``{#!`` stand for the delimiters without the exclamation mark. Of more than
    two braces, the last two open.

    :raises ParseError: something is opened and never closed.
    """
    text = source.text
    position = 0
    line = 1
    pending: list[str] = []
    pending_line = 1
    for match in _OPENING.finditer(text):
        if match.start() < position:
            continue
        opening = match.end() - 2
        if text[opening] != "{":
            continue
        pending.append(text[position:opening])
        line += text.count("\n", position, opening)
        inner = match.end()
        if text.startswith("!", inner):
            pending.append(text[opening:inner])
            position = inner + 1
            continue
        mark = text[inner - 1]
        end = text.find(_ENDS[mark], inner)
        if end < 0:
            raise source.error_at(
                f"Missing end {_NAMES[mark]} {_ENDS[mark]!r}, opened here", opening
            )
        content = text[inner:end].strip()
        if mark != "#":
            before = "".join(pending)
            if before:
                yield Token(Kind.TEXT, before, pending_line)
            pending = []
            if not content:
                raise source.error_at(
                    "Empty expression" if mark == "{" else "Empty block tag ({% %})", opening
                )
            kind = Kind.EXPRESSION if mark == "{" else Kind.STATEMENT
            yield Token(kind, content, line)
        position = end + 2
        line += text.count("\n", opening, position)
        if mark != "#":
            pending_line = line
    pending.append(text[position:])
    rest = "".join(pending)
    if rest:
        yield Token(Kind.TEXT, rest, pending_line)
