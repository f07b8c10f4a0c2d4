"""Figures in the text formats of Prometheus (0.0.4) and OpenMetrics (1.0.0), and those of the
process itself.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from apiql import __version__
from apiql.events import Family, Figure, Histogram

MEDIA = b"text/plain; version=0.0.4; charset=utf-8"
OPEN_MEDIA = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
_TOLD = str.maketrans({"\\": "\\\\", "\n": "\\n"})
_LABEL = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_OPEN_TOLD = _LABEL
TOTAL = "_total"


def exposed(figures: Iterable[Family], is_open: bool = False) -> bytes:
    """All figures; those of one name stand together, as the format wants it, the first one's words
    before them. `is_open` writes OpenMetrics.
    """
    families: dict[str, list[Family]] = {}
    for figure in figures:
        families.setdefault(figure.name, []).append(figure)
    lines: list[str] = []
    for name, members in families.items():
        first = members[0]
        kind, told = _kind(first), first.told.translate(_OPEN_TOLD if is_open else _TOLD)
        family = name.removesuffix(TOTAL) if is_open and kind == "counter" else name
        lines += [f"# HELP {family} {told}", f"# TYPE {family} {kind}"]
        for member in members:
            lines += _samples(member, is_open)
    lines += ["# EOF"] if is_open else []
    return "".join(f"{line}\n" for line in lines).encode()


def _kind(first: Family) -> str:
    if isinstance(first, Histogram):
        return "histogram"
    return "counter" if first.counter else "gauge"


def _samples(member: Family, is_open: bool) -> Iterator[str]:
    name = member.name
    if isinstance(member, Figure):
        yield _sample(name, member.labels, member.value)
        return
    bounds = [_bound(bound, is_open) for bound in member.bounds] + ["+Inf"]
    counts = [*accumulate(member.counts)]
    for bound, count in zip(bounds, counts, strict=True):
        yield _sample(f"{name}_bucket", {**member.labels, "le": bound}, count)
    yield _sample(f"{name}_sum", member.labels, member.total)
    yield _sample(f"{name}_count", member.labels, counts[-1])


def _bound(bound: float, is_open: bool) -> str:
    return repr(float(bound)) if is_open else _number(bound)


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    """A line; `le` stands last, as it always does."""
    ordered = sorted(labels.items(), key=lambda pair: (pair[0] == "le", pair[0]))
    told = ",".join(f'{k}="{v.translate(_LABEL)}"' for k, v in ordered)
    return f"{name}{{{told}}} {_number(value)}" if told else f"{name} {_number(value)}"


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def process_figures(started: float) -> Iterator[Figure]:
    """What Prometheus calls them everywhere; those that the system does not tell are left out."""
    yield Figure("apiql_build_info", "The version that runs", 1, {"version": __version__})
    yield Figure("process_start_time_seconds", "Start, since 1970", started)
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = used.ru_utime + used.ru_stime
    yield Figure("process_cpu_seconds_total", "Time of all cores", spent, counter=True)
    with contextlib.suppress(OSError, ValueError):
        pages = int(open_text("/proc/self/statm").split()[1])
        size = pages * resource.getpagesize()
        yield Figure("process_resident_memory_bytes", "Memory in use", size)
        count = len(os.listdir("/proc/self/fd"))
        yield Figure("process_open_fds", "Open file descriptors", count)
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield Figure("process_max_fds", "The most that may be open", most)


def open_text(path: str) -> str:
    """The text of a small file."""
    with open(path, encoding="ascii") as file:
        return file.read()
