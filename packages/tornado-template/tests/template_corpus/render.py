"""Render cases of the corpus with whatever `tornado` the running interpreter has.

Reads cases as JSON from the standard input, writes their results as JSON to the standard output. It
uses documented names alone, so that any implementation can be asked.
"""

import itertools
import json
import os
import sys
import tempfile

from tornado.template import (
    BaseLoader,
    DictLoader,
    Loader,
    ParseError,
    Template,
    filter_whitespace,
)


class Thing:
    """An object with attributes, methods and a text that needs escaping."""

    name = "<thing>"

    def __str__(self):
        return "a <Thing>"

    def method(self, value="&"):
        return f"[{value}]"


class Named(str):
    """Text that calls itself something else."""

    def __str__(self):
        return "something else"


class Modules:
    """What ``{% module %}`` looks its modules up in."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: f"<{name} {args!r} {sorted(kwargs.items())!r}>"


class BaseOnly(BaseLoader):
    """A loader that a program has written: names are in upper case, and relative to nothing."""

    def __init__(self, texts, **kwargs):
        super().__init__(**kwargs)
        self.texts = texts

    def resolve_path(self, name, parent_path=None):
        return name.upper()

    def _create_template(self, name):
        return Template(self.texts[name.lower()], name=name, loader=self)


def boom(error=ValueError):
    raise error("boom")


def names():
    """Return the names that each case is rendered with."""
    turns = itertools.count()
    return {
        "x": "<x&y>",
        "s": "text",
        "u": "\u00e9\u20ac\U0001f600\u2028",
        "n": 3,
        "zero": 0,
        "half": 0.5,
        "items": [1, 2, 3],
        "empty": [],
        "pairs": [("a", 1), ("b", 2)],
        "d": {"k": "<v>", "n": {"m": "&"}},
        "b": b"<bytes \xc3\xa9>",
        "latin": b"\xe9",
        "none": None,
        "thing": Thing(),
        "named": Named("<named>"),
        "quotes": "\"'`",
        "lines": "a\n b\t c\r\n",
        "upper": lambda value: value.upper(),
        "wrap": lambda value: b"(" + value + b")",
        "angle": lambda value: "<" + value.decode() + ">",
        "size": lambda value: str(len(value)),
        "kind": lambda value: type(value).__name__,
        "number": lambda value: 5,
        "nothing": lambda value: None,
        "ident": lambda value: value,
        "boom": boom,
        "turn": lambda: next(turns),
        "_tt_modules": Modules(),
    }


def shown(output):
    """Return output in a form for JSON."""
    try:
        return output.decode()
    except UnicodeDecodeError:
        return {"hex": output.hex()}


def failure(error):
    """Return what is compared of an exception."""
    result = {"error": type(error).__name__}
    if isinstance(error, ParseError):
        result["file"] = error.filename
        result["line"] = error.lineno
    return result


def loaded(case, folder):
    """Return the template of a case."""
    options = dict(case.get("options", {}))
    files = case["files"]
    if case["kind"] == "text":
        return Template(files["main"], **options)
    if case["kind"] == "folder":
        for name, text in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        loader = Loader(folder, **options)
    else:
        loader = {"loader": DictLoader, "custom": BaseOnly}[case["kind"]](files, **options)
    return loader.load(case.get("load", "main"))


def render(case):
    """Return the result of a case that is a template."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            template = loaded(case, folder)
    except Exception as error:
        return {"when": "load", **failure(error)}
    given = names()
    for name in case.get("without", ()):
        del given[name]
    given.update(case.get("names", {}))
    try:
        return {"output": shown(template.generate(**given))}
    except Exception as error:
        return {"when": "render", **failure(error)}


def result(case):
    """Return the result of a case."""
    try:
        if case["kind"] == "whitespace":
            return {"output": filter_whitespace(*case["arguments"])}
        if case["kind"] == "resolve":
            return {"output": DictLoader({}).resolve_path(*case["arguments"])}
        if case["kind"] == "resolve-file":
            return {"output": Loader("/root/folder").resolve_path(*case["arguments"])}
    except Exception as error:
        return {"when": "call", "error": type(error).__name__}
    return render(case)


def main():
    cases = json.load(sys.stdin)
    json.dump([result(case) for case in cases], sys.stdout)


if __name__ == "__main__":
    main()
