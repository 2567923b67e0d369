"""Who runs the coroutines of a pytest test, and on which loop.

There are several plugins for that, and a test may be marked for one of them. Its fixtures have to
be on the same loop, whoever made it. A `Host` is what they see of it: a loop, and a way to run a
coroutine on it while it stands still.
"""

from __future__ import annotations

import contextlib
import contextvars
import enum
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import asyncio

    from tornado._testing.supervision import SupervisedLoop
    from tornado.ioloop import IOLoop

_HOST: pytest.StashKey[Host] = pytest.StashKey()

# Its names: by its entry point, and by its modules.
_PYTEST_ASYNCIO = ("asyncio", "pytest_asyncio", "pytest_asyncio.plugin")
# The fixture by which pytest-asyncio gives a test its loop, for each scope that a loop may have.
_ASYNCIO_RUNNER = re.compile(r"_\w+_scoped_runner")


class Runner(enum.Enum):
    """Whose loop a test runs on."""

    OWN = "this plugin's"
    ASYNCIO = "pytest-asyncio's"
    ANYIO = "anyio's"
    OTHER = "one that isn't known"


def runner_of(item: pytest.Function) -> Runner:
    """Find out who is to run a test: markers and modes of others are stronger.

    :arg item: the test.
    """
    if any(map(item.config.pluginmanager.hasplugin, _PYTEST_ASYNCIO)) and _is_asyncio_s(item):
        return Runner.ASYNCIO
    if "anyio_backend" in item.fixturenames:
        return Runner.ANYIO
    if item.get_closest_marker("trio") is not None:
        return Runner.OTHER
    return Runner.OWN


def _is_asyncio_s(item: pytest.Function) -> bool:
    """Whether pytest-asyncio, which is there, runs a test, or the fixtures of one that is no
    coroutine."""
    if item.get_closest_marker("asyncio") is not None:
        return True
    # In its auto mode it takes all coroutines, except for those that aren't Python's own.
    is_foreign = hasattr(item.obj, "__tornado_coroutine__")
    return _asyncio_is_auto(item.config) and not is_foreign


def _asyncio_is_auto(config: pytest.Config) -> bool:
    mode = config.getoption("asyncio_mode", None) or config.getini("asyncio_mode")
    return bool(getattr(mode, "value", mode) == "auto")


def host_of(node: Any) -> Host | None:
    """Return the host of a test if it has one yet."""
    stash: pytest.Stash = node.stash
    return stash.get(_HOST, None)


@contextlib.contextmanager
def hosted(request: pytest.FixtureRequest) -> Iterator[Host]:
    """Give a test its host, for as long as the context lasts.

    :arg request: of a fixture of the test.
    """
    item = request.node
    runner = runner_of(item)
    context = own_loop if runner is Runner.OWN else foreign_loop
    with context(request, runner) as host:
        item.stash[_HOST] = host
        try:
            yield host
        finally:
            del item.stash[_HOST]


def is_loop(value: object) -> bool:
    """Whether something is a loop of Tornado's, and not what another project calls ``io_loop``."""
    ioloop = sys.modules.get("tornado.ioloop")
    return ioloop is not None and isinstance(value, ioloop.IOLoop)


def adopt(item: pytest.Function, io_loop: Any, on_end: Callable[[Callable[[], Any]], Any]) -> Host:
    """Return the host of a test. If the project has a fixture ``io_loop`` of its own, it's made
    now, from what that has returned.

    :arg item: the test.
    :arg io_loop: the value of the fixture.
    :arg on_end: registers what has to be called in the end.
    """
    host = host_of(item)
    if host is not None:
        return host
    if not is_loop(io_loop):
        pytest.fail(f"the fixture io_loop returns no IOLoop, but {io_loop!r}", pytrace=False)
    from tornado._testing.supervision import SupervisedLoop

    runner = runner_of(item)
    supervised = SupervisedLoop(io_loop, shared=True) if runner is Runner.OWN else None
    item.stash[_HOST] = host = Host(io_loop, runner, timeout_of(item), supervised)

    def end() -> None:
        del item.stash[_HOST]
        if supervised is not None:
            supervised.release()
            supervised.raise_failure()

    on_end(end)
    return host


def timeout_of(item: pytest.Item) -> float:
    """Return how many seconds a test may take: what its marker says, or the environment, or the
    configuration.

    :arg item: the test.
    """
    from tornado._testing.timeouts import get_async_test_timeout

    for marker in item.iter_markers("tornado"):
        if marker.kwargs.get("timeout") is not None:
            return float(marker.kwargs["timeout"])
    configured = item.config.getini("tornado_timeout")
    if configured and "ASYNC_TEST_TIMEOUT" not in os.environ:
        return float(configured)
    return get_async_test_timeout()


def _looks_for_leaks(item: pytest.Item) -> bool:
    for marker in item.iter_markers("tornado"):
        if "leaks" in marker.kwargs:
            return bool(marker.kwargs["leaks"])
    return bool(item.config.getini("tornado_leaks"))


class Host:
    """The loop of one test.

    :arg io_loop: the loop.
    :arg runner: whose it is.
    :arg timeout: how many seconds the test, and each of its fixtures, may take.
    :arg supervised: what watches over it, if it's this plugin's.
    """

    def __init__(
        self,
        io_loop: IOLoop,
        runner: Runner,
        timeout: float,
        supervised: SupervisedLoop | None = None,
    ) -> None:
        self.io_loop = io_loop
        self.runner = runner
        self.timeout = timeout
        self._supervised = supervised
        # What fixtures set in context variables is there in the test.
        self._context = contextvars.copy_context()

    def run(self, function: Callable[[], Any], name: str) -> Any:
        """Call ``function`` on the loop, and wait for what it returns.

        :arg name: what it is, for error messages.
        :raises TimeoutError: it takes too long.
        """
        __tracebackhide__ = True
        loop: asyncio.AbstractEventLoop = self.io_loop.asyncio_loop
        if loop.is_running():
            raise RuntimeError(
                f"{name} needs the loop, which runs already: let the test name all fixtures that it"
                " uses among its arguments"
            )
        if self._supervised is not None:
            return self._supervised.run(function, self.timeout, name, self._context)
        return loop.run_until_complete(_call(function, self.timeout or None))

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Let a test that isn't a coroutine fail by its callbacks, and by the time it takes on the
        loop."""
        supervised = self._supervised
        if supervised is None:
            yield
            return

        def strike() -> None:
            error = TimeoutError(f"the loop ran for more than {self.timeout} seconds")
            supervised.fail(error, lambda: None)

        supervised.on_failure = self.io_loop.stop
        timer = self.io_loop.call_later(self.timeout, strike) if self.timeout else None
        try:
            yield
        finally:
            supervised.on_failure = None
            if timer is not None:
                self.io_loop.remove_timeout(timer)
            # It's the reason if anything else has gone wrong too.
            supervised.raise_failure()


async def _call(function: Callable[[], Any], timeout: float | None) -> Any:
    import asyncio

    async with asyncio.timeout(timeout):
        return await function()


# -- this plugin's own


@contextlib.contextmanager
def own_loop(request: pytest.FixtureRequest, runner: Runner) -> Iterator[Host]:
    """Make a loop for a test, and see that the test leaves nothing behind."""
    from tornado._testing.leaks import LeakWatch, report
    from tornado._testing.supervision import SupervisedLoop
    from tornado.ioloop import IOLoop

    _forget_failure()
    watch = LeakWatch() if _looks_for_leaks(request.node) else None
    if watch is not None:
        watch.start()
    supervised = None
    try:
        io_loop: IOLoop = IOLoop(make_current=False)
        supervised = SupervisedLoop(io_loop)
        yield Host(io_loop, runner, timeout_of(request.node), supervised)
        supervised.release()
        supervised.raise_failure()
    finally:
        if supervised is not None:
            supervised.release()
        leaks = watch.stop() if watch is not None else []
    if leaks:
        pytest.fail(report(leaks), pytrace=False)


def _forget_failure() -> None:
    """Let go of the frames of the test that failed last, whose leaks aren't the next one's.

    pytest does that too, but only when the fixtures of the next one are set up already.
    """
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        vars(sys).pop(name, None)


# -- others'


@contextlib.contextmanager
def foreign_loop(request: pytest.FixtureRequest, runner: Runner) -> Iterator[Host]:
    """Join the loop that another plugin has made for a test."""
    from tornado.ioloop import IOLoop

    loop = _foreign(request, runner)

    async def face() -> IOLoop:
        current: IOLoop = IOLoop.current()
        return current

    known = loop in IOLoop._ioloop_for_asyncio
    io_loop = loop.run_until_complete(face())
    try:
        yield Host(io_loop, runner, timeout_of(request.node))
    finally:
        if not known:
            IOLoop._ioloop_for_asyncio.pop(loop, None)


def _foreign(request: pytest.FixtureRequest, runner: Runner) -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop
    if runner is Runner.ASYNCIO:
        names = filter(_ASYNCIO_RUNNER.fullmatch, request.node.fixturenames)
        made = request.getfixturevalue(next(names, "_function_scoped_runner"))
        loop = made.get_loop()
        return loop
    if runner is Runner.ANYIO:
        # anyio itself runs it, as it runs every coroutine among the fixtures of such a test.
        loop = request.getfixturevalue("_loop_that_runs_fixtures")
        if loop is not None:
            return loop
    pytest.fail("the fixture io_loop needs a test that runs on asyncio", pytrace=False)
