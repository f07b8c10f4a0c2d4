"""An analysis for people and tools: text, JSON, Mermaid. All times are milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apiql.errors import Code
from apiql.runtime.analysis import Analysis, TaskAnalysis, Times

BAR, WIDTH = "█", 30
HEAD = ("task", "start", "took", "slack", "calls", "bytes")


def as_text(analysis: Analysis) -> str:
    """A summary, the critical path, a row with a bar for each task, and what has time to spare."""
    count = len(analysis.tasks)
    lines = [
        f"analysis: {_ms(analysis.total)} ms, {count} task{_s(count)}, "
        f"{analysis.calls} upstream call{_s(analysis.calls)}, {analysis.size} bytes; "
        f"status {analysis.status}",
        f"critical path: {' -> '.join(analysis.path)}",
        "",
        *_table(analysis),
    ]
    spare = [f"{t.name} could be {_ms(t.slack or 0)} ms slower without changing the total"
             for t in analysis.tasks if _ms(t.slack or 0) > 0]  # fmt: skip
    return "\n".join([*lines, *(["", *spare] if spare else [])]) + "\n"


def as_json(analysis: Analysis) -> dict[str, Any]:
    """`{"total", "status", "calls", "bytes", "criticalPath": […], "tasks": […]}`."""
    return {
        "total": _ms(analysis.total),
        "status": analysis.status,
        "calls": analysis.calls,
        "bytes": analysis.size,
        "criticalPath": [*analysis.path],
        "tasks": [_task_object(task, analysis) for task in analysis.tasks],
    }


def as_mermaid(analysis: Analysis) -> str:
    """A Gantt chart; the critical path is marked."""
    lines = ["gantt", "    dateFormat x", "    axisFormat %Q ms", "    section tasks"]
    for number, task in enumerate(analysis.tasks):
        mark = "crit, " if task.name in analysis.path else ""
        start = round(task.start * 1000)
        end = max(round(task.end * 1000), start + 1)
        lines.append(
            f"    {_label(task.name)} {_ms(_took(task))} ms :{mark}t{number}, {start}, {end}"
        )
    return "\n".join(lines) + "\n"


# -- text ---------------------------------------------------------------------------------------


def _table(analysis: Analysis) -> Iterable[str]:
    rows = [_cells(task) for task in analysis.tasks]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    yield f"{_line(HEAD, widths)}  {'':{WIDTH}}".rstrip()
    for task, row in zip(analysis.tasks, rows, strict=True):
        bar = _bar(task, analysis.total)
        yield f"{_line(row, widths)}  {bar:{WIDTH}}  {_ending(task)}".rstrip()


def _cells(task: TaskAnalysis) -> tuple[str, ...]:
    slack = "-" if task.slack is None else f"{_ms(task.slack)}"
    return (task.name, f"{_ms(task.start)}", f"{_ms(_took(task))}", slack,
            f"{task.calls}", f"{task.size}")  # fmt: skip


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    name, *numbers = (
        f"{cell:>{width}}" if number else f"{cell:{width}}"
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((name, *numbers))


def _bar(task: TaskAnalysis, total: float) -> str:
    """The task's time on the scale of all; even a short one has a column."""
    scale = WIDTH / total if total else 0.0
    first = min(round(task.start * scale), WIDTH - 1)
    last = min(max(round(task.end * scale), first + 1), WIDTH)
    return f"{' ' * first}{BAR * (last - first)}"


def _ending(task: TaskAnalysis) -> str:
    """`2 × 200, 404, 1 retry, each 3.1 to 20.4 ms (median 5.0)`"""
    return ", ".join([*_how_it_ended(task), *_how_it_went(task)])


def _how_it_ended(task: TaskAnalysis) -> Iterator[str]:
    if task.ending != "done":
        yield f"{task.ending}: {task.code}" if task.code else task.ending
    if task.runs > 1:
        yield f"{task.runs} runs"
    for status, count in sorted(task.statuses.items()):
        yield _times_over(count, str(status))
    for code, count in sorted(task.codes.items()):
        if code not in (task.code, Code.UPSTREAM_STATUS):
            yield _times_over(count, code)


def _how_it_went(task: TaskAnalysis) -> Iterator[str]:
    if task.retries:
        yield f"{task.retries} {'retry' if task.retries == 1 else 'retries'}"
    if task.turns:
        yield "else taken"
    if task.age is not None:
        yield f"{task.hits} kept, up to {task.age:g} s old"
    if _ms(task.queued) >= 1:
        yield f"queued {_ms(task.queued)} ms"
    if task.times is not None and task.calls > 1:
        times = task.times
        yield f"each {_ms(times.least)} to {_ms(times.most)} ms (median {_ms(times.median)})"
    if task.others:
        yield f"also {', '.join(task.others)}"


def _times_over(count: int, word: str) -> str:
    return word if count == 1 else f"{count} × {word}"


# -- JSON ---------------------------------------------------------------------------------------


def _task_object(task: TaskAnalysis, analysis: Analysis) -> dict[str, Any]:
    return {
        "name": task.name,
        "needs": [*task.needs],
        "start": _ms(task.start),
        "end": _ms(task.end),
        "duration": _ms(_took(task)),
        "queued": _ms(task.queued),
        "slack": None if task.slack is None else _ms(task.slack),
        "critical": task.name in analysis.path,
        "ending": task.ending,
        "code": task.code,
        "runs": task.runs,
        "calls": task.calls,
        "retries": task.retries,
        "elseTaken": task.turns > 0,
        "bytes": task.size,
        "statuses": _named(task.statuses),
        "failures": _named(task.codes),
        "cache": {"hits": task.hits, "age": task.age},
        "callTime": _times_object(task.times),
    }


def _named(counts: Mapping[Any, int]) -> dict[str, int]:
    return {str(key): count for key, count in sorted(counts.items())}


def _times_object(times: Times | None) -> dict[str, float] | None:
    if times is None:
        return None
    return {"min": _ms(times.least), "median": _ms(times.median), "max": _ms(times.most)}


# -- shared by all forms ------------------------------------------------------------------------


def _took(task: TaskAnalysis) -> float:
    return task.end - task.start


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1) + 0.0


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _label(name: str) -> str:
    """A name without the marks that mean something to Mermaid."""
    return "".join(c if c.isalnum() or c in "_-/ " else "_" for c in name)
