"""What is measured: servers, each with an environment of its own."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
SERVERS = Path(__file__).parent / "servers"
ENVIRONMENTS = ROOT / ".bench"
DISTRIBUTIONS = ("core", "template", "ioloop", "http", "web", "websocket")


@dataclasses.dataclass(frozen=True)
class Peer:
    """A server.

    :arg name: what it's called in tables.
    :arg requirements: what pip installs for it; `None` for this checkout.
    :arg command: arguments for the environment's Python; ``{port}`` is the port, ``{application}``
        which of the program's applications is meant, ``{files}`` a folder of static files.
    """

    name: str
    requirements: tuple[str, ...] | None
    command: tuple[str, ...]

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return ENVIRONMENTS / self.name / "bin" / "python"

    def prepare(self) -> None:
        """Make the environment, unless it's there already with the same contents."""
        stamp = ENVIRONMENTS / self.name / ".requirements"
        wanted = self._arguments()
        if stamp.exists() and stamp.read_text() == "\n".join(wanted):
            return
        print(f"benchmarks: making the environment of {self.name}", file=sys.stderr)
        venv.create(ENVIRONMENTS / self.name, with_pip=True, clear=True)
        if wanted:
            command = [self.python, "-m", "pip", "install", "--quiet", *wanted]
            subprocess.run(command, check=True, cwd=ROOT)
        stamp.write_text("\n".join(wanted))

    def _arguments(self) -> list[str]:
        if self.requirements is not None:
            return list(self.requirements)
        editable = [f"packages/tornado-{name}" for name in DISTRIBUTIONS]
        return [argument for path in editable for argument in ("--editable", path)]


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(SERVERS / name), "{port}", *arguments)


PEERS = (
    Peer("ours", None, _script("tornado_app.py", "{application}", "{files}")),
    Peer("upstream", ("tornado==6.6.1",), _script("tornado_app.py", "{application}", "{files}")),
    Peer("aiohttp", ("aiohttp==3.12.15",), _script("aiohttp_app.py", "{files}")),
    Peer(
        "uvicorn",
        ("uvicorn[standard]==0.35.0", "starlette==0.47.3", "python-multipart==0.0.20"),
        (
            "-m",
            "uvicorn",
            "--app-dir",
            str(SERVERS),
            "--no-access-log",
            "--log-level",
            "warning",
            "--port",
            "{port}",
            "starlette_app:app",
        ),
    ),
    Peer(
        "granian",
        ("granian==2.5.2", "starlette==0.47.3", "python-multipart==0.0.20"),
        (
            "-m",
            "granian",
            "--working-dir",
            str(SERVERS),
            "--interface",
            "asgi",
            "--no-access-log",
            "--log-level",
            "warning",
            "--workers",
            "1",
            # More than the idle connections that are measured.
            "--backlog",
            "4096",
            "--backpressure",
            "4096",
            "--port",
            "{port}",
            "starlette_app:app",
        ),
    ),
    Peer("bare", (), _script("bare_protocol.py")),
)
