"""URLs: what makes them absolute, and what a browser takes for their host."""

from __future__ import annotations

from typing import NamedTuple

from tornado._late import late_regex

# WHATWG URL section 4.4: browsers drop these anywhere in a URL,
_DROPPED = late_regex(r"[\t\n\r]")
# and these at its ends.
_TRIMMED = "".join(map(chr, range(0x21)))

_PARTS = late_regex(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(/*)([^/?#]*)")


def is_absolute(path: str) -> bool:
    """Tell whether a URL needs no directory to start from: it has a scheme of the web or begins
    with a slash.
    """
    return path.startswith(("/", "http:", "https:"))


class Origin(NamedTuple):
    """Scheme and authority of a URL; `None` for what it leaves to the page that it stands in."""

    scheme: str | None
    authority: str | None


def origin_of(url: str) -> Origin:
    """Return what a browser takes for scheme and authority of a URL, however it is spelled.

    Browsers read a backslash as a slash, and do not care how many slashes stand before the host.
    """
    seen = _DROPPED.sub("", url.strip(_TRIMMED)).replace("\\", "/")
    found = _PARTS.match(seen)
    if found is None:
        return Origin(None, None)
    scheme, slashes, authority = found.groups()
    if scheme is not None:
        return Origin(scheme.lower(), authority.lower())
    return Origin(None, authority.lower() if len(slashes) > 1 else None)


def local_path(path: str) -> str:
    """Return a path that no browser takes for the name of a host: with one slash at its
    beginning."""
    return "/" + path.lstrip("/\\")
