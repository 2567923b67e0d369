"""Several processes: workers that are copies of this one, and other programs as children."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from tornado import _worker
from tornado.ioloop import IOLoop
from tornado.iostream import PipeIOStream
from tornado.log import gen_log

try:
    import fcntl
except ImportError:  # Windows has none; nor has it fork.
    fcntl = None  # type: ignore[assignment]

__all__ = ["CalledProcessError", "Subprocess", "cpu_count", "fork_processes", "task_id"]

CalledProcessError = subprocess.CalledProcessError

DEFAULT_MAX_RESTARTS = 100

# Seconds after which the parent looks for dead workers even though no signal told of one: another thread may have got it.
REAP_INTERVAL = 1.0

# Seconds that workers have for ending when the parent gives up; then they are killed.
STOP_GRACE = 10.0


def cpu_count() -> int:
    """Return the number of processors of this machine."""
    return os.cpu_count() or 1


def task_id() -> int | None:
    """Return the number that `fork_processes` gave to this process, or `None` in any other."""
    return _worker.task_id


# -- workers


def fork_processes(num_processes: int | None, max_restarts: int | None = None) -> int:
    """Start worker processes that are copies of this one.

    It returns in the workers only. The parent stays in here: it starts a worker again that dies of a signal or with an exit status other
    than 0, and passes ``SIGTERM`` and ``SIGINT`` on. When the parent dies, the workers get a ``SIGTERM``.

    No event loop may run yet, and none should have been made: the processes would share it.

    :arg num_processes: how many; `None` and 0 or less mean one for each CPU. One worker is a process of its own too.
    :arg max_restarts: how often workers are started again, all together; 100 by default.
    :returns: the worker's number, from 0 on. A worker that takes a dead one's place has its number.
    :raises SystemExit: in the parent, when all workers have ended with status 0.
    :raises RuntimeError: in the parent, when there would have to be more than ``max_restarts`` restarts, after the other workers have been
        ended; or if an event loop runs.

    .. versionchanged:: 2.2
       The parent doesn't return.
    """
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        raise _LoopRuns("fork_processes was called while an event loop runs")
    count = num_processes if num_processes is not None and num_processes > 0 else cpu_count()
    limit = DEFAULT_MAX_RESTARTS if max_restarts is None else max_restarts
    number = _Workers(count, limit).run()
    _worker.task_id = number
    _reseed_random()
    return number
