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
file, which is Python. Underscores and dashes in names are the same thing.

A command line or a configuration file that can't be understood is its user's fault: unless the
program catches `Error`, it ends with one line on the standard error stream and exit status 1.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

from tornado._option import Error, Option
from tornado.log import define_logging_options, enable_pretty_logging

if TYPE_CHECKING:
    from tornado._option_file import ConfigFile

__all__ = [
    "Error",
    "OptionParser",
    "add_parse_callback",
    "define",
    "define_logging_options",
    "enable_pretty_logging",
    "options",
    "parse_command_line",
    "parse_config_file",
    "print_help",
]

_FLAG_WIDTH = 30  # columns of the help for flags; descriptions begin behind them
_HELP_WIDTH = 79


class _UsageError(Error, SystemExit):
    """What is wrong with a command line or a configuration file.

    It's an ordinary `Error` for who catches it. Caught by nobody, it's the end of the program that
    `sys.exit` with a message is.
    """

    def __init__(self, message: str, program: str) -> None:
        super().__init__(message)
        self.code = f"{program}: {message}"


class OptionParser:
    """A set of options. There is one for everybody, `options`; programs may make others.

    Options are its attributes and its items.
    """

    _options: dict[str, Option]
    _parse_callbacks: list[Callable[[], None]]

    def __init__(self) -> None:
        self.__dict__["_options"] = {}
        self.__dict__["_parse_callbacks"] = []
        self.define(
            "help", type=bool, help="show this help and exit", group="", callback=self._show_help
        )

    def _find(self, name: str) -> Option | None:
        # Copies and unpickled objects are asked for attributes before they have their options.
        options: dict[str, Option] = self.__dict__.get("_options", {})
        return options.get(_key(name))

    def _require(self, name: str) -> Option:
        option = self._find(name)
        if option is None:
            raise AttributeError(f"no option {name!r} is defined")
        return option

    def __getattr__(self, name: str) -> Any:
        return self._require(name).value

    def __setattr__(self, name: str, value: Any) -> None:
        self._require(name).set(value)

    def __getitem__(self, name: str) -> Any:
        return self._require(name).value

    def __setitem__(self, name: str, value: Any) -> None:
        self._require(name).set(value)

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (option.name for option in self._options.values())

    def items(self) -> list[tuple[str, Any]]:
        """Return names and values.

        .. versionadded:: 3.1
        """
        return [(option.name, option.value) for option in self._options.values()]

    def groups(self) -> set[str]:
        """Return the names of the groups.

        .. versionadded:: 3.1
        """
        return {option.group_name for option in self._options.values()}

    def group_dict(self, group: str) -> dict[str, Any]:
        """Return names and values of a group; of all options for an empty name.

        A web application may get its settings from one:

        .. code-block:: python

           define("template_path", group="application")
           define("static_path", group="application")

           parse_command_line()
           application = Application(handlers, **options.group_dict("application"))

        :arg group: name of the group.

        .. versionadded:: 3.1
        """
        return {
            option.name: option.value
            for option in self._options.values()
            if not group or option.group_name == group
        }

    def as_dict(self) -> dict[str, Any]:
        """Return names and values.

        .. versionadded:: 3.1
        """
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

        A callback can read a configuration file before the rest of the command line, which then
        counts for more:

        .. code-block:: python

           define("config", callback=lambda path: parse_config_file(path, final=False))

        Text is a `bool` if it's ``true``, ``t``, ``1``, ``yes``, ``y`` or ``on``, or the opposite
        of one of them; a `~datetime.datetime` in forms such as ``2013-01-27 18:43``, with or
        without seconds, day or time alone; a `~datetime.timedelta` as a sum of amounts such as
        ``1h30m``: ``w``, ``d``, ``h``, ``m``, ``s``, ``ms`` and ``us`` are the units, and amounts
        without one are seconds.

        :arg name: its name, unique in the program.
        :arg default: its value if nothing sets it.
        :arg type: `str`, `int`, `float`, `bool`, `~datetime.datetime`, `~datetime.timedelta`, or
            what else makes a value of text; the type of ``default`` if not given.
        :arg help: a description.
        :arg metavar: what stands for the value in the help.
        :arg multiple: the value is a list, whatever the default is; on the command line it's
            separated by commas, and ``x:y`` is a range of integers, both included.
        :arg group: group in the help; the defining file's name if not given.
        :arg callback: called with the value when it has been set.
        :raises Error: it's defined already, or the command line couldn't have such a name, or
            ``type`` makes nothing of text, or ``default`` is what ``type`` should be.
        """
        _check_definition(name, default, type)
        known = self._find(name)
        if known is not None:
            raise Error(f"{known.flag} is defined in {known.file_name} already")
        file_name = _file_of_caller()
        self._options[_key(name)] = Option(
            name,
            default,
            _type_of(default, multiple) if type is None else type,
            help_text=help,
            metavar=metavar,
            multiple=multiple,
            file_name=file_name,
            group_name=file_name if group is None else group,
            callback=callback,
        )

    def parse_command_line(self, args: list[str] | None = None, final: bool = True) -> list[str]:
        """Set options from ``--name=value`` arguments; ``--name`` alone is true for boolean
        options.

        :arg args: arguments, the program's name first; `sys.argv` if not given.
        :arg final: run the callbacks of `add_parse_callback`.
        :returns: the arguments from the first on that is no option, or after ``--``.
        :raises Error: an option is unknown or has a wrong value. It's also a `SystemExit`: a
            program that doesn't catch it ends with the message and status 1.
        """
        if args is None:
            args = sys.argv
        if isinstance(args, str):
            raise TypeError("a list of arguments is needed, not one text")
        try:
            remaining = self._parse_arguments(args[1:])
            if final:
                self.run_parse_callbacks()
        except Error as error:
            # An error of another class, from a callback, may have a meaning for the program.
            if error.__class__ not in (Error, _UsageError):
                raise
            raise _UsageError(str(error), _program_name(args)) from error
        return remaining

    def _parse_arguments(self, arguments: list[str]) -> list[str]:
        for number, argument in enumerate(arguments):
            if argument == "--":
                return arguments[number + 1 :]
            if not argument.startswith("-") or argument == "-":
                return arguments[number:]
            flag, equals, value = argument.partition("=")
            option = self._find(flag.lstrip("-"))
            if option is None:
                raise Error(f"there is no option {flag}; {self._advice(flag.lstrip('-'))}")
            if not equals and option.type is not bool:
                raise Error(f"{option.flag} needs a value: {option.flag}={_placeholder(option)}")
            _take(option, value if equals else "true", is_text=True)
        return []

    def _advice(self, name: str) -> str:
        """Say what might be meant by a name that isn't any option's."""
        from difflib import get_close_matches

        key = _key(name)
        switch = self._find(key.removeprefix("no").removeprefix("-"))
        if key.startswith("no") and switch is not None and switch.type is bool:
            return f"is {switch.flag}=false meant?"
        similar = get_close_matches(key, self._options, n=1)
        return f"is --{similar[0]} meant?" if similar else "--help lists what there is"

    def parse_config_file(self, path: str, final: bool = True) -> None:
        """Set options from the global names of a Python file, UTF-8.

        Text is parsed like on the command line if the option isn't text itself. Names that are no
        options are left alone, and so are modules that the file imports. ``__file__`` is the
        file's absolute path.

        :arg path: the file. It's run, so it has to be as trustworthy as the program.
        :arg final: run the callbacks of `add_parse_callback`.
        :raises Error: a value is wrong, or the file is no Python, or it uses a name that it
            doesn't have. It's also a `SystemExit`, as that of `parse_command_line` is, unless an
            event loop is running: a server that reads its file anew goes on.
        :raises OSError: the file can't be read.

        .. versionchanged:: 4.4
           ``__file__`` is there.
        """
        from tornado._option_file import ConfigFile  # many programs have none

        try:
            self._take_from(ConfigFile(path))
        except Error as error:
            raise _error_in_file(error) from error
        if final:
            self.run_parse_callbacks()

    def _take_from(self, file: ConfigFile) -> None:
        for name, value in file.items():
            option = self._find(name)
            if option is None or isinstance(value, ModuleType):
                continue
            is_text = isinstance(value, str) and (option.multiple or option.type is not str)
            try:
                _take(option, value, is_text=is_text)
            except Error as error:
                if error.__class__ not in (Error, _UsageError):
                    raise
                # In the file it's no flag.
                message = str(error).replace(f"{option.flag}: ", f"{name}: ", 1)
                raise Error(f"{file.place_of(name)}: {message}") from error

    def print_help(self, file: TextIO | None = None) -> None:
        """Print all options with their descriptions, by group.

        :arg file: where to; the standard error stream if not given.
        """
        out = sys.stderr if file is None else file
        groups: dict[str, list[Option]] = {}
        for option in self._options.values():
            groups.setdefault(option.group_name, []).append(option)
        lines = [f"Usage: {_program_name(sys.argv)} [OPTIONS]", "", "Options:", ""]
        for group in sorted(groups):
            if group:
                lines += ["", f"{os.path.normpath(group)} options:", ""]
            for option in sorted(groups[group], key=lambda option: option.name):
                lines += _help_lines(option)
        out.write("\n".join(lines) + "\n\n")

    def _show_help(self, value: bool) -> None:
        if value:
            self.print_help()
            sys.exit(0)

    def add_parse_callback(self, callback: Callable[[], None]) -> None:
        """Have a function called when options have been parsed.

        :arg callback: called without arguments, in the order in which they were added, after each
            parsing that is final.
        """
        self._parse_callbacks.append(callback)

    def run_parse_callbacks(self) -> None:
        """Call the functions of `add_parse_callback`; parsing does that if it's final."""
        for callback in list(self._parse_callbacks):
            callback()

    def mockable(self) -> _Mockable:
        """Return an object for ``unittest.mock.patch.object``, which can't work on this one.

        .. code-block:: python

           with mock.patch.object(options.mockable(), "port", 80):
               assert options.port == 80
        """
        return _Mockable(self)


class _Mockable:
    """The options as attributes that can be deleted to get their old values back."""

    def __init__(self, options: OptionParser) -> None:
        self.__dict__["_options"] = options
        self.__dict__["_originals"] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_options"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        originals = self.__dict__["_originals"]
        if name in originals:
            raise AttributeError(f"the option {name!r} has another value for a while already")
        original = getattr(self, name)
        setattr(self.__dict__["_options"], name, value)
        originals[name] = original

    def __delattr__(self, name: str) -> None:
        setattr(self.__dict__["_options"], name, self.__dict__["_originals"].pop(name))


def _key(name: str) -> str:
    return name.replace("_", "-")


def _check_definition(name: Any, default: Any, type_: Any) -> None:
    """Refuse what could only surprise later."""
    if not isinstance(name, str) or not name or name.startswith("-") or "=" in name:
        raise Error(f"{name!r} can't be the name of an option: --NAME=VALUE would not mean it")
    if type_ is None and isinstance(default, type):
        raise Error(f"{default!r} can't be the default of {name!r}: is it meant to be the type?")
    if type_ is not None and not callable(type_):
        raise Error(f"{type_!r} can't be the type of {name!r}: something to call is needed")


def _type_of(default: Any, multiple: bool) -> type:
    if multiple and isinstance(default, (list, tuple)):
        default = default[0] if default else None
    return str if default is None else default.__class__


def _file_of_caller() -> str:
    """Return the file that called ``define``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename


def _take(option: Option, value: Any, *, is_text: bool) -> None:
    """Set an option to what the program's user wants.

    :raises Error: it can't have that value, or the value is a file that the option's callback can't
        open.
    """
    try:
        if is_text:
            option.parse(value)
        else:
            option.set(value)
    except OSError as error:
        if error.filename is None or error.filename != value:
            raise
        raise Error(f"{option.flag}: {value!r} can't be opened: {error.strerror}") from error


def _error_in_file(error: Error) -> Error:
    """Return the error that a program gets for one in a configuration file."""
    # What nobody has imported doesn't run.
    events = sys.modules.get("asyncio.events")
    if error.__class__ is not Error or (events is not None and events._get_running_loop()):
        return error
    return _UsageError(str(error), _program_name(sys.argv))


def _program_name(args: list[str]) -> str:
    path = args[0] if args else ""
    folder, name = os.path.split(path)
    # What python -m runs is called by its package.
    return os.path.basename(folder) if name == "__main__.py" else name


def _placeholder(option: Option) -> str:
    return option.metavar or getattr(option.type, "__name__", "value").upper()


def _help_lines(option: Option) -> list[str]:
    flag = f"{option.flag}={option.metavar}" if option.metavar else option.flag
    description = option.help or ""
    if option.default not in (None, "", []):
        description += f" (default {option.default})"
    indent = " " * (_FLAG_WIDTH + 4)
    text = textwrap.wrap(description.strip(), _HELP_WIDTH - len(indent)) or [""]
    if len(flag) > _FLAG_WIDTH:
        return [f"  {flag}", *(indent + line for line in text if line)]
    first = f"  {flag:<{_FLAG_WIDTH}}  {text[0]}".rstrip()
    return [first, *(indent + line for line in text[1:])]


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


define_logging_options(options)
