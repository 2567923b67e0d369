"""What is asked of servers."""

from __future__ import annotations

import dataclasses
import json
import re
import resource
import socket
import subprocess
import tempfile
from collections.abc import Container, Mapping
from pathlib import Path

from benchmarks import material
from benchmarks.process import LOAD_CPU, Server

IDLE_CONNECTIONS = 2000
_TOTAL = re.compile(r"(\d+) requests in")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_ERRORS = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")


@dataclasses.dataclass(frozen=True)
class Sample:
    """One measurement.

    :arg value: what is compared: microseconds of CPU time per request, or bytes per connection.
    :arg rate: requests per second, 0 where there are none.
    """

    value: float
    rate: float = 0.0


@dataclasses.dataclass(frozen=True)
class Load:
    """Requests on connections that are kept.

    :arg name: what it's called in tables.
    :arg path: what is asked for.
    :arg answer: what every peer has to answer; `None` for whatever it is, of status 200.
    :arg connections: how many connections.
    :arg method: request method.
    :arg headers: further header fields.
    :arg body: content of the requests.
    :arg pipelined: how many requests are sent at once on a connection.
    :arg application: which application of the peers' programs.
    :arg tls: over TLS.
    :arg peers: names of those that are measured; `None` for all.
    """

    name: str
    path: str = "/"
    answer: bytes | dict[str, object] | None = b"Hello, world"
    connections: int = 64
    method: str = "GET"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes | None = None
    pipelined: int = 1
    application: str = "web"
    tls: bool = False
    peers: Container[str] | None = None
    unit: str = "us CPU/request"

    def check(self, server: Server) -> None:
        """Make sure that the server answers what the others answer."""
        body = server.get(self.path, self.method, self.body, self.headers)
        if self.answer is None:
            return
        found = json.loads(body) if isinstance(self.answer, dict) else body
        if found != self.answer:
            raise RuntimeError(f"{server.peer.name} answers {self.path} with {body[:80]!r}")

    def measure(self, server: Server, seconds: int) -> Sample:
        """Put the load on a server."""
        self.check(server)
        url = f"{server.scheme}://127.0.0.1:{server.port}{self.path}"
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "load.lua")
            script.write_text(self._script(Path(folder)))
            command = ["taskset", "-c", str(LOAD_CPU), "wrk", "-t", "1", "-c"]
            command += [str(self.connections), "-d", f"{seconds}s", "-s", str(script), url]
            before = server.cpu_seconds()
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            spent = server.cpu_seconds() - before
        requests, rate = parse_wrk(output)
        return Sample(spent / requests * 1e6, rate)

    def _script(self, folder: Path) -> str:
        """Return what tells wrk how the requests look."""
        lines = [f"wrk.method = {lua(self.method)}"]
        for name, value in self.headers.items():
            lines.append(f"wrk.headers[{lua(name)}] = {lua(value)}")
        if self.body is not None:
            path = folder / "body"
            path.write_bytes(self.body)
            lines.append(f'wrk.body = io.open({lua(str(path))}, "rb"):read("*a")')
        if self.pipelined > 1:
            lines.append("function init()")
            lines.append(f"all = string.rep(wrk.format(), {self.pipelined})")
            lines.append("end function request() return all end")
        return "\n".join(lines)


def lua(text: str) -> str:
    """Return text as a string of Lua."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclasses.dataclass(frozen=True)
class Idle:
    """Connections that were used once and are kept."""

    name: str = "idle connection"
    unit: str = "bytes/connection"
    application: str = "web"
    tls: bool = False
    peers: Container[str] | None = None

    def measure(self, server: Server, seconds: int) -> Sample:
        """Open the connections and see what they cost."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (min(hard, max(soft, 3 * IDLE_CONNECTIONS)), hard)
        )
        opened = [_use_connection(server.port) for _ in range(50)]
        before = server.memory()
        try:
            opened += [_use_connection(server.port) for _ in range(IDLE_CONNECTIONS)]
            return Sample((server.memory() - before) / IDLE_CONNECTIONS)
        finally:
            for sock in opened:
                sock.close()


def _use_connection(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    answer = b""
    while not answer.endswith(b"Hello, world"):
        answer += sock.recv(4096)
    return sock


def parse_wrk(output: str) -> tuple[int, float]:
    """Return number and rate of requests from the output of wrk.

    :raises RuntimeError: there were errors, or no requests.
    """
    errors = _ERRORS.search(output)
    total, rate = _TOTAL.search(output), _RATE.search(output)
    if errors or total is None or rate is None or not int(total[1]):
        raise RuntimeError(f"the load failed:\n{output}")
    return int(total[1]), float(rate[1])


# The programs that have more than one application, and those that can render templates.
TORNADO = ("ours", "upstream")
FRAMEWORKS = ("ours", "upstream", "aiohttp", "uvicorn", "granian")

WORKLOADS: tuple[Load | Idle, ...] = (
    Load("hello, 64 connections"),
    Load("json, 64 connections", "/json", {"message": "Hello, world"}),
    Load("hello, 1 connection", connections=1),
    Load("json, 1 connection", "/json", {"message": "Hello, world"}, connections=1),
    Idle(),
    Load("raw callback", application="raw", peers=TORNADO),
    Load("hello, headers of a browser", headers=material.BROWSER_HEADERS),
    Load("hello, 16 pipelined", pipelined=16, peers=TORNADO),
    Load("hello, TLS", tls=True, peers=TORNADO),
    Load("async handler", "/async", peers=FRAMEWORKS),
    Load(
        "path, query, cookie, JSON",
        "/items/42?tag=a&tag=b%20c&detail=full",
        {"item": 42, "tags": ["a", "b c"], "detail": "full", "user": "somebody"},
        headers={"Cookie": "user=somebody"},
        peers=FRAMEWORKS,
    ),
    Load(
        "form of 10 KB",
        "/form",
        b"bench 8190",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=material.FORM,
        peers=FRAMEWORKS,
    ),
    Load(
        "upload of 1 MB",
        "/upload",
        b"1000000",
        connections=8,
        method="POST",
        headers={"Content-Type": "application/octet-stream"},
        body=b"u" * 1_000_000,
        peers=FRAMEWORKS,
    ),
    Load("template page", "/page", None, peers=TORNADO),
    Load("static file of 1 KB", "/files/1k.txt", None, peers=FRAMEWORKS),
    Load("static file of 1 MB", "/files/1m.txt", None, connections=8, peers=FRAMEWORKS),
    Load("first route", application="routes", peers=TORNADO),
    Load("last of 200 routes", "/route199/x", application="routes", peers=TORNADO),
)
