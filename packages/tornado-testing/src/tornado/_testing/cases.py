"""Test cases with an event loop of their own."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import sys
import unittest
from collections.abc import Callable, Generator
from typing import Any, overload

from tornado._testing.ports import bind_unused_port
from tornado.gen import coroutine
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.util import raise_exc_info

DEFAULT_TIMEOUT = 5.0  # seconds


def get_async_test_timeout() -> float:
    """Return how long asynchronous tests may take, in seconds: ``ASYNC_TEST_TIMEOUT`` of the
    environment, or 5."""
    try:
        return float(os.environ.get("ASYNC_TEST_TIMEOUT", ""))
    except ValueError:
        return DEFAULT_TIMEOUT


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

    An exception in a callback fails the test.
    """

    io_loop: IOLoop

    def setUp(self) -> None:
        """Make the loop."""
        super().setUp()
        self._stopped = False
        self._running = False
        self._stop_args: Any = None
        self._failure: tuple[Any, Any, Any] | None = None
        self.io_loop = self.get_new_ioloop()
        self._original_handler = self.io_loop.handle_callback_exception
        self.io_loop.handle_callback_exception = self._on_callback_exception  # type: ignore[method-assign]  # for this loop only
        self.io_loop.make_current()

    def tearDown(self) -> None:
        """Cancel what still runs, and close the loop."""
        loop: asyncio.AbstractEventLoop = self.io_loop.asyncio_loop
        tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        IOLoop.clear_current()
        self.io_loop.close(all_fds=True)
        super().tearDown()
        # A failure of which nobody has taken notice yet.
        self._raise_failure()

    def get_new_ioloop(self) -> IOLoop:
        """Return the loop for a test; subclasses may take another than a new one."""
        loop: IOLoop = IOLoop(make_current=False)
        return loop

    def _on_callback_exception(self, callback: Any) -> None:
        exc_info = sys.exc_info()
        if self._failure is None:
            self._failure = exc_info
        else:
            self._original_handler(callback)
        self.stop()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise_exc_info(failure)

    def _callTestMethod(self, method: Callable[[], Any]) -> None:
        result = method()
        if inspect.iscoroutine(result) or isinstance(result, Generator):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError(
                "Generator and coroutine test methods should be decorated with gen_test"
            )
        if result is not None:
            raise ValueError(f"Return value from test method ignored: {result!r}")

    def stop(self, _arg: Any = None, **kwargs: Any) -> None:
        """End `wait`, which returns the argument, or the keyword arguments as a dictionary."""
        if _arg is not None and kwargs:
            raise TypeError("stop() takes one argument or keywords, not both")
        self._stop_args = kwargs or _arg
        if self._running:
            self.io_loop.stop()
            self._running = False
        self._stopped = True

    def wait(
        self, condition: Callable[..., bool] | None = None, timeout: float | None = None
    ) -> Any:
        """Run the loop until `stop` is called, or return at once if it was.

        :arg condition: go on until this is true.
        :arg timeout: seconds; `get_async_test_timeout` by default.
        :returns: what was passed to `stop`.
        """
        limit = get_async_test_timeout() if timeout is None else timeout
        if not self._stopped:
            handle = None
            if limit:
                handle = self.io_loop.call_later(limit, self._on_timeout, limit)
            while True:
                self._running = True
                self.io_loop.start()
                if self._failure is not None or condition is None or condition():
                    break
            if handle is not None:
                self.io_loop.remove_timeout(handle)
        self._stopped = False
        self._raise_failure()
        result, self._stop_args = self._stop_args, None
        return result

    def _on_timeout(self, limit: float) -> None:
        message = f"Async operation timed out after {limit} seconds"
        self._failure = (TimeoutError, TimeoutError(message), None)
        self.stop()


class AsyncHTTPTestCase(AsyncTestCase):
    """A test case with a server for an application, and a client.

    .. code-block:: python

       class HelloTest(AsyncHTTPTestCase):
           def get_app(self):
               return Application([("/", HelloHandler)])

           def test_hello(self):
               response = self.fetch("/")
               self.assertEqual(response.code, 200)
    """

    def setUp(self) -> None:
        """Start the server."""
        super().setUp()
        sock, port = bind_unused_port()
        self.__port = port

        async def start() -> None:
            self.http_client = self.get_http_client()
            self._app = self.get_app()
            self.http_server = self.get_http_server()
            self.http_server.add_sockets([sock])

        self.io_loop.run_sync(start)

    def tearDown(self) -> None:
        """Stop the server and close its connections."""
        self.http_server.stop()
        self.io_loop.run_sync(
            self.http_server.close_all_connections, timeout=get_async_test_timeout()
        )
        self.http_client.close()
        del self.http_server
        del self._app
        super().tearDown()

    def get_http_client(self) -> AsyncHTTPClient:
        """Return the client."""
        client: AsyncHTTPClient = AsyncHTTPClient()
        return client

    def get_http_server(self) -> HTTPServer:
        """Return the server, not listening yet."""
        server: HTTPServer = HTTPServer(self._app, **self.get_httpserver_options())
        return server

    def get_app(self) -> Any:
        """Return the application; subclasses define it."""
        raise NotImplementedError()

    def get_httpserver_options(self) -> dict[str, Any]:
        """Return arguments for the server; subclasses may define some."""
        return {}

    def fetch(self, path: str, raise_error: bool = False, **kwargs: Any) -> HTTPResponse:
        """Fetch something from the server, and return the response.

        :arg path: path, or a whole URL.
        :arg raise_error: raise an error for responses that aren't 2xx.
        :arg kwargs: arguments of `~tornado.httpclient.HTTPRequest`.
        """
        url = path if path.lower().startswith(("http://", "https://")) else self.get_url(path)

        async def run() -> HTTPResponse:
            return await self.http_client.fetch(url, raise_error=raise_error, **kwargs)

        response: HTTPResponse = self.io_loop.run_sync(run, timeout=get_async_test_timeout())
        return response

    def get_http_port(self) -> int:
        """Return the server's port."""
        return self.__port

    def get_protocol(self) -> str:
        """Return ``http``."""
        return "http"

    def get_url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"{self.get_protocol()}://127.0.0.1:{self.get_http_port()}{path}"


@overload
def gen_test(func: Callable[..., Any]) -> Callable[..., None]: ...
@overload
def gen_test(
    func: None = None, timeout: float | None = None
) -> Callable[[Callable[..., Any]], Callable[..., None]]: ...
def gen_test(func: Callable[..., Any] | None = None, timeout: float | None = None) -> Any:
    """Make a coroutine, native or of a generator, a test of an `AsyncTestCase`.

    :arg timeout: seconds; `get_async_test_timeout` by default.

    .. code-block:: python

       class FetchTest(AsyncHTTPTestCase):
           @gen_test(timeout=10)
           async def test_fetch(self):
               response = await self.http_client.fetch(self.get_url("/"))
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., None]:
        runner = function if inspect.iscoroutinefunction(function) else coroutine(function)

        @functools.wraps(function)
        def test(self: AsyncTestCase, *args: Any, **kwargs: Any) -> None:
            limit = get_async_test_timeout() if timeout is None else timeout
            try:
                self.io_loop.run_sync(
                    functools.partial(runner, self, *args, **kwargs), timeout=limit
                )
            except TimeoutError as error:
                raise TimeoutError(f"{function.__qualname__}: {error}") from error
            self._raise_failure()

        return test

    return decorate if func is None else decorate(func)


def setup_with_context_manager(testcase: unittest.TestCase, cm: Any) -> Any:
    """Enter a context manager in ``setUp`` that is left when the test has ended; return what
    entering it returns.

    .. versionadded:: 6.4
    """
    return testcase.enterContext(cm)
