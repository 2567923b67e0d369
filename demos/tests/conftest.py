"""What the tests of several demos use."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent.parent / "tests"))

from browsers import windows


@pytest.fixture
def window(tmp_path):
    """Opens windows of a real browser, each with a profile of its own."""
    with windows(tmp_path) as open_window:
        yield open_window
