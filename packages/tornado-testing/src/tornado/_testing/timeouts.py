"""How long a test may take."""

from __future__ import annotations

import os

DEFAULT_TIMEOUT = 5.0  # seconds
# What has been cancelled gets so many seconds to end.
GRACE = 1.0


def get_async_test_timeout() -> float:
    """Return how long asynchronous tests may take, in seconds: ``ASYNC_TEST_TIMEOUT`` of the
    environment, or 5.

    .. versionadded:: 3.1
    """
    try:
        return float(os.environ.get("ASYNC_TEST_TIMEOUT", ""))
    except ValueError:
        return DEFAULT_TIMEOUT
