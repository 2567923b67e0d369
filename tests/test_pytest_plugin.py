"""The pytest plugin beside others that run coroutines, and with websockets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

APP = """
import re
from pathlib import Path

import pytest
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

class Hello(RequestHandler):
    async def get(self):
        self.write("hello")

class Echo(WebSocketHandler):
    def on_message(self, message):
        self.write_message(message)

@pytest.fixture
def app():
    return Application([("/", Hello), ("/echo", Echo)])
"""


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(module, *plugins, ini=""):
        pytester.makeini(f"[pytest]\naddopts = --strict-markers -W error\n{ini}")
        pytester.makeconftest(APP)
        pytester.makepyfile(module)
        options = [part for name in plugins for part in ("-p", name)]
        return pytester.runpytest_subprocess(*options)

    return run


PLUGIN = "tornado._testing.plugin"
ASYNCIO = "pytest_asyncio.plugin"
ANYIO = "anyio.pytest_plugin"


def test_websockets(run):
    result = run(
        """
        async def test_path(ws_client):
            connection = await ws_client("/echo")
            await connection.write_message("left unread")
            await connection.write_message("hello")
            assert await connection.read_message() == "left unread"

        async def test_url_and_options(ws_client, http_port):
            got = []
            url = f"ws://127.0.0.1:{http_port}/echo"
            connection = await ws_client(url, on_message_callback=got.append)
            await connection.write_message("hello")

        async def test_closed_already(ws_client):
            connection = await ws_client("/echo")
            connection.close()
            assert await connection.read_message() is None

        def test_not_a_coroutine(ws_client, io_loop):
            connection = io_loop.run_sync(lambda: ws_client("/echo"))
            io_loop.run_sync(lambda: connection.write_message("hello"))
            assert io_loop.run_sync(connection.read_message) == "hello"
        """,
        PLUGIN,
    )
    result.assert_outcomes(passed=4)


STRICT = """
    import asyncio
    import pytest
    import pytest_asyncio
    from tornado.ioloop import IOLoop

    loops = []

    @pytest_asyncio.fixture
    async def theirs():
        yield asyncio.get_running_loop()

    @pytest.fixture
    async def ours(io_loop):
        yield asyncio.get_running_loop()

    @pytest.mark.asyncio
    async def test_theirs(io_loop, theirs):
        assert asyncio.get_running_loop() is theirs is io_loop.asyncio_loop
        assert IOLoop.current() is io_loop

    @pytest.mark.asyncio
    async def test_theirs_with_servers(http_server, http_client, base_url, ws_client):
        assert (await http_client.fetch(base_url)).body == b"hello"
        connection = await ws_client("/echo")
        await connection.write_message("hello")
        assert await connection.read_message() == "hello"

    async def test_ours(io_loop, ours, http_client, base_url):
        assert asyncio.get_running_loop() is ours is io_loop.asyncio_loop
        assert (await http_client.fetch(base_url)).body == b"hello"

    @pytest.mark.tornado
    async def test_marked():
        assert asyncio.get_running_loop() is IOLoop.current().asyncio_loop

    @pytest.mark.asyncio
    async def test_nothing_of_ours(theirs):
        assert asyncio.get_running_loop() is theirs

    @pytest.mark.asyncio(loop_scope="module")
    class TestOneLoop:
        async def test_first(self, io_loop):
            loops.append(asyncio.get_running_loop())
            assert io_loop.asyncio_loop is loops[0]

        async def test_second(self, io_loop, http_client, base_url):
            assert asyncio.get_running_loop() is io_loop.asyncio_loop is loops[0]
            assert (await http_client.fetch(base_url)).body == b"hello"
    """


def test_beside_pytest_asyncio(run):
    ini = "asyncio_default_fixture_loop_scope = function"
    run(STRICT, PLUGIN, ASYNCIO, ini=ini).assert_outcomes(passed=7)
    # Whichever comes first.
    run(STRICT, ASYNCIO, PLUGIN, ini=ini).assert_outcomes(passed=7)
    # Whoever wants all coroutines gets those that nobody else is marked for.
    run(STRICT, ASYNCIO, PLUGIN, ini=f"{ini}\ntornado_mode = auto").assert_outcomes(passed=7)


def test_beside_pytest_asyncio_in_auto_mode(run):
    result = run(
        """
        import asyncio
        import pytest
        from tornado import gen
        from tornado.ioloop import IOLoop

        ran = []

        @pytest.fixture
        async def fixture():
            yield asyncio.get_running_loop()

        async def test_coroutine(io_loop, fixture):
            assert asyncio.get_running_loop() is fixture is io_loop.asyncio_loop
            assert IOLoop.current() is io_loop

        async def test_servers(http_client, base_url, ws_client):
            assert (await http_client.fetch(base_url)).body == b"hello"
            await ws_client("/echo")

        def test_not_a_coroutine(io_loop, fixture, http_client, base_url):
            assert fixture is io_loop.asyncio_loop
            response = io_loop.run_sync(lambda: http_client.fetch(base_url))
            assert response.body == b"hello"

        async def test_nothing_of_ours():
            await asyncio.sleep(0)

        @gen.coroutine
        def test_that_they_do_not_know(http_client, base_url):
            response = yield http_client.fetch(base_url)
            assert response.body == b"hello"

        @pytest.mark.tornado
        @gen.coroutine
        def test_marked_that_they_do_not_know():
            yield gen.moment
            ran.append(True)

        def test_that_it_ran():
            assert ran
        """,
        PLUGIN,
        ASYNCIO,
        ini="asyncio_default_fixture_loop_scope = function\nasyncio_mode = auto",
    )
    result.assert_outcomes(passed=7)


ANYIO_MARKED = """
    import asyncio
    import pytest
    from tornado.ioloop import IOLoop

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @pytest.fixture
    async def fixture():
        yield asyncio.get_running_loop()

    @pytest.mark.anyio
    async def test_theirs(io_loop, fixture):
        assert asyncio.get_running_loop() is fixture is io_loop.asyncio_loop
        assert IOLoop.current() is io_loop

    @pytest.mark.anyio
    async def test_theirs_with_servers(http_client, base_url, ws_client):
        assert (await http_client.fetch(base_url)).body == b"hello"
        connection = await ws_client("/echo")
        await connection.write_message("hello")
        assert await connection.read_message() == "hello"

    @pytest.mark.tornado
    async def test_ours(fixture, http_client, base_url):
        assert asyncio.get_running_loop() is fixture
        assert (await http_client.fetch(base_url)).body == b"hello"
    """


def test_beside_anyio(run):
    run(ANYIO_MARKED, PLUGIN, ANYIO).assert_outcomes(passed=3)
    run(ANYIO_MARKED, ANYIO, PLUGIN).assert_outcomes(passed=3)
    # All three together.
    result = run(
        ANYIO_MARKED, ANYIO, PLUGIN, ASYNCIO, ini="asyncio_default_fixture_loop_scope = function"
    )
    result.assert_outcomes(passed=3)
    # Whoever takes all coroutines takes those that are marked for anyio, too.
    ini = "asyncio_default_fixture_loop_scope = function\nasyncio_mode = auto"
    marked, _, _ = ANYIO_MARKED.rpartition("@pytest.mark.tornado")
    run(marked, ANYIO, PLUGIN, ASYNCIO, ini=ini).assert_outcomes(passed=2)


def test_a_loop_that_is_not_asyncio_s(run):
    result = run(
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "trio"

        @pytest.mark.anyio
        async def test_it(io_loop):
            pass
        """,
        PLUGIN,
        ANYIO,
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the fixture io_loop needs a test that runs on asyncio*"])


def test_the_example_in_the_guide(run):
    guide = Path(__file__).parents[1] / "docs" / "guide" / "testing.md"
    (example,) = re.findall(r"^```py\n(.*?)^```$", guide.read_text("utf-8"), re.M | re.S)
    result = run(example, PLUGIN)
    result.assert_outcomes(passed=5)
