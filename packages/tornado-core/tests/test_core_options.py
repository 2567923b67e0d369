"""Options of programs (OPT statements)."""

import asyncio
import copy
import datetime
import io
import itertools
import os
import pickle
import subprocess
import sys
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.options import Error, OptionParser

HOUR = datetime.timedelta(hours=1)
SECOND = datetime.timedelta(seconds=1)
AFTERNOON = datetime.datetime(2013, 1, 27, 18, 43)


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
    parser.define("log_names", multiple=True)
    return parser


def run(program, *arguments, status=0):
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize("name", ["port", "log_names", "log-names"])
def test_opt_1_a_name_can_be_defined_once(options, name):
    flag = name.replace("_", "-")
    with pytest.raises(Error, match=f"--{flag} is defined in .*test_core_options.py already"):
        options.define(name)


@pytest.mark.parametrize(
    ("default", "multiple", "text", "value"),
    [
        (None, False, "1", "1"),
        ("", False, "1", "1"),
        (0, False, "1", 1),
        (0.0, False, "1", 1.0),
        (False, False, "1", True),
        (HOUR, False, "1", SECOND),
        (AFTERNOON, False, "2013-01-27", AFTERNOON.replace(hour=0, minute=0)),
        (None, True, "1,2", ["1", "2"]),
        ([], True, "1", ["1"]),
        ([3], True, "1,2", [1, 2]),
        ((0.5,), True, "1", [1.0]),
    ],
)
def test_opt_2_the_default_gives_the_type(options, default, multiple, text, value):
    options.define("option", default=default, multiple=multiple)
    options.parse_command_line(["program", f"--option={text}"], final=False)
    assert options.option == value
    assert type(options.option) is type(value)


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("--port=8080", "port", 8080),
        ("-port=8080", "port", 8080),
        ("--name=a=b", "name", "a=b"),
        ("--name=", "name", ""),
        ("--name=h\u00e9", "name", "h\u00e9"),
        ("--ratio=1e3", "ratio", 1000.0),
        ("--debug", "debug", True),
        *((f"--debug={text}", "debug", True) for text in ("true", "1", "t", "yes", "on")),
        *((f"--debug={text}", "debug", True) for text in ("True", "TRUE", "Y", "2", "")),
        ("--debug=00", "debug", False),
        *((f"--debug={text}", "debug", False) for text in ("false", "F", "0", "no", "off")),
        ("--ids=1,5:7", "ids", [1, 5, 6, 7]),
        ("--ids=-2:0", "ids", [-2, -1, 0]),
        ("--ids=3:3,1", "ids", [3, 1]),
        ("--ids=3:1", "ids", []),
        ("--ids=4:", "ids", [4]),
        ("--log_names=a,b:c", "log_names", ["a", "b:c"]),
        ("--log-names=a", "log-names", ["a"]),
    ],
)
def test_opt_2_3_5_values_have_types(options, argument, name, value):
    assert options.parse_command_line(["program", argument, "rest", "--more"]) == ["rest", "--more"]
    assert getattr(options, name) == value
    assert options[name] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Sun Jan 27 18:43:23 2013", AFTERNOON.replace(second=23)),
        ("2013-01-27 18:43:23", AFTERNOON.replace(second=23)),
        ("2013-01-27 18:43", AFTERNOON),
        ("2013-01-27T18:43", AFTERNOON),
        ("2013-01-27T18:43:00", AFTERNOON),
        ("20130127 18:43:23", AFTERNOON.replace(second=23)),
        ("20130127 18:43", AFTERNOON),
        ("2013-01-27", AFTERNOON.replace(hour=0, minute=0)),
        ("20130127", AFTERNOON.replace(hour=0, minute=0)),
        ("18:43", datetime.datetime(1900, 1, 1, 18, 43)),
        ("18:43:23", datetime.datetime(1900, 1, 1, 18, 43, 23)),
    ],
)
def test_opt_2_dates_have_many_forms(options, text, value):
    options.parse_command_line(["program", f"--when={text}"])
    assert options.when == value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400),
        ("1.5", 1.5),
        ("-1s", -1),
        ("1h 3m", 3780),
        ("2 days, ".rstrip(", "), 172800),
        ("5w", 3024000),
        ("1d2h3min4sec5ms6us", 93784.005006),
        ("1 hour 1 Minute", 3660),
        (".5s", 0.5),
        ("1e3s", 1000),
        ("", 0),
    ],
)
def test_opt_2_durations_are_sums_of_amounts(options, text, seconds):
    options.parse_command_line(["program", f"--wait={text}"])
    assert options.wait == datetime.timedelta(seconds=seconds)


@given(st.timedeltas(), st.permutations(["days", "seconds", "us"]))
def test_opt_2_durations_in_any_order(value, order):
    parts = {"days": value.days, "seconds": value.seconds, "us": value.microseconds}
    parser = OptionParser()
    parser.define("wait", type=datetime.timedelta)
    text = " ".join(f"{parts[unit]}{unit}" for unit in order)
    parser.parse_command_line(["program", f"--wait={text}"])
    assert parser.wait == value


@given(st.lists(st.integers() | st.tuples(st.integers(-50, 50), st.integers(0, 9)), min_size=1))
def test_opt_3_numbers_and_ranges(items):
    parts, expected = [], []
    for item in items:
        low, length = item if isinstance(item, tuple) else (item, 0)
        parts.append(f"{low}:{low + length}" if isinstance(item, tuple) else str(item))
        expected += range(low, low + length + 1)
    parser = OptionParser()
    parser.define("ids", type=int, multiple=True)
    parser.parse_command_line(["program", "--ids=" + ",".join(parts)])
    assert parser.ids == expected


def test_types_of_ones_own(options):
    options.define("base", type=lambda text: int(text, 16))
    options.define("raw", type=bytes.fromhex, multiple=True)
    options.parse_command_line(["program", "--base=ff", "--raw=00,ff"])
    assert (options.base, options.raw) == (255, [b"\0", b"\xff"])
    with pytest.raises(Error, match=r"--base: .* is needed, not 'x' \(invalid literal"):
        options.parse_command_line(["program", "--base=x"])
    options.define("factor", type=lambda text: 1 / int(text))
    with pytest.raises(Error, match="--factor: .* is needed, not '0'$"):
        options.parse_command_line(["program", "--factor=0"])


def test_opt_3_a_range_has_a_million_numbers_at_most(options):
    options.parse_command_line(["program", "--ids=1:1000000"])
    assert len(options.ids) == 1_000_000


@pytest.mark.parametrize(
    ("default", "value"), [(None, []), ((1, 2), [1, 2]), ([3], [3]), (5, [5]), ("a,b", ["a,b"])]
)
def test_opt_3_the_value_is_always_a_list(options, default, value):
    options.define("several", default=default, multiple=True)
    assert options.several == value


def test_a_type_has_to_be_one_and_to_stand_in_its_place(options):
    for type_ in ("int", 5):
        with pytest.raises(Error, match="something to call is needed"):
            options.define("number", type=type_)
    with pytest.raises(Error, match="is it meant to be the type"):
        options.define("number", int)
    options.define("number", int, type=str)
    assert options.number is int


def test_a_command_line_is_a_list(options):
    with pytest.raises(TypeError, match="a list of arguments is needed"):
        options.parse_command_line("--port=81")


@pytest.mark.parametrize("name", ["", "-", "--port", "-p", "port=80", None, 3])
def test_names_that_no_command_line_can_have_are_refused(options, name):
    before = options.as_dict()
    with pytest.raises(Error, match="can't be the name of an option"):
        options.define(name)
    assert options.as_dict() == before


def test_opt_4_a_list_is_replaced_not_extended(options, tmp_path):
    config = tmp_path / "config.py"
    config.write_text("ids = [1, 2]")
    options.parse_config_file(str(config))
    assert options.ids == [1, 2]
    options.parse_command_line(["program", "--ids=9"])
    assert options.ids == [9]


@pytest.mark.parametrize(
    ("arguments", "remaining"),
    [
        ([], []),
        (["a", "--port=1"], ["a", "--port=1"]),
        (["--port=1", "a", "b"], ["a", "b"]),
        (["--port=1", "--", "--port=2"], ["--port=2"]),
        (["--port=1", "-", "a"], ["-", "a"]),
    ],
)
def test_opt_5_what_is_no_option_is_returned(options, arguments, remaining):
    assert options.parse_command_line(["--unknown", *arguments]) == remaining
    assert options.port == (1 if "--port=1" in arguments and arguments[0] != "a" else 80)


def test_opt_5_the_command_line_is_that_of_the_program():
    program = """
from tornado.options import define, options, parse_command_line
define("port", default=8888, help="run on the given port", type=int)
print(parse_command_line(), options.port)
"""
    assert run(program, "--port=1", "a").stdout == "['a'] 1\n"


# Configuration files


def test_opt_7_global_names_of_a_file_are_options(options, tmp_path):
    config = tmp_path / "config.py"
    config.write_text(
        """
import datetime, os as name
port = 40 + 1
ratio = 1
debug = "false"
when = datetime.datetime(2013, 1, 27)
wait = "1h"
ids = (1, 2)
log_names = "a,b"
other = 3
""",
        encoding="utf-8",
    )
    options.parse_config_file(config)
    assert options.as_dict() == {
        "help": None,
        "port": 41,
        "name": None,
        "ratio": 1.0,
        "debug": False,
        "when": datetime.datetime(2013, 1, 27),
        "wait": HOUR,
        "ids": [1, 2],
        "log_names": ["a", "b"],
    }
    assert type(options.ratio) is float


@pytest.mark.parametrize(
    "content",
    [
        "name = 'h\u00e9\u20ac'".encode(),
        "\ufeffname = 'h\u00e9\u20ac'".encode(),
        b"# coding: latin-1\nname = 'h\xe9' '\\u20ac'",
        b"name = 'h\\u00e9\\u20ac'\r\n",
    ],
)
def test_opt_7_files_are_utf_8_unless_they_say_otherwise(options, tmp_path, content):
    config = tmp_path / "config.py"
    config.write_bytes(content)
    options.parse_config_file(str(config))
    assert options.name == "h\u00e9\u20ac"


def test_opt_7_a_file_knows_where_it_is(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.py").write_text("name = __file__")
    options.parse_config_file("config.py")
    assert options.name == str(tmp_path / "config.py")


PROGRAM = """
from tornado.options import define, parse_command_line
define("n", type=int)
parse_command_line({})
"""


@pytest.mark.parametrize("line", ["port = 'x'", "port = [1]", "ids = 3", "ids = ['a']", "wait = 5"])
def test_opt_8_a_wrong_value_in_a_file_is_told_with_the_files_name(options, tmp_path, line):
    config = tmp_path / "config.py"
    config.write_text(line)
    with pytest.raises(Error, match=r"config\.py:1: (port|ids|wait): .* is needed, not "):
        options.parse_config_file(str(config))


@pytest.mark.parametrize("line", ["n = 'x'", "n = [1]", "n = 1.5"])
def test_opt_8_a_wrong_value_in_a_file_ends_a_program_with_one_line(tmp_path, line):
    config = tmp_path / "config.py"
    config.write_text(line)
    program = PROGRAM.replace("parse_command_line", "parse_config_file").format(f"{str(config)!r}")
    done = run(program, status=1)
    assert done.stdout == ""
    assert done.stderr.startswith(f"-c: {config}:1: n: a whole number is needed, not ")
    assert done.stderr.count("\n") == 1


def test_opt_8_a_server_survives_a_wrong_file_that_it_reads_anew(options, tmp_path):
    config = tmp_path / "config.py"
    config.write_text("port = 'x'")

    async def reload():
        with pytest.raises(Error) as caught:
            options.parse_config_file(str(config))
        assert not isinstance(caught.value, SystemExit)

    asyncio.run(reload())
    with pytest.raises(SystemExit):
        options.parse_config_file(str(config))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (b"port = 1\nport = =", ":2:8", "invalid syntax"),
        (b"port = 1\n  port = 2", ":2", "unexpected indent"),
        (b"port 80", ":1", "invalid syntax"),
        (b"name = 'x", ":1:8", "unterminated string literal"),
        (b"\n\xff = 1", "", "utf-8"),
        (b"port = 1\n\ndebug = true", ":3", "name 'true' is not defined; is True meant?"),
        (b"def f():\n  return nowhere\nport = f()", ":2", "name 'nowhere' is not defined"),
        (b"port = '80'\nlog_names = ['a']\nport = \\\n 'x'", ":3", "port: a whole number"),
        (b"log-names = 3", ":1:1", "cannot assign to expression"),
        (b"log_names = 3", ":1", "log_names: a list is needed, not 3"),
        (b"globals()['port'] = 'x'", "", "port: a whole number is needed, not 'x'"),
    ],
)
def test_opt_8_what_is_wrong_with_a_file_has_a_place(options, tmp_path, text, place, message):
    config = tmp_path / "config.py"
    config.write_bytes(text)
    with pytest.raises(Error) as caught:
        options.parse_config_file(str(config))
    assert isinstance(caught.value, SystemExit)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{config}{place}")
    assert message in line


@pytest.mark.parametrize("text", ["n = 'x'", "n = 1 +", "n = true", "\0"])
def test_opt_8_a_file_that_is_wrong_ends_a_program_with_one_line(tmp_path, text):
    config = tmp_path / "config.py"
    config.write_text(text)
    done = run(PROGRAM.replace("command_line", "config_file").format(f"{str(config)!r}"), status=1)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith(f"-c: {config}:")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 / 0", ZeroDivisionError),
        ("import no_such_module", ModuleNotFoundError),
        ("import helper_of_config\nhelper_of_config.f()", NameError),
        ("raise LookupError", LookupError),
        ("raise SystemExit(3)", SystemExit),
    ],
)
def test_what_a_file_raises_otherwise_is_its_own_affair(options, tmp_path, monkeypatch, text, kind):
    (tmp_path / "helper_of_config.py").write_text("def f():\n    return nowhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config = tmp_path / "config.py"
    config.write_text(text)
    with pytest.raises(kind) as caught:
        options.parse_config_file(str(config))
    assert not isinstance(caught.value, Error)


def test_a_file_that_is_missing_is_an_error_of_the_system(options, tmp_path):
    """Programs that can do without their file catch that."""
    with pytest.raises(FileNotFoundError):
        options.parse_config_file(str(tmp_path / "missing"))


def test_opt_8_a_file_that_an_option_names_and_that_cannot_be_opened_is_told(options, tmp_path):
    missing = str(tmp_path / "missing")
    options.define("config", callback=lambda path: options.parse_config_file(path, final=False))
    with pytest.raises(Error) as caught:
        options.parse_command_line(["program", f"--config={missing}"])
    assert caught.value.code == (
        f"program: --config: {missing!r} can't be opened: No such file or directory"
    )
    (tmp_path / "config.py").write_text(f"config = {missing!r}")
    with pytest.raises(Error, match=r"config\.py:1: config: .*missing' can't be opened: No such"):
        options.parse_config_file(str(tmp_path / "config.py"))
    # In the program it's the program's affair, and so is another file.
    with pytest.raises(FileNotFoundError):
        options.config = missing
    options.define("folder", callback=lambda path: os.listdir(f"{path}/missing"))
    with pytest.raises(FileNotFoundError):
        options.parse_command_line(["program", f"--folder={tmp_path}"])


# Errors


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--unknown=1", "there is no option --unknown; --help lists what there is"),
        ("--prot=1", "there is no option --prot; is --port meant?"),
        ("--PORT=1", "there is no option --PORT; --help lists what there is"),
        ("-p", "there is no option -p; --help lists what there is"),
        ("--port 8080", "there is no option --port 8080; is --port meant?"),
        ("--no-debug", "there is no option --no-debug; is --debug=false meant?"),
        ("--no_debug=1", "there is no option --no_debug; is --debug=false meant?"),
        ("--nodebug", "there is no option --nodebug; is --debug=false meant?"),
        ("--no-port", "there is no option --no-port; is --port meant?"),
        ("--debug=maybe", "--debug: true or false is needed, not 'maybe'"),
        ("--debug=fasle", "--debug: true or false is needed, not 'fasle'"),
        ("--ids=1,1:1000001", "--ids: 1:1000001 are more than 1000000 numbers"),
        (
            "--ids=-5:99999999999999999999",
            "--ids: -5:99999999999999999999 are more than 1000000 numbers",
        ),
        ("--ids=1:2:3", "--ids: a whole number is needed, not '2:3'"),
        ("--ids=:3", "--ids: a whole number is needed, not ''"),
        ("--port", "--port needs a value: --port=INT"),
        ("--name", "--name needs a value: --name=NAME"),
        ("--port=x", "--port: a whole number is needed, not 'x'"),
        ("--ratio=x", "--ratio: a number is needed, not 'x'"),
        ("--ids=1,x", "--ids: a whole number is needed, not 'x'"),
        ("--ids=1,", "--ids: a whole number is needed, not ''"),
        ("--when=yesterday", "--when: a date such as 2013-01-27 18:43 is needed, not 'yesterday'"),
        ("--wait=3 moons", "--wait: a duration such as 1h30m is needed, not '3 moons'"),
        ("--wait=1:30", "--wait: a duration such as 1h30m is needed, not '1:30'"),
        ("--wait=1e300s", "--wait: a duration such as 1h30m is needed, not '1e300s'"),
    ],
)
def test_opt_8_wrong_arguments_raise_an_error_that_names_them(options, argument, message):
    before = options.as_dict()
    with pytest.raises(Error) as caught:
        options.parse_command_line(["program", argument])
    assert str(caught.value) == message
    assert options.as_dict() == before


@pytest.mark.parametrize("argument", ["", "__import__('sys').argv"])
@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("--bogus=1", "-c: there is no option --bogus; --help lists what there is\n"),
        ("--n=x", "-c: --n: a whole number is needed, not 'x'\n"),
        ("--n", "-c: --n needs a value: --n=INT\n"),
    ],
)
def test_opt_8_wrong_arguments_end_a_program_with_one_line(argument, wrong, line):
    done = run(PROGRAM.format(argument), wrong, status=1)
    assert (done.stdout, done.stderr) == ("", line)


@pytest.mark.parametrize("caught", ["options.Error", "Exception", "SystemExit"])
def test_opt_8_a_program_can_catch_the_error(caught):
    program = f"""
from tornado import options
try:
    options.parse_command_line()
except {caught} as error:
    print(error)
"""
    done = run(program, "--x")
    assert done.stdout == "there is no option --x; --help lists what there is\n"
    assert done.stderr == ""


def test_opt_8_programs_have_the_names_of_their_files_and_packages(options):
    for path, name in (("/bin/prog.py", "prog.py"), ("/x/pkg/__main__.py", "pkg")):
        with pytest.raises(Error) as caught:
            options.parse_command_line([path, "--x"])
        assert caught.value.code.startswith(f"{name}: there is no option")


def test_opt_8_an_error_in_a_file_that_the_command_line_names_is_the_users_too(options, tmp_path):
    config = tmp_path / "config.py"
    config.write_text("port = 'x'")
    options.define("config", callback=lambda path: options.parse_config_file(path, final=False))
    with pytest.raises(SystemExit) as caught:
        options.parse_command_line(["program", f"--config={config}"])
    assert caught.value.code == f"program: {config}:1: port: a whole number is needed, not 'x'"


def test_errors_have_the_name_that_programs_know_them_by():
    assert f"{Error.__module__}.{Error.__qualname__}" == "tornado.options.Error"
    again = pickle.loads(pickle.dumps(Error("x")))
    assert (type(again), str(again)) == (Error, "x")


def test_errors_of_other_classes_stay_what_they_are(options):
    class ForbiddenPort(Error):
        """A program's own."""

    def check(port):
        raise ForbiddenPort

    options.define("own_port", type=int, callback=check)
    with pytest.raises(ForbiddenPort) as caught:
        options.parse_command_line(["program", "--own-port=1"])
    assert not isinstance(caught.value, SystemExit)


# Attributes and items


def test_opt_9_attributes_items_and_assignment(options):
    options.port = 1
    options["name"] = "x"
    options.log_names = ["a"]
    options.ratio = 2
    assert (options["port"], options.name, options["log-names"]) == (1, "x", ["a"])
    assert type(options.ratio) is float
    options.name = None
    assert options.name is None
    assert "port" in options
    assert "log-names" in options
    assert "nosuch" not in options
    assert options.group_dict("server") == {"port": 1}


@pytest.mark.parametrize("value", ["text", 1.5, [1]])
def test_opt_9_assigned_values_have_to_have_the_type(options, value):
    with pytest.raises(Error, match="--port: a whole number is needed, not"):
        options.port = value
    with pytest.raises(Error, match="--ids: .* is needed, not"):
        options["ids"] = [1, value]
    assert (options.port, options.ids) == (80, [])


def test_opt_9_unknown_names_are_no_attributes(options):
    for access in (
        lambda: options.nosuch,
        lambda: options["nosuch"],
        lambda: setattr(options, "nosuch", 1),
        lambda: options.__setitem__("nosuch", 1),
    ):
        with pytest.raises(AttributeError, match="no option 'nosuch' is defined"):
            access()
    assert not hasattr(options, "nosuch")


def test_opt_9_options_can_be_listed(options):
    names = ["help", "port", "name", "ratio", "debug", "when", "wait", "ids", "log_names"]
    assert list(options) == names
    assert [name for name, _ in options.items()] == names
    assert list(options.as_dict()) == names
    assert options.group_dict("") == options.as_dict()
    assert options.groups() == {"", "server", __file__}


def test_parsers_can_be_copied(options):
    other = copy.copy(options)
    assert other.port == 80


# Help


def test_opt_10_help_lists_options_by_group(options):
    options.define("a_rather_long_name_of_an_option", metavar="SOME|THING", help="word " * 20)
    options.define("zero", default=0, help="nought")
    out = io.StringIO()
    options.print_help(out)
    head, *groups = out.getvalue().split(" options:\n\n")
    assert "Usage: " in head
    assert head.splitlines()[3:5] == ["", f"  {'--help':30}  show this help and exit"]
    named = itertools.pairwise([head, *groups])
    (server,) = [text for name, text in named if name.endswith("\nserver")]
    assert server.splitlines()[0] == f"  {'--port':30}  port to listen on (default 80)"
    text = out.getvalue()
    assert f"{__file__} options:" in text
    assert "\n  --name=NAME\n" in text
    assert f"\n  --a-rather-long-name-of-an-option=SOME|THING\n{'':34}word word" in text
    assert f"\n  {'--zero':30}  nought (default 0)\n" in text
    assert "None" not in text
    assert max(len(line) for line in text.splitlines()) <= max(79, len(__file__) + 10)
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_opt_10_help_ends_the_program():
    program = PROGRAM.format("") + "print('not reached')"
    done = run(program, "--help")
    assert done.stdout == ""
    assert "--n" in done.stderr
    assert "--logging=debug|info|warning|error|none" in done.stderr
    assert run(program, "--help=false").stdout == "not reached\n"


def test_opt_12_options_of_modules_need_only_be_imported(tmp_path):
    (tmp_path / "mod.py").write_text(
        "from tornado.options import define, options\n"
        "define('mysql_host', default='127.0.0.1:3306', help='Main user DB')\n"
        "define('memcache_hosts', default='127.0.0.1:11011', multiple=True)\n"
        "def connect():\n"
        "    return options.mysql_host, options.memcache_hosts\n"
    )
    program = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import mod, tornado.options
tornado.options.parse_command_line()
print(mod.connect())
tornado.options.print_help(sys.stdout)
"""
    done = run(program, "--mysql-host=h:1", "--memcache_hosts=a:1,b:2")
    first, *others = done.stdout.splitlines()
    assert first == "('h:1', ['a:1', 'b:2'])"
    assert f"{tmp_path / 'mod.py'} options:" in others


# Callbacks and mocks


def test_callbacks_run_when_options_are_parsed(options):
    seen = []
    options.define("level", default="a", callback=seen.append)
    options.define("levels", type=int, multiple=True, callback=seen.append)
    options.add_parse_callback(lambda: seen.append("done"))
    options.parse_command_line(["program", "--level=b", "--levels=1:2"])
    options.level = "c"
    assert seen == ["b", [1, 2], "done", "c"]


def test_callbacks_wait_for_the_final_parsing(options, tmp_path):
    seen = []
    config = tmp_path / "config.py"
    config.write_text("port = 1\nname = 'file'")
    options.add_parse_callback(lambda: seen.append((options.port, options.name)))
    options.define("config", callback=lambda path: options.parse_config_file(path, final=False))
    options.parse_command_line(["program", f"--config={config}", "--port=2"], final=False)
    assert seen == []
    options.run_parse_callbacks()
    options.parse_config_file(str(config))
    assert seen == [(2, "file"), (1, "file")]


def test_mockable_gives_old_values_back(options):
    with mock.patch.object(options.mockable(), "port", 5) as patched:
        assert (options.port, patched) == (5, 5)
    assert options.port == 80
    mockable = options.mockable()
    with pytest.raises(Error, match="whole number"):
        mockable.port = "x"
    mockable.port = 6
    assert mockable.port == 6
    with pytest.raises(AttributeError, match="'port'"):
        mockable.port = 7
    del mockable.port
    assert options.port == 80


def test_functions_of_the_module_are_those_of_its_parser(tmp_path):
    config = tmp_path / "config.py"
    config.write_text("port = '81'")
    program = f"""
import io
from tornado import options
seen = []
options.define("port", 80, int, "the port", "N", False, "server", seen.append)
options.add_parse_callback(lambda: seen.append("done"))
options.parse_config_file({str(config)!r}, final=False)
options.parse_command_line(["program", "--port=82"])
help = io.StringIO()
options.print_help(help)
print(seen, options.options.group_dict("server"), "--port=N" in help.getvalue())
options.enable_pretty_logging()
"""
    assert run(program).stdout == "[81, 82, 'done'] {'port': 82} True\n"
