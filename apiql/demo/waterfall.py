"""The calls of an answer as bars on one scale of time; knows neither terminals nor HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BAR = "█"
WIDTH = 40


@dataclass(frozen=True)
class Row:
    """A task and its call: milliseconds from the start of the query; no duration: not called."""

    task: str
    start: float
    duration: float | None
    outcome: str
    warning: bool = False

    @property
    def end(self) -> float:
        return self.start + (self.duration or 0)

    @property
    def well(self) -> bool:
        """Whether a 2xx answer came that could be used."""
        return self.outcome.isdigit() and self.outcome.startswith("2")


def rows_of(
    tasks: Iterable[str], trace: Iterable[Mapping[str, Any]], errors: Iterable[Mapping[str, Any]]
) -> list[Row]:
    """A row for each task of the plan, in its order: what feeds a call stands above it."""
    calls = {call["task"]: call for call in trace}
    failures = {error["task"]: error for error in errors if "task" in error}
    return [_row(task, calls.get(task), failures.get(task, {})) for task in tasks]


def _row(task: str, call: Mapping[str, Any] | None, failure: Mapping[str, Any]) -> Row:
    warning = failure.get("warning") is True
    if call is None:
        cause = f": {failure['cause']} failed" if "cause" in failure else ""
        return Row(task, 0.0, None, f"not called{cause}", warning)
    outcome = [call["status"], failure.get("code")]
    said = " ".join(str(word) for word in outcome if word is not None)
    return Row(task, float(call["start"]), float(call["duration"]), said, warning)


def lines_of(rows: Sequence[Row], width: int = WIDTH) -> list[str]:
    """The scale, then each row: name, bar, milliseconds, outcome."""
    total = max((row.end for row in rows), default=0.0)
    names = max((len(row.task) for row in rows), default=0)
    end = f"{total:.0f} ms"
    scale = f"{'':{names}}  0 ms{end:>{width - 4}}"
    return [scale, *(_line(row, total, names, width) for row in rows)]


def _line(row: Row, total: float, names: int, width: int) -> str:
    if row.duration is None:
        return f"{row.task:{names}}  {'·' * width}           {row.outcome}"
    first, last = _columns(row, total, width)
    bar = f"{' ' * first}{BAR * (last - first)}"
    return f"{row.task:{names}}  {bar:{width}}  {row.duration:5.1f} ms  {row.outcome}"


def _columns(row: Row, total: float, width: int) -> tuple[int, int]:
    """The first column of a bar and the one after its last; even a short call has one."""
    scale = width / total if total else 0.0
    first = min(round(row.start * scale), width - 1)
    return first, min(max(round(row.end * scale), first + 1), width)
