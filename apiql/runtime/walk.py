"""Paths in JSON values: names, indexes, `[]`. Entering a list yields the list of its elements'."""

from __future__ import annotations

from typing import Any

from apiql.runtime.outcome import MISSING, Lost


def by_names(value: Any, names: tuple[str, ...], lacking: Any = None) -> Any:
    """What stands at names joined by dots, or MISSING; in a list, what an element lacks is null
    (or `lacking`).
    """
    for position, name in enumerate(names):
        if isinstance(value, dict):
            value = value.get(name, MISSING)
        elif isinstance(value, list):
            rest = names[position:]
            found = [by_names(item, rest, lacking) for item in value]
            return [lacking if item is MISSING else item for item in found]
        else:
            return value if type(value) is Lost else MISSING
    return value


def by_index(value: Any, index: int) -> Any:
    """The element of a list, counted from 0, or MISSING."""
    if isinstance(value, list) and 0 <= index < len(value):
        return value[index]
    return MISSING


def opened(value: Any) -> Any:
    """The lists in a list as one list, one level; what is no list stays an element."""
    if not isinstance(value, list):
        return value
    flat: list[Any] = []
    for item in value:
        if isinstance(item, list):
            flat += item
        else:
            flat.append(item)
    return flat


def by_key(value: Any, key: Any) -> Any:
    """What stands at an index or a name known only now."""
    if isinstance(key, str):
        return by_names(value, (key,))
    if isinstance(key, int) and not isinstance(key, bool):
        return by_index(value, key)
    return MISSING


def first_missing(value: Any, at: tuple[int, ...] = ()) -> tuple[int, ...] | None:
    """The list indexes of the first missing element, None where every one is there."""
    if value is MISSING:
        return at
    for index, item in enumerate(value) if isinstance(value, list) else ():
        found = first_missing(item, (*at, index))
        if found is not None:
            return found
    return None


def without_missing(value: Any) -> Any:
    """The same lists with null for what is missing in them."""
    if isinstance(value, list):
        return [without_missing(item) for item in value]
    return None if value is MISSING or type(value) is Lost else value
