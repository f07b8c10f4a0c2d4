"""index, slice and len, as Go's templates have them; texts count in bytes."""

from __future__ import annotations

from collections.abc import Sequence

from apiql.gotemplate.budget import Run
from apiql.gotemplate.faults import Stopped
from apiql.gotemplate.values import (
    MISSING,
    Kind,
    ListView,
    MapView,
    Value,
    byte_length,
    seen,
    type_name,
)

_ZERO = {Kind.INT: 0, Kind.TEXT: ""}


def index(run: Run, values: Sequence[Value]) -> Value:
    """The element behind each index in turn; nil for a name that a map does not have."""
    item, *indexes = values
    if item is None or item is MISSING:
        raise Stopped("index of untyped nil")
    for position in indexes:
        if item is None or item is MISSING:
            raise Stopped("index of nil pointer")
        item = _element(run, item, position)
    return item


def _element(run: Run, item: Value, position: Value) -> Value:
    if isinstance(item, MapView):
        return _member(item, position)
    if isinstance(item, ListView):
        at = _whole(position, len(item.raw))
        if at == len(item.raw):
            raise Stopped("reflect: slice index out of range")
        return seen(item.raw[at], item.kind)
    if isinstance(item, str):
        run.charge(len(item) >> 6)
        data = item.encode("utf-8", "replace")
        at = _whole(position, len(data))
        if at == len(data):
            raise Stopped("reflect: string index out of range")
        return data[at]
    raise Stopped(f"can't index item of type {type_name(item)}")


def _member(item: MapView, name: Value) -> Value:
    if name is None or name is MISSING:
        raise Stopped("value is nil; should be of type string")
    if type(name) is not str:
        raise Stopped(f"value has type {type_name(name)}; should be string")
    if name not in item.raw:
        return _ZERO.get(item.kind)
    return seen(item.raw[name], item.kind_of(name))


def _whole(position: Value, most: int) -> int:
    if type(position) is int:
        if not 0 <= position <= most:
            raise Stopped(f"index out of range: {position}")
        return position
    if position is None or position is MISSING:
        raise Stopped("cannot index slice/array with nil")
    raise Stopped(f"cannot index slice/array with type {type_name(position)}")


def slice_of(run: Run, values: Sequence[Value]) -> Value:
    """`item[i:j]` of a list, or of the bytes of a text; a third index changes nothing we show."""
    item, *indexes = values
    if item is None or item is MISSING:
        raise Stopped("slice of untyped nil")
    if len(indexes) > 3:
        raise Stopped(f"too many slice indexes: {len(indexes)}")
    if isinstance(item, str):
        if len(indexes) == 3:
            raise Stopped("cannot 3-index slice a string")
        run.charge(len(item) >> 6)
        data = item.encode("utf-8", "replace")
        start, end = _bounds(indexes, len(data))
        return data[start:end].decode("utf-8", "replace")
    if isinstance(item, ListView):
        run.charge(len(item.raw) >> 6)
        start, end = _bounds(indexes, len(item.raw))
        return ListView(item.raw[start:end], item.kind)
    raise Stopped(f"can't slice item of type {type_name(item)}")


def _bounds(indexes: Sequence[Value], length: int) -> tuple[int, int]:
    given = [_whole(position, length) for position in indexes]
    start, end, *_ = [*given, *(0, length, length)[len(given) :]]
    if start > end:
        raise Stopped(f"invalid slice index: {start} > {end}")
    if len(given) == 3 and end > given[2]:
        raise Stopped(f"invalid slice index: {end} > {given[2]}")
    return start, end


def length(run: Run, values: Sequence[Value]) -> int:
    """The elements of a list or map, the bytes of a text."""
    item = values[0]
    if isinstance(item, MapView | ListView):
        return len(item.raw)
    if isinstance(item, str):
        run.charge(len(item) >> 6)
        return byte_length(item)
    if item is MISSING:
        raise Stopped("reflect: call of reflect.Value.Type on zero Value")
    if item is None:
        raise Stopped("len of nil pointer")
    raise Stopped(f"len of type {type_name(item)}")
