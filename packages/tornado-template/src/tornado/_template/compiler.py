"""From nodes to a Python function.

A template becomes one function, which hands its output over piece by piece. Text and expressions
that follow each other are handed over in one call. What is extended or included becomes part of the
same function, so that it shares its variables. Each line of the function knows the templates and
places that it was made of, for tracebacks.
"""

from __future__ import annotations

import re
from itertools import groupby
from types import CodeType

from tornado._template import python
from tornado._template.errors import ParseError
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tornado._template.template import Template

# `inspect.CO_GENERATOR` and so on, without importing that module.
_GENERATOR = 0x20 | 0x200
_COROUTINE = 0x80

#: The parameters of the function; see `tornado._template.runtime`.
PARAMETERS = (
    "_tpl_put",
    "_tpl_put_all",
    "_tpl_text",
    "_tpl_escape",
    "_tpl_through",
    "_tpl_apply",
)
#: The name of the function.
MAIN_FUNCTION = "_tpl_template"
_OUTPUT = ", ".join(PARAMETERS[:2])
# How the directives look that Python may find something wrong with.
_FORMS = {
    "elif": "elif condition",
    "except": "except exception as name",
    "for": "for variable in expression",
    "from": "from module import name",
    "if": "if condition",
    "import": "import module",
    "set": "set variable = expression",
    "while": "while condition",
}
_LINE_END = re.compile(r"\r?\n|\r")
_INDENTS = [" " * depth for depth in range(100)]


class Part:
    """A part of the function that comes of one file.

    :arg template: the file.
    :arg label: what tracebacks call it.
    :arg outer: the place where it's put in, if it's not the whole.
    """

    __slots__ = ("label", "outer", "template")

    def __init__(self, template: Template, label: str, outer: Place | None = None) -> None:
        self.template = template
        self.label = label
        self.outer = outer


#: A part and a position in the text of its template.
Place = tuple[Part, int]


class Compiled:
    """A template's function.

    :arg source: its code as text.
    :arg code: the same, compiled.
    :arg places: where each of its lines comes from.
    """

    def __init__(self, source: str, code: CodeType, places: list[Place]) -> None:
        self.source = source
        self.code = code
        self.places = places
        self.is_async = bool(code.co_flags & _COROUTINE)

    def is_of(self, file_name: str) -> bool:
        """Tell whether a file is one of those that it was made of."""
        return any(part.template.source.name == file_name for part, _ in self.places)

    def binds(self, name: str) -> bool:
        """Tell whether the template sets a variable of a name."""
        return any(
            name in function.co_varnames or name in function.co_cellvars
            for function in _own_functions(self.code)
        )


class Compiler:
    """Write the function of a template.

    :arg template: the template.
    :arg is_async: write a coroutine function.
    :arg escape_by_name: look ``xhtml_escape`` up each time that it's used, as other functions are.
    """

    def __init__(
        self, template: Template, *, is_async: bool = False, escape_by_name: bool = False
    ) -> None:
        self._template = template
        self._is_async = is_async
        self._escape_by_name = escape_by_name
        self._lines: list[str] = []
        self._places: list[Place] = []
        self._depth = 0
        self._part = Part(template, "template")
        self._functions = 0
        #: Somebody may catch an error, and output what came before it.
        self._in_try = False
        self._blocks: dict[str, NamedBlock] = {}
        #: Pieces of Python, to be looked at one by one if the whole is wrong.
        self._python: list[tuple[Place, str, str]] = []

    def compile(self) -> Compiled:
        """Return the function.

        :raises ParseError: a piece of Python in the template is wrong, or another template can't be
            had.
        :raises NeedsCoroutine: the template awaits something, and it's an ordinary function that
            is wanted.
        """
        files = self._line_of_descent()
        for file in reversed(files):
            self._collect_blocks(Part(file, ""), file.body)
        root = files[-1]
        self._part.template = root
        keyword = "async def" if self._is_async else "def"
        self._line(f"{keyword} {MAIN_FUNCTION}({', '.join(PARAMETERS)}):", 0)
        self._depth = 1
        try:
            self._body(root.body)
        except RecursionError as error:
            raise self._error("this is nested too deeply for Python", self._places[-1]) from error
        source = "\n".join(self._lines) + "\n"
        return Compiled(source, self._compile_source(source), self._places)

    def _compile_source(self, source: str) -> CodeType:
        try:
            module = compile(source, self._template.code_name, "exec", dont_inherit=True)
        except SyntaxError as error:
            self._check_pieces()
            if not self._is_async and "async" in error.msg:
                raise NeedsCoroutine from error
            number = min(error.lineno or 1, len(self._places))
            raise self._error(python.said(error.msg), self._places[number - 1]) from error
        except (RecursionError, MemoryError, ValueError) as error:
            # Too deep, or too long, for Python's own compiler; zeroes in the text.
            raise self._error(f"Python can't compile this: {error}", self._places[0]) from error
        code = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
        if any(function.co_flags & _GENERATOR for function in _own_functions(code)):
            place = next(
                (place for place, piece, _ in self._python if "yield" in piece), self._places[0]
            )
            raise self._error("`yield` has no meaning in a template", place)
        return code

    def _check_pieces(self) -> None:
        """Find the piece of Python that is wrong by itself."""
        for (part, position), piece, word in self._python:
            try:
                python.check(piece, word)
            except python.PythonError as error:
                form = f"`{{% {_FORMS[word]} %}}`" if word in _FORMS else "an expression"
                message = f"expected {form}, but {error.message}{_advice(error.message, piece)}"
                raise self._error(message, (part, position + error.offset)) from error

    def _error(self, message: str, place: Place) -> ParseError:
        part, position = place
        return part.template.source.error(message, position)

    # -- other files

    def _line_of_descent(self) -> list[Template]:
        """Return the template, the one that it extends, and so on."""
        files = [self._template]
        part = self._part
        while True:
            extends = [node for node in files[-1].body.nodes if isinstance(node, Extends)]
            if not extends:
                return files
            node = extends[-1]
            parent = self._load(part, node.name, node.position, "extends")
            if parent in files:
                raise self._error(f"{parent.name} extends itself", (part, node.position))
            files.append(parent)
            part = Part(parent, "")

    def _load(self, part: Part, name: str, position: int, directive: str) -> Template:
        template = part.template
        if template.loader is None:
            raise self._error(
                f"`{{% {directive} %}}` needs a loader: load the template with one, or pass it "
                "as `loader`",
                (part, position),
            )
        try:
            return template.loader.load(name, template.name)
        except ParseError as error:
            if error.filename is not None:
                raise
            raise self._error(error.message, (part, position)) from error
        except RecursionError as error:
            message = "too many templates extend or include each other"
            raise self._error(message, (part, position)) from error
        except Exception as error:
            line = template.source.line_of(position)
            error.add_note(f"(the template {name!r}, see line {line} of {template.name})")
            raise

    def _collect_blocks(self, part: Part, body: Body) -> None:
        """Note the blocks of a file and of those that it includes; the last of a name counts."""
        for node in body.nodes:
            if isinstance(node, NamedBlock):
                self._blocks[node.name] = node
            if isinstance(node, Include):
                included = self._load(part, node.name, node.position, "include")
                self._collect_blocks(Part(included, ""), included.body)
            for inner in node.bodies():
                self._collect_blocks(part, inner)

    # -- lines

    def _line(self, code: str, position: int) -> None:
        self._lines.append(_indent(self._depth) + code)
        self._places.append((self._part, position))
        # Code of several lines stands here as it was written. To Python, a carriage return alone
        # ends a line too.
        text = self._part.template.source.text
        for end in _LINE_END.findall(code) if "\n" in code or "\r" in code else ():
            if end != "\r":
                position = text.find("\n", position) + 1 or position
            self._places.append((self._part, position))

    def _note(self, node: Node, code: str, word: str) -> None:
        added = node.added if isinstance(node, Expression) else 0
        self._python.append(((self._part, node.position - added), code, word))

    # -- nodes

    def _body(self, body: Body) -> None:
        written = len(self._lines)
        self._nodes(body.nodes)
        if len(self._lines) == written:
            self._line("pass", body.position)

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
            self._statement(node)
        elif isinstance(node, Control):
            self._control(node)
        elif isinstance(node, NamedBlock):
            self._block(node)
        elif isinstance(node, Include):
            self._include(node)
        elif isinstance(node, Apply):
            self._apply(node)

    def _statement(self, node: Statement) -> None:
        code = python.in_one_line(node.code, node.word) if "\n" in node.code else node.code
        self._note(node, code, node.word)
        self._line(code, node.position)

    def _control(self, node: Control) -> None:
        if node.misplaced is not None:
            message, position = node.misplaced
            raise self._error(message, (self._part, position))
        outer_try = self._in_try
        for clause in node.clauses:
            code = clause.code
            if code.endswith(":"):
                place = (self._part, clause.position + len(code) - 1)
                raise self._error("expected no colon: it's added to the line", place)
            if "\n" in code:
                code = python.in_one_line(code, clause.word)
            self._note(clause, code, clause.word)
            self._line(f"{code}:", clause.position)
            self._in_try = outer_try or clause.word == "try"
            self._depth += 1
            self._body(clause.body)
            self._depth -= 1
        self._in_try = outer_try

    def _block(self, node: NamedBlock) -> None:
        # The last of its name. A block comes before those that it holds, so that none ends up
        # inside itself.
        block = self._blocks[node.name]
        outer = self._part
        self._part = Part(block.template, f"block {node.name}", (outer, node.position))
        self._body(block.body)
        self._part = outer

    def _include(self, node: Include) -> None:
        outer = self._part
        included = self._load(outer, node.name, node.position, "include")
        if any(isinstance(inner, Extends) for inner in included.body.nodes):
            raise self._error(
                f"{included.name} extends another template: expected one that can be included",
                (outer, node.position),
            )
        self._part = Part(included, f"include {node.name}", (outer, node.position))
        self._body(included.body)
        self._part = outer

    def _apply(self, node: Apply) -> None:
        function = self._argument(node, node.function)
        name = f"_tpl_part{self._functions}"
        self._functions += 1
        self._line(
            f"{'async ' if self._is_async else ''}def {name}({_OUTPUT}):",
            node.position,
        )
        outer_try, self._in_try = self._in_try, False
        self._depth += 1
        self._body(node.body)
        self._depth -= 1
        self._in_try = outer_try
        call = f"_tpl_apply({function}, {name})"
        self._line(f"_tpl_put({'await ' if self._is_async else ''}{call})", node.position)

    # -- output

    def _output(self, nodes: list[Node]) -> None:
        nodes = _joined(nodes)
        if len(nodes) > 1 and not self._in_try:
            # One call, in which each part has a line of its own.
            self._line("_tpl_put_all((", nodes[0].position)
            for node in nodes:
                self._line(f"{self._piece(node)},", node.position)
            self._line("))", nodes[-1].position)
            return
        for node in nodes:
            self._line(f"_tpl_put({self._piece(node)})", node.position)

    def _piece(self, node: Node) -> str:
        if isinstance(node, Text):
            return repr(node.text)
        if not isinstance(node, Expression):
            raise TypeError(f"{node!r} has no output of its own")
        code = self._argument(node, node.code)
        escape = self._part.template.autoescape
        if node.raw or escape is None:
            return f"_tpl_text({code})"
        if escape == "xhtml_escape" and not self._escape_by_name:
            return f"_tpl_escape({code})"
        return f"_tpl_through({self._argument(node, escape)}, {code})"

    def _argument(self, node: Node, code: str) -> str:
        try:
            argument = python.argument(code)
        except python.PythonError as error:
            offset = min(error.offset, len(code) - 1)
            if isinstance(node, Expression):
                offset = max(offset - node.added, 0)
            message = f"expected an expression, but {error.message}{_advice(error.message, code)}"
            raise self._error(message, (self._part, node.position + offset)) from error
        self._note(node, argument, "")
        return argument


class NeedsCoroutine(Exception):
    """The template awaits something."""


def _advice(message: str, code: str) -> str:
    """Return what may help with something wrong in a piece of Python."""
    for opening, closing in (("{%", "%}"), ("{{", "}}")):
        if opening in code:
            return f" (is `{closing}` missing before `{opening}`?)"
    if "was never closed" in message or "unterminated" in message:
        return " (the first `}}` or `%}` ends the expression, wherever it stands)"
    return ""


def _indent(depth: int) -> str:
    return _INDENTS[depth] if depth < len(_INDENTS) else " " * depth


def _joined(nodes: list[Node]) -> list[Node]:
    """Return nodes in which texts that follow each other are one."""
    joined: list[Node] = []
    for is_text, group in groupby(nodes, key=lambda node: isinstance(node, Text)):
        members = list(group)
        if is_text:
            text = "".join([node.text for node in members if isinstance(node, Text)])
            joined.append(Text(members[0].position, text))
        else:
            joined += members
    return joined


def _own_functions(code: CodeType) -> list[CodeType]:
    """Return the code of a template's function, and of those for its ``{% apply %}``."""
    functions = [code]
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant.co_name.startswith("_tpl_part"):
            functions += _own_functions(constant)
    return functions
