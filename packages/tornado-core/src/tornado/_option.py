"""One option: its type, its value, and how text becomes one."""

from __future__ import annotations

import datetime
import reprlib
from collections.abc import Callable, Iterable
from typing import Any

from tornado._late import late_regex

_UNSET: Any = object()

# A day, a time, or both.
_DAYS = ("%Y-%m-%d", "%Y%m%d")
_TIMES = ("%H:%M:%S", "%H:%M")
_DATE_FORMATS = (
    "%a %b %d %H:%M:%S %Y",
    *(day + blank + time for day in _DAYS for time in _TIMES for blank in (" ", "T")),
    *_DAYS,
    *_TIMES,
)
# Seconds by the names that a unit may have; a name may also end in s.
_UNITS = {
    name: seconds
    for names, seconds in (
        (("w", "week"), 604800.0),
        (("d", "day"), 86400.0),
        (("h", "hour"), 3600.0),
        (("m", "min", "minute"), 60.0),
        (("", "s", "sec", "second"), 1.0),
        (("ms", "millisecond"), 1e-3),
        (("us", "microsecond"), 1e-6),
    )
    for name in names
}
_AMOUNT = late_regex(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-zA-Z]*)\s*")
_TRUE = frozenset(("true", "t", "1", "yes", "y", "on", ""))
_FALSE = frozenset(("false", "f", "0", "no", "n", "off"))
_LONGEST_RANGE = 1_000_000  # numbers


class Error(Exception):
    """An option is unknown, defined twice, or is given a value that it can't have."""

    __module__ = "tornado.options"  # as tracebacks and logs call it


class Option:
    """What was said to ``define``, and the value that was set since then.

    :arg group_name: heading in the help; a file's name unless another was chosen.
    """

    def __init__(
        self,
        name: str,
        default: Any,
        type_: Callable[[str], Any],
        *,
        help_text: str | None,
        metavar: str | None,
        multiple: bool,
        file_name: str,
        group_name: str,
        callback: Callable[[Any], None] | None,
    ) -> None:
        self.name = name
        self.type = type_
        self.help = help_text
        self.metavar = metavar
        self.multiple = multiple
        self.file_name = file_name
        self.group_name = group_name
        self.callback = callback
        self.default = _as_list(default) if multiple else default
        self._value = _UNSET

    @property
    def flag(self) -> str:
        """The option as it's written on the command line, without a value."""
        return "--" + self.name.replace("_", "-")

    @property
    def value(self) -> Any:
        """What was set last, or the default."""
        return self.default if self._value is _UNSET else self._value

    def parse(self, text: str) -> None:
        """Set the value from text.

        :raises Error: it's no value of the type; the old value stays.
        """
        if self.multiple:
            parts = text.split(",")
            self._store([item for part in parts for item in self._items(part)])
        else:
            self._store(self._item(text))

    def set(self, value: Any) -> None:
        """Set the value.

        :raises Error: it has another type; the old value stays.
        """
        if not self.multiple:
            self._store(self._checked(value))
        elif isinstance(value, (list, tuple)):
            self._store([self._checked(item) for item in value])
        else:
            raise Error(f"{self.flag}: a list is needed, not {reprlib.repr(value)}")

    def _store(self, value: Any) -> None:
        self._value = value
        if self.callback is not None:
            self.callback(value)

    def _checked(self, value: Any) -> Any:
        if value is None or not isinstance(self.type, type) or isinstance(value, self.type):
            return value
        if self.type is float and isinstance(value, int):
            return float(value)
        raise self._wrong(value)

    def _items(self, text: str) -> Iterable[Any]:
        low, colon, high = text.partition(":")
        if not colon or self.type is not int:
            return [self._item(text)]
        first = self._item(low)
        last = self._item(high) if high else first
        if last - first >= _LONGEST_RANGE:
            raise Error(f"{self.flag}: {text} are more than {_LONGEST_RANGE} numbers")
        return range(first, last + 1)

    def _item(self, text: str) -> Any:
        convert = _CONVERTERS.get(self.type, self.type)
        try:
            return convert(text)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise self._wrong(text, error) from error

    def _wrong(self, value: Any, error: Exception | None = None) -> Error:
        wanted = _WANTED.get(self.type)
        reason = ""
        if wanted is None:
            wanted = f"something of type {getattr(self.type, '__name__', self.type)}"
            # A type of the program's own knows best.
            reason = f" ({error})" if isinstance(error, (ValueError, TypeError)) else ""
        return Error(f"{self.flag}: {wanted} is needed, not {reprlib.repr(value)}{reason}")


def _as_list(default: Any) -> list[Any]:
    if default is None:
        return []
    return list(default) if isinstance(default, (list, tuple)) else [default]


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return bool(int(word))


def _date(text: str) -> datetime.datetime:
    for form in _DATE_FORMATS:
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            continue
    return datetime.datetime.fromisoformat(text)


def _duration(text: str) -> datetime.timedelta:
    """Add up amounts with their units; amounts without one are seconds."""
    total = datetime.timedelta()
    position = 0
    while position < len(text):
        amount = _AMOUNT.match(text, position)
        if amount is None:
            raise ValueError("no number")
        total += float(amount[1]) * datetime.timedelta(seconds=_seconds(amount[2].lower()))
        position = amount.end()
    return total


def _seconds(unit: str) -> float:
    seconds = _UNITS.get(unit)
    if seconds is None:
        seconds = _UNITS.get(unit.removesuffix("s"))
    if seconds is None:
        raise ValueError("no unit of time")
    return seconds


_CONVERTERS: dict[Any, Callable[[str], Any]] = {
    bool: _boolean,
    datetime.datetime: _date,
    datetime.timedelta: _duration,
}
_WANTED: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    datetime.datetime: "a date such as 2013-01-27 18:43",
    datetime.timedelta: "a duration such as 1h30m",
}
