"""Prints what 2,000 clients at once get: errors, wall time and the server's peak memory.

Every client sends one query of three 20 ms calls at the same moment, and once more when all are
answered. Run it from the repository's root: `python -m benchmarks.concurrent`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterator

from benchmarks import report
from benchmarks.contestants import Contestant, contestants, started, upstream
from benchmarks.load import Ask, Tally, waves
from benchmarks.processes import Process, allow_files, cores
from benchmarks.rounds import call_count
from benchmarks.workloads import FIRST_ID, WORKLOADS

WAVES = 2
HEAD = "server, wave, answered, errors, wall s, p50 ms, p99 ms, calls, idle MB, peak MB, notes"


def main() -> int:
    options = _options()
    server_core, other_core = cores()
    allow_files(options.clients * 5)
    os.sched_setaffinity(0, {other_core})
    ids = itertools.count(FIRST_ID)
    rows: list[list[str]] = []
    faults: list[str] = []
    with upstream(other_core) as source:
        for contestant in (c for c in contestants() if c.name in options.servers):
            taken, missing = _taken(contestant, source, server_core, ids, options)
            rows += taken
            faults += [f"NOT STARTED {text}" for text in missing]
    method = f"{options.clients:,} connections, {WAVES} waves, {options.patience:g} s of patience."
    sections = [*faults, method, report.table(HEAD, rows)]
    print("\n\n".join(sections))
    if options.write:
        report.write("benchmarks.concurrent", sections)
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.concurrent", description=__doc__)
    names = [contestant.name for contestant in contestants()]
    parser.add_argument("--servers", nargs="+", choices=names, default=names)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for a wave")
    parser.add_argument("--write", action="store_true", help="append to benchmarks/results.md")
    return parser.parse_args()


def _taken(
    contestant: Contestant,
    source: Process,
    core: int,
    ids: Iterator[int],
    options: argparse.Namespace,
) -> tuple[list[list[str]], list[str]]:
    """The rows of one server, which runs alone; or why it does not run."""
    work = next(workload for workload in WORKLOADS if workload.name == "w6")
    with started([contestant], [work], source, core) as (servers, missing):
        rows = []
        for server in servers:
            ask = Ask(contestant.around(work), ids)
            waves(server.process.port, ask, 1, 1, options.patience)  # the first request is slower
            server.process.forget_peak()
            idle, calls = server.process.peak_mb(), call_count(source)
            tallies = waves(server.process.port, ask, options.clients, WAVES, options.patience)
            per_request = (call_count(source) - calls) / (options.clients * WAVES)
            memory = [f"{per_request:.2f}", f"{idle:.0f}", f"{server.process.peak_mb():.0f}"]
            rows += [_row(contestant, n + 1, tally, memory) for n, tally in enumerate(tallies)]
    return rows, missing


def _row(contestant: Contestant, wave: int, tally: Tally, both_waves: list[str]) -> list[str]:
    notes = "; ".join(f"{count} x {what}" for what, count in tally.errors.most_common(2))
    figures = [f"{tally.seconds:.2f}", f"{tally.at(0.5):.0f}", f"{tally.at(0.99):.0f}"]
    counts = [f"{len(tally.latencies):,}", f"{tally.errors.total():,}"]
    return [contestant.label, str(wave), *counts, *figures, *both_waves, notes]


if __name__ == "__main__":
    sys.exit(main())
