"""The meta-package brings every public module of the framework."""

from __future__ import annotations

import importlib
from importlib.metadata import requires, version

import pytest

DISTRIBUTIONS = [
    "tornado-core",
    "tornado-http",
    "tornado-ioloop",
    "tornado-template",
    "tornado-testing",
    "tornado-web",
    "tornado-websocket",
]

MODULES = [
    "tornado.autoreload",
    "tornado.concurrent",
    "tornado.curl_httpclient",
    "tornado.escape",
    "tornado.gen",
    "tornado.http1connection",
    "tornado.httpclient",
    "tornado.httpserver",
    "tornado.httputil",
    "tornado.ioloop",
    "tornado.iostream",
    "tornado.locks",
    "tornado.log",
    "tornado.netutil",
    "tornado.options",
    "tornado.platform.asyncio",
    "tornado.platform.auto",
    "tornado.process",
    "tornado.queues",
    "tornado.routing",
    "tornado.simple_httpclient",
    "tornado.stack_context",
    "tornado.tcpclient",
    "tornado.tcpserver",
    "tornado.template",
    "tornado.testing",
    "tornado.util",
    "tornado.web",
    "tornado.websocket",
]

# Modules that need what an extra brings, with what that is.
OPTIONAL = {"tornado.curl_httpclient": "pycurl"}


@pytest.mark.parametrize("name", MODULES)
def test_module_is_there_and_says_what_it_is_for(name: str) -> None:
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name], reason="an optional package")
    assert importlib.import_module(name).__doc__


def test_all_distributions_are_required_at_the_same_version() -> None:
    unspaced = str.maketrans("", "", " ()")
    lines = {line.translate(unspaced) for line in requires("tornado") or ()}
    assert lines >= {f"{name}=={version('tornado')}" for name in DISTRIBUTIONS}


def test_version_of_the_package_is_that_of_the_metadata() -> None:
    import tornado

    assert tornado.version == version("tornado")
    assert tornado.version_info[:3] == tuple(map(int, tornado.version.split(".")[:3]))
