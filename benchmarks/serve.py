"""Prints how many requests a second each server answers, and what one costs it.

Run it from the repository's root: `python -m benchmarks.serve` (`--quick` to see that it works).
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Sequence

from benchmarks import report
from benchmarks.contestants import Contestant, Running, contestants, started, upstream
from benchmarks.processes import allow_files, cores
from benchmarks.report import Row
from benchmarks.rounds import Bench, Figures, answered, measured, upstream_alone, warmed
from benchmarks.workloads import FIRST_ID, WORKLOADS, Workload

OPEN_FILES = 4096  # N+1 by hand holds 800 connections, and another server's are still idle
COMPARED = 3  # answers per workload that have to agree before anything is timed


def main() -> int:
    options = _options()
    server_core, other_core = cores()
    allow_files(OPEN_FILES)
    os.sched_setaffinity(0, {other_core})
    wanted = [c for c in contestants() if c.name in options.servers]
    chosen = [w for w in WORKLOADS if w.name in options.workloads]
    with (
        upstream(other_core) as source,
        started(wanted, chosen, source, server_core) as (servers, missing),
    ):
        ids = itertools.count(FIRST_ID)
        bench = Bench(source, ids, server_core, options.seconds)
        fit, differing = _agreeing(servers, chosen, bench)
        faults = [*(f"NOT STARTED {text}" for text in missing), *differing]
        if faults:
            print("\n\n".join(faults) + "\n", flush=True)
        rows = [
            row for work in chosen for row in _rows(bench, fit[work.name], work, options.rounds)
        ]
        sections = [*faults, _method(options) + _left_out(wanted, chosen), *_tables(bench, rows)]
    print("\n\n".join(sections[len(faults) :]))
    if options.write:
        report.write("benchmarks.serve", sections)
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    names = [contestant.name for contestant in contestants()]
    works = [workload.name for workload in WORKLOADS]
    parser.add_argument("--servers", nargs="+", choices=names, default=names)
    parser.add_argument("--workloads", nargs="+", choices=works, default=works)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one round")
    parser.add_argument("--quick", action="store_true", help="one round of half a second")
    parser.add_argument("--write", action="store_true", help="append to benchmarks/results.md")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    return options


def _agreeing(
    servers: Sequence[Running], chosen: Sequence[Workload], bench: Bench
) -> tuple[dict[str, list[Running]], list[str]]:
    """By workload, the servers that answer what the first one that works answers; and the rest."""
    fit: dict[str, list[Running]] = {}
    differing = []
    for workload in chosen:
        able = [server for server in servers if server.contestant.answers(workload)]
        numbers = [next(bench.ids) for _ in range(COMPARED)]
        said = [[answered(server, workload, number) for number in numbers] for server in able]
        right = next((answers for answers in said if isinstance(answers[0], dict)), [None])
        fit[workload.name] = [s for s, answers in zip(able, said, strict=True) if answers == right]
        differing += [
            f"NOT TIMED {server.contestant.label} on {workload.name}: "
            f"{str(answers[0])[:300]} instead of {str(right[0])[:300]}"
            for server, answers in zip(able, said, strict=True)
            if answers != right
        ]
    return fit, differing


def _rows(bench: Bench, servers: Sequence[Running], workload: Workload, rounds: int) -> list[Row]:
    for server in servers:
        warmed(bench, server, workload)
    taken: list[list[Figures]] = [[] for _ in servers]
    for turn in range(rounds):
        for place in range(len(servers)):
            n = (place + turn) % len(servers)  # nobody is always first
            _progress(f"{workload.name} round {turn + 1}/{rounds}")
            taken[n].append(measured(bench, servers[n], workload))
    _progress("")
    return [
        Row(workload, server.contestant.label, tuple(figures))
        for server, figures in zip(servers, taken, strict=True)
    ]


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:30}\r", end="", file=sys.stderr, flush=True)


def _tables(bench: Bench, rows: Sequence[Row]) -> list[str]:
    light = [row for row in rows if row.workload.rate]
    heavy = [row for row in rows if not row.workload.rate]
    tables = [report.load_table(heavy)] if heavy else []
    if light:
        direct = upstream_alone(bench, light[0].workload)
        tables.append(report.steady_table(light, direct.at(0.50), direct.at(0.99)))
    return tables


def _method(options: argparse.Namespace) -> str:
    clients = ", ".join(f"{w.name} {w.clients}" for w in WORKLOADS if not w.rate)
    return (
        f"Medians of {options.rounds} interleaved rounds of {options.seconds:g} s "
        f"(w6: {options.seconds * 3:g} s); connections: {clients}."
    )


def _left_out(wanted: Sequence[Contestant], chosen: Sequence[Workload]) -> str:
    lacking = [(c.label, [w.name for w in chosen if not c.answers(w)]) for c in wanted]
    texts = [f"{label} on {', '.join(names)}" for label, names in lacking if names]
    return f" Left out: {'; '.join(texts)}." if texts else ""


if __name__ == "__main__":
    sys.exit(main())
