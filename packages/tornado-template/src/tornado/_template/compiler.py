"""From nodes to a Python function.

A template becomes one function that collects text in a list. Adjacent text and expressions become
one append of an f-string's parts.
Each line of the function knows the template and the line that it was made of, for tracebacks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from tornado._template.template import Template

FUNCTION = "_tt_execute"
Place = tuple["Template", int]


class Compiler:
    """Write the function of a template.

    :arg template: the template.
    :arg is_async: write a coroutine function.
    """

    def __init__(self, template: Template, *, is_async: bool = False) -> None:
        self._template = template
        self._is_async = is_async
        self._lines: list[str] = []
        #: For each line of the code, where it comes from.
        self.places: list[Place] = []
        self._indent = 0
        self._current = template
        self._applied = 0
        self._blocks: dict[str, NamedBlock] = {}
        self._including: list[Template] = []

    def compile(self) -> tuple[str, CodeType]:
        """Return the code as text, and the code object of the function.

        :raises ParseError: a piece of Python in the template is wrong, or another template can't be
            had.
        """
        ancestors = self._ancestors()
        for ancestor in reversed(ancestors):
            for block in ancestor.body.blocks():
                self._blocks[block.name] = block
        root = ancestors[-1]
        self._current = root
        self._line(f"{'async ' if self._is_async else ''}def {FUNCTION}():", 1)
        with self._indented():
            self._function_body(root.body)
        source = "\n".join(self._lines) + "\n"
        return source, self._compile_source(source)

    def _compile_source(self, source: str) -> CodeType:
        filename = self._template.code_name
        try:
            module = compile(source, filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            template, line = self.places[min((error.lineno or 1), len(self.places)) - 1]
            raise template.source.error(f"{error.msg} in template code", line) from error
        code = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
        return code

    def _ancestors(self) -> list[Template]:
        """Return the template, the one that it extends, and so on."""
        ancestors = [self._template]
        while True:
            template = ancestors[-1]
            extends = [node for node in template.body.nodes if isinstance(node, Extends)]
            if not extends:
                return ancestors
            parent = self._load(template, extends[0].name, extends[0].line, "extends")
            if parent in ancestors:
                raise template.source.error(f"{parent.name} extends itself", extends[0].line)
            ancestors.append(parent)

    def _load(self, template: Template, name: str, line: int, directive: str) -> Template:
        if template.loader is None:
            raise template.source.error(f"{{% {directive} %}} needs a template loader", line)
        return template.loader.load(name, template.name)

    # -- lines

    def _line(self, code: str, line: int) -> None:
        self._lines.append("    " * self._indent + code)
        place = (self._current, line)
        self.places.append(place)
        # Code of several lines, in a set or an expression, stands here as it was written.
        self.places.extend([place] * code.count("\n"))

    @contextmanager
    def _indented(self) -> Iterator[None]:
        self._indent += 1
        yield
        self._indent -= 1

    def _function_body(self, body: Body) -> None:
        self._line("_tt_buffer = []", body.line)
        self._line("_tt_append = _tt_buffer.append", body.line)
        self._line("_tt_extend = _tt_buffer.extend", body.line)
        self._body(body)
        self._line("return ''.join(_tt_buffer)", body.line)

    # -- nodes

    def _body(self, body: Body) -> None:
        written = len(self._lines)
        self._nodes(body.nodes)
        if len(self._lines) == written:
            self._line("pass", body.line)

    def _nodes(self, nodes: list[Node]) -> None:
        run: list[Node] = []
        for node in nodes:
            if isinstance(node, (Text, Expression)):
                run.append(node)
                continue
            self._output(run)
            run = []
            self._node(node)
        self._output(run)

    def _node(self, node: Node) -> None:
        if isinstance(node, Statement):
            self._line(node.code, node.line)
        elif isinstance(node, Control):
            self._control(node)
        elif isinstance(node, NamedBlock):
            self._block(self._blocks[node.name])
        elif isinstance(node, Include):
            self._include(node)
        elif isinstance(node, Apply):
            self._apply(node)

    def _control(self, node: Control) -> None:
        for line, code, body in node.clauses:
            self._line(code if code.endswith(":") else f"{code}:", line)
            with self._indented():
                self._body(body)

    def _block(self, block: NamedBlock) -> None:
        outer, self._current = self._current, block.template
        self._body(block.body)
        self._current = outer

    def _include(self, node: Include) -> None:
        included = self._load(self._current, node.name, node.line, "include")
        if included in self._including:
            raise self._current.source.error(f"{included.name} includes itself", node.line)
        self._including.append(included)
        outer, self._current = self._current, included
        blocks = dict(self._blocks)
        for block in included.body.blocks():
            self._blocks.setdefault(block.name, block)
        self._body(included.body)
        self._blocks = blocks
        self._current = outer
        self._including.pop()

    def _apply(self, node: Apply) -> None:
        name = f"_tt_apply{self._applied}"
        self._applied += 1
        self._line(f"{'async ' if self._is_async else ''}def {name}():", node.line)
        with self._indented():
            self._function_body(node.body)
        call = f"(await {name}())" if self._is_async else f"{name}()"
        self._line(f"_tt_append(_tt_text({node.function}(_tt_bytes({call}))))", node.line)

    def _output(self, nodes: list[Node]) -> None:
        """Write text and expressions that follow each other; an expression of several lines stands
        alone."""
        parts: list[str] = []
        first = 0
        for node in nodes:
            first = first or node.line
            if isinstance(node, Text):
                parts.append(repr(node.text))
            elif isinstance(node, Expression):
                if node.line != first and parts:
                    self._append(parts, first)
                    parts, first = [], node.line
                parts.append(self._expression(node))
        self._append(parts, first)

    def _append(self, parts: list[str], line: int) -> None:
        if len(parts) == 1:
            self._line(f"_tt_append({parts[0]})", line)
        elif parts:
            self._line(f"_tt_extend(({', '.join(parts)}))", line)

    def _expression(self, node: Expression) -> str:
        self._check_expression(node)
        escape = self._current.autoescape
        if node.raw or escape is None:
            return f"_tt_text({node.code})"
        if escape == "xhtml_escape":
            return f"_tt_escape({node.code})"
        return f"_tt_text({escape}(_tt_bytes(_tt_text({node.code}))))"

    def _check_expression(self, node: Expression) -> None:
        """An expression that isn't one alone must not become one together with what is written
        around it."""
        try:
            # Brackets in the code that close those around it match one kind only.
            ast.parse(f"(\n{node.code}\n)", mode="eval")
            ast.parse(f"[\n{node.code}\n]", mode="eval")
        except SyntaxError as error:
            raise self._current.source.error(
                f"{error.msg} in expression {node.code[:80]!r}", node.line
            ) from error
