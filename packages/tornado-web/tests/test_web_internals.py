"""Names that are not documented, on which programs rely all the same (relied-upon internals)."""

from __future__ import annotations

import asyncio
import functools
import logging
import subprocess
import sys

import pytest

from tornado import web
from tornado.httputil import HTTPHeaders
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body


class Plain(RequestHandler):
    def get(self, *args, **kwargs):
        self.write(repr((args, kwargs)))

    def post(self):
        raise HTTPError(418)

    @property
    def is_async(self):
        return False


class Async(Plain):
    async def get(self, *args, **kwargs):
        await asyncio.sleep(0)
        self.write(repr((args, kwargs)))


def wrapping(calls):
    """Return a decorator as tools that trace requests use one."""

    def wrap(original):
        @functools.wraps(original)
        async def execute(self, transforms, *args, **kwargs):
            calls.append(("before", args, kwargs))
            result = await original(self, transforms, *args, **kwargs)
            calls.append(("after", self.get_status(), self._finished))
            return result

        return execute

    return wrap


@pytest.mark.parametrize("handler", [Plain, Async])
@pytest.mark.parametrize("owner", ["base", "class", "instance"])
def test_replaced_execute(fetch, monkeypatch, handler, owner):
    """1: the dispatcher goes through _execute once it is wrapped, on whichever class, or on the
    handler.
    """
    calls = []
    wrap = wrapping(calls)
    made = type("Made", (handler,), {})
    if owner == "base":
        monkeypatch.setattr(RequestHandler, "_execute", wrap(RequestHandler._execute))
    elif owner == "class":
        made._execute = wrap(made._execute)
    else:
        made.initialize = lambda self: setattr(
            self, "_execute", functools.partial(wrap(RequestHandler._execute), self)
        )
    app = Application([("/(.*)", made)])
    assert fetch(app, "GET", "/x").text == "(('x',), {})"
    assert calls == [("before", (b"x",), {}), ("after", 200, True)]


def test_overridden_execute(ask):
    """1: a subclass may run requests in its own way, and need not be a coroutine function."""

    class Own(RequestHandler):
        async def _execute(self, transforms, *args, **kwargs):
            assert transforms == []
            self.finish("own")

    class Future(RequestHandler):
        def _execute(self, transforms, *args, **kwargs):
            return asyncio.ensure_future(super()._execute(transforms, *args, **kwargs))

        def get(self):
            self.write("future")

    assert ask(Own).text == "own"
    assert ask(Future).text == "future"


def test_wrapped_execute_with_stream(ask):
    calls = []

    @stream_request_body
    class Streamed(RequestHandler):
        def data_received(self, chunk):
            calls.append(chunk)

        def post(self):
            self.write("posted")

    Streamed._execute = wrapping(calls)(Streamed._execute)
    assert ask(Streamed, "POST", body=b"ab", split=1).text == "posted"
    assert [call[0] for call in calls if isinstance(call, tuple)] == ["before", "after"]


def test_error_in_a_wrapper_is_logged(ask, caplog):
    class Handler(Plain):
        async def _execute(self, transforms, *args, **kwargs):
            await super()._execute(transforms, *args, **kwargs)
            raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        assert ask(Handler).code == 200
    assert "ZeroDivisionError" in caplog.text


def test_attributes(fetch):
    """2: what handlers keep is found under the names that programs know."""

    class Handler(RequestHandler):
        def get(self, arg):
            state = (
                [type(t) for t in self._transforms],
                self._auto_finish,
                self._finished,
                self._headers_written,
                self._status_code,
                self._reason,
                self.path_args,
                self.path_kwargs,
            )
            assert state == ([], True, False, False, 200, "OK", ["x"], {})
            assert isinstance(self._headers, HTTPHeaders)
            self._current_user = "me"
            assert self.current_user == "me"
            self._xsrf_token = b"token"
            assert self.xsrf_token == b"token"
            self._headers = self._headers.copy()
            del self._headers["Server"]
            self._status_code = 202
            self._reason = "Taken"
            assert self._request_summary() == "GET /x (192.0.2.1)"

    conn = fetch(Application([("/(.*)", Handler)]), "GET", "/x")
    assert (conn.code, conn.reason) == (202, "Taken")
    assert "Server" not in conn.headers


def test_auto_finish(ask):
    """2."""

    class Handler(RequestHandler):
        def get(self):
            self._auto_finish = False
            asyncio.get_running_loop().call_soon(self.finish, "later")

    assert ask(Handler).text == "later"


def test_handle_request_exception(ask):
    """2: it is called with the exception, while that is being handled."""
    seen = []

    class Handler(Plain):
        def _handle_request_exception(self, e):
            seen.append((e, sys.exc_info()[1]))
            super()._handle_request_exception(e)

    assert ask(Handler, "POST").code == 418
    assert seen[0][0] is seen[0][1]


def test_routes():
    """3: routers and rules can be looked through."""
    app = Application([web.url("/a", Plain, {"x": 1}, name="a"), ("/b", Plain)])
    (any_host,) = app.default_router.rules
    assert any_host.target is app.wildcard_router
    spec, rule = app.wildcard_router.rules
    assert (spec.target, spec.handler_class, spec.kwargs) == (Plain, Plain, {"x": 1})
    assert (rule.target, rule.target_kwargs) == (Plain, {})


def test_names_of_the_module():
    """9."""
    assert web._has_stream_request_body(stream_request_body(type("S", (RequestHandler,), {})))
    assert not web._has_stream_request_body(RequestHandler)
    with pytest.raises(TypeError):
        web._has_stream_request_body(object)
    assert web.DEFAULT_SIGNED_VALUE_VERSION == 2
    assert web.DEFAULT_SIGNED_VALUE_MIN_VERSION == 1


def test_public_names():
    for name in web.__all__:
        assert getattr(web, name) is not None


def test_import_alone():
    """PKG-1: the module imports in a fresh interpreter, without warnings, and starts nothing."""
    code = (
        "import sys, threading, tornado.web;"
        "assert threading.active_count() == 1;"
        "assert 'tornado.autoreload' not in sys.modules and 'unittest' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
