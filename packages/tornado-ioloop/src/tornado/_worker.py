"""What a worker process knows of itself and of its siblings.

`tornado.process.fork_processes` sets it; accepting connections depends on it.
"""

from __future__ import annotations

# The number of this worker; `None` in a process that isn't one.
task_id: int | None = None

# What this worker and its siblings have accepted, where they share listening sockets.
tally: Tally | None = None


class Tally:
    """Counts what each worker has accepted, in memory that all of them share.

    The system lets whoever comes first have a connection, and that is often the same one. Workers
    that compare leave it to the one that has had fewer. Each writes its own count only, so there's
    nothing to lock.

    A sibling that has ended, is busy, or doesn't listen there takes nothing that is left to it.
    Whoever finds that out counts it out until it has accepted something.

    :arg workers: how many there are. It must be made before they're forked.
    """

    def __init__(self, workers: int) -> None:
        import mmap

        self._counts = memoryview(mmap.mmap(-1, 8 * workers)).cast("Q")
        # By number, the counts at which siblings were counted out; each worker has its own view.
        self._out: dict[int, int] = {}

    def count(self) -> None:
        """Note that this worker has accepted a connection."""
        if task_id is not None:
            self._counts[task_id] += 1

    def lead(self) -> tuple[bool, int]:
        """Return whether this worker has accepted more than another one, and the lowest count."""
        if task_id is None:
            return False, 0
        out = self._out
        lowest = min(count for number, count in enumerate(self._counts) if out.get(number) != count)
        return self._counts[task_id] > lowest, lowest

    def count_out(self, lowest: int) -> None:
        """Compare no more with siblings that have accepted so few, until they accept something.

        :arg lowest: lower than this worker's own count.
        """
        for number, count in enumerate(self._counts):
            if count == lowest:
                self._out[number] = count
