"""Who is measured, each in an environment of its own."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(__file__).parent / "programs"
ENVIRONMENTS = ROOT / ".bench"
_OURS = ("core", "template", "ioloop", "http", "web", "websocket")


@dataclasses.dataclass(frozen=True)
class Peer:
    """Something that is measured.

    :arg name: what it's called in tables.
    :arg requirements: what pip installs for it beside distributions of this checkout.
    :arg commands: arguments for the environment's Python, by kind: ``http``, ``echo`` and
        ``websocket`` are servers, ``fetch`` an HTTP client, ``loop``, ``template`` and ``import``
        measure themselves. Words in braces are the workload's to fill in.
    :arg applications: which applications or tasks the programs of a kind have, where not all.
    :arg distributions: which distributions of this checkout are installed.
    """

    name: str
    requirements: tuple[str, ...]
    commands: Mapping[str, tuple[str, ...]]
    applications: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    distributions: tuple[str, ...] = ()

    def has(self, kind: str, application: str) -> bool:
        """Whether it has a program of the kind, with that application or task."""
        if kind not in self.commands:
            return False
        return kind not in self.applications or application in self.applications[kind]

    def command(self, kind: str, **words: object) -> list[str]:
        """Return what starts the program of a kind.

        :arg words: what stands for the words in braces.
        """
        return [str(self.python), *(part.format(**words) for part in self.commands[kind])]

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
            command = [str(self.python), "-m", "pip", "install", "--quiet", *wanted]
            subprocess.run(command, check=True, cwd=ROOT)
        stamp.write_text("\n".join(wanted))

    def _arguments(self) -> list[str]:
        editable = [f"packages/tornado-{name}" for name in self.distributions]
        return [*self.requirements, *(part for path in editable for part in ("--editable", path))]


def _program(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(PROGRAMS / name), *arguments)


_TORNADO = {
    "http": _program("tornado_app.py", "{port}", "{application}", "{files}"),
    "echo": _program("tornado_echo.py", "{port}", "{application}"),
    "websocket": _program("tornado_websocket.py", "{port}", "{application}"),
    "fetch": _program("tornado_fetch.py", "{url}", "{client}", "{parallel}", "{seconds}"),
    "loop": _program("tornado_loop.py", "{task}", "{seconds}"),
    "template": _program("tornado_template.py", "{task}", "{seconds}"),
    "import": _program("imports.py", "{task}", "{seconds}"),
}

PEERS = (
    Peer("ours", ("pycurl==7.45.7",), _TORNADO, distributions=_OURS),
    Peer(
        "native",
        (),
        {kind: _TORNADO[kind] for kind in ("websocket", "template")},
        distributions=(*_OURS, "speedups"),
    ),
    Peer(
        "upstream",
        ("tornado==6.6.1", "pycurl==7.45.7"),
        _TORNADO,
        {"echo": ("echo",)},
    ),
    Peer(
        "aiohttp",
        ("aiohttp==3.12.15",),
        {
            "http": _program("aiohttp_app.py", "{port}", "{files}"),
            "websocket": _program("aiohttp_websocket.py", "{port}"),
            "fetch": _program("aiohttp_fetch.py", "{url}", "{parallel}", "{seconds}"),
        },
        {"fetch": ("simple",), "websocket": ("echo",)},
    ),
    Peer(
        "uvicorn",
        ("uvicorn[standard]==0.35.0", "starlette==0.47.3", "python-multipart==0.0.20"),
        {
            "http": (
                "-m",
                "uvicorn",
                "--app-dir",
                str(PROGRAMS),
                "--no-access-log",
                "--log-level",
                "warning",
                "--port",
                "{port}",
                "starlette_app:app",
            )
        },
    ),
    Peer(
        "granian",
        ("granian==2.5.2", "starlette==0.47.3", "python-multipart==0.0.20"),
        {
            "http": (
                "-m",
                "granian",
                "--working-dir",
                str(PROGRAMS),
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
            )
        },
    ),
    Peer(
        "websockets",
        ("websockets==15.0.1",),
        {"websocket": _program("websockets_echo.py", "{port}")},
        {"websocket": ("echo",)},
    ),
    Peer(
        "jinja2",
        ("jinja2==3.1.6",),
        {"template": _program("jinja2_template.py", "{task}", "{seconds}")},
        {"template": ("table",)},
    ),
    Peer(
        "bare",
        (),
        {
            "http": _program("bare_protocol.py", "{port}"),
            "echo": _program("asyncio_echo.py", "{port}", "{application}"),
        },
    ),
)
