"""``python -m tornado.template``."""

import errno
import os
import subprocess
import sys

import pytest

from tornado._template import cli


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the program in a folder with some files."""

    def run(*arguments, status=0, stdin="", files=None, **environment):
        for name, text in (files or {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "tornado.template", *arguments],
            cwd=tmp_path,
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
            env={**os.environ, **environment},
        )
        assert done.returncode == status, done.stderr
        return done.stdout.decode(), done.stderr.decode()

    return run


PAGES = {
    "site/page.html": "{% extends ../base.html %}{% block body %}{% include part.html %}{% end %}",
    "site/part.html": "<p>{{ name }}</p>",
    "base.html": "<title>{{ page_title }}</title>\n{% block body %}{% end %}\n",
}


def test_a_template_is_rendered_with_names_of_the_command_line(run):
    output, errors = run("site/page.html", "--name=<me>", "--page-title=\u00e9", files=PAGES)
    assert output == "<title>\u00e9</title>\n<p>&lt;me&gt;</p>\n"
    assert errors == ""


def test_values_may_be_json(run):
    text = "{% for i in items %}{{ i + 1 }} {% end %}{{ flag is True }}{{ empty == '' }}{{ eq }}"
    output, _ = run(
        "--items:=[1, 2]", "a.txt", "--flag:=true", "--empty=", "--eq=a=b", files={"a.txt": text}
    )
    assert output == "2 3 TrueTruea=b"


def test_the_template_may_come_from_standard_input(run):
    output, _ = run("-", "--x=1", stdin="{{ x }}{% include part %}", files={"part": "!"})
    assert output == "1!"


def test_output_is_utf_8_whatever_the_locale(run):
    output, _ = run("a", files={"a": "\u20ac{{ '\u00e9' }}"}, LC_ALL="C", PYTHONCOERCECLOCALE="0")
    assert output == "\u20ac\u00e9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n{{ x", "a.txt:2:1: `{{` has no `}}` after it\n  2 | {{ x\n    | ^\n"),
        ("a\n{{ x }}", "a.txt:2: NameError: name 'x' is not defined\n"),
        ("{% include b.txt %}", "b.txt:3: ZeroDivisionError: integer division or modulo by zero\n"),
        (
            "\n {% include missing %}",
            "a.txt:2:5: missing can't be read: No such file or directory\n"
            "  2 |  {% include missing %}\n    |     ^\n",
        ),
        ("\n\n{{ await x }}", "a.txt:3: NameError: name 'x' is not defined\n"),
    ],
)
def test_errors_of_templates_are_told_without_traceback(run, text, message):
    files = {"a.txt": text, "b.txt": "\n\n{{ 1 // 0 }}"}
    assert run("a.txt", files=files, status=1) == ("", message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one template is needed, not none"),
        (["a", "b"], "one template is needed, not a, b"),
        (["a", "-x=1"], "-x=1 is no --NAME=VALUE"),
        (["a", "--x", "1"], "--x is no --NAME=VALUE"),
        (["a", "--x"], "--x is no --NAME=VALUE"),
        (["a", "--1x=2"], "--1x=2 is no --NAME=VALUE"),
        (["a", "--x:={"], "--x:={: this is no JSON: "),
        (["--check"], "there is nothing to check"),
        (["--check", "--x=1"], "--x=1 has no meaning beside --check"),
    ],
)
def test_a_wrong_command_line_is_told_with_the_usage(run, arguments, message):
    output, errors = run(*arguments, status=2)
    assert output == ""
    assert errors.startswith(message)
    assert "usage: python -m tornado.template" in errors


def test_what_a_template_prints_comes_first(run):
    assert run("a", files={"a": "{% set print('printed') %}rendered"}) == ("printed\nrendered", "")


def test_templates_that_await_are_rendered(run):
    text = "{% import asyncio %}{{ await asyncio.sleep(0, x) }}"
    assert run("a", "--x=<", files={"a": text}) == ("&lt;", "")


@pytest.mark.parametrize(
    "arguments",
    [["a.txt"], ["--check", "."], ["--help"]],
)
@pytest.mark.parametrize(
    ("where", "message"),
    [
        (">&-", "the output can't be written: it is closed\n"),
        ("2>&1 >/dev/full", "the output can't be written: No space left on device\n"),
    ],
)
def test_output_that_goes_nowhere_is_told(tmp_path, arguments, where, message):
    (tmp_path / "a.txt").write_text("{{ 1 }}")
    (tmp_path / "b.txt").write_text("{{")
    if where.endswith("full") and not os.path.exists("/dev/full"):
        where, message = ">&-", "the output can't be written: it is closed\n"
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m tornado.template "$@" {where}', sys.executable, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (1, message)


@pytest.mark.parametrize("arguments", [["a.txt"], ["--check", "."], ["--help"]])
def test_a_reader_that_goes_away_ends_the_program_in_silence(tmp_path, arguments):
    (tmp_path / "a.txt").write_text("{{ 'x' * 1000000 }}")
    (tmp_path / "b.txt").write_text("{{")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tornado.template", *arguments],
            cwd=tmp_path,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("arguments", [["-"], ["--check", "-"]])
def test_a_closed_standard_input_is_told(tmp_path, arguments):
    done = subprocess.run(
        ["sh", "-c", '"$0" -m tornado.template "$@" <&-', sys.executable, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (done.stdout + done.stderr).endswith("- can't be read: it is closed\n")


def test_an_interrupt_ends_the_program_in_silence(tmp_path):
    # A shell in the background has its children ignore the signal.
    (tmp_path / "a.txt").write_text(
        "{% import signal %}{% set signal.signal(signal.SIGINT, signal.default_int_handler) %}"
        "{{ signal.raise_signal(signal.SIGINT) }}"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tornado.template", "a.txt"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_the_standard_input_may_be_checked(run):
    files = {"part": "{{ 1 }}"}
    assert run("--check", "-", stdin="{% include part %}", files=files) == ("", "")
    output, _ = run("--check", "-", stdin="a\n{% if x %}{% end if }", status=1)
    assert output == "-:2:11: `{%` has no `%}` after it\n"


def test_an_error_is_one_line_whatever_is_in_it(run):
    files = {"a\nb.html": "{% block a\nb %}"}
    output, _ = run("--check", ".", files=files, status=1)
    assert output == (
        "a\\nb.html:1:1: `{% block a\\nb %}` opened on line 1 is never closed: "
        "expected `{% end %}` after it\n"
    )


def test_folders_that_cannot_be_read_are_errors(tmp_path, monkeypatch, capfd):
    (tmp_path / "a").mkdir()
    (tmp_path / "b.html").write_text("{{ 1 }}")
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "a":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["template", "--check", "."]) == 1
    assert capfd.readouterr().out.startswith("a:1:1: a can't be read: ")


def test_help_is_printed(run):
    output, errors = run("--help")
    assert output.startswith("usage: python -m tornado.template FILE")
    assert errors == ""


def test_a_tree_without_errors_passes_in_silence(run):
    assert run("--check", ".", files=PAGES) == ("", "")
    assert run("--check", "site/page.html", "base.html") == ("", "")


WRONG = {
    **PAGES,
    "a/if.html": "\n  {% if x %}",
    "a/python.txt": "{{ 1 + }}",
    "b/extends.html": "\n\n{% extends nowhere.html %}",
    "b/includes.html": "{% include ../a/if.html %}{% include ../a/if.html %}",
    "b/again.html": "{% include ../a/if.html %}",
    "b/circle.html": "{% include circle.html %}",
    "latin.txt": b"one\ntw\xf6",
    "picture.png": b"\x89PNG {{ \xff",
    ".hidden/x.html": "{{",
    "program.py": "{{",
}


def test_each_error_of_a_tree_is_one_line(run):
    output, errors = run("--check", ".", files=WRONG, status=1)
    assert errors == ""
    lines = output.splitlines()
    assert [line for line in lines if not line.startswith("a/python.txt")] == [
        "latin.txt:2:3: this is no UTF-8",
        "a/if.html:2:3: `{% if %}` opened on line 2 is never closed: "
        "expected `{% end %}`, `{% else %}` or `{% elif %}` after it",
        "b/circle.html:1:4: templates extend or include each other in a circle: "
        "b/circle.html -> b/circle.html",
        "b/extends.html:3:4: b/nowhere.html can't be read: No such file or directory",
    ]
    assert len(lines) == 5
    assert lines[2].startswith("a/python.txt:1:")


def test_a_file_that_is_named_is_checked_whatever_its_name(run):
    output, _ = run("--check", "program.py", "missing.html", files=WRONG, status=1)
    assert output == (
        "program.py:1:1: `{{` has no `}}` after it\n"
        "missing.html:1:1: missing.html can't be read: No such file or directory\n"
    )


def test_names_that_the_terminal_cannot_show_are_shown_in_ascii(run):
    output, _ = run("--check", ".", files={"\u20ac.html": "{{"}, status=1, PYTHONIOENCODING="ascii")
    assert output == "\\u20ac.html:1:1: `{{` has no `}}` after it\n"
