"""A reader of expositions that knows nothing of what writes them: both text formats, strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
TAILS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
Labels = tuple[tuple[str, str], ...]


@dataclass
class Read:
    """A family: its kind, its words, its samples by name and labels."""

    kind: str
    told: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def read(text: str, is_open: bool = False) -> dict[str, Read]:
    """All families of an exposition."""
    assert text.endswith("# EOF\n" if is_open else "\n")
    lines = text.removesuffix("# EOF\n").removesuffix("\n").split("\n")
    found: dict[str, Read] = {}
    name = ""
    for line in lines:
        if line.startswith("# HELP "):
            name, _, told = line.removeprefix("# HELP ").partition(" ")
            assert re.fullmatch(NAME, name)
            assert name not in found, f"{name} stands twice"
            found[name] = Read("", told)
        elif line.startswith("# TYPE "):
            typed, _, kind = line.removeprefix("# TYPE ").partition(" ")
            assert typed == name
            assert found[name].kind == "", "one TYPE for a family"
            assert kind in TAILS
            found[name].kind = kind
        else:
            _take(line, name, found[name], is_open)
    for each in found.values():
        if each.kind == "histogram":
            _check(each)
    return found


def _take(line: str, family: str, into: Read, is_open: bool) -> None:
    match = SAMPLE.fullmatch(line)
    assert match is not None, line
    tails = ("_total",) if is_open and into.kind == "counter" else TAILS[into.kind]
    assert match[1] in [family + tail for tail in tails], line
    labels = tuple(sorted(LABEL.findall(match[2] or "")))
    assert len(LABEL.sub("", match[2] or "")) == 0, line
    assert len({name for name, _ in labels}) == len(labels)
    assert (match[1], labels) not in into.samples, f"{line} stands twice"
    into.samples[match[1], labels] = float(match[3])


def _check(histogram: Read) -> None:
    """Buckets grow with their bounds, the last is `+Inf` and the count of all."""
    series: dict[Labels, list[tuple[float, float]]] = {}
    counts: dict[Labels, float] = {}
    for (name, labels), value in histogram.samples.items():
        rest = tuple(pair for pair in labels if pair[0] != "le")
        if name.endswith("_bucket"):
            series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        elif name.endswith("_count"):
            counts[rest] = value
    assert series.keys() == counts.keys()
    for rest, buckets in series.items():
        assert buckets == sorted(buckets), "in the order of their bounds"
        values = [value for _, value in buckets]
        assert values == sorted(values), "buckets are cumulative"
        assert buckets[-1] == (float("inf"), counts[rest])
