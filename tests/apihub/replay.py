"""Recordings, replayed against anything that answers requests: what differs, and whether it may.

The gateway is a function; in process it is the plans of definitions, elsewhere a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.apihub.comparing import Comparison
from tests.apihub.traces import Asked, Got, Trace
from tests.apihub.upstream import Upstream

Gateway = Callable[[Asked], Awaitable[Got]]


@dataclass(frozen=True, slots=True)
class Deviation:
    """A difference that is meant: the trace, its path (so that none is mistaken), how the line of
    the difference begins (`upstream`, `status`, …), and why.
    """

    number: int
    path: str
    part: str
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """One trace with what came back, and each difference from what is right."""

    trace: Trace
    got: Got
    differences: tuple[str, ...]


async def replay(
    traces: Iterable[Trace],
    gateway: Gateway,
    upstream: Upstream,
    wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    settle: float = 0.0,
) -> list[Replayed]:
    """Every trace in its order. `settle`: how long calls that were begun aside are waited for."""
    comparison, found = Comparison(), []
    for trace in traces:
        if trace.wait:
            await wait(trace.wait)
        upstream.drained()
        got = await gateway(trace.asked)
        if settle:
            await wait(settle)
        calls, most = upstream.drained()
        found.append(Replayed(trace, got, tuple(comparison.differences(trace, got, calls, most))))
    return found


def unexplained(replayed: Sequence[Replayed], deviations: Sequence[Deviation]) -> list[str]:
    """The differences that nobody means, and the deviations that no longer occur."""
    found = []
    met: set[Deviation] = set()
    for one in replayed:
        for line in one.differences:
            meant = [d for d in deviations if _is_of(d, one.trace) and line.startswith(d.part)]
            met.update(meant)
            if not meant:
                found.append(f"{one.trace.number} {one.trace.asked.path}: {line}")
    found += [f"{d.number} {d.path}: no longer differs in {d.part}, though it says: {d.reason}"
              for d in deviations if d not in met]  # fmt: skip
    return found


def table(replayed: Sequence[Replayed], deviations: Sequence[Deviation]) -> str:
    """All traces, for people: as recorded, meant (and why), or differing."""
    lines = []
    for one in replayed:
        meant = [d.reason for d in deviations if _is_of(d, one.trace)]
        word = "differs" if one.differences else "same"
        if one.differences and meant:
            word = f"meant: {meant[0]}"
        asked = one.trace.asked
        lines.append(
            f"{one.trace.number:3} {asked.method:6} {asked.path:40} {one.got.status}  {word}"
        )
        lines += [f"      {line}" for line in one.differences if word == "differs"]
    same = sum(not one.differences for one in replayed)
    return "\n".join([*lines, f"{same} of {len(replayed)} as recorded or decided"])


def _is_of(deviation: Deviation, trace: Trace) -> bool:
    return deviation.number == trace.number and deviation.path == trace.asked.path
