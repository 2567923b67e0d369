"""Where templates come from."""

from __future__ import annotations

import os
import posixpath
import threading

from tornado._template.errors import ParseError
from tornado._template.template import DEFAULT_AUTOESCAPE, Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BaseLoader:
    """Finds templates by name, and keeps them.

    Subclasses define `resolve_path` and ``_create_template``.

    :arg autoescape: name of the function that expressions are escaped with, `None` for no escaping.
    :arg namespace: names that all its templates have.
    :arg whitespace: default treatment of white space, see `filter_whitespace`.
    """

    def __init__(
        self,
        autoescape: str | None = DEFAULT_AUTOESCAPE,
        namespace: dict[str, Any] | None = None,
        whitespace: str | None = None,
    ) -> None:
        self.autoescape = autoescape
        self.namespace = namespace or {}
        self.whitespace = whitespace
        self.templates: dict[str, Template] = {}
        # A template that extends another is loaded while it's held.
        self.lock = threading.RLock()
        self._loading: list[str] = []

    def reset(self) -> None:
        """Forget all templates, so that they are read anew."""
        with self.lock:
            self.templates = {}

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Return the full name of a template, given the name of the one that refers to it."""
        raise NotImplementedError()

    def load(self, name: str, parent_path: str | None = None) -> Template:
        """Return a template.

        :arg parent_path: name of the template that refers to it.
        :raises ParseError: it's malformed.
        """
        name = self.resolve_path(name, parent_path=parent_path)
        template = self.templates.get(name)
        if template is not None:
            return template
        with self.lock:
            template = self.templates.get(name)
            if template is None:
                template = self.templates[name] = self._make(name)
            return template

    def _make(self, name: str) -> Template:
        if name in self._loading:
            way = " -> ".join([*self._loading[self._loading.index(name) :], name])
            raise ParseError(f"templates extend or include each other in a circle: {way}")
        self._loading.append(name)
        try:
            return self._create_template(name)
        finally:
            self._loading.pop()

    def _create_template(self, name: str) -> Template:
        raise NotImplementedError()


class Loader(BaseLoader):
    """Reads templates from a directory.

    :arg root_directory: the directory.
    :arg kwargs: arguments of `BaseLoader`.
    """

    def __init__(self, root_directory: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.root = os.path.abspath(root_directory)

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """See `BaseLoader.resolve_path`: names are relative to the directory of the template that
        refers to them."""
        if not parent_path or parent_path.startswith(("<", "/")) or name.startswith("/"):
            return name
        directory = os.path.dirname(os.path.join(self.root, parent_path))
        path = os.path.abspath(os.path.join(directory, name))
        inside = path.startswith(os.path.join(self.root, ""))
        return os.path.relpath(path, self.root) if inside else name

    def _create_template(self, name: str) -> Template:
        with open(os.path.join(self.root, name), "rb") as file:
            return Template(file.read(), name=name, loader=self)


class DictLoader(BaseLoader):
    """Takes templates from a dictionary.

    :arg dict: texts by name.
    :arg kwargs: arguments of `BaseLoader`.
    """

    def __init__(self, dict: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dict = dict

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """See `BaseLoader.resolve_path`: names are relative to the directory of the template that
        refers to them."""
        if not parent_path or parent_path.startswith(("<", "/")) or name.startswith("/"):
            return name
        return posixpath.normpath(posixpath.join(posixpath.dirname(parent_path), name))

    def _create_template(self, name: str) -> Template:
        return Template(self.dict[name], name=name, loader=self)
