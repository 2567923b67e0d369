"""From tokens to nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tornado._template import python
from tornado._template.lexer import Kind, Token, tokenize
from tornado._template.nodes import (
    Apply,
    Body,
    Clause,
    Control,
    Expression,
    Extends,
    Include,
    NamedBlock,
    Node,
    Statement,
    Text,
)
from tornado._template.source import Source
from tornado._template.whitespace import MODES, check_mode, filter_whitespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tornado._template.template import Template

# What may come after each clause of each control statement.
_FOLLOWING = {
    "if": {"if": ("end", "else", "elif"), "elif": ("end", "else", "elif"), "else": ("end",)},
    "for": {"for": ("end", "else"), "else": ("end",)},
    "while": {"while": ("end", "else"), "else": ("end",)},
    "try": {
        "try": ("except", "finally"),
        "except": ("end", "except", "else", "finally"),
        "else": ("end", "finally"),
        "finally": ("end",),
    },
}
# The clauses that continue a statement, not those that open it.
_CLAUSES = ("else", "elif", "except", "finally")
_WITHOUT_OPERAND = ("try", "else", "finally", "break", "continue")
#: What the UI modules of `tornado.web` are attributes of.
MODULES = "_tt_modules"
_FORMATTED = "<pre>"
_DIRECTIVE = re.compile(r"(\S+)\s*(.*)", re.DOTALL)
# What other languages call a directive.
_HABITS = {"elseif": "elif", "elsif": "elif", "catch": "except", "foreach": "for"}
# What the operand of a directive is called when it's missing.
_OPERANDS = {
    "apply": "the name of a function",
    "autoescape": "",
    "block": "the name of the block",
    "break": "",
    "comment": "",
    "continue": "",
    "extends": "the name of a template",
    "for": "a variable and what it goes through",
    "from": "a module and what to import from it",
    "if": "a condition",
    "import": "a module",
    "include": "the name of a template",
    "module": "a call of a UI module",
    "raw": "an expression",
    "set": "an assignment",
    "try": "",
    "while": "a condition",
    "whitespace": "a mode",
}


class _Opening:
    """Something that is waiting for its ``{% end %}``."""

    __slots__ = ("clause", "in_loop", "label", "line", "token", "word")

    def __init__(self, word: str, label: str, token: Token, line: int, in_loop: bool) -> None:
        self.word = word
        self.label = label
        self.token = token
        self.line = line
        #: The clause that it has come to.
        self.clause = word
        #: ``break`` and ``continue`` have a loop that they belong to.
        self.in_loop = in_loop


class Parser:
    """Parse one template.

    :arg source: its text.
    :arg template: the template; its ``autoescape`` changes where its text says so.
    """

    def __init__(self, source: Source, template: Template) -> None:
        self._source = source
        self._template = template
        check_mode(template.whitespace)
        self._whitespace = template.whitespace
        self._tokens: Iterator[Token] = tokenize(source)
        self._open: list[_Opening] = []
        self._closed: tuple[_Opening, int] | None = None
        self._directives: dict[str, Callable[[Token, str], Node | None]] = {
            "apply": self._apply,
            "autoescape": self._autoescape,
            "block": self._block,
            "break": self._jump,
            "comment": lambda token, operand: None,
            "continue": self._jump,
            "extends": self._extends,
            "for": self._control,
            "from": self._statement,
            "if": self._control,
            "import": self._statement,
            "include": self._include,
            "module": self._module,
            "raw": self._raw,
            "set": self._set,
            "try": self._control,
            "while": self._control,
            "whitespace": self._set_whitespace,
        }

    def parse(self) -> Body:
        """Return the template's body.

        :raises ParseError: the template is malformed.
        """
        try:
            body, end, word = self._body(0)
        except RecursionError as error:
            if not self._open:
                raise
            opening = self._open[-1]
            raise self._source.error(
                f"{opening.label} is nested too deeply for Python", opening.token.opening
            ) from error
        if end is None:
            return body
        if word == "end":
            message = "`{% end %}` closes nothing: no block is open here"
            if self._closed is not None:
                opening, line = self._closed
                message += (
                    f" (the last one, {opening.label} of line {opening.line}, "
                    f"was closed on line {line})"
                )
            raise self._source.error(message, end.opening)
        statements = _either(
            f"`{{% {name} %}}`" for name, clauses in _FOLLOWING.items() if word in clauses
        )
        raise self._source.error(
            f"`{{% {word} %}}` belongs to nothing: expected it after {statements}", end.opening
        )

    def _body(self, position: int) -> tuple[Body, Token | None, str]:
        """Parse up to the directive that ends the body, and return that and its word too; `None` at
        the template's end."""
        nodes: list[Node] = []
        for token in self._tokens:
            if token.kind is Kind.TEXT:
                text = token.text
                # What is formatted already stays so.
                if _FORMATTED not in text:
                    text = filter_whitespace(self._whitespace, text)
                nodes.append(Text(token.start, text))
                continue
            if token.kind is Kind.EXPRESSION:
                nodes.append(Expression(token.start, token.text))
                continue
            match = _DIRECTIVE.match(token.text)
            word, operand = match.groups() if match else ("", "")
            if word == "end" or word in _CLAUSES:
                return Body(position, nodes), token, word
            node = self._directive(token, word, operand)
            if node is not None:
                nodes.append(node)
        if self._open:
            opening = self._open[-1]
            message = (
                f"{opening.label} opened on line {opening.line} is never closed: "
                f"expected {_continuations(opening)} after it"
            )
            if "{%" in opening.token.text:
                message += " (is `%}` missing before `{%`?)"
            raise self._source.error(message, opening.token.opening)
        return Body(position, nodes), None, ""

    def _directive(self, token: Token, word: str, operand: str) -> Node | None:
        handle = self._directives.get(word)
        if handle is None:
            raise self._source.error(self._unknown(word), token.opening)
        missing = _OPERANDS[word]
        if missing and not operand:
            raise self._source.error(f"expected {missing} after `{word}`", token.opening)
        self._check_bare(token, word, operand)
        return handle(token, operand)

    def _unknown(self, word: str) -> str:
        """Say that there is no such directive, and guess what was meant."""
        message = f"`{{% {word[:40]} %}}` is not a directive"
        if word.startswith("end"):
            return f"{message}; every block is closed with `{{% end %}}`"
        if word.rstrip(":") in _CLAUSES:
            return f"{message}; write it without the colon"
        if word.startswith(("-", "+")):
            return f"{message}; `{{% whitespace %}}` says what becomes of white space"
        meant = _HABITS.get(word.lower())
        if meant is None:
            from difflib import get_close_matches  # errors alone need it

            close = get_close_matches(word[:40].lower(), [*_OPERANDS, *_CLAUSES, "end"], n=1)
            meant = close[0] if close else None
        return f"{message}; did you mean `{{% {meant} %}}`?" if meant else message

    # -- what is closed by an end

    def _enter(self, token: Token, word: str, label: str, *, in_loop: bool) -> _Opening:
        line = self._source.line_of(token.opening)
        opening = _Opening(word, label, token, line, in_loop)
        self._open.append(opening)
        return opening

    def _leave(self, end: Token) -> None:
        self._closed = (self._open.pop(), self._source.line_of(end.opening))

    def _in_loop(self) -> bool:
        return bool(self._open) and self._open[-1].in_loop

    def _misplaced(self, end: Token, word: str, last: int | None = None) -> tuple[str, int]:
        """Return what is wrong with a clause, and its position.

        :arg last: where the clause before it stands, if it's after that one alone that it can't
            come.
        """
        opening = self._open[-1]
        message = f"`{{% {word} %}}` doesn't go with {opening.label} opened on line {opening.line}"
        if last is not None:
            line = self._source.line_of(last)
            message = f"`{{% {word} %}}` can't come after `{{% {opening.clause} %}}` of line {line}"
        return f"{message}: expected {_continuations(opening)}", end.opening

    def _until_end(self, token: Token) -> Body:
        body, end, word = self._body(token.start)
        if end is not None:
            if word != "end":
                raise self._source.error(*self._misplaced(end, word))
            self._leave(end)
        return body

    def _apply(self, token: Token, operand: str) -> Node:
        # Its contents become a function; no jump leads out of it.
        self._enter(token, "apply", "`{% apply %}`", in_loop=False)
        return Apply(_operand_position(token, operand), operand, self._until_end(token))

    def _block(self, token: Token, operand: str) -> Node:
        self._enter(token, "block", f"`{{% block {operand} %}}`", in_loop=self._in_loop())
        return NamedBlock(token.start, operand, self._until_end(token), self._template)

    def _control(self, token: Token, operand: str) -> Node:
        word = token.text.split(None, 1)[0]
        outer = self._in_loop()
        opening = self._enter(
            token, word, f"`{{% {word} %}}`", in_loop=outer or word in ("for", "while")
        )
        clauses: list[Clause] = []
        misplaced: tuple[str, int] | None = None
        part, part_word = token, word
        while True:
            body, end, next_word = self._body(part.start)
            clauses.append(Clause(part.start, part_word, part.text, body))
            if end is None:
                return Control(token.start, clauses)
            if next_word == "end":
                self._check_try(word, clauses, token)
                self._leave(end)
                return Control(token.start, clauses, misplaced)
            if next_word not in _FOLLOWING[word]:
                raise self._source.error(*self._misplaced(end, next_word))
            if next_word not in _FOLLOWING[word][part_word] and misplaced is None:
                misplaced = self._misplaced(end, next_word, part.start)
            self._check_bare(end, next_word, end.text[len(next_word) :].strip())
            opening.clause = next_word
            if next_word == "else" and word in ("for", "while"):
                # The else of a loop isn't in the loop any more.
                opening.in_loop = outer
            part, part_word = end, next_word

    def _check_bare(self, token: Token, word: str, operand: str) -> None:
        """Refuse an operand of a directive that has none."""
        if word not in _WITHOUT_OPERAND or not operand:
            return
        message = f"expected nothing after `{word}`"
        if word == "else" and operand.startswith("if"):
            message += "; did you mean `{% elif %}`?"
        raise self._source.error(message, _operand_position(token, operand))

    def _check_try(self, word: str, clauses: list[Clause], token: Token) -> None:
        if word == "try" and not {"except", "finally"} & {clause.word for clause in clauses}:
            raise self._source.error(
                "expected `{% except %}` or `{% finally %}` in `{% try %}`", token.opening
            )

    # -- what stands alone

    def _statement(self, token: Token, operand: str) -> Node:
        return Statement(token.start, token.text.split(None, 1)[0], token.text)

    def _jump(self, token: Token, operand: str) -> Node:
        word = token.text
        if not self._in_loop():
            raise self._source.error(
                "expected a `{% for %}` or `{% while %}` of the same file around "
                f"`{{% {word} %}}`",
                token.opening,
            )
        return Statement(token.start, word, word)

    def _set(self, token: Token, operand: str) -> Node:
        return Statement(_operand_position(token, operand), "set", operand)

    def _raw(self, token: Token, operand: str) -> Node:
        return Expression(_operand_position(token, operand), operand, raw=True)

    def _module(self, token: Token, operand: str) -> Node:
        position = _operand_position(token, operand)
        return Expression(position, f"{MODULES}.{operand}", raw=True, added=len(MODULES) + 1)

    def _template_name(self, token: Token, operand: str) -> str:
        name = operand.strip("\"'")
        if not name:
            raise self._source.error(
                "expected the name of a template between the quotes", token.opening
            )
        return name

    def _include(self, token: Token, operand: str) -> Node:
        return Include(token.start, self._template_name(token, operand))

    def _extends(self, token: Token, operand: str) -> Node:
        if self._open:
            opening = self._open[-1]
            raise self._source.error(
                f"`{{% extends %}}` is inside {opening.label} opened on line {opening.line}: "
                "expected it outside of all blocks",
                token.opening,
            )
        return Extends(token.start, self._template_name(token, operand))

    def _autoescape(self, token: Token, operand: str) -> None:
        if operand in ("None", ""):
            self._template.autoescape = None
            return
        try:
            python.argument(operand)
        except python.PythonError as error:
            message = (
                f"expected the name of a function or `None` after `autoescape`, but {error.message}"
            )
            raise self._source.error(message, _operand_position(token, operand)) from error
        self._template.autoescape = operand

    def _set_whitespace(self, token: Token, operand: str) -> None:
        if operand not in MODES:
            raise self._source.error(
                f"unknown mode {operand[:40]!r}: expected {_either(MODES)} after `whitespace`",
                token.opening,
            )
        self._whitespace = operand


def _operand_position(token: Token, operand: str) -> int:
    return token.start + len(token.text) - len(operand)


def _continuations(opening: _Opening) -> str:
    """Return what may come next in something open."""
    names = _FOLLOWING[opening.word][opening.clause] if opening.word in _FOLLOWING else ("end",)
    return _either(f"`{{% {name} %}}`" for name in names)


def _either(names: Iterator[str] | tuple[str, ...]) -> str:
    """Return names as a list in words."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
