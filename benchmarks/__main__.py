"""Measure: peers take turns, round by round, so that what disturbs the machine disturbs all of
them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
from pathlib import Path

from benchmarks.peers import PEERS, Peer
from benchmarks.process import Server
from benchmarks.report import table
from benchmarks.workloads import WORKLOADS, Idle, Load, Sample


def main() -> None:
    """Measure what the command line asks for, and print tables."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="length of each load")
    parser.add_argument("--peers", help="names, separated by commas; all by default")
    parser.add_argument("--only", default="", help="workloads whose names contain this")
    parser.add_argument("--json", type=Path, help="file for all samples")
    options = parser.parse_args()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            sys.exit(f"benchmarks: {program} is missing")
    names = options.peers.split(",") if options.peers else [peer.name for peer in PEERS]
    peers = [peer for peer in PEERS if peer.name in names]
    for peer in peers:
        peer.prepare()
    results = {}
    for workload in WORKLOADS:
        if options.only not in workload.name:
            continue
        asked = [peer for peer in peers if workload.peers is None or peer.name in workload.peers]
        samples: dict[str, list[Sample]] = {peer.name: [] for peer in asked}
        for _ in range(options.rounds):
            for peer in asked:
                samples[peer.name].append(_measure(workload, peer, options.seconds))
        print(f"\n{workload.name}\n{table(workload.unit, samples)}", flush=True)
        results[workload.name] = {
            name: [dataclasses.asdict(sample) for sample in taken]
            for name, taken in samples.items()
        }
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def _measure(workload: Load | Idle, peer: Peer, seconds: int) -> Sample:
    with Server(peer, workload.application, workload.tls) as server:
        return workload.measure(server, seconds)


main()
