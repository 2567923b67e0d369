"""Virtual environments, and what Debian must have for them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workspace import fail, run, say


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


def ensure_compiler(python: Path) -> None:
    """Install a C compiler and Python's headers if they are missing.

    :arg python: the interpreter that is compiled for.
    """
    if shutil.which("cc") is None:
        apt_install(["gcc", "libc6-dev"], "a C compiler")
    code = "import sysconfig; print(sysconfig.get_path('include'))"
    headers = run([python, "-c", code], capture_output=True).stdout.strip()
    if not Path(headers, "Python.h").exists():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        apt_install([f"libpython{version}-dev"], "Python's headers")
