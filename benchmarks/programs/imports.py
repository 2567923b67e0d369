"""Import a module in new interpreters. Arguments: its name, and seconds."""

import os
import resource
import subprocess
import sys
import tempfile

from repeat import report

module, seconds = sys.argv[1:]


def spent():
    """Return the CPU time of the interpreters."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def start(code):
    """Run an interpreter."""
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


with tempfile.TemporaryDirectory() as folder:
    # Whether anyone has compiled the modules before makes no difference.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start(f"import {module}")
    # What an interpreter costs that imports nothing is taken off.
    before = spent()
    for _ in range(10):
        start("pass")
    empty = (spent() - before) / 10
    before, calls = spent(), 0
    while spent() - before < float(seconds):
        start(f"import {module}")
        calls += 1
    report(calls, spent() - before - empty * calls, spent() - before)
