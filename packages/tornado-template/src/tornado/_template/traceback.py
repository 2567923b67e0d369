"""Tracebacks that point into templates.

The function of a template has lines of its own. In the traceback of an error, its entries are
replaced by ones that name the template's file
and line instead, and `linecache` is told the template's text.
"""

from __future__ import annotations

import ast
import linecache
from types import CodeType, TracebackType
from typing import TYPE_CHECKING

from tornado._template.lexer import Source

if TYPE_CHECKING:
    from tornado._template.compiler import Place


def point_into_templates(
    traceback: TracebackType | None, code_name: str, places: list[Place]
) -> TracebackType | None:
    """Return a traceback whose entries of a template's function are those of the template.

    :arg code_name: file name that the function was compiled with.
    :arg places: template and line for each line of the function.
    """
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    result: TracebackType | None = None
    for entry in reversed(entries):
        frame, line = entry.tb_frame, entry.tb_lineno
        position = entry.tb_lasti
        if frame.f_code.co_filename == code_name and 0 < line <= len(places):
            template, line = places[line - 1]
            stand_in = _entry_of(template.source, line)
            frame, position = stand_in.tb_frame, stand_in.tb_lasti
        result = TracebackType(result, frame, position, line)
    return result


def _entry_of(source: Source, line: int) -> TracebackType:
    """Return a traceback entry that claims to be of a template's line; what ran there is of no
    interest."""
    if source.name not in linecache.cache:
        lines = [text + "\n" for text in source.lines]
        linecache.cache[source.name] = (len(source.text), None, lines, source.name)
    text = source.lines[line - 1]
    module = ast.parse("raise RuntimeError", source.name)
    for node in ast.walk(module):
        if isinstance(node, (ast.stmt, ast.expr)):
            # All of the line, so that no part of it is pointed at.
            node.lineno = node.end_lineno = line
            node.col_offset = len(text) - len(text.lstrip())
            node.end_col_offset = max(node.col_offset + 1, len(text.rstrip()))
    code: CodeType = compile(module, source.name, "exec").replace(co_name="template")
    try:
        exec(code, {})
    except RuntimeError as error:
        traceback = error.__traceback__
        if traceback is not None and traceback.tb_next is not None:
            return traceback.tb_next
    raise AssertionError("the code above raises")
