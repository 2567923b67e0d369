"""Options of programs, from the command line and from configuration files.

Modules define what they need, wherever that is:

.. code-block:: python

   from tornado.options import define, options

   define("port", default=8888, help="port to listen on")

The main program reads them, and uses them as attributes:

.. code-block:: python

   from tornado.options import options, parse_command_line

   parse_command_line()
   application.listen(options.port)

``--name=value`` on the command line sets an option; so does ``name = value`` in a configuration
file, which is Python.
"""

from __future__ import annotations

import datetime
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, TextIO

_MISSING = object()
_DATE_FORMATS = (
    "%a %b %d %H:%M:%S %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d %H:%M",
    "%Y-%m-%d",
    "%Y%m%d",
    "%H:%M:%S",
    "%H:%M",
)
_TIMEDELTA_UNITS = {
    "h": "hours",
    "m": "minutes",
    "min": "minutes",
    "s": "seconds",
    "sec": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "d": "days",
    "w": "weeks",
}
_TIMEDELTA_PART = re.compile(r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-zA-Z]*)\s*")


class Error(Exception):
    """An option is unknown, defined twice, or has a value that it can't have."""


class _Option:
    """One option."""

    def __init__(
        self,
        name: str,
        default: Any,
        type_: type,
        help_: str | None,
        metavar: str | None,
        multiple: bool,
        file_name: str,
        group_name: str,
        callback: Callable[[Any], None] | None,
    ) -> None:
        self.name = name
        self.type = type_
        self.help = help_
        self.metavar = metavar
        self.multiple = multiple
        self.file_name = file_name
        self.group_name = group_name
        self.callback = callback
        self.default = [] if default is None and multiple else default
        self._value: Any = _MISSING

    @property
    def value(self) -> Any:
        return self.default if self._value is _MISSING else self._value

    def parse(self, text: str) -> Any:
        """Set the value from text."""
        if not self.multiple:
            self._value = self._parse_one(text)
        else:
            self._value = []
            for part in text.split(","):
                self._value.extend(self._parse_range(part))
        self._notify()
        return self.value

    def set(self, value: Any) -> None:
        """Set the value."""
        if self.multiple:
            if not isinstance(value, list):
                raise Error(
                    f"Option {self.name!r} is required to be a list of {self.type.__name__}"
                )
            wrong = [item for item in value if item is not None and not isinstance(item, self.type)]
            if wrong:
                raise Error(
                    f"Option {self.name!r} is required to be a list of {self.type.__name__}, "
                    f"not {wrong[0]!r}"
                )
        elif value is not None and not isinstance(value, self.type):
            raise Error(
                f"Option {self.name!r} is required to be a {self.type.__name__} "
                f"({type(value).__name__} given)"
            )
        self._value = value
        self._notify()

    def _notify(self) -> None:
        if self.callback is not None:
            self.callback(self.value)

    def _parse_range(self, text: str) -> list[Any]:
        if not issubclass(self.type, int) or issubclass(self.type, bool):
            return [self._parse_one(text)]
        low, colon, high = text.partition(":")
        first = self._parse_one(low)
        last = self._parse_one(high) if colon else first
        return list(range(first, last + 1))

    def _parse_one(self, text: str) -> Any:
        parse = _PARSERS.get(self.type, self.type)
        try:
            return parse(text)
        except Error:
            raise
        except (ValueError, TypeError) as error:
            raise Error(f"option --{self.name}: {text!r} is no {self.type.__name__}") from error


def _parse_bool(text: str) -> bool:
    return text.lower() not in ("false", "0", "f", "no", "n", "off")


def _parse_datetime(text: str) -> datetime.datetime:
    for form in _DATE_FORMATS:
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            continue
    raise Error(f"Unrecognized date/time format: {text!r}")


def _parse_timedelta(text: str) -> datetime.timedelta:
    total = datetime.timedelta()
    position = 0
    while position < len(text):
        match = _TIMEDELTA_PART.match(text, position)
        if match is None:
            raise Error(f"Unrecognized time: {text!r}")
        unit = match[2] or "seconds"
        unit = _TIMEDELTA_UNITS.get(unit, unit)
        if unit not in _TIMEDELTA_UNITS.values():
            raise Error(f"Unrecognized unit of time: {match[2]!r}")
        total += datetime.timedelta(**{unit: float(match[1])})
        position = match.end()
    return total


_PARSERS: dict[type, Callable[[str], Any]] = {
    bool: _parse_bool,
    datetime.datetime: _parse_datetime,
    datetime.timedelta: _parse_timedelta,
}


class OptionParser:
    """A set of options. There is one for everybody, `options`; programs may make others.

    Options are its attributes and its items.
    """

    _options: dict[str, _Option]
    _parse_callbacks: list[Callable[[], None]]

    def __init__(self) -> None:
        self.__dict__["_options"] = {}
        self.__dict__["_parse_callbacks"] = []
        self.define("help", type=bool, help="show this help information", callback=self._show_help)

    def _find(self, name: str) -> _Option | None:
        # Dashes and underscores in names are the same thing.
        return self._options.get(name.replace("_", "-"))

    def __getattr__(self, name: str) -> Any:
        option = self._find(name)
        if option is None:
            raise AttributeError(f"Unrecognized option {name!r}")
        return option.value

    def __setattr__(self, name: str, value: Any) -> None:
        option = self._find(name)
        if option is None:
            raise AttributeError(f"Unrecognized option {name!r}")
        option.set(value)

    def __getitem__(self, name: str) -> Any:
        option = self._find(name)
        if option is None:
            raise KeyError(name)
        return option.value

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (option.name for option in self._options.values())

    def items(self) -> list[tuple[str, Any]]:
        """Return names and values."""
        return [(option.name, option.value) for option in self._options.values()]

    def groups(self) -> set[str]:
        """Return the names of the groups."""
        return {option.group_name for option in self._options.values()}

    def group_dict(self, group: str) -> dict[str, Any]:
        """Return names and values of a group; of all options for an empty name."""
        return {
            option.name: option.value
            for option in self._options.values()
            if not group or option.group_name == group
        }

    def as_dict(self) -> dict[str, Any]:
        """Return names and values."""
        return dict(self.items())

    def define(
        self,
        name: str,
        default: Any = None,
        type: type | None = None,
        help: str | None = None,
        metavar: str | None = None,
        multiple: bool = False,
        group: str | None = None,
        callback: Callable[[Any], None] | None = None,
    ) -> None:
        """Define an option.

        :arg name: its name, unique in the program.
        :arg default: its value if nothing sets it.
        :arg type: type of the value; that of ``default`` if not given, or else `str`.
        :arg help: a description.
        :arg metavar: what stands for the value in the help.
        :arg multiple: the value is a list; on the command line it's separated by commas, and
            ``x:y`` is a range of integers.
        :arg group: group in the help; the defining file's name if not given.
        :arg callback: called with the value when it has been set.
        :raises Error: it's defined already.
        """
        key = name.replace("_", "-")
        file_name = _file_of_caller()
        if key in self._options:
            raise Error(f"Option {name!r} already defined in {self._options[key].file_name}")
        if type is None:
            sample = default[0] if multiple and default else default
            type = str if sample is None or isinstance(sample, list) else sample.__class__
        self._options[key] = _Option(
            name,
            default,
            type,
            help,
            metavar,
            multiple,
            file_name,
            file_name if group is None else group,
            callback,
        )

    def parse_command_line(self, args: list[str] | None = None, final: bool = True) -> list[str]:
        """Set options from ``--name=value`` arguments; ``--name`` alone is true for boolean
        options.

        :arg args: arguments, the program's name first. With `None` they are those of the program,
            and an error is its user's: it's told in
            one line, and the program ends with status 1.
        :arg final: run the callbacks of `add_parse_callback`.
        :returns: the arguments that aren't options: those from the first one on that doesn't begin
            with a dash, or after ``--``.
        :raises Error: an option is unknown or has a wrong value (if ``args`` is given).
        """
        if args is not None:
            return self._parse_arguments(args, final)
        try:
            return self._parse_arguments(sys.argv, final)
        except Error as error:
            sys.stderr.write(f"{os.path.basename(sys.argv[0])}: {error}\n")
            sys.exit(1)

    def _parse_arguments(self, args: list[str], final: bool) -> list[str]:
        remaining: list[str] = []
        for number, argument in enumerate(args[1:], 1):
            if not argument.startswith("-"):
                remaining = args[number:]
                break
            if argument == "--":
                remaining = args[number + 1 :]
                break
            name, equals, value = argument.lstrip("-").partition("=")
            option = self._find(name)
            if option is None:
                raise Error(f"Unrecognized command line option: {name!r}, see --help")
            if not equals:
                if option.type is not bool:
                    raise Error(f"Option {name!r} requires a value")
                value = "true"
            option.parse(value)
        if final:
            self.run_parse_callbacks()
        return remaining

    def parse_config_file(self, path: str, final: bool = True) -> None:
        """Set options from the global names of a Python file, UTF-8.

        Text is parsed like on the command line if the option isn't text itself.

        :arg path: the file.
        :arg final: run the callbacks of `add_parse_callback`.
        :raises Error: a value is wrong.
        """
        config: dict[str, Any] = {"__file__": os.path.abspath(path)}
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec", dont_inherit=True), config)
        for name, value in config.items():
            option = self._find(name)
            if option is None:
                continue
            if isinstance(value, str) and (option.type is not str or option.multiple):
                option.parse(value)
            else:
                option.set(value)
        if final:
            self.run_parse_callbacks()

    def print_help(self, file: TextIO | None = None) -> None:
        """Print all options with their descriptions, by group.

        :arg file: where to; the standard error stream if not given.
        """
        out = file or sys.stderr
        out.write(f"Usage: {sys.argv[0]} [OPTIONS]\n\nOptions:\n\n")
        groups: dict[str, list[_Option]] = {}
        for option in self._options.values():
            groups.setdefault(option.group_name, []).append(option)
        for name, members in sorted(groups.items()):
            if name:
                out.write(f"\n{os.path.normpath(name)} options:\n\n")
            for option in sorted(members, key=lambda option: option.name):
                out.write(_help_lines(option))
        out.write("\n")

    def _show_help(self, value: bool) -> None:
        if value:
            self.print_help()
            sys.exit(0)

    def add_parse_callback(self, callback: Callable[[], None]) -> None:
        """Have a function called when options have been parsed."""
        self._parse_callbacks.append(callback)

    def run_parse_callbacks(self) -> None:
        """Call the functions of `add_parse_callback`."""
        for callback in self._parse_callbacks:
            callback()

    def mockable(self) -> _Mockable:
        """Return an object for ``unittest.mock.patch.object``, which can't work on this one."""
        return _Mockable(self)


def _help_lines(option: _Option) -> str:
    prefix = "--" + option.name.replace("_", "-")
    if option.metavar:
        prefix += "=" + option.metavar
    description = option.help or ""
    if option.default is not None and option.default != "":
        description += f" (default {option.default})"
    lines = textwrap.wrap(description, 79 - 35) or [""]
    if len(prefix) > 30:
        lines.insert(0, "")
    text = f"  {prefix:<30} {lines[0]}".rstrip() + "\n"
    return text + "".join(f"{'':<34} {line}\n" for line in lines[1:])


def _file_of_caller() -> str:
    """Return the file that called ``define``."""
    frame = sys._getframe(1)
    own = frame.f_code.co_filename
    while frame.f_back is not None and frame.f_code.co_filename == own:
        frame = frame.f_back
    return frame.f_code.co_filename


class _Mockable:
    """The options as attributes that can be deleted to get their old values back."""

    def __init__(self, options: OptionParser) -> None:
        self.__dict__["_options"] = options
        self.__dict__["_originals"] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._options, name)

    def __setattr__(self, name: str, value: Any) -> None:
        originals = self.__dict__["_originals"]
        if name in originals:
            raise AttributeError(f"{name} is mocked already")
        originals[name] = getattr(self._options, name)
        setattr(self.__dict__["_options"], name, value)

    def __delattr__(self, name: str) -> None:
        setattr(self.__dict__["_options"], name, self.__dict__["_originals"].pop(name))


#: The options of the program.
options = OptionParser()


def define(
    name: str,
    default: Any = None,
    type: type | None = None,
    help: str | None = None,
    metavar: str | None = None,
    multiple: bool = False,
    group: str | None = None,
    callback: Callable[[Any], None] | None = None,
) -> None:
    """Define an option of the program; see `OptionParser.define`."""
    options.define(name, default, type, help, metavar, multiple, group, callback)


def parse_command_line(args: list[str] | None = None, final: bool = True) -> list[str]:
    """Set the program's options from its arguments; see `OptionParser.parse_command_line`."""
    return options.parse_command_line(args, final=final)


def parse_config_file(path: str, final: bool = True) -> None:
    """Set the program's options from a file; see `OptionParser.parse_config_file`."""
    options.parse_config_file(path, final=final)


def print_help(file: TextIO | None = None) -> None:
    """Print the program's options; see `OptionParser.print_help`."""
    options.print_help(file)


def add_parse_callback(callback: Callable[[], None]) -> None:
    """Have a function called when options have been parsed; see
    `OptionParser.add_parse_callback`."""
    options.add_parse_callback(callback)


def _define_logging_options() -> None:
    from tornado.log import define_logging_options

    define_logging_options(options)


_define_logging_options()
