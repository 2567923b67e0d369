#!/usr/bin/env python3
"""Run a program so that Ctrl-C reaches it alone.

A terminal sends Ctrl-C to all of its foreground processes, and make ends by it, whatever the
program makes of it. So the program gets a process group of its own, which is the terminal's
foreground one as long as it runs, and its exit status is what counts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def main(command: list[str]) -> int:
    """Run the command; return its exit status."""
    if not sys.stdin.isatty():
        os.execvp(command[0], command)
    terminal = sys.stdin.fileno()
    # Whoever isn't in the foreground is stopped when it changes that, unless it ignores this.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    program = subprocess.Popen(command, process_group=0)
    os.tcsetpgrp(terminal, program.pid)
    try:
        return program.wait()
    finally:
        os.tcsetpgrp(terminal, os.getpgrp())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
