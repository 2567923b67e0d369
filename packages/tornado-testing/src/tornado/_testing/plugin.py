"""The pytest plugin: what it adds to pytest's settings, and which tests and fixtures it runs.

It's there as soon as the distribution is installed, so it does nothing, and imports nothing, before
a test uses one of its fixtures (`tornado._testing.fixtures`) or its marker.

A test is this plugin's if ``io_loop`` is among its fixtures, named or not, unless it's marked for
another plugin for coroutines (`tornado._testing.hosting`): then that one runs it, and the fixtures
work on its loop.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

from tornado._testing import fixtures
from tornado._testing.hosting import Runner, adopt, is_loop, runner_of

if TYPE_CHECKING:
    from tornado._testing.hosting import Host

MODES = ("strict", "auto")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings for the configuration file."""
    parser.addini(
        "tornado_mode",
        "which coroutines tornado's plugin runs: those that use one of its fixtures or its marker"
        " (strict), or all that no other plugin is marked for (auto)",
        default="strict",
    )
    parser.addini(
        "tornado_timeout",
        "seconds that tests on tornado's loop may take; 5 by default. ASYNC_TEST_TIMEOUT in the"
        " environment is stronger",
        default="",
    )
    parser.addini(
        "tornado_leaks",
        "whether tests on tornado's loop fail if they leave sockets or loops open, or coroutines"
        " never awaited",
        type="bool",
        default=True,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the settings, and add the marker and the fixtures."""
    config.addinivalue_line(
        "markers",
        "tornado(timeout=None, leaks=True): run the test on an event loop of its own; it may take"
        " so many seconds, and leave something behind if leaks is false.",
    )
    mode = config.getini("tornado_mode")
    if mode not in MODES:
        raise pytest.UsageError(f"tornado_mode is one of {', '.join(MODES)}, not {mode!r}")
    timeout = config.getini("tornado_timeout")
    try:
        float(timeout or 0)
    except ValueError:
        raise pytest.UsageError(
            f"tornado_timeout is a number of seconds, not {timeout!r}"
        ) from None
    manager = config.pluginmanager
    manager.register(fixtures, "tornado-testing-fixtures")
    if not has_base_url(config):
        manager.register(fixtures.BaseURL(), "tornado-testing-base-url")


def has_base_url(config: pytest.Config) -> bool:
    """Whether pytest-base-url is there: its fixture of that name lasts for the whole session, and
    it asks for it itself, so there can't be another."""
    names = ("base_url", "pytest_base_url", "pytest_base_url.plugin")
    return any(map(config.pluginmanager.hasplugin, names))


# -- tests


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> None:
    """Have coroutines that are marked, or all if so set, use the loop."""
    if not collector.istestfunction(obj, name) or not _is_coroutine(_innermost(obj)):
        return
    own = {marker.name for marker in getattr(obj, "pytestmark", ())}
    names = own | {marker.name for marker in collector.iter_markers()}
    auto = collector.config.getini("tornado_mode") == "auto"
    if "tornado" in names or (auto and not names & {"asyncio", "anyio", "trio"}):
        pytest.mark.usefixtures("io_loop")(obj)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run a test on its loop."""
    fixtures.adopt_base_url(pyfuncitem)
    io_loop = pyfuncitem.funcargs.get("io_loop")
    if not is_loop(io_loop):
        return (yield)
    host = adopt(pyfuncitem, io_loop, pyfuncitem.addfinalizer)
    if host.runner is not Runner.OWN:
        return (yield)
    function = pyfuncitem.obj
    inner = _innermost(function)
    if not _is_coroutine(inner):
        with host.watched():
            return (yield)
    synchronous = _synchronous(inner, host, pyfuncitem.name)
    if inner is function:
        pyfuncitem.obj = synchronous
    else:
        function.hypothesis.inner_test = synchronous
    try:
        return (yield)
    finally:
        if inner is function:
            pyfuncitem.obj = function
        else:
            function.hypothesis.inner_test = inner


def _innermost(function: Any) -> Any:
    """Return what `hypothesis.given` decorates; other functions are returned as they are."""
    return getattr(getattr(function, "hypothesis", None), "inner_test", function)


def _is_coroutine(function: Any) -> bool:
    # `tornado.gen.coroutine` leaves that name on what it decorates.
    return inspect.iscoroutinefunction(function) or bool(
        getattr(function, "__tornado_coroutine__", False)
    )


def _synchronous(function: Callable[..., Any], host: Host, name: str) -> Callable[..., None]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        host.run(functools.partial(function, *args, **kwargs), name)

    return call


# -- fixtures


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Run a fixture that is a coroutine or an asynchronous generator on the loop of its test."""
    function: Callable[..., Any] = fixturedef.func
    generator = inspect.isasyncgenfunction(function)
    if not generator and not inspect.iscoroutinefunction(function):
        return (yield)
    if fixturedef.argname == "io_loop" or not _is_own_fixture(function, request):
        return (yield)
    if fixturedef.scope == "function" and not is_loop(request.getfixturevalue("io_loop")):
        # The project means something else by that name.
        return (yield)
    if fixturedef.scope != "function":
        pytest.fail(
            f"the fixture {fixturedef.argname} has the scope {fixturedef.scope}, but each test has"
            " a loop of its own: coroutines that are fixtures have the scope function",
            pytrace=False,
        )
    host = adopt(request.node, request.getfixturevalue("io_loop"), request.addfinalizer)
    bound = _bind(function, request)
    runner = _run_generator if generator else _run_coroutine
    replaced: Any = fixturedef
    replaced.func = functools.partial(runner, bound, host, request, fixturedef.argname)
    try:
        return (yield)
    finally:
        replaced.func = function


def _is_own_fixture(function: Any, request: pytest.FixtureRequest) -> bool:
    # pytest-asyncio leaves a mark on those that are decorated with its own decorator.
    function = getattr(function, "__func__", function)
    if getattr(function, "_force_asyncio_fixture", False):
        return False
    item = request.node
    if not isinstance(item, pytest.Function):
        # A wider scope; the test that asks for it first is this one.
        item = getattr(request, "_pyfuncitem", None)
    if not isinstance(item, pytest.Function) or "io_loop" not in item.fixturenames:
        return False
    return runner_of(item) is Runner.OWN


def _bind(function: Any, request: pytest.FixtureRequest) -> Any:
    """Bind a method to the instance that the test runs on, which pytest makes for each."""
    owner = getattr(function, "__self__", None)
    instance = request.instance
    if owner is not None and instance is not None and type(owner) is type(instance):
        return function.__func__.__get__(instance)
    return function


def _run_coroutine(
    function: Callable[..., Any],
    host: Host,
    request: pytest.FixtureRequest,
    name: str,
    **values: Any,
) -> Any:
    return host.run(lambda: function(**values), f"the fixture {name}")


def _run_generator(
    function: Callable[..., Any],
    host: Host,
    request: pytest.FixtureRequest,
    name: str,
    **values: Any,
) -> Any:
    generator = function(**values)

    async def finish() -> None:
        try:
            await anext(generator)
        except StopAsyncIteration:
            return
        await generator.aclose()
        raise ValueError(f"the fixture {name} yields a second time")

    value = host.run(lambda: anext(generator), f"the fixture {name}")
    request.addfinalizer(lambda: host.run(finish, f"the end of the fixture {name}"))
    return value
