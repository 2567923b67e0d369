"""What becomes of white space in a template's text."""

from __future__ import annotations

import re

_BLANKS = re.compile(r"[\t ]+")
# What's before the line end is tried from the start of a run alone, and in one way: runs without a
# line end would cost the square of their length otherwise.
_AROUND_LINE_END = re.compile(r"(?<![^\S\n])[^\S\n]*+\n\s*")
_ANY = re.compile(r"\s+")

MODES = ("all", "single", "oneline")


def filter_whitespace(mode: str, text: str) -> str:
    """Return ``text`` with its white space treated as ``mode`` says.

    :arg mode: ``all`` leaves everything; ``single`` makes each run one blank, or one line end if it
        has any; ``oneline`` makes each run
        one blank.
    :raises ValueError: there is no such mode.

    .. versionadded:: 4.3
    """
    if mode == "single":
        return _AROUND_LINE_END.sub("\n", _BLANKS.sub(" ", text))
    if mode == "oneline":
        return _ANY.sub(" ", text)
    check_mode(mode)
    return text


def check_mode(mode: str) -> None:
    """Refuse what is no mode.

    :raises ValueError: it's none.
    """
    if mode not in MODES:
        raise ValueError(f"unknown whitespace mode {mode!r}, expected one of {', '.join(MODES)}")
