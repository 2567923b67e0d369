#!/usr/bin/env python3
"""Keep ``poetry.lock`` and turn it into requirements for pip.

Poetry resolves and pip installs: Poetry's installer asks an index for more than the simple index
API offers, pip does not. This needs nothing but the standard library, as it runs before there is an
environment; ``--update`` makes one for Poetry under ``.setup``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from environment import ensure_venv
from workspace import (
    ROOT,
    SETUP,
    distributions,
    fail,
    read_toml,
    report,
    requirement_name,
    run,
    say,
)

POETRY = ("poetry==2.5.1", "poetry-plugin-pypi-mirror==0.6.5")

# Which index this machine uses, and whose certificates it trusts, is known to pip.
_ASK_PIP = """
import json
from pip._internal.commands import create_command
options, _ = create_command("install").parser.parse_args([])
print(json.dumps([options.index_url, options.cert]))
"""


def requirements(lock: dict[str, Any], groups: Collection[str]) -> Iterator[str]:
    """Write locked packages as lines of a requirements file.

    :arg lock: the parsed lock file.
    :arg groups: the dependency groups to include.
    :returns: a pinned requirement with its marker and hashes for each package from an index.
    """
    for package in lock["package"]:
        chosen = [group for group in package["groups"] if group in groups]
        if not chosen or package["optional"] or "source" in package:
            continue
        line = f"{package['name']}=={package['version']}"
        marker = _marker(package.get("markers"), chosen)
        hashes = sorted({file["hash"] for file in package["files"]})
        yield " \\\n    ".join([line + marker, *(f"--hash={value}" for value in hashes)])


def _marker(markers: str | dict[str, str] | None, chosen: list[str]) -> str:
    if markers is None:
        return ""
    if isinstance(markers, str):
        return f" ; {markers}"
    if any(group not in markers for group in chosen):
        return ""
    return " ; " + " or ".join(f"({markers[group]})" for group in chosen)


def constraints(lock: dict[str, Any]) -> Iterator[str]:
    """Write locked packages as lines of a constraints file.

    :arg lock: the parsed lock file.
    :returns: a pinned requirement for each package from an index, whatever its group.
    """
    for package in lock["package"]:
        if "source" in package:
            continue
        markers = package.get("markers")
        marker = f" ; {markers}" if isinstance(markers, str) else ""
        yield f"{package['name']}=={package['version']}{marker}"


def disagreements(root: Path) -> Iterator[str]:
    """Look for requirements of the workspace that the lock file knows nothing of.

    :arg root: the checkout's root.
    :returns: one line each.
    """
    lock = read_toml(root / "poetry.lock")
    locked = {package["name"]: package for package in lock["package"]}
    workspace = read_toml(root / "pyproject.toml")
    dists = distributions(root)
    for group, lines in workspace["dependency-groups"].items():
        for name in map(requirement_name, lines):
            if group not in locked.get(name, {}).get("groups", ()):
                yield f"poetry.lock: {name} of group {group} is missing; run make lock"
    for name, dist in dists.items():
        if name not in workspace["tool"]["poetry"]["dependencies"]:
            yield f"pyproject.toml: {name} is not among tool.poetry.dependencies"
        if name not in locked:
            yield f"poetry.lock: {name} is missing; run make lock"
            continue
        declared = {requirement_name(line) for line in dist.requirements}
        if declared - locked[name].get("dependencies", {}).keys():
            yield f"poetry.lock: the requirements of {name} differ; run make lock"
        for line in dist.test_requirements:
            if "test" not in locked.get(requirement_name(line), {}).get("groups", ()):
                yield f"pyproject.toml: group test lacks {line}, which {name} tests with"
    for package in lock["package"]:
        if package.get("source", {"type": "directory"})["type"] != "directory":
            yield f"poetry.lock: {package['name']} is tied to the address of an index"


def update(root: Path) -> None:
    """Resolve anew and write ``poetry.lock``, with the index that pip is set up for.

    :arg root: the checkout's root.
    :raises subprocess.CalledProcessError: pip or Poetry failed.
    """
    home = SETUP / "poetry"
    python = ensure_venv(home)
    if not (home / "bin" / "poetry").exists():
        say(f"installing {POETRY[0]} into .setup/poetry")
        run([python, "-m", "pip", "install", "-qq", *POETRY])
    index, certificates = json.loads(run([python, "-c", _ASK_PIP], capture_output=True).stdout)
    say("resolving")
    # Poetry asks its default index for more than the simple API; a mirror it takes as it is. The
    # lock file names neither. VIRTUAL_ENV saves Poetry from making one outside the checkout.
    variables = {"POETRY_PYPI_MIRROR_URL": index.rstrip("/") + "/", "VIRTUAL_ENV": str(home)}
    if certificates:
        variables["REQUESTS_CA_BUNDLE"] = certificates
    run([home / "bin" / "poetry", "lock", "--directory", root], env={**os.environ, **variables})


def main() -> int:
    """Run the command line.

    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument(
        "--check", action="store_true", help="compare the lock file with the projects"
    )
    choice.add_argument("--update", action="store_true", help="resolve and write the lock file")
    choice.add_argument("--export", nargs="+", metavar="GROUP", help="print requirements for pip")
    choice.add_argument("--constraints", action="store_true", help="print constraints for pip")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to work on")
    options = parser.parse_args()
    if options.update:
        try:
            update(options.root)
        except subprocess.CalledProcessError as error:
            fail(str(error))
        return 0
    if options.check:
        return report(disagreements(options.root), "poetry.lock fits the projects")
    lock = read_toml(options.root / "poetry.lock")
    print(*(requirements(lock, options.export) if options.export else constraints(lock)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
