"""Files that lie compressed beside the ones they were made of, and choosing among them."""

from __future__ import annotations

from collections.abc import Sequence

from tornado._web.codings import by_preference

#: Codings that are looked for, the one that makes the smaller files first, and how the names of
#: such files end.
SUFFIXES = {"br": ".br", "gzip": ".gz"}

Wanted = bool | Sequence[str]


def siblings(path: str, wanted: Wanted, accept_encoding: str) -> list[tuple[str, str]]:
    """Return which files a client would rather have than a certain one, with their codings.

    :arg path: the file. Whether there are others is for the caller to find out.
    :arg wanted: the codings that may be looked for, best first; ``True`` for all that are known.
    :arg accept_encoding: the header of that name; empty if there is none.
    :raises ValueError: a coding is not known.
    """
    codings = tuple(SUFFIXES) if wanted is True else tuple(wanted or ())
    unknown = [coding for coding in codings if coding not in SUFFIXES]
    if unknown:
        raise ValueError(f"precompressed files are {', '.join(SUFFIXES)}, not {unknown[0]!r}")
    return [(coding, path + SUFFIXES[coding]) for coding in by_preference(accept_encoding, codings)]
