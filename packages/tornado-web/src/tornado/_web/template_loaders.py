"""The template loaders of an application: one for each directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado.template import BaseLoader

_FRAMEWORK = "tornado._web."


class TemplateLoaders:
    """Loaders by directory; handlers of several threads may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaders: dict[str, BaseLoader] = {}

    def get(self, directory: str, make: Callable[[str], BaseLoader]) -> BaseLoader:
        """Return the loader of a directory.

        :arg directory: its path.
        :arg make: called with it if there is no loader yet.
        """
        loader = self._loaders.get(directory)
        if loader is None:
            with self._lock:
                loader = self._loaders.get(directory) or make(directory)
                self._loaders[directory] = loader
        return loader

    def reset(self) -> None:
        """Make all loaders read their files anew."""
        for loader in list(self._loaders.values()):
            loader.reset()


def directory_of_caller() -> str:
    """Return the directory of the first function on the stack that is not the framework's."""
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__", "")).startswith(_FRAMEWORK):
        frame = frame.f_back
    return os.path.dirname(os.path.abspath(frame.f_code.co_filename))
