"""Settings for every test of the repository, those of the distributions on their own included."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

# A busy machine stretches single examples; only their number is bounded.
settings.register_profile(
    "tornado", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tornado")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Find what tests have left open before a property test begins.

    Property tests make so many objects that garbage is mostly collected while they run. They would
    fail because of what others have left open.
    """
    yield
    if nextitem is None or is_property(item) or not is_property(nextitem):
        return
    found: list[str] = []
    usual, sys.unraisablehook = sys.unraisablehook, lambda args: found.append(repr(args.exc_value))
    try:
        gc.collect()
    finally:
        sys.unraisablehook = usual
    if found:
        pytest.fail(f"this test, or one before it, has left garbage behind: {found}", pytrace=False)


def is_property(item: pytest.Item) -> bool:
    """Whether a test is one of hypothesis's."""
    return is_hypothesis_test(getattr(item, "obj", None))
