"""Header fields: names without case, several values for a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TypeAlias, TypeVar, overload

from tornado._httputil.errors import HTTPInputError
from tornado._late import late_regex

T = TypeVar("T")

#: Small numbers as text, as most lengths of content are: ``DECIMALS[12]`` is ``"12"``.
DECIMALS = tuple(map(str, range(1024)))
SMALL = len(DECIMALS)

#: By canonical name, a value; or a list, where a name has several.
FieldValues: TypeAlias = dict[str, str | list[str]]

_TOKEN = late_regex(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++")
_WORD = late_regex("[^-]++")

# RFC 9110 section 5.5: no control characters but HTAB. Lone surrogates have no encoding.
_NO_BYTES = late_regex(r"[^\t\x20-\x7e\x80-\xff]")
_NO_TEXT = late_regex(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

_FOLD = re.compile(r"[ \t]*+\r?\n(?=[ \t]++[^ \t\r\n])[ \t]++")

# Names come from peers, so what is remembered of them has limits.
_MAX_KNOWN_NAMES = 1000
_MAX_KNOWN_LENGTH = 64  # characters


class _KnownNames(dict[str, str]):
    """Names as they were written -> names as keys; only valid names are kept."""

    def __missing__(self, name: str) -> str:
        key = _WORD.sub(_capitalized, name)
        if len(name) <= _MAX_KNOWN_LENGTH and _TOKEN.fullmatch(name) is not None:
            if len(self) >= _MAX_KNOWN_NAMES:
                self.clear()
            self[name] = key
        return key


def _capitalized(match: re.Match[str]) -> str:
    return match[0].capitalize()


_known_names = _KnownNames()

#: Return a name in the form that is used for keys: ``Content-Type``.
canonical_name = _known_names.__getitem__

_get_known_name = _known_names.get


class HTTPHeaders(MutableMapping[str, str]):
    """A dictionary of header fields whose names don't depend on case.

    A name may have several values. ``headers[name]`` joins them with commas; `get_list` and
    `get_all` keep them apart.

    >>> headers = HTTPHeaders({"content-type": "text/html"})
    >>> headers.add("Set-Cookie", "A=B")
    >>> headers.add("set-cookie", "C=D")
    >>> headers["Content-Type"], headers["Set-Cookie"]
    ('text/html', 'A=B,C=D')
    >>> headers.get_list("set-cookie")
    ['A=B', 'C=D']
    >>> list(headers)
    ['Content-Type', 'Set-Cookie']
    """

    # Parsers and serialisers of this distribution and of tornado-web work on `_values` directly,
    # because a method call for each field would be what a small request costs most.
    # `_last_key`, what a folded line continues, is there only after `parse_line`.
    __slots__ = ("_last_key", "_values")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._values: FieldValues
        source = args[0] if len(args) == 1 and not kwargs else None
        if type(source) is dict:
            # As most headers are made. Known names are good ones, and so is text that can be
            # printed.
            self._values = values = {}
            get_key = _get_known_name
            for name in source:
                value = source[name]
                key = get_key(name)
                if key is not None and type(value) is str and value.isprintable():
                    values[key] = value
                else:
                    self[name] = value
        elif isinstance(source, HTTPHeaders):
            self._values = _copied(source._values)
        else:
            self._values = {}
            self.update(*args, **kwargs)

    @classmethod
    def _from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> HTTPHeaders:
        """Make headers of names and values that a parser has checked."""
        headers = cls.__new__(cls)
        values: FieldValues = {}
        headers._values = values
        names = _known_names
        for name, value in pairs:
            key = names[name]
            if key in values:
                _append(values, key, value)
            else:
                values[key] = value
        return headers

    @classmethod
    def _from_dict(cls, values: FieldValues) -> HTTPHeaders:
        """Make headers that adopt a dictionary of canonical names and good values."""
        headers = cls.__new__(cls)
        headers._values = values
        return headers

    def add(self, name: str, value: str, *, _chars_are_bytes: bool = True) -> None:
        """Add a value, beside those that the name has.

        :arg name: a token (RFC 9110 section 5.1).
        :arg value: without control characters, and without white space around it (RFC 9110
            section 5.5). Bytes are taken as Latin-1.
        :raises HTTPInputError: name or value are not like that.
        """
        if name not in _known_names and _TOKEN.fullmatch(name) is None:
            raise HTTPInputError(f"invalid name {name[:80]!r} for a header")
        text = _as_text(value)
        _check_value(text, _chars_are_bytes)
        _append(self._values, canonical_name(name), text)

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

    def parse_line(
        self, line: str, *, _chars_are_bytes: bool = True, accept_folded_lines: bool = False
    ) -> None:
        r"""Add the field of one line, ``name: value``.

        >>> headers = HTTPHeaders()
        >>> headers.parse_line("content-type: text/html\r\n")
        >>> headers.get("Content-Type")
        'text/html'

        :arg line: the line with or without its line end; an empty line adds nothing.
        :arg accept_folded_lines: let a line that begins with white space continue the value of the
            line before it (RFC 9112 section 5.2), as the API of versions 2.x did.
        :raises HTTPInputError: it's no such line.

        .. versionchanged:: 6.100
           Added ``accept_folded_lines``.
        """
        if line.endswith("\n"):
            line = line[:-2] if line.endswith("\r\n") else line[:-1]
        if not line:
            return
        if line[0] in " \t":
            if not accept_folded_lines:
                raise HTTPInputError("header line begins with white space")
            self._continue_last(line.strip(" \t"), _chars_are_bytes)
            return
        name, colon, value = line.partition(":")
        if not colon:
            raise HTTPInputError(f"header line {line[:80]!r} has no colon")
        self.add(name, value.strip(" \t"), _chars_are_bytes=_chars_are_bytes)
        self._last_key = canonical_name(name)

    def _continue_last(self, text: str, chars_are_bytes: bool) -> None:
        key = getattr(self, "_last_key", "")
        old = self._values.get(key)
        if old is None:
            raise HTTPInputError(f"header line {text[:80]!r} continues nothing")
        _check_value(text, chars_are_bytes)
        if isinstance(old, str):
            self._values[key] = f"{old} {text}".strip(" ")
        else:
            old[-1] = f"{old[-1]} {text}".strip(" ")

    @classmethod
    def parse(
        cls, headers: str, *, _chars_are_bytes: bool = True, accept_folded_lines: bool = False
    ) -> HTTPHeaders:
        r"""Return the headers of a text of lines that end in CRLF or LF.

        >>> headers = HTTPHeaders.parse("Content-Type: text/html\r\nContent-Length: 42\r\n")
        >>> sorted(headers.items())
        [('Content-Length', '42'), ('Content-Type', 'text/html')]

        :arg headers: the lines.
        :arg accept_folded_lines: as for `parse_line`.
        :raises HTTPInputError: a line is malformed.

        .. versionchanged:: 6.100
           Added ``accept_folded_lines``.
        """
        parsed = cls()
        if accept_folded_lines:
            headers = _FOLD.sub(" ", headers)
        *lines, last = headers.split("\n")
        for line in (*[line.removesuffix("\r") for line in lines], last):
            parsed.parse_line(line, _chars_are_bytes=_chars_are_bytes)
        return parsed

    # -- the interface of mappings

    def __setitem__(self, name: str, value: str) -> None:
        if name not in _known_names and _TOKEN.fullmatch(name) is None:
            raise ValueError(f"invalid name {name[:80]!r} for a header")
        text = _as_text(value)
        if _NO_TEXT.search(text) is not None:
            raise ValueError(f"invalid value {text[:80]!r} for a header")
        self._values[canonical_name(name)] = text

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

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: T) -> str | T: ...
    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name, several ones joined with commas; ``default`` if it has
        none."""
        value = self._values.get(canonical_name(name))
        if value is None:
            return default
        return value if type(value) is str else ",".join(value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, HTTPHeaders) and self._values == other._values:
            return True
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


def _check_value(text: str, chars_are_bytes: bool) -> None:
    forbidden = _NO_BYTES if chars_are_bytes else _NO_TEXT
    if forbidden.search(text) is not None or text != text.strip(" \t"):
        raise HTTPInputError(f"invalid value {text[:80]!r} for a header")


def _append(values: FieldValues, key: str, value: str) -> None:
    old = values.get(key)
    if old is None:
        values[key] = value
    elif isinstance(old, str):
        values[key] = [old, value]
    else:
        old.append(value)


def _rebuild(cls: type[HTTPHeaders], values: FieldValues) -> HTTPHeaders:
    return cls._from_dict(_copied(values))


def _copied(values: FieldValues) -> FieldValues:
    copied = values.copy()
    if list in map(type, values.values()):
        for name, value in values.items():
            if type(value) is list:
                copied[name] = value.copy()
    return copied


def _as_text(value: object) -> str:
    if type(value) is str:
        return value
    if isinstance(value, str):
        # What it holds, whatever its type: by that, one value is told from several.
        return str.__str__(value)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    raise TypeError(f"a header's value is text, not {value!r:.80}")
