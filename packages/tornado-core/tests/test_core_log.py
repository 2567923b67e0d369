"""Logging: the formatter, and the setup by options (OPT-6, OPT-11)."""

import io
import logging
import logging.config
import os
import re
import subprocess
import sys
import types
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler

import pytest

from tornado import log
from tornado.log import LogFormatter, define_logging_options, enable_pretty_logging
from tornado.options import Error, OptionParser


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """What the module takes for `sys`; pytest has `sys.stderr` for itself."""
    system = types.SimpleNamespace(stderr=Terminal(), platform="linux", modules={})
    monkeypatch.setattr(log, "sys", system)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return system


def record(message="hello", args=(), level=logging.WARNING, exc_info=None, stack=None):
    return logging.LogRecord(
        "name", level, "/path/module.py", 7, message, args, exc_info, sinfo=stack
    )


def text_of(*args, **kwargs):
    return LogFormatter(color=False).format(record(*args, **kwargs))


# The format


def test_loggers_have_the_documented_names():
    assert log.access_log.name == "tornado.access"
    assert log.app_log.name == "tornado.application"
    assert log.gen_log.name == "tornado.general"


def test_a_line_begins_with_level_time_and_place():
    assert re.fullmatch(r"\[W \d{6} \d\d:\d\d:\d\d module:7\] hello", text_of())


@pytest.mark.parametrize(
    ("message", "args", "text"),
    [
        ("%s and %d", ("h\u00e9", 3), "h\u00e9 and 3"),
        ("100%", (), "100%"),
        ("a\nb\n\nc", (), "a\n    b\n    \n    c"),
        (None, (), "None"),
        (b"\xff", (), "b'\\xff'"),
        ("%(a)s", ({"a": 1},), "1"),
    ],
)
def test_messages(message, args, text):
    assert text_of(message, args).partition("] ")[2] == text


@pytest.mark.parametrize(("message", "args"), [("%d", ("text",)), ("%s", (1, 2)), ("%q", (1,))])
def test_a_message_that_does_not_fit_its_arguments_is_shown_with_them(message, args):
    text = text_of(message, args)
    assert "Bad message (" in text
    assert "Error(" in text
    assert repr(message) in text
    assert repr(args) in text


def test_a_message_that_cannot_be_shown_at_all_is_still_a_line():
    class Broken:
        def __repr__(self):
            raise KeyError("gone")

        __str__ = __repr__

    assert "Broken whose repr raises KeyError" in text_of(Broken())
    assert "'%s'" in text_of("%s", (Broken(),))


def test_p13_no_message_looks_like_another_line():
    assert text_of("a\r[E] b\r\n[E] c").partition("] ")[2] == "a\\r[E] b\\r\n    [E] c"


def test_exceptions_and_stacks_are_indented():
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        text = text_of("failed\n", exc_info=sys.exc_info(), stack="Stack:\n  here")
    first, *others = text.split("\n")
    assert first.endswith("failed")
    assert others[0] == "    Traceback (most recent call last):"
    assert others[-4:] == ["    ValueError: first", "    second", "    Stack:", "      here"]
    assert all(line.startswith("    ") for line in others)


def test_pkg_5_a_decoding_error_is_reported_as_itself():
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        text = text_of("failed", exc_info=sys.exc_info())
    assert "UnicodeDecodeError" in text


@pytest.mark.parametrize(
    ("fmt", "style", "text"),
    [
        ("%(levelname)s %(message)s", "%", "WARNING hello"),
        ("{color}{levelname}{end_color} {message}", "{", "WARNING hello"),
        ("$levelname $message", "$", "WARNING hello"),
    ],
)
def test_formats_of_all_styles(fmt, style, text):
    assert LogFormatter(fmt, style=style).format(record()) == text


@pytest.mark.parametrize(
    ("args", "kwargs", "pattern"),
    [
        ((True,), {}, r"\[W \d{6} \S+ module:7\] hello"),
        ((False,), {}, r"\[W \d{6} \S+ module:7\] hello"),
        ((True, "%(message)s %(asctime)s"), {}, r"hello \d{6} \d\d:\d\d:\d\d"),
        ((True, "%(message)s %(asctime)s", "%Y"), {}, r"hello \d{4}"),
        ((True, None, "%Y"), {}, r"\[W \d{4} module:7\] hello"),
        ((True,), {"datefmt": "%Y"}, r"\[W \d{4} module:7\] hello"),
        ((), {"color": True, "fmt": "%(message)s", "datefmt": "%Y"}, "hello"),
        (("%(message)s %(asctime)s", "%Y", "%", False), {}, r"hello \d{4}"),
        (("{message}", None, "{"), {}, "hello"),
    ],
)
def test_arguments_may_come_in_the_order_of_either_era(args, kwargs, pattern):
    """Until version 5 the parameters were ``color``, ``fmt``, ``datefmt`` and ``colors``."""
    assert re.fullmatch(pattern, LogFormatter(*args, **kwargs).format(record()))


def test_colours_may_come_in_the_order_of_either_era(terminal):
    fmt, colors = "%(color)s%(message)s%(end_color)s", {logging.WARNING: 4}
    for args in (
        (True, fmt, None, colors),
        (fmt, None, "%", True, colors),
    ):
        assert LogFormatter(*args).format(record()) == "\033[34mhello\033[0m"
    assert LogFormatter(False, fmt, None, colors).format(record()) == "hello"


def test_a_format_of_another_style_is_refused():
    with pytest.raises(ValueError, match="format"):
        LogFormatter(style="{")


def test_dates_have_their_own_format():
    formatter = LogFormatter("%(asctime)s", "%Y")
    assert re.fullmatch(r"\d{4}", formatter.format(record()))


def test_the_formatter_can_be_configured_by_logging(capsys):
    name = "test.core.log.config"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"pretty": {"class": "tornado.log.LogFormatter"}},
            "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "pretty"}},
            "loggers": {name: {"handlers": ["out"], "propagate": False}},
        }
    )
    logging.getLogger(name).warning("configured")
    assert re.fullmatch(r"\[W .*\] configured\n", capsys.readouterr().err)


# Colours


@pytest.mark.parametrize(
    ("level", "code"),
    [
        (logging.DEBUG, "\033[34m"),
        (logging.INFO, "\033[32m"),
        (logging.WARNING, "\033[33m"),
        (logging.ERROR, "\033[31m"),
        (logging.CRITICAL, "\033[35m"),
    ],
)
def test_opt_11_prefixes_are_coloured_on_terminals(terminal, level, code):
    text = LogFormatter().format(record(level=level))
    assert text.startswith(f"{code}[")
    assert text.endswith("]\033[0m hello")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are terminals of its kind on Unix")
@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"TERM": "xterm-256color"}, "\033\\[33m\\[W .*\\]\033\\[0m a\r\n    b\r\n"),
        ({"TERM": "dumb"}, "\\[W .*\\] a\r\n    b\r\n"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "\\[W .*\\] a\r\n    b\r\n"),
    ],
)
def test_opt_11_a_program_on_a_real_terminal_has_colours(environment, line):
    program = """
import logging
from tornado.options import parse_command_line
parse_command_line()
logging.warning("a\\nb")
"""
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            stderr=theirs,
            env={key: value for key, value in os.environ.items() if key != "NO_COLOR"}
            | environment,
            timeout=60,
            check=True,
        )
        written = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert re.fullmatch(line, written)


def test_levels_without_a_colour_have_none(terminal):
    assert "\033" not in LogFormatter().format(record(level=25))


@pytest.mark.parametrize(
    ("number", "code"), [(7, "\033[37m"), (8, "\033[90m"), (15, "\033[97m"), (16, "\033[38;5;16m")]
)
def test_colours_can_be_chosen(terminal, number, code):
    text = LogFormatter(colors={logging.WARNING: number}).format(record())
    assert text.startswith(f"{code}[")


@pytest.mark.parametrize(
    ("name", "value"), [("TERM", "dumb"), ("TERM", ""), ("NO_COLOR", "1"), ("TERM", None)]
)
def test_the_environment_can_say_that_there_are_no_colours(terminal, monkeypatch, name, value):
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert "\033" not in LogFormatter().format(record())


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_there_are_no_colours_without_a_terminal(terminal, stream):
    terminal.stderr = stream
    assert "\033" not in LogFormatter().format(record())


def test_colours_can_be_declined(terminal):
    assert "\033" not in LogFormatter(color=False).format(record())


def test_windows_has_colours_where_colorama_is_in_use(terminal):
    terminal.platform = "win32"
    assert "\033" not in LogFormatter().format(record())
    state = types.SimpleNamespace(wrapped_stderr=None, fixed_windows_console=False)
    terminal.modules["colorama.initialise"] = state
    assert "\033" not in LogFormatter().format(record())
    state.wrapped_stderr = terminal.stderr
    assert "\033" in LogFormatter().format(record())
    state.wrapped_stderr = None
    state.fixed_windows_console = True
    assert "\033" in LogFormatter().format(record())


# The setup


@pytest.fixture
def options():
    parser = OptionParser()
    define_logging_options(parser)
    return parser


@pytest.fixture
def logger():
    logger = logging.Logger("test.core.log")
    yield logger
    for handler in logger.handlers:
        handler.close()


def test_opt_6_parsing_sets_the_root_logger_up():
    program = """
import logging
from tornado.options import parse_command_line
parse_command_line()
logging.debug("quiet")
logging.info("said")
"""
    command = [sys.executable, "-W", "error", "-c", program, "--logging=info"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert re.fullmatch(r"\[I .* <string>:6\] said\n", done.stderr)


def test_standard_error_is_the_default(options, logger, capsys):
    enable_pretty_logging(options, logger)
    assert logger.level == logging.INFO
    logger.info("said")
    assert capsys.readouterr().err.endswith("] said\n")


@pytest.mark.parametrize("level", [None, "none", "NONE"])
def test_none_leaves_logging_alone(options, logger, level):
    options.logging = level
    options.log_to_stderr = True
    enable_pretty_logging(options, logger)
    assert logger.handlers == []
    assert logger.level == logging.NOTSET


@pytest.mark.parametrize("level", ["debug", "WARNING", "error", "critical", "warn", "Fatal"])
def test_levels(options, logger, level):
    options.logging = level
    enable_pretty_logging(options, logger)
    assert logger.level == getattr(logging, level.upper())


def test_other_levels_are_an_error(options, logger):
    options.logging = "loud"
    with pytest.raises(Error, match="--logging: .*warning.* or none is needed, not 'loud'"):
        enable_pretty_logging(options, logger)
    assert logger.handlers == []


def kinds(logger):
    return [type(handler) for handler in logger.handlers]


@pytest.mark.parametrize(
    ("to_stderr", "others", "expected"),
    [
        (None, False, [RotatingFileHandler]),
        (True, False, [RotatingFileHandler, logging.StreamHandler]),
        (False, False, [RotatingFileHandler]),
        (True, True, [logging.NullHandler, RotatingFileHandler, logging.StreamHandler]),
    ],
)
def test_a_file_is_instead_of_standard_error_unless_said(
    options, logger, tmp_path, to_stderr, others, expected
):
    if others:
        logger.addHandler(logging.NullHandler())
    options.log_file_prefix = str(tmp_path / "log")
    options.log_to_stderr = to_stderr
    enable_pretty_logging(options, logger)
    assert kinds(logger) == expected


def test_other_handlers_are_enough_unless_said(options, logger):
    logger.addHandler(logging.NullHandler())
    enable_pretty_logging(options, logger)
    assert kinds(logger) == [logging.NullHandler]
    options.log_to_stderr = True
    enable_pretty_logging(options, logger)
    assert kinds(logger) == [logging.NullHandler, logging.StreamHandler]


def test_files_are_utf_8_without_colours(options, logger, tmp_path, terminal):
    path = tmp_path / "log"
    options.log_file_prefix = str(path)
    enable_pretty_logging(options, logger)
    logger.info("h\u00e9llo\nsecond line")
    logger.info("half of a pair: \ud800")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"\[I .*\] h\u00e9llo", lines[0])
    assert lines[1] == "    second line"
    assert lines[2].endswith(r"half of a pair: \ud800")


def test_files_rotate_by_size(options, logger, tmp_path):
    options.log_file_prefix = str(tmp_path / "log")
    options.log_file_max_size = 200
    options.log_file_num_backups = 2
    enable_pretty_logging(options, logger)
    for number in range(20):
        logger.info("%02d %s", number, "x" * 100)
    names = ["log", "log.1", "log.2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert ["19 x" in (tmp_path / name).read_text() for name in names] == [True, False, False]
    assert [" 18 " in (tmp_path / name).read_text() for name in names] == [False, True, False]


def test_files_rotate_by_time(options, logger, tmp_path):
    options.log_rotate_mode = "time"
    options.log_file_prefix = str(tmp_path / "log")
    options.log_rotate_when = "H"
    options.log_rotate_interval = 3
    enable_pretty_logging(options, logger)
    (handler,) = logger.handlers
    assert isinstance(handler, TimedRotatingFileHandler)
    assert handler.interval == 3 * 60 * 60
    assert handler.backupCount == 10
    logger.info("before")
    handler.rolloverAt = 0
    logger.info("after")
    assert "after" in (tmp_path / "log").read_text()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_rotate_mode", "moon"),
        ("log_rotate_when", "moon"),
        ("log_rotate_when", "W7"),
        ("log_rotate_interval", 0),
    ],
)
def test_other_ways_of_rotation_are_an_error(options, logger, tmp_path, name, value):
    options.log_rotate_mode = "time"
    options.log_file_prefix = str(tmp_path / "log")
    options[name] = value
    with pytest.raises(Error, match=f"--{name.replace('_', '-')}: .* is needed, not '?{value}"):
        enable_pretty_logging(options, logger)
    assert logger.handlers == []
    assert logger.level == logging.NOTSET


def test_a_file_that_cannot_be_opened_leaves_logging_alone(options, logger, tmp_path):
    options.log_file_prefix = str(tmp_path / "missing" / "log")
    with pytest.raises(FileNotFoundError):
        enable_pretty_logging(options, logger)
    assert logger.handlers == []


def test_opt_8_a_log_file_that_cannot_be_opened_is_told_to_the_user(options, logger, tmp_path):
    path = str(tmp_path / "missing" / "log")
    with pytest.raises(SystemExit) as caught:
        options.parse_command_line(["program", f"--log-file-prefix={path}"])
    assert caught.value.code == (
        f"program: --log-file-prefix: {path!r} can't be opened: No such file or directory"
    )


def test_opt_8_a_wrong_logging_option_of_a_command_line_is_told_in_one_line():
    program = "from tornado.options import parse_command_line; parse_command_line()"
    command = [sys.executable, "-W", "error", "-c", program, "--logging=loud"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "--logging: debug, info, " in line


def test_a_second_setup_replaces_the_first_and_nothing_else(options, logger, tmp_path):
    other = RotatingFileHandler(tmp_path / "another")
    logger.addHandler(other)
    options.log_to_stderr = True
    for name in ("log", "log", "other", "log"):
        options.log_file_prefix = str(tmp_path / name)
        enable_pretty_logging(options, logger)
    assert other in logger.handlers
    logger.info("once")
    assert len((tmp_path / "log").read_text().splitlines()) == 1
    assert len((tmp_path / "other").read_text().splitlines()) == 1
    assert kinds(logger).count(logging.StreamHandler) == 1


def test_options_of_logging_have_their_defaults(options):
    assert options.as_dict() == {
        "help": None,
        "logging": "info",
        "log_to_stderr": None,
        "log_file_prefix": None,
        "log_file_max_size": 100_000_000,
        "log_file_num_backups": 10,
        "log_rotate_when": "midnight",
        "log_rotate_interval": 1,
        "log_rotate_mode": "size",
    }
    assert set(options) <= set(tornado_options())
    assert log.__file__ in options.groups()


def tornado_options():
    from tornado.options import options

    return options
