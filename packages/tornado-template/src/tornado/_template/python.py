"""Checks of the Python in templates, and where in it an error is."""

from __future__ import annotations

import re
from typing import Any

# `ast.PyCF_ONLY_AST`, without importing that module.
_ONLY_PARSE = 0x400

#: Expressions that need no check: names, attributes, plain subscripts, calls without arguments.
_PLAIN = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*|\[(?:'[\w -]*'|\"[\w -]*\"|\d+)\]|\(\))*")

# Complete code around each kind of directive; the directive's own stands in the last line but for
# what closes it.
_SURROUNDINGS = {
    "break": ("while 1:\n ", ""),
    "continue": ("while 1:\n ", ""),
    "elif": ("if 0: pass\n", ": pass"),
    "else": ("if 0: pass\n", ": pass"),
    "except": ("try: pass\n", ": pass"),
    "finally": ("try: pass\n", ": pass"),
    "for": ("", ": pass"),
    "if": ("", ": pass"),
    "try": ("", ": pass\nfinally: pass"),
    "while": ("", ": pass"),
}

# Python counts the lines of the piece, not those of the template.
_OWN_LINES = re.compile(r" \(detected at line \d+\)| on line \d+")


class PythonError(Exception):
    """A piece of Python is wrong.

    :arg message: what is wrong, for the end of a sentence.
    :arg offset: where, counted from the start of the piece.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def argument(code: str) -> str:
    """Return an expression in a form that can stand among the arguments of a call.

    :raises PythonError: it's anything but one expression.
    """
    if _PLAIN.fullmatch(code):
        return code
    if "\n" in code:
        # Brackets around it let it go over several lines. Those that it closes itself match one
        # kind only.
        _parse(code, "(\n", "\n)")
        _parse(code, "[\n", "\n]")
        return f"({code}\n)"
    statements = _parse(code).body
    if len(statements) != 1 or type(statements[0]).__name__ != "Expr":
        raise PythonError("this is a statement")
    return f"({code}\n)" if "#" in code else f"({code})"


def check(code: str, word: str) -> None:
    """Check a statement, or what opens a clause.

    :arg word: the directive, or nothing for an expression.
    :raises PythonError: it's wrong.
    """
    _parse(code, *_SURROUNDINGS.get(word, ("", "")))


def in_one_line(code: str, word: str) -> str:
    """Return a statement of several lines in a form that Python takes, if there is any."""
    try:
        check(code, word)
    except PythonError:
        if "#" in code or "'''" in code or '"""' in code:
            return code
        return re.sub(r"\r?\n", "\\\n", code)
    return code


def said(message: str) -> str:
    """Return what Python says of a piece as a part of a sentence of ours."""
    return f"Python says: {_OWN_LINES.sub('', message)}"


def _parse(code: str, before: str = "", after: str = "") -> Any:
    try:
        return compile(before + code + after, "template", "exec", _ONLY_PARSE, dont_inherit=True)
    except SyntaxError as error:
        line = (error.lineno or 1) - before.count("\n")
        starts = [0, *(match.end() for match in re.finditer("\n", code))]
        if not 1 <= line <= len(starts):
            raise PythonError(said(error.msg)) from error
        column = (error.offset or 1) - 1
        if line == 1:
            column -= len(before) - before.rfind("\n") - 1
        offset = min(starts[line - 1] + max(column, 0), len(code))
        raise PythonError(said(error.msg), offset) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise PythonError(said(str(error) or "it is too complex")) from error
