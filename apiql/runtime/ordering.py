"""`order by`: rows by their keys, stable, nulls where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from apiql.errors import ValueRefused
from apiql.ir.rows import SortKey
from apiql.runtime.json_values import Json, a_kind, kind
from apiql.runtime.row_reading import Entry, values_of
from apiql.runtime.scope import Evaluate, Scope

ORDERED = frozenset({"number", "text", "boolean"})

Arrange = Callable[[list[Entry], Scope], list[Entry]]
"""From rows to those that go on, in their order."""


def compile_order(keys: Sequence[SortKey], evaluators: Sequence[Evaluate]) -> Arrange:
    """The order by these keys, whose values the evaluators find."""

    def arrange(entries: list[Entry], scope: Scope) -> list[Entry]:
        columns = [values_of(evaluate, entries, scope) for evaluate in evaluators]
        order = list(range(len(entries)))
        for key, values in reversed(list(zip(keys, columns, strict=True))):
            _refuse_unlike(values)
            order = _sorted(order, values, key)
        return [entries[number] for number in order]

    return arrange


def _sorted(order: list[int], values: list[Json], key: SortKey) -> list[int]:
    nulls = [number for number in order if values[number] is None]
    others = [number for number in order if values[number] is not None]
    others.sort(key=values.__getitem__, reverse=key.descending)
    return nulls + others if key.nulls_first else others + nulls


def _refuse_unlike(values: Sequence[Json]) -> None:
    """Numbers are ordered among themselves, texts by code point, false before true."""
    one_of_each_type = {type(value): value for value in values if value is not None}
    kinds = {kind(value) for value in one_of_each_type.values()}
    if len(kinds) <= 1 and kinds <= ORDERED:
        return
    found = dict.fromkeys(a_kind(value) for value in values if value is not None)
    raise ValueRefused(
        f"order by wants numbers alone or texts alone, got {' and '.join(found)}",
        "number(…) makes a number of a text, string(…) a text of a number",
    )
