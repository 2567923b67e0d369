"""What is loaded or compiled when it's first used, because most programs don't use it.

Each has its price once, at the first use. After that it's an attribute of an object or of a module
like any other.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any


class LateModule:
    """Stand for a module: once it's imported, the names of both are one and the same dictionary.

    Type checkers are to see the module itself::

        if TYPE_CHECKING:
            from tornado._web import signing
        else:
            signing = LateModule("tornado._web.signing")

    :arg name: full name of the module.
    """

    __slots__ = ("__dict__", "_module")

    def __init__(self, name: str) -> None:
        self._module = name

    def __getattr__(self, name: str) -> Any:
        module = import_module(self._module)
        # What somebody replaces in the module is replaced here, too.
        self.__dict__ = module.__dict__
        return getattr(module, name)


if TYPE_CHECKING:
    late_regex = re.compile
else:

    class late_regex:  # it's used like `re.compile`
        """Stand for a compiled regular expression.

        :arg pattern: the expression, text or bytes.
        :arg flags: as for `re.compile`.
        """

        def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
            self._source = (pattern, flags)

        def __getattr__(self, name: str) -> Any:
            # `re` itself remembers what it has compiled, for the next method that is asked for.
            value = getattr(re.compile(*self._source), name)
            setattr(self, name, value)
            return value


def late_names(
    facade: str, places: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for a module that offers names of others (PEP 562).

    :arg facade: the module's name.
    :arg places: names by the full name of the module where they are defined.
    """
    homes = {name: place for place, names in places.items() for name in names}

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {facade!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        setattr(sys.modules[facade], name, value)
        return value

    def known() -> list[str]:
        return sorted({*vars(sys.modules[facade]), *homes})

    return find, known
