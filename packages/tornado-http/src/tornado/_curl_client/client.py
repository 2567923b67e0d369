"""`CurlAsyncHTTPClient`: limits and queue of the client's fetches."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado._curl_client.driver import MultiDriver
from tornado._curl_client.errors import CurlError
from tornado._curl_client.fetch import Fetch
from tornado._httpclient.client import AsyncHTTPClient
from tornado._httpclient.places import Places
from tornado._httpclient.request import EffectiveRequest, HTTPRequest
from tornado._httpclient.response import HTTPResponse
from tornado._simple_client.deadlines import Deadlines

DEFAULT_MAX_BODY_SIZE = 104857600  # bytes
MIN_IDLE_CONNECTIONS = 100


class CurlAsyncHTTPClient(AsyncHTTPClient):
    """An HTTP client on libcurl, by way of the package ``pycurl``.

    .. code-block:: python

       AsyncHTTPClient.configure("tornado.curl_httpclient.CurlAsyncHTTPClient", max_clients=50)

    Requests and responses are those of every client. Beyond that, ``prepare_curl_callback`` may
    set further options on the ``pycurl.Curl`` object of a request, and servers that offer HTTP/2
    are spoken to in it if libcurl knows how.

    Errors that libcurl meets are `CurlError`.

    .. versionchanged:: 6.100
       ``body_producer``, ``expect_100_continue``, ``unix_socket`` and ``ssl_options`` (as a
       dictionary) are supported. Content codings are those of the simple client, and are taken off
       as strictly as there.
    """

    def initialize(  # type: ignore[override]  # Configurable leaves the parameters to each class
        self,
        max_clients: int = 10,
        defaults: dict[str, Any] | None = None,
        max_body_size: int = DEFAULT_MAX_BODY_SIZE,
    ) -> None:
        """Take the constructor's arguments.

        :arg max_clients: how many fetches go on at once; further ones wait, and their waiting
            counts against ``request_timeout``.
        :arg defaults: values for attributes that requests leave `None`.
        :arg max_body_size: limit of a response's body in bytes, decoded.
        """
        self.max_clients = max_clients
        self.max_body_size = max_body_size
        super().initialize(defaults=defaults)
        self._places: Places[Fetch] = Places(self)
        self.active, self.queue = self._places.active, self._places.queue
        self._deadlines = Deadlines(self._places.all, self)

    def _enter_loop(self) -> None:
        super()._enter_loop()
        max_clients = self.max_clients
        self.driver = MultiDriver(
            self.io_loop.selector_loop, max(max_clients, MIN_IDLE_CONNECTIONS), max_clients
        )

    def _leave_loop(self) -> None:
        super()._leave_loop()
        self._places.check_unused()
        self._deadlines.cancel()
        self.driver.close()

    @property
    def _multi(self) -> Any:
        # Programs set options of libcurl's here.
        return self.driver.multi

    def close(self) -> None:
        """Free handles and connections; see `AsyncHTTPClient.close`.

        Fetches that are under way fail.
        """
        if self._closed:
            return
        super().close()
        self._deadlines.cancel()
        for fetch in self._places.all():
            fetch.fail(CurlError(pycurl.E_ABORTED_BY_CALLBACK, "the client was closed"))
        self.driver.close()

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], Any]) -> None:
        """Fetch; see `AsyncHTTPClient.fetch_impl`."""
        effective = EffectiveRequest.of(request, self.defaults)
        fetch = Fetch(self, effective, callback)
        # If it fails at once, the error's traceback leads to this frame.
        del callback
        effective.abandon = fetch.abandon
        if not self._places.take(fetch):
            self.expect(fetch)

    def expect(self, fetch: Fetch) -> None:
        """Strike a fetch when its time is over; libcurl does so while it has the handle."""
        if fetch.deadline != math.inf:
            self._deadlines.expect(fetch.deadline)

    def release(self, fetch: Fetch) -> None:
        """Take note that a fetch has ended: its place is for the next one."""
        self._places.give_back(fetch)
