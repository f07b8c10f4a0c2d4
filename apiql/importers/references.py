"""`$ref` within one document, and what schemas say once `allOf` is put together. Nothing remote is
read; a circle ends where it begins again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from apiql.importers.documents import shown
from apiql.importers.imported import Tell

MOST_STEPS = 32
MOST_MEMBERS = 500
TYPES = ("string", "integer", "number", "boolean", "object", "array")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema says: its type, its members with theirs, and which are required."""

    type: str = "any"
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    is_open: bool = False
    """Whether it may be one of several shapes."""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document, to find in it what is referred to."""

    root: dict[str, Any]
    tell: Tell

    def resolved(self, node: Any, at: str) -> dict[str, Any]:
        """The object itself, or the one that its `$ref` leads to; empty where it leads nowhere."""
        seen: set[str] = set()
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            pointer = node["$ref"]
            if pointer in seen or len(seen) >= MOST_STEPS:
                self.tell(at, f"$ref {shown(pointer)} goes round in a circle; not taken")
                return {}
            seen.add(pointer)
            node = self._found(pointer, at)
        return node if isinstance(node, dict) else {}

    def _found(self, pointer: str, at: str) -> Any:
        if not pointer.startswith("#"):
            self.tell(at, f"$ref {shown(pointer)} is another document; nothing remote is read")
            return None
        node: Any = self.root
        for part in pointer[1:].split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and key.isascii() and key.isdigit() and len(key) < 9:
                node = node[int(key)] if int(key) < len(node) else None
            else:
                node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            self.tell(at, f"$ref {shown(pointer)} leads to no object; not taken")
        return node

    def shape(self, schema: Any, at: str) -> Shape:
        """What a schema says with all of its `allOf`."""
        waiting, seen = [schema], set[int]()
        kinds: list[str] = []
        members: dict[str, dict[str, Any]] = {}
        required: set[str] = set()
        is_open = False
        while waiting:
            found = self.resolved(waiting.pop(), at)
            if id(found) in seen:
                continue
            seen.add(id(found))
            kinds += _types(found)
            members |= {k: v for k, v in _members(found).items() if k not in members}
            required |= {name for name in _list(found.get("required")) if isinstance(name, str)}
            is_open |= any(found.get(key) for key in ("oneOf", "anyOf"))
            waiting += reversed(_list(found.get("allOf")))
        kind = kinds[0] if kinds else "object" if members else "any"
        if len(members) > MOST_MEMBERS:
            self.tell(at, f"more than {MOST_MEMBERS} members; it is taken as a whole")
            return Shape(kind, is_open=True)
        return Shape(kind, members, frozenset(required), is_open)


def _types(schema: dict[str, Any]) -> list[str]:
    """Its types but null; OpenAPI 3.1 may name several."""
    told = schema.get("type")
    kinds = [told] if isinstance(told, str) else _list(told)
    known = [kind for kind in kinds if isinstance(kind, str) and kind in TYPES]
    return known if len(known) < 2 else ["any"]


def _members(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = schema.get("properties")
    if not isinstance(found, dict):
        return {}
    return {name: inner if isinstance(inner, dict) else {} for name, inner in found.items()}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
