"""The tables: medians of the rounds, ratios to the first server, marks where a run is not clean."""

from __future__ import annotations

import platform
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from benchmarks.rounds import DISTURBED, Figures
from benchmarks.workloads import Workload

RESULTS = Path(__file__).with_name("results.md")
_PACKAGES = "uvicorn uvloop httptools fastapi starlette httpx aiohttp msgspec".split()


@dataclass(frozen=True)
class Row:
    """All rounds of one server on one workload."""

    workload: Workload
    server: str
    rounds: tuple[Figures, ...]

    def middle(self, what: str) -> float:
        figures: Iterable[float] = (getattr(figures, what) for figures in self.rounds)
        return median(figures)


def load_table(rows: Sequence[Row]) -> str:
    head = (
        "workload, server, req/s, x req/s, CPU ms, x CPU, p50 ms, p99 ms, peak MB, calls, "
        "spread, notes"
    )
    return table(head, (_load_cells(row, _measure(row, rows)) for row in rows))


def steady_table(rows: Sequence[Row], direct_p50: float, direct_p99: float) -> str:
    head = "workload, server, CPU ms, x CPU, added p50 ms, added p99 ms, peak MB, calls, notes"
    alone = ["", "(upstream alone)", "", "", f"{direct_p50 - 20:.2f}", f"{direct_p99 - 20:.2f}"]
    return table(
        head, [*(_steady_cells(row, _measure(row, rows)) for row in rows), [*alone, "", "", ""]]
    )


def table(head: str, rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with columns padded, so that it reads well in a terminal too."""
    lines = [head.split(", "), *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def machine() -> str:
    packages = [f"{name} {_version(name)}" for name in _PACKAGES]
    kernel = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"CPython {platform.python_version()}, {kernel}, {_cpu()}; " + ", ".join(packages)


def write(module: str, sections: Iterable[str]) -> None:
    """Appends a dated section with the command that makes it again."""
    today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    command = f"python -m {module} {shlex.join(sys.argv[1:])}".rstrip()
    body = "\n\n".join([f"## {today}", f"    {command}", machine(), *sections])
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(f"\n{body}\n")


def _measure(row: Row, rows: Sequence[Row]) -> Row | None:
    same = [other for other in rows if other.workload == row.workload]
    return same[0] if same[0].server == "FastAPI + httpx" else None


def _load_cells(row: Row, measure: Row | None) -> list[str]:
    speeds = [figures.rps for figures in row.rounds]
    spread = (max(speeds) - min(speeds)) / max(row.middle("rps"), 1e-9)
    return [
        row.workload.name,
        row.server,
        f"{row.middle('rps'):,.0f}",
        f"{row.middle('rps') / measure.middle('rps'):.1f}" if measure else "",
        f"{row.middle('cpu'):.3f}",
        _cpu_ratio(row, measure),
        f"{row.middle('p50'):.2f}",
        f"{row.middle('p99'):.2f}",
        f"{max(figures.peak_mb for figures in row.rounds):.0f}",
        f"{row.middle('calls'):.2f}",
        f"{spread:.0%}",
        _notes(row),
    ]


def _steady_cells(row: Row, measure: Row | None) -> list[str]:
    return [
        row.workload.name,
        row.server,
        f"{row.middle('cpu'):.3f}",
        _cpu_ratio(row, measure),
        f"{row.middle('p50') - 20:.2f}",
        f"{row.middle('p99') - 20:.2f}",
        f"{max(figures.peak_mb for figures in row.rounds):.0f}",
        f"{row.middle('calls'):.2f}",
        _notes(row),
    ]


def _cpu_ratio(row: Row, measure: Row | None) -> str:
    if measure is None or not row.middle("cpu"):
        return ""
    return f"{measure.middle('cpu') / row.middle('cpu'):.1f}"


def _notes(row: Row) -> str:
    calls = [figures.calls for figures in row.rounds]
    errors = sum((figures.errors for figures in row.rounds), Counter[str]())
    notes = [f"{count} x {what}" for what, count in errors.most_common(2)]
    if min(calls) < row.workload.calls * 0.999:
        notes.append("TOO FEW CALLS")
    if max(calls) > row.workload.calls * 1.001 and not errors:
        notes.append("more calls than needed")
    disturbed = sum(figures.disturbed > DISTURBED for figures in row.rounds)
    if disturbed:
        notes.append(f"{disturbed} of {len(calls)} rounds disturbed")
    return "; ".join(notes)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if "model name" in line), "unknown CPU")
