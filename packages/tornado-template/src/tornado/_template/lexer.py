"""From a template's text to tokens."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

from tornado._template.source import Source

# Of more than two braces, the last two open.
_OPENING = re.compile(r"\{(?:\{(?!\{)|[%#])")
_CLOSING = {"{": "}}", "%": "%}", "#": "#}"}


class Kind(enum.Enum):
    """What a token is."""

    TEXT = "text"
    EXPRESSION = "expression"
    DIRECTIVE = "directive"


class Token:
    """A piece of a template: text as it is, or what stands between delimiters, without blanks
    around.

    :arg opening: position of the piece in the template.
    :arg start: position of what stands between the delimiters.
    """

    __slots__ = ("kind", "opening", "start", "text")

    def __init__(self, kind: Kind, text: str, opening: int, start: int) -> None:
        self.kind = kind
        self.text = text
        self.opening = opening
        self.start = start


def tokenize(source: Source) -> Iterator[Token]:
    """Yield the tokens of a template.

    ``{{!``, ``{%!`` and ``{#!`` stand for the delimiters without the exclamation mark. They and
    comments divide texts, whose white space is treated one by one.

    :raises ParseError: something is opened and never closed, or empty.
    """
    text = source.text
    position = 0
    while match := _OPENING.search(text, position):
        opening, inner = match.span()
        if opening > position:
            yield Token(Kind.TEXT, text[position:opening], position, position)
        if text.startswith("!", inner):
            yield Token(Kind.TEXT, match[0], opening, opening)
            position = inner + 1
            continue
        content, position = _content(source, opening, inner)
        if text[inner - 1] == "#":
            continue
        stripped = content.lstrip()
        start = inner + len(content) - len(stripped)
        kind = Kind.EXPRESSION if text[inner - 1] == "{" else Kind.DIRECTIVE
        yield Token(kind, stripped.rstrip(), opening, start)
    if position < len(text):
        yield Token(Kind.TEXT, text[position:], position, position)


def _content(source: Source, opening: int, inner: int) -> tuple[str, int]:
    """Return what stands between delimiters, and the position after the closing ones."""
    mark = source.text[inner - 1]
    closing = _CLOSING[mark]
    end = source.text.find(closing, inner)
    if end < 0:
        raise source.error(f"`{{{mark}` has no `{closing}` after it", opening)
    content = source.text[inner:end]
    if mark != "#" and not content.strip():
        wanted = "an expression" if mark == "{" else "a directive"
        raise source.error(f"expected {wanted} between `{{{mark}` and `{closing}`", opening)
    return content, end + 2
