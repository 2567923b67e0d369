"""Callbacks of fetches run in the contexts in which they were passed (STK-8)."""

import asyncio
import contextlib
import subprocess
import sys
import textwrap

import pytest

from tornado import gen
from tornado.httpclient import HTTPRequest
from tornado.stack_context import ExceptionStackContext, StackContext


@pytest.fixture(params=["simple", "curl"])
def served(request):
    """A scripted server whose client is each of the two in turn."""
    return request.getfixturevalue("scripted" if request.param == "simple" else "curled")


class Contexts:
    """Context managers that tell in which of them something runs."""

    def __init__(self):
        self.current = None
        self.errors = []

    def named(self, name):
        @contextlib.contextmanager
        def manager():
            earlier, self.current = self.current, name
            try:
                yield
            finally:
                self.current = earlier

        return StackContext(manager)

    def catching(self, name):
        def handle(kind, error, trace):
            self.errors.append((name, kind))
            return True

        return ExceptionStackContext(handle)


async def test_stk_8_the_callback_runs_in_the_context_of_its_fetch(served, reply):
    contexts = Contexts()
    results = asyncio.Queue()

    def got(response):
        results.put_nowait((contexts.current, response.code))
        raise ValueError

    async with served(lambda request: reply("text")) as server:
        # One connection after the other carries fetches of both.
        for name in ("first", "second", "third"):
            with contexts.catching(name), contexts.named(name):
                server.client.fetch(server.url, got)
            assert await results.get() == (name, 200)
        with contexts.catching("error"), contexts.named("error"):
            server.client.fetch("http://127.0.0.1:1/", callback=got)
        assert await results.get() == ("error", 599)
        await asyncio.sleep(0)
    assert contexts.current is None
    expected = ("first", "second", "third", "error")
    assert contexts.errors == [(name, ValueError) for name in expected]


async def test_stk_8_fetches_that_wait_for_their_turn_keep_their_context(served, reply):
    contexts = Contexts()
    results = asyncio.Queue()
    count = 25
    async with served(lambda request: reply(request.target)) as server:
        for number in range(count):
            with contexts.named(f"/{number}"):
                server.client.fetch(
                    f"{server.url}/{number}",
                    lambda response: results.put_nowait((contexts.current, response.body.decode())),
                )
        found = [await results.get() for _ in range(count)]
    assert sorted(found) == sorted((f"/{number}", f"/{number}") for number in range(count))


@pytest.mark.parametrize("argument", ["streaming_callback", "header_callback"])
async def test_stk_8_callbacks_of_the_request_run_there_too(served, reply, argument):
    contexts = Contexts()
    seen = set()

    def piece(data):
        seen.add(contexts.current)
        raise ValueError

    async with served(lambda request: reply("text")) as server:
        for name in ("first", "second"):
            request = HTTPRequest(server.url, **{argument: piece})
            with contexts.catching(name), contexts.named(name):
                fetch = server.client.fetch(request)
            # The error was dealt with.
            assert (await fetch).code == 200
    assert seen == {"first", "second"}
    assert {name for name, kind in contexts.errors} == seen


async def test_stk_8_gen_11_an_engine_that_fetches_goes_on_where_it_was_called(served, reply):
    contexts = Contexts()
    ended = asyncio.get_running_loop().create_future()

    @gen.engine
    def work():
        responses = yield [gen.Task(server.client.fetch, server.url) for _ in range(2)]
        ended.set_result(([response.code for response in responses], contexts.current))
        raise LookupError

    async with served(lambda request: reply("text")) as server:
        with contexts.catching("engine"), contexts.named("engine"):
            work()
        assert await ended == ([200, 200], "engine")
        while not contexts.errors:
            await asyncio.sleep(0)
    assert contexts.errors == [("engine", LookupError)]


async def test_callbacks_may_be_coroutines(served, reply, caplog):
    started = asyncio.get_running_loop().create_future()

    async def got(response):
        started.set_result(response.code)
        raise LookupError("out of the coroutine")

    async with served(lambda request: reply("text")) as server:
        server.client.fetch(server.url, got)
        assert await started == 200
        while not caplog.records:
            await asyncio.sleep(0)
    assert "out of the coroutine" in caplog.text


def test_stk_1_the_documented_program_ends_on_any_error_of_a_fetchs_callbacks():
    """Otherwise it would go round in its loop for ever."""
    program = """
        import contextlib, logging, sys
        from tornado import ioloop
        from tornado.httpclient import AsyncHTTPClient
        from tornado.httpserver import HTTPServer
        from tornado.netutil import bind_sockets
        from tornado.stack_context import StackContext

        def answer(request):
            request.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
            request.finish()

        @contextlib.contextmanager
        def die_on_error():
            try:
                yield
            except Exception:
                logging.error("exception in asynchronous operation", exc_info=True)
                sys.exit(1)

        def callback(response):
            print(response.body.decode(), flush=True)
            loop.call_later(0.001, descendant)

        def descendant():
            raise LookupError("in a descendant")

        loop = ioloop.IOLoop.instance()
        server = HTTPServer(answer)
        (sock,) = bind_sockets(0, "127.0.0.1")
        server.add_sockets([sock])
        http_client = AsyncHTTPClient()
        with StackContext(die_on_error):
            http_client.fetch("http://127.0.0.1:%d/" % sock.getsockname()[1], callback)
        loop.call_later(20, loop.stop)
        loop.start()
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (1, "ok\n"), done.stderr
    assert "in a descendant" in done.stderr
