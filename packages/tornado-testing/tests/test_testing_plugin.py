"""The pytest plugin, seen from outside: runs of pytest on small projects.

Other plugins are left out of these runs, so that they're the same in every environment.
"""

import importlib
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

APP = """
import pytest

def answer(request):
    body = request.path.encode()
    head = f"HTTP/1.1 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n".encode()
    request.connection.write(head + body)
    request.connection.finish()

@pytest.fixture
def app():
    return answer
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("ASYNC_TEST_TIMEOUT", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


@pytest.fixture
def run(pytester):
    """Run pytest with the plugin on a module, and return what it says."""

    def run(module, *args, conftest=APP, ini=""):
        pytester.makeini(f"[pytest]\naddopts = --strict-markers --strict-config\n{ini}")
        pytester.makeconftest(conftest)
        pytester.makepyfile(module)
        return pytester.runpytest_subprocess("-p", "tornado._testing.plugin", *args)

    return run


def test_the_entry_point_leads_to_the_plugin():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    (module,) = project["project"]["entry-points"]["pytest11"].values()
    assert callable(importlib.import_module(module).pytest_pyfunc_call)


def test_fixtures_and_coroutines(run):
    result = run(
        """
        import contextvars
        import ssl
        import pytest
        from tornado import gen
        from tornado.httpclient import AsyncHTTPClient
        from tornado.httpserver import HTTPServer
        from tornado.ioloop import IOLoop

        var = contextvars.ContextVar("var")
        ended = []

        @pytest.fixture
        async def number(io_loop):
            assert IOLoop.current() is io_loop
            await gen.moment
            var.set("set by a fixture")
            return 42

        @pytest.fixture
        async def resource(number):
            await gen.moment
            yield number + 1
            await gen.moment
            ended.append(number)

        async def test_loop(io_loop):
            assert IOLoop.current() is io_loop

        async def test_async_fixtures(resource, number):
            assert (number, resource) == (42, 43)
            assert var.get() == "set by a fixture"

        def test_generator_was_finished(io_loop):
            assert ended == [42]

        def test_not_a_coroutine_but_its_fixture_is(resource, io_loop):
            async def double():
                return resource * 2
            assert io_loop.run_sync(double) == 86

        @gen.coroutine
        def test_decorated(io_loop):
            yield gen.moment
            assert IOLoop.current() is io_loop

        class TestMethods:
            @pytest.fixture
            async def mine(self):
                self.seen = True
                return self

            async def test_method(self, io_loop, mine):
                assert mine is self
                assert self.seen

            @pytest.mark.parametrize("n", [1, 2])
            async def test_parameters(self, io_loop, n):
                assert n in (1, 2)

        async def test_server(http_server, http_client, http_port, base_url, http_url):
            assert isinstance(http_server, HTTPServer)
            assert isinstance(http_client, AsyncHTTPClient)
            assert base_url == http_url == f"http://127.0.0.1:{http_port}"
            assert (await http_client.fetch(base_url + "/x")).body == b"/x"

        async def test_tls(https_server, https_url, https_port, http_client):
            assert https_url == f"https://127.0.0.1:{https_port}"
            assert (await http_client.fetch(https_url + "/tls")).body == b"/tls"
            with pytest.raises(ssl.SSLError):
                await AsyncHTTPClient().fetch(https_url)

        async def test_both(http_client, http_url, https_url):
            assert (await http_client.fetch(http_url + "/1")).body == b"/1"
            assert (await http_client.fetch(https_url + "/2")).body == b"/2"

        def test_without_a_coroutine(io_loop, http_client, base_url):
            response = io_loop.run_sync(lambda: http_client.fetch(base_url + "/sync"))
            assert response.body == b"/sync"
        """,
        "-W",
        "error",
    )
    result.assert_outcomes(passed=12)


def test_tests_that_fail(run):
    result = run(
        """
        import asyncio
        import pytest

        async def test_assertion(io_loop):
            await asyncio.sleep(0)
            assert 1 == 2

        async def test_callback(io_loop):
            io_loop.add_callback(lambda: 1 / 0)
            await asyncio.Event().wait()

        def test_callback_without_a_coroutine(io_loop):
            io_loop.add_callback(lambda: 1 / 0)
            io_loop.start()

        @pytest.fixture
        async def broken(io_loop):
            raise LookupError("broken fixture")

        async def test_fixture(broken):
            pass

        @pytest.fixture
        async def broken_end(io_loop):
            yield
            raise LookupError("broken end")

        async def test_end_of_fixture(broken_end):
            pass

        @pytest.fixture
        async def twice(io_loop):
            yield 1
            yield 2

        async def test_fixture_that_yields_twice(twice):
            pass

        @pytest.fixture
        async def late(io_loop):
            return 1

        async def test_fixture_asked_for_too_late(request, io_loop):
            request.getfixturevalue("late")

        @pytest.fixture(scope="module")
        async def wide():
            return 1

        async def test_fixture_of_a_wider_scope(io_loop, wide):
            pass
        """
    )
    result.assert_outcomes(failed=4, passed=2, errors=4)
    text = result.stdout.str()
    assert "assert 1 == 2" in text
    assert text.count("ZeroDivisionError: division by zero") >= 2
    assert "LookupError: broken fixture" in text
    assert "LookupError: broken end" in text
    assert "ValueError: the fixture twice yields a second time" in text
    assert "RuntimeError: the fixture late needs the loop, which runs already" in text
    assert "the fixture wide has the scope module" in text


OWN_LOOP = (
    APP
    + """
from tornado.platform.asyncio import AsyncIOLoop

class MyLoop(AsyncIOLoop):
    pass

@pytest.fixture
def io_loop():
    loop = MyLoop(make_current=False)
    yield loop
    assert not loop.asyncio_loop.is_closed()
    loop.close(all_fds=True)
"""
)


def test_a_project_may_have_loops_of_its_own(run):
    result = run(
        """
        import asyncio
        import pytest
        from tornado.ioloop import IOLoop

        @pytest.fixture
        async def number(io_loop):
            yield 42
            assert IOLoop.current() is io_loop

        async def test_it(io_loop, number, http_client, base_url):
            assert number == 42
            assert type(io_loop).__name__ == "MyLoop"
            assert IOLoop.current() is io_loop
            assert (await http_client.fetch(base_url + "/x")).body == b"/x"

        async def test_tasks_are_ended(io_loop):
            asyncio.ensure_future(asyncio.Event().wait())
            await asyncio.sleep(0)

        def test_not_a_coroutine(io_loop, number):
            io_loop.add_callback(lambda: 1 / 0)
            io_loop.start()

        class TestOther:
            @pytest.fixture
            def io_loop(self):
                return "no loop"

            async def test_coroutine(self, io_loop):
                pass

            def test_not_a_coroutine(self, io_loop):
                assert io_loop == "no loop"

            def test_server(self, io_loop, http_server):
                pass
        """,
        "-W",
        "error",
        conftest=OWN_LOOP,
    )
    result.assert_outcomes(passed=3, failed=2, errors=1)
    text = result.stdout.str()
    assert "ZeroDivisionError: division by zero" in text
    assert "async def functions are not natively supported" in text
    assert "the fixture io_loop returns no IOLoop, but 'no loop'" in text


def test_an_application_is_asked_for(run):
    result = run("def test_it(http_server): pass", conftest="")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*define a fixture named app*"])


def test_it_does_nothing_until_it_is_used(run):
    result = run(
        """
        import sys

        def test_it_imports_little():
            assert not {"asyncio", "tornado.ioloop", "tornado.httpserver"} & set(sys.modules)

        async def test_coroutines_are_left_alone():
            pass
        """,
        conftest="",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_marker_and_mode(run):
    module = """
        import asyncio
        import pytest

        class TestMarked:
            pytestmark = pytest.mark.tornado

            async def test_in_class(self):
                await asyncio.sleep(0)

            def test_not_a_coroutine(self, request):
                assert "io_loop" not in request.fixturenames

        @pytest.mark.tornado
        async def test_marked():
            await asyncio.sleep(0)

        async def test_unmarked():
            await asyncio.sleep(0)
        """
    run(module).assert_outcomes(passed=3, failed=1)
    run(module, ini="tornado_mode = auto").assert_outcomes(passed=4)
    result = run(module, ini="tornado_mode = often")
    result.stderr.fnmatch_lines(["*tornado_mode is one of strict, auto, not 'often'*"])


def test_timeouts(run, monkeypatch):
    module = """
        import asyncio
        import pytest

        @pytest.mark.tornado(timeout=0.02)
        async def test_marked():
            await asyncio.Event().wait()

        @pytest.mark.tornado(timeout=0.02)
        def test_not_a_coroutine(io_loop):
            io_loop.start()

        async def test_unmarked(io_loop):
            await asyncio.Event().wait()

        @pytest.fixture
        async def slow(io_loop):
            await asyncio.Event().wait()

        def test_fixture(slow):
            pass
        """
    result = run(module, ini="tornado_timeout = 0.03")
    result.assert_outcomes(failed=3, errors=1)
    text = result.stdout.str()
    assert "TimeoutError: test_marked is not done after 0.02 seconds" in text
    assert "TimeoutError: the loop ran for more than 0.02 seconds" in text
    assert "TimeoutError: test_unmarked is not done after 0.03 seconds" in text
    assert "TimeoutError: the fixture slow is not done after 0.03 seconds" in text
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", "0.04")
    text = run(module, ini="tornado_timeout = 60").stdout.str()
    assert "TimeoutError: test_marked is not done after 0.02 seconds" in text
    assert "TimeoutError: test_unmarked is not done after 0.04 seconds" in text
    result = run(module, ini="tornado_timeout = long")
    result.stderr.fnmatch_lines(["*tornado_timeout is a number of seconds, not 'long'*"])


LEAKS = """
    import asyncio
    import socket
    import pytest

    async def nothing():
        pass

    async def test_socket(io_loop):
        socket.socket()

    def test_loop(io_loop):
        ring = [asyncio.new_event_loop()]
        ring.append(ring)

    async def test_coroutine(io_loop):
        nothing()

    @pytest.fixture
    async def leaking(io_loop):
        yield
        nothing()

    async def test_fixture(leaking):
        pass

    async def test_failure_that_keeps_a_socket(io_loop):
        sock = socket.socket()
        assert False

    async def test_tidy(io_loop):
        socket.socket().close()
        io_loop.add_future(asyncio.ensure_future(asyncio.sleep(60)), print)
        await asyncio.sleep(0)

    @pytest.mark.tornado(leaks=False)
    async def test_allowed(io_loop):
        socket.socket()
    """


def test_leaks(run):
    result = run(LEAKS, "-W", "ignore")
    result.assert_outcomes(passed=6, failed=1, errors=4)
    text = result.stdout.str()
    for name in ("test_socket", "test_loop", "test_coroutine", "test_fixture"):
        assert f"ERROR at teardown of {name}" in text
    assert "unclosed <socket" in text
    assert "unclosed event loop" in text
    assert "coroutine 'nothing' was never awaited" in text
    run(LEAKS, "-W", "ignore", ini="tornado_leaks = false").assert_outcomes(passed=6, failed=1)


def test_hypothesis(run):
    result = run(
        """
        import asyncio
        from hypothesis import given, strategies as st, settings, HealthCheck

        seen = []

        @settings(
            max_examples=5,
            database=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        @given(n=st.integers())
        async def test_property(io_loop, n):
            await asyncio.sleep(0)
            seen.append(n)

        def test_it_ran():
            assert seen
        """,
        "-p",
        "_hypothesis_pytestplugin",
    )
    result.assert_outcomes(passed=2)


# pytest-base-url in short: it asks for its own fixture, for the whole session.
BASE_URL = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--base-url", dest="base_url")

@pytest.fixture(scope="session")
def base_url(request):
    return request.config.getoption("base_url")

@pytest.fixture(scope="session", autouse=True)
def verify(request, base_url):
    pass
"""


def test_beside_a_plugin_with_a_base_url(run, pytester):
    pytester.makepyfile(pytest_base_url=BASE_URL)
    module = """
        async def test_own(http_server, http_url, base_url):
            assert base_url == http_url or base_url == "http://elsewhere"

        async def test_fetch(http_server, http_client, base_url):
            if base_url != "http://elsewhere":
                assert (await http_client.fetch(base_url + "/")).body == b"/"

        def test_other(base_url):
            assert base_url in (None, "http://elsewhere")
        """
    other = ("-p", "pytest_base_url")
    run(module, *other).assert_outcomes(passed=3)
    result = run(module, *other, "--base-url", "http://elsewhere")
    result.assert_outcomes(passed=3)
