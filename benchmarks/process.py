"""A server that runs, and what the system says of it."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from benchmarks import material
from benchmarks.peers import Peer

SERVER_CPU = 1
LOAD_CPU = 0
START_TIME = 15.0  # seconds
TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds


class Server:
    """A peer's server, pinned to one CPU.

    :arg peer: the peer.
    :arg kind: which of its programs.
    :arg application: which of the program's applications.
    :arg tls: serve TLS with the certificate of the benchmarks.
    """

    def __init__(
        self, peer: Peer, kind: str, application: str = "web", *, tls: bool = False
    ) -> None:
        self.peer = peer
        self.port = free_port()
        self.scheme = "https" if tls else "http"
        files = material.static_files()
        command = peer.command(kind, port=self.port, application=application, files=files)
        if tls:
            command += [str(path) for path in material.certificate()]
        self._process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CPU), *command],
            stdout=subprocess.DEVNULL,
            env={**os.environ, "STATIC_FILES": str(files)},
        )

    def __enter__(self) -> Server:
        deadline = time.monotonic() + START_TIME
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"{self.peer.name} did not start") from None
                time.sleep(0.05)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def get(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Fetch something from it."""
        connection: http.client.HTTPConnection
        if self.scheme == "https":
            # It's our own certificate; whether it's checked makes no difference to the server.
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=5, context=context
            )
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise RuntimeError(f"{self.peer.name} answered {path} with {response.status}")
            return answer
        finally:
            connection.close()

    def _pids(self) -> list[int]:
        found = [self._process.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            if children.exists():
                found += [int(child) for child in children.read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """Return the CPU time of the server and its children."""
        return (
            sum(parse_cpu_ticks(Path(f"/proc/{pid}/stat").read_text()) for pid in self._pids())
            * TICK
        )

    def memory(self) -> int:
        """Return the bytes of memory that are its own."""
        return sum(
            parse_private_memory(Path(f"/proc/{pid}/smaps_rollup").read_text())
            for pid in self._pids()
        )


def parse_cpu_ticks(text: str) -> int:
    """Return user and system time in clock ticks from ``/proc/PID/stat``."""
    # The command's name stands in brackets and may hold anything.
    fields = text.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def parse_private_memory(text: str) -> int:
    """Return the bytes of private memory from ``/proc/PID/smaps_rollup``."""
    total = 0
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name in ("Private_Clean", "Private_Dirty"):
            total += int(value.split()[0]) * 1024
    return total


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
