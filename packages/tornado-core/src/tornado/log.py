"""Loggers of the framework, and a format for what is logged.

``tornado.access`` logs requests, ``tornado.application`` errors of applications,
``tornado.general`` everything else. `enable_pretty_logging`
sets the program's logging up; parsing the command line with `tornado.options` does it too.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tornado._late import LateModule, late_regex

if TYPE_CHECKING:
    from tornado import _option
else:
    _option = LateModule("tornado._option")

access_log = logging.getLogger("tornado.access")
app_log = logging.getLogger("tornado.application")
gen_log = logging.getLogger("tornado.general")

_LEVELS = ("debug", "info", "warning", "error", "critical")  # logging has more names for them
_TIME_UNIT = late_regex("[SMHD]|W[0-6]|MIDNIGHT", re.IGNORECASE)
_RESET = "\033[0m"
_DEFAULT_FORMAT = (
    "%(color)s[%(levelname)1.1s %(asctime)s %(module)s:%(lineno)d]%(end_color)s %(message)s"
)
_DEFAULT_DATE_FORMAT = "%y%m%d %H:%M:%S"
_DEFAULT_COLORS = {
    logging.DEBUG: 4,
    logging.INFO: 2,
    logging.WARNING: 3,
    logging.ERROR: 1,
    logging.CRITICAL: 5,
}

_STDERR = "the standard error stream"

# Where the handlers that enable_pretty_logging made write to.
_installed: weakref.WeakKeyDictionary[logging.Handler, str] = weakref.WeakKeyDictionary()


class LogFormatter(logging.Formatter):
    """Formats records with a short prefix, coloured on terminals, and all lines of a record but
    the first indented.

    Programs that configure `logging` by a dictionary can name it as the class of a formatter.

    :arg fmt: format; ``%(color)s`` and ``%(end_color)s`` enclose what is coloured.
    :arg datefmt: format of the time.
    :arg style: as for `logging.Formatter`: ``%``, ``{`` or ``$``.
    :arg color: use colours, if the standard error stream is a terminal that has them. The
        environment variable ``NO_COLOR`` says that none are wanted.
    :arg colors: colour numbers by level; up to 7 they are those of all terminals, up to 15 the
        bright ones, up to 255 those of terminals that have as many.
    :raises ValueError: the format isn't of that style.

    The order of API versions before 5.0, ``color``, ``fmt``, ``datefmt``, ``colors``, is understood
    as well.

    .. versionchanged:: 3.2
       Added ``fmt`` and ``datefmt``.
    """

    DEFAULT_FORMAT: ClassVar[str] = _DEFAULT_FORMAT
    DEFAULT_DATE_FORMAT: ClassVar[str] = _DEFAULT_DATE_FORMAT
    DEFAULT_COLORS: ClassVar[dict[int, int]] = _DEFAULT_COLORS

    def __init__(
        self,
        fmt: str | bool | None = _DEFAULT_FORMAT,
        datefmt: str | None = _DEFAULT_DATE_FORMAT,
        style: Literal["%", "{", "$"] = "%",
        color: bool = True,
        colors: Mapping[int, int] = _DEFAULT_COLORS,
    ) -> None:
        if isinstance(fmt, bool):
            fmt, datefmt, style, color, colors = _arguments_of_version_4(
                fmt, datefmt, style, color, colors
            )
        # logging.config passes None for what its dictionary doesn't mention.
        super().__init__(fmt or self.DEFAULT_FORMAT, datefmt or self.DEFAULT_DATE_FORMAT, style)
        self._colors: dict[int, str] = {}
        if color and _terminal_has_colors():
            self._colors = {level: _color_code(number) for level, number in colors.items()}

    def format(self, record: Any) -> str:
        """Return a record as text; a message that can't be formatted is shown with its
        arguments."""
        record.message = _message_of(record)
        record.asctime = self.formatTime(record, self.datefmt)
        record.color = self._colors.get(record.levelno, "")
        record.end_color = _RESET if record.color else ""
        text = self.formatMessage(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            text = f"{text.rstrip()}\n{record.exc_text}"
        if record.stack_info:
            text = f"{text.rstrip()}\n{self.formatStack(record.stack_info)}"
        # No record may look like two, nor a line like what it isn't.
        return text.replace("\r", "\\r").replace("\n", "\n    ")


def _arguments_of_version_4(
    color: bool, second: Any, third: Any, fourth: Any, colors: Any
) -> tuple[str | None, str | None, Literal["%"], bool, Mapping[int, int]]:
    """Return today's arguments for those of a time when they were ``color``, ``fmt``, ``datefmt``
    and ``colors``, in this order.

    The second may also be a ``datefmt`` that was passed by its name.
    """
    if isinstance(fourth, Mapping):
        colors = fourth
    if second is not None and "%(" not in second:
        return None, second, "%", color, colors
    return second, None if third == "%" else third, "%", color, colors


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        # Whatever it is that went wrong in the caller's objects: what was to be said is logged.
        kind, message, args = map(_described, (error, record.msg, record.args))
        return f"Bad message ({kind}): {message} with the arguments {args}"


def _described(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"


def _color_code(number: int) -> str:
    if number < 8:
        return f"\033[3{number}m"
    if number < 16:
        return f"\033[9{number - 8}m"
    return f"\033[38;5;{number}m"


def _terminal_has_colors() -> bool:
    stream = sys.stderr
    if stream is None or not hasattr(stream, "isatty") or not stream.isatty():
        return False
    if os.environ.get("NO_COLOR"):
        return False
    if sys.platform == "win32":
        return _colorama_serves(stream)
    return os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def _colorama_serves(stream: Any) -> bool:
    """Tell whether colorama was set up; then consoles of Windows understand the codes."""
    state = sys.modules.get("colorama.initialise")
    if state is None:
        return False
    return stream is getattr(state, "wrapped_stderr", None) or bool(
        getattr(state, "fixed_windows_console", False)
    )


def enable_pretty_logging(options: Any = None, logger: logging.Logger | None = None) -> None:
    """Set logging up as options say.

    A later call for a logger replaces what an earlier one set up for the same file, or for the
    standard error stream; other handlers stay.

    :arg options: an `~tornado.options.OptionParser` with the options of `define_logging_options`;
        the program's by default.
    :arg logger: what to set up; the root logger by default.
    :raises ~tornado.options.Error: an option has a value that it can't have; nothing is changed.
    :raises OSError: the log file can't be opened.
    """
    if options is None:
        from tornado.options import options
    level = (options.logging or "none").upper()
    if level == "NONE":
        return
    if level not in logging.getLevelNamesMapping():
        choice = ", ".join(_LEVELS)
        raise _option.Error(f"--logging: {choice} or none is needed, not {options.logging!r}")
    logger = logger or logging.getLogger()
    path = options.log_file_prefix
    file_handler = _file_handler(options) if path else None
    logger.setLevel(level)
    if file_handler is not None:
        _install(logger, file_handler, LogFormatter(color=False), os.path.abspath(path))
    if options.log_to_stderr or (options.log_to_stderr is None and not logger.handlers):
        _install(logger, logging.StreamHandler(), LogFormatter(), _STDERR)


def _install(
    logger: logging.Logger, handler: logging.Handler, formatter: LogFormatter, target: str
) -> None:
    for earlier in list(logger.handlers):
        if _installed.get(earlier) == target:
            logger.removeHandler(earlier)
            earlier.close()
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    _installed[handler] = target


def _file_handler(options: Any) -> logging.Handler:
    """Open the log file, once it's sure that all that was said about it makes sense."""
    from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler

    mode, when = options.log_rotate_mode, options.log_rotate_when
    if mode not in ("size", "time"):
        raise _option.Error(f"--log-rotate-mode: size or time is needed, not {mode!r}")
    # A log line with half of a surrogate pair is better than none.
    encoding, errors = "utf-8", "backslashreplace"
    if mode == "size":
        return RotatingFileHandler(
            options.log_file_prefix,
            maxBytes=options.log_file_max_size,
            backupCount=options.log_file_num_backups,
            encoding=encoding,
            errors=errors,
        )
    if not _TIME_UNIT.fullmatch(when):
        raise _option.Error(
            f"--log-rotate-when: S, M, H, D, W0 to W6 or midnight is needed, not {when!r}"
        )
    if options.log_rotate_interval < 1:
        number = options.log_rotate_interval
        raise _option.Error(f"--log-rotate-interval: a number above 0 is needed, not {number}")
    return TimedRotatingFileHandler(
        options.log_file_prefix,
        when=when,
        interval=options.log_rotate_interval,
        backupCount=options.log_file_num_backups,
        encoding=encoding,
        errors=errors,
    )


def define_logging_options(options: Any = None) -> None:
    """Define the options of logging; the program's `~tornado.options.options` have them already.

    When the options have been parsed, `enable_pretty_logging` sets logging up as they say.

    :arg options: where; the program's options by default.
    """
    if options is None:
        from tornado.options import options
    options.define(
        "logging",
        default="info",
        metavar="debug|info|warning|error|none",
        help="what to log at least; none leaves logging alone",
    )
    options.define(
        "log_to_stderr",
        type=bool,
        default=None,
        help="log to the standard error stream; by default if nothing else is set up",
    )
    options.define(
        "log_file_prefix",
        type=str,
        default=None,
        metavar="PATH",
        help="file to log to; several processes need one each",
    )
    options.define(
        "log_file_max_size",
        type=int,
        default=100 * 1000 * 1000,
        help="size in bytes at which a log file is rotated",
    )
    options.define(
        "log_file_num_backups", type=int, default=10, help="number of old log files to keep"
    )
    options.define(
        "log_rotate_when",
        type=str,
        default="midnight",
        help="unit of time for rotation: S, M, H, D, W0 to W6 or midnight",
    )
    options.define(
        "log_rotate_interval", type=int, default=1, help="units of time between rotations"
    )
    options.define("log_rotate_mode", type=str, default="size", help="rotate by size or by time")
    options.add_parse_callback(lambda: _set_up_as_parsed(options))


def _set_up_as_parsed(options: Any) -> None:
    try:
        enable_pretty_logging(options)
    except OSError as error:
        path = options.log_file_prefix
        message = f"--log-file-prefix: {path!r} can't be opened: {error.strerror}"
        raise _option.Error(message) from error
