"""The examples of the documentation run.

A block of code marked ``python`` is a program that ends by itself. One marked ``python serve`` is a
server on port 8888: it has to answer, and to end when it's told to.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from free_ports import free_port

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("packages/*/README.md")),
    *sorted(path for path in ROOT.glob("docs/**/*.md") if "_build" not in path.parts),
]
LIMIT = 30  # seconds

_FENCE = re.compile(r"^```(python\b[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(kind: str) -> list[object]:
    """List the programs of a kind, with names by which one finds them."""
    return [
        pytest.param(match[2], id=f"{page.relative_to(ROOT)}:{page_line(page, match)}")
        for page in PAGES
        for match in _FENCE.finditer(page.read_text("utf-8"))
        if match[1] == kind
    ]


def page_line(page: Path, match: re.Match[str]) -> int:
    return page.read_text("utf-8").count("\n", 0, match.start()) + 1


def test_there_are_no_blocks_of_other_kinds() -> None:
    found = {match[1] for page in PAGES for match in _FENCE.finditer(page.read_text("utf-8"))}
    assert found <= {"python", "python serve"}


@pytest.mark.parametrize("program", examples("python"))
def test_program(program: str, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(program, "utf-8")
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", examples("python serve"))
def test_server(program: str, tmp_path: Path) -> None:
    port = free_port()
    assert "8888" in program
    path = tmp_path / "example.py"
    path.write_text(program.replace("8888", str(port)), "utf-8")
    command = [sys.executable, "-W", "error", str(path)]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        with connect(server, port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = sock.recv(4096)
        assert answer
    finally:
        server.terminate()
        _, errors = server.communicate(timeout=LIMIT)
    assert "Traceback" not in errors
    assert "Warning" not in errors


def connect(server: subprocess.Popen[str], port: int) -> socket.socket:
    """Connect as soon as the server listens."""
    end = time.monotonic() + LIMIT
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        except ConnectionRefusedError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < end, "nothing listens"
            time.sleep(0.02)
