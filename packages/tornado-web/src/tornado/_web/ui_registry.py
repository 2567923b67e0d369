"""The settings ``ui_modules`` and ``ui_methods``: from what programs pass to classes and functions
by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tornado._web.ui import LinkifyModule, TemplateModule, UIModule, XsrfFormModule
from tornado.util import import_object


def collect_modules(source: Any) -> dict[str, type[UIModule]]:
    """Return the UI modules of an application, those of the framework included.

    :arg source: a Python module, a dictionary, a list of these, or `None`. Of a Python module, the
       subclasses of `UIModule` are taken.
    """
    modules: dict[str, type[UIModule]] = {
        "Template": TemplateModule,
        "linkify": LinkifyModule,
        "xsrf_form_html": XsrfFormModule,
    }
    for name, value in _named(source):
        if isinstance(value, type) and issubclass(value, UIModule):
            modules[name] = value
    return modules


def collect_methods(source: Any) -> dict[str, Callable[..., Any]]:
    """Return the UI methods of an application.

    :arg source: as for `collect_modules`. Of a Python module, the callables with a lower case name
       are taken; a dictionary's names are taken as they are.
    """
    return {
        name: value
        for name, value in _named(source)
        if callable(value) and not name.startswith("_") and name[:1] == name[:1].lower()
    }


def _named(source: Any) -> Iterator[tuple[str, Any]]:
    if source is None:
        return
    if isinstance(source, str):
        source = import_object(source)
    if isinstance(source, Mapping):
        yield from source.items()
    elif isinstance(source, (list, tuple)):
        for part in source:
            yield from _named(part)
    else:
        yield from ((name, getattr(source, name)) for name in dir(source))
