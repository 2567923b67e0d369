"""The checkout as the tools see it: where it lies and which distributions it holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
SETUP = ROOT / ".setup"
VENV = ROOT / ".venv"

Command = Sequence[str | Path]

_REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def canonical(name: str) -> str:
    """Bring the name of a distribution to the form in which names are compared.

    :arg name: a name in any spelling.
    :returns: lower case, with single hyphens (the packaging specification's "normalized name").
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    """Take the name out of a requirement such as ``tornado-http[curl]==6.100.0``.

    :arg requirement: a dependency specifier.
    :returns: the canonical name in it.
    :raises ValueError: the text does not begin with a name.
    """
    match = _REQUIREMENT_NAME.match(requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return canonical(match.group())


@dataclass(frozen=True)
class Distribution:
    """One folder under ``packages/``."""

    path: Path

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """The parsed ``pyproject.toml``."""
        return read_toml(self.path / "pyproject.toml")

    @property
    def name(self) -> str:
        """The canonical name."""
        return canonical(self.pyproject["project"]["name"])

    @property
    def version(self) -> str:
        """The version, as written."""
        version: str = self.pyproject["project"]["version"]
        return version

    @property
    def file_name(self) -> str:
        """The name as it begins the files of wheels and sdists."""
        return self.name.replace("-", "_")

    @property
    def is_native(self) -> bool:
        """Whether it's compiled, so that its wheel is for one kind of machine."""
        backend: str = self.pyproject["build-system"]["build-backend"]
        return backend.startswith("setuptools")

    @property
    def requirements(self) -> list[str]:
        """What the distribution declares to need, extras left aside."""
        return list(self.pyproject["project"].get("dependencies", []))

    @property
    def extras(self) -> dict[str, list[str]]:
        """What each extra adds to the requirements."""
        return dict(self.pyproject["project"].get("optional-dependencies", {}))

    @property
    def test_requirements(self) -> list[str]:
        """What the distribution's tests may import in addition."""
        return list(self.pyproject.get("dependency-groups", {}).get("test", []))

    @property
    def tests(self) -> Path:
        """The folder of the tests."""
        return self.path / "tests"


def read_toml(path: Path) -> dict[str, Any]:
    """Parse one TOML file.

    :arg path: the file.
    :returns: its content.
    """
    return tomllib.loads(path.read_text(encoding="utf-8"))


def distributions(root: Path = ROOT) -> dict[str, Distribution]:
    """Find all distributions of a checkout.

    :arg root: the checkout's root.
    :returns: name to distribution, requirements before those who need them.
    """
    found = [Distribution(path.parent) for path in root.glob("packages/*/pyproject.toml")]
    by_name = {dist.name: dist for dist in sorted(found, key=lambda dist: dist.name)}
    ordered: dict[str, Distribution] = {}
    for name in by_name:
        for needed in [*siblings(name, by_name), name]:
            ordered.setdefault(needed, by_name[needed])
    return ordered


def siblings(name: str, dists: Mapping[str, Distribution]) -> list[str]:
    """Follow the requirements of a distribution through the workspace.

    :arg name: where to begin.
    :arg dists: all distributions.
    :returns: the distributions it needs, directly or not, each after what it needs itself.
    :raises ValueError: the requirements go in a circle.
    """
    found: list[str] = []

    def visit(current: str, path: tuple[str, ...]) -> None:
        if current in path:
            raise ValueError(f"requirements in a circle: {' -> '.join((*path, current))}")
        for requirement in dists[current].requirements:
            needed = requirement_name(requirement)
            if needed in dists and needed not in found:
                visit(needed, (*path, current))
                found.append(needed)

    visit(name, ())
    return found


def venv_program(name: str, venv: Path = VENV) -> str:
    """Name a program inside a virtual environment.

    :arg name: the program.
    :arg venv: the environment, by default the checkout's.
    :returns: its path.
    """
    return str(venv / "bin" / name)


def pip(*arguments: str | Path) -> Command:
    """Make a command of the checkout's own pip.

    :arg arguments: what follows the program.
    :returns: the command.
    """
    return [venv_program("python"), "-m", "pip", "--disable-pip-version-check", *arguments]


def say(text: str) -> None:
    """Print one line of progress at once.

    :arg text: the line.
    """
    print(f"* {text}", flush=True)


def fail(text: str) -> NoReturn:
    """End the program with a message and status 1.

    :arg text: the message.
    """
    sys.exit(f"{Path(sys.argv[0]).name}: {text}")


def report(problems: Iterable[str], success: str) -> int:
    """Print what a check found.

    :arg problems: one line each.
    :arg success: the line to print when there are none.
    :returns: the exit status.
    """
    lines = list(problems)
    for line in lines:
        print(line, file=sys.stderr)
    if not lines:
        say(success)
    return 1 if lines else 0


def run(command: Command, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program and wait for it.

    :arg command: the program and its arguments.
    :arg options: handed to :func:`subprocess.run`.
    :returns: the finished process.
    :raises subprocess.CalledProcessError: it failed and ``check=False`` was not given.
    """
    options.setdefault("check", True)
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([os.fspath(part) for part in command], text=True, **options)
