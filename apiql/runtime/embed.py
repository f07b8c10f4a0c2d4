"""Results inside one another: what comes in is walked in step with the lists of where it goes.

From JSON bytes to JSON bytes, level by level: members that no path names are never decoded. Knows
nothing of plans, calls or failures; what does not fit is told as a `Misfit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from msgspec import Raw

from apiql.runtime.append import appended
from apiql.runtime.decode import Undecodable, as_elements, as_members, to_json
from apiql.runtime.insertion import (
    LIST,
    NULL,
    OBJECT,
    Insertion,
    Misfit,
    Nest,
    NotAnObject,
    TooLarge,
    Unequal,
    by_position,
    json_list,
    kind_of,
)


def embedded(
    target: Nest, insertions: Iterable[Insertion], most_bytes: int
) -> tuple[Nest, tuple[Misfit, ...]]:
    """The target (projected) with all that comes into it, and what of it did not fit.

    All insertions take one walk: an inner one drops rows, and the others stay in step with them.
    A dropped element leaves a JSON list; in a level of a fan-out, or where there is no list, it
    is null. What does not fit is null at all its places. Names of insertions differ.

    Raises:
        TooLarge: the target would have more than `most_bytes`; found before it is built.
        Undecodable: the target is no JSON.
    """
    going, misfits = list(insertions), list[Misfit]()
    if not going:
        return target, ()
    while True:
        root = _Node.of(going)
        try:
            nests = [insertion.nest for insertion in root.inside]
            return _Walk(most_bytes).leaves(root, target, nests, ()), tuple(misfits)
        except Misfit as misfit:
            misfits.append(misfit)
            going = [_nulled(each) if each.name == misfit.name else each for each in going]
        except RecursionError:
            raise Undecodable("it is nested too deeply") from None


def _nulled(insertion: Insertion) -> Insertion:
    return by_position(insertion.name, insertion.path, NULL)


def _merged(there: bytes | None, coming: bytes) -> bytes:
    """An object merges into an object, all else takes the place of what is there."""
    if there is None or there.lstrip()[:1] != OBJECT or coming.lstrip()[:1] != OBJECT:
        return coming
    return to_json(as_members(there) | as_members(coming))


@dataclass(frozen=True, slots=True)
class _Node:
    """A name on the paths: what ends here, the names below, all that goes further in the order
    of these names, and how many both are: nests stand in this order.
    """

    ends: tuple[Insertion, ...]
    below: Mapping[str, _Node]
    inside: tuple[Insertion, ...]
    width: int

    @classmethod
    def of(cls, insertions: Iterable[Insertion], depth: int = 0) -> _Node:
        ends: list[Insertion] = []
        further: dict[str, list[Insertion]] = {}
        for insertion in insertions:
            if len(insertion.path) == depth:
                ends.append(insertion)
            else:
                further.setdefault(insertion.path[depth], []).append(insertion)
        below = {name: cls.of(found, depth + 1) for name, found in further.items()}
        every = ((*node.ends, *node.inside) for node in below.values())
        inside = tuple(chain.from_iterable(every))
        return cls(tuple(ends), below, inside, len(ends) + len(inside))


@dataclass(slots=True)
class _Walk:
    """One walk of a target; `written` counts the bytes of the leaves that are done.

    Its steps return None where an inner insertion found nothing: up to the list around it.
    """

    most: int
    written: int = 0

    def leaves(
        self, node: _Node, target: Nest, nests: Sequence[Any], at: tuple[int | str, ...]
    ) -> Nest:
        """The levels of a fan-out, kept as they are."""
        if isinstance(target, list):
            rows = _in_step(node.inside, len(target), nests, at)
            steps = enumerate(zip(target, rows, strict=True))
            return [self.leaves(node, item, row, (*at, index)) for index, (item, row) in steps]
        done = self._entered(node, target, nests, at) or NULL
        self.written += len(done)
        if self.written > self.most:
            raise TooLarge(self.most)
        return done

    def _entered(
        self, node: _Node, data: bytes, nests: Sequence[Any], at: tuple[int | str, ...]
    ) -> bytes | None:
        """A value that a path goes through."""
        first = data.lstrip()[:1]
        if first == OBJECT:
            return self._members(node, as_members(data), nests, at)
        if first == LIST:
            items = as_elements(data)
            quick = self._appended(node, data, items, nests, at)
            return quick or json_list(self._elements(node, items, nests, at), self.most)
        return self._passed(node, data, nests, at)

    def _appended(
        self, node: _Node, data: bytes, items: list[Raw], nests: Sequence[Any],
        at: tuple[int | str, ...],
    ) -> bytes | None:  # fmt: skip
        """The usual case: one thing comes in, as a new member of each object."""
        if len(node.inside) != 1 or node.inside[0].inner:
            return None
        ((name, below),) = node.below.items()
        if below.below:
            return None
        (insertion,) = node.inside
        (parts,) = _columns(node.inside, len(items), nests, at)
        find, most, nothing = insertion.find, self.most, insertion.nothing
        return appended(data, items, name, (find(p, most) or nothing for p in parts), most)

    def _elements(
        self, node: _Node, items: list[Raw], nests: Sequence[Any], at: tuple[int | str, ...]
    ) -> Iterator[bytes]:
        rows = _in_step(node.inside, len(items), nests, at)
        for index, (item, row) in enumerate(zip(items, rows, strict=True)):
            found = self._entered(node, bytes(item), row, (*at, index))
            if found is not None:
                yield found

    def _members(
        self, node: _Node, members: dict[str, Raw], nests: Sequence[Any], at: tuple[int | str, ...]
    ) -> bytes | None:
        start = 0
        for name, below in node.below.items():
            end = start + below.width
            there = members.get(name)
            data = None if there is None else bytes(there)
            found = self._put(below, data, nests[start:end], (*at, name))
            if found is None:
                return None
            members[name] = Raw(found)
            start = end
        return to_json(members)

    def _put(
        self, node: _Node, data: bytes | None, nests: Sequence[Any], at: tuple[int | str, ...]
    ) -> bytes | None:
        """The member at a name: what ends here comes into it before what goes further."""
        for insertion, nest in zip(node.ends, nests, strict=False):
            found = insertion.find(nest, self.most)
            if found is None and insertion.inner:
                return None
            data = _merged(data, insertion.nothing if found is None else found)
        if not node.below:
            return data
        return self._entered(node, data or b"{}", nests[len(node.ends) :], at)

    def _passed(
        self, node: _Node, data: bytes, nests: Sequence[Any], at: tuple[int | str, ...]
    ) -> bytes | None:
        """Null stays null; another scalar stays where nothing would have gone into it."""
        is_null = data.strip() == NULL
        for insertion, nest in zip(node.inside, nests, strict=True):
            if is_null and not insertion.inner:
                continue
            found = insertion.find(nest, self.most)
            if found is None and insertion.inner:
                return None
            if found is not None and not is_null:
                raise NotAnObject(insertion.name, at, kind_of(data))
        return data


def _in_step(
    insertions: Sequence[Insertion],
    length: int,
    nests: Sequence[Any],
    at: tuple[int | str, ...],
) -> Iterator[tuple[Any, ...]]:
    """For each element of a list its part of each nest."""
    return zip(*_columns(insertions, length, nests, at), strict=True)


def _columns(
    insertions: Sequence[Insertion],
    length: int,
    nests: Sequence[Any],
    at: tuple[int | str, ...],
) -> list[Iterable[Any]]:
    """What of each nest goes to the elements of a list; what has no level there is repeated."""
    columns: list[Iterable[Any]] = []
    for insertion, nest in zip(insertions, nests, strict=True):
        if not isinstance(nest, list):
            columns.append(repeat(nest, length))
        elif len(nest) == length:
            columns.append(nest)
        else:
            raise Unequal(insertion.name, at, length, len(nest))
    return columns
