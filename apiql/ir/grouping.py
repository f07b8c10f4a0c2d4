"""What of a value is a key or an aggregate of a group, and what is left to compute of them.

Knows values only: front ends ask it what a group lacks, the runtime what to compute for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from apiql.ir.rewrite import rewritten, rewritten_steps
from apiql.ir.rows import AGGREGATES, COUNT_ROWS
from apiql.ir.values import Apply, Ref, RowRoot, Value, ValueRoot, applied, refs

OVER_ROWS = AGGREGATES | {COUNT_ROWS}


def is_aggregate(value: Value) -> bool:
    """Whether it is itself an aggregate: `sum(price)`, `count(*)`."""
    return isinstance(value, Apply) and value.function in OVER_ROWS


def holds_aggregate(value: Value) -> bool:
    """Whether an aggregate is anywhere in it."""
    return not applied(value).isdisjoint(OVER_ROWS)


def row_names(values: Iterable[Value]) -> frozenset[str]:
    """The fields of the row that values read, by the first names of their paths."""
    found = (ref for value in values for ref in refs(value) if isinstance(ref.root, RowRoot))
    return frozenset(ref.path[0] for ref in found if ref.path and isinstance(ref.path[0], str))


def with_names(value: Value, meant: Mapping[str, Value], grouped: bool) -> Value:
    """The value with names of `as` replaced by what they mean. Where rows are grouped, what an
    aggregate runs over is about rows and stays as it is.
    """

    def change(part: Value) -> Value | None:
        if grouped and is_aggregate(part):
            return part
        if not isinstance(part, Ref) or not isinstance(part.root, RowRoot):
            return None
        first = part.path[0] if part.path else None
        if not isinstance(first, str) or first not in meant:
            return None
        steps = rewritten_steps(part.path[1:], change)
        # what is missing in a row is null, and so is what is missing in a value of it
        return Ref(ValueRoot(meant[first]), steps, optional=True) if steps else meant[first]

    return rewritten(value, change)


class Groups:
    """Turns values about groups into values about a row of keys and aggregates.

    Grows with each value: `aggregates` are those met so far; `strays` is what a group has not,
    the fields of a row that no key covers.
    """

    def __init__(self, keys: Sequence[Value]) -> None:
        self.keys = tuple(keys)
        self.aggregates: list[Apply] = []
        self.strays: list[Ref] = []
        self._places = {_spelling(key): key_name(n) for n, key in enumerate(keys)}

    def lifted(self, value: Value) -> Value:
        """The value with each key and each aggregate read from the row of them."""
        return rewritten(value, self._change)

    def _change(self, part: Value) -> Value | None:
        spelled = _spelling(part)
        if spelled not in self._places and is_aggregate(part):
            assert isinstance(part, Apply)
            self._places[spelled] = aggregate_name(len(self.aggregates))
            self.aggregates.append(part)
        if spelled in self._places:
            return Ref(RowRoot(), (self._places[spelled],))
        if isinstance(part, Ref) and isinstance(part.root, RowRoot):
            return self._below_a_key(part)
        return None

    def _below_a_key(self, ref: Ref) -> Ref:
        for length in range(len(ref.path), -1, -1):
            place = self._places.get(_spelling(Ref(ref.root, ref.path[:length])))
            if place is not None:
                rest = rewritten_steps(ref.path[length:], self._change)
                return Ref(RowRoot(), (place, *rest), ref.optional)
        self.strays.append(ref)
        return ref


def key_name(number: int) -> str:
    """The member that holds a key in the row of keys and aggregates."""
    return f"key {number}"


def aggregate_name(number: int) -> str:
    """The member that holds an aggregate there."""
    return f"aggregate {number}"


def _spelling(value: Value) -> str:
    """The same for equal values alone: in Python 1 equals true."""
    return repr(value)
