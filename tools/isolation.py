#!/usr/bin/env python3
"""Install each built wheel alone and see whether it can live on what it declares.

For every distribution: a fresh environment gets its wheel, with the workspace's other distributions
taken from ``dist/`` only. Then nothing but its declared requirements may be there, each of its
modules has to import in an interpreter of its own with warnings as errors, the examples in its
README have to run, and its tests have to pass.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from lock import constraints
from wheels import wheel_of
from workspace import (
    DIST,
    ROOT,
    SETUP,
    Command,
    Distribution,
    canonical,
    distributions,
    fail,
    pip,
    read_toml,
    requirement_name,
    run,
    say,
    siblings,
    venv_program,
)

HOME = SETUP / "isolation"
EXAMPLE_TIMEOUT = 30  # seconds
TESTS_TIMEOUT = 600  # seconds

_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NO_MODULE = re.compile(r"^ModuleNotFoundError: No module named '([^']+)'", re.MULTILINE)

_PRINT = threading.Lock()
_TOOLS = threading.Lock()


class Failure(Exception):
    """A distribution can't live alone; the message says why."""


def installed(site: Path) -> dict[str, str]:
    """List what is installed in one folder.

    :arg site: a ``site-packages``.
    :returns: canonical name to version.
    """
    found = importlib.metadata.distributions(path=[str(site)])
    return {canonical(dist.metadata["Name"]): dist.version for dist in found}


def modules(wheel: Path) -> list[str]:
    """List the modules in a wheel.

    :arg wheel: its path.
    :returns: dotted names; scripts (``__main__``) are left out.
    """
    with zipfile.ZipFile(wheel) as archive:
        paths = [Path(name) for name in archive.namelist() if name.endswith((".py", ".so"))]
    # What is compiled has more than one suffix.
    bare = (path.with_name(path.name.partition(".")[0]) for path in paths)
    names = (".".join(path.parts).removesuffix(".__init__") for path in bare)
    return sorted(name for name in names if not name.endswith(".__main__"))


def examples(readme: str) -> list[str]:
    """Take the programs out of a README: its fenced blocks marked as Python and as nothing else.

    :arg readme: the text, in Markdown.
    :returns: the programs.
    """
    return [match[1] for match in _EXAMPLE.finditer(readme)]


class Isolated:
    """One distribution in an environment of its own."""

    def __init__(self, dist: Distribution, folder: Path) -> None:
        self.dist = dist
        self.wheel = wheel_of(dist, folder)
        self.folder = folder
        self.workspace = distributions()
        self.home = HOME / dist.name
        self.venv = self.home / "venv"
        self.scratch = self.home / "scratch"
        self.python = venv_program("python", self.venv)
        self.lines: list[str] = []

    def prove(self) -> None:
        """Go through all steps.

        :raises Failure: one of them did not hold.
        """
        started = monotonic()
        self.make_environment()
        names = self.install()
        count = self.import_modules()
        shown = self.run_examples()
        tests = self.run_tests()
        took = monotonic() - started
        self.lines.append(
            f"{self.dist.name}: with {', '.join(names) or 'nothing else'}; {count} modules import,"
            f" {shown} examples run, tests: {tests} ({took:.0f} s)"
        )

    def make_environment(self) -> None:
        """Make the empty environment."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        base: Command = [venv_program("python"), "-m", "venv", "--without-pip", self.venv]
        self._run("making the environment", base)

    @property
    def site(self) -> Path:
        """The ``site-packages`` of the environment."""
        (site,) = self.venv.glob("lib/python*/site-packages")
        return site

    def install(self) -> list[str]:
        """Install the wheel with pip and compare what came with what was declared.

        :returns: the names of what came with it.
        :raises Failure: something else came, or a sibling came from elsewhere.
        """
        names = [self.dist.name, *siblings(self.dist.name, self.workspace)]
        foreign = {
            requirement_name(line) for name in names for line in self.workspace[name].requirements
        } - self.workspace.keys()
        source: Command = ["--find-links", self.folder]
        if not foreign:
            # Whatever this machine is set up to look at besides must not matter.
            source = [*source, "--isolated", "--no-index"]
        report = self.home / "report.json"
        options: Command = ["-qq", "--report", report, *source]
        install = pip("--python", self.python, "install", *options, self.wheel)
        self._run("pip install", install)
        for item in json.loads(report.read_text("utf-8"))["install"]:
            name = canonical(item["metadata"]["name"])
            url = item["download_info"]["url"]
            if name in self.workspace and not url.startswith(self.folder.resolve().as_uri() + "/"):
                raise Failure(f"{name} was not taken from {self.folder.name}/")
        found = installed(self.site).keys()
        if not foreign and found != set(names):
            raise Failure(f"installed are {sorted(found)}, declared are {sorted(names)}")
        if foreign:
            self._run("pip check", pip("--python", self.python, "check"))
            if not found >= {*names, *foreign} or (found & self.workspace.keys()) != set(names):
                raise Failure(f"installed are {sorted(found)}, not {sorted({*names, *foreign})}")
        return sorted(found - {self.dist.name})

    def import_modules(self) -> int:
        """Import each module in a fresh interpreter, with warnings as errors.

        :returns: how many modules there are.
        :raises Failure: some don't import. Missing what an extra would bring is no fault.
        """
        optional = {requirement_name(line) for lines in self.dist.extras.values() for line in lines}
        names = modules(self.wheel)
        faults = []
        for name in names:
            command = [self.python, "-I", "-W", "error", "-c", f"import {name}"]
            done = run(command, cwd=self.scratch, check=False, capture_output=True)
            missing = _NO_MODULE.search(done.stderr)
            if missing and canonical(missing[1].partition(".")[0]) in optional:
                continue
            if done.returncode or done.stdout or done.stderr:
                faults.append(f"import {name}\n{done.stdout}{done.stderr}")
        if faults:
            raise Failure("\n".join(faults))
        return len(names)

    def run_examples(self) -> int:
        """Run the examples of the README.

        :returns: how many there are.
        :raises Failure: one ended with an error, or not at all.
        """
        programs = examples((self.dist.path / "README.md").read_text("utf-8"))
        for number, program in enumerate(programs, 1):
            path = self.scratch / f"example{number}.py"
            path.write_text(program, "utf-8")
            command: Command = [self.python, "-I", "-W", "error", path]
            self._run(f"example {number} of the README", command, timeout=EXAMPLE_TIMEOUT)
        return len(programs)

    def run_tests(self) -> str:
        """Run the distribution's own tests.

        :returns: pytest's closing line.
        :raises Failure: a test failed, or there is none.
        """
        (self.site / "test-tools.pth").write_text(f"{self._test_tools()}\n", "utf-8")
        pytest = [self.python, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
        settings: Command = ["--config-file", ROOT / "pyproject.toml", "--rootdir", ROOT]
        command: Command = [*pytest, *settings, self.dist.tests]
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
        }
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
        output = self._run("tests", command, timeout=TESTS_TIMEOUT, env=variables)
        return output.strip().splitlines()[-1].strip("= ")

    def _test_tools(self) -> Path:
        """Give the folder with what the tests need beside the distribution, shared by all."""
        lines = sorted(self.dist.test_requirements)
        pins = "\n".join(constraints(read_toml(ROOT / "poetry.lock"))) + "\n"
        digest = hashlib.sha256("\n".join([sys.version, *lines, pins]).encode()).hexdigest()[:16]
        folder = SETUP / f"test-tools-{digest}"
        with _TOOLS:
            if folder.exists():
                return folder
            partial = SETUP / f"test-tools-{digest}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            listing = SETUP / "constraints.txt"
            listing.write_text(pins, "utf-8")
            options: Command = ["-qq", "--target", partial, "--constraint", listing]
            self._run("installing test tools", pip("install", *options, *lines))
            partial.rename(folder)
        return folder

    def _run(
        self,
        step: str,
        command: Command,
        timeout: float | None = None,
        env: dict[str, str] | None = None,
    ) -> str:
        # A file, not a pipe: a process that outlives its parent must not keep this one waiting.
        log = self.home / "output.txt"
        try:
            with log.open("wb") as stream:
                done = run(
                    command,
                    check=False,
                    cwd=self.scratch,
                    env=env,
                    timeout=timeout,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                )
        except subprocess.TimeoutExpired as error:
            text = log.read_text("utf-8", "replace")
            raise Failure(f"{step}: no end after {timeout} s\n{text}") from error
        text = log.read_text("utf-8", "replace")
        if done.returncode:
            raise Failure(f"{step}: status {done.returncode}\n{text}")
        return text


def prove(dist: Distribution, folder: Path) -> bool:
    """Prove one distribution and print how it went.

    :arg dist: the distribution.
    :arg folder: where the wheels lie.
    :returns: whether all held.
    """
    isolated = Isolated(dist, folder)
    try:
        isolated.prove()
    except Failure as failure:
        isolated.lines.append(f"{dist.name} does not work alone: {failure}")
        return False
    else:
        return True
    finally:
        with _PRINT:
            print(*isolated.lines, sep="\n", flush=True)


def chosen(names: Sequence[str]) -> Iterator[Distribution]:
    """Look up distributions.

    :arg names: their names; none means all.
    :returns: the distributions.
    """
    dists = distributions()
    for name in names or dists:
        if canonical(name) not in dists:
            fail(f"no distribution {name!r} among {', '.join(dists)}")
        yield dists[canonical(name)]


def main() -> int:
    """Run the command line.

    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="DISTRIBUTION", help="which; by default all")
    parser.add_argument("--folder", type=Path, default=DIST, help="where the wheels lie")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    options = parser.parse_args()
    dists = list(chosen(options.names))
    missing = [dist.name for dist in dists if not wheel_of(dist, options.folder).exists()]
    if missing:
        fail(f"not built: {', '.join(missing)}; run make wheels")
    say(f"installing and testing {len(dists)} distributions, each alone")
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        held = list(pool.map(lambda dist: prove(dist, options.folder), dists))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
