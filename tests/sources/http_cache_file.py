"""The file of HTTP cache requirements, read: cases with their steps, one for each value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).with_name("http_cache_cases.txt")
Pairs = tuple[tuple[str, str], ...]
_CALL = re.compile(
    r"(?:together (?P<times>\d+) )?(?P<method>[A-Z-]+)(?: (?P<target>/\S*))?"
    r"(?: \[(?P<sent>[^\]]*)\])?(?: <- (?P<reply>.*?))?(?: = (?P<seen>.*))?"
)
_REPLY = re.compile(r"(?:(?P<status>\d{3}) ?)?(?P<headers>.*)")
_SEEN = re.compile(r"(?:asked|kept|fails|confirmed by [\w-]+|status \d+|Age > \d+|![\w-]+)")


@dataclass(frozen=True)
class Step:
    """A call, what the upstream answers to it (None: a broken connection), what is to be seen.
    Without a method it is a time that passes.
    """

    wait: float = 0.0
    method: str = ""
    target: str = "/x"
    sent: Pairs = ()
    status: int | None = 200
    headers: Pairs = ()
    seen: tuple[str, ...] = ()
    times: int = 1


@dataclass(frozen=True)
class Requirement:
    """One case; `unmet` is why we do otherwise."""

    name: str
    unmet: str | None
    steps: tuple[Step, ...] = field(repr=False)


def requirements() -> list[Requirement]:
    """All cases of the file."""
    _, *blocks = re.split(r"^### ", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [case for block in blocks for case in _cases(block)]


def _cases(block: str) -> Iterator[Requirement]:
    name, _, *lines = [line for line in block.split("\n") if line and not line.startswith("# ")]
    values = dict(_value(line) for line in lines if line.startswith("values "))
    each = next((line for line in lines if line.startswith("each ")), "each =")
    for entry in each.removeprefix("each ").split(" | "):
        word, _, told = entry.partition("=")
        word = word or told
        value = told if word != told and told else values.get(word, word)
        yield _case(_filled(name, word, value, True), lines, word, value)


def _value(line: str) -> tuple[str, str]:
    word, _, text = line.removeprefix("values ").partition(" = ")
    return word, text


def _filled(text: str, word: str, value: str, naming: bool = False) -> str:
    return text.replace("NAME", word).replace("VALUE", word if naming else value)


def _case(name: str, lines: list[str], word: str, value: str) -> Requirement:
    unmet = next((line.removeprefix("unmet ") for line in lines if line.startswith("unmet ")), None)
    steps = [
        _step(part.strip())
        for line in lines
        if not line.startswith(("each ", "values ", "unmet "))
        for part in _filled(line, word, value).split(" ; ")
    ]
    return Requirement(name, unmet, tuple(steps))


def _step(line: str) -> Step:
    if line.startswith("wait "):
        return Step(wait=float(line.removeprefix("wait ")))
    found = _CALL.fullmatch(line)
    assert found is not None, line
    reply = found["reply"] or ""
    told = _REPLY.fullmatch("" if reply == "closes" else reply)
    assert told is not None
    status = None if reply == "closes" else int(told["status"] or 200)
    seen = tuple((found["seen"] or "").split(" | ")) if found["seen"] else ()
    assert all(_SEEN.fullmatch(each) or ": " in each for each in seen), line
    target = found["target"] or "/x"
    sent, headers = _pairs(found["sent"] or ""), _pairs(told["headers"])
    times = int(found["times"] or 1)
    return Step(0.0, found["method"], target, sent, status, headers, seen, times)


def _pairs(text: str) -> Pairs:
    parts = [part.partition(":") for part in text.split(" | ") if part.strip()]
    return tuple((name.strip(), value.strip()) for name, _, value in parts)
