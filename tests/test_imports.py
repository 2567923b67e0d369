"""What importing a module of the framework brings with it, and where it is documented."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from workspace import distributions

PUBLIC = sorted(
    ".".join(path.relative_to(dist.path / "src").with_suffix("").parts).removesuffix(".__init__")
    for dist in distributions().values()
    for path in dist.path.glob("src/tornado/**/*.py")
    if not any(part.startswith("_") and part != "__init__.py" for part in path.parts)
)

# Needs what an extra brings.
OPTIONAL = {"tornado.curl_httpclient", "tornado.platform.caresresolver"}

LOOP_AND_SOCKETS = {"_asyncio", "_socket", "_ssl", "asyncio", "selectors", "socket", "ssl"}
HEAVY = {"email", "importlib.metadata", "multiprocessing", "unittest", "xml"}


def loaded_after(statement: str) -> set[str]:
    """Run a statement in a fresh interpreter, warnings as errors; give the modules it loaded."""
    report = "print(*set(sys.modules) - before)"
    program = f"import sys; before = set(sys.modules); {statement}; {report}"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    return set(done.stdout.split())


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - OPTIONAL))
def test_module_imports_alone(name: str) -> None:
    assert name in loaded_after(f"import {name}")


def test_all_public_modules_are_looked_at() -> None:
    assert {"tornado", "tornado.escape", "tornado.ioloop", "tornado.template"} <= set(PUBLIC)


@pytest.mark.parametrize("name", ["tornado.template", "tornado.escape", "tornado.util"])
def test_text_needs_no_loop_and_no_socket(name: str) -> None:
    assert not loaded_after(f"import {name}") & LOOP_AND_SOCKETS


def test_template_brings_only_core() -> None:
    ours = {name for name in loaded_after("import tornado.template") if name.startswith("tornado.")}
    public = {name for name in ours if not name.startswith("tornado._")}
    assert public <= {"tornado.escape", "tornado.log", "tornado.template", "tornado.util"}


# What few programs need, or need only later on, and what takes long to import. Modules that
# `asyncio` imports by itself don't count.
NOT_YET = {
    "tornado.escape": {"datetime", "hashlib", "html", "json", "tornado._linkify", "urllib.parse"},
    "tornado.template": {"datetime", "hashlib", "json", "tornado._template.cli", "urllib.parse"},
    "tornado.ioloop": {
        *("datetime", "hashlib", "http", "json", "numbers", "random"),
        *("tornado.gen", "tornado.iostream", "tornado.options"),
    },
    "tornado.httpclient": {"hashlib", "http.cookies", "random", "tornado.simple_httpclient"},
    "tornado.web": {
        *("dataclasses", "datetime", "hashlib", "hmac", "http", "http.cookies", "ipaddress"),
        *("json", "mimetypes", "numbers", "random", "urllib.parse"),
        *("tornado._gen.runner", "tornado._httputil.forms", "tornado._httputil.multipart"),
        *("tornado._iostream.tls", "tornado._option", "tornado._tls_options"),
        *("tornado._web.access_log", "tornado._web.decorators", "tornado._web.simple_handlers"),
        *("tornado._web.static", "tornado._web.transforms", "tornado._web.uploads"),
        *("tornado.gen", "tornado.httpserver", "tornado.iostream", "tornado.locale"),
        *("tornado.netutil", "tornado.template"),
    },
    "tornado.websocket": {
        *("http.cookies", "mimetypes", "random", "tornado.template"),
        *("tornado._web.static", "tornado._web.transforms"),
    },
}


@pytest.mark.parametrize("name", NOT_YET)
def test_import_leaves_for_later_what_few_need(name: str) -> None:
    assert not loaded_after(f"import {name}") & NOT_YET[name]


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - OPTIONAL))
def test_each_public_name_is_there(name: str) -> None:
    module = import_module(name)
    names = getattr(module, "__all__", ())
    assert [public for public in names if not hasattr(module, public)] == []


@pytest.mark.parametrize("name", ["tornado.template", "tornado.ioloop", "tornado.iostream"])
def test_import_is_light(name: str) -> None:
    heavy = {found for found in loaded_after(f"import {name}") if found in HEAVY}
    assert not heavy


@pytest.mark.parametrize("name", ["tornado.web", "tornado.httpserver", "tornado.testing"])
def test_import_makes_no_event_loop_and_configures_no_logging(name: str) -> None:
    program = (
        "import asyncio, logging, threading;"
        "asyncio.new_event_loop = asyncio.events.new_event_loop = None;"
        f"import {name};"
        "assert not logging.root.handlers;"
        "assert threading.active_count() == 1"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_each_module_has_a_page_in_the_reference() -> None:
    pages = Path(__file__).parent.parent.glob("docs/reference/*.md")
    directive = re.compile(r"^\.\. automodule:: (\S+)$", re.MULTILINE)
    shown = [name for page in pages for name in directive.findall(page.read_text("utf-8"))]
    # A new module needs a page there, and a line in index.md.
    assert sorted(shown) == sorted(set(PUBLIC) - {"tornado", "tornado.platform"})
