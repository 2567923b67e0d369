"""The interface that all asynchronous clients have, and its blocking form."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import _get_running_loop
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from typing import Any
from weakref import WeakSet

from tornado._httpclient.request import DEFAULTS, EffectiveRequest, HTTPRequest
from tornado._httpclient.response import HTTPResponse
from tornado._httpclient.stream import Inbox, StreamedResponse
from tornado.ioloop import IOLoop
from tornado.util import Configurable

FetchCallback = Callable[[HTTPResponse], Any]

_CLIENTS = "_http_clients"  # the attribute of a loop that has its shared clients, by class
# Loops that have such an attribute.
_loops: WeakSet[IOLoop] = WeakSet()


class AsyncHTTPClient(Configurable):
    """An HTTP client that doesn't block.

    There is one client for each `~tornado.ioloop.IOLoop`: constructing the class again gives the
    same object, unless
    ``force_instance`` is true. Which implementation it is, and with which arguments it's made, is
    chosen with ``configure``:

    .. code-block:: python

       AsyncHTTPClient.configure(None, max_clients=50)
       response = await AsyncHTTPClient().fetch("http://www.example.com/")

    :arg force_instance: make a new client, which is not shared; only such a client takes further
        arguments.
    :arg defaults: values for attributes that a request leaves `None`, as in
        ``dict(user_agent="...")``.

    .. versionchanged:: 5.0
       The ``io_loop`` argument has no effect; it's accepted.
    """

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class whose implementations can be chosen with ``configure``."""
        return AsyncHTTPClient

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used unless another is configured."""
        from tornado.simple_httpclient import SimpleAsyncHTTPClient

        return SimpleAsyncHTTPClient

    def __new__(
        cls, io_loop: Any = None, force_instance: bool = False, **kwargs: Any
    ) -> AsyncHTTPClient:
        # They live as long as their loop does, which has them for that.
        loop = IOLoop.current()
        if not force_instance:
            shared = _shared_clients(loop).get(cls)
            if shared is not None:
                return shared
        instance: AsyncHTTPClient = super().__new__(cls, **kwargs)
        if not force_instance:
            cls._async_clients()[loop] = instance
            instance._shared_as = cls
        return instance

    _shared_as: type[AsyncHTTPClient] | None = None

    @classmethod
    def _async_clients(cls) -> SharedClients:
        # Programs look here for the client of a loop, or make it be forgotten.
        return SharedClients(cls)

    @property
    def _instance_cache(self) -> SharedClients | None:
        return None if self._shared_as is None else self._shared_as._async_clients()

    def initialize(self, defaults: dict[str, Any] | None = None) -> None:
        """Take the constructor's arguments; implementations extend it."""
        self.defaults = {**DEFAULTS, **(defaults or {})}
        self._closed = False
        self._enter_loop()

    def _enter_loop(self) -> None:
        """Work on the current loop from now on."""
        self.io_loop = IOLoop.current()
        self.io_loop._tenants.add(self)

    def _leave_loop(self) -> None:
        """Let go of what belongs to the loop: programs make clients before the loop that uses them,
        and use them in one loop after the other.

        :raises RuntimeError: something goes on there.
        """
        if self.io_loop.asyncio_loop.is_running():
            raise RuntimeError("the client is at work on another event loop")

    def _on_loop_close(self) -> None:
        """Close what would need the loop to be closed."""

    def close(self) -> None:
        """Free what the client holds. It can't be used afterwards.

        Only clients made with ``force_instance`` need it, and programs that close their loop.
        """
        if self._closed:
            return
        self._closed = True
        shared = self._instance_cache
        if shared is not None and shared.get(self.io_loop) is self:
            del shared[self.io_loop]

    def fetch(
        self,
        request: str | HTTPRequest,
        callback: FetchCallback | bool | None = None,
        raise_error: bool = True,
        **kwargs: Any,
    ) -> asyncio.Future[HTTPResponse]:
        """Fetch something.

        :arg request: an address, with ``kwargs`` as further arguments of `HTTPRequest`; or an
            `HTTPRequest`.
        :arg callback: called with the `HTTPResponse`, also when the fetch has failed (documented
            API versions 2.x to 5.x). A value
            that can't be called is taken as ``raise_error``, which stands here in version 6.
        :arg raise_error: whether a response with an error code is an error.
        :returns: a future with the `HTTPResponse`. It raises `HTTPClientError` for responses that
            aren't 2xx unless ``raise_error`` is
            false, and other errors when there is no response.
        :raises RuntimeError: the client is closed, or is at work on another loop.
        :raises ValueError: there are ``kwargs`` beside an `HTTPRequest`.
        """
        if callback is not None and not callable(callback):
            raise_error, callback = bool(callback), None
        effective = self._take_request(request, kwargs)
        future = PendingFetch(effective, raise_error, self.io_loop.asyncio_loop)
        if callback is not None:
            _deliver(self, future, callback)
        try:
            self.fetch_impl(effective, future.respond)  # type: ignore[arg-type]  # it has all of a request's attributes
            return future
        finally:
            # If it has failed already, the error's traceback leads to this frame.
            del future

    @contextlib.asynccontextmanager
    async def stream(
        self, request: str | HTTPRequest, raise_error: bool = True, **kwargs: Any
    ) -> AsyncIterator[StreamedResponse]:
        """Fetch something whose body is read while it comes.

        .. code-block:: python

           async with client.stream("http://www.example.com/large") as response:
               async for chunk in response:
                   file.write(chunk)

        The block begins when the response's head has come. Leaving it early gives the rest up. A
        program that reads slowly makes the server wait; ``request_timeout`` goes on meanwhile, and
        is best 0 for what takes long.

        With implementations of other makers the block may begin when all has come.

        :arg request: an address, with ``kwargs`` as further arguments of `HTTPRequest`; or an
            `HTTPRequest`. Its ``streaming_callback`` and ``header_callback`` are not called.
        :arg raise_error: whether a response with an error code is an error. Otherwise the code is
            for the block to look at.
        :returns: an asynchronous context manager, which gives a `StreamedResponse`.
        :raises HTTPClientError: as `fetch`. The body of a response with an error code isn't read.
        :raises RuntimeError: the client is closed, or is at work on another loop.

        .. versionadded:: 6.100
        """
        effective = self._take_request(request, kwargs)
        effective.sink = inbox = Inbox()
        fetch = PendingFetch(effective, False, self.io_loop.asyncio_loop)
        inbox.watch(fetch)
        self.fetch_impl(effective, fetch.respond)  # type: ignore[arg-type]  # it has all of a request's attributes
        try:
            head = await inbox.wait_for_head()
            response = StreamedResponse(effective.request, *head, inbox)
            if raise_error:
                response.rethrow()
            yield response
        finally:
            if not fetch.cancel() and not fetch.cancelled():
                # Nobody wants to know any more what became of the rest.
                fetch.exception()

    def _take_request(
        self, request: str | HTTPRequest, arguments: dict[str, Any]
    ) -> EffectiveRequest:
        if self._closed:
            raise RuntimeError("the client is closed, and can't fetch any more")
        running = _get_running_loop()
        if running is not None and running is not self.io_loop.asyncio_loop:
            self._leave_loop()
            self._enter_loop()
        if not isinstance(request, HTTPRequest):
            request = HTTPRequest(request, **arguments)
        elif arguments:
            raise ValueError("further arguments can't be used with an HTTPRequest object")
        return EffectiveRequest(request, self.defaults)

    def fetch_impl(self, request: HTTPRequest, callback: FetchCallback) -> None:
        """Fetch ``request`` and call ``callback`` with the response; implementations define it."""
        raise NotImplementedError()

    def handle_callback_exception(self, callback: Any) -> None:
        """Deal with an error raised by a callback, which is in `sys.exc_info`; the loop's own way
        unless overridden."""
        self.io_loop.handle_callback_exception(callback)


def _shared_clients(loop: IOLoop) -> dict[type, AsyncHTTPClient]:
    found: dict[type, AsyncHTTPClient] = vars(loop).get(_CLIENTS, {})
    return found


class SharedClients(MutableMapping[IOLoop, AsyncHTTPClient]):
    """The shared clients of one class, by loop: each is where its loop keeps it.

    :arg client_class: the class that was called.
    """

    def __init__(self, client_class: type[AsyncHTTPClient]) -> None:
        self._class = client_class

    def __getitem__(self, loop: IOLoop) -> AsyncHTTPClient:
        return _shared_clients(loop)[self._class]

    def __setitem__(self, loop: IOLoop, client: AsyncHTTPClient) -> None:
        vars(loop).setdefault(_CLIENTS, {})[self._class] = client
        _loops.add(loop)

    def __delitem__(self, loop: IOLoop) -> None:
        del _shared_clients(loop)[self._class]

    def __iter__(self) -> Iterator[IOLoop]:
        return iter([loop for loop in _loops if self._class in _shared_clients(loop)])

    def __len__(self) -> int:
        return len(list(iter(self)))


class PendingFetch(asyncio.Future[HTTPResponse]):
    """What a fetch will have come to. Cancelling it gives the fetch up.

    :arg request: what is fetched.
    :arg raise_error: whether a response with an error code is an error.
    :arg loop: the client's loop.
    """

    __slots__ = ("_raise_error", "_request", "response")

    def __init__(
        self, request: EffectiveRequest, raise_error: bool, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(loop=loop)
        # Until it has ended: the request may lead back to whoever waits.
        self._request: EffectiveRequest | None = request
        self._raise_error = raise_error
        #: What the implementation has fetched, also when it tells of an error.
        self.response: HTTPResponse | None = None

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel; the client frees what the fetch has in use."""
        cancelled = super().cancel(msg)
        request, self._request = self._request, None
        if cancelled and request is not None and request.abandon is not None:
            request.abandon()
        return cancelled

    def respond(self, response: HTTPResponse) -> None:
        """Take what the implementation has fetched."""
        if self.done():
            return
        self._request = None
        self.response = response
        error = response.error
        if error is None or (response._error_is_response_code and not self._raise_error):
            self.set_result(response)
        else:
            self.set_exception(error)
            if isinstance(error.__cause__, asyncio.CancelledError):
                # As with all that is cancelled, it's no news if nobody waits: it may be the end of
                # the loop.
                self.exception()


def _deliver(client: AsyncHTTPClient, future: PendingFetch, callback: FetchCallback) -> None:
    """Call ``callback`` with the response, also with one that tells of an error."""

    def run(done: asyncio.Future[HTTPResponse]) -> None:
        if future.response is None:
            return
        # The callback is told of the error, so nobody else needs to be.
        done.exception()
        try:
            result = client.io_loop._call_surrounded(callback, future.response)
        except Exception:
            client.handle_callback_exception(callback)
            return
        if result is not None:
            client.io_loop._watch_result(result)

    future.add_done_callback(run)


class HTTPClient:
    """An HTTP client that blocks.

    It runs an `AsyncHTTPClient` on a loop of its own, so it can't be used where a loop is running.

    :arg async_client_class: the implementation; the configured one by default.
    :arg kwargs: its arguments.
    """

    def __init__(
        self, async_client_class: type[AsyncHTTPClient] | None = None, **kwargs: Any
    ) -> None:
        self._closed = True
        self._io_loop = IOLoop(make_current=False)
        client_class = async_client_class or AsyncHTTPClient

        async def make_client() -> AsyncHTTPClient:
            return client_class(force_instance=True, **kwargs)

        try:
            self._async_client = self._io_loop.run_sync(make_client)
        except BaseException:
            self._io_loop.close()
            raise
        self._closed = False

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> HTTPClient:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the client and its loop."""
        if not self._closed:
            self._closed = True
            self._async_client.close()
            self._io_loop.close()

    def fetch(self, request: str | HTTPRequest, **kwargs: Any) -> HTTPResponse:
        """Fetch something and return the `HTTPResponse`.

        Arguments and errors are those of `AsyncHTTPClient.fetch`.
        """

        async def run() -> HTTPResponse:
            response: HTTPResponse = await self._async_client.fetch(request, **kwargs)
            return response

        response: HTTPResponse = self._io_loop.run_sync(run)
        return response
