"""What a process holds over time, and whether that grows. Knows no load."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from time import monotonic

from tests.faults.running import Served


@dataclass(frozen=True)
class Sample:
    """At one time; memory in MiB."""

    at: float
    memory: float
    descriptors: int
    threads: int
    tasks: int


def sample(server: Served, begun: float) -> Sample:
    """How it stands now."""
    at, memory = monotonic() - begun, server.memory() / 1024
    return Sample(at, memory, server.descriptors(), server.threads(), server.tasks())


async def watch(server: Served, every: float, seen: list[Sample]) -> None:
    """Adds a sample now and then, until the process has ended or this is cancelled."""
    begun = monotonic()
    while server.process.poll() is None:
        try:
            seen.append(await asyncio.to_thread(sample, server, begun))
        except OSError:
            return
        await asyncio.sleep(every)


def settled(seen: Sequence[Sample], warm: float = 0.25) -> Sequence[Sample]:
    """Without the first quarter, in which pools and caches fill."""
    return [each for each in seen if each.at >= warm * seen[-1].at] if seen else []


def growth(seen: Sequence[Sample]) -> float:
    """MiB in ten minutes, by least squares."""
    if len(seen) < 3:
        return 0.0
    mean_at, mean = fmean(s.at for s in seen), fmean(s.memory for s in seen)
    spread = sum((s.at - mean_at) ** 2 for s in seen)
    return 600 * sum((s.at - mean_at) * (s.memory - mean) for s in seen) / spread


def drift(values: Sequence[int]) -> float:
    """By how much the last third is above the first."""
    third = len(values) // 3
    return fmean(values[-third:]) - fmean(values[:third]) if third else 0.0
