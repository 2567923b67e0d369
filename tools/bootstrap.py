#!/usr/bin/env python3
"""Set up what the other tools need: programs of the system and the virtual environment.

Runs on the system's own Python with nothing but the standard library. Doing again what is done
already is quick and changes nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - the reader of this message runs an older one
    sys.exit(f"Python 3.11 or later is needed, {sys.executable} is {sys.version.split()[0]}")

from environment import apt_install, ensure_compiler, ensure_venv
from lock import requirements
from workspace import ROOT, SETUP, VENV, Command, distributions, fail, read_toml, run, say

# Which Debian package brings a program.
PACKAGES = {
    "ab": "apache2-utils",
    "apache2": "apache2-bin",
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "curl": "curl",
    "nginx": "nginx",
    "openssl": "openssl",
    "redis-server": "redis-server",
    "squid": "squid",
    "tinyproxy": "tinyproxy-bin",
    "wrk": "wrk",
    "wscat": "node-ws",
}

# The groups of the lock file that each purpose needs; poetry-core installs the distributions.
GROUPS = {
    "run": ["build", "main"],
    "dev": ["build", "lint", "main", "test"],
    "docs": ["docs"],
    "fuzz": ["fuzz"],
}


def install_programs(programs: Iterable[str]) -> None:
    """Install the programs that are not there, as root through apt.

    Otherwise the tool says which are missing and ends.

    :arg programs: names from :data:`PACKAGES`.
    """
    # Servers are where the administrator's programs are, which isn't in everybody's path.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        apt_install([PACKAGES[program] for program in missing], "programs " + ", ".join(missing))


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
    options = ["--disable-pip-version-check", "-qq", "--no-deps"]
    pip: Command = [python, "-m", "pip", "install", *options]
    say(f"installing {len(lines)} locked packages for {purpose}")
    run([*pip, "--require-hashes", "--requirement", listing])
    if "main" in GROUPS[purpose]:
        # What is compiled is an extra: a program doesn't need it, its tests do.
        native = purpose == "dev"
        if native:
            ensure_compiler(python)
        install_editable(pip, native)


def install_editable(pip: Command, native: bool) -> None:
    """Install the distributions so that their sources in the checkout are what runs.

    :arg pip: the command, up to its arguments.
    :arg native: those too that have to be compiled.
    """
    say("installing the distributions of packages/ as editable")
    chosen = [dist for dist in distributions().values() if native or not dist.is_native]
    editable = [part for dist in chosen for part in ("--editable", str(dist.path))]
    run([*pip, "--no-build-isolation", *editable])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    programs = commands.add_parser("programs", help="install programs of the system")
    programs.add_argument("names", nargs="*", metavar="PROGRAM", help="by default all")
    environment = commands.add_parser("environment", help="set up the virtual environment")
    environment.add_argument("purpose", choices=sorted(GROUPS))
    environment.add_argument("--venv", type=Path, default=VENV, help="the environment's folder")
    options = parser.parse_args()
    if options.command == "programs":
        unknown = set(options.names) - PACKAGES.keys()
        if unknown:
            parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PACKAGES)}")
        install_programs(options.names or PACKAGES)
    else:
        install(options.purpose, options.venv)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        fail(str(error))
