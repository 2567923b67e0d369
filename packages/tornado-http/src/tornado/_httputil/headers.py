"""Header fields: names without case, several values for a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from tornado._httputil.errors import HTTPInputError

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9110 section 5.5. Values hold bytes as characters, so everything from 0x80 is permitted.
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@lru_cache(1000)
def canonical_name(name: str) -> str:
    """Return a name in the form that is used for keys: ``Content-Type``."""
    return "-".join([part.capitalize() for part in name.split("-")])


class HTTPHeaders(MutableMapping[str, str]):
    """A dictionary of header fields whose names don't depend on case.

    A name may have several values. ``headers[name]`` joins them with commas; `get_list` and
    `get_all` keep them apart.

    .. code-block:: python

       headers = HTTPHeaders({"content-type": "text/html"})
       headers.add("Set-Cookie", "A=B")
       headers.add("Set-Cookie", "C=D")
       assert headers["Content-Type"] == "text/html"
       assert headers.get_list("set-cookie") == ["A=B", "C=D"]
    """

    __slots__ = ("_last_name", "_values")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Canonical name -> value, or a list of values where there are several.
        self._values: dict[str, str | list[str]] = {}
        self._last_name: str | None = None
        if len(args) == 1 and not kwargs and isinstance(args[0], HTTPHeaders):
            self._values = _copied(args[0]._values)
        else:
            self.update(*args, **kwargs)

    @classmethod
    def _from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> HTTPHeaders:
        """Make headers of names and values that a parser has checked."""
        headers = cls.__new__(cls)
        values: dict[str, str | list[str]] = {}
        for name, value in pairs:
            key = canonical_name(name)
            if key not in values:
                values[key] = value
                continue
            old = values[key]
            if type(old) is str:
                values[key] = [old, value]
            else:
                old.append(value)  # type: ignore[union-attr]  # it's no str, so it's a list
        headers._values = values
        headers._last_name = None
        return headers

    @classmethod
    def _from_dict(cls, values: dict[str, str | list[str]]) -> HTTPHeaders:
        """Make headers that adopt a dictionary of canonical names and good values."""
        headers = cls.__new__(cls)
        headers._values = values
        headers._last_name = None
        return headers

    def add(self, name: str, value: str, *, _chars_are_bytes: bool = True) -> None:
        """Add a value, beside those that the name has.

        :raises HTTPInputError: the name is no token, or the value holds control characters (RFC
            9110 sections 5.1, 5.5).
        """
        if _TOKEN.fullmatch(name) is None:
            raise HTTPInputError(f"Invalid header name {name[:80]!r}")
        value = _checked(value)
        key = canonical_name(name)
        self._last_name = key
        old = self._values.get(key)
        if old is None:
            self._values[key] = value
        elif type(old) is str:
            self._values[key] = [old, value]
        else:
            old.append(value)  # type: ignore[union-attr]  # it's no str, so it's a list

    def get_list(self, name: str) -> list[str]:
        """Return all values of a name, in order; an empty list if it has none."""
        value = self._values.get(canonical_name(name))
        if value is None:
            return []
        return [value] if type(value) is str else list(value)

    def get_all(self) -> Iterator[tuple[str, str]]:
        """Return an iterator over names and values; a name with several values comes several
        times."""
        for name, value in self._values.items():
            if type(value) is str:
                yield name, value
            else:
                for item in value:
                    yield name, item

    def parse_line(self, line: str, *, _chars_are_bytes: bool = True) -> None:
        """Add the field of one line, ``name: value`` with or without its line end.

        :raises HTTPInputError: it's no such line. Folded lines (RFC 9112 section 5.2) are none.
        """
        if line.endswith("\n"):
            line = line[:-2] if line.endswith("\r\n") else line[:-1]
        if not line:
            return
        if line[0] in " \t":
            raise HTTPInputError("header line folding is not allowed")
        name, colon, value = line.partition(":")
        if not colon:
            raise HTTPInputError(f"no colon in header line {line[:80]!r}")
        self.add(name, value.strip(" \t"), _chars_are_bytes=_chars_are_bytes)

    @classmethod
    def parse(cls, headers: str, *, _chars_are_bytes: bool = True) -> HTTPHeaders:
        """Return the headers of a text of lines that end in CRLF or LF.

        :raises HTTPInputError: a line is malformed.
        """
        parsed = cls()
        for line in headers.split("\n"):
            parsed.parse_line(line.removesuffix("\r"), _chars_are_bytes=_chars_are_bytes)
        return parsed

    # -- the interface of mappings

    def __setitem__(self, name: str, value: str) -> None:
        if _TOKEN.fullmatch(name) is None:
            raise HTTPInputError(f"Invalid header name {name[:80]!r}")
        self._values[canonical_name(name)] = _checked(value)

    def __getitem__(self, name: str) -> str:
        value = self._values[canonical_name(name)]
        return value if type(value) is str else ",".join(value)

    def __delitem__(self, name: str) -> None:
        del self._values[canonical_name(name)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and canonical_name(name) in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, HTTPHeaders):
            return self._values == other._values
        if isinstance(other, Mapping):
            return dict(self.items()) == dict(other.items())
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # headers can be changed

    def copy(self) -> HTTPHeaders:
        """Return an independent copy."""
        return type(self)._from_dict(_copied(self._values))

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self._values)

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\n" for name, value in self.get_all()])

    __unicode__ = __str__

    def __repr__(self) -> str:
        return f"HTTPHeaders({list(self.get_all())!r})"


def _rebuild(cls: type[HTTPHeaders], values: dict[str, str | list[str]]) -> HTTPHeaders:
    return cls._from_dict(_copied(values))


def _copied(values: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
    return {name: value if type(value) is str else list(value) for name, value in values.items()}


def _checked(value: Any) -> str:
    text: str = value.decode("latin-1") if isinstance(value, bytes) else value
    if _FORBIDDEN_IN_VALUE.search(text) is not None:
        raise HTTPInputError(f"Invalid header value {text[:80]!r}")
    return text
