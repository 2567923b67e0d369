"""What importing and using the engine brings into a program."""

import json
import subprocess
import sys

import pytest

# What a program that only fills in templates has no use for.
FOREIGN = {
    *("asyncio", "concurrent", "email", "http", "multiprocessing", "select", "selectors"),
    *("signal", "socket", "ssl", "subprocess", "unittest", "_asyncio", "_socket", "_ssl"),
}


def loaded_after(program):
    """Return the names of the modules that a program has loaded at its end."""
    program += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(done.stdout))


BARE = loaded_after("")


@pytest.mark.parametrize(
    "program",
    [
        "import tornado.template",
        "from tornado.template import Template; Template('{{ x }}').generate(x='<')",
        "from tornado.template import DictLoader\n"
        "loader = DictLoader({'a': '{% extends b %}{% block c %}{{ linkify(x) }}{% end %}',"
        "'b': '{% block c %}{% end %}{% include d %}', 'd': '{% raw json_encode([x]) %}'})\n"
        "loader.load('a').generate(x='http://a.b')",
        "from tornado.template import Template\n"
        "try: Template('{{ x }}').generate()\n"
        "except NameError: pass",
        "from tornado.template import Template\n"
        "coroutine = Template('{{ await x }}').generate_async(x=None)\n"
        "coroutine.close()",
        "import tornado._template.cli",
    ],
)
def test_templates_need_no_loop_and_no_sockets(program):
    loaded = loaded_after(program) - BARE
    assert not FOREIGN & {name.partition(".")[0] for name in loaded}
    ours = {name for name in loaded if name.startswith("tornado.")}
    public = {name for name in ours if not name.startswith("tornado._")}
    assert public <= {"tornado.escape", "tornado.template"}


def test_the_import_alone_leaves_the_compiler_out():
    loaded = loaded_after("import tornado.template") - BARE
    assert not {"html", "json", "urllib", "datetime", "ast"} & loaded
    assert "tornado._template.compiler" not in loaded
