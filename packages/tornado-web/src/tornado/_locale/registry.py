"""Which translations are loaded, and which locale fits a wish best.

What is loaded at one time is one object that is never changed. Loading replaces it whole, so that
other threads see either the old translations or the new ones.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

# For each indicator ("singular", "plural", "unknown") the messages and their translations.
CSVMessages: TypeAlias = dict[str, dict[str, str]]
Messages: TypeAlias = CSVMessages | gettext.NullTranslations

# Language, script and region, as RFC 5646 section 2.1 has them, with underscores.
_WELL_FORMED = re.compile(r"[a-z]+(_[A-Z][a-z]+)?(_[A-Z0-9]+)?", re.ASCII)

_DEFAULT = "en_US"


def is_well_formed(code: str) -> bool:
    """Tell whether a file or folder of that name can hold translations."""
    return _WELL_FORMED.fullmatch(code) is not None


class Loaded:
    """One state of the translations.

    :arg messages: per locale code.
    :arg default: code of the language that the program's own texts are in.
    """

    def __init__(self, messages: Mapping[str, Messages], default: str = _DEFAULT) -> None:
        self.messages = messages
        self.default = default
        self.codes = frozenset(messages) | {default}
        # Locale objects, made when first asked for.
        self.locales: dict[str, Any] = {}

    def closest(self, wishes: tuple[str | None, ...]) -> str:
        """Return the code that fits the first wish for which there is one."""
        for wish in wishes:
            for code in _readings(wish or ""):
                if code in self.codes:
                    return code
        return self.default


class Registry:
    """Holds the present state of the translations."""

    def __init__(self) -> None:
        self.loaded = Loaded({})

    def load(self, messages: Mapping[str, Messages]) -> None:
        """Replace the translations, and keep the default."""
        self.loaded = Loaded(messages, self.loaded.default)

    def set_default(self, code: str) -> None:
        """Replace the default, and keep the translations."""
        self.loaded = Loaded(self.loaded.messages, code)


registry = Registry()


def _readings(wish: str) -> Iterator[str]:
    """Give the codes that satisfy a wish, from tight to loose."""
    language, *subtags = wish.replace("-", "_").split("_")
    language = language.lower()
    scripts = [tag.title() for tag in subtags[:1] if len(tag) == 4 and tag.isalpha()]
    regions = [tag.upper() for tag in subtags[len(scripts) : len(scripts) + 1]]
    yield "_".join([language, *scripts, *regions])
    yield "_".join([language, *scripts])
    yield "_".join([language, *regions])
    yield language
