"""What is asked of servers."""

from __future__ import annotations

import dataclasses
import json
import re
import resource
import socket
import subprocess

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
    :arg connections: how many connections.
    """

    name: str
    path: str
    connections: int
    unit: str = "us CPU/request"

    def check(self, server: Server) -> None:
        """Make sure that the server answers what the others answer."""
        body = server.get(self.path)
        if self.path == "/json":
            right = json.loads(body) == {"message": "Hello, world"}
        else:
            right = body == b"Hello, world"
        if not right:
            raise RuntimeError(f"{server.peer.name} answers {self.path} with {body[:80]!r}")

    def measure(self, server: Server, seconds: float) -> Sample:
        """Put the load on a server."""
        self.check(server)
        before = server.cpu_seconds()
        command = ["taskset", "-c", str(LOAD_CPU), "wrk", "-t", "1", "-c", str(self.connections)]
        command += ["-d", f"{seconds:g}s", f"http://127.0.0.1:{server.port}{self.path}"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        spent = server.cpu_seconds() - before
        requests, rate = parse_wrk(output)
        return Sample(spent / requests * 1e6, rate)


@dataclasses.dataclass(frozen=True)
class Idle:
    """Connections that were used once and are kept."""

    name: str = "idle connection"
    unit: str = "bytes/connection"

    def measure(self, server: Server, seconds: float) -> Sample:
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


WORKLOADS: tuple[Load | Idle, ...] = (
    Load("hello, 64 connections", "/", 64),
    Load("json, 64 connections", "/json", 64),
    Load("hello, 1 connection", "/", 1),
    Load("json, 1 connection", "/json", 1),
    Idle(),
)
