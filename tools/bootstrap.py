#!/usr/bin/env python3
"""Set up what the other tools need: programs of the system and the virtual environment.

Runs on the system's own Python with nothing but the standard library. Doing again what is done
already is quick and changes nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - the reader of this message runs an older one
    sys.exit(f"Python 3.11 or later is needed, {sys.executable} is {sys.version.split()[0]}")

from lock import requirements
from workspace import ROOT, SETUP, VENV, Command, distributions, fail, read_toml, run, say

# Which Debian package brings a program.
PACKAGES = {
    "ab": "apache2-utils",
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "curl": "curl",
    "wrk": "wrk",
}

# The groups of the lock file that each purpose needs; poetry-core installs the distributions.
GROUPS = {
    "run": ["build", "main"],
    "dev": ["build", "lint", "main", "test"],
    "docs": ["docs"],
}


def install_programs(programs: Iterable[str]) -> None:
    """Install the programs that are not there, as root through apt.

    Otherwise the tool says which are missing and ends.

    :arg programs: names from :data:`PACKAGES`.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        apt_install([PACKAGES[program] for program in missing], "programs " + ", ".join(missing))


def apt_install(packages: Sequence[str], purpose: str) -> None:
    """Install Debian packages.

    :arg packages: their names.
    :arg purpose: what is missing, for the message.
    """
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        fail(f"missing: {purpose}; as root on Debian: apt-get install {names}")
    say(f"installing {names} with apt")
    settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "--quiet=2"], install):
        done = run(
            command, env=settings, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            fail(f"{' '.join(command)} failed with status {done.returncode}")


def ensure_venv(venv: Path) -> Path:
    """Make the virtual environment if it is missing or its interpreter no longer starts.

    :arg venv: its folder.
    :returns: the interpreter in it.
    """
    python = venv / "bin" / "python"
    if (
        python.exists()
        and run([python, "-m", "pip", "--version"], check=False, capture_output=True).returncode
        == 0
    ):
        return python
    if importlib.util.find_spec("ensurepip") is None:
        # Debian ships the standard library's environment maker apart from Python.
        apt_install(
            [f"python{sys.version_info.major}.{sys.version_info.minor}-venv"],
            "Python's venv module",
        )
    say(f"making {venv.name} with Python {sys.version.split()[0]}")
    run([sys.executable, "-m", "venv", "--clear", venv])
    return python


def install(purpose: str, venv: Path) -> None:
    """Install what one purpose needs: locked packages, and the distributions as editable ones.

    :arg purpose: a key of :data:`GROUPS`.
    :arg venv: the environment.
    """
    python = ensure_venv(venv)
    lines = list(requirements(read_toml(ROOT / "poetry.lock"), GROUPS[purpose]))
    SETUP.mkdir(exist_ok=True)
    listing = SETUP / f"requirements-{purpose}.txt"
    listing.write_text("\n".join(lines) + "\n", "utf-8")
    pip: Command = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "-qq",
        "--no-deps",
    ]
    say(f"installing {len(lines)} locked packages for {purpose}")
    run([*pip, "--require-hashes", "--requirement", listing])
    if "main" in GROUPS[purpose]:
        install_editable(pip, python)


def install_editable(pip: Command, python: Path) -> None:
    """Install the distributions so that their sources in the checkout are what runs.

    :arg pip: the command, up to its arguments.
    :arg python: the interpreter of the environment.
    """
    say("installing the distributions of packages/ as editable")
    editable = [
        part for dist in distributions().values() for part in ("--editable", str(dist.path))
    ]
    run([*pip, "--no-build-isolation", *editable])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    programs = commands.add_parser("programs", help="install programs of the system")
    programs.add_argument("names", nargs="+", choices=sorted(PACKAGES), metavar="PROGRAM")
    environment = commands.add_parser("environment", help="set up the virtual environment")
    environment.add_argument("purpose", choices=sorted(GROUPS))
    environment.add_argument("--venv", type=Path, default=VENV, help="the environment's folder")
    options = parser.parse_args()
    if options.command == "programs":
        install_programs(options.names)
    else:
        install(options.purpose, options.venv)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        fail(str(error))
