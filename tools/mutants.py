#!/usr/bin/env python3
"""See whether the tests notice mistakes in the protocol engines.

For each mutation (`tools/mutations.py`) the tests that are named with it run on a module that has
the mistake, and at least one has to fail. Files stay as they are: the module is changed while it's
imported.
"""

from __future__ import annotations

import argparse
import importlib.abc
import os
import re
import subprocess
import sys
import types
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path

import pytest

from mutations import MUTATIONS, Mutation
from workspace import ROOT, fail, run, say, venv_program

VARIABLE = "TORNADO_MUTATION"
LIMIT = 100  # seconds; a mistake that lets a test wait for ever is noticed too

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


# -- in the process of the tests, as a plugin of pytest


class MutatingFinder(importlib.abc.MetaPathFinder):
    """Finds one module as it's always found, and has it loaded with a mistake.

    :arg mutation: the mistake.
    """

    def __init__(self, mutation: Mutation) -> None:
        self._mutation = mutation

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module; all others are left to others."""
        if fullname != self._mutation.module:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            spec.loader = MutatingLoader(self._mutation, fullname, spec.origin)
        return spec


class MutatingLoader(SourceFileLoader):
    """Loads a module with a mistake.

    :arg mutation: the mistake.
    """

    def __init__(self, mutation: Mutation, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._mutation = mutation

    def get_code(self, fullname: str) -> types.CodeType:
        """Compile the changed source; nothing is taken from caches, nor put there."""
        source = Path(self.path).read_text("utf-8")
        return compile(self._mutation.apply(source), self.path, "exec")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Let the mistake of the environment variable be made, before anything imports the module."""
    name = os.environ.get(VARIABLE)
    if name is None:
        return
    mutation = find(name)
    if mutation.module in sys.modules:
        raise RuntimeError(f"{mutation.module} is imported already")
    sys.meta_path.insert(0, MutatingFinder(mutation))


# -- in the process of the tool


def find(name: str) -> Mutation:
    """Return the mutation of a name.

    :raises LookupError: there is none.
    """
    for mutation in MUTATIONS:
        if mutation.name == name:
            return mutation
    raise LookupError(f"no mutation {name!r}")


def run_tests(
    tests: Sequence[str], mutation: Mutation | None = None
) -> subprocess.CompletedProcess[str]:
    """Run tests up to the first that fails.

    :arg tests: files.
    :arg mutation: a mistake to make.
    :returns: the process, which has ended.
    :raises subprocess.TimeoutExpired: it has not.
    """
    command = [venv_program("python"), "-m", "pytest", "-x", "-q", "--tb=no"]
    plugins = ["-p", "mutants", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}
    if mutation is not None:
        environment[VARIABLE] = mutation.name
    return run(
        [*command, *plugins, *tests],
        check=False,
        cwd=ROOT,
        env=environment,
        timeout=LIMIT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def notice(mutation: Mutation) -> str | None:
    """Have the tests look for a mistake.

    :returns: what has noticed it; `None` if nothing has.
    :raises RuntimeError: the tests could not be run.
    """
    try:
        done = run_tests(mutation.tests, mutation)
    except subprocess.TimeoutExpired:
        return f"no end after {LIMIT} s"
    if done.returncode == 0:
        return None
    failed = _FAILED.search(done.stdout)
    if done.returncode != 1 or failed is None:
        raise RuntimeError(done.stdout)
    return failed[1]


def judge(mutation: Mutation) -> bool:
    """Print how a mutation has fared.

    :returns: whether it was noticed.
    """
    try:
        noticed = notice(mutation)
    except RuntimeError as error:
        print(f"BROKEN    {mutation.name}\n{error}", flush=True)
        return False
    if noticed is None:
        print(f"UNNOTICED {mutation.name} ({mutation.path})", flush=True)
        return False
    print(f"noticed   {mutation.name}: {noticed}", flush=True)
    return True


def main() -> int:
    """Run the command line.

    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="words in the names of mutations; none means all")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    options = parser.parse_args()
    chosen = [
        mutation
        for mutation in MUTATIONS
        if all(word in f"{mutation.name} {mutation.path}" for word in options.words)
    ]
    if not chosen:
        fail(f"no mutation with {' '.join(options.words)!r} in its name")
    files = sorted({path for mutation in chosen for path in mutation.tests})
    say(f"running the tests without a mistake: {', '.join(files)}")
    done = run_tests(files)
    if done.returncode:
        fail(f"they fail\n{done.stdout}")
    say(f"running them with {len(chosen)} mistakes, one at a time")
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        noticed = list(pool.map(judge, chosen))
    if not all(noticed):
        fail(f"{noticed.count(False)} of {len(chosen)} mistakes were not noticed")
    say(f"all {len(chosen)} mistakes were noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
