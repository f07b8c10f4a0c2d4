"""What stands at a path in a JSON value, as gjson finds it. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from apiql.frontends.endpoints.json_path import Each, Modified, Name, Path, Query
from apiql.frontends.endpoints.json_value import MISSING, Json, Missing, decoded, encoded
from apiql.frontends.endpoints.wildcards import matches

Find: TypeAlias = Callable[[Json], "Json | Missing"]


def finder(path: Path) -> Find:
    """The function that finds what stands at a path, MISSING where nothing does."""
    return _behind(path, 0)


def _behind(path: Path, at: int) -> Find:
    if at == len(path.steps):
        return _itself
    match path.steps[at]:
        case Name() as name:
            return _named(name, _behind(path, at + 1))
        case Each():
            return _each(path, at)
        case Query() as query:
            return _queried(query, path, at)
        case Modified(name):
            return _modified(name, _behind(path, at + 1))


def _itself(value: Json) -> Json | Missing:
    return value


def _named(step: Name, behind: Find) -> Find:
    name, index, is_pattern = step.name, step.index, step.is_pattern

    def find(value: Json) -> Json | Missing:
        if isinstance(value, dict):
            key = next((k for k in value if matches(k, name)), None) if is_pattern else name
            return behind(value[key]) if key in value else MISSING
        if isinstance(value, list) and index is not None and index < len(value):
            return behind(value[index])
        return MISSING

    return find


def _each(path: Path, at: int) -> Find:
    """`#` at the end counts; with steps behind it, those that have them are collected."""
    if at + 1 == len(path.steps):
        return lambda value: len(value) if isinstance(value, list) else _hash(value)
    behind = _behind(path, at + 1)
    if at + 1 in path.pipes:
        return lambda value: behind(len(value)) if isinstance(value, list) else MISSING

    def collect(value: Json) -> Json | Missing:
        if not isinstance(value, list):
            found = _hash(value)
            return MISSING if found is MISSING else behind(found)
        return [found for found in map(behind, value) if found is not MISSING]

    return collect


def _hash(value: Json) -> Json | Missing:
    """A member may be named `#`."""
    return value.get("#", MISSING) if isinstance(value, dict) else MISSING


def _queried(query: Query, path: Path, at: int) -> Find:
    behind = _behind(path, at + 1)
    holds = condition(query)
    is_whole = at + 1 == len(path.steps) or at + 1 in path.pipes

    def first(value: Json) -> Json | Missing:
        found = next(filter(holds, value), MISSING) if isinstance(value, list) else MISSING
        return MISSING if found is MISSING else behind(found)

    def every(value: Json) -> Json | Missing:
        if not isinstance(value, list):
            return MISSING
        matching = list(filter(holds, value))
        if is_whole:
            return behind(matching)
        return [found for found in map(behind, matching) if found is not MISSING]

    return every if query.is_all else first


def _modified(name: str, behind: Find) -> Find:
    match name:
        case "@reverse":
            return lambda value: behind(_reversed(value))
        case "@keys":
            return lambda value: behind(_names(value))
        case "@values":
            return lambda value: behind(_elements(value))
        case "@flatten":
            return lambda value: behind(list(_flat(value)) if isinstance(value, list) else value)
        case _:
            return behind


def _names(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value)
    return [None] * len(value) if isinstance(value, list) else []


def _elements(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _reversed(value: Json) -> Json:
    if isinstance(value, list):
        return value[::-1]
    return dict(reversed(value.items())) if isinstance(value, dict) else value


def _flat(value: list[Json]) -> Iterator[Json]:
    for element in value:
        yield from element if isinstance(element, list) else (element,)


def condition(query: Query) -> Callable[[Json], bool]:
    """Whether an element is one that the query looks for."""
    find = _itself if query.path is None else finder(query.path)
    operator, operand = query.operator, query.operand
    if operator == "":
        return lambda element: find(element) is not MISSING
    if operand.startswith("~"):
        return lambda element: _is_like(find(element), operand[1:]) == (operator == "==")
    text = decoded(operand) if operand.startswith('"') else operand
    operand = text if isinstance(text, str) else operand.strip('"')
    return lambda element: _compares(find(element), operator, operand)


def _is_like(value: Json | Missing, kind: str) -> bool:
    """`~true`, `~false`, `~null`, `~*`: what counts as such."""
    is_false = value is MISSING or value is None or value in (False, 0, "", "0", "false")
    match kind:
        case "*":
            return value is not MISSING
        case "null":
            return value is MISSING or value is None
        case "false":
            return is_false
        case "true":
            return not is_false
        case _:
            return False


def _compares(value: Json | Missing, operator: str, operand: str) -> bool:
    if isinstance(value, bool):
        return _ordered(value, operator, operand == "true") if operand in _BOOLEANS else False
    if isinstance(value, str):
        if operator in ("%", "!%"):
            return matches(value, operand) == (operator == "%")
        return _ordered(value, operator, operand)
    if isinstance(value, int | Decimal):
        number = _number(operand)
        return number is not None and _ordered(value, operator, number)
    if isinstance(value, list | dict) and operator in ("==", "!="):
        return (encoded(value).decode() == operand) == (operator == "==")
    return False


_BOOLEANS = ("true", "false")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _ordered(left: Json, operator: str, right: Json) -> bool:
    match operator:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case _:
            return False
