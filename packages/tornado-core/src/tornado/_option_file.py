"""Configuration files: Python that is run for the global names that it sets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import CodeType
from typing import Any

from tornado._option import Error

# As other languages write them.
_CONSTANTS = {"true": "True", "false": "False", "none": "None", "null": "None"}


class ConfigFile:
    """A file, run.

    :arg path: the file.
    :raises Error: it's no Python, or it uses a name that it doesn't have.
    :raises OSError: it can't be read.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with open(path, "rb") as file:
            self._source = file.read()
        self._names: dict[str, Any] = {"__file__": os.path.abspath(path)}
        code = self._compiled()
        try:
            exec(code, self._names)
        except NameError as error:
            line = self._own_line(error)
            if line is None:
                raise
            raise Error(f"{path}:{line}: {_said(error)}") from error

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the global names and their values."""
        return iter(self._names.items())

    def place_of(self, name: str) -> str:
        """Return where a name is set, as messages tell it."""
        import ast

        lines = [
            node.lineno
            for node in ast.walk(ast.parse(self._source))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
        ]
        return f"{self._path}:{max(lines)}" if lines else self._path

    def _compiled(self) -> CodeType:
        try:
            return compile(self._source, self._path, "exec", dont_inherit=True)
        except SyntaxError as error:
            place = self._path
            if error.lineno:
                place += f":{error.lineno}"
            if error.lineno and error.offset:
                place += f":{error.offset}"
            raise Error(f"{place}: {error.msg}") from error
        except ValueError as error:
            raise Error(f"{self._path}: {error}") from error

    def _own_line(self, error: Exception) -> int | None:
        """Return the line of an error that the file's own code made; an error in what it calls or
        imports isn't its own."""
        entry = error.__traceback__
        while entry is not None and entry.tb_next is not None:
            entry = entry.tb_next
        own = entry is not None and entry.tb_frame.f_globals is self._names
        return entry.tb_lineno if entry is not None and own else None


def _said(error: NameError) -> str:
    """Return what Python says of a name, and what may be meant."""
    meant = _CONSTANTS.get(error.name or "")
    return f"{error}; is {meant} meant?" if meant else str(error)
