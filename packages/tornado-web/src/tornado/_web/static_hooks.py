"""Telling whether a class has overridden some of the methods of another one."""

from __future__ import annotations

from operator import attrgetter


class Hooks:
    """Some methods of a class, as they are when this is made.

    They are compared anew each time, for methods may also be replaced while a program runs.

    :arg owner: the class.
    :arg names: names of methods; a class method is named with ``.__func__`` at the end.
    """

    def __init__(self, owner: type, *names: str) -> None:
        self._pick = attrgetter(*names)
        self._originals = self._pick(owner)

    def kept_by(self, subclass: type) -> bool:
        """Tell whether all of the methods are still the original ones."""
        try:
            return bool(self._pick(subclass) == self._originals)
        except AttributeError:
            # A class method was overridden by something of another kind.
            return False
