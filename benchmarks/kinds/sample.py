"""What a measurement gives."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from benchmarks.peers import Peer


@dataclasses.dataclass(frozen=True)
class Sample:
    """One measurement.

    :arg value: what is compared: microseconds of CPU time per operation, or bytes per connection.
    :arg rate: operations per second, 0 where there are none.
    :arg note: what else is worth knowing.
    """

    value: float
    rate: float = 0.0
    note: str = ""


class Workload(Protocol):
    """What peers are measured with."""

    @property
    def name(self) -> str:
        """What it's called in tables."""

    @property
    def unit(self) -> str:
        """Unit of its samples' values."""

    def is_for(self, peer: Peer) -> bool:
        """Whether the peer can be measured with it."""

    def measure(self, peer: Peer, seconds: int) -> Sample:
        """Measure a peer.

        :arg seconds: how long the load lasts, for kinds that know no other end.
        """
