"""Connections that were used once and are kept."""

from __future__ import annotations

import dataclasses
import socket

from benchmarks import material
from benchmarks.kinds.sample import Sample
from benchmarks.peers import Peer
from benchmarks.process import Server

CONNECTIONS = 2000


@dataclasses.dataclass(frozen=True)
class Idle:
    """What a connection costs that waits.

    :arg name: what it's called in tables.
    :arg kind: which of the peers' programs.
    :arg opening: what is sent first.
    :arg end: how the answer to that ends.
    """

    name: str
    kind: str
    opening: bytes
    end: bytes
    unit: str = "bytes/connection"

    def is_for(self, peer: Peer) -> bool:
        """Whether the peer has the program."""
        return peer.has(self.kind, "web")

    def measure(self, peer: Peer, seconds: int) -> Sample:
        """Open the connections and see what they cost."""
        material.allow_descriptors(2 * CONNECTIONS)
        with Server(peer, self.kind) as server:
            opened = [self._use_connection(server.port) for _ in range(50)]
            before = server.memory()
            try:
                opened += [self._use_connection(server.port) for _ in range(CONNECTIONS)]
                return Sample((server.memory() - before) / CONNECTIONS)
            finally:
                for sock in opened:
                    sock.close()

    def _use_connection(self, port: int) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        sock.sendall(self.opening)
        answer = b""
        while not answer.endswith(self.end):
            data = sock.recv(4096)
            if not data:
                raise RuntimeError(f"{self.name}: the server closes after {answer[:80]!r}")
            answer += data
        return sock
