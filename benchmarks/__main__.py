"""Measure: peers take turns, round by round, so that what disturbs the machine disturbs all of
them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
from pathlib import Path

from benchmarks.kinds.sample import Sample
from benchmarks.peers import PEERS
from benchmarks.report import table
from benchmarks.workloads import WORKLOADS


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
    workloads = [workload for workload in WORKLOADS if options.only in workload.name]
    for peer in peers:
        if any(workload.is_for(peer) for workload in workloads):
            peer.prepare()
    results = {}
    for workload in workloads:
        asked = [peer for peer in peers if workload.is_for(peer)]
        samples: dict[str, list[Sample]] = {peer.name: [] for peer in asked}
        for _ in range(options.rounds):
            for peer in asked:
                samples[peer.name].append(workload.measure(peer, options.seconds))
        print(f"\n{workload.name}\n{table(workload.unit, samples)}", flush=True)
        results[workload.name] = {
            name: [dataclasses.asdict(sample) for sample in taken]
            for name, taken in samples.items()
        }
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


main()
