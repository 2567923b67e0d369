"""What the first template needs: kept apart so that importing the engine's names costs little."""

from __future__ import annotations

import datetime
from types import FunctionType
from typing import Any

from tornado import escape
from tornado._template import runtime
from tornado._template.compiler import Compiled, Compiler, NeedsCoroutine
from tornado._template.nodes import Body
from tornado._template.parser import MODULES, Parser
from tornado._template.source import Source
from tornado._template.traceback import point_into_templates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tornado._template.template import Template

_ESCAPES = ("xhtml_escape", "url_escape", "json_encode", "squeeze", "linkify")

#: What every template can use.
COMMON_NAMES: dict[str, Any] = {name: getattr(escape, name) for name in _ESCAPES}
COMMON_NAMES |= {"escape": escape.xhtml_escape, "datetime": datetime, "__builtins__": __builtins__}

_MODULES_OF_WEB = "(`{% module %}` is for templates that a handler of tornado.web renders)"
_NOT_SET_YET = (
    "(a template is one function, with all that it extends and includes: what `set`, `for`, "
    "`import` or `except` sets anywhere is a variable everywhere, whatever `generate` was given)"
)

text_from = escape.native_str


def parse(template: Template, text: str | bytes) -> tuple[Source, Body]:
    """Return a template's text and what it consists of."""
    try:
        source = Source(template.name, escape.native_str(text))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        error.add_note(f"(line {line} of the template {template.name})")
        raise
    return source, Parser(source, template).parse()


def compile_template(template: Template) -> Compiled:
    """Return a template's function: a coroutine function if it awaits anything."""
    compiled = _compile(template, escape_by_name=False)
    if compiled.binds("xhtml_escape"):
        # What a template calls by that name from there on escapes its expressions.
        compiled = _compile(template, escape_by_name=True)
    return compiled


def _compile(template: Template, *, escape_by_name: bool) -> Compiled:
    try:
        return Compiler(template, escape_by_name=escape_by_name).compile()
    except NeedsCoroutine:
        return Compiler(template, is_async=True, escape_by_name=escape_by_name).compile()


class SourceLoader:
    """Gives debuggers the code of a template's function, as loaders of modules do.

    :arg source: the code.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, name: str) -> str:
        """Return the code.

        :arg name: ignored: there is only one.
        """
        return self._source


def _tools(pieces: list[str], names: dict[str, Any], applied: Any) -> tuple[Any, ...]:
    """Return what a template's function is called with.

    :arg pieces: where the output goes.
    :arg applied: does what ``{% apply %}`` asks for.
    """
    return (
        pieces.append,
        pieces.extend,
        runtime.text_of,
        runtime.escaper(names["xhtml_escape"]),
        runtime.passed_through,
        applied,
    )


def render(template: Template, compiled: Compiled, names: dict[str, Any]) -> bytes:
    """Return the output of a template.

    :arg names: all names for it.
    """
    pieces: list[str] = []
    try:
        FunctionType(compiled.code, names)(*_tools(pieces, names, runtime.applied))
    except Exception as error:
        _explain(error, template, compiled)
        raise
    return _output(template, pieces)


def _output(template: Template, pieces: list[str]) -> bytes:
    try:
        return runtime.bytes_of(pieces)
    except UnicodeEncodeError as error:
        around = error.object[max(0, error.start - 20) : error.end + 20]
        error.add_note(f"({around!r} in the output of the template {template.name})")
        raise


def _explain(error: Exception, template: Template, compiled: Compiled) -> None:
    """Make an error speak of the template, not of the function that it was made into."""
    point_into_templates(error, template.code_name, compiled.places)
    if not isinstance(error, NameError):
        return
    if error.name == MODULES:
        error.add_note(_MODULES_OF_WEB)
    elif "not associated with a value" in str(error):
        entry = error.__traceback__
        while entry is not None and entry.tb_next is not None:
            entry = entry.tb_next
        if entry is not None and compiled.is_of(entry.tb_frame.f_code.co_filename):
            error.add_note(_NOT_SET_YET)


async def render_async(template: Template, compiled: Compiled, names: dict[str, Any]) -> bytes:
    """Return the output of a template that awaits something.

    :arg names: all names for it.
    """
    pieces: list[str] = []
    try:
        await FunctionType(compiled.code, names)(*_tools(pieces, names, runtime.applied_async))
    except Exception as error:
        _explain(error, template, compiled)
        raise
    return _output(template, pieces)
