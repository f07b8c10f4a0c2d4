"""Setting and deleting at a path, as sjson does it: a value in, another one out.

What cannot be done is left undone, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from apiql.frontends.endpoints.json_find import condition
from apiql.frontends.endpoints.json_path import Each, Modified, Name, Path, Query
from apiql.frontends.endpoints.json_value import MISSING, Json, Missing
from apiql.frontends.endpoints.wildcards import matches

MOST_PADDING = 100
"""Elements of null that are put between the end of a list and an index beyond it."""

MOST_PADDED = 10_000
"""Once so many lists and objects were made of one value, nothing is put between any more: who names
the indexes may be an upstream.
"""

END = "-1"
"""The index behind the last element."""

Owned: TypeAlias = dict[int, Json]
"""The lists and objects that were copied, by identity."""

Keys: TypeAlias = tuple[str | int, ...]
"""The way to a place: names of members, indexes of elements."""


def put(value: Json | Missing, path: Path, new: Json, owned: Owned | None = None) -> Json | Missing:
    """With the new value at the path. A path of one place is made where it is not; one with `#`,
    a query or a pattern changes what it finds.

    Who sets much in one value gives `owned`, and the value back each time: what was copied once is
    changed in place from then on.
    """
    if path.is_simple:
        return _made(value, path.steps, new, owned)
    copied: Owned = {}
    for keys in places(value, path):
        value = _set(value, keys, new, copied)
    return value


def without(value: Json, path: Path) -> Json:
    """Without what stands at the path, if that is of one place; `-1` is the last element."""
    return _dropped(value, path.steps) if path.is_simple else value


def places(value: Json | Missing, path: Path) -> tuple[Keys, ...]:
    """The places that a path finds; none where it makes up something of its own, as a count."""
    found = _places(value, path, 0)
    return () if found is None else tuple(found)


def _made(
    value: Json | Missing, steps: Sequence[object], new: Json, owned: Owned | None
) -> Json | Missing:
    """The value with a place in it, made where it is not there; unchanged where it cannot be."""
    if not steps:
        return new
    step = steps[0]
    assert isinstance(step, Name), "the path is one of names"
    if isinstance(value, dict):
        return _with_member(value, step.name, steps, new, owned)
    if isinstance(value, list):
        return _with_element(value, step, steps, new, owned)
    if (step.index is not None or step.name == END) and not step.is_forced:
        return _with_element([], step, steps, new, owned) or value
    return _with_member({}, step.name, steps, new, owned)


def _with_member(
    value: dict[str, Json], name: str, steps: Sequence[object], new: Json, owned: Owned | None
) -> dict[str, Json]:
    inner = _made(value.get(name, MISSING), steps[1:], new, owned)
    if inner is MISSING:
        return value
    own: dict[str, Json] = _own(value, owned)
    own[name] = inner
    return own


def _with_element(
    value: list[Json], step: Name, steps: Sequence[object], new: Json, owned: Owned | None
) -> list[Json]:
    index = len(value) if step.name == END else step.index
    padding = MOST_PADDING if owned is None or len(owned) < MOST_PADDED else 0
    if index is None or step.is_forced or index > len(value) + padding:
        return value
    inner = _made(value[index] if index < len(value) else MISSING, steps[1:], new, owned)
    if inner is MISSING:
        return value
    own: list[Json] = _own(value, owned)
    own.extend([None] * (index + 1 - len(own)))
    own[index] = inner
    return own


def _own(value: Json, owned: Owned | None) -> Json:
    """The list or object itself where it was copied before, else its copy."""
    if owned is not None and id(value) in owned:
        return value
    own = value.copy()
    if owned is not None:
        owned[id(own)] = own
    return own


def _dropped(value: Json, steps: Sequence[object]) -> Json:
    step = steps[0]
    assert isinstance(step, Name), "the path is one of names"
    if isinstance(value, dict) and step.name in value:
        if len(steps) == 1:
            return {name: inner for name, inner in value.items() if name != step.name}
        return {**value, step.name: _dropped(value[step.name], steps[1:])}
    if isinstance(value, list) and value:
        index = len(value) - 1 if step.name == END else step.index
        if index is None or index >= len(value):
            return value
        kept = [] if len(steps) == 1 else [_dropped(value[index], steps[1:])]
        return [*value[:index], *kept, *value[index + 1 :]]
    return value


def _set(value: Json, keys: Keys, new: Json, owned: Owned) -> Json:
    """The value with another one at a place that is there; each list on the way is copied once."""
    if not keys:
        return new
    own = _own(value, owned)
    own[keys[0]] = _set(own[keys[0]], keys[1:], new, owned)
    return own


def _places(value: Json | Missing, path: Path, at: int) -> Iterator[Keys] | None:
    if at == len(path.steps):
        return iter(((),))
    keys: list[str | int]
    match path.steps[at]:
        case Name() as step:
            keys = _named(value, step)
        case Each() if at + 1 < len(path.steps) and isinstance(value, list):
            keys = list(range(len(value)))
        case Query() as query if isinstance(value, list):
            holds = condition(query)
            keys = [index for index, element in enumerate(value) if holds(element)]
            keys = keys if query.is_all else keys[:1]
        case Modified("@this" | "@ugly" | "@pretty"):
            return _places(value, path, at + 1)
        case _:
            return None
    if at + 1 in path.pipes and not isinstance(path.steps[at], Name):
        return None
    inner: Json = value
    return ((key, *rest) for key in keys for rest in _places(inner[key], path, at + 1) or ())


def _named(value: Json | Missing, step: Name) -> list[str | int]:
    if isinstance(value, dict):
        if step.is_pattern:
            return [key for key in value if matches(key, step.name)][:1]
        return [step.name] if step.name in value else []
    if isinstance(value, list) and step.index is not None and step.index < len(value):
        return [step.index]
    return []
