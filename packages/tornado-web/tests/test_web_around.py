"""Hooks around requests, and coroutines that are cancelled when their client has gone."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import logging
import weakref

import pytest

from tornado import gen
from tornado.httputil import HTTPHeaders, RequestStartLine
from tornado.routing import HostMatches, Rule
from tornado.web import (
    Application,
    Finish,
    HTTPError,
    RequestHandler,
    asynchronous,
    stream_request_body,
    url,
)

LIMIT = 10  # seconds after which a test has failed


class Journal(list):
    """What happened, in its order, and hooks that note it."""

    def hook(self, name):
        @contextlib.contextmanager
        def noting(handler):
            self.append(f"{name} in")
            try:
                yield
            except Exception as error:
                self.append(f"{name} saw {type(error).__name__}")
                raise
            finally:
                self.append(f"{name} out {handler.get_status()} {handler._finished}")

        return noting

    def async_hook(self, name):
        @contextlib.asynccontextmanager
        async def noting(handler):
            await asyncio.sleep(0)
            self.append(f"{name} in")
            try:
                yield
            finally:
                await asyncio.sleep(0)
                self.append(f"{name} out {handler.get_status()} {handler._finished}")

        return noting


@pytest.fixture
def journal():
    return Journal()


def noting_handler(journal, style):
    class Base(RequestHandler):
        def prepare(self):
            journal.append("prepare")

        def on_finish(self):
            journal.append("on_finish")

    class Plain(Base):
        def get(self):
            journal.append("get")
            self.write("done")

    class Native(Base):
        async def get(self):
            await asyncio.sleep(0)
            journal.append("get")
            self.write("done")

    class Generator(Base):
        @gen.coroutine
        def get(self):
            yield gen.moment
            journal.append("get")
            self.write("done")

    class Open(Base):
        @asynchronous
        def get(self):
            asyncio.get_running_loop().call_soon(self.answer)

        def answer(self):
            journal.append("get")
            self.finish("done")

    class Replaced(Base):
        def _execute(self, transforms, *args, **kwargs):
            return super()._execute(transforms, *args, **kwargs)

        def get(self):
            journal.append("get")
            self.write("done")

    styles = (Plain, Native, Generator, Open, Replaced)
    return {cls.__name__: cls for cls in styles}[style]


STYLES = ["Plain", "Native", "Generator", "Open", "Replaced"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", ["hook", "async_hook"])
def test_hooks_stand_around_the_whole_request(journal, fetch, style, kind):
    make = getattr(journal, kind)
    handler = noting_handler(journal, style)
    routes = [url("/", handler, around_request=[make("route")])]
    conn = fetch(Application(routes, around_request=[make("first"), make("second")]))
    assert conn.text == "done"
    assert journal == [
        "first in",
        "second in",
        "route in",
        "prepare",
        "get",
        "on_finish",
        "route out 200 True",
        "second out 200 True",
        "first out 200 True",
    ]


def test_hooks_of_both_kinds_go_together(journal, fetch):
    hooks = [journal.hook("a"), journal.async_hook("b"), journal.hook("c")]
    conn = fetch(Application([("/", noting_handler(journal, "Plain"))], around_request=hooks))
    assert conn.code == 200
    assert [entry.split()[0] for entry in journal] == [
        *["a", "b", "c", "prepare", "get", "on_finish", "c", "b", "a"]
    ]


def test_a_synchronous_request_between_synchronous_hooks_makes_no_task(journal, in_memory):
    async def main():
        app = Application(
            [("/", noting_handler(journal, "Plain"))], around_request=[journal.hook("a")]
        )
        conn = in_memory.connection(asyncio.get_running_loop())
        delegate = app.start_request(None, conn)
        delegate.headers_received(
            RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "example.com"})
        )
        delegate.finish()
        assert conn.finished == 1
        assert len(asyncio.all_tasks()) == 1
        assert journal[-1] == "a out 200 True"

    asyncio.run(main())


def test_a_hook_of_one_route_is_not_for_others(journal, fetch):
    handler = noting_handler(journal, "Plain")
    app = Application([url("/a", handler, around_request=[journal.hook("a")]), ("/b", handler)])
    fetch(app, uri="/b")
    assert journal == ["prepare", "get", "on_finish"]
    fetch(app, uri="/a")
    assert journal[3] == "a in"


def test_hooks_of_rules_add_up_on_the_way_to_the_handler(journal, fetch):
    """Rules above, nested applications and routes each add theirs; one that is named twice runs
    once."""
    hook = journal.hook
    shared = hook("shared")
    handler = noting_handler(journal, "Plain")
    inner = Application(
        [url("/x", handler, around_request=[hook("route"), shared])],
        around_request=[hook("inner"), shared],
    )
    outer = Application(
        [Rule(HostMatches(".*"), inner, around_request=[hook("rule")])],
        around_request=[hook("outer")],
    )
    assert fetch(outer, uri="/x").text == "done"
    assert [entry for entry in journal if entry.endswith(" in")] == [
        "outer in",
        "rule in",
        "inner in",
        "shared in",
        "route in",
    ]


def test_a_rule_whose_target_declines_leaves_no_hook_behind(journal, fetch):
    handler = noting_handler(journal, "Plain")
    below = [("/nothing", handler)]
    app = Application(
        [Rule(HostMatches(".*"), below, around_request=[journal.hook("declined")]), ("/", handler)]
    )
    assert fetch(app).text == "done"
    assert journal == ["prepare", "get", "on_finish"]


def test_requests_without_a_route_have_the_hooks_of_the_application(journal, fetch):
    conn = fetch(Application(around_request=[journal.hook("a")]))
    assert conn.code == 404
    assert journal == ["a in", "a saw HTTPError", "a out 404 True"]


def test_an_application_with_its_own_find_handler_has_hooks_too(journal, fetch):
    class Own(Application):
        def find_handler(self, request, **kwargs):
            return self.get_handler_delegate(request, noting_handler(journal, "Plain"))

    fetch(Own(around_request=[journal.hook("a")]))
    assert journal[0] == "a in"
    assert journal[-1] == "a out 200 True"


@pytest.mark.parametrize("style", ["plain", "coroutine"])
def test_a_hook_sees_the_exception_when_it_has_been_answered(journal, fetch, caplog, style):
    class Failing(RequestHandler):
        def get(self):
            raise ZeroDivisionError

    class FailingLater(RequestHandler):
        async def get(self):
            await asyncio.sleep(0)
            raise ZeroDivisionError

    handler = Failing if style == "plain" else FailingLater
    conn = fetch(Application([("/", handler)], around_request=[journal.hook("a")]))
    assert conn.code == 500
    assert journal == ["a in", "a saw ZeroDivisionError", "a out 500 True"]
    assert [record.name for record in caplog.records] == ["tornado.application", "tornado.access"]


def test_an_exception_in_a_callback_reaches_the_hooks(journal, fetch, caplog):
    class Failing(RequestHandler):
        @asynchronous
        def get(self):
            asyncio.get_running_loop().call_soon(self.fail)

        def fail(self):
            raise ZeroDivisionError

    class Guarded(Failing):
        @asynchronous
        def get(self):
            asyncio.get_running_loop().call_soon(self.async_callback(self.fail))

    conn = fetch(Application([("/", Guarded)], around_request=[journal.hook("a")]))
    assert conn.code == 500
    assert journal[1] == "a saw ZeroDivisionError"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [(HTTPError(401), 401, None), (Finish("enough"), 200, "enough"), (KeyError(), 500, None)],
)
def test_a_hook_may_end_the_request_before_it_begins(journal, fetch, caplog, error, code, text):
    @contextlib.contextmanager
    def refuse(handler):
        raise error
        yield

    hooks = [journal.hook("a"), refuse, journal.hook("never")]
    conn = fetch(Application([("/", noting_handler(journal, "Plain"))], around_request=hooks))
    assert conn.code == code
    assert text is None or conn.text == text
    assert "prepare" not in journal
    assert journal[-1] == f"a out {code} True"


def test_a_hook_may_answer_by_itself(journal, fetch):
    @contextlib.asynccontextmanager
    async def log_in(handler):
        handler.redirect("/login")
        yield

    hooks = [journal.hook("a"), log_in, journal.hook("never")]
    conn = fetch(Application([("/", noting_handler(journal, "Native"))], around_request=hooks))
    assert conn.code == 302
    assert journal == ["a in", "on_finish", "a out 302 True"]


@pytest.mark.parametrize("kind", ["hook", "async_hook"])
def test_a_hook_that_fails_after_the_request_is_logged(journal, fetch, caplog, kind):
    @contextlib.contextmanager
    def broken(handler):
        yield
        raise ZeroDivisionError

    hooks = [getattr(journal, kind)("a"), broken]
    conn = fetch(Application([("/", noting_handler(journal, "Plain"))], around_request=hooks))
    assert conn.text == "done"
    assert journal[-1] == "a out 200 True"
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info[0] is ZeroDivisionError


class Waiting(RequestHandler):
    async def get(self):
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("error", "code"), [(TimeoutError, 500), (HTTPError(503), 503), (Finish("late"), 200)]
)
@pytest.mark.parametrize("kind", ["hook", "async_hook"])
def test_a_hook_may_be_a_timeout(journal, fetch, caplog, error, code, kind):
    """It answers with the exception that it makes of the cancellation; hooks around it see that."""

    @contextlib.asynccontextmanager
    async def limited(handler):
        try:
            async with asyncio.timeout(0):
                yield
        except TimeoutError:
            raise error from None

    hooks = [getattr(journal, kind)("a"), limited]
    conn = fetch(Application([("/", Waiting)], around_request=hooks))
    assert conn.code == code
    assert not conn.closed
    assert journal[-1] == f"a out {code} True"


def test_a_timeout_that_says_nothing_closes_the_connection(journal, fetch):
    @contextlib.asynccontextmanager
    async def limited(handler):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                yield

    conn = fetch(Application([("/", Waiting)], around_request=[journal.hook("a"), limited]))
    assert conn.closed
    assert conn.start_line is None
    assert journal[-1].startswith("a out")


@pytest.mark.parametrize("kind", ["hook", "async_hook"])
def test_the_others_are_left_if_one_is_cancelled_meanwhile(journal, fetch, kind):
    @contextlib.asynccontextmanager
    async def interrupted(handler):
        yield
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    hooks = [getattr(journal, kind)("a"), interrupted]
    conn = fetch(Application([("/", noting_handler(journal, "Plain"))], around_request=hooks))
    assert conn.text == "done"
    assert journal[-1] == "a out 200 True"


variable = contextvars.ContextVar("variable", default="outside")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("first", ["hook", "async_hook"])
def test_hooks_and_handler_share_one_context(journal, fetch, style, first):
    @contextlib.contextmanager
    def setting(handler):
        token = variable.set("inside")
        try:
            yield
        finally:
            journal.append(variable.get())
            variable.reset(token)  # fails in another context

    base = noting_handler(journal, style)

    class Handler(base):
        def prepare(self):
            journal.append(variable.get())

    hooks = [getattr(journal, first)("a"), setting]
    assert fetch(Application([("/", Handler)], around_request=hooks)).text == "done"
    assert journal.count("inside") == 2
    assert variable.get() == "outside"


@pytest.mark.parametrize("kind", ["hook", "async_hook"])
def test_streamed_bodies_come_between_the_hooks(journal, fetch, kind):
    @stream_request_body
    class Streaming(RequestHandler):
        async def prepare(self):
            journal.append("prepare")

        def data_received(self, chunk):
            journal.append(chunk.decode())

        def post(self):
            self.write("done")

    app = Application([("/", Streaming)], around_request=[getattr(journal, kind)("a")])
    assert fetch(app, "POST", body=b"xyz", split=1).text == "done"
    assert journal == ["a in", "prepare", "x", "y", "z", "a out 200 True"]


def test_a_hook_that_refuses_a_streamed_body_lets_it_pass(journal, fetch):
    @contextlib.asynccontextmanager
    async def refuse(handler):
        await asyncio.sleep(0)
        raise HTTPError(403)
        yield

    @stream_request_body
    class Streaming(RequestHandler):
        def data_received(self, chunk):
            journal.append(chunk)

    conn = fetch(Application([("/", Streaming)], around_request=[refuse]), "POST", body=b"xyz")
    assert conn.code == 403
    assert journal == []


class Forever(RequestHandler):
    began: asyncio.Event
    released: asyncio.Event
    seen: list[str]

    async def get(self):
        self.began.set()
        try:
            await self.released.wait()
            self.seen.append("released")
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            raise

    def on_connection_close(self):
        self.seen.append("on_connection_close")


class Obstinate(Forever):
    cancel_on_disconnect = False


class Willing(Forever):
    cancel_on_disconnect = True


async def _leave(in_memory, handler, **settings):
    """Begin a request, and leave; return what happened, and whether something was cancelled."""
    handler.began, handler.released = asyncio.Event(), asyncio.Event()
    handler.seen = []
    app = Application([("/", handler)], **settings)
    conn = in_memory.connection(asyncio.get_running_loop())
    delegate = app.start_request(None, conn)
    delegate.headers_received(
        RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "example.com"})
    )
    delegate.finish()
    async with asyncio.timeout(LIMIT):
        await handler.began.wait()
        with contextlib.suppress(ZeroDivisionError):
            conn.close_callback()
        tasks = list(app._running)
        cancelled = any(task.cancelling() for task in tasks)
        if not cancelled:
            handler.released.set()
        await asyncio.wait(tasks)
    return handler.seen, cancelled


@pytest.mark.parametrize(
    ("handler", "settings", "cancelled"),
    [
        (Forever, {}, False),
        (Forever, {"cancel_on_disconnect": True}, True),
        (Obstinate, {"cancel_on_disconnect": True}, False),
        (Willing, {}, True),
    ],
)
def test_a_coroutine_is_cancelled_if_so_wished(in_memory, handler, settings, cancelled):
    seen, was_cancelled = asyncio.run(_leave(in_memory, handler, **settings))
    assert was_cancelled is cancelled
    assert seen == ["on_connection_close", "cancelled" if cancelled else "released"]


def test_a_coroutine_is_cancelled_also_if_on_connection_close_fails(journal, in_memory):
    class Failing(Willing):
        def on_connection_close(self):
            raise ZeroDivisionError

    hooks = {"around_request": [journal.hook("a")]}
    seen, was_cancelled = asyncio.run(_leave(in_memory, Failing, **hooks))
    assert was_cancelled
    assert seen == ["cancelled"]
    assert journal[-1].startswith("a out")


def test_hooks_are_left_when_the_client_has_gone(journal, in_memory):
    hooks = {"around_request": [journal.hook("a"), journal.async_hook("b")]}
    asyncio.run(_leave(in_memory, Willing, **hooks))
    assert journal[0:2] == ["a in", "b in"]
    assert journal[-1].startswith("a out")


def test_hooks_are_left_when_the_client_of_an_open_response_has_gone(journal, in_memory):
    class Open(Forever):
        @asynchronous
        def get(self):
            self.began.set()

    asyncio.run(_leave(in_memory, Open, around_request=[journal.hook("a")]))
    assert journal == ["a in", "a out 200 False"]


def test_a_real_client_that_leaves_cancels_the_coroutine(serve):
    import threading

    began, ended = threading.Event(), threading.Event()

    class Waiting(RequestHandler):
        cancel_on_disconnect = True

        async def get(self):
            began.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()

    with serve(Application([("/", Waiting)])) as server:
        conn = server.connect()
        conn.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert began.wait(LIMIT)
        conn.close()
        assert ended.wait(LIMIT)


def test_handlers_between_hooks_need_no_collector(journal, in_memory):
    """A request with hooks, one that failed included, leaves no cycle behind."""
    handlers = []

    class Handler(RequestHandler):
        def get(self, fail):
            handlers.append(weakref.ref(self))
            if fail:
                raise HTTPError(400)

    app = Application([("/(.*)", Handler)], around_request=[journal.hook("a")])
    gc.collect()
    gc.disable()
    try:

        async def main():
            await in_memory.exchange(app, uri="/")
            await in_memory.exchange(app, uri="/x")

        asyncio.run(main())
        assert [ref() for ref in handlers] == [None, None]
    finally:
        gc.enable()
