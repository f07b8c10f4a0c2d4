"""Joins by key: rows are found by a hash of their keys. Keys are values read before projection,
rows the JSON that is embedded. Knows nothing of plans, calls or failures.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal
from itertools import chain
from typing import Any, TypeAlias

from msgspec import Raw

from apiql.errors import ValueRefused
from apiql.runtime.decode import as_elements
from apiql.runtime.insertion import (
    LIST,
    NULL,
    OBJECT,
    Find,
    Insertion,
    Nest,
    NotAnObject,
    Path,
    json_list,
    kind_of,
)
from apiql.runtime.json_values import number_text

Row: TypeAlias = tuple[Any, bytes]
"""The value of a row's key, and its projected JSON."""


def opened(result: Nest) -> Nest:
    """A result whose JSON lists, down to the rows in them, are levels like those of its fan-out:
    what drops rows of it leaves null, so that keys stay in step.
    """
    if isinstance(result, list):
        return [opened(item) for item in result]
    if result.lstrip()[:1] != LIST:
        return result
    return [opened(bytes(item)) for item in as_elements(result)]


def rows_of(result: Nest, keys: Any) -> list[Row]:
    """The objects in the lists of a result (projected), each with its key; null is no row.

    `keys` are those of the result, nested as its lists are.

    Raises:
        NotAnObject: a number, text or boolean is no row; its `name` is left empty.
    """
    return list(_rows(result, keys, ()))


def _rows(result: Nest | Raw, keys: Any, at: tuple[int, ...]) -> Iterator[Row]:
    if isinstance(result, list):
        yield from _each(result, keys, at)
        return
    data = bytes(result)
    first = data.lstrip()[:1]
    if first == OBJECT:
        yield keys, data
    elif first == LIST:
        yield from _each(as_elements(data), keys, at)
    elif data.strip() != NULL:
        raise NotAnObject("", at, kind_of(data))


def _each(items: Iterable[Nest | Raw], keys: Any, at: tuple[int, ...]) -> Iterator[Row]:
    for index, (item, key) in enumerate(zip(items, keys, strict=True)):
        yield from _rows(item, key, (*at, index))


def by_key(
    name: str, path: Path, keys: Any, rows: Iterable[Row], *, many: bool, inner: bool
) -> Insertion:
    """Rows that go where their key is that of the target.

    `keys` are the target's, nested as the lists on the path are; a list that is left over stands
    for its elements, on either side. The first match or null, with `many` the list of all: in the
    order of the target's keys, then of the rows, each row once.
    """
    found = list(rows)
    if not many:
        first: dict[Hashable, bytes] = {}
        for own, data in found:
            for key in _hashed(own):
                first.setdefault(key, data)
        return Insertion(name, path, keys, _first_in(first), inner=inner)
    numbers: dict[Hashable, list[int]] = {}
    for number, (own, _) in enumerate(found):
        for key in _hashed(own):
            numbers.setdefault(key, []).append(number)
    all_in = _all_in(numbers, [data for _, data in found])
    return Insertion(name, path, keys, all_in, nothing=b"[]", inner=inner)


def _first_in(first: dict[Hashable, bytes]) -> Find:
    def find(keys: Any, most: int) -> bytes | None:
        return next((first[key] for key in _hashed(keys) if key in first), None)

    return find


def _all_in(numbers: dict[Hashable, list[int]], rows: list[bytes]) -> Find:
    def find(keys: Any, most: int) -> bytes | None:
        lists = (numbers[key] for key in _hashed(keys) if key in numbers)
        matches = dict.fromkeys(chain.from_iterable(lists))
        return json_list((rows[number] for number in matches), most) if matches else None

    return find


def _hashed(value: Any) -> Iterator[Hashable]:
    """The keys that a value stands for: none for null, what is missing and an object."""
    match value:
        case list():
            for item in value:
                yield from _hashed(item)
        case bool() | str():
            yield value
        case int() | Decimal():
            yield _number_key(value)
        case _:
            pass


def _number_key(value: int | Decimal) -> Hashable:
    """The shortest text of a number: 1, 1.0 and the text `1` are one key, the text `01` is another.

    What is too long to be written is equal to numbers alone.
    """
    if not value:
        return "0"
    try:
        text = number_text(value)
    except ValueRefused:
        return value
    return text.rstrip("0").rstrip(".") if "." in text else text
