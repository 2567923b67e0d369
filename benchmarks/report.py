"""From samples to a table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.kinds.sample import Sample

REFERENCE = "upstream"


def median_ratio(reference: Sequence[Sample], own: Sequence[Sample]) -> float:
    """Return how many times less a peer needs than the reference: the median over rounds, each
    round compared with itself."""
    pairs = zip(reference, own, strict=True)
    return statistics.median(theirs.value / ours.value for theirs, ours in pairs)


def table(unit: str, samples: Mapping[str, Sequence[Sample]]) -> str:
    """Return the rows of one workload."""
    lines = [f"  {'':12}{unit:>18}{'rate/s':>14}{'ratio':>9}"]
    for name, taken in samples.items():
        value = statistics.median(sample.value for sample in taken)
        rate = statistics.median(sample.rate for sample in taken)
        ratio = ""
        if REFERENCE in samples:
            ratio = f"{median_ratio(samples[REFERENCE], taken):.2f}"
        shown_rate = f"{rate:,.0f}" if rate else ""
        note = taken[-1].note if taken else ""
        lines.append(f"  {name:12}{value:18,.2f}{shown_rate:>14}{ratio:>9}  {note}".rstrip())
    return "\n".join(lines)
