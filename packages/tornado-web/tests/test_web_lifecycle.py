"""The calls that a request makes, their order, and what ends it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import sys

import pytest

from tornado import gen
from tornado.httputil import HTTPHeaders, RequestStartLine
from tornado.web import Application, Finish, HTTPError, RequestHandler, stream_request_body


def recording(**methods):
    """Make a handler class that notes its calls in ``calls``, with further methods."""

    class Recorder(RequestHandler):
        calls: list = []

        def initialize(self, **kwargs):
            self.calls = type(self).calls
            self.calls.append(("initialize", kwargs) if kwargs else "initialize")

        def prepare(self):
            self.calls.append("prepare")

        def get(self, *args, **kwargs):
            self.calls.append("get")

        def on_finish(self):
            self.calls.append("on_finish")

    return type("Made", (Recorder,), {"calls": [], **methods})


def test_order_of_calls(fetch):
    """WEB-7, WEB-8, WEB-11, WEB-12, WEB-16: initialize, prepare, the method, on_finish; the
    response ends by itself.
    """
    handler = recording()
    conn = fetch(Application([("/", handler, {"a": 1})]))
    assert handler.calls == [("initialize", {"a": 1}), "prepare", "get", "on_finish"]
    assert (conn.code, conn.finished) == (200, 1)


@pytest.mark.parametrize("name", ["get", "prepare"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_method_that_yields_and_is_no_coroutine_is_an_error(fetch, caplog, name, is_async):
    """Nothing in it would ever be run."""

    def yields(self):
        yield self.write("x")

    async def yields_async(self):
        yield self.write("x")

    handler = recording(**{name: yields_async if is_async else yields})
    assert fetch(Application([("/", handler)])).code == 500
    (record,) = (record for record in caplog.records if record.name == "tornado.application")
    assert "generator" in str(record.exc_info[1])


@pytest.mark.parametrize("result", [5, "text", b"bytes", [1], {}, False])
def test_methods_return_what_they_like(fetch, result):
    conn = fetch(Application([("/", recording(get=lambda self: result))]))
    assert (conn.code, conn.body) == (200, b"")


def test_arguments_without_initialize(fetch, caplog):
    """A route's arguments that nobody takes are a mistake that shows."""

    class Plain(RequestHandler):
        def get(self):
            raise AssertionError

    assert fetch(Application([("/", Plain, {"a": 1})])).code == 500
    assert "has no initialize()" in caplog.text


def test_each_request_has_an_instance(fetch):
    """WEB-2."""
    seen = []
    app = Application([("/", recording(get=lambda self: seen.append(self)))])
    fetch(app)
    fetch(app)
    assert len(set(map(id, seen))) == 2
    assert seen[0].application is app  # WEB-25
    assert seen[0].settings is app.settings  # WEB-24


@pytest.mark.parametrize("pattern", [r"/(\w+)/(.*)", r"/(?P<first>\w+)/(?P<second>.*)"])
def test_groups_become_arguments(fetch, pattern):
    """WEB-3, WEB-4, WEB-5, WEB-6, WEB-18: by position or name, %-decoded, through decode_argument."""

    class Groups(RequestHandler):
        def get(self, *args, **kwargs):
            self.write({"args": args, "kwargs": kwargs})

        def decode_argument(self, value, name=None):
            assert isinstance(value, bytes)
            return f"{name}={super().decode_argument(value, name)}"

    text = fetch(Application([(pattern, Groups)]), "GET", "/a/b%20%C3%A9+c").text
    if "first" in pattern:
        assert (
            text == '{"args": [], "kwargs": {"first": "first=a", "second": "second=b \\u00e9+c"}}'
        )
    else:
        assert text == '{"args": ["None=a", "None=b \\u00e9+c"], "kwargs": {}}'


def test_group_that_took_no_part_is_none(fetch):
    class Groups(RequestHandler):
        def get(self, first, second):
            self.write(repr((first, second, self.path_args)))

    conn = fetch(Application([("/(a)?(.*)", Groups)]), "GET", "/x")
    assert conn.text == "(None, 'x', [None, 'x'])"


def test_path_that_is_not_utf_8(fetch, caplog):
    class Groups(RequestHandler):
        def get(self, first):
            raise AssertionError

    assert fetch(Application([("/(.*)", Groups)]), "GET", "/%ff").code == 400
    assert "the path is not UTF-8" in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_methods(ask, method):
    """WEB-9, WEB-13: each request method has its own method, and prepare runs for all."""
    called = []
    handler = recording(**{method.lower(): lambda self: called.append(self.request.method)})
    assert ask(handler, method).code == 200
    assert called == [method]
    assert handler.calls == ["initialize", "prepare", "on_finish"]


def test_further_methods(ask):
    """WEB-14: SUPPORTED_METHODS may be extended."""

    class Dav(RequestHandler):
        SUPPORTED_METHODS = (*RequestHandler.SUPPORTED_METHODS, "PROPFIND")

        def propfind(self):
            self.write("found")

    assert ask(Dav, "PROPFIND").text == "found"
    assert ask(recording(), "PROPFIND").code == 405


def test_methods_that_are_missing(ask):
    """RFC 9110 section 15.5.6: 405 says what is allowed."""
    conn = ask(recording(post=lambda self: None), "DELETE")
    assert conn.code == 405
    assert conn.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    "end",
    [
        lambda self: self.finish("early"),
        lambda self: self.redirect("/elsewhere"),
        lambda self: self.send_error(403),
    ],
)
def test_prepare_that_finishes(ask, end):
    """WEB-10: then the method is not called."""
    handler = recording(prepare=end)
    conn = ask(handler)
    assert conn.finished == 1
    assert handler.calls == ["initialize", "on_finish"]


def test_prepare_may_be_a_coroutine(ask):
    class Handler(RequestHandler):
        async def prepare(self):
            await asyncio.sleep(0)
            self.prepared = True

        def get(self):
            self.write(str(self.prepared))

    assert ask(Handler).text == "True"


def test_coroutine_that_finishes_in_prepare(ask):
    async def prepare(self):
        await asyncio.sleep(0)
        self.finish("early")

    handler = recording(prepare=prepare)
    assert ask(handler).text == "early"
    assert "get" not in handler.calls


@pytest.mark.parametrize("waits", [False, True])
def test_coroutines(ask, waits):
    class Handler(RequestHandler):
        async def get(self):
            if waits:
                await asyncio.sleep(0)
            self.write("async")

        @gen.coroutine
        def post(self):
            if waits:
                yield gen.sleep(0)
            self.write("generator")

    assert ask(Handler).text == "async"
    assert ask(Handler, "POST").text == "generator"


@pytest.mark.parametrize(("done", "same_task"), [(True, True), (False, False)])
def test_finished_future_costs_no_task(ask, done, same_task):
    """What a method returns is not waited for if it is done already."""

    class Handler(RequestHandler):
        def get(self):
            tasks.append(asyncio.current_task())
            future = asyncio.get_running_loop().create_future()
            if done:
                future.set_result(None)
            else:
                asyncio.get_running_loop().call_soon(future.set_result, None)
            return future

        def on_finish(self):
            tasks.append(asyncio.current_task())

    tasks = []
    ask(Handler)
    assert (tasks[0] is tasks[1]) is same_task


@pytest.mark.parametrize("waits", [False, True])
def test_errors_of_coroutines(ask, waits):
    class Handler(RequestHandler):
        async def get(self):
            if waits:
                await asyncio.sleep(0)
            raise HTTPError(418)

        @gen.coroutine
        def post(self):
            if waits:
                yield gen.sleep(0)
            raise HTTPError(418)

    assert ask(Handler).code == 418
    assert ask(Handler, "POST").code == 418


def test_other_results_are_ignored(ask):
    assert ask(recording(get=lambda self: 5)).code == 200


def test_finish_exception(ask):
    """Finish ends the request, with what was written; an argument is written last."""

    class Handler(RequestHandler):
        def get(self):
            self.set_status(401)
            self.write("part")
            raise Finish(" and rest")

    conn = ask(Handler)
    assert (conn.code, conn.text) == (401, "part and rest")


def test_initialize_that_fails(ask, caplog):
    """An error before there is a handler is answered all the same."""

    class Handler(RequestHandler):
        def initialize(self):
            raise HTTPError(403, "not %s", "here")

    assert ask(Handler).code == 403
    assert "not here" in caplog.text


def test_contexts_of_requests(fetch):
    """Each request has a copy of the context: what one sets, no other sees."""
    variable = contextvars.ContextVar("variable", default="unset")

    class Handler(RequestHandler):
        async def get(self):
            self.write(variable.get())
            variable.set("set")
            await asyncio.sleep(0)
            self.write(variable.get())

        def post(self):
            self.write(variable.get())
            variable.set("set")

    app = Application([("/", Handler)])
    for _ in range(2):
        assert fetch(app).text == "unsetset"
        assert fetch(app, "POST").text == "unset"


def test_cancelled_handler_ends_its_connection(ask):
    """Nobody would finish the response, and the client must not wait for it."""

    class Handler(RequestHandler):
        async def get(self):
            asyncio.current_task().cancel()
            await asyncio.sleep(0)

    conn = ask(Handler)
    assert conn.closed
    assert conn.start_line is None


async def cancelled_elsewhere(self):
    """Wait for a task that somebody cancels, who has nothing to do with the request."""
    task = asyncio.ensure_future(asyncio.Event().wait())
    task.cancel()
    await task


def cancelled_already(self):
    """Look at the result of a task that was cancelled."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("hooks", [(), (lambda handler: contextlib.nullcontext(),)])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        (cancelled_already, "initialize"),
        (cancelled_already, "prepare"),
        (cancelled_already, "get"),
        (cancelled_already, "get_current_user"),
        (cancelled_elsewhere, "prepare"),
        (cancelled_elsewhere, "get"),
    ],
)
def test_what_was_cancelled_elsewhere_is_an_error_like_others(ask, caplog, method, name, hooks):
    """The client gets an answer, and the log says what has happened."""
    attributes = {"get": lambda self: self.write(f"{self.current_user}"), name: method}
    conn = ask(type("Made", (RequestHandler,), attributes), settings={"around_request": hooks})
    assert conn.code == 500
    assert conn.finished == 1
    assert "Uncaught exception GET /" in caplog.text
    assert caplog.records[0].exc_info[0] is asyncio.CancelledError


@pytest.mark.parametrize("method", [cancelled_already, cancelled_elsewhere])
@pytest.mark.parametrize("name", ["prepare", "data_received", "post"])
def test_a_streamed_body_whose_handler_waits_for_what_was_cancelled(ask, caplog, method, name):
    class Streamer(RequestHandler):
        def data_received(self, chunk):
            pass

    def act(self, *chunk):
        return method(self)

    handler = stream_request_body(type("Made", (Streamer,), {name: act}))
    assert ask(handler, "POST", body=b"abc").code == 500
    assert caplog.records[0].exc_info[0] is asyncio.CancelledError


def test_detach(ask):
    streams = []

    class Handler(RequestHandler):
        def get(self):
            streams.append(self.detach())

    conn = ask(Handler)
    assert conn.detached
    assert streams == ["the stream"]
    assert conn.start_line is None


def test_async_callback(ask, caplog):
    """WEB-150: it returns a callable that works, and catches what the callback raises."""

    class Handler(RequestHandler):
        def get(self):
            assert self.async_callback(None) is None
            self.async_callback(self.answer, "a", c="c")("b")

        def answer(self, a, b, c):
            self.write(a + b + c)

        def post(self):
            self.async_callback(self.fail)()

        def fail(self):
            raise HTTPError(418)

    assert ask(Handler).text == "abc"
    assert ask(Handler, "POST").code == 418


class TestStreaming:
    @staticmethod
    def handler(**methods):
        class Streamer(RequestHandler):
            def prepare(self):
                self.pieces = []

            def data_received(self, chunk):
                self.pieces.append(chunk)

            def post(self):
                self.write(repr([self.pieces, self.request.body]))

        return stream_request_body(type("Made", (Streamer,), methods))

    def test_pieces_come_between_prepare_and_method(self, ask):
        conn = ask(self.handler(), "POST", body=b"abcdef", split=2)
        assert conn.text == "[[b'ab', b'cd', b'ef'], b'']"

    def test_without_a_body(self, ask):
        assert ask(self.handler(), "POST").text == "[[], b'']"

    def test_body_waits_for_prepare_and_for_data_received(self, ask):
        async def prepare(self):
            await asyncio.sleep(0)
            self.pieces = []

        async def data_received(self, chunk):
            await asyncio.sleep(0)
            self.pieces.append(chunk)

        conn = ask(
            self.handler(prepare=prepare, data_received=data_received), "POST", body=b"ab", split=1
        )
        assert conn.text == "[[b'a', b'b'], b'']"

    def test_answer_before_the_body(self, ask):
        """P8: the rest of the body is not given to a handler that has answered."""

        def data_received(self, chunk):
            raise AssertionError

        handler = self.handler(
            prepare=lambda self: self.finish("no, thanks"), data_received=data_received
        )
        assert ask(handler, "POST", body=b"abc", split=1).text == "no, thanks"

    @pytest.mark.parametrize("is_async", [False, True])
    def test_error_in_data_received(self, ask, is_async):
        def data_received(self, chunk):
            raise HTTPError(413)

        async def later(self, chunk):
            await asyncio.sleep(0)
            raise HTTPError(413)

        handler = self.handler(data_received=later if is_async else data_received)
        assert ask(handler, "POST", body=b"abc", split=1).code == 413

    def test_error_in_prepare(self, ask):
        def prepare(self):
            raise HTTPError(401)

        assert ask(self.handler(prepare=prepare), "POST", body=b"abc").code == 401

    def test_undefined_data_received(self, ask, caplog):
        @stream_request_body
        class Handler(RequestHandler):
            def post(self):
                raise AssertionError

        assert ask(Handler, "POST", body=b"abc").code == 500
        assert "without data_received()" in caplog.text

    def test_only_handlers_can_be_decorated(self):
        with pytest.raises(TypeError):
            stream_request_body(object)


def test_nothing_is_logged_for_a_normal_request(ask, caplog):
    with caplog.at_level(logging.WARNING):
        ask(recording())
    assert not caplog.records


def test_constructors_of_further_bases_are_called(fetch):
    class Behind:
        def __init__(self):
            self.counted = 0

    class InFront:
        def __init__(self, application, request, **kwargs):
            super().__init__(application, request, **kwargs)
            self.counted += 1

    class Counting(InFront, RequestHandler, Behind):
        def get(self):
            self.write(str(self.counted))

    class Later(Counting):
        pass

    assert fetch(Application([("/", Counting)])).text == "1"
    assert fetch(Application([("/", Later)])).text == "1"


class InPrepare(RequestHandler):
    async def prepare(self):
        await asyncio.sleep(0)

    def get(self):
        self.write("done")


class InMethod(RequestHandler):
    async def get(self):
        await asyncio.sleep(0)
        self.write("done")


class InError(RequestHandler):
    async def get(self):
        await asyncio.sleep(0)
        raise HTTPError(418)


@stream_request_body
class InBody(RequestHandler):
    async def data_received(self, chunk):
        await asyncio.sleep(0)

    def get(self):
        self.write("done")


@contextlib.asynccontextmanager
async def waiting_hook(handler):
    yield
    # The task is still kept while hooks are at work.
    assert asyncio.current_task() in handler.application._running
    await asyncio.sleep(0)


@pytest.mark.parametrize("handler", [InPrepare, InMethod, InError, InBody])
@pytest.mark.parametrize("hooks", [[], [waiting_hook]])
def test_the_application_keeps_tasks_as_long_as_they_run(in_memory, handler, hooks):
    async def main():
        app = Application([("/", handler)], around_request=hooks)
        running = asyncio.create_task(in_memory.exchange(app, body=b"x"))
        most = 0
        while not running.done():
            most = max(most, len(app._running))
            await asyncio.sleep(0)
        assert (await running).code in (200, 418)
        return most, len(app._running)

    assert asyncio.run(main()) == (1, 0)


class TaskThatIsOver(asyncio.Future):
    def __init__(self, loop):
        super().__init__(loop=loop)
        self.set_result(None)

    def set_name(self, name):
        """Some versions of Python name tasks only once a factory has made them."""


def test_tasks_that_begin_at_once_and_are_over_are_not_kept(in_memory):
    class Quick(RequestHandler):
        async def get(self):
            self.write("done")

    begun = []

    def make_task(loop, work, **options):
        # As an eager factory does with work that never waits.
        if "RequestHandler" not in work.__qualname__:
            return asyncio.Task(work, loop=loop, **options)
        with pytest.raises(StopIteration):
            work.send(None)
        begun.append(work)
        return TaskThatIsOver(loop)

    async def main():
        app = Application([("/", Quick)])
        asyncio.get_running_loop().set_task_factory(make_task)
        assert (await in_memory.exchange(app)).code == 200
        assert not app._running

    asyncio.run(main())
    assert begun


@pytest.mark.parametrize("turns", [0, 1, 3])
@pytest.mark.parametrize(
    "factory",
    # Eager tasks came with Python 3.12.
    [None, *([asyncio.eager_task_factory] if sys.version_info >= (3, 12) else [])],
)
@pytest.mark.parametrize("hooks", [[], [lambda handler: contextlib.nullcontext()], [waiting_hook]])
@pytest.mark.parametrize("streams", [False, True])
def test_requests_are_served_whenever_tasks_begin(in_memory, factory, turns, hooks, streams):
    class Waiting(RequestHandler):
        async def prepare(self):
            await self.wait()
            self.body = b""

        async def data_received(self, chunk):
            await self.wait()
            self.body += chunk

        async def post(self):
            await self.wait()
            assert (self.body if streams else self.request.body) == b"abc"
            self.write("done")

        async def wait(self):
            for _ in range(turns):
                await asyncio.sleep(0)

    async def main():
        handler = stream_request_body(Waiting) if streams else Waiting
        app = Application([("/", handler)], around_request=hooks)
        asyncio.get_running_loop().set_task_factory(factory)
        answer = await in_memory.exchange(app, "POST", body=b"abc")
        assert (answer.code, answer.body) == (200, b"done")
        assert not app._running

    asyncio.run(main())


def test_a_task_that_is_cancelled_before_it_begins_is_not_kept(in_memory):
    class Waiting(RequestHandler):
        cancel_on_disconnect = True

        def get(self):
            return asyncio.get_running_loop().create_future()

    async def main():
        app = Application([("/", Waiting)])
        conn = in_memory.connection(asyncio.get_running_loop())
        delegate = app.start_request(None, conn)
        delegate.headers_received(
            RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "example.com"})
        )
        delegate.finish()
        conn.close_callback()
        (task,) = app._running
        await asyncio.wait([task])
        await asyncio.sleep(0)
        assert task.cancelled()
        assert not app._running

    asyncio.run(main())
