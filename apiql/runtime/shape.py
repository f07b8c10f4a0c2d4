"""Projections in general: any JSON, level by level, decoding only what the projection touches.

An object is shaped, or each object in lists of any depth; scalars pass unchanged. What is kept
is never decoded, so digits and key order survive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw

from apiql.ir.projection import Field, Kept, Named, Projection
from apiql.runtime import walk
from apiql.runtime.decode import (
    Tree,
    Undecodable,
    as_elements,
    as_members,
    as_raw,
    as_value,
    checked,
    compile_keeper,
    path_tree,
    to_json,
)
from apiql.runtime.json_values import encode
from apiql.runtime.outcome import MISSING
from apiql.runtime.scope import Evaluate, Scope

Shape = Callable[[bytes, Scope], bytes]
"""From a body to the JSON that the answer holds of it."""

OBJECT, LIST = b"{", b"["
NOTHING: Tree = {}


@dataclass(slots=True)
class Row:
    """An object whose members are decoded when an expression reads them."""

    members: Mapping[str, Raw]
    _values: dict[str, Any] = field(default_factory=dict)

    def read(self, names: tuple[str, ...]) -> Any:
        """The value at a path of fields; null where there is nothing."""
        if not names:
            return {name: self._value(name) for name in self.members}
        found = walk.by_names(self._value(names[0]), names[1:])
        return None if found is MISSING else found

    def _value(self, name: str) -> Any:
        if name not in self._values:
            raw = self.members.get(name)
            self._values[name] = None if raw is None else as_value(raw)
        return self._values[name]


def compile_shape(projection: Projection, evaluators: Mapping[str, Evaluate]) -> Shape:
    """The shape of a projection; `evaluators` compute its named fields."""
    if projection.is_identity:
        return _whole
    if evaluators or projection.everything:
        return _Walker.of(projection, evaluators).shaped
    tree = _kept_tree(projection)
    keep = compile_keeper(tree, lambda body: _kept(as_raw(body), tree))

    return lambda body, scope: keep(body)


def _kept_tree(projection: Projection) -> Tree:
    return path_tree(f.path for f in projection.fields if isinstance(f, Kept))


def _whole(body: bytes, scope: Scope) -> bytes:
    return checked(bytes(as_raw(body)))


def _kept(raw: Raw, tree: Tree) -> bytes:
    """Only what the tree names, at any depth of lists."""
    data = bytes(raw)
    first = data.lstrip()[:1]
    if first == LIST:
        return b"[" + b",".join([_kept(item, tree) for item in as_elements(data)]) + b"]"
    if first != OBJECT:
        return data
    members = as_members(data)
    pieces = {
        name: bytes(members[name]) if below is None else _kept(members[name], below)
        for name, below in tree.items()
        if name in members
    }
    return _object(pieces)


def _without(raw: Raw, tree: Tree, listed: Tree) -> bytes:
    """All but what the tree names and `listed` does not, at any depth of lists."""
    data = bytes(raw)
    first = data.lstrip()[:1]
    if first == LIST:
        items = [_without(item, tree, listed) for item in as_elements(data)]
        return b"[" + b",".join(items) + b"]"
    if first != OBJECT:
        return data
    return _object(_left(as_members(data), tree, listed))


def _left(members: Mapping[str, Raw], tree: Tree, listed: Tree) -> dict[str, bytes]:
    pieces = {}
    for name, raw in members.items():
        out, back = tree.get(name, NOTHING), listed.get(name, NOTHING)
        if back is None or (out is not None and not out):
            pieces[name] = bytes(raw)
        elif out is not None:
            pieces[name] = _without(raw, out, back)
        elif back:
            pieces[name] = _kept(raw, back)
    return pieces


def _object(pieces: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join([to_json(name) + b":" + raw for name, raw in pieces.items()]) + b"}"


@dataclass(frozen=True, slots=True)
class _Walker:
    """Shapes with exclusions or named fields."""

    everything: bool
    excluded: Tree
    kept: Tree
    fields: tuple[Field, ...]
    evaluators: Mapping[str, Evaluate]

    @classmethod
    def of(cls, projection: Projection, evaluators: Mapping[str, Evaluate]) -> _Walker:
        """The walker of a projection."""
        excluded = path_tree(projection.excluded)
        kept = _kept_tree(projection)
        return cls(projection.everything, excluded, kept, projection.fields, evaluators)

    def shaped(self, body: bytes, scope: Scope) -> bytes:
        try:
            return checked(self._shaped(as_raw(body), scope))
        except RecursionError:
            raise Undecodable("it is nested too deeply") from None
        finally:
            scope.row = None

    def _shaped(self, raw: Raw, scope: Scope) -> bytes:
        data = bytes(raw)
        first = data.lstrip()[:1]
        if first == LIST:
            items = [self._shaped(item, scope) for item in as_elements(data)]
            return b"[" + b",".join(items) + b"]"
        if first != OBJECT:
            return data
        return self._row(as_members(data), scope)

    def _row(self, members: Mapping[str, Raw], scope: Scope) -> bytes:
        pieces = _left(members, self.excluded, self.kept) if self.everything else {}
        scope.row = Row(members)
        for item in self.fields:
            match item:
                case Kept((name, *_)) if name in members and not self.everything:
                    below = self.kept[name]
                    raw = members[name]
                    pieces[name] = bytes(raw) if below is None else _kept(raw, below)
                case Named(name):
                    value = self.evaluators[name](scope)
                    pieces[name] = encode(None if value is MISSING else value)
                case _:
                    pass
        return _object(pieces)
