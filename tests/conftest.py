"""What the tests of the whole repository share."""

from __future__ import annotations

import sys
from pathlib import Path

# The tools are scripts beside each other, not a package.
sys.path.append(str(Path(__file__).parent.parent / "tools"))
# So are the modules that several tests use.
sys.path.append(str(Path(__file__).parent))
