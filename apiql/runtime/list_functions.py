"""Functions over lists and objects: aggregates, ends, slices, members.

Aggregates do as SQL does: nulls in the list are left out, an empty list makes null, and
`count` counts what is not null (`length` counts everything).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import cast

from apiql.plugins import Function
from apiql.runtime.arguments import items, members, numbers, refused, whole
from apiql.runtime.json_values import Json, Number, identity
from apiql.runtime.operators import add, compare, divide


def total_of(found: list[Number]) -> Number:
    """The sum by the operator `+`, 34 digits; 0 of none."""
    result: Number = 0
    for item in found:
        result = cast(Number, add(result, item))
    return result


def _length(value: Json) -> int:
    if not isinstance(value, str | list | dict):
        raise refused("length", "a text, list or object", value)
    return len(value)


def _count(value: Json) -> int:
    return sum(item is not None for item in items("count", value))


def _sum(value: Json) -> Number | None:
    found = numbers("sum", value)
    return total_of(found) if found else None


def _avg(value: Json) -> Number | None:
    found = numbers("avg", value)
    return divide(total_of(found), len(found)) if found else None


def _min(value: Json) -> Json:
    return _extreme("min", value, lambda order: order < 0)


def _max(value: Json) -> Json:
    return _extreme("max", value, lambda order: order > 0)


def _extreme(name: str, value: Json, wins: Callable[[int], bool]) -> Json:
    best: Json = None
    for item in items(name, value):
        order = compare(f"{name}()", item, item if best is None else best)
        if order is not None and (best is None or wins(order)):
            best = item
    return best


def _first(value: Json) -> Json:
    found = items("first", value)
    return found[0] if found else None


def _last(value: Json) -> Json:
    found = items("last", value)
    return found[-1] if found else None


def _slice(value: Json, start: Json, end: Json = None) -> Json:
    if not isinstance(value, str | list):
        raise refused("slice", "a text or list", value)
    stop = None if end is None else whole("slice", end)
    return value[whole("slice", start) : stop]


def _distinct(value: Json) -> list[Json]:
    firsts: dict[object, Json] = {}
    for item in items("distinct", value):
        firsts.setdefault(identity(item), item)
    return list(firsts.values())


def _flatten(value: Json) -> list[Json]:
    levels = (item if isinstance(item, list) else [item] for item in items("flatten", value))
    return list(chain.from_iterable(levels))


def _keys(value: Json) -> list[Json]:
    return list(members("keys", value))


def _values(value: Json) -> list[Json]:
    return list(members("values", value).values())


def _merge(*values: Json) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for value in values:
        merged |= members("merge", value)
    return merged


LIST_FUNCTIONS: tuple[Function, ...] = (
    Function("length", _length, 1, 1, doc="Characters, elements or members, nulls included."),
    Function("count", _count, 1, 1, doc="The elements of a list that are not null."),
    Function("sum", _sum, 1, 1, doc="The sum of the numbers in a list."),
    Function("min", _min, 1, 1, doc="The least of the numbers, or of the texts, in a list."),
    Function("max", _max, 1, 1, doc="The greatest of the numbers, or texts, in a list."),
    Function("avg", _avg, 1, 1, doc="The mean of the numbers in a list."),
    Function("first", _first, 1, 1, doc="The first element of a list; null if it is empty."),
    Function("last", _last, 1, 1, doc="The last element of a list; null if it is empty."),
    Function(
        "slice",
        _slice,
        2,
        3,
        doc="A list or text from a position, 0 the first, up to another: negative ones count"
        " from the end.",
    ),
    Function("distinct", _distinct, 1, 1, doc="A list without what it has already had."),
    Function("flatten", _flatten, 1, 1, doc="The lists in a list opened, one level."),
    Function("keys", _keys, 1, 1, doc="The names of an object's members."),
    Function("values", _values, 1, 1, doc="The values of an object's members."),
    Function("merge", _merge, 1, None, doc="Objects as one; members further right win."),
)
"""Every function defined here, with its arity and the line the docs show."""
