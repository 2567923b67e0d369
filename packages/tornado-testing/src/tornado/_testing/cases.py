"""Test cases with an event loop of their own."""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import Callable, Generator
from typing import Any, overload

from tornado._testing.leaks import LeakWatch, held_open, report
from tornado._testing.supervision import SupervisedLoop, is_shared
from tornado._testing.timeouts import get_async_test_timeout
from tornado.ioloop import IOLoop


class AsyncTestCase(unittest.TestCase):
    """A test case with an event loop for each test, ``io_loop``.

    Coroutines are tests with `gen_test`. Callback-style code calls `stop` when it's done, and the
    test calls `wait`:

    .. code-block:: python

       class FetchTest(AsyncTestCase):
           def test_fetch(self):
               client = AsyncHTTPClient()
               client.fetch("http://localhost:8888/", self.stop)
               response = self.wait()
               self.assertIn(b"Hello", response.body)

    An exception in a callback fails the test; one that `ExpectLog` waits for in the log does not.

    A test that passes otherwise fails if it leaves a socket or an event loop open, or a coroutine
    that was never awaited.

    .. attribute:: io_loop

       The test's event loop. Tasks that are left on it are cancelled when the test has ended.

    .. attribute:: fail_on_leaks

       Set it to false in a class whose tests may leave things open.

    .. versionchanged:: 6.100
       Tests that leak fail. Exceptions of callbacks that asyncio runs fail the test too.
    """

    io_loop: IOLoop
    fail_on_leaks = True

    # While a test runs.
    _supervised: SupervisedLoop | None = None
    _stopped = False
    _waiting = False
    _passed: Any = None

    # -- around the test

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test, and look for leaks when it's over."""
        if not self.fail_on_leaks:
            return super().run(result)
        watch = LeakWatch()
        watch.start()
        # Cleanups are part of the test, and the first is the last to run.
        self.addCleanup(self._fail_on_leaks, watch, set(vars(self)))
        try:
            return super().run(result)
        finally:
            watch.stop()

    def setUp(self) -> None:
        """Make the loop."""
        super().setUp()
        known = set(IOLoop._ioloop_for_asyncio.values())
        self.io_loop = self.get_new_ioloop()
        supervised = SupervisedLoop(self.io_loop, shared=is_shared(self.io_loop, known))
        supervised.on_failure = self.stop
        self._supervised = supervised
        self._stopped = False
        self._passed = None
        # For tests whose setUp fails later on, or whose tearDown does.
        self.addCleanup(supervised.release)

    def tearDown(self) -> None:
        """Cancel what still runs, and close the loop."""
        super().tearDown()
        if self._supervised is not None:
            self._supervised.release()
            # A failure of which nobody has taken notice yet.
            self._supervised.raise_failure()

    def get_new_ioloop(self) -> IOLoop:
        """Return the loop for a test: a new one.

        Subclasses may return another. One that was there before, or that is the process's (see
        `IOLoop.instance`), stays open after the test.
        """
        loop: IOLoop = IOLoop(make_current=False)
        return loop

    def _fail_on_leaks(self, watch: LeakWatch, earlier: set[str]) -> None:
        # The loop is closed by now, unless others need it after the test.
        earlier.add("io_loop")
        leaks = list(held_open(value for name, value in vars(self).items() if name not in earlier))
        leaks += watch.stop()
        if leaks:
            raise self.failureException(report(leaks))

    def _callTestMethod(self, method: Callable[[], Any]) -> None:
        result = method()
        if result is None:
            return
        if inspect.iscoroutine(result):
            result.close()
        elif not isinstance(result, Generator):
            raise ValueError(f"a test returns nothing, but {method.__name__} returns {result!r}")
        raise TypeError(
            f"{method.__name__} is a coroutine, so it has to be decorated with gen_test"
        )

    def _run(self, function: Callable[[], Any], timeout: float, name: str) -> Any:
        return self._supervision().run(function, timeout, name)

    def _supervision(self) -> SupervisedLoop:
        if self._supervised is None:
            raise RuntimeError(f"{type(self).__qualname__}.setUp leaves out AsyncTestCase.setUp")
        return self._supervised

    # -- callback style

    def stop(self, _arg: Any = None, **kwargs: Any) -> None:
        """End the present `wait` or the next.

        :arg _arg: what `wait` returns.
        :arg kwargs: in place of one argument, several, which `wait` returns as a dictionary.
        """
        if _arg is not None and kwargs:
            raise TypeError("stop takes one argument or several with names, not both")
        self._passed = kwargs or _arg
        self._stopped = True
        if self._waiting:
            self.io_loop.stop()

    def wait(
        self, condition: Callable[..., bool] | None = None, timeout: float | None = None
    ) -> Any:
        """Run the loop until `stop` is called; if it was called already, return at once.

        Each call begins anew, so that a test may wait several times.

        :arg condition: is asked after each `stop`; as long as it says false, the loop goes on.
        :arg timeout: seconds; `get_async_test_timeout` by default, and 0 for any time.
        :returns: what was given to `stop`.
        :raises AssertionError: (or the ``failureException`` of the class) that time is over.
        :raises Exception: whatever a callback has let out meanwhile.
        """
        limit = get_async_test_timeout() if timeout is None else timeout
        supervised = self._supervision()
        timer = None
        if limit:
            timer = self.io_loop.call_later(limit, self._wait_too_long, limit, condition)
        try:
            while not self._may_return(condition):
                self._stopped = False
                self._run_loop()
        finally:
            self._stopped = False
            if timer is not None:
                self.io_loop.remove_timeout(timer)
        supervised.raise_failure()
        passed, self._passed = self._passed, None
        return passed

    def _run_loop(self) -> None:
        self._waiting = True
        try:
            self.io_loop.start()
        finally:
            self._waiting = False

    def _may_return(self, condition: Callable[..., bool] | None) -> bool:
        if self._supervised is not None and self._supervised.failure is not None:
            return True
        return self._stopped and (condition is None or bool(condition()))

    def _wait_too_long(self, limit: float, condition: Callable[..., bool] | None) -> None:
        # A loop that was held up does what was due meanwhile all at once.
        if self._supervised is not None and not self._may_return(condition):
            error = self.failureException(f"nobody has called stop within {limit} seconds")
            self._supervised.fail(error, lambda: None)


@overload
def gen_test(func: Callable[..., Any]) -> Callable[..., Any]: ...
@overload
def gen_test(
    func: None = None, timeout: float | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
def gen_test(func: Callable[..., Any] | None = None, timeout: float | None = None) -> Any:
    """Make a coroutine, native or of a generator, a test of an `AsyncTestCase`.

    :arg func: the coroutine function; without one, the result is a decorator.
    :arg timeout: seconds; `get_async_test_timeout` by default.

    .. code-block:: python

       class FetchTest(AsyncHTTPTestCase):
           @gen_test(timeout=10)
           async def test_fetch(self):
               response = await self.http_client.fetch(self.get_url("/"))

    A test that takes too long is cancelled, and fails with a `TimeoutError` that shows where it was
    waiting. A test returns nothing; other methods may be decorated too, and return what they like.

    .. versionchanged:: 4.0
       Added ``timeout`` and support for ``ASYNC_TEST_TIMEOUT``.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def test(self: AsyncTestCase, *args: Any, **kwargs: Any) -> Any:
            limit = get_async_test_timeout() if timeout is None else timeout
            call = functools.partial(function, self, *args, **kwargs)
            return self._run(call, limit, function.__qualname__)

        return test

    return decorate if func is None else decorate(func)


def setup_with_context_manager(testcase: unittest.TestCase, cm: Any) -> Any:
    """Enter a context manager in ``setUp`` that is left when the test has ended, after
    ``tearDown``; return what entering it returns.

    :arg testcase: the test case.
    :arg cm: the context manager.

    .. versionadded:: 6.4
    """
    return testcase.enterContext(cm)
