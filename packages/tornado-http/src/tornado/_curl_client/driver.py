"""libcurl's multi-socket interface on an event loop.

libcurl tells which sockets it waits for and when it wants to be called next, and is called when one
of that has come. Two of its rules shape this module:

1. It isn't called from inside its own callbacks. What programs do there (start a fetch, cancel one,
   close the client) is remembered and done when libcurl has returned.
2. A handle that is in use isn't reset. Handles go back to the stock when they're out of libcurl's
   hands.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Callable
from typing import Any, Protocol

import pycurl  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

from tornado._curl_client.watching import make_watcher


class Transfer(Protocol):
    """Whose a handle is."""

    def finished(self, errno: int, message: str) -> None:
        """libcurl is done with the handle.

        :arg errno: 0, or one of ``pycurl.E_*``.
        :arg message: what libcurl says about an error.
        """


class Alarm:
    """When libcurl wants to be called.

    :arg loop: whose clock is used.
    """

    __slots__ = ("_loop", "due", "is_news")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        #: Seconds on the loop's clock, or infinity.
        self.due = math.inf
        #: Set when libcurl says something about it.
        self.is_news = False

    def on_timer(self, delay: int) -> None:
        """Take note of a delay in milliseconds; if negative, there is nothing to wait for
        (CURLMOPT_TIMERFUNCTION)."""
        self.due = math.inf if delay < 0 else self._loop.time() + delay / 1000
        self.is_news = True


class MultiDriver:
    """Runs transfers.

    :arg loop: the loop to run on; it can watch sockets.
    :arg max_connections: how many connections libcurl keeps for later.
    :arg max_handles: how many unused handles are kept.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, max_connections: int, max_handles: int
    ) -> None:
        self._loop = loop
        # Transfers come from everywhere; libcurl shall not keep the context of one of them.
        self._context = contextvars.Context()
        self._max_connections = max_connections
        self._is_broken = False
        self._open()
        self._stock: list[Any] = []
        self._max_handles = max_handles
        self._closed = False
        # Transfers, by handle.
        self._waiting: dict[Any, Transfer] = {}
        self._running: dict[Any, Transfer] = {}
        # What libcurl has in its hands: handles, and how many of them it isn't done with.
        self._attached: set[Any] = set()
        self._unfinished = 0
        # Calls of libcurl.
        self._inside = False
        self._postponed: list[Callable[[], None]] = []
        self._interrupt: BaseException | None = None
        # Time, on the loop's clock.
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = math.inf

    def _open(self) -> None:
        # Neither of what libcurl calls knows the driver: pycurl isn't part of a cycle.
        self._watcher = make_watcher(self._loop, self._on_ready)
        self._alarm = Alarm(self._loop)
        #: libcurl's part, for those who want to set more options.
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._watcher.on_socket)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._alarm.on_timer)
        self.multi.setopt(pycurl.M_MAXCONNECTS, self._max_connections)

    # -- handles

    def take(self) -> Any:
        """Return a handle on which nothing is set."""
        return self._stock.pop() if self._stock else pycurl.Curl()

    def give_back(self, curl: Any, *, reusable: bool = True) -> None:
        """Take a handle back, whatever its transfer is up to.

        :arg curl: the handle. It isn't used any more by whoever had it.
        :arg reusable: false if more may have been done to it than resetting undoes.
        """
        self._waiting.pop(curl, None)
        self._running.pop(curl, None)
        if self._inside:
            self._postponed.append(lambda: self._retire(curl, reusable))
        else:
            self._retire(curl, reusable)

    def _retire(self, curl: Any, reusable: bool) -> None:
        if curl in self._attached:
            self._attached.remove(curl)
            reusable = self._detach(curl) and reusable
        if reusable and not self._closed and len(self._stock) < self._max_handles:
            curl.reset()
            self._stock.append(curl)
        else:
            curl.close()

    def _detach(self, curl: Any) -> bool:
        """Take a handle out of libcurl's hands; false if it's spoilt by that."""
        if self._is_broken:
            return False
        try:
            self.multi.remove_handle(curl)
        except pycurl.error as error:
            self._renew(error)
            return False
        return True

    def _renew(self, error: Exception) -> None:
        """Begin anew with another multi handle: one in whose callbacks an error was raised is of
        no use any more."""
        self._is_broken = True
        for curl in list(self._running):
            self._finish(curl, pycurl.E_FAILED_INIT, str(error))
        for curl in self._attached:
            curl.close()
        self._attached.clear()
        self.multi.close()
        self._watcher.close()
        self._is_broken = False
        self._open()

    def has_dead_connections(self) -> bool:
        """Whether a server has closed a connection that libcurl keeps for later. It looks by
        itself, but no more than once in a second."""
        return self._watcher.has_ended_socket()

    # -- transfers

    def start(self, curl: Any, transfer: Transfer) -> None:
        """Begin a transfer, soon.

        :arg curl: its handle, with all options set.
        :arg transfer: is told when it's over, unless the handle is given back before.
        """
        if not self._waiting:
            self._loop.call_soon(self._begin, context=self._context)
        self._waiting[curl] = transfer

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call a function from the loop, where nothing of a program's is under way."""
        self._loop.call_soon(function, context=self._context)

    def resume(self, curl: Any) -> None:
        """Let a transfer go on that a callback has paused. It's for functions given to
        `call_soon`."""
        if curl not in self._running:
            return
        try:
            self._call(curl.pause, pycurl.PAUSE_CONT)
        except pycurl.error as error:
            # What it has kept is handed over at once, and may have been refused.
            self._finish(curl, *_number_and_words(error))
        self._settle()

    def interrupt(self, error: BaseException) -> None:
        """Raise an error from the loop's callback, as libcurl's callbacks can't."""
        if self._interrupt is None:
            self._interrupt = error

    def close(self) -> None:
        """Give everything up. Transfers that are under way aren't told."""
        if self._closed:
            return
        self._closed = True
        self._waiting.clear()
        self._running.clear()
        if self._inside:
            self._postponed.append(self._dispose)
        else:
            self._dispose()

    def _dispose(self) -> None:
        for curl in (*self._attached, *self._stock):
            curl.close()
        self._attached.clear()
        self._stock.clear()
        self.multi.close()
        self._watcher.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self) -> None:
        if self._closed:
            return
        waiting, self._waiting = self._waiting, {}
        refused: list[tuple[Transfer, str]] = []
        for curl, transfer in waiting.items():
            try:
                self.multi.add_handle(curl)
            except pycurl.error as error:
                # A program may have closed it, or may have it run elsewhere.
                refused.append((transfer, str(error)))
            else:
                self._running[curl] = transfer
                self._attached.add(curl)
        self._let_time_pass()
        for transfer, reason in refused:
            transfer.finished(pycurl.E_FAILED_INIT, reason)

    # -- what libcurl is told

    def _on_ready(self, ready: list[tuple[int, int]]) -> None:
        if self._closed:
            return
        for fd, bits in ready:
            self._act(fd, bits)
        self._settle()

    def _on_time(self) -> None:
        self._timer = None
        self._timer_due = math.inf
        if self._closed:
            return
        if self._alarm.due <= self._loop.time():
            self._let_time_pass()
        else:
            self._set_timer()

    def _let_time_pass(self) -> None:
        self._alarm.is_news = False
        self._act(pycurl.SOCKET_TIMEOUT, 0)
        if not self._alarm.is_news and not self._closed:
            # It tells of changes alone, and clocks differ.
            self._alarm.on_timer(self.multi.timeout())
        self._settle()

    def _act(self, fd: int, bits: int) -> None:
        if self._closed:
            return
        try:
            _, self._unfinished = self._call(self.multi.socket_action, fd, bits)
        except pycurl.error as error:
            self._renew(error)

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call libcurl in a way that runs its callbacks."""
        self._inside = True
        try:
            return function(*args)
        finally:
            self._inside = False

    # -- afterwards

    def _settle(self) -> None:
        """Do what had to wait until libcurl returned, and hand out results."""
        if self._postponed:
            self._catch_up()
        elif self._unfinished < len(self._running):
            self._hand_out()
        if not self._closed:
            self._set_timer()
        if self._interrupt is not None:
            error, self._interrupt = self._interrupt, None
            raise error

    def _catch_up(self) -> None:
        while self._postponed:
            self._postponed.pop(0)()
        self._hand_out()

    def _hand_out(self) -> None:
        left = True
        while left and not self._closed:
            left, succeeded, failed = self.multi.info_read()
            for curl in succeeded:
                self._finish(curl, 0, "")
            for curl, errno, message in failed:
                self._finish(curl, errno, message)

    def _finish(self, curl: Any, errno: int, message: str) -> None:
        transfer = self._running.pop(curl, None)
        if transfer is None:
            return
        try:
            transfer.finished(errno, message)
        except BaseException as error:
            # The others have a right to their results first.
            self.interrupt(error)

    def _set_timer(self) -> None:
        due = self._alarm.due
        if self._timer_due <= due:
            # It's early enough; when it's over, there is a look at what is due then.
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._on_time, context=self._context)


def _number_and_words(error: Exception) -> tuple[int, str]:
    """Return the parts of pycurl's error; it has no number for what libcurl wasn't asked to do."""
    number = error.args[0]
    return (number if isinstance(number, int) else pycurl.E_FAILED_INIT), str(error.args[-1])
