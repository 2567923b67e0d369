"""``python -m tornado.template``: render a template, or check many."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator

from tornado._template.errors import ParseError
from tornado._template.loader import BaseLoader
from tornado._template.template import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

USAGE = """\
usage: python -m tornado.template FILE [--NAME=VALUE ...] [--NAME:=JSON ...]
       python -m tornado.template --check PATH ...

Renders a template to the standard output. Values are text, or JSON after :=.
The file - is the standard input.

With --check, templates are only read: files, and those of folders whose names
end like templates do. There is one line for each error, and the exit status is
1 if there is any.
"""

#: How the names of files end that are looked at in folders.
SUFFIXES = (
    *(".htm", ".html", ".xhtml", ".xml", ".svg", ".txt", ".md", ".js", ".css"),
    *(".tpl", ".tmpl", ".template", ".tornado"),
)


class UsageError(Exception):
    """The command line makes no sense."""


class OutputError(Exception):
    """What is printed has nowhere to go."""


class _FileLoader(BaseLoader):
    """Reads templates whose names are the paths of their files, as the user has written them."""

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """See `BaseLoader.resolve_path`: names are relative to the file that they're written in."""
        if parent_path is None:
            return name
        return os.path.normpath(os.path.join(os.path.dirname(parent_path), name))

    def _create_template(self, name: str) -> Template:
        try:
            if name == "-":
                text = _standard_input()
            else:
                with open(name, "rb") as file:
                    text = file.read()
        except OSError as error:
            raise ParseError(f"{name} can't be read: {error.strerror}") from error
        try:
            return Template(text, name, self)
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            column = error.start - (text.rfind(b"\n", 0, error.start) + 1) + 1
            raise ParseError("this is no UTF-8", name, line, column=column) from error


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.buffer.read()


def main(args: list[str] | None = None) -> int:
    """Do what a command line says.

    :arg args: the command line, program name first; `sys.argv` by default.
    :returns: the exit status: 1 if there are errors in templates or the output can't be written,
        2 if the command line is wrong, 130 after an interrupt.
    """
    try:
        return _run((sys.argv if args is None else args)[1:])
    except UsageError as error:
        _tell(f"{error}\n\n{USAGE}")
        return 2
    except OutputError as error:
        if not isinstance(error.__cause__, BrokenPipeError):
            _tell(f"the output can't be written: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    if "--help" in arguments:
        _put(USAGE.encode())
        return 0
    if "--check" in arguments:
        return _check(_files([argument for argument in arguments if argument != "--check"]))
    return _render(*_rendering(arguments))


def _tell(message: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(message)


def _put(data: bytes) -> None:
    """Write to the standard output, now."""
    if sys.stdout is None:
        raise OutputError("it is closed")
    try:
        sys.stdout.flush()  # what a template's own code has printed comes first
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is left over would be tried again when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(error.strerror) from error


# -- rendering


def _rendering(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the file and the names that arguments are about."""
    options = [argument for argument in arguments if argument.startswith("-") and argument != "-"]
    files = [argument for argument in arguments if argument not in options]
    names = {}
    for argument in options:
        name, equals, value = argument[2:].partition("=")
        name, is_json = name.removesuffix(":").replace("-", "_"), name.endswith(":")
        if not (argument.startswith("--") and equals and name.isidentifier()):
            raise UsageError(f"{argument} is no --NAME=VALUE")
        names[name] = _from_json(argument, value) if is_json else value
    if len(files) != 1:
        raise UsageError(f"one template is needed, not {', '.join(files) or 'none'}")
    return files[0], names


def _from_json(argument: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise UsageError(f"{argument}: this is no JSON: {error}") from error


def _render(path: str, names: dict[str, Any]) -> int:
    loader = _FileLoader()
    try:
        template = loader.load(path)
        output = _awaited(template, names) if template.is_async else template.generate(**names)
    except ParseError as error:
        _tell(f"{error}\n")
        return 1
    except Exception as error:
        _tell(f"{_failure(error, loader)}\n")
        return 1
    _put(output)
    return 0


def _awaited(template: Template, names: dict[str, Any]) -> bytes:
    import asyncio

    return asyncio.run(template.generate_async(**names))


def _failure(error: Exception, loader: BaseLoader) -> str:
    """Return an exception of a template's own code as one line, with the place in the template."""
    place = ""
    entry = error.__traceback__
    while entry is not None:
        name = entry.tb_frame.f_code.co_filename
        if name in loader.templates:
            place = f"{name}:{entry.tb_lineno}: "
        entry = entry.tb_next
    return f"{place}{type(error).__name__}: {error}"


# -- checking


def _files(paths: list[str]) -> Iterator[str]:
    """Yield files, and for each folder those in it that look like templates."""
    if not paths:
        raise UsageError("there is nothing to check")
    for path in paths:
        if path.startswith("-") and path != "-":
            raise UsageError(f"{path} has no meaning beside --check")
        if not os.path.isdir(path):
            yield path
            continue
        unreadable: list[OSError] = []
        for folder, folders, files in os.walk(path, onerror=unreadable.append):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                if name.endswith(SUFFIXES) and not name.startswith("."):
                    yield os.path.normpath(os.path.join(folder, name))
        # Reading them as files fails as well, and says why.
        yield from [os.path.normpath(error.filename) for error in unreadable]


def _check(paths: Iterator[str]) -> int:
    loader = _FileLoader()
    # An error in a file that others extend or include is found each time.
    found: set[str] = set()
    for path in paths:
        try:
            loader.load(path)
        except ParseError as error:
            line = _one_line(error, path)
            if line not in found:
                found.add(line)
                _print(line)
    return 1 if found else 0


def _print(line: str) -> None:
    encoding = "ascii" if sys.stdout is None else sys.stdout.encoding
    # Names of files may have what the terminal's encoding doesn't, and line ends.
    line = line.replace("\n", "\\n").replace("\r", "\\r")
    _put(f"{line}\n".encode(encoding, "backslashreplace"))


def _one_line(error: ParseError, path: str) -> str:
    if error.filename is None:
        return f"{path}:1:1: {error.message}"
    return f"{error.filename}:{error.lineno}:{error.column or 1}: {error.message}"
