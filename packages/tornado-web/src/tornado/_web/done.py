"""What a method returns that may be awaited, although all has been done."""

from __future__ import annotations

from collections.abc import Generator


class Done:
    """An awaitable without any waiting; the dispatcher sees that no task is needed."""

    def done(self) -> bool:
        """Tell that it is done, as a future does."""
        return True

    def result(self) -> None:
        """Return the result, as a future does."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


DONE = Done()
