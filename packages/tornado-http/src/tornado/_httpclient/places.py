"""Places for the fetches of a client, and the queue before them."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class Starting(Protocol):
    """A fetch of any client."""

    def start(self) -> None:
        """Begin: there is a place for it."""


class Limiting(Protocol):
    """A client."""

    max_clients: int
    _closed: bool


F = TypeVar("F", bound=Starting)


class Places(Generic[F]):
    """Lets only so many fetches go on at once; further ones wait for their turn.

    :arg client: says how many places there are, and whether it's closed.
    """

    def __init__(self, client: Limiting) -> None:
        # Its owner, which shall not need the cycle collector.
        self._client = weakref.ref(client)
        #: Fetches that go on, and those that wait, in the order of their coming.
        self.active: dict[F, None] = {}
        self.queue: OrderedDict[F, None] = OrderedDict()
        self._is_filling = False

    def take(self, fetch: F) -> bool:
        """Start a fetch, or let it wait.

        :returns: whether it was started.
        """
        if self._has_room():
            self.active[fetch] = None
            fetch.start()
            return True
        self.queue[fetch] = None
        return False

    def give_back(self, fetch: F) -> None:
        """Take note that a fetch has ended: its place is for the next one."""
        if self.active.pop(fetch, self) is self:
            self.queue.pop(fetch, None)
            return
        if self._is_filling:
            # One that failed at once: the loop that has started it goes on, however many there are
            # in a row.
            return
        self._is_filling = True
        try:
            while self.queue and self._has_room():
                following, _ = self.queue.popitem(last=False)
                self.active[following] = None
                following.start()
        finally:
            self._is_filling = False

    def _has_room(self) -> bool:
        client = self._client()
        return client is not None and len(self.active) < client.max_clients and not client._closed

    def check_unused(self) -> None:
        """Make sure that nothing is fetched.

        :raises RuntimeError: something is, or waits.
        """
        if self.active or self.queue:
            raise RuntimeError("the client has fetches on another event loop")

    def all(self) -> list[F]:
        """Return the fetches that are under way or wait."""
        return [*self.active, *self.queue]
