"""One fetch, from its place in the queue to its response, redirects included.

Each request that it comes to is a transfer of libcurl's on a handle that holds nothing else. The
redirects are followed here, by the rules that the other client has too: which method and fields go
on, and which credentials don't.

A fetch ends in exactly one of three ways: with a response, with an error (`Fetch.fail`), or because
nobody waits for it any more (`Fetch.abandon`). Each gives its place and its handle back.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import time
from collections.abc import Callable, Coroutine, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado._curl_client.errors import CurlError
from tornado._curl_client.feed import Feed
from tornado._curl_client.options import content_length, set_options, set_times
from tornado._curl_client.reception import Reception
from tornado._httpclient.request import IDEMPOTENT, EffectiveRequest
from tornado._httpclient.response import HTTPResponse
from tornado._ioloop.futures import begin_later
from tornado._simple_client.redirect import REDIRECTS, next_request, without_expectation
from tornado._simple_client.target import Target, target_of
from tornado.httputil import HTTPHeaders, HTTPInputError
from tornado.ioloop import IOLoop

if TYPE_CHECKING:
    from tornado._curl_client.client import CurlAsyncHTTPClient


class Fetch:
    """A fetch of one request.

    :arg client: has the limits, and the driver.
    :arg request: what to fetch, seen through the client's defaults.
    :arg callback: gets the response, also one that tells of an error.
    """

    __slots__ = (
        "_callback",
        "_client",
        "_context",
        "_created",
        "_curl",
        "_feed",
        "_hop_started",
        "_original",
        "_outcome",
        "_reception",
        "_redirects",
        "_started",
        "_target",
        "_wall_time",
        "deadline",
        "has_listeners",
        "is_over",
        "request",
        "url",
    )

    def __init__(
        self,
        client: CurlAsyncHTTPClient,
        request: EffectiveRequest,
        callback: Callable[[HTTPResponse], Any],
    ) -> None:
        asked = request.request
        # Fetch.
        self._client = client
        self._original = self.request = request
        self._callback = callback
        self._wall_time = time.time()
        self._created = created = time.monotonic()
        timeout = asked.request_timeout
        if timeout is None:
            timeout = request._defaults["request_timeout"]
        #: Until when there has to be a response, on the monotonic clock.
        self.deadline = created + timeout if timeout else math.inf
        self.url = asked.url
        self.is_over = False
        self._started = math.inf
        self._redirects = 0
        self.has_listeners = (
            asked.streaming_callback is not None
            or asked.header_callback is not None
            or request.sink is not None
        )
        # The callbacks' context is the caller's.
        self._context: contextvars.Context | None = None
        if self.has_listeners or asked.body_producer is not None or asked.prepare_curl_callback:
            self._context = contextvars.copy_context()
        # Hop.
        self._curl: Any = None
        self._target: Target
        self._hop_started = math.inf
        self._reception: Reception | None = None
        self._feed: Feed | None = None
        # What libcurl said at the end of a transfer that others aren't done with.
        self._outcome: tuple[int, str] | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The client's loop."""
        loop: asyncio.AbstractEventLoop = self._client.io_loop.asyncio_loop
        return loop

    # -- for the client

    def start(self) -> None:
        """Begin: there is a place for it."""
        now = time.monotonic()
        if self.deadline <= now:
            self.strike()
            return
        self._started = now
        self._next_hop(now)

    def strike(self) -> None:
        """The time for the request is over, and libcurl isn't there to say so."""
        where = "in request queue" if self._started == math.inf else "during request"
        self.fail(CurlError(pycurl.E_OPERATION_TIMEDOUT, f"Timeout {where}"))

    def abandon(self) -> None:
        """Give up without a word: nobody waits for the response."""
        if not self.is_over:
            self._end()

    # -- hops

    def _next_hop(self, now: float, cookies: Iterable[bytes] = ()) -> None:
        self._hop_started = now
        request = self.request
        asked = request.request
        try:
            self._target = target_of(self.url)
            self._curl = curl = self._client.driver.take()
            set_options(curl, request, self._target)
            limit = asked.connect_timeout
            if limit is None:
                limit = request._defaults["connect_timeout"]
            set_times(curl, limit, self.deadline - now)
            self._reception = reception = Reception(self, request, self._client.max_body_size)
            curl.setopt(pycurl.HEADERFUNCTION, reception.on_line)
            curl.setopt(pycurl.WRITEFUNCTION, reception.on_body)
            if asked.body_producer is not None:
                self._feed = feed = Feed(self, asked.body_producer, content_length(asked.headers))
                curl.setopt(pycurl.READFUNCTION, feed.read)
            if asked.method not in IDEMPOTENT and self._client.driver.has_dead_connections():
                # libcurl may take one of them, and may not send again what is lost then.
                curl.setopt(pycurl.FRESH_CONNECT, 1)
            if asked.prepare_curl_callback is not None:
                self.call(asked.prepare_curl_callback, curl)
                for cookie in cookies:
                    curl.setopt(pycurl.COOKIELIST, cookie)
        except BaseException as error:
            self.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            if not self.is_over:
                self._client.driver.start(curl, self)

    def followup_of(self, code: int, headers: HTTPHeaders) -> EffectiveRequest | None:
        """Return the request that has to follow a response, `None` if it's what was asked for."""
        if code == 417:
            return self._without_expectation()
        return next_request(self.request, self.url, code, headers, self._redirects)

    def _without_expectation(self) -> EffectiveRequest | None:
        if not self.expects_continue:
            return None
        feed = self._feed
        # A producer can't begin again.
        return None if feed is not None and feed.has_begun else without_expectation(self.request)

    @property
    def expects_continue(self) -> bool:
        """Whether the server was told that its word is waited for."""
        asked = self.request.request
        return asked.expect_100_continue or "Expect" in asked.headers

    def finished(self, errno: int, message: str) -> None:
        """See `tornado._curl_client.driver.Transfer`."""
        if not errno and self._is_waited_for():
            self._outcome = errno, message
            self._client.expect(self)
        else:
            self._conclude(errno, message)

    def proceed(self) -> None:
        """Go on, soon, after something else has come to its end."""
        self._client.driver.call_soon(self._proceed)

    def resume(self) -> None:
        """Go on, soon, with a body that libcurl waits for."""
        self._client.driver.call_soon(self._resume)

    def _proceed(self) -> None:
        if self.is_over:
            return
        if self._outcome is None:
            self._resume()
        elif not self._is_waited_for():
            self._conclude(*self._outcome)

    def _resume(self) -> None:
        if not self.is_over and self._outcome is None:
            self._client.driver.resume(self._curl)

    def _is_waited_for(self) -> bool:
        """Whether somebody has to come to an end before the response is complete."""
        reception, feed = self._reception, self._feed
        if reception is not None and reception.task is not None:
            return True
        # What a producer does after the last byte is its own business; if the server didn't want
        # all of it, there is no use in going on.
        return feed is not None and feed.task is not None and feed.is_complete

    def _conclude(self, errno: int, message: str) -> None:
        reception = self._reception
        if self.is_over or reception is None:
            return
        if reception.followup is not None:
            # Whether all of its body has come doesn't matter.
            self._follow(reception.code, reception.followup)
        elif errno and not reception.is_enough:
            self.fail(CurlError(errno, message))
        else:
            self._respond(reception)

    def _follow(self, code: int, request: EffectiveRequest) -> None:
        if code in REDIRECTS:
            self._redirects += 1
        cookies = self._cookies()
        self._end_hop()
        self.request = request
        self.url = request.request.url
        self._next_hop(time.monotonic(), cookies)

    def _cookies(self) -> list[bytes]:
        """Return the cookies that libcurl has, if it was told to keep any."""
        if self.request.request.prepare_curl_callback is None:
            return []
        found: list[bytes] = self._curl.getinfo_raw(pycurl.INFO_COOKIELIST)
        return found

    # -- the end

    def fail(self, error: BaseException) -> None:
        """End with an error."""
        if self.is_over:
            return
        if isinstance(error, HTTPInputError):
            error = CurlError(pycurl.E_FTP_WEIRD_SERVER_REPLY, str(error))
        elif not isinstance(error, Exception):
            cause = error
            error = CurlError(pycurl.E_ABORTED_BY_CALLBACK, f"interrupted by {cause!r}")
            error.__cause__ = cause
        now = time.monotonic()
        self._end_with(
            HTTPResponse(
                self._original,
                599,
                error=error,
                effective_url=self.url,
                request_time=now - self._created,
                time_info={"queue": min(self._started, now) - self._created},
                start_time=self._wall_time,
            )
        )

    def _respond(self, reception: Reception) -> None:
        try:
            response = self._make_response(reception)
        except Exception as error:
            self.fail(error)
            return
        if response is not None:
            self._end_with(response)

    def _make_response(self, reception: Reception) -> HTTPResponse | None:
        """Return the response, `None` if a callback has ended the fetch when it was shown the
        head."""
        if self.request.request.prepare_curl_callback is not None:
            reception.without_lines(self._curl.getinfo(pycurl.RESPONSE_CODE))
        reception.complete()
        if self.is_over:
            return None
        headers = reception.headers
        if self._original.header_callback is not None:
            # Documented API version 2.x: whoever gets the lines has the headers already.
            headers = HTTPHeaders()
        return HTTPResponse(
            self._original,
            reception.code,
            headers,
            BytesIO(b"".join(reception.chunks or ())),
            self._effective_url(),
            None,
            time.monotonic() - self._created,
            self._time_info(),
            reception.reason or None,
            self._wall_time,
        )

    def _end_with(self, response: HTTPResponse) -> None:
        # The frames in an error's traceback lead to the fetch, which must not lead back to who gets
        # the error.
        callback, self._callback = self._callback, _nobody
        self._end()
        callback(response)

    def _effective_url(self) -> str:
        if self.request.request.prepare_curl_callback is None:
            return self.url
        # libcurl may have been told to go elsewhere, or to follow redirects by itself.
        url: str = self._curl.getinfo(pycurl.EFFECTIVE_URL)
        return self.url if url == self._target.local_form else url

    def _time_info(self) -> dict[str, float]:
        """Return how many seconds after its start the fetch came to each point."""
        getinfo = self._curl.getinfo
        before = self._hop_started - self._started
        resolved = getinfo(pycurl.NAMELOOKUP_TIME)
        handshaken = getinfo(pycurl.APPCONNECT_TIME)
        return {
            "queue": self._started - self._created,
            "namelookup": before + resolved,
            # It says 0 before version 8.12 where there was a connection already.
            "connect": before + max(resolved, getinfo(pycurl.CONNECT_TIME)),
            "appconnect": before + handshaken if handshaken else 0.0,
            "pretransfer": before + getinfo(pycurl.PRETRANSFER_TIME),
            "starttransfer": before + getinfo(pycurl.STARTTRANSFER_TIME),
            "total": before + getinfo(pycurl.TOTAL_TIME),
            "redirect": before + getinfo(pycurl.REDIRECT_TIME),
        }

    def _end(self) -> None:
        """Give back what is in use."""
        self.is_over = True
        # Nothing of it shall wait for the cycle collector.
        self._original.abandon = None
        self._end_hop()
        self._client.release(self)

    def _end_hop(self) -> None:
        feed, self._feed = self._feed, None
        reception, self._reception = self._reception, None
        curl, self._curl = self._curl, None
        self._outcome = None
        if feed is not None:
            feed.cancel()
        if reception is not None:
            reception.cancel()
        if curl is not None:
            # Cookies, for one, outlive the resetting of a handle.
            was_shown = self.request.request.prepare_curl_callback is not None
            self._client.driver.give_back(curl, reusable=not was_shown)

    # -- tools

    def interrupt(self, error: BaseException) -> None:
        """Have the loop raise an error that a callback has raised inside of libcurl."""
        self._client.driver.interrupt(error)

    def call(self, function: Callable[..., Any], argument: Any) -> Any:
        """Call a callback of the request in its caller's context."""
        assert self._context is not None
        return self._context.run(IOLoop._call_surrounded, function, argument)

    def run(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine in a copy of the context of the request's caller, in which it may `call`
        callbacks."""
        assert self._context is not None
        # It mustn't begin while libcurl calls, nor before who asked for the task knows of it.
        return begin_later(self.loop, coroutine, self._context.copy())


def _nobody(response: HTTPResponse) -> None:
    """Take the response of a fetch that has had its own."""
