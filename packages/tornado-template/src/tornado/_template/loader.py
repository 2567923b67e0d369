"""Where templates come from."""

from __future__ import annotations

import os
import posixpath
import threading

from tornado._template.errors import ParseError
from tornado._template.template import ESCAPES_HTML, Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BaseLoader:
    """Finds templates by name, and keeps them.

    Subclasses define `resolve_path` and ``_create_template``. Threads may share a loader.

    :arg autoescape: name of the function that expressions are escaped with, `None` for no escaping.
    :arg namespace: names that all its templates have.
    :arg whitespace: default treatment of white space, see `filter_whitespace`.
    """

    def __init__(
        self,
        autoescape: str | None = ESCAPES_HTML,
        namespace: dict[str, Any] | None = None,
        whitespace: str | None = None,
    ) -> None:
        # A template that extends another is loaded while it's held.
        self.lock = threading.RLock()
        self.templates: dict[str, Template] = {}
        self._in_progress: list[str] = []
        # What templates are made with.
        self.whitespace = whitespace
        self.namespace = {} if namespace is None else namespace
        self.autoescape = autoescape

    def load(self, name: str, parent_path: str | None = None) -> Template:
        """Return a template.

        :arg name: its name.
        :arg parent_path: name of the template that refers to it.
        :raises ParseError: it's malformed.
        """
        full_name = self.resolve_path(name, parent_path)
        # Most of the time it's there, and no lock is needed to see that.
        return self.templates.get(full_name) or self._load_once(full_name)

    def _load_once(self, name: str) -> Template:
        with self.lock:
            known = self.templates.get(name)
            if known is not None:
                return known
            if name in self._in_progress:
                circle = [*self._in_progress[self._in_progress.index(name) :], name]
                raise ParseError(
                    f"templates extend or include each other in a circle: {' -> '.join(circle)}"
                )
            self._in_progress.append(name)
            try:
                made = self._create_template(name)
            finally:
                self._in_progress.pop()
            self.templates[name] = made
            return made

    def reset(self) -> None:
        """Forget all templates, so that they are read anew."""
        with self.lock:
            self.templates = {}

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Return the full name of a template.

        :arg name: as it's written.
        :arg parent_path: name of the template that it's written in.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define resolve_path")

    def _create_template(self, name: str) -> Template:
        """Make a template.

        :arg name: its full name.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define _create_template")


class DictLoader(BaseLoader):
    """Takes templates from a dictionary.

    :arg dict: texts by name.
    :arg kwargs: arguments of `BaseLoader`.
    """

    def __init__(self, dict: dict[str, str], **kwargs: Any) -> None:
        self.dict = dict
        super().__init__(**kwargs)

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """See `BaseLoader.resolve_path`: names are relative to the directory of the template that
        refers to them."""
        if _stands_alone(name, parent_path):
            return name
        folder = posixpath.dirname(parent_path or "")
        return posixpath.normpath(posixpath.join(folder, name))

    def _create_template(self, name: str) -> Template:
        return Template(self.dict[name], name, self)


class Loader(BaseLoader):
    """Reads templates from a directory.

    :arg root_directory: the directory.
    :arg kwargs: arguments of `BaseLoader`.
    """

    def __init__(self, root_directory: str, **kwargs: Any) -> None:
        self.root = os.path.abspath(root_directory)
        super().__init__(**kwargs)

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """See `BaseLoader.resolve_path`: names are relative to the directory of the template that
        refers to them."""
        if _stands_alone(name, parent_path):
            return name
        folder = os.path.dirname(parent_path or "")
        path = os.path.abspath(os.path.join(self.root, folder, name))
        inside = path.startswith(os.path.join(self.root, ""))
        return os.path.relpath(path, self.root) if inside else name

    def _create_template(self, name: str) -> Template:
        with open(os.path.join(self.root, name), "rb") as file:
            text = file.read()
        return Template(text, name, self)


def _stands_alone(name: str, parent_path: str | None) -> bool:
    """Tell whether a name is not relative to another one: it begins at the root itself, or the
    template that it's written in is no file, or a file elsewhere."""
    return not parent_path or name.startswith("/") or parent_path.startswith(("/", "<"))
