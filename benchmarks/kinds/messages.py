"""Messages on connections that are kept: echoes of them, and one to all."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import material
from benchmarks.kinds.sample import Sample
from benchmarks.peers import PROGRAMS, Peer
from benchmarks.process import LOAD_CPU, Server


@dataclasses.dataclass(frozen=True)
class Messages:
    """Messages that a server answers.

    :arg name: what it's called in tables.
    :arg kind: which of the peers' programs.
    :arg message: what is sent.
    :arg reply: how many bytes answer a message.
    :arg connections: how many connections.
    :arg in_flight: how many messages a connection has unanswered at a time.
    :arg opening: what is sent first on a connection; its answer ends with an empty line.
    :arg application: which application of the programs.
    :arg tls: over TLS.
    :arg to_all: each message goes to all connections; it's sent by the first of them.
    """

    name: str
    kind: str
    message: bytes
    reply: int
    connections: int = 64
    in_flight: int = 1
    opening: bytes = b""
    application: str = "echo"
    tls: bool = False
    to_all: bool = False
    unit: str = "us CPU/message"

    def is_for(self, peer: Peer) -> bool:
        """Whether the peer has the program, and that the application."""
        return peer.has(self.kind, self.application)

    def measure(self, peer: Peer, seconds: int) -> Sample:
        """Start the peer's server and put the load on it."""
        material.allow_descriptors(2 * self.connections)
        with (
            Server(peer, self.kind, self.application, tls=self.tls) as server,
            tempfile.TemporaryDirectory() as folder,
        ):
            Path(folder, "message").write_bytes(self.message)
            Path(folder, "opening").write_bytes(self.opening)
            command = ["taskset", "-c", str(LOAD_CPU), sys.executable]
            command += [str(PROGRAMS / "messages_load.py"), folder, str(server.port)]
            command += [str(self.connections), str(self.in_flight), str(self.reply)]
            command += [str(seconds), *(["--tls"] * self.tls), *(["--to-all"] * self.to_all)]
            with subprocess.Popen(
                command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as load:
                assert load.stdin is not None
                assert load.stdout is not None
                # It says when all connections are open, which isn't measured.
                if load.stdout.readline() != "ready\n":
                    raise RuntimeError(f"{self.name}: {peer.name} does not take the connections")
                before = server.cpu_seconds()
                load.stdin.write("go\n")
                load.stdin.flush()
                figures = json.loads(load.stdout.readline() or "{}")
                spent = server.cpu_seconds() - before
        if not figures.get("replies"):
            raise RuntimeError(f"{self.name}: {peer.name} does not answer")
        return Sample(spent / figures["replies"] * 1e6, figures["replies"] / figures["seconds"])
