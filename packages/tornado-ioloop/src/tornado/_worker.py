"""Which of the worker processes this one is. `tornado.process` sets it, accepting connections
depends on it.
"""

from __future__ import annotations

# The number that `tornado.process.fork_processes` gave to this process; `None` in every other
# process.
task_id: int | None = None
