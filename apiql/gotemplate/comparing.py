"""eq, ne, lt, le, gt and ge: only values of one basic kind compare, as in Go."""

from __future__ import annotations

from collections.abc import Sequence

from apiql.gotemplate.budget import Run
from apiql.gotemplate.faults import Stopped
from apiql.gotemplate.printing import text_of
from apiql.gotemplate.values import MISSING, ListView, MapView, Value, type_name

INCOMPATIBLE = "incompatible types for comparison"
NOT_BASIC = "invalid type for comparison"


def equal(run: Run, values: Sequence[Value]) -> bool:
    """Whether the first equals any of the others."""
    first, *others = (None if value is MISSING else value for value in values)
    _comparable(first)
    _charge(run, first)
    if not others:
        raise Stopped("missing argument for comparison")
    return any(_same(first, other) for other in others)


def unequal(run: Run, values: Sequence[Value]) -> bool:
    """Whether two differ."""
    return not equal(run, values)


def less(run: Run, values: Sequence[Value]) -> bool:
    """Whether the first is below the second."""
    first, second = values
    _charge(run, first)
    kind, other = _basic(first), _basic(second)
    if not kind or not other:
        raise Stopped(NOT_BASIC)
    if kind != other:
        raise Stopped(INCOMPATIBLE)
    if kind == "bool":
        raise Stopped(NOT_BASIC)
    return bool(str.__lt__(first, second) if kind == "string" else first < second)


def less_or_equal(run: Run, values: Sequence[Value]) -> bool:
    """Whether the first is not above the second."""
    return less(run, values) or equal(run, values)


def greater(run: Run, values: Sequence[Value]) -> bool:
    """Whether the first is above the second."""
    return not less_or_equal(run, values)


def greater_or_equal(run: Run, values: Sequence[Value]) -> bool:
    """Whether the first is not below the second."""
    return not less(run, values)


def _charge(run: Run, value: Value) -> None:
    """Long texts count as work."""
    if isinstance(value, str):
        run.charge(len(value) >> 6)


def _same(first: Value, other: Value) -> bool:
    kind, other_kind = _basic(first), _basic(other)
    if kind == other_kind:
        if kind:
            return bool(str.__eq__(first, other) if kind == "string" else first == other)
        _comparable(other)
        return first is other
    if first is not None and other is not None:
        raise Stopped(INCOMPATIBLE)
    return False


def _comparable(value: Value) -> None:
    if isinstance(value, MapView | ListView):
        raise Stopped(f"uncomparable type {type_name(value)}: {text_of(value)[:200]}")


def _basic(value: Value) -> str:
    """The basic kind; empty where there is none. A json.Number is a kind of string."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    return "string" if isinstance(value, str) else ""
