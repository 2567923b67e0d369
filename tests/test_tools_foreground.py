"""What a terminal's Ctrl-C does to make and to the program that it runs."""

from __future__ import annotations

import os
import pty
import shutil
import sys
from pathlib import Path

import pytest

FOREGROUND = Path(__file__).parent.parent / "tools" / "foreground.py"

PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, lambda *args: sys.exit(0))
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_ends_as_the_program_does(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    makefile = tmp_path / "Makefile"
    makefile.write_text(
        f"run:\n\t@exec {sys.executable} {FOREGROUND} {sys.executable} program.py\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execvp("make", ["make", "run"])
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
