"""Figures in the text format of Prometheus (0.0.4), and those of the process itself."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable, Iterator

from apiql import __version__
from apiql.events import Figure

MEDIA = b"text/plain; version=0.0.4; charset=utf-8"
_TOLD = str.maketrans({"\\": "\\\\", "\n": "\\n"})
_LABEL = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


def exposed(figures: Iterable[Figure]) -> bytes:
    """All figures; those of one name stand together, as the format wants it, the first one's words
    before them.
    """
    families: dict[str, list[Figure]] = {}
    for figure in figures:
        families.setdefault(figure.name, []).append(figure)
    lines: list[str] = []
    for name, members in families.items():
        first = members[0]
        lines.append(f"# HELP {name} {first.told.translate(_TOLD)}")
        lines.append(f"# TYPE {name} {'counter' if first.counter else 'gauge'}")
        lines += [_sample(figure) for figure in members]
    return "".join(f"{line}\n" for line in lines).encode()


def _sample(figure: Figure) -> str:
    labels = ",".join(f'{k}="{v.translate(_LABEL)}"' for k, v in sorted(figure.labels.items()))
    return f"{figure.name}{{{labels}}} {_number(figure.value)}" if labels else (
        f"{figure.name} {_number(figure.value)}"
    )  # fmt: skip


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
