"""Calls within one process, without a network."""

from __future__ import annotations

import dataclasses
import json
import subprocess

from benchmarks.kinds.sample import Sample
from benchmarks.peers import Peer
from benchmarks.process import SERVER_CPU


@dataclasses.dataclass(frozen=True)
class Calls:
    """Something that a program does over and over.

    :arg name: what it's called in tables.
    :arg kind: which of the peers' programs.
    :arg task: what the program calls it.
    """

    name: str
    kind: str
    task: str
    unit: str = "us CPU/call"

    def is_for(self, peer: Peer) -> bool:
        """Whether the peer has a program that knows the task."""
        return peer.has(self.kind, self.task)

    def measure(self, peer: Peer, seconds: int) -> Sample:
        """Run the program, which measures itself."""
        command = peer.command(self.kind, task=self.task, seconds=seconds)
        command = ["taskset", "-c", str(SERVER_CPU), *command]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        figures = json.loads(done.stdout)
        return Sample(figures["cpu"] / figures["calls"] * 1e6, figures["calls"] / figures["cpu"])
