"""Live numbers of the server."""

from __future__ import annotations

import resource
import time
from collections import deque
from typing import Any

from tornado.web import RequestHandler

WINDOW = 5.0  # seconds that rates are averaged over


class Numbers:
    """Counts requests, and knows which are under way."""

    def __init__(self) -> None:
        self.started = time.time()
        self.requests = 0
        self.active = 0
        self._recent: deque[float] = deque(maxlen=100_000)

    def count(self, handler: RequestHandler) -> None:
        """Count a finished request (an application's ``log_function``)."""
        self.requests += 1
        self._recent.append(time.monotonic())

    def rate(self) -> float:
        """Return requests per second."""
        oldest = time.monotonic() - WINDOW
        while self._recent and self._recent[0] < oldest:
            self._recent.popleft()
        return len(self._recent) / WINDOW

    def snapshot(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "uptime": round(time.time() - self.started, 1),
            "requests": self.requests,
            "requests_per_second": round(self.rate(), 1),
            "active": self.active,
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
            "peak_memory_mib": round(usage.ru_maxrss / 1024, 1),
        }
