#!/usr/bin/env python3
"""Check the import contracts of ``.importlinter`` on one tree, unpacked from the built wheels.

The sources are spread over the folders of ``packages/``; import-linter sees a package only where
its first folder lies, and would pass over the rest in silence.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from importlinter.cli import lint_imports

from wheels import wheel_of
from workspace import DIST, ROOT, distributions, fail, say

TREE = ROOT / "build" / "merged"


def unpack(wheels: Iterable[Path], tree: Path) -> int:
    """Unpack wheels over each other.

    :arg wheels: the files.
    :arg tree: the folder for them; what was there goes away.
    :returns: the number of modules in the tree.
    """
    shutil.rmtree(tree, ignore_errors=True)
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(tree)
    return sum(1 for _ in tree.rglob("*.py"))


def main() -> int:
    """Run the command line.

    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=DIST, help="where the wheels lie")
    options = parser.parse_args()
    wheels = [wheel_of(dist, options.folder) for dist in distributions().values()]
    missing = [wheel.name for wheel in wheels if not wheel.exists()]
    if missing:
        fail(f"not built: {', '.join(missing)}; run make wheels")
    say(f"checking imports among {unpack(wheels, TREE)} modules of {len(wheels)} wheels")
    # The tree comes before the sources, which the environment knows as editable.
    sys.path.insert(0, str(TREE))
    os.chdir(ROOT)
    return lint_imports(config_filename=".importlinter", no_cache=True, no_logo=True)


if __name__ == "__main__":
    sys.exit(main())
