"""The calls of a fan-out: lists of elements -> distinct cells, and results back into the lists.

A nest has the levels of the lists as Python lists. At its leaves stands the number of a cell, or
a gap: None for a null element, `Lost` for one that is missing or whose own call failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from apiql.errors import Code, Failure, ValueRefused
from apiql.runtime.json_values import are_short_integers, are_texts
from apiql.runtime.outcome import MISSING, Lost, Nest, Unmet, at

Elements = tuple[Any, ...]
TOO_DEEP = "`in` walks through lists that are nested too deeply"
MOST_LEVELS = 64
"""Lists in lists that a fan-out goes through: what is made of them later walks as deep."""


@dataclass(frozen=True, slots=True)
class FanLimits:
    """The most distinct elements of one fan-out, the most places in its result, and the most
    bytes of it.
    """

    distinct: int = 100
    places: int = 100_000
    answer_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cells:
    """What a fan-out calls for: the elements of each call, and where its result goes. `places`
    counts the leaves of the nest; `whole`: no element is missing or lost; `alike`: it is one
    list, whose elements are known to be all texts or all integers.
    """

    nest: Nest
    elements: tuple[Elements, ...]
    places: int
    whole: bool
    alike: bool = field(default=False, compare=False)


def cells_of(axes: Sequence[Sequence[Any]], merge: bool, limits: FanLimits, missing: str) -> Cells:
    """The cells of lists of elements: a cross product of axes, the values of one axis in step.

    `merge`: equal elements are one cell. `missing` is the message for elements that are not there.

    Raises:
        Unmet: FANOUT_LIMIT, or ZIP_LENGTH where lists that advance together differ.
        ValueRefused: lists nested too deeply.
    """
    usual = _usual_cells(axes, merge, limits)
    if usual is not None:
        return usual
    trees = [nest_of(values, missing) for values in axes]
    try:
        return _Numbering(merge, limits).cells(trees)
    except RecursionError:
        raise ValueRefused(TOO_DEEP) from None


def _usual_cells(axes: Sequence[Sequence[Any]], merge: bool, limits: FanLimits) -> Cells | None:
    """The cells of one flat list of texts, or of integers of the usual size (that many with one
    hash nobody can make up); None of any other, and where it goes over a limit.
    """
    if len(axes) != 1 or len(axes[0]) != 1 or type(axes[0][0]) is not list:
        return None
    (elements,) = axes[0]
    if len(elements) > limits.places or not (are_texts(elements) or are_short_integers(elements)):
        return None
    called = [*dict.fromkeys(elements)] if merge else elements
    if len(called) > limits.distinct:
        return None
    nest: Nest = [*range(len(called))]
    if len(called) < len(elements):
        numbers = dict(zip(called, nest, strict=True))
        nest = [numbers[element] for element in elements]
    return Cells(nest, tuple(zip(called)), len(elements), whole=True, alike=True)


def nest_of(values: Sequence[Any], missing: str) -> Nest:
    """The nest of one axis: tuples of elements, and gaps. A scalar is a list of one.

    Raises:
        Unmet, ValueRefused: as `cells_of`.
    """
    lists = [value if type(value) is list or value is None else [value] for value in values]
    try:
        return _in_step(lists, (), missing) if len(lists) > 1 else _each(lists[0], missing)
    except RecursionError:
        raise ValueRefused(TOO_DEEP) from None


def _each(value: Any, missing: str) -> Nest:
    if type(value) is list:
        return [_each(item, missing) for item in value]
    if value is None or type(value) is Lost:
        return value
    if value is MISSING:
        return Lost(Failure(Code.MISSING_DEPENDENCY, missing))
    return (value,)


def _in_step(values: list[Any], path: tuple[int, ...], missing: str) -> Nest:
    """Several lists walked together; a gap in one is a gap of all."""
    gaps = [_each(v, missing) for v in values if v is None or v is MISSING or type(v) is Lost]
    if gaps:
        return next((gap for gap in gaps if gap is not None), None)
    lists = [value for value in values if type(value) is list]
    if not lists:
        return tuple(values)
    if len(lists) < len(values) or len({len(found) for found in lists}) > 1:
        raise Unmet(Failure(Code.ZIP_LENGTH, _unequal(values), path=path))
    columns = enumerate(zip(*lists, strict=True))
    return [_in_step(list(found), (*path, number), missing) for number, found in columns]


def _unequal(values: list[Any]) -> str:
    sizes = [str(len(value)) if isinstance(value, list) else "no list" for value in values]
    return f"lists that advance together have unequal lengths: {' and '.join(sizes)}"


class _Numbering:
    """Gives numbers to the cells of a cross product while it walks through it."""

    def __init__(self, merge: bool, limits: FanLimits) -> None:
        self._merge = merge
        self._limits = limits
        self._known: dict[Any, int] = {}
        self._elements: list[Elements] = []
        self._places = 0
        self._whole = True

    def cells(self, trees: Sequence[Nest]) -> Cells:
        """The cells of the product of these nests, the first outermost."""
        nest = self._walk(trees[0], trees[1:], (), 0)
        return Cells(nest, tuple(self._elements), self._places, self._whole)

    def _walk(self, tree: Nest, others: Sequence[Nest], before: Elements, level: int) -> Nest:
        if type(tree) is list:
            if level == MOST_LEVELS:
                raise RecursionError
            return [self._walk(item, others, before, level + 1) for item in tree]
        self._count()
        if type(tree) is not tuple:
            self._whole = self._whole and tree is None
            return tree
        if others:
            return self._walk(others[0], others[1:], (*before, *tree), level)
        return self._number((*before, *tree))

    def _count(self) -> None:
        self._places += 1
        if self._places > self._limits.places:
            raise _too_many("elements", self._limits.places)

    def _number(self, elements: Elements) -> int:
        key = tuple(map(_key, elements)) if self._merge else len(self._elements)
        number = self._known.setdefault(key, len(self._elements))
        if number == len(self._elements):
            if number >= self._limits.distinct:
                raise _too_many("fanout", self._limits.distinct)
            self._elements.append(elements)
        return number


def _too_many(limit: str, allowed: int) -> Unmet:
    kind = "distinct elements" if limit == "fanout" else "elements"
    message = f"`in` walks through more {kind} than the limit {limit} = {allowed}"
    hint = f"narrow the list, or raise [limits] {limit}"
    return Unmet(Failure(Code.FANOUT_LIMIT, message, hint=hint))


def _key(element: Any) -> Any:
    """Elements that are written alike are one: 1 and 1.0 are not."""
    kind = type(element)
    if kind is str or kind is int:
        return element
    if kind is bool:
        return (kind, element)
    if kind is Decimal:
        return (kind, str(element))
    return (kind, repr(element))


# -- results ------------------------------------------------------------------------------------


def filled(nest: Nest, leaves: Sequence[Any], gap: Callable[[Lost | None], Any]) -> Nest:
    """The nest with a value at each leaf; `gap` says what stands where no call was made."""
    if type(nest) is list:
        return [leaves[item] if type(item) is int else filled(item, leaves, gap) for item in nest]
    return leaves[nest] if type(nest) is int else gap(nest)


def joined(nest: Nest, leaves: Sequence[bytes]) -> bytes:
    """The nest as JSON, its leaves as they are."""
    if type(nest) is list:
        items = [leaves[item] if type(item) is int else joined(item, leaves) for item in nest]
        return b"[" + b",".join(items) + b"]"
    return leaves[nest] if type(nest) is int else b"null"


def size_of(nest: Nest, sizes: Sequence[int]) -> int:
    """The bytes that `joined` would make, about."""
    if type(nest) is list:
        return sum([size_of(item, sizes) for item in nest]) + len(nest) + 2
    return sizes[nest] if type(nest) is int else 4


def told(
    nest: Nest, failures: Sequence[Sequence[Failure]], path: tuple[int, ...] = ()
) -> Iterator[Failure]:
    """The failures of every place, each with its list indexes, in order."""
    if type(nest) is list:
        for number, item in enumerate(nest):
            yield from told(item, failures, (*path, number))
    elif type(nest) is int:
        yield from (at(failure, path) for failure in failures[nest])
    elif nest is not None:
        yield at(nest.failure, path)
