"""Loggers of the framework, and a format for what is logged.

``tornado.access`` logs requests, ``tornado.application`` errors of applications,
``tornado.general`` everything else. `enable_pretty_logging`
sets the program's logging up; parsing the command line with `tornado.options` does it too.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, ClassVar

from tornado.escape import to_unicode

access_log = logging.getLogger("tornado.access")
app_log = logging.getLogger("tornado.application")
gen_log = logging.getLogger("tornado.general")


class LogFormatter(logging.Formatter):
    """Formats records with a short prefix, coloured on terminals, and each line of a record
    indented.

    :arg fmt: format; ``%(color)s`` and ``%(end_color)s`` enclose what is coloured.
    :arg datefmt: format of the time.
    :arg style: as for `logging.Formatter`.
    :arg color: use colours, if the standard error stream is a terminal that has them.
    :arg colors: colour numbers by level.
    """

    DEFAULT_FORMAT = (
        "%(color)s[%(levelname)1.1s %(asctime)s %(module)s:%(lineno)d]%(end_color)s %(message)s"
    )
    DEFAULT_DATE_FORMAT = "%y%m%d %H:%M:%S"
    DEFAULT_COLORS: ClassVar[dict[int, int]] = {
        logging.DEBUG: 4,
        logging.INFO: 2,
        logging.WARNING: 3,
        logging.ERROR: 1,
        logging.CRITICAL: 5,
    }

    def __init__(
        self,
        fmt: str = DEFAULT_FORMAT,
        datefmt: str = DEFAULT_DATE_FORMAT,
        style: str = "%",
        color: bool = True,
        colors: dict[int, int] = DEFAULT_COLORS,
    ) -> None:
        super().__init__(datefmt=datefmt)
        self._fmt = fmt
        self._colors: dict[int, str] = {}
        self._normal = ""
        if color and _terminal_has_colors():
            self._colors = {level: f"\033[2;3{code}m" for level, code in colors.items()}
            self._normal = "\033[0m"

    def format(self, record: Any) -> str:
        """Return a record as text; a message that can't be formatted is shown as what it is."""
        try:
            message = record.getMessage()
            if not isinstance(message, str):
                raise TypeError(f"the message is no text: {message!r}")
            record.message = _safe(message)
        except Exception as error:
            record.message = f"Bad message ({error!r}): {record.__dict__!r}"
        record.asctime = self.formatTime(record, self.datefmt)
        record.color = self._colors.get(record.levelno, "")
        record.end_color = self._normal if record.color else ""
        text: str = (self._fmt or "") % record.__dict__
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            text = text.rstrip() + "\n" + record.exc_text
        return text.replace("\n", "\n    ")


def _safe(message: str) -> str:
    try:
        return to_unicode(message)
    except UnicodeDecodeError:
        return repr(message)


def _terminal_has_colors() -> bool:
    stream = sys.stderr
    if not hasattr(stream, "isatty") or not stream.isatty():
        return False
    try:
        import curses

        curses.setupterm()
        return int(curses.tigetnum("colors")) > 0
    except Exception:
        # Without a terminal description: on Windows colorama, if it's in use, understands the
        # codes.
        colorama = sys.modules.get("colorama")
        return colorama is not None and stream is getattr(
            getattr(colorama, "initialise", None), "wrapped_stderr", None
        )


def enable_pretty_logging(options: Any = None, logger: logging.Logger | None = None) -> None:
    """Set logging up as options say.

    :arg options: an `~tornado.options.OptionParser` with the options of `define_logging_options`;
        the program's by default.
    :arg logger: what to set up; the root logger by default.
    """
    if options is None:
        from tornado.options import options
    if options.logging is None or options.logging.lower() == "none":
        return
    logger = logger or logging.getLogger()
    logger.setLevel(getattr(logging, options.logging.upper()))
    if options.log_file_prefix:
        handler = _rotating_handler(options)
        handler.setFormatter(LogFormatter(color=False))
        logger.addHandler(handler)
    if options.log_to_stderr or (options.log_to_stderr is None and not logger.handlers):
        channel = logging.StreamHandler()
        channel.setFormatter(LogFormatter())
        logger.addHandler(channel)


def _rotating_handler(options: Any) -> logging.Handler:
    from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler

    mode = options.log_rotate_mode
    if mode == "size":
        return RotatingFileHandler(
            filename=options.log_file_prefix,
            maxBytes=options.log_file_max_size,
            backupCount=options.log_file_num_backups,
            encoding="utf-8",
        )
    if mode == "time":
        return TimedRotatingFileHandler(
            filename=options.log_file_prefix,
            when=options.log_rotate_when,
            interval=options.log_rotate_interval,
            backupCount=options.log_file_num_backups,
            encoding="utf-8",
        )
    raise ValueError(f'log_rotate_mode should be "size" or "time", not {mode!r}')


def define_logging_options(options: Any = None) -> None:
    """Define the options of logging; the program's `~tornado.options.options` have them already.

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
    options.add_parse_callback(lambda: enable_pretty_logging(options))
