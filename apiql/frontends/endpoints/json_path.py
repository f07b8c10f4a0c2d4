"""The notation of paths into JSON that gjson reads and sjson sets: a text -> steps.

`a.b.0.c`, `a\\.b`, `list.#`, `list.#.name`, `list.#(age>=18).name`, `list.#(age>=18)#`, `a*.b?`,
`a|b`, `@this`, `@reverse`, `@keys`, `@values`, `@flatten`; `:0` is the name 0 where one sets. Reads
no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from apiql.errors import ApiqlError

MOST_STEPS = 64
MOST_QUERIES = 8
"""Queries in each other."""
MODIFIERS = ("@this", "@ugly", "@pretty", "@reverse", "@keys", "@values", "@flatten")
_OPERATORS = ("==", "!=", "<=", ">=", "!%", "<", ">", "%", "=")
_SIGNS = "=!<>%"
_INDEX = re.compile(r"[0-9]{1,9}")


class NoPath(ApiqlError):
    """A text that is no path: why, and at which letter."""

    def __init__(self, wrong: str, at: int) -> None:
        super().__init__(wrong)
        self.wrong, self.at = wrong, at


@dataclass(frozen=True, slots=True)
class Name:
    """A member by its name, or an element by its index. `is_pattern`: `*` and `?` are wild."""

    name: str
    is_pattern: bool = False
    is_forced: bool = False

    @property
    def index(self) -> int | None:
        """The element it means in a list."""
        return int(self.name) if _INDEX.fullmatch(self.name) else None


@dataclass(frozen=True, slots=True)
class Each:
    """`#`: all elements; alone at the end, how many they are."""


@dataclass(frozen=True, slots=True)
class Query:
    """`#(path op value)`, `#(…)#` for all elements that match."""

    path: Path | None
    operator: str
    operand: str
    is_all: bool


@dataclass(frozen=True, slots=True)
class Modified:
    """`@reverse` and the like."""

    name: str


Step: TypeAlias = Name | Each | Query | Modified


@dataclass(frozen=True, slots=True)
class Path:
    """Steps. `pipes` are the indexes of those behind a `|`, which take a list as a whole."""

    text: str
    steps: tuple[Step, ...]
    pipes: frozenset[int] = frozenset()

    @property
    def is_simple(self) -> bool:
        """Whether it names one place, there or not: what can be set where nothing is."""
        return not self.pipes and all(
            isinstance(step, Name) and not step.is_pattern for step in self.steps
        )


def path_of(text: str) -> Path:
    """The steps of a path.

    Raises:
        NoPath: it is none.
    """
    return _path(text, 0)


def _path(text: str, depth: int) -> Path:
    steps: list[Step] = []
    pipes: set[int] = set()
    at = 0
    while True:
        step, at = _step(text, at, depth)
        steps.append(step)
        if len(steps) > MOST_STEPS:
            raise NoPath(f"a path has no more than {MOST_STEPS} steps", at)
        if at == len(text):
            return Path(text, tuple(steps), frozenset(pipes))
        if text[at] == "|":
            pipes.add(len(steps))
        at += 1


def _step(text: str, at: int, depth: int) -> tuple[Step, int]:
    if text.startswith(("#(", "#["), at):
        if depth == MOST_QUERIES:
            raise NoPath(f"no more than {MOST_QUERIES} queries stand in each other", at)
        return _query(text, at, depth + 1)
    end, name, is_pattern = _name(text, at)
    raw = text[at:end]
    if raw == "":
        raise NoPath("a step of the path is empty", at)
    if raw == "#":
        return Each(), end
    if raw in MODIFIERS:
        return Modified(raw), end
    if raw.startswith(":") and len(raw) > 1:
        return Name(name[1:], is_pattern, is_forced=True), end
    return Name(name, is_pattern), end


def _name(text: str, at: int) -> tuple[int, str, bool]:
    """Where a name ends, and the name without its escapes; those of a pattern are left in it."""
    letters: list[str] = []
    plain: list[str] = []
    is_pattern = False
    while at < len(text) and text[at] not in ".|":
        if text[at] == "\\" and at + 1 < len(text):
            letters.append(text[at : at + 2])
            plain.append(text[at + 1])
            at += 2
            continue
        is_pattern = is_pattern or text[at] in "*?"
        letters.append(text[at])
        plain.append(text[at])
        at += 1
    return at, "".join(letters if is_pattern else plain), is_pattern


def _query(text: str, at: int, depth: int) -> tuple[Query, int]:
    inner, end = _in_brackets(text, at + 1)
    is_all = text.startswith("#", end)
    end += is_all
    if end < len(text) and text[end] not in ".|":
        raise NoPath("a dot goes behind a query", end)
    split = _operator(inner)
    if split is None:
        return Query(_inner(inner.strip(), at + 2, depth), "", "", is_all), end
    where, operator = split
    path = _inner(inner[:where].strip(), at + 2, depth)
    operand = inner[where + len(operator) :].strip()
    return Query(path, "==" if operator == "=" else operator, operand, is_all), end


def _inner(text: str, at: int, depth: int) -> Path | None:
    try:
        return _path(text, depth) if text else None
    except NoPath as refused:
        raise NoPath(refused.wrong, at + refused.at) from None


def _in_brackets(text: str, at: int) -> tuple[str, int]:
    """What stands in brackets, and where they end; brackets and quotes inside are minded."""
    for here, depth in _outside_quotes(text, at):
        if depth == 0:
            return text[at + 1 : here], here + 1
    raise NoPath("a bracket is not closed", at)


def _operator(inner: str) -> tuple[int, str] | None:
    """The first operator outside of brackets and quotes."""
    for here, depth in _outside_quotes(inner, 0):
        if depth == 0 and inner[here] in _SIGNS:
            found = next((o for o in _OPERATORS if inner.startswith(o, here)), None)
            if found is not None:
                return here, found
    return None


def _outside_quotes(text: str, at: int) -> Iterator[tuple[int, int]]:
    """The letters behind a place that stand in no quotes, each with the brackets open behind it."""
    depth, quote = 0, False
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
        elif letter == '"':
            quote = not quote
        elif not quote:
            depth += (letter in "([") - (letter in ")]")
            yield at, depth
        at += 1
