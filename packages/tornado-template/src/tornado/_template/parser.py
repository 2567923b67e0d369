"""From tokens to nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tornado._template.lexer import Kind, Source, Token, tokenize
from tornado._template.nodes import (
    Apply,
    Body,
    Control,
    Expression,
    Extends,
    Include,
    NamedBlock,
    Node,
    Statement,
    Text,
)
from tornado._template.whitespace import MODES, filter_whitespace

if TYPE_CHECKING:
    from tornado._template.template import Template

# Clauses that continue a control statement, and the statements that have them.
_CLAUSES = {
    "else": frozenset(("if", "for", "while", "try")),
    "elif": frozenset(("if",)),
    "except": frozenset(("try",)),
    "finally": frozenset(("try",)),
}
_CONTROLS = frozenset(("if", "for", "while", "try"))


class Parser:
    """Parse one template.

    :arg source: its text.
    :arg template: the template; its ``autoescape`` and ``whitespace`` change where its text says
        so.
    """

    def __init__(self, source: Source, template: Template) -> None:
        self._source = source
        self._template = template
        self._whitespace = template.whitespace
        self._tokens: Iterator[Token] = tokenize(source)

    def parse(self) -> Body:
        """Return the template's body.

        :raises ParseError: the template is malformed.
        """
        body, end = self._parse_body(1, None, in_loop=False)
        if end is not None:
            word = end.text.partition(" ")[0]
            if word == "end":
                raise self._source.error("Extra {% end %} block", end.line)
            places = ", ".join(sorted(_CLAUSES[word]))
            raise self._source.error(f"{word} outside a block of {places}", end.line)
        return body

    def _parse_body(
        self, line: int, opened_by: str | None, *, in_loop: bool
    ) -> tuple[Body, Token | None]:
        """Parse up to the token that ends the body, and return that too; `None` at the template's
        end."""
        nodes: list[Node] = []
        for token in self._tokens:
            if token.kind is Kind.TEXT:
                text = filter_whitespace(self._whitespace, token.text)
                if text:
                    nodes.append(Text(token.line, text))
                continue
            if token.kind is Kind.EXPRESSION:
                nodes.append(Expression(token.line, token.text))
                continue
            word = token.text.split(None, 1)[0]
            if word == "end" or word in _CLAUSES:
                return Body(line, nodes), token
            node = self._parse_statement(token, in_loop=in_loop)
            if node is not None:
                nodes.append(node)
        if opened_by is not None:
            raise self._source.error(
                f"{{% {opened_by} %}} opened on line {line} is never closed: "
                f"Missing {{% end %}} block for {opened_by}",
                line,
            )
        return Body(line, nodes), None

    def _parse_statement(self, token: Token, *, in_loop: bool) -> Node | None:
        word, rest = ([*token.text.split(None, 1), ""])[:2]
        rest = rest.strip()
        line = token.line
        if word in _CONTROLS:
            return self._parse_control(token, word, in_loop=in_loop)
        if word == "block":
            return self._parse_block(line, rest, in_loop=in_loop)
        if word == "apply":
            self._require(rest, "apply missing method name", line)
            body = self._parse_until_end(line, "apply", in_loop=False)
            return Apply(line, rest, body)
        if word == "comment":
            return None
        if word in ("break", "continue"):
            if not in_loop:
                raise self._source.error(f"{word} outside a block of for, while", line)
            return Statement(line, token.text)
        if word in ("import", "from"):
            self._require(rest, f"{word} missing statement", line)
            return Statement(line, token.text)
        if word == "set":
            self._require(rest, "set missing statement", line)
            return Statement(line, rest)
        return self._parse_directive(word, rest, line)

    def _parse_directive(self, word: str, rest: str, line: int) -> Node | None:
        if word == "extends":
            self._require(rest.strip("\"'"), "extends missing file path", line)
            return Extends(line, rest.strip("\"'"))
        if word == "include":
            self._require(rest.strip("\"'"), "include missing file path", line)
            return Include(line, rest.strip("\"'"))
        if word == "raw":
            self._require(rest, "raw missing expression", line)
            return Expression(line, rest, raw=True)
        if word == "module":
            self._require(rest, "module missing expression", line)
            return Expression(line, "_tt_modules." + rest, raw=True)
        if word == "autoescape":
            self._template.autoescape = None if rest in ("None", "") else rest
            return None
        if word == "whitespace":
            if rest not in MODES:
                raise self._source.error(
                    f"unknown whitespace mode {rest!r}, expected one of {', '.join(MODES)}", line
                )
            self._whitespace = rest
            return None
        raise self._source.error(f"unknown operator: {word!r}", line)

    def _parse_control(self, token: Token, word: str, *, in_loop: bool) -> Control:
        inside = in_loop or word in ("for", "while")
        clauses = []
        code, line = token.text, token.line
        while True:
            body, end = self._parse_body(line, word, in_loop=inside)
            clauses.append((line, code, body))
            if end is None or end.text == "end" or end.text.split(None, 1)[0] == "end":
                return Control(token.line, clauses)
            clause = end.text.split(None, 1)[0].rstrip(":")
            if word not in _CLAUSES[clause]:
                raise self._source.error(
                    f"{clause} block cannot be attached to {word} block", end.line
                )
            code, line = end.text, end.line
            if clause == "else" and word in ("for", "while"):
                # The else of a loop isn't in the loop any more.
                inside = in_loop

    def _parse_block(self, line: int, name: str, *, in_loop: bool) -> NamedBlock:
        self._require(name, "block missing name", line)
        body = self._parse_until_end(line, f"block {name}", in_loop=in_loop)
        return NamedBlock(line, name, body, self._template)

    def _parse_until_end(self, line: int, opened_by: str, *, in_loop: bool) -> Body:
        body, end = self._parse_body(line, opened_by, in_loop=in_loop)
        if end is not None and end.text.split(None, 1)[0] != "end":
            raise self._source.error(
                f"{end.text.split(None, 1)[0]} block cannot be attached to {opened_by} block",
                end.line,
            )
        return body

    def _require(self, text: str, message: str, line: int) -> None:
        if not text:
            raise self._source.error(message, line)
