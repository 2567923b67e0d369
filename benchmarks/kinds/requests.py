"""Requests on connections that are kept, by wrk."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import tempfile
from collections.abc import Container, Mapping
from pathlib import Path

from benchmarks.kinds.sample import Sample
from benchmarks.peers import Peer
from benchmarks.process import LOAD_CPU, Server

_TOTAL = re.compile(r"(\d+) requests in")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_ERRORS = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")


@dataclasses.dataclass(frozen=True)
class Requests:
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

    def is_for(self, peer: Peer) -> bool:
        """Whether the peer's program has what is asked for."""
        return peer.has("http", self.application) and (
            self.peers is None or peer.name in self.peers
        )

    def measure(self, peer: Peer, seconds: int) -> Sample:
        """Start the peer's server and put the load on it."""
        with Server(peer, "http", self.application, tls=self.tls) as server:
            return self._put_on(server, seconds)

    def _check(self, server: Server) -> None:
        """Make sure that the server answers what the others answer."""
        body = server.get(self.path, self.method, self.body, self.headers)
        if self.answer is None:
            return
        found = json.loads(body) if isinstance(self.answer, dict) else body
        if found != self.answer:
            raise RuntimeError(f"{server.peer.name} answers {self.path} with {body[:80]!r}")

    def _put_on(self, server: Server, seconds: int) -> Sample:
        self._check(server)
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


def parse_wrk(output: str) -> tuple[int, float]:
    """Return number and rate of requests from the output of wrk.

    :raises RuntimeError: there were errors, or no requests.
    """
    errors = _ERRORS.search(output)
    total, rate = _TOTAL.search(output), _RATE.search(output)
    if errors or total is None or rate is None or not int(total[1]):
        raise RuntimeError(f"the load failed:\n{output}")
    return int(total[1]), float(rate[1])
