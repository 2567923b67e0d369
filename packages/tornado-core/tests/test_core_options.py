"""Options and logging (OPT statements)."""

import datetime
import io
import logging
import subprocess
import sys

import pytest

from tornado.log import LogFormatter, define_logging_options, enable_pretty_logging
from tornado.options import Error, OptionParser


@pytest.fixture
def options():
    parser = OptionParser()
    parser.define("port", default=80, help="port to listen on", group="server")
    parser.define("name", type=str, metavar="NAME")
    parser.define("ratio", default=0.5)
    parser.define("debug", default=False)
    parser.define("when", type=datetime.datetime)
    parser.define("wait", type=datetime.timedelta)
    parser.define("ids", type=int, multiple=True)
    return parser


def test_opt_1_a_name_can_be_defined_once(options):
    with pytest.raises(Error, match="already defined"):
        options.define("port")


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("--port=8080", "port", 8080),
        ("-port=8080", "port", 8080),
        ("--name=a=b", "name", "a=b"),
        ("--ratio=1e3", "ratio", 1000.0),
        ("--debug", "debug", True),
        ("--debug=false", "debug", False),
        ("--when=2013-01-27 18:43", "when", datetime.datetime(2013, 1, 27, 18, 43)),
        ("--wait=1h30m", "wait", datetime.timedelta(hours=1.5)),
        ("--wait=1.5", "wait", datetime.timedelta(seconds=1.5)),
        ("--ids=1,5:7", "ids", [1, 5, 6, 7]),
    ],
)
def test_opt_2_3_5_values_have_types(options, argument, name, value):
    assert options.parse_command_line(["program", argument, "rest", "--more"]) == ["rest", "--more"]
    assert getattr(options, name) == value
    assert options[name] == value


def test_opt_4_a_list_is_replaced_not_extended(options, tmp_path):
    config = tmp_path / "config.py"
    config.write_text("ids = [1, 2]\nport = '81'\nname = 'h\u00e9'\nother = 3\n", encoding="utf-8")
    options.parse_config_file(str(config))
    assert (options.ids, options.port, options.name) == ([1, 2], 81, "h\u00e9")
    options.parse_command_line(["program", "--ids=9"])
    assert options.ids == [9]


@pytest.mark.parametrize(
    "argument", ["--unknown=1", "--port=x", "--name", "--when=yesterday", "--wait=3 moons"]
)
def test_opt_8_wrong_arguments_raise_an_error_that_names_them(options, argument):
    with pytest.raises(Error):
        options.parse_command_line(["program", argument])


@pytest.mark.parametrize(("argument", "said"), [("--bogus=1", "bogus"), ("--n=x", "'x' is no int")])
def test_wrong_arguments_of_a_program_are_told_in_one_line(argument, said):
    code = "from tornado.options import define, parse_command_line\ndefine('n', type=int)\nparse_command_line()"
    run = subprocess.run(
        [sys.executable, "-c", code, argument], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert said in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_opt_9_attributes_items_and_assignment(options):
    options.port = 1
    options["name"] = "x"
    assert (options["port"], options.name) == (1, "x")
    assert "port" in options
    assert "nosuch" not in options
    with pytest.raises(Error, match="required to be"):
        options.port = "text"
    with pytest.raises(AttributeError):
        _ = options.nosuch
    assert options.group_dict("server") == {"port": 1}


def test_opt_10_help_lists_options_by_group(options):
    out = io.StringIO()
    options.print_help(out)
    text = out.getvalue()
    assert "server options" in text
    assert "--port" in text
    assert "port to listen on (default 80)" in text
    assert "--name=NAME" in text


def test_callbacks_run_when_options_are_parsed(options):
    seen = []
    options.define("level", default="a", callback=lambda value: seen.append(value))
    options.add_parse_callback(lambda: seen.append("done"))
    options.parse_command_line(["program", "--level=b"])
    assert seen == ["b", "done"]


def test_mockable_gives_old_values_back(options):
    mock = options.mockable()
    mock.port = 5
    assert options.port == 5
    del mock.port
    assert options.port == 80


def test_opt_6_logging_options_set_a_logger_up(tmp_path):
    parser = OptionParser()
    define_logging_options(parser)
    parser.parse_command_line(
        ["program", "--logging=none", f"--log_file_prefix={tmp_path / 'log'}"], final=False
    )
    parser.logging = "debug"
    logger = logging.getLogger("test.opt.6")
    logger.propagate = False
    enable_pretty_logging(options=parser, logger=logger)
    try:
        logger.info("h\u00e9llo\nsecond line")
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers.clear()
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert text.startswith("[I ")
    assert "h\u00e9llo\n    second line" in text


def test_opt_11_formatter_survives_messages_that_are_wrong():
    formatter = LogFormatter(color=False)
    record = logging.LogRecord("x", logging.ERROR, "file.py", 3, "%d", ("text",), None)
    assert "Bad message" in formatter.format(record)
