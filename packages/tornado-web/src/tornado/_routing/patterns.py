"""What the text of a URL regex tells about the paths that it matches.

Three questions are asked of a pattern: with which literal text does every match begin, which
segments between slashes does it have (the index of a router sorts rules by both), and how is a path
made from arguments (reversal). All look only at the outermost level of the expression. Whatever is
not plainly understood gives the careful answer: an empty prefix, no segments, or no way back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from tornado._late import late_regex

# Flags under which a literal character of the pattern still stands for itself alone.
_HARMLESS_FLAGS = re.UNICODE | re.ASCII | re.DOTALL

_MAY_BE_ABSENT = ("?", "*")

_TOKEN = late_regex(
    r"""
      (?P<escape> \\. )
    | (?P<set> \[ \^? \]? (?: \\. | [^\]\\] )* \] )
    | (?P<comment> \(\?\# [^)]* \) )
    | (?P<capture> \( (?: \?P< \w+ > | (?!\?) ) )
    | (?P<open> \( )
    | (?P<close> \) )
    | (?P<bar> \| )
    | (?P<repeat> (?: [*+?] | \{ \d* ,? \d* \} ) [?+]? )
    | (?P<anchor> [\^$] )
    | (?P<dot> \. )
    | (?P<char> . )
    """,
    re.VERBOSE | re.DOTALL,
)


# What an expression may hold that surely matches no slash. Ranges run from one letter or digit to
# another, for the slash lies before them all.
_SLASHLESS = late_regex(
    r"""(?:
      \\[dws]
    | [A-Za-z0-9_|]
    | \[ \^/ (?: \\. | [^\]\\] )* \]
    | \[ -? (?: \\[dws.\-_] | [A-Za-z0-9] (?: -[A-Za-z0-9] )? | [_.,:;=@!~+%] )* -? \]
    | [*+?] | \{ \d* ,? \d* \}
    )*""",
    re.VERBOSE | re.DOTALL,
)


class Kind(Enum):
    """What one outermost piece of a pattern is."""

    LITERAL = "literal"
    DOT = "dot"
    CAPTURE = "capture"
    ANCHOR = "anchor"
    ALTERNATIVE = "alternative"
    OPAQUE = "opaque"


class Piece(NamedTuple):
    """One outermost piece of a pattern.

    :arg text: the character that it stands for; of a group or anything opaque, its pattern.
    :arg repeat: its quantifier, or an empty string.
    """

    kind: Kind
    text: str = ""
    repeat: str = ""


_PLAIN_KINDS = {
    "char": Kind.LITERAL,
    "dot": Kind.DOT,
    "anchor": Kind.ANCHOR,
    "bar": Kind.ALTERNATIVE,
}


def split_pattern(pattern: str) -> list[Piece]:
    """Split a valid pattern into its outermost pieces, each with its quantifier."""
    pieces: list[Piece] = []
    tokens = ((match.lastgroup or "char", match.group()) for match in _TOKEN.finditer(pattern))
    for kind, text in tokens:
        if kind == "repeat" and pieces:
            pieces[-1] = pieces[-1]._replace(repeat=text)
        elif kind in ("capture", "open"):
            pieces.append(_skip_group(tokens, captures=kind == "capture"))
        elif kind == "escape" and not text[1].isalnum():
            pieces.append(Piece(Kind.LITERAL, text[1]))
        else:
            pieces.append(Piece(_PLAIN_KINDS.get(kind, Kind.OPAQUE), text))
    return pieces


def _skip_group(tokens: Iterator[tuple[str, str]], *, captures: bool) -> Piece:
    """Read up to the end of a group; one that captures inside a capture is opaque."""
    inner: list[str] = []
    depth = 1
    for kind, text in tokens:
        if kind in ("capture", "open"):
            captures = captures and kind != "capture"
            depth += 1
        elif kind == "close":
            depth -= 1
            if depth == 0:
                break
        inner.append(text)
    return Piece(Kind.CAPTURE if captures else Kind.OPAQUE, "".join(inner))


def top_level(regex: re.Pattern[str]) -> list[Piece]:
    """Return the pieces that a match goes through in order, or nothing if that cannot be told."""
    if regex.flags & ~_HARMLESS_FLAGS:
        return []
    pieces = split_pattern(regex.pattern)
    if any(piece.kind is Kind.ALTERNATIVE for piece in pieces):
        return []
    if pieces and pieces[0].kind is Kind.ANCHOR and pieces[0].text == "^":
        del pieces[0]
    return pieces


def literal_prefix(regex: re.Pattern[str]) -> str:
    """Return text with which every string begins that the regex matches from its start."""
    prefix: list[str] = []
    for piece in top_level(regex):
        if piece.kind is not Kind.LITERAL or piece.repeat:
            break
        prefix.append(piece.text)
    return "".join(prefix)


def literal_path(regex: re.Pattern[str]) -> str | None:
    """Return the only text that the regex matches to its end, if there is only one."""
    *pieces, end = top_level(regex) or [Piece(Kind.OPAQUE)]
    if end != Piece(Kind.ANCHOR, "$"):
        return None
    if any(piece.kind is not Kind.LITERAL or piece.repeat for piece in pieces):
        return None
    return "".join([piece.text for piece in pieces])


class Segments(NamedTuple):
    """The segments between slashes with which every match begins.

    :arg known: per segment its literal text, or ``None`` if it can be any.
    :arg complete: nothing comes after them.
    """

    known: tuple[str | None, ...]
    complete: bool


def leading_segments(regex: re.Pattern[str]) -> Segments:
    """Return what can be told of the segments of the paths that a regex matches."""
    known: list[str | None] = []
    segment: str | None = ""
    pieces = top_level(regex)
    for number, piece in enumerate(pieces):
        if piece.kind is Kind.LITERAL and piece.text == "/":
            if piece.repeat:
                break
            known.append(segment)
            segment = ""
        elif piece.kind is Kind.LITERAL and not piece.repeat:
            segment = None if segment is None else segment + piece.text
        elif piece.kind is Kind.ANCHOR and number == len(pieces) - 1:
            return Segments((*known, segment), complete=True)
        elif _is_slashless(piece):
            segment = None
        else:
            break
    return Segments(tuple(known), complete=False)


def _is_slashless(piece: Piece) -> bool:
    """Tell whether a piece surely matches no slash."""
    if piece.kind is Kind.LITERAL:
        return piece.text != "/"
    if piece.kind not in (Kind.CAPTURE, Kind.OPAQUE):
        return False
    return _SLASHLESS.fullmatch(piece.text.removeprefix("?:")) is not None


def reversal_parts(regex: re.Pattern[str]) -> list[str] | None:
    """Return the literal texts around the groups of a regex, one more than there are groups.

    ``None`` stands for a regex that has no way back: outside its groups it holds more than literal
    text, or a group holds another one.
    """
    if regex.flags & ~_HARMLESS_FLAGS:
        return None
    parts = [""]
    for piece in split_pattern(regex.pattern):
        if piece.kind is Kind.CAPTURE:
            parts.append("")
        elif piece.kind is Kind.LITERAL and piece.repeat[:1] in _MAY_BE_ABSENT:
            # "/?" and its like are left out, and the path matches all the same.
            continue
        elif piece.kind is Kind.LITERAL and piece.repeat[:1] != "{":
            parts[-1] += piece.text
        elif piece.kind is Kind.DOT and not piece.repeat:
            # An unescaped dot in a file name, as in "/robots.txt", is meant as itself.
            parts[-1] += "."
        elif piece.kind is not Kind.ANCHOR:
            return None
    return parts if len(parts) == regex.groups + 1 else None
