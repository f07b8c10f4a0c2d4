"""`group by`: rows with equal keys become one row of keys and aggregates."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from apiql.errors import ValueRefused
from apiql.ir.grouping import Groups, aggregate_name, key_name
from apiql.ir.projection import Field, Kept, Named
from apiql.ir.rows import COUNT_ROWS
from apiql.ir.values import Apply, Record, Ref, RowRoot, Value
from apiql.plugins import Function, Registry
from apiql.runtime.decode import Tree, path_tree
from apiql.runtime.evaluate import compile_value
from apiql.runtime.json_values import Json, encode, identity
from apiql.runtime.ordering import Arrange
from apiql.runtime.row_reading import Entry, Fields, values_of
from apiql.runtime.scope import Evaluate, Reads, Scope


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate and what it runs over; the number of rows where `over` is None."""

    function: Function | None
    over: Evaluate | None

    def of(self, rows: list[Entry], scope: Scope) -> Json:
        """Its value for the rows of a group."""
        if self.function is None or self.over is None:
            return len(rows)
        return self.function.apply([values_of(self.over, rows, scope)], scope.moment)


def compile_groups(groups: Groups, functions: Registry, reads: Reads) -> Arrange:
    """From rows to their groups in the order of their first rows, with all that was lifted.

    Groups have no JSON yet. Without keys there is one group of all, also of no rows.
    """
    keys = [compile_value(key, functions, reads) for key in groups.keys]
    aggregates = [_aggregate(found, functions, reads) for found in groups.aggregates]
    names = [key_name(n) for n in range(len(keys))]
    names += [aggregate_name(n) for n in range(len(aggregates))]
    places = {name: place for place, name in enumerate(names)}

    def arrange(entries: list[Entry], scope: Scope) -> list[Entry]:
        found = []
        for key, rows in _grouped(keys, entries, scope):
            values = [*key, *(aggregate.of(rows, scope) for aggregate in aggregates)]
            found.append(Entry(b"", Fields(values, places)))
        return found

    return arrange


def _grouped(
    keys: list[Evaluate], entries: list[Entry], scope: Scope
) -> Iterable[tuple[tuple[Json, ...], list[Entry]]]:
    if not keys:
        return [((), entries)]
    columns = [values_of(key, entries, scope) for key in keys]
    groups: dict[tuple[Hashable, ...], tuple[tuple[Json, ...], list[Entry]]] = {}
    for entry, *values in zip(entries, *columns, strict=True):
        same = tuple(map(identity, values))
        groups.setdefault(same, (tuple(values), []))[1].append(entry)
    return groups.values()


def _aggregate(found: Apply, functions: Registry, reads: Reads) -> Aggregate:
    if found.function == COUNT_ROWS:
        return Aggregate(None, None)
    function = functions.find(found.function)
    if function is None:
        raise ValueRefused(f"there is no function {found.function}()")
    return Aggregate(function, compile_value(found.args[0], functions, reads))


def group_members(fields: Iterable[Field]) -> dict[str, Value]:
    """The members of a group's row: plain paths as keys where they stand, named values."""
    found = tuple(fields)
    tree = path_tree(field.path for field in found if isinstance(field, Kept))
    members: dict[str, Value] = {}
    for field in found:
        if isinstance(field, Named):
            members[field.name] = field.value
        else:
            name = field.path[0]
            members[name] = _kept((name,), tree[name])
    return members


def _kept(path: tuple[str, ...], tree: Tree | None) -> Value:
    if tree is None:
        return Ref(RowRoot(), path)
    return Record(tuple((name, _kept((*path, name), below)) for name, below in tree.items()))


def compile_members(members: Mapping[str, Value], functions: Registry, reads: Reads) -> Arrange:
    """Gives groups their JSON: an object of these members."""
    names = tuple(members)
    evaluators = [compile_value(value, functions, reads) for value in members.values()]

    def arrange(entries: list[Entry], scope: Scope) -> list[Entry]:
        columns = [values_of(evaluate, entries, scope) for evaluate in evaluators]
        for entry, *values in zip(entries, *columns, strict=True):
            entry.json = encode(dict(zip(names, values, strict=True)))
        return entries

    return arrange
