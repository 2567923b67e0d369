"""The client for an application in the same process, for tests that aren't coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from tornado._testing.client import AsyncTestClient
from tornado._testing.cookies import CookieJar
from tornado._testing.timeouts import GRACE, get_async_test_timeout
from tornado._testing.verbs import Verbs
from tornado.httpclient import HTTPResponse, StreamedResponse
from tornado.httputil import HTTPHeaders
from tornado.ioloop import IOLoop


class TestClient(Verbs[HTTPResponse]):
    """Sends requests to an application in the same process, without sockets, and waits for the
    responses.

    .. code-block:: python

       with TestClient(application) as client:
           response = client.get("/")
           assert response.body == b"Hello"

    It has an event loop of its own, which runs while something is waited for. Where a loop runs
    already, `AsyncTestClient` is what's needed; that one's arguments are the same, and tell more.

    .. attribute:: io_loop

       The loop.

    .. attribute:: cookies

       The cookies, a mapping of names to values; those that responses set are kept.

    .. versionadded:: 6.100
    """

    #: For pytest, which takes classes of such names for tests.
    __test__ = False

    def __init__(self, app: Any, **kwargs: Any) -> None:
        self._client = AsyncTestClient(app, **kwargs)
        self.cookies: CookieJar = self._client.cookies
        self.io_loop: IOLoop = IOLoop(make_current=False)

    def __enter__(self) -> TestClient:
        return self

    def __exit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except Exception:
            # What went wrong first tells more.
            if value is None:
                raise

    def close(self) -> None:
        """Close all connections and the loop; ``with`` does it too.

        :raises Exception: whatever a handler has let out that nobody knows of yet.
        """
        loop: asyncio.AbstractEventLoop = self.io_loop.asyncio_loop
        if loop.is_closed():
            return
        try:
            self.run(self._client.close)
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE))
            loop.run_until_complete(loop.shutdown_asyncgens())
            self.io_loop.close(all_fds=True)

    def run(self, function: Callable[[], Any]) -> Any:
        """Call ``function`` on the loop, wait for what it returns if that can be waited for, and
        return the result.

        :arg function: takes no arguments.
        :raises RuntimeError: a loop runs in this thread already.
        """

        async def call() -> Any:
            result = function()
            return await result if inspect.isawaitable(result) else result

        return self._run(call())

    def _run(self, coroutine: Any) -> Any:
        if asyncio._get_running_loop() is not None:
            coroutine.close()
            raise RuntimeError(
                "a loop is running in this thread: AsyncTestClient is for coroutines"
            )
        return self.io_loop.asyncio_loop.run_until_complete(coroutine)

    def fetch(self, path: str, raise_error: bool = False, **kwargs: Any) -> HTTPResponse:
        """Send a request, and return the response.

        :arg path: path, or a whole URL.
        :arg raise_error: raise an error for responses that aren't 2xx.
        :arg kwargs: as for `AsyncTestClient.fetch`.
        :raises Exception: whatever the handler has let out.
        """
        response: HTTPResponse = self._run(self._client.fetch(path, raise_error, **kwargs))
        return response

    @contextlib.contextmanager
    def stream(self, path: str, raise_error: bool = False, **kwargs: Any) -> Iterator[TestStream]:
        """Send a request, and read the response's body while it comes.

        .. code-block:: python

           with client.stream("/numbers") as response:
               for chunk in response:
                   print(chunk)

        :arg path: path, or a whole URL.
        :arg raise_error: raise an error for responses that aren't 2xx.
        :arg kwargs: as for `fetch`.
        :returns: a context manager, which gives a `TestStream`.
        """
        streaming = self._client.stream(path, raise_error, **kwargs)
        response = self._run(streaming.__aenter__())
        try:
            yield TestStream(self, response)
        finally:
            self._run(streaming.__aexit__(None, None, None))

    def websocket(self, path: str = "/", **kwargs: Any) -> TestWebSocket:
        """Open a websocket, which needs the distribution tornado-websocket.

        :arg path: path, or a whole URL.
        :arg kwargs: as for `AsyncTestClient.websocket`.
        """
        return TestWebSocket(self, self._run(self._client.websocket(path, **kwargs)))


class TestStream:
    """A response whose body a test reads while it comes; it's iterated over once.

    .. attribute:: response

       The `~tornado.httpclient.StreamedResponse`.

    .. versionadded:: 6.100
    """

    #: For pytest, which takes classes of such names for tests.
    __test__ = False

    def __init__(self, client: TestClient, response: StreamedResponse) -> None:
        self.response = response
        self._client = client

    @property
    def code(self) -> int:
        """The status code."""
        return self.response.code

    @property
    def headers(self) -> HTTPHeaders:
        """The header fields."""
        return self.response.headers

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._client._run(anext(self.response, b"")):
            yield piece

    def read(self) -> bytes:
        """Return what is left of the body."""
        data: bytes = self._client._run(self.response.read())
        return data


class TestWebSocket:
    """A websocket that a `TestClient` has opened, for tests that aren't coroutines.

    .. code-block:: python

       with client.websocket("/echo") as websocket:
           websocket.write_message("hello")
           assert websocket.read_message() == "hello"

    .. attribute:: connection

       The `tornado.websocket.WebSocketClientConnection`.

    .. versionadded:: 6.100
    """

    #: For pytest, which takes classes of such names for tests.
    __test__ = False

    def __init__(self, client: TestClient, connection: Any) -> None:
        self.connection = connection
        self._client = client

    def __enter__(self) -> TestWebSocket:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[str | bytes]:
        while (message := self.read_message()) is not None:
            yield message

    @property
    def close_code(self) -> int | None:
        """The code with which the websocket was closed."""
        code: int | None = self.connection.close_code
        return code

    @property
    def close_reason(self) -> str | None:
        """The text that came with it."""
        reason: str | None = self.connection.close_reason
        return reason

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that the handler has chosen."""
        subprotocol: str | None = self.connection.selected_subprotocol
        return subprotocol

    def write_message(self, message: str | bytes | dict[str, Any], binary: bool = False) -> None:
        """Send a message.

        :arg message: text, bytes, or a dictionary, which is sent as JSON.
        :arg binary: send it as a binary message.
        """

        async def write() -> None:
            await self.connection.write_message(message, binary=binary)

        self._client._run(write())

    def read_message(self, timeout: float | None = None) -> str | bytes | None:
        """Return the next message, `None` when the websocket is closed.

        :arg timeout: seconds; `get_async_test_timeout` by default.
        :raises TimeoutError: no message has come.
        :raises Exception: whatever a handler has let out meanwhile.
        """
        limit = get_async_test_timeout() if timeout is None else timeout

        async def read() -> str | bytes | None:
            async with asyncio.timeout(limit or None):
                message: str | bytes | None = await self.connection.read_message()
            return message

        message: str | bytes | None = self._client._run(read())
        self._client._client._raise_error()
        return message

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the websocket, and wait for the end.

        :arg code: close code.
        :arg reason: text.
        """
        self.connection.close(code, reason)
        while self.read_message() is not None:
            pass  # A message that the test wasn't interested in.
