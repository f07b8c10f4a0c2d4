"""Which members a model has, under which spellings, and what stands in each. Knows no document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from apiql.documents.shape import Older, Renamed, Shape, Words


class Slot(NamedTuple):
    """A member of a model: its name, the model in it (or in each of its elements, or under each of
    its names), its words.
    """

    name: str
    model: type[Shape] | None
    is_listed: bool
    is_named: bool
    is_free: bool
    words: Words | None
    renamed: Renamed | None


class Spelling(NamedTuple):
    """What a spelling means, and whether it is an older one."""

    slot: Slot
    is_older: bool


@lru_cache(maxsize=64)
def spellings(model: type[Shape]) -> Mapping[str, Spelling]:
    """All spellings of all members, folded: names are matched whatever their case."""
    slots = {name: _slot(field) for name, field in model.model_fields.items()}
    found = {
        older.casefold(): Spelling(slots[name], True)
        for name, field in model.model_fields.items()
        for older in _older(field)
    }
    found |= {slot.name.casefold(): Spelling(slot, False) for slot in slots.values()}
    return MappingProxyType(found)


def names(model: type[Shape]) -> tuple[str, ...]:
    """The members of a model as one writes them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _slot(field: FieldInfo) -> Slot:
    model, around = _model(field.annotation)
    return Slot(
        field.alias or "",
        model,
        around is tuple,
        around is dict,
        _is_free(field.annotation),
        next((m for m in field.metadata if isinstance(m, Words)), None),
        next((m for m in field.metadata if isinstance(m, Renamed)), None),
    )


def _is_free(annotation: Any) -> bool:
    """Whether any names may stand in it."""
    if annotation is Any or get_origin(annotation) is dict:
        return True
    return any(get_origin(inner) is dict for inner in get_args(annotation))


def _older(field: FieldInfo) -> Iterator[str]:
    for mark in field.metadata:
        if isinstance(mark, Older):
            yield from mark.names


def _model(annotation: Any) -> tuple[type[Shape] | None, Any]:
    """The model inside of `X | None`, `tuple[X, ...]` or `dict[str, X]`, and what is around it."""
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return annotation, None
    for inner in get_args(annotation):
        found, _ = _model(inner)
        if found is not None:
            return found, get_origin(annotation)
    return None, None
